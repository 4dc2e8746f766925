//! Planning again changes nothing without a reason.
//!
//! Two schedules are made: a fresh one, and one that holds the first slot to what the previous plan said of that hour
//! (all later slots are planned freely after it). The held one wins where it
//!
//! - serves no less to any priority, and
//! - costs at most [`THRESHOLD`] more, or only repeats the previous plan at unchanged prices: then nothing has changed
//!   but that assignments were admitted, and room that moves left behind is no reason to move more within the same hour.
//!
//! Savings below the threshold are not lost: the held schedule's own second slot takes them, and that is what the
//! next hour is held to.

use std::collections::BTreeMap;

use commonwatt_fleet::{JobDecision, JobId, Plan, Slots};

use crate::batch::place_jobs;
use crate::demand::Demand;
use crate::instance::Instance;
use crate::objective::{objective, unserved};
use crate::prices::rounded_down;
use crate::schedule::{Anchor, Schedule, serve, serve_freely};

/// What a fresh plan must save to replace what the previous one said, as a part of its cost.
pub(crate) const THRESHOLD: f64 = 0.005;

/// A schedule with its jobs.
pub(crate) type Planned = (Schedule, BTreeMap<JobId, JobDecision>);

/// The schedule to publish.
pub(crate) fn plan_steadily(
    instance: &Instance<'_>,
    previous: &Plan,
    lower: impl Fn(&Planned) -> f64,
) -> Planned {
    let fresh = with_jobs(instance, serve_freely(instance), previous);
    let Some(anchor) = anchor(instance, previous) else {
        return fresh;
    };
    if repeats(instance, &fresh, previous) {
        return fresh;
    }
    let Some(held) = serve(instance, Some(&anchor)).filter(|held| can_be_held(instance, held))
    else {
        return fresh;
    };
    let held = with_jobs(instance, held, previous);
    let same_prices = previous.bound.lower == Some(rounded_down(lower(&held)));
    let nothing_new = same_prices && repeats(instance, &held, previous);
    let keep = serves_no_less(instance, &held, &fresh)
        && (nothing_new || costs_little_more(instance, &held, &fresh));
    if keep { held } else { fresh }
}

fn with_jobs(instance: &Instance<'_>, schedule: Schedule, previous: &Plan) -> Planned {
    let jobs = place_jobs(instance, &schedule, previous);
    (schedule, jobs)
}

/// What the previous plan said of the hour that is now the first.
fn anchor(instance: &Instance<'_>, previous: &Plan) -> Option<Anchor> {
    let then = previous.slots?;
    let now = instance.world.slots;
    if then.seconds != now.seconds {
        return None;
    }
    let slot = then.slot_of(now.start)?;
    if then.begin(slot) != now.start {
        return None;
    }
    let anchor: Anchor = instance
        .demands
        .iter()
        .map(|demand| said_before(instance, demand, previous, slot))
        .collect();
    anchor.iter().any(Option::is_some).then_some(anchor)
}

/// A deployment's previous vector, if it still is one that a planner would hold: at places that are known and allowed,
/// without a replica too many.
fn said_before(
    instance: &Instance<'_>,
    demand: &Demand<'_>,
    previous: &Plan,
    slot: usize,
) -> Option<Vec<u32>> {
    let decision = previous.deployments.get(demand.id)?;
    let mut counts = vec![0; demand.places.len()];
    for (site, variants) in &decision.sites {
        for (variant, placement) in variants {
            let count = *placement.ceiling.get(slot)?;
            if count == 0 {
                continue;
            }
            let at = demand.places.iter().position(|place| {
                let named = &demand.deployment.variants[place.variant].name;
                instance.sites[place.site].id == site && named == variant && place.allowed
            })?;
            counts[at] = count;
        }
    }
    lean(demand, 0, &mut counts).then_some(counts)
}

