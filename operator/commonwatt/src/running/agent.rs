//! An agent's loop: stand for election on the site's own API server, so that two agents never act at once, and turn.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Context as _;
use commonwatt_api::Site;
use commonwatt_kubernetes::{Election, KubeStore, Lead, Metrics};
use commonwatt_site::{Agent, Cycle, DataFolder, Keeper};
use commonwatt_store::{Clock, Failure, Store, StoreError, list};
use kube::Client;
use tokio::sync::watch;

use super::guard::Guarded;
use super::links::Links;
use super::pace::{Bell, Pace, Went};
use super::reach::Reach;
use super::{Context, Waited, until_ended, wait_to_lead};
use crate::journal::FileJournal;
use crate::measure::{self, Standing};

/// The lease of a cluster's agent.
pub const LEASE: &str = "commonwatt-site";
const ROLE: &str = "site";

/// An API server with sites.
#[derive(Clone)]
pub struct Place {
    /// What it is called here: `local`, or the Secret with its kubeconfig.
    pub name: String,
    /// Its API server.
    pub client: Client,
    /// Where its lease is.
    pub namespace: String,
    /// The folder of its ledger.
    pub ledger: PathBuf,
}

/// The agent of a place.
pub struct Role {
    context: Context,
    place: Place,
    store: Arc<KubeStore>,
    links: Links,
    /// Leases of others that must hold as well: the hub's, for an agent in its process.
    leads: Vec<Lead>,
    reach: Option<Reach>,
    told: Vec<String>,
    standing: Standing,
}

impl Role {
    /// An agent that speaks to hubs through `links`.
    pub fn new(context: &Context, place: Place, links: Links) -> Self {
        Self {
            context: context.clone(),
            store: Arc::new(KubeStore::new(
                place.client.clone(),
                context.metrics.clone(),
            )),
            standing: Standing::new(&context.metrics, ROLE, &place.name),
            place,
            links,
            leads: Vec::new(),
            reach: None,
            told: Vec::new(),
        }
    }

    /// The same for a site that the hub of this process reaches with a kubeconfig.
    #[must_use]
    pub fn on_behalf_of(mut self, hub: Lead, reach: Reach) -> Self {
        self.leads.push(hub);
        self.reach = Some(reach);
        self
    }

    /// Runs until `ended`.
    ///
    /// # Errors
    /// When the ledger cannot be read: without it, what was used is not known.
    pub async fn run(mut self, ended: watch::Receiver<bool>) -> anyhow::Result<()> {
        let settings = self.context.settings.clone();
        let leadership = Election::new(
            self.place.client.clone(),
            &self.place.namespace,
            LEASE,
            &settings.identity,
        )
        .start();
        let lead = leadership.lead();
        let mut leads = self.leads.clone();
        leads.push(lead.clone());
        let store = Guarded::new(
            "site",
            self.store.clone(),
            leads.clone(),
            self.context.halt.clone(),
        );
        let bell = Bell::default();
        self.links.under(&leads, self.context.halt.as_ref(), &bell);
        // News at the site, and what the hub of this process has written: its store is shared, and says nothing of it.
        let following = (
            bell.follow(&self.store),
            bell.follow_bell(&self.context.sites_bell),
        );
        let result = loop {
            if !self.until_leading(&lead, ended.clone()).await {
                break Ok(());
            }
            let mut agent = match self.agent(store.clone()) {
                Ok(agent) => agent,
                Err(error) => break Err(error),
            };
            self.standing.leads();
            self.turns(&mut agent, &lead, &bell, ended.clone()).await;
            self.standing.waits(false);
            if *ended.borrow() {
                break Ok(());
            }
        };
        drop(following);
        self.context.board.forget(&self.place.name);
        leadership.resign().await;
        result
    }

    /// Waits for the lease, and says meanwhile why it cannot be had. False when asked to end.
    async fn until_leading(&mut self, lead: &Lead, mut ended: watch::Receiver<bool>) -> bool {
        loop {
            match wait_to_lead(lead, &mut ended).await {
                Waited::Leads => return true,
                Waited::Ended => return false,
                Waited::Longer => {}
            }
            self.standing.waits(lead.trouble().is_some());
            match (&mut self.reach, lead.trouble()) {
                (Some(reach), Some(error)) => {
                    reach.failed(&error, self.context.clock.now()).await;
                }
                (None, Some(error)) => {
                    tracing::warn!(%error, "the lease of the site's agent cannot be had");
                }
                (None, None) => self.context.readiness.up_if_standby(ROLE, lead),
                (Some(_), None) => {}
            }
        }
    }

    fn is_local(&self) -> bool {
        self.reach.is_none()
    }

