//! From a minute of the trace to the planner's world: regions as sites with a pool of nodes, jobs as jobs of whole minutes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::{
    BatchJob, GramsPerKwh, JobId, JobShape, LitersPerKwh, Money, Plan, Policy, Product, SiteHour,
    SiteId, Slots, Watts, World,
};

use super::fleet::{NODES, Run, TOLERANCE};
use super::trace::{Job, REGIONS, Trace, mean};
use crate::bare;

/// Worlds count whole watts. Jobs draw a few dozen, so that a watt of a world is a thousandth of one here.
const PARTS: f64 = 1000.0;
/// More than all jobs draw.
const NO_LIMIT: Watts = Watts(1_000_000_000);
/// The name of the policy.
const POLICY: &str = "carbon-and-water";

/// What carbon and water are worth beside each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    /// For each gram.
    pub carbon: f64,
    /// For each litre.
    pub water: f64,
}

impl Prices {
    /// Carbon at a weight and water at the rest of one, each in multiples of its mean over the regions in the first hour: all that is
    /// known when the first job arrives.
    pub(super) fn weighing(trace: &Trace, carbon: f64) -> Self {
        let first = |of: &[Vec<f64>]| {
            mean(
                &of.iter()
                    .filter_map(|hours| hours.first().copied())
                    .collect::<Vec<_>>(),
            )
        };
        Self {
            carbon: carbon / first(&trace.carbon),
            water: (1.0 - carbon) / first(&trace.water),
        }
    }
}

fn product() -> Product {
    "node".into()
}

/// When the trace begins: its data is of 2023 and has no dates.
fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_672_531_200, 0).unwrap_or_default()
}

fn id(index: usize) -> JobId {
    JobId::new("waterwise", &format!("job-{index:04}"))
}

/// Where jobs may go. A job that starts later reaches fewer regions in time, and a plan gives it the same regions in all minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Wherever they are in time if they start now.
    Far,
    /// Only where they may wait longest.
    Near,
}

/// What is there in a minute: nodes that run something, and jobs that have to start. Only the hour's own carbon and water are
/// known, and how long an application may take at most.
pub(super) fn world(
    trace: &Trace,
    prices: Prices,
    minute: usize,
    (running, jobs): (&[Run], &[Job]),
    reach: Reach,
) -> World {
    let needs: Vec<_> = jobs
        .iter()
        .map(|job| Need::of(trace, job, minute, reach))
        .collect();
    // What runs in the same region for as long is one job of so many pods.
    let mut busy: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for run in running {
        *busy
            .entry((run.region, minutes_left(run, minute)))
            .or_default() += 1;
    }
    let longest = needs
        .iter()
        .map(|need| need.work + need.spare)
        .chain(busy.keys().map(|(_, left)| *left))
        .max();
    let slots = Slots {
        start: start() + TimeDelta::minutes(minute as i64),
        seconds: 60,
        count: longest.unwrap_or(0),
    };
    let site = |region: usize| {
        (
            SiteId::from(REGIONS[region]),
            site(trace, region, minute / 60, &slots),
        )
    };
    let policy = Policy {
        carbon_per_tonne: Money(prices.carbon * 1e6),
        water_per_cubic_meter: Money(prices.water * 1e3),
        ..bare::policy()
    };
    let going_on = busy
        .iter()
        .map(|(key, nodes)| going_on(*key, *nodes, &slots));
    let waiting = needs
        .into_iter()
        .enumerate()
        .map(|(index, need)| need.job(id(index), &slots));
    World {
        sites: (0..REGIONS.len()).map(site).collect(),
        policies: BTreeMap::from([(POLICY.into(), policy)]),
        jobs: going_on
            .chain(waiting)
            .map(|job| (job.id.clone(), job))
            .collect(),
        ..bare::world(slots)
    }
}