/// Whether demand and minimum sites need every replica.
pub(crate) fn lean(demand: &Demand<'_>, slot: usize, counts: &mut [u32]) -> bool {
    let short = demand.shortfall(slot, counts);
    let missing = demand.sites_missing(counts);
    (0..counts.len())
        .filter(|at| counts[*at] > 0)
        .collect::<Vec<_>>()
        .into_iter()
        .all(|at| {
            counts[at] -= 1;
            let needed =
                demand.shortfall(slot, counts) > short || demand.sites_missing(counts) > missing;
            counts[at] += 1;
            needed
        })
}

/// Whether a schedule's first slot could itself be held to. What could not would change again at the next planning.
fn can_be_held(instance: &Instance<'_>, schedule: &Schedule) -> bool {
    let first = instance.demands.iter().zip(&schedule.replicas[0]);
    first
        .into_iter()
        .all(|(demand, counts)| lean(demand, 0, &mut counts.clone()))
}

/// Whether a schedule is the previous plan, slot by slot.
fn repeats(instance: &Instance<'_>, planned: &Planned, previous: &Plan) -> bool {
    let same_horizon = |slots: Slots| slots == instance.world.slots;
    previous.slots.is_some_and(same_horizon)
        && previous.deployments.len() == instance.demands.len()
        && (0..instance.demands.len())
            .all(|index| repeats_one(instance, &planned.0, index, previous))
        && repeats_jobs(&planned.1, &previous.jobs)
}

fn repeats_one(
    instance: &Instance<'_>,
    schedule: &Schedule,
    index: usize,
    previous: &Plan,
) -> bool {
    let demand = &instance.demands[index];
    let Some(decision) = previous.deployments.get(demand.id) else {
        return false;
    };
    let mut left: u64 = (decision.sites.values().flat_map(BTreeMap::values))
        .map(|placement| placement.ceiling.iter().map(|n| u64::from(*n)).sum::<u64>())
        .sum();
    for (at, place) in demand.places.iter().enumerate() {
        let named = &demand.deployment.variants[place.variant].name;
        let ceiling = decision
            .sites
            .get(instance.sites[place.site].id)
            .and_then(|variants| Some(&variants.get(named)?.ceiling));
        for (slot, replicas) in schedule.replicas.iter().enumerate() {
            let count = replicas[index][at];
            if ceiling.and_then(|c| c.get(slot)).copied().unwrap_or(0) != count {
                return false;
            }
            left = left.saturating_sub(u64::from(count));
        }
    }
    left == 0
}

fn repeats_jobs(
    jobs: &BTreeMap<JobId, JobDecision>,
    previous: &BTreeMap<JobId, JobDecision>,
) -> bool {
    let hours = |decision: &JobDecision| {
        let placed = decision.placed.as_ref();
        placed.map(|plan| (plan.site.clone(), plan.product.clone(), plan.runs.clone()))
    };
    jobs.len() == previous.len()
        && jobs
            .iter()
            .zip(previous)
            .all(|((id, job), (known, then))| id == known && hours(job) == hours(then))
}

/// Whether no priority class loses anything, the highest that differs deciding.
fn serves_no_less(instance: &Instance<'_>, held: &Planned, fresh: &Planned) -> bool {
    let classes = unserved(instance, &held.0);
    let others = unserved(instance, &fresh.0);
    for (held, fresh) in classes.iter().zip(&others) {
        let near = 1e-6 * (1.0 + held.0.abs().max(fresh.0.abs()));
        if held.0 > fresh.0 + near || (held.1 > fresh.1 && held.0 >= fresh.0 - near) {
            return false;
        }
        if held.0 < fresh.0 - near || held.1 < fresh.1 {
            return true;
        }
    }
    let placed = |planned: &Planned| planned.1.values().filter(|job| job.at_risk).count();
    placed(held) <= placed(fresh)
}

fn costs_little_more(instance: &Instance<'_>, held: &Planned, fresh: &Planned) -> bool {
    let held = objective(instance, &held.0, &held.1).total.0;
    let fresh = objective(instance, &fresh.0, &fresh.1).total.0;
    held <= fresh + THRESHOLD * fresh.abs() + 1e-9
}
