//! The agent: one for each site's API server. A cycle reads everything, decides purely, and writes what differs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_api::{Mode, Site, SiteAssignment, conditions::reasons};
use commonwatt_fleet::Slots;
use commonwatt_store::{Failure, StatusWrite, Store, StoreError, at_most, list};

use crate::decide::{Decided, decide};
use crate::dereference::{Seen, dereference};
use crate::epochs::Epochs;
use crate::hours::{DataFolder, read_signal};
use crate::keeper::Keeper;
use crate::model::{Signals, SiteModel};
use crate::situation::{Asked, Situation};
use crate::snapshot::{Said, Snapshot};
use crate::stage::Stage;

/// The longest time until the next look, seconds, when nothing else happens: prices and ages of signals move on.
const LOOK_SECONDS: i64 = 30;
/// How often load is let follow a limit that climbs, seconds.
const CLIMB_SECONDS: i64 = 5;

/// Sites of one server that are worked on at once.
const SITES: usize = 4;

/// A hub that this agent talks to.
#[derive(Clone)]
pub struct HubLink {
    /// Its name, as sites list it.
    pub name: String,
    /// Its API server.
    pub store: Arc<dyn Store>,
}

/// The agent of one API server.
pub struct Agent {
    /// The site's API server.
    pub store: Arc<dyn Store>,
    /// Hubs that can be spoken to.
    pub hubs: Vec<HubLink>,
    /// Hubs that cannot, by name, and why: no kubeconfig, or one that does not work.
    pub unlinked: BTreeMap<String, String>,
    /// The ledger. Shared with whoever makes pages of it.
    pub keeper: Arc<Mutex<Keeper>>,
    /// Files that signals name.
    pub data: DataFolder,
    /// How far this agent may go; each site may be more cautious.
    pub mode: Mode,
}

/// Everything that a cycle found.
#[derive(Debug, Default)]
pub struct Cycle {
    /// Sites by name.
    pub sites: BTreeMap<String, Snapshot>,
    /// Failed writes: the next cycle tries them again.
    pub failures: Vec<Failure>,
    /// Writes that were made.
    pub writes: usize,
    /// What was seen on the site's API server.
    pub seen: Seen,
    /// Hubs that did not answer in this cycle, and what came instead. They are not asked again in the same cycle: a
    /// hub that swallows packets must not hold up a site once per object.
    pub silent_hubs: BTreeMap<String, String>,
}

impl Agent {
    /// One cycle at `now`.
    ///
    /// # Errors
    /// When the site's own API server cannot be read. Failed writes are no error: they are in [`Cycle::failures`].
    pub async fn cycle(&self, now: DateTime<Utc>) -> Result<Cycle, StoreError> {
        let seen = dereference(self.store.as_ref()).await?;
        let mut cycle = Cycle::default();
        self.say_malformed(&seen, now, &mut cycle).await;
        let signals: Signals = seen
            .signals
            .iter()
            .map(|(name, signal)| {
                (
                    name.clone(),
                    (signal.clone(), read_signal(signal, &self.data)),
                )
            })
            .collect();
        self.say_signals(&signals, now, &mut cycle).await;
        let mut heard = Vec::new();
        for site in &seen.sites {
            let name = site.metadata.name.clone().unwrap_or_default();
            let mut asked = self.asked(&name, site, &mut cycle).await;
            let mut site = site.as_ref().clone();
            self.remember_epochs(&mut site, &seen.records, &mut asked, &mut cycle)
                .await;
            heard.push((site, asked));
        }
        let stages: Vec<Stage<'_>> = heard
            .iter()
            .map(|(site, asked)| Stage::of(&seen, &signals, site, now, asked))
            .collect();
        let silent = cycle.silent_hubs.clone();
        let sites = stages.iter().map(|stage| self.site_alone(stage, &silent));
        for (stage, (snapshot, part)) in stages.iter().zip(at_most(SITES, sites.collect()).await) {
            cycle.absorb(part);
            cycle.sites.insert(stage.name().to_owned(), snapshot);
        }
        drop(stages);
        self.report(&seen, now, &mut cycle).await;
        cycle.seen = seen;
        Ok(cycle)
    }

    /// What every hub asks of a site. A hub that cannot be reached asks nothing; what was admitted goes on.
    async fn asked(&self, name: &str, site: &Site, cycle: &mut Cycle) -> Vec<Asked> {
        let mut asked = Vec::new();
        for hub in self.hubs_of(site) {
            if cycle.silent_hubs.contains_key(&hub.name) {
                continue;
            }
            match list::<SiteAssignment>(hub.store.as_ref(), Some(&namespace_of(name))).await {
                Ok(listed) => {
                    for malformed in &listed.malformed {
                        let name = malformed.object.name();
                        let message = format!("SiteAssignment {name}: {}", malformed.why);
                        cycle.failures.push(Failure::new(reasons::INVALID, message));
                    }
                    asked.extend(
                        listed
                            .objects
                            .into_iter()
                            .filter(|a| a.spec.site == name)
                            .map(|assignment| Asked {
                                record: record_name(name, &hub.name, &assignment),
                                hub: hub.name.clone(),
                                assignment,
                            }),
                    );
                }
                Err(error) => cycle.hub_failed(&hub.name, "its assignments", &error),
            }
        }
        asked
    }

    /// Hubs that a site lists and that can be spoken to.
    pub(crate) fn hubs_of<'a>(&'a self, site: &'a Site) -> impl Iterator<Item = &'a HubLink> {
        self.hubs
            .iter()
            .filter(|hub| site.spec.hubs.iter().any(|share| share.name == hub.name))
    }