    /// The agent, with the ledger as whoever led before has left it.
    fn agent(&self, store: Arc<dyn Store>) -> anyhow::Result<Agent> {
        let folder = &self.place.ledger;
        let journal = FileJournal::open(folder).map_err(anyhow::Error::msg)?;
        let (keeper, problems) = Keeper::open(Arc::new(journal))
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("the ledger in {}", folder.display()))?;
        for problem in problems {
            tracing::warn!(
                place = self.place.name,
                problem,
                "a line of the ledger cannot be read"
            );
        }
        Ok(Agent {
            store,
            hubs: Vec::new(),
            unlinked: std::collections::BTreeMap::new(),
            keeper: Arc::new(Mutex::new(keeper)),
            data: DataFolder::new(self.context.settings.data.clone()),
            mode: self.context.settings.mode,
        })
    }

    async fn turns(
        &mut self,
        agent: &mut Agent,
        lead: &Lead,
        bell: &Bell,
        mut ended: watch::Receiver<bool>,
    ) {
        let mut pace = Pace::new(&self.context.clock, bell);
        let mut lost = lead.changes();
        loop {
            pace.begin();
            let round = self.round(agent, &mut pace);
            let Some(went) = until_ended(round, ended.clone()).await else {
                return;
            };
            if went == Went::Well {
                self.standing.done();
            }
            if went == Went::Well && self.is_local() {
                self.context.readiness.up(ROLE);
            }
            tokio::select! {
                () = pace.wait(went) => {}
                _ = lost.wait_for(|leads| !*leads) => return,
                _ = ended.wait_for(|ended| *ended) => return,
            }
            if !lead.is_leader() {
                return;
            }
        }
    }

    async fn round(&mut self, agent: &mut Agent, pace: &mut Pace) -> Went {
        let begun = Instant::now();
        let now = self.context.clock.now();
        let sites = match list::<Site>(self.store.as_ref(), None).await {
            Ok(listed) => listed.objects,
            Err(error) => return self.failed(&error, begun).await,
        };
        (agent.hubs, agent.unlinked) = self.links.to(&sites).await;
        match agent.cycle(now).await {
            Ok(cycle) => {
                pace.due_in(&self.context.clock, cycle.next_look(now));
                self.done(agent, cycle, begun, now).await
            }
            Err(error) => self.failed(&error, begun).await,
        }
    }

    async fn failed(&mut self, error: &StoreError, begun: Instant) -> Went {
        let metrics = &self.context.metrics;
        metrics.reconciled(ROLE, error.reason(), begun.elapsed());
        metrics.failed(ROLE, &Failure::of("round", error));
        tracing::warn!(place = self.place.name, %error, "the agent could not do its round");
        if let Some(reach) = &mut self.reach {
            reach.failed(error, self.context.clock.now()).await;
        }
        Went::Badly
    }

    async fn done(
        &mut self,
        agent: &Agent,
        cycle: Cycle,
        begun: Instant,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Went {
        let metrics = &self.context.metrics;
        let fine = cycle.failures.is_empty() && cycle.silent_hubs.is_empty();
        let result = if fine { "ok" } else { "incomplete" };
        metrics.reconciled(ROLE, result, begun.elapsed());
        metrics.wrote(ROLE, cycle.writes);
        if cycle.writes > 0 {
            tracing::info!(
                place = self.place.name,
                writes = cycle.writes,
                sites = cycle.sites.len(),
                "acted"
            );
            self.context.hub_bell.ring();
        }
        tell_failures(metrics, ROLE, &cycle.failures);
        self.tell_problems(&cycle);
        let metrics = &self.context.metrics;
        measure::sites(metrics, &self.place.name, agent.mode, &cycle);
        if let Some(reach) = &mut self.reach {
            // Lists come from watches, and go on being answered while the server is away.
            match self.store.trouble() {
                Some(error) => reach.failed(&error, now).await,
                None => reach.reached(cycle.sites.keys(), now).await,
            }
        }
        self.context
            .board
            .server(&self.place.name, Arc::new(cycle), agent.keeper.clone(), now);
        if fine { Went::Well } else { Went::Badly }
    }
}

impl Role {
    /// What is wrong with objects here is on their conditions; the log says it once.
    fn tell_problems(&mut self, cycle: &Cycle) {
        let problems = cycle.sites.values().flat_map(|site| &site.problems);
        let problems =
            problems.map(|p| format!("{} {}: {}: {}", p.kind, p.name, p.reason, p.message));
        let now: Vec<String> = problems.collect();
        for problem in now.iter().filter(|problem| !self.told.contains(problem)) {
            tracing::warn!(place = self.place.name, problem, "an object cannot be used");
        }
        self.told = now;
    }
}

/// Failures of single writes: the next round tries them again.
pub fn tell_failures(metrics: &Metrics, role: &str, failures: &[Failure]) {
    for failure in failures {
        metrics.failed(role, failure);
        tracing::warn!(role, reason = failure.reason, %failure, "not done; it is tried again");
    }
}