/// Where a plan starts a job in its first minute.
pub(super) fn starts(plan: &Plan, index: usize) -> Option<usize> {
    let placed = plan.jobs.get(&id(index))?.placed.as_ref()?;
    let now = placed.runs.first().copied().unwrap_or(false);
    let region = REGIONS
        .iter()
        .position(|region| placed.site.as_str() == *region);
    region.filter(|_| now)
}

fn site(trace: &Trace, region: usize, hour: usize, slots: &Slots) -> commonwatt_fleet::Site {
    let hour = hour.min(trace.carbon[region].len() - 1);
    let hour = SiteHour {
        average_carbon: GramsPerKwh(trace.carbon[region][hour]),
        wue: LitersPerKwh(trace.water[region][hour]),
        ..bare::hour(NO_LIMIT)
    };
    let pool = bare::pool(NODES as u32, Watts(1));
    commonwatt_fleet::Site {
        jurisdiction: REGIONS[region].into(),
        ..bare::site(slots, product(), pool, vec![hour; slots.count])
    }
}

fn minutes_left(run: &Run, minute: usize) -> usize {
    ((run.ends_by - minute as f64).ceil() as usize).max(1)
}

fn going_on((region, left): (usize, usize), nodes: u32, slots: &Slots) -> BatchJob {
    let id = JobId::new(
        "waterwise",
        &format!("running-{}-{left:03}", REGIONS[region]),
    );
    BatchJob {
        shapes: BTreeMap::from([(product(), shape(nodes, Watts(1)))]),
        started_at: Some(REGIONS[region].into()),
        running: true,
        ..bare::job(id, POLICY, slots, left as u32)
    }
}

fn shape(pods: u32, watts: Watts) -> JobShape {
    JobShape {
        pods,
        accelerators_per_pod: 1,
        watts_per_pod: watts,
    }
}

/// What a job needs to be in time.
struct Need {
    /// Where it may start now.
    regions: BTreeSet<usize>,
    /// Minutes that it may still wait, wherever it then starts.
    spare: usize,
    /// Minutes for which it has its node.
    work: usize,
    watts: Watts,
}

impl Need {
    fn of(trace: &Trace, job: &Job, minute: usize, reach: Reach) -> Self {
        let application = &trace.applications[job.application];
        let transfer = &application.transfer[job.home];
        let waited = 60.0 * (minute - job.arrived) as f64;
        let left = (1.0 + TOLERANCE) * application.mean_seconds() - application.longest() - waited;
        // Whole minutes that it may wait before it starts there.
        let spare = |region: usize| ((left - transfer[region]) / 60.0).floor();
        let least = match reach {
            Reach::Far => 0.0,
            Reach::Near => (0..REGIONS.len()).map(spare).fold(0.0, f64::max),
        };
        let in_time: BTreeSet<_> = (0..REGIONS.len())
            .filter(|region| spare(*region) >= least)
            .collect();
        // What cannot be in time any more may be late anywhere.
        let regions = if in_time.is_empty() {
            (0..REGIONS.len()).collect()
        } else {
            in_time
        };
        let furthest = regions
            .iter()
            .map(|region| transfer[*region])
            .fold(0.0, f64::max);
        let work = ((application.longest() + furthest) / 60.0).ceil();
        Self {
            spare: ((left - furthest) / 60.0).max(0.0) as usize,
            work: work as usize,
            watts: Watts((PARTS * application.mean_energy() * 1000.0 * 60.0 / work).round() as i64),
            regions,
        }
    }

    fn job(self, id: JobId, slots: &Slots) -> BatchJob {
        BatchJob {
            shapes: BTreeMap::from([(product(), shape(1, self.watts))]),
            jurisdictions: self
                .regions
                .into_iter()
                .map(|region| REGIONS[region].to_owned())
                .collect(),
            deadline: slots.begin(self.work + self.spare),
            ..bare::job(id, POLICY, slots, self.work as u32)
        }
    }
}
