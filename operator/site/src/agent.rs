//! The agent: one for each site's API server. A cycle reads everything, decides purely, and writes what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_api::{
    AdmissionRecord, Mode, Site, SiteAssignment, SubjectKind, WaterBasis, annotations,
};
use commonwatt_fleet::{Slots, Watts};
use commonwatt_ledger::{Limit, WaterCategory};
use commonwatt_store::{Object, Store, StoreError, list};

use crate::breaches::Against;
use crate::decide::{Asked, Decided, LocalJob, Situation, decide, local_key, scheduled};
use crate::dereference::{Seen, dereference};
use crate::evidence::Facility;
use crate::hours::{DataFolder, SignalState, read_signal, state_of};
use crate::inventory::{self, Node, Owner, accelerators_of, charge};
use crate::keeper::{Draw, Keeper};
use crate::model::{Problem, Signals, SiteModel};
use crate::workload::{Observed, find, observe};

/// Hours that are offered ahead.
pub const HORIZON_HOURS: usize = 48;

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

/// A site as the last cycle left it: what pages and metrics show.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What was read of it; none where it could not be.
    pub model: Option<SiteModel>,
    /// The site.
    pub site: Site,
    /// Facility watts and what can be shed.
    pub facility: Facility,
    /// IT watts of ready work.
    pub draw: Watts,
    /// IT watts charged.
    pub charged: Watts,
    /// The limit in force.
    pub limit: Watts,
    /// Who set it.
    pub set_by: String,
    /// Accelerators by product: total and requested.
    pub accelerators: BTreeMap<String, (u32, u32)>,
    /// Admissions with their observation.
    pub records: BTreeMap<String, (AdmissionRecord, Observed)>,
    /// How its signals stand.
    pub signals: BTreeMap<String, SignalState>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Everything that a cycle found.
#[derive(Debug, Default)]
pub struct Cycle {
    /// Sites by name.
    pub sites: BTreeMap<String, Snapshot>,
    /// Failed writes, in words: the next cycle tries them again.
    pub failures: Vec<String>,
    /// Writes that were made.
    pub writes: usize,
    /// What was seen on the site's API server.
    pub seen: Seen,
    /// Hubs that did not answer in this cycle, and what came instead. They are not asked again in the same cycle: a
    /// hub that swallows packets must not hold up a site once per object.
    pub silent_hubs: BTreeMap<String, String>,
}

