//! The hub's loop: stand for election, lead, plan, publish; and the agents of sites whose kubeconfig it holds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use commonwatt_api::SiteOffer;
use commonwatt_hub::{Cycle, Hub, Identity, Planning, Problem};
use commonwatt_kubernetes::{Election, KubeStore, Lead};
use commonwatt_site::HubLink;
use commonwatt_store::{Clock, Failure, Kind, Object, Store, StoreError};
use kube::Client;

use super::guard::Guarded;
use super::pace::{Pace, Went, pause};
use super::remotes::Remotes;
use super::{Context, Waited, agent, until_ended, wait_to_lead};
use crate::measure::{self, Standing};

/// The lease of a cluster's hub.
pub const LEASE: &str = "commonwatt-hub";
const ROLE: &str = "hub";
/// How often, and how many times, a new hub looks for a first offer.
const LOOK_FOR_OFFERS: Duration = Duration::from_millis(200);
const FIRST_OFFERS: u32 = 20;
/// How long sites are given to answer before what they were asked is said to be pending.
const ANSWERS: Duration = Duration::from_secs(2);
/// How soon the others come once one is there.
const OTHERS_FOLLOW: Duration = Duration::from_secs(1);

/// The hub of this process.
pub struct Role {
    context: Context,
    client: Client,
    store: Arc<KubeStore>,
    told: Mutex<Vec<Problem>>,
    standing: Standing,
}

impl Role {
    /// A hub on the cluster of `client`.
    pub fn new(context: &Context, client: Client) -> Self {
        Self {
            context: context.clone(),
            store: Arc::new(KubeStore::new(client.clone(), context.metrics.clone())),
            client,
            told: Mutex::default(),
            standing: Standing::new(&context.metrics, ROLE, &context.settings.hub_name),
        }
    }

    /// How an agent of this process speaks to this hub. It writes under its own lease.
    pub fn link(&self) -> HubLink {
        HubLink {
            name: self.context.settings.hub_name.clone(),
            store: self.store.clone(),
        }
    }

    /// Runs until the process is asked to end.
    ///
    /// # Errors
    /// When its memory is broken.
    pub async fn run(self) -> anyhow::Result<()> {
        let settings = &self.context.settings;
        let uid = tokio::select! {
            uid = self.cluster() => uid,
            () = self.context.end() => return Ok(()),
        };
        tracing::info!(hub = settings.hub_name, uid, mode = ?settings.mode, "the hub is up");
        let leadership = Election::new(
            self.client.clone(),
            &settings.namespace,
            LEASE,
            &settings.identity,
        )
        .start();
        let lead = leadership.lead();
        let store = Guarded::new(
            "hub",
            self.store.clone(),
            vec![lead.clone()],
            self.context.halt.clone(),
        );
        let identity = Identity {
            name: settings.hub_name.clone(),
            uid,
        };
        let hub = Hub::new(store, identity, settings.mode, Planning::Commonwatt);
        let mut remotes = Remotes::new(&self.context, self.link(), lead.clone());
        let mut ended = self.context.ended.clone();
        let following = self.context.hub_bell.follow(&self.store);
        let result = loop {
            match wait_to_lead(&lead, &mut ended).await {
                Waited::Leads => {}
                Waited::Ended => break Ok(()),
                Waited::Longer => {
                    self.standing.waits(lead.trouble().is_some());
                    self.context.readiness.up_if_standby(ROLE, &lead);
                    continue;
                }
            }
            self.standing.leads();
            let result = self.lead(&hub, &lead, &mut remotes).await;
            self.standing.waits(false);
            hub.step_down();
            remotes.stop().await;
            if result.is_err() || *self.context.ended.borrow() {
                break result;
            }
        };
        drop(following);
        leadership.resign().await;
        result
    }

    /// The uid of this cluster, which tells this hub from another of the same name.
    async fn cluster(&self) -> String {
        let mut failures = 0;
        loop {
            let begun = Instant::now();
            match self.store.get(&Kind::NAMESPACE, None, "kube-system").await {
                Ok(Some(namespace)) => return namespace.uid().to_owned(),
                Ok(None) => tracing::warn!("there is no namespace kube-system here"),
                Err(error) => tracing::warn!(%error, "the API server cannot be read"),
            }
            failures += 1;
            tokio::time::sleep(pause(failures, begun)).await;
        }
    }

