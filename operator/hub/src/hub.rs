//! One cycle of the hub.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use commonwatt_api::{HubIdentity, Mode, PlanHead, PlanHeadSpec};
use commonwatt_audit::{Finding, audit};
use commonwatt_fleet::{DeploymentId, Plan, SiteId, Slots, World};
use commonwatt_planner::{Rule, baseline, plan};
use commonwatt_store::{Failure, Kind, Store, StoreError, get, to_object};
use serde_json::json;

use crate::dereference::{Seen, dereference};
use crate::memory::{Memory, Planned};
use crate::problem::Problem;
use crate::publish::Publisher;
use crate::reasons::Plans;
use crate::world::{Scope, read};

/// Hours that are planned ahead.
pub const HORIZON_HOURS: usize = 24;
/// The name of a hub's one PlanHead.
pub const HEAD: &str = "commonwatt";

/// How plans are made: by our rule, or by a baseline to compare with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Planning {
    /// Ours.
    #[default]
    Commonwatt,
    /// A baseline under the same limits.
    Baseline(Rule),
}

/// Which hub this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name, as sites list it.
    pub name: String,
    /// What tells it from a hub of the same name: the uid of its cluster.
    pub uid: String,
}

/// The hub.
pub struct Hub {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) identity: Identity,
    pub(crate) mode: Mode,
    planning: Planning,
    memory: Mutex<Memory>,
}

/// What a cycle found.
#[derive(Debug)]
pub struct Cycle {
    /// The world that was planned.
    pub world: Arc<World>,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// What the audit found; a plan with findings is not published.
    pub findings: Vec<Finding>,
    /// Deployments that only want advice: their world and plan.
    pub advice: Option<(Arc<World>, Arc<Plan>)>,
    /// What could not be used, or only with a doubt.
    pub problems: Vec<Problem>,
    /// Failed writes.
    pub failures: Vec<Failure>,
    /// Writes that were made.
    pub writes: usize,
    /// What was seen.
    pub seen: Seen,
    /// Replicas that changed place in this cycle's plan.
    pub moves: u32,
    /// How long planning took, advice included.
    pub planning: Duration,
}

impl Cycle {
    /// The world with everything in it and its plan: that of the advice where something only wants advice.
    pub fn whole(&self) -> (&World, &Plan) {
        self.advice
            .as_ref()
            .map_or((&self.world, &self.plan), |(world, plan)| (world, plan))
    }

    /// What keeps an object from being used.
    pub(crate) fn refused(&self, kind: &str, name: &str) -> Option<&Problem> {
        let mut refused = self.problems.iter().filter(|problem| !problem.noted);
        refused.find(|problem| problem.kind == kind && problem.name == name)
    }

    /// What is wrong with an object that is used nevertheless.
    pub(crate) fn noted(&self, kind: &str, name: &str) -> impl Iterator<Item = &Problem> {
        let noted = self.problems.iter().filter(|problem| problem.noted);
        noted.filter(move |problem| problem.kind == kind && problem.name == name)
    }

    /// The world and the plan that count for a deployment in a mode; none where it is only observed.
    pub(crate) fn planned_for(&self, mode: Mode) -> Option<(&World, &Plan)> {
        match mode {
            Mode::Enforce => Some((&self.world, &self.plan)),
            Mode::Advise => self
                .advice
                .as_ref()
                .map(|(world, plan)| (&**world, &**plan)),
            Mode::Observe => None,
        }
    }
}

/// A cycle before anything is written.
struct Considered {
    cycle: Cycle,
    cautious: BTreeMap<SiteId, Mode>,
    worked: BTreeMap<String, f64>,
    /// The numbers of its plans: what is enforced, and what advises.
    numbers: [u64; 2],
}

impl Hub {
    /// A hub that goes no further than `mode`.
    pub fn new(store: Arc<dyn Store>, identity: Identity, mode: Mode, planning: Planning) -> Self {
        Self {
            store,
            identity,
            mode,
            planning,
            memory: Mutex::default(),
        }
    }