/// A site between reading and writing.
pub(crate) struct Stage<'a> {
    pub seen: &'a Seen,
    pub signals: &'a Signals,
    pub site: &'a Site,
    pub now: DateTime<Utc>,
    pub slots: Slots,
    pub records: BTreeMap<String, AdmissionRecord>,
    pub observed: BTreeMap<String, Observed>,
    pub nodes: BTreeMap<String, Node>,
    pub asked: Vec<Asked>,
    pub local_jobs: Vec<LocalJob>,
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
        for site in &seen.sites {
            let stage = self.stage(&seen, &signals, site, now, &mut cycle).await;
            let snapshot = self.site_cycle(&stage, &mut cycle).await;
            cycle
                .sites
                .insert(site.metadata.name.clone().unwrap_or_default(), snapshot);
        }
        self.report(&seen, now, &mut cycle).await;
        cycle.seen = seen;
        Ok(cycle)
    }

    /// Collects what concerns one site.
    async fn stage<'a>(
        &self,
        seen: &'a Seen,
        signals: &'a Signals,
        site: &'a Site,
        now: DateTime<Utc>,
        cycle: &mut Cycle,
    ) -> Stage<'a> {
        let name = site.metadata.name.clone().unwrap_or_default();
        let records: BTreeMap<String, AdmissionRecord> = seen
            .records
            .iter()
            .filter(|record| record.spec.site == name)
            .map(|record| {
                (
                    record.metadata.name.clone().unwrap_or_default(),
                    record.clone(),
                )
            })
            .collect();
        let mut observed = BTreeMap::new();
        let mut selectors = Vec::new();
        for (record_name, record) in &records {
            let spec = &record.spec;
            let Some(adapter) = seen.adapters.get(&spec.workload.adapter) else {
                continue;
            };
            let found = find(
                &seen.workloads,
                &spec.workload.adapter,
                &spec.object.namespace,
                &spec.object.name,
            );
            let job = spec.subject.kind == SubjectKind::Job;
            let state = found.map_or_else(Observed::default, |object| {
                observe(adapter, object, &seen.pods, job)
            });
            if let Some(selector) = found.and_then(|object| object.at(&adapter.spec.selector_path))
            {
                selectors.push((
                    record_name.clone(),
                    spec.object.namespace.clone(),
                    selector.clone(),
                ));
            }
            observed.insert(record_name.clone(), state);
        }
        let mut nodes = inventory::nodes(&seen.nodes, &site.spec.node_selector);
        charge(&mut nodes, &seen.pods, |pod| {
            let owner = selectors.iter().find(|(_, namespace, selector)| {
                pod.namespace() == Some(namespace) && inventory::selects(selector, pod)
            });
            owner.map_or(Owner::Other, |(record, _, _)| Owner::Record(record.clone()))
        });
        let local_jobs = local_jobs(seen, site, &nodes);
        let asked = self.asked(&name, site, cycle).await;
        let slots = Slots::hourly(now, HORIZON_HOURS);
        Stage {
            seen,
            signals,
            site,
            now,
            slots,
            records,
            observed,
            nodes,
            asked,
            local_jobs,
        }
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
                        cycle.failures.push(format!(
                            "SiteAssignment {}: {}",
                            malformed.object.name(),
                            malformed.why
                        ));
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

    /// Decides and writes for one site.
    async fn site_cycle(&self, stage: &Stage<'_>, cycle: &mut Cycle) -> Snapshot {
        let name = stage.site.metadata.name.clone().unwrap_or_default();
        let charged = stage.charged();
        let mut problems = Vec::new();
        let model = {
            let Ok(keeper) = self.keeper.lock() else {
                cycle.failures.push("the ledger is broken".into());
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
                let snapshot = stage.snapshot(None, Decided::default(), problems);
                self.say_site(stage, &snapshot, cycle).await;
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
            asked: &stage.asked,
            nodes: &stage.nodes,
            adapters: &stage.seen.adapters,
            workloads: &stage.seen.workloads,
            local_jobs: &stage.local_jobs,
        });
        let records = self.enact(stage, &model, &decided, cycle).await;
        self.answer(stage, &decided, &records, cycle).await;
        self.offer(stage, &model, cycle).await;
        let mut snapshot = stage.snapshot(Some(model), decided, problems);
        snapshot.records = records
            .into_iter()
            .map(|(name, record)| {
                let observed = stage.observed.get(&name).copied().unwrap_or_default();
                (name, (record, observed))
            })
            .collect();
        self.say_site(stage, &snapshot, cycle).await;
        self.say_limits(stage, &snapshot, cycle).await;
        self.keep(&name, &snapshot, stage.now, cycle);
        snapshot
    }

    /// Takes note of the draw for the ledger.
    fn keep(&self, name: &str, snapshot: &Snapshot, now: DateTime<Utc>, cycle: &mut Cycle) {
        let Some(model) = &snapshot.model else { return };
        let Some(hour) = model.hours.first() else {
            return;
        };
        let category = match model.waters.first().map(|water| water.basis) {
            Some(WaterBasis::Potable) => WaterCategory::Potable,
            Some(WaterBasis::Reclaimed) => WaterCategory::Reclaimed,
            _ => WaterCategory::Unstated,
        };
        let unmanaged = model.limits.unmanaged_facility(hour.pue);
        let draw = Draw {
            it: snapshot.draw,
            facility: snapshot.facility.drawn,
            wue: hour.wue,
            average_carbon: hour.average_carbon,
            marginal_carbon: hour.marginal_carbon,
            category,
            limit: Limit {
                value: (snapshot.limit.scaled_up(hour.pue) + unmanaged).0 as f64,
                set_by: snapshot.set_by.clone(),
            },
        };
        let kept = self
            .keeper
            .lock()
            .map_err(|_| "the ledger is broken".to_owned());
        let limits = against(snapshot, model, hour.pue, unmanaged);
        let kept = kept.and_then(|mut keeper| {
            keeper.look(name, now, draw)?;
            keeper.watch(name, now, limits)
        });
        if let Err(error) = kept {
            cycle.failures.push(format!("ledger of {name}: {error}"));
        }
    }
}

/// How long load may take to fall under a limit that no event gives a ramp for, seconds: pods get time to end.
const FALL_SECONDS: i64 = 900;

/// What a site's limits are and what is held against them now: facility watts charged, litres used.
fn against(snapshot: &Snapshot, model: &SiteModel, pue: f64, unmanaged: Watts) -> Vec<Against> {
    let ramp = model
        .limits
        .calls
        .iter()
        .find(|call| snapshot.set_by == format!("gridevent/{}", call.name))
        .map_or(FALL_SECONDS, |call| call.ramp_seconds);
    let power = Against {
        which: snapshot.set_by.clone(),
        set_by: snapshot.set_by.clone(),
        limit: (snapshot.limit.scaled_up(pue) + unmanaged).0 as f64,
        value: snapshot.facility.charged.0 as f64,
        unit: "W",
        allowed_seconds: ramp,
        why: "what was admitted had not gone when the time to fall was over".into(),
    };
    let water = model.waters.iter().map(|water| Against {
        which: format!("waterbudget/{}", water.name),
        set_by: water.stage.as_ref().map_or_else(
            || format!("waterbudget/{}", water.name),
            |(stage, authority, _)| format!("{stage}, declared by {authority}"),
        ),
        limit: water.cap,
        value: water.used,
        unit: "L",
        allowed_seconds: 0,
        why: "what was used or not recorded in this period is above the cap".into(),
    });
    std::iter::once(power).chain(water).collect()
}

