//! From an hour's arrivals to the planner's world: a site with room for all, and carbon as its only price.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::{
    BatchJob, GramsPerKwh, JobId, JobShape, Money, Plan, Policy, Product, SiteHour, Slots, Watts,
    World,
};

use super::policies::Runs;
use super::trace::{Carbon, Job};
use crate::bare;

/// Slots of an hour.
const QUARTERS: usize = 4;
/// More than ever runs at once.
const ROOM: u32 = 10_000_000;
/// The name of the policy.
const POLICY: &str = "carbon";

/// What a job is worth beside carbon, and what it lets the planner do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Terms {
    /// What an hour less to a job's end is worth: as much as an hour on one processor that is cleaner by so many grams per
    /// kilowatt-hour.
    pub waiting: f64,
    /// Jobs may pause, and it is known how long they run. Otherwise only how long jobs of their queue run in the mean.
    pub pausing: bool,
}

fn product() -> Product {
    "processor".into()
}

/// The first hour of 2022.
fn new_year() -> DateTime<Utc> {
    DateTime::from_timestamp(1_640_995_200, 0).unwrap_or_default()
}

fn id(index: usize) -> JobId {
    JobId::new("gaia", &format!("{index:04}"))
}

/// The jobs that arrive in an hour, with carbon from that hour on as it is expected.
pub(super) fn world(expected: &Carbon, hour: usize, jobs: &[Job], terms: Terms) -> World {
    let windows: Vec<_> = jobs
        .iter()
        .map(|job| Window::of(job, hour, terms))
        .collect();
    let slots = Slots {
        start: new_year() + TimeDelta::hours(hour as i64),
        seconds: 3600 / QUARTERS as u32,
        count: windows.iter().map(|window| window.due).max().unwrap_or(0),
    };
    let quarter = |slot: usize| SiteHour {
        average_carbon: GramsPerKwh(expected.hours[slot / QUARTERS]),
        ..bare::hour(Watts(i64::from(ROOM)))
    };
    let hours = (0..slots.count).map(quarter).collect();
    let site = bare::site(&slots, product(), bare::pool(ROOM, Watts(1)), hours);
    let policy = Policy {
        carbon_per_tonne: Money(1e6),
        ..bare::policy()
    };
    let job = |(index, (job, window)): (usize, (&Job, Window))| {
        (id(index), window.job(job, id(index), terms, &slots))
    };
    World {
        sites: BTreeMap::from([("california".into(), site)]),
        policies: BTreeMap::from([(POLICY.into(), policy)]),
        jobs: jobs.iter().zip(windows).enumerate().map(job).collect(),
        ..bare::world(slots)
    }
}

/// Slots in which a job may run.
struct Window {
    first: usize,
    due: usize,
    work: usize,
}

impl Window {
    fn of(job: &Job, hour: usize, terms: Terms) -> Self {
        let quarters = QUARTERS as f64;
        let arrival = quarters * (job.arrives - hour as f64);
        let hours = if terms.pausing {
            job.hours
        } else {
            job.expected
        };
        let work = (quarters * hours).ceil().max(1.0) as usize;
        let first = arrival.ceil() as usize;
        let latest = (arrival + quarters * job.may_wait).floor() as usize;
        Self {
            first,
            due: latest.max(first) + work,
            work,
        }
    }

    fn job(&self, job: &Job, id: JobId, terms: Terms, slots: &Slots) -> BatchJob {
        let shape = JobShape {
            pods: 1,
            accelerators_per_pod: 1,
            watts_per_pod: Watts(job.watts.round() as i64),
        };
        BatchJob {
            shapes: BTreeMap::from([(product(), shape)]),
            release: slots.begin(self.first),
            deadline: slots.begin(self.due),
            interruptible: terms.pausing,
            // A dollar a gram, and a processor draws a watt.
            waiting_per_hour: Money(terms.waiting / 1000.0),
            ..bare::job(id, POLICY, slots, self.work as u32)
        }
    }
}

/// When a job of the plan runs, in hours from its arrival: as long as it really does, from its first slot on or in the slots of the plan.
pub(super) fn runs(plan: &Plan, index: usize, job: &Job, hour: usize, terms: Terms) -> Runs {
    let slots = plan
        .jobs
        .get(&id(index))
        .and_then(|decision| decision.placed.as_ref());
    let taken = slots
        .into_iter()
        .flat_map(|placed| placed.runs.iter().enumerate());
    let begin = |slot: usize| hour as f64 + slot as f64 / QUARTERS as f64 - job.arrives;
    let starts = taken
        .filter(|(_, runs)| **runs)
        .map(|(slot, _)| begin(slot));
    if !terms.pausing {
        let start = starts.into_iter().next().unwrap_or(0.0);
        return vec![(start, start + job.hours)];
    }
    let mut left = job.hours;
    let mut runs = Runs::new();
    for start in starts {
        let run = left.min(1.0 / QUARTERS as f64);
        left -= run;
        runs.push((start, start + run));
    }
    runs
}