    /// Becomes the leader: raises the epoch, so that an earlier leader's writes are refused from now on.
    ///
    /// # Errors
    /// Those of the store; a conflict means that another leader was faster.
    pub async fn lead(&self) -> Result<i64, StoreError> {
        let present: Option<PlanHead> = get(self.store.as_ref(), None, HEAD).await?;
        let epoch = present.as_ref().map_or(0, |head| head.spec.epoch) + 1;
        let kind = Kind::of::<PlanHead>();
        match &present {
            None => {
                let spec = PlanHeadSpec {
                    hub_uid: self.identity.uid.clone(),
                    epoch,
                    sequence: 0,
                };
                self.store
                    .apply(&kind, &to_object(&PlanHead::new(HEAD, spec))?)
                    .await?;
            }
            Some(head) => {
                // The resource version makes two leaders at once impossible.
                let version = head.metadata.resource_version.clone().unwrap_or_default();
                let patch = json!({ "metadata": { "resourceVersion": version }, "spec": { "epoch": epoch, "sequence": 0 } });
                self.store.merge(&kind, None, HEAD, &patch).await?;
            }
        }
        if let Ok(mut memory) = self.memory.lock() {
            memory.epoch = Some(epoch);
            memory.sequence = 0;
        }
        Ok(epoch)
    }

    /// One cycle at `now`.
    ///
    /// # Errors
    /// When the hub's API server cannot be read, or this hub does not lead. Failed writes are in [`Cycle::failures`].
    pub async fn cycle(&self, now: DateTime<Utc>) -> Result<Cycle, StoreError> {
        let epoch = self.with_memory(|memory| memory.epoch)?;
        let epoch = match epoch {
            Some(epoch) => epoch,
            None => self.lead().await?,
        };
        let Considered {
            mut cycle,
            cautious,
            worked,
            numbers,
        } = self.consider(now).await?;
        let sequence = self.with_memory(|memory| memory.sequence)?;
        let publisher = Publisher {
            hub: HubIdentity {
                name: self.identity.name.clone(),
                uid: self.identity.uid.clone(),
            },
            epoch,
            sequence: sequence + 1,
        };
        let mut moving = self.with_memory(|memory| std::mem::take(&mut memory.moving))?;
        let plans = Plans::of(&cycle, numbers);
        let reasons = plans.reasons();
        let published = self
            .publish(&mut cycle, &publisher, &worked, &mut moving, &reasons, now)
            .await;
        self.with_memory(|memory| memory.moving = moving)?;
        if published {
            self.with_memory(|memory| memory.sequence += 1)?;
        }
        self.say(&mut cycle, &publisher, published, &cautious, &reasons, now)
            .await;
        Ok(cycle)
    }

    /// What a cycle at `now` would find and plan, without taking the lead and without a write.
    ///
    /// # Errors
    /// When the hub's API server cannot be read.
    pub async fn dry_run(&self, now: DateTime<Utc>) -> Result<Cycle, StoreError> {
        Ok(self.consider(now).await?.cycle)
    }