impl Stage<'_> {
    pub(crate) fn name(&self) -> &str {
        self.site.metadata.name.as_deref().unwrap_or_default()
    }

    /// IT watts charged: ceilings, or what still runs where that is more, and local batch.
    pub(crate) fn charged(&self) -> Watts {
        let records: Watts = self
            .records
            .iter()
            .map(|(name, record)| {
                let actual = self
                    .observed
                    .get(name)
                    .map_or(0, |observed| observed.actual);
                let ceiling = u32::try_from(record.spec.ceiling).unwrap_or(0);
                Watts(record.spec.workload.watts).times(ceiling.max(actual))
            })
            .sum();
        records
            + self
                .local_jobs
                .iter()
                .filter(|job| job.running)
                .map(|job| job.watts)
                .sum()
    }

    /// How the site stands.
    fn snapshot(
        &self,
        model: Option<SiteModel>,
        decided: Decided,
        problems: Vec<Problem>,
    ) -> Snapshot {
        let pue = model
            .as_ref()
            .and_then(|model| model.hours.first())
            .map_or(1.0, |hour| hour.pue);
        let in_force = model.as_ref().map(|model| model.limits.at(self.now, pue));
        let unmanaged = model
            .as_ref()
            .map_or(Watts::ZERO, |model| model.limits.unmanaged_facility(pue));
        let ready: Watts = self
            .records
            .iter()
            .map(|(name, record)| {
                let observed = self.observed.get(name).copied().unwrap_or_default();
                Watts(record.spec.workload.watts).times(observed.ready)
            })
            .sum();
        let local: Watts = self
            .local_jobs
            .iter()
            .filter(|job| job.running)
            .map(|job| job.watts)
            .sum();
        let draw = ready + local;
        let ceilings: Watts = decided.ladder.watts;
        let still = self.charged_after(&decided);
        let mut accelerators: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for node in self.nodes.values() {
            let entry = accelerators.entry(node.product.clone()).or_default();
            entry.0 += node.allocatable;
            entry.1 += node.requested.values().sum::<u32>().min(node.allocatable);
        }
        let charged = ceilings.max(still);
        Snapshot {
            facility: Facility {
                drawn: draw.scaled_up(pue) + unmanaged,
                charged: charged.scaled_up(pue) + unmanaged,
                sheddable: self.sheddable().scaled_down(pue),
            },
            site: self.site.clone(),
            draw,
            charged,
            limit: in_force.as_ref().map_or(Watts::ZERO, |limit| limit.watts),
            set_by: in_force.map_or_else(|| "unreadable".into(), |limit| limit.set_by),
            accelerators,
            records: BTreeMap::new(),
            signals: self.signal_states(),
            problems,
            model,
        }
    }

    /// Watts of the decided ceilings, or of what still runs where that is more.
    fn charged_after(&self, decided: &Decided) -> Watts {
        let of = |name: &String, ceiling: u32| {
            let record = self.records.get(name);
            let actual = self
                .observed
                .get(name)
                .map_or(0, |observed| observed.actual);
            record.map_or(Watts::ZERO, |record| {
                Watts(record.spec.workload.watts).times(ceiling.max(actual))
            })
        };
        let records: Watts = decided
            .ladder
            .ceilings
            .iter()
            .filter(|(name, _)| self.records.contains_key(*name))
            .map(|(name, ceiling)| of(name, *ceiling))
            .sum();
        let local: Watts = self
            .local_jobs
            .iter()
            .filter(|job| {
                job.running && decided.ladder.ceilings.contains_key(&local_key(&job.name))
            })
            .map(|job| job.watts)
            .sum();
        records + local
    }

    /// IT watts that can go without draining.
    fn sheddable(&self) -> Watts {
        let records = self.records.values().map(|record| {
            let ceiling = u32::try_from(record.spec.ceiling).unwrap_or(0);
            let (min, _) = scheduled(&record.spec.schedule, self.now);
            let watts = Watts(record.spec.workload.watts);
            match record.spec.subject.kind {
                SubjectKind::Job if record.spec.workload.suspendable => watts.times(ceiling),
                SubjectKind::Job => Watts::ZERO,
                SubjectKind::ModelDeployment => watts.times(ceiling.saturating_sub(min)),
            }
        });
        let local = self
            .local_jobs
            .iter()
            .filter(|job| job.running)
            .map(|job| job.watts);
        records.chain(local).sum()
    }

    fn signal_states(&self) -> BTreeMap<String, SignalState> {
        let named = &self.site.spec.signals;
        let names = [
            Some(&named.price),
            Some(&named.average_carbon),
            named.marginal_carbon.as_ref(),
            named.wet_bulb.as_ref(),
        ];
        names
            .into_iter()
            .flatten()
            .map(|name| {
                let state = self.signals.get(name).map_or_else(
                    || SignalState::Silent(format!("there is no GridSignal {name}")),
                    |(_, spec)| state_of(spec.as_ref(), self.now),
                );
                (name.clone(), state)
            })
            .collect()
    }
}