    /// Leads until the lease is lost or the process is asked to end.
    async fn lead(&self, hub: &Hub, lead: &Lead, remotes: &mut Remotes) -> anyhow::Result<()> {
        let mut pace = Pace::new(&self.context.clock, &self.context.hub_bell);
        let mut lost = lead.changes();
        remotes.follow(&self.store).await;
        tokio::select! {
            () = self.first_offers() => {}
            _ = lost.wait_for(|leads| !*leads) => return Ok(()),
            () = self.context.end() => return Ok(()),
        }
        loop {
            pace.begin();
            remotes.follow(&self.store).await;
            let round = self.round(hub, &mut pace);
            let Some(went) = until_ended(round, self.context.ended.clone()).await else {
                return Ok(());
            };
            let went = went?;
            if went == Went::Well {
                self.context.readiness.up(ROLE);
                self.standing.done();
            }
            tokio::select! {
                () = pace.wait(went) => {}
                _ = lost.wait_for(|leads| !*leads) => return Ok(()),
                () = self.context.end() => return Ok(()),
            }
            if !lead.is_leader() {
                return Ok(());
            }
        }
    }

    /// A hub that has no offers yet gives sites a moment: whoever offers first would get all there is to place, and moving
    /// it afterwards costs more than waiting. Where nobody offers anything it goes on, and says so of each deployment.
    async fn first_offers(&self) {
        for look in 0..FIRST_OFFERS {
            let offers = self.store.list(&Kind::of::<SiteOffer>(), None).await;
            let offers = offers.unwrap_or_default();
            let offers_hours = |offer: &Arc<Object>| {
                let hours = offer.at("spec.hours").and_then(serde_json::Value::as_array);
                hours.is_some_and(|hours| !hours.is_empty())
            };
            if offers.iter().any(offers_hours) {
                if look > 0 {
                    tokio::time::sleep(OTHERS_FOLLOW).await;
                }
                return;
            }
            tokio::time::sleep(LOOK_FOR_OFFERS).await;
        }
    }

    async fn round(&self, hub: &Hub, pace: &mut Pace) -> anyhow::Result<Went> {
        let begun = Instant::now();
        let now = self.context.clock.now();
        let metrics = &self.context.metrics;
        match hub.cycle(now).await {
            Ok(cycle) => {
                let result = if cycle.failures.is_empty() {
                    "ok"
                } else {
                    "incomplete"
                };
                metrics.reconciled(ROLE, result, begun.elapsed());
                self.tell(&cycle);
                measure::hub(metrics, &cycle, now);
                let went = if cycle.failures.is_empty() {
                    Went::Well
                } else {
                    Went::Badly
                };
                pace.rest_after(cycle.planning);
                if cycle.writes > 0 {
                    pace.due_within(ANSWERS);
                }
                self.context.board.hub(Arc::new(cycle), now);
                Ok(went)
            }
            // Nothing that a later round could mend.
            Err(error @ StoreError::Invalid(_)) => Err(anyhow!("hub: {error}")),
            Err(error) => {
                metrics.reconciled(ROLE, error.reason(), begun.elapsed());
                metrics.failed(ROLE, &Failure::of("round", &error));
                tracing::warn!(%error, "the hub could not do its round; what sites admitted goes on");
                // Another leader was faster, or the server was away: take the lead anew before the next write.
                if matches!(error, StoreError::Conflict(_)) {
                    hub.step_down();
                }
                Ok(Went::Badly)
            }
        }
    }

    fn tell(&self, cycle: &Cycle) {
        let metrics = &self.context.metrics;
        metrics.wrote(ROLE, cycle.writes);
        if cycle.writes > 0 {
            tracing::info!(
                writes = cycle.writes,
                deployments = cycle.world.deployments.len(),
                sites = cycle.world.sites.len(),
                cost = cycle.plan.objective.total.0,
                "planned"
            );
            // Agents of this process share the store, whose own writes are no news.
            self.context.sites_bell.ring();
        }
        self.tell_problems(cycle);
        for finding in &cycle.findings {
            metrics.failed(ROLE, &Failure::new(Failure::AUDIT, finding.to_string()));
            tracing::error!(%finding, "the audit refused the plan; nothing was published");
        }
        agent::tell_failures(metrics, ROLE, &cycle.failures);
    }

    /// What is wrong with objects here is on their conditions; the log says it once.
    fn tell_problems(&self, cycle: &Cycle) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for problem in cycle
            .problems
            .iter()
            .filter(|problem| !told.contains(problem))
        {
            let what = if problem.noted {
                "something is wrong with an object"
            } else {
                "an object cannot be used"
            };
            tracing::warn!(
                kind = problem.kind,
                name = problem.name,
                reason = problem.reason,
                why = problem.message,
                "{what}"
            );
        }
        told.clone_from(&cycle.problems);
    }
}
