//! From counts by index to a plan by name.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    Bound, Decision, JobDecision, JobId, Plan, SitePlacement, TokensPerSecond, Unmet, VariantName,
    Watts, physics,
};

use crate::demand::Demand;
use crate::floors::floors;
use crate::instance::Instance;
use crate::objective::{elastic, elastic_by_name, objective};
use crate::rows::hour_of;
use crate::schedule::Schedule;

/// The plan that a schedule and its jobs are, with its cost and bound.
pub(crate) fn assemble(
    instance: &Instance<'_>,
    schedule: &Schedule,
    jobs: BTreeMap<JobId, JobDecision>,
    bound: Bound,
) -> Plan {
    let objective = objective(instance, schedule, &jobs);
    let elastic = elastic_by_name(instance, elastic(instance, schedule, &jobs));
    let deployments = (0..instance.demands.len())
        .map(|index| {
            let decision = decision(instance, schedule, index);
            (instance.demands[index].id.clone(), decision)
        })
        .collect();
    Plan {
        slots: Some(instance.world.slots),
        deployments,
        jobs,
        elastic,
        objective,
        bound,
        prices: BTreeMap::new(),
    }
}

fn decision(instance: &Instance<'_>, schedule: &Schedule, index: usize) -> Decision {
    let demand = &instance.demands[index];
    let floors: Vec<_> = schedule
        .replicas
        .iter()
        .map(|replicas| floors(demand, &replicas[index]))
        .collect();
    let mut decision = Decision {
        unmet: unmet(demand, &schedule.replicas[0][index]),
        ..Decision::default()
    };
    for (at, place) in demand.places.iter().enumerate() {
        let over_time = |counts: &[Vec<u32>]| counts.iter().map(|c| c[at]).collect::<Vec<_>>();
        let ceiling: Vec<_> = schedule.replicas.iter().map(|r| r[index][at]).collect();
        if ceiling.iter().all(|count| *count == 0) {
            continue;
        }
        let placement = placement(instance, demand, at, ceiling);
        let placement = SitePlacement {
            floor: over_time(&floors),
            ..placement
        };
        let variant: &VariantName = &demand.deployment.variants[place.variant].name;
        decision
            .sites
            .entry(instance.sites[place.site].id.clone())
            .or_default()
            .insert(variant.clone(), placement);
    }
    decision
}

fn placement(
    instance: &Instance<'_>,
    demand: &Demand<'_>,
    at: usize,
    ceiling: Vec<u32>,
) -> SitePlacement {
    let place = &demand.places[at];
    let count = ceiling[0];
    let watts = Watts(place.watts).times(count);
    let hour = hour_of(instance.sites[place.site].site, 0);
    SitePlacement {
        floor: Vec::new(),
        watts,
        cost_per_hour: instance
            .running(demand, place, 0)
            .scaled(f64::from(count) / instance.hours),
        grams_per_hour: physics::carbon(watts, hour, 1.0),
        liters_per_hour: physics::water(watts, hour, 1.0),
        ceiling,
    }
}

/// What the first slot does not give a deployment, if anything.
fn unmet(demand: &Demand<'_>, counts: &[u32]) -> Option<Unmet> {
    let short = demand.shortfall(0, counts);
    let sites_missing = demand.sites_missing(counts);
    (short > 0.0 || sites_missing > 0).then_some(Unmet {
        tokens_per_second: TokensPerSecond(short),
        sites_missing,
    })
}
