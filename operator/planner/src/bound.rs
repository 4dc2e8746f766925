//! What no plan can cost less than.
//!
//! Every deployment and slot by itself: the cheapest way to serve the demand with fractions of replicas, or not at all,
//! as if no other workload, no capacity, no move and no minimum of sites existed. Relaxing constraints of a minimum
//! only lowers it, so the sum is a bound; it is loose where capacity binds. Where running *earns* money (negative
//! prices) a relaxation without capacity has no minimum; there it counts as many replicas as any plan of this planner may
//! hold, which keeps none that neither demand nor minimum sites needs. Jobs count the cheapest hours anywhere for as many
//! slots as they were given.

use std::collections::BTreeMap;

use commonwatt_fleet::{BatchJob, JobDecision, JobId, Money};

use crate::batch::slot_cost;
use crate::instance::{Demand, Instance};
use crate::windows::Window;

/// The lower bound for a plan that does this batch work.
pub(crate) fn lower(instance: &Instance<'_>, jobs: &BTreeMap<JobId, JobDecision>) -> Money {
    let serving: f64 = instance
        .demands
        .iter()
        .flat_map(|demand| (0..instance.slots).map(|slot| serving_slot(instance, demand, slot)))
        .sum();
    let batch: f64 = jobs
        .iter()
        .filter_map(|(id, decision)| {
            let runs = &decision.placed.as_ref()?.runs;
            let count = runs.iter().filter(|runs| **runs).count();
            Some(cheapest_hours(
                instance,
                instance.world.jobs.get(id)?,
                count,
            ))
        })
        .sum();
    let sum = serving + batch;
    // Rounded down by more than any order of summation can make up for.
    Money(sum - 1e-9 * (1.0 + sum.abs()))
}

fn serving_slot(instance: &Instance<'_>, demand: &Demand<'_>, slot: usize) -> f64 {
    let rate = demand.policy.unserved_per_million_tokens.0 * instance.hours * 3600.0 / 1e6;
    let allowed = || demand.places.iter().filter(|place| place.allowed);
    let dearest = rate * demand.tokens;
    let Some(cheapest) = allowed()
        .map(|place| (place.cost_until[slot + 1] - place.cost_until[slot]) / place.tokens)
        .min_by(f64::total_cmp)
    else {
        return dearest;
    };
    if cheapest >= 0.0 {
        return dearest.min(cheapest * demand.tokens);
    }
    let largest = allowed().map(|place| place.tokens).fold(0.0, f64::max);
    let most = demand.tokens + largest * (1.0 + f64::from(demand.minimum_sites));
    dearest.min(0.0) + cheapest * most
}

fn cheapest_hours(instance: &Instance<'_>, job: &BatchJob, count: usize) -> f64 {
    let window = Window::new(job, &instance.world.slots);
    let allowed = |site: usize| {
        job.jurisdictions.is_empty()
            || job
                .jurisdictions
                .contains(&instance.sites[site].site.jurisdiction)
    };
    let mut best = f64::INFINITY;
    for ((site, product), pool) in &instance.pool_index {
        let Some(shape) = job.shapes.get(*product).filter(|_| allowed(*site)) else {
            continue;
        };
        let mut costs: Vec<_> = (window.first..window.slots)
            .map(|slot| {
                slot_cost(instance, job, (*site, *pool), shape, slot)
                    .total()
                    .0
            })
            .collect();
        costs.sort_by(f64::total_cmp);
        best = best.min(costs.iter().take(count).sum());
    }
    if best.is_finite() { best } else { 0.0 }
}
