//! The trace minute by minute: a plan for all who wait, of which the first minute is kept.

use commonwatt_fleet::Plan;

use super::adapter::{Prices, Reach, starts, world};
use super::fleet::{Fleet, Footprint};
use super::trace::{Job, Trace};
use crate::Progress;
use crate::planning::Planning;

/// What the planner leaves behind at these prices.
pub(super) fn replay(
    trace: &Trace,
    prices: Prices,
    planning: &Planning,
    progress: &dyn Progress,
) -> Footprint {
    let mut fleet = Fleet::default();
    let mut waiting: Vec<Job> = Vec::new();
    let mut minute = 0;
    while minute < trace.minutes() || !waiting.is_empty() {
        fleet.advance(minute);
        let (mut jobs, mut random) = trace.arriving(minute);
        jobs.append(&mut waiting);
        if !jobs.is_empty() {
            let planned = |reach| {
                let world = world(trace, prices, minute, (&fleet.running, &jobs), reach);
                planning.plan(&world, &Plan::default())
            };
            let mut plan = planned(Reach::Far);
            if plan.jobs.values().any(|decision| decision.at_risk) {
                // Not all start in time now: who may wait near home makes room for who may not.
                plan = planned(Reach::Near);
            }
            for (index, job) in jobs.into_iter().enumerate() {
                match starts(&plan, index) {
                    Some(region) => fleet.start(trace, &job, region, minute, &mut random, false),
                    None => waiting.push(job),
                }
            }
        }
        minute += 1;
        if minute <= trace.minutes() {
            progress.step();
        }
    }
    fleet.footprint
}
