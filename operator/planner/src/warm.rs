//! Going on from the previous plan: its prices, its routes, and new ones only where those no longer fit.
//!
//! What the previous plan said is kept where it still is feasible and its cost is within a threshold of what the old
//! prices prove now: then no search can find much, and none is made. Planning the same world again therefore gives the
//! same plan. Where more could be found, everything is planned anew (`solve`).

use commonwatt_fleet::{Plan, Slots, World};

use crate::batch::place_jobs;
use crate::demand::Demand;
use crate::instance::Instance;
use crate::routes::Routes;
use crate::schedule::recount;
use crate::solve::{Priced, finish};
use crate::stability::THRESHOLD;

/// What a plan may lose against its bound beyond what the previous one did, as a part of its cost.
const DRIFT: f64 = 0.001;
/// How much the bound may have moved, as a part of it, for the previous plan's gap to say anything.
const ALIKE: f64 = 0.05;

/// The first slot of this horizon in the previous one's.
pub(crate) fn shift(then: Slots, now: Slots) -> Option<usize> {
    let slot = then
        .slot_of(now.start)
        .filter(|_| then.seconds == now.seconds)?;
    (then.begin(slot) == now.start).then_some(slot)
}

/// The previous plan carried on, if it still is good enough.
pub(crate) fn carry_on(instance: &Instance<'_>, priced: &Priced, previous: &Plan) -> Option<Plan> {
    let world: &World = instance.world;
    let shift = shift(previous.slots?, world.slots)?;
    let mut routes = Routes::empty(instance);
    let mut loose = Vec::new();
    for (index, demand) in instance.demands.iter().enumerate() {
        let kept =
            said(instance, demand, previous, shift).filter(|route| routes.hold(index, route));
        if kept.is_none() {
            loose.push(index);
        }
    }
    routes.settle(&loose);
    if loose.iter().any(|index| routes.is_short(*index)) {
        return None;
    }
    routes.improve_later_slots();
    let schedule = recount(instance, routes.into_replicas());
    let jobs = place_jobs(instance, &schedule, previous);
    let plan = finish(instance, priced, (schedule, jobs));
    good_enough(&plan, previous).then_some(plan)
}

fn good_enough(plan: &Plan, previous: &Plan) -> bool {
    let gap = |plan: &Plan| {
        let (upper, lower) = (plan.bound.upper.0, plan.bound.lower?.0);
        Some((upper - lower) / upper.abs().max(1e-9))
    };
    let Some(now) = gap(plan) else { return false };
    if now <= THRESHOLD {
        return true;
    }
    let (Some(then), Some(old), Some(new)) =
        (gap(previous), previous.bound.lower, plan.bound.lower)
    else {
        return false;
    };
    let alike = (new.0 - old.0).abs() <= ALIKE * old.0.abs();
    alike && now <= then + DRIFT
}

/// What the previous plan said of a deployment, moved to this horizon; the hours that are new go on as its last.
fn said(
    instance: &Instance<'_>,
    demand: &Demand<'_>,
    previous: &Plan,
    shift: usize,
) -> Option<Vec<Vec<u32>>> {
    let decision = previous.deployments.get(demand.id)?;
    let mut route = vec![vec![0; demand.places.len()]; instance.slots];
    for (site, variants) in &decision.sites {
        for (variant, placement) in variants {
            let at = demand.places.iter().position(|place| {
                instance.sites[place.site].id == site
                    && demand.deployment.variants[place.variant].name == *variant
            })?;
            let last = *placement.ceiling.last()?;
            for (slot, counts) in route.iter_mut().enumerate() {
                counts[at] = placement.ceiling.get(slot + shift).copied().unwrap_or(last);
            }
        }
    }
    let was_short = decision.unmet.is_some();
    let fits = |(slot, counts): (usize, &Vec<u32>)| {
        let serves = demand.shortfall(slot, counts) <= 0.0 && demand.sites_missing(counts) == 0;
        (serves || was_short) && crate::stability::lean(demand, slot, &mut counts.clone())
    };
    route.iter().enumerate().all(fits).then_some(route)
}
