//! What a schedule costs over its horizon, at the policies' own prices.

use std::collections::BTreeMap;

use commonwatt_fleet::{CostParts, JobDecision, JobId, Objective};

use crate::instance::Instance;
use crate::schedule::Schedule;

/// The sum over all slots, deployments and jobs.
pub(crate) fn objective(
    instance: &Instance<'_>,
    schedule: &Schedule,
    jobs: &BTreeMap<JobId, JobDecision>,
) -> Objective {
    let mut parts = CostParts::default();
    for (index, demand) in instance.demands.iter().enumerate() {
        for (slot, replicas) in schedule.replicas.iter().enumerate() {
            let counts = &replicas[index];
            for (place, count) in demand.places.iter().zip(counts).filter(|(_, n)| **n > 0) {
                parts += instance
                    .running(demand, place, slot)
                    .scaled(f64::from(*count));
            }
            let short = demand.shortfall(counts);
            if short > 0.0 {
                parts += CostParts::unserved(demand.policy, short, instance.hours);
            }
            let before = match slot.checked_sub(1) {
                Some(last) => &schedule.replicas[last][index],
                None => &demand.committed,
            };
            let held = demand.deployment.committed.values();
            let held = held
                .flat_map(BTreeMap::values)
                .any(|held| held.replicas > 0);
            if slot > 0 || held {
                parts.moves += demand.policy.move_cost * f64::from(started(before, counts));
            }
        }
    }
    for plan in jobs.values().filter_map(|job| job.placed.as_ref()) {
        parts += plan.cost;
    }
    Objective {
        total: parts.total(),
        parts,
    }
}

/// Replicas that start at a place where fewer ran before.
fn started(before: &[u32], now: &[u32]) -> u32 {
    let places = before.iter().zip(now);
    places.map(|(had, has)| has.saturating_sub(*had)).sum()
}

/// What a schedule leaves unserved, the highest priority first: token-slots and site-slots.
pub(crate) fn unserved(instance: &Instance<'_>, schedule: &Schedule) -> Vec<(f64, u64)> {
    let mut classes: BTreeMap<std::cmp::Reverse<i32>, (f64, u64)> = BTreeMap::new();
    for replicas in &schedule.replicas {
        for (demand, counts) in instance.demands.iter().zip(replicas) {
            let class = classes
                .entry(std::cmp::Reverse(demand.deployment.priority))
                .or_default();
            class.0 += demand.shortfall(counts);
            class.1 += u64::from(demand.sites_missing(counts));
        }
    }
    classes.into_values().collect()
}