impl Cycle {
    /// Keeps a failure of a hub; one that did not answer is not asked again in this cycle.
    pub(crate) fn hub_failed(&mut self, hub: &str, what: &str, error: &StoreError) {
        self.failures.push(format!("hub {hub}: {what}: {error}"));
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

/// Jobs that somebody else runs on this site's nodes and allows to be suspended.
fn local_jobs(seen: &Seen, site: &Site, nodes: &BTreeMap<String, Node>) -> Vec<LocalJob> {
    let name = site.metadata.name.clone().unwrap_or_default();
    let rated: BTreeMap<&str, i64> = site
        .spec
        .accelerators
        .iter()
        .filter_map(|class| Some((class.product.as_str(), class.rated_watts.value().ok()?)))
        .collect();
    let jobs = seen
        .workloads
        .get("job")
        .map(Vec::as_slice)
        .unwrap_or_default();
    jobs.iter()
        .filter(|job| job.annotation(annotations::FLEXIBLE) == Some("true"))
        .filter(|job| {
            job.annotation(annotations::ASSIGNMENT).is_none() && job.at("spec.managedBy").is_none()
        })
        .filter(|job| !crate::workload::is_finished(job))
        .filter_map(|job| local_job(job, &name, seen, nodes, &rated))
        .collect()
}

fn local_job(
    job: &Object,
    site: &str,
    seen: &Seen,
    nodes: &BTreeMap<String, Node>,
    rated: &BTreeMap<&str, i64>,
) -> Option<LocalJob> {
    let selector = job.at("spec.selector")?;
    let pods: Vec<&Object> = seen
        .pods
        .iter()
        .filter(|pod| {
            pod.namespace() == job.namespace()
                && inventory::is_running(pod)
                && inventory::selects(selector, pod)
        })
        .collect();
    let here: BTreeSet<&str> = pods
        .iter()
        .filter_map(|pod| pod.0["spec"]["nodeName"].as_str())
        .collect();
    let held = job.annotation(SUSPENDED_BY) == Some(site);
    let runs_here = here.iter().any(|node| nodes.contains_key(*node));
    if !held && !runs_here {
        return None;
    }
    let spec = job.at("spec.template.spec")?;
    let product = spec["nodeSelector"][inventory::PRODUCT_LABEL].as_str();
    let worst = rated.values().copied().max().unwrap_or(0);
    let per = product
        .and_then(|product| rated.get(product).copied())
        .unwrap_or(worst);
    let pods_at_once = job
        .at("spec.parallelism")
        .and_then(serde_json::Value::as_i64)
        .unwrap_or(1);
    let watts = Watts(per * i64::from(accelerators_of(spec)) * pods_at_once);
    Some(LocalJob {
        name: format!("{}/{}", job.namespace().unwrap_or_default(), job.name()),
        watts,
        running: runs_here,
        held: held && job.at("spec.suspend") == Some(&serde_json::json!(true)),
    })
}

/// Annotation on a local job that this site's agent has suspended, so that it resumes no other.
pub const SUSPENDED_BY: &str = "commonwatt.dev/suspended-by-site";

/// The longest time until the next look, seconds, when nothing else happens: prices and ages of signals move on.
const LOOK_SECONDS: i64 = 30;

impl Cycle {
    /// How soon after `now` a cycle is worth it though nothing has happened: a limit falls, an hour begins, or as long
    /// as nothing should go unlooked at.
    pub fn next_look(&self, now: DateTime<Utc>) -> TimeDelta {
        let hour = Slots::hourly(now, 1).end(0);
        let falls = |at: DateTime<Utc>| {
            self.sites
                .values()
                .filter_map(|site| site.model.as_ref())
                .any(|model| {
                    let pue = model.hours.first().map_or(1.0, |hour| hour.pue);
                    model.limits.at(at, pue).watts < model.limits.at(now, pue).watts
                })
        };
        let soon = (1..LOOK_SECONDS)
            .map(TimeDelta::seconds)
            .find(|ahead| now + *ahead >= hour || falls(now + *ahead));
        soon.unwrap_or(TimeDelta::seconds(LOOK_SECONDS))
    }
}