    /// Reads, plans and audits.
    async fn consider(&self, now: DateTime<Utc>) -> Result<Considered, StoreError> {
        let mut seen = dereference(self.store.as_ref()).await?;
        seen.refused = self.with_memory(|memory| {
            memory.refused.learn(&seen);
            memory.refused.clone()
        })?;
        let worked = self.with_memory(|memory| memory.work(&seen, now))?;
        let slots = Slots::hourly(now, HORIZON_HOURS);
        let scope = Scope {
            mode: Mode::Enforce,
            cap: self.mode,
            slots,
            now,
        };
        let enforced = read(&seen, scope, &worked);
        let world = Arc::new(enforced.world);
        let before = self.with_memory(|memory| memory.plan.clone())?;
        let begun = Instant::now();
        let made = self.plan(&world, &before)?;
        let mut planning = begun.elapsed();
        let findings = audit(&world, &made.plan);
        let advised = read(
            &seen,
            Scope {
                mode: Mode::Advise,
                ..scope
            },
            &worked,
        );
        let wants_advice = advised.world.deployments.len() > world.deployments.len();
        let advice = if wants_advice {
            let with_advice = Arc::new(advised.world);
            let before = self.with_memory(|memory| memory.advice.clone())?;
            let begun = Instant::now();
            let made = self.plan(&with_advice, &before)?;
            planning += begun.elapsed();
            audit(&with_advice, &made.plan)
                .is_empty()
                .then_some((with_advice, made))
        } else {
            None
        };
        let mut problems = enforced.problems;
        problems.extend(advised.problems);
        problems.extend(crate::problem::abandoned(&seen));
        problems.sort();
        problems.dedup();
        self.with_memory(|memory| {
            memory.plan = made.clone();
            if let Some((_, made)) = &advice {
                memory.advice = made.clone();
            }
        })?;
        let numbers = [
            made.number,
            advice.as_ref().map_or(0, |(_, made)| made.number),
        ];
        let cycle = Cycle {
            moves: moves(&before.plan, &made.plan),
            planning,
            world,
            plan: made.plan,
            findings,
            advice: advice.map(|(world, made)| (world, made.plan)),
            problems,
            failures: Vec::new(),
            writes: 0,
            seen,
        };
        Ok(Considered {
            cycle,
            cautious: enforced.cautious,
            worked,
            numbers,
        })
    }

    /// Plans, unless it is known that nothing else would come out.
    fn plan(&self, world: &Arc<World>, before: &Planned) -> Result<Planned, StoreError> {
        if before.at_rest.as_deref() == Some(world.as_ref()) {
            return Ok(before.clone());
        }
        let plan = Arc::new(match self.planning {
            Planning::Commonwatt => plan(world, &before.plan),
            Planning::Baseline(rule) => baseline(world, &before.plan, rule),
        });
        let at_rest = (plan == before.plan).then(|| world.clone());
        let number = self.with_memory(|memory| {
            memory.made += 1;
            memory.made
        })?;
        Ok(Planned {
            plan,
            at_rest,
            number,
        })
    }

    /// Which deployments word their reasons by the plan of which number.
    pub(crate) fn worded(&self) -> BTreeMap<DeploymentId, u64> {
        let worded = self.with_memory(|memory| std::mem::take(&mut memory.worded));
        worded.unwrap_or_default()
    }

    pub(crate) fn remember_worded(&self, worded: BTreeMap<DeploymentId, u64>) {
        let _ = self.with_memory(|memory| memory.worded = worded);
    }

    fn with_memory<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> Result<T, StoreError> {
        let mut memory = self.memory.lock().map_err(|_| {
            StoreError::Unreachable("the hub's memory is broken; restart it".into())
        })?;
        Ok(act(&mut memory))
    }

    /// Forgets that it led: the next cycle takes the lead anew.
    pub fn step_down(&self) {
        if let Ok(mut memory) = self.memory.lock() {
            memory.epoch = None;
        }
    }
}

/// Replicas that the new plan has at other places than the one before, in the first slot.
fn moves(before: &Plan, after: &Plan) -> u32 {
    let mut moved = 0;
    for (id, decision) in &after.deployments {
        let Some(old) = before.deployments.get(id) else {
            continue;
        };
        let (mut added, mut removed) = (0, 0);
        let keys = |d: &commonwatt_fleet::Decision| {
            d.sites
                .iter()
                .flat_map(|(s, v)| v.keys().map(move |v| (s.clone(), v.clone())))
                .collect::<Vec<_>>()
        };
        let mut places = keys(decision);
        places.extend(keys(old));
        places.sort();
        places.dedup();
        for (site, variant) in places {
            let new = after.replicas(id, &site, &variant, 0);
            let old = before.replicas(id, &site, &variant, 0);
            added += new.saturating_sub(old);
            removed += old.saturating_sub(new);
        }
        moved += added.min(removed);
    }
    moved
}