    /// One site, beside the others of its server.
    async fn site_alone(
        &self,
        stage: &Stage<'_>,
        silent_hubs: &BTreeMap<String, String>,
    ) -> (Snapshot, Cycle) {
        let mut part = Cycle {
            silent_hubs: silent_hubs.clone(),
            ..Cycle::default()
        };
        let snapshot = self.site_cycle(stage, &mut part).await;
        (snapshot, part)
    }

    /// Decides and writes for one site.
    async fn site_cycle(&self, stage: &Stage<'_>, cycle: &mut Cycle) -> Snapshot {
        let name = stage.site.metadata.name.clone().unwrap_or_default();
        let charged = stage.charged();
        let passed = self
            .keeper
            .lock()
            .map_err(|_| "the ledger is broken".to_owned())
            .and_then(|mut keeper| keeper.advance(&name, stage.now));
        if let Err(error) = passed {
            cycle.failures.push(Failure::new(
                Failure::LEDGER,
                format!("ledger of {name}: {error}"),
            ));
        }
        let mut problems = Vec::new();
        let model = {
            let Ok(keeper) = self.keeper.lock() else {
                cycle
                    .failures
                    .push(Failure::new(Failure::LEDGER, "the ledger is broken"));
                return stage.snapshot(None, Decided::default(), problems);
            };
            SiteModel::read(
                stage.site,
                stage.seen,
                stage.signals,
                &*keeper,
                charged,
                stage.now,
                &stage.slots,
                &mut problems,
            )
        };
        let model = match model {
            Ok(model) => model,
            Err(problem) => {
                // A site that cannot be read keeps what it admitted and takes nothing new.
                problems.push(problem);
                let mut snapshot = stage.snapshot(None, Decided::default(), problems);
                snapshot.said.site = self.say_site(stage, &snapshot, cycle).await;
                return snapshot;
            }
        };
        let decided = decide(&Situation {
            model: &model,
            now: stage.now,
            mode: self.mode.min(stage.site.spec.mode),
            shared_server: stage.seen.sites.len() > 1,
            records: &stage.records,
            observed: &stage.observed,
            asked: stage.asked,
            nodes: &stage.nodes,
            adapters: &stage.seen.adapters,
            workloads: &stage.seen.workloads,
            autoscalers: &stage.seen.autoscalers,
            epochs: &Epochs::said(stage.site),
            local_jobs: &stage.local_jobs,
        });
        let records = self.enact(stage, &model, &decided, cycle).await;
        let mut said = Said::default();
        self.answer(stage, &decided, &records, &mut said, cycle)
            .await;
        self.offer(stage, &model, cycle).await;
        let mut snapshot = stage.snapshot(Some(model), decided, problems);
        snapshot.records = records
            .into_iter()
            .map(|(name, record)| {
                let observed = stage.observed.get(&name).copied().unwrap_or_default();
                (name, (record, observed))
            })
            .collect();
        said.site = self.say_site(stage, &snapshot, cycle).await;
        self.say_limits(stage, &snapshot, &mut said, cycle).await;
        snapshot.said = said;
        self.keep(&name, &mut snapshot, stage.now, cycle);
        snapshot
    }
}

impl Cycle {
    /// How soon after `now` a cycle is worth it though nothing has happened: a limit falls, an hour begins, or as long
    /// as nothing should go unlooked at.
    pub fn next_look(&self, now: DateTime<Utc>) -> TimeDelta {
        let hour = Slots::hourly(now, 1).end(0);
        // A limit that falls is looked at in that second; one that climbs every few, so that load follows its ramp.
        let changes = |ahead: i64| {
            let at = now + TimeDelta::seconds(ahead);
            self.sites
                .values()
                .filter_map(|site| site.model.as_ref())
                .any(|model| {
                    let pue = model.hours.first().map_or(1.0, |hour| hour.pue);
                    let (then, now) = (model.limits.at(at, pue), model.limits.at(now, pue));
                    then.watts < now.watts || (ahead >= CLIMB_SECONDS && then.watts > now.watts)
                })
        };
        let soon = (1..LOOK_SECONDS)
            .find(|ahead| now + TimeDelta::seconds(*ahead) >= hour || changes(*ahead))
            .map(TimeDelta::seconds);
        soon.unwrap_or(TimeDelta::seconds(LOOK_SECONDS))
    }

    /// Takes over what came of a part of the work that was done beside others.
    pub(crate) fn absorb(&mut self, part: Self) {
        self.writes += part.writes;
        self.failures.extend(part.failures);
        self.silent_hubs.extend(part.silent_hubs);
    }

    /// Counts a status write, or keeps its failure.
    pub(crate) fn note(&mut self, what: &str, result: Result<StatusWrite, StoreError>) {
        match result {
            Ok(StatusWrite::Written) => self.writes += 1,
            // Gone meanwhile: there is nobody left to tell.
            Ok(StatusWrite::Same) | Err(StoreError::NotFound(_)) => {}
            Err(error) => self.failures.push(Failure::of(what, &error)),
        }
    }

    /// Keeps a failure of a hub; one that did not answer is not asked again in this cycle.
    pub(crate) fn hub_failed(&mut self, hub: &str, what: &str, error: &StoreError) {
        self.failures
            .push(Failure::of(format!("hub {hub}: {what}"), error));
        if matches!(error, StoreError::Unreachable(_)) {
            self.silent_hubs.insert(hub.to_owned(), error.to_string());
        }
    }
}

/// The namespace of a site on a hub.
pub fn namespace_of(site: &str) -> String {
    format!("site-{site}")
}

/// The name of an assignment's record: unique over sites and hubs that share a server.
fn record_name(site: &str, hub: &str, assignment: &SiteAssignment) -> String {
    format!(
        "{site}.{hub}.{}",
        assignment.metadata.name.as_deref().unwrap_or_default()
    )
}
