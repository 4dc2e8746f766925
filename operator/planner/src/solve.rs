//! From a world to a plan: prices, places, schedule, proof.

use std::collections::BTreeSet;

use commonwatt_fleet::{Bound, Decision, Plan, World};

use crate::assemble::assemble;
use crate::demand::Demand;
use crate::instance::Instance;
use crate::outlook::look_ahead;
use crate::prices::{
    Bidders, Folded, PriceRows, Prices, Proof, find, jobs_bound, prove, rounded_down,
};
use crate::routes::Routes;
use crate::rows::Rows;
use crate::stability::{Planned, plan_steadily};
use crate::warm::carry_on;

/// Places of a deployment that the search looks at, by what they cost over the horizon; each slot's best come on top.
const SHORTLIST: usize = 12;

/// Prices with what they prove.
pub(crate) struct Priced {
    pub rows: PriceRows,
    pub bidders: Bidders,
    pub prices: Prices,
    pub proof: Proof,
}

/// The plan: the previous one carried on where it still is good, or else a new one.
pub(crate) fn solve(world: &World, previous: &Plan) -> Plan {
    let known = {
        let rows = Rows::new(world);
        let priced = PriceRows::new(&rows);
        Prices::from_previous(world, &priced, previous)
    };
    if let Some(prices) = known.filter(|_| previous.bound.lower.is_some()) {
        let (instance, priced) = priced_instance(world, previous, |_, _, _| prices);
        if let Some(plan) = carry_on(&instance, &priced, previous) {
            return plan;
        }
    }
    let (mut instance, priced) = priced_instance(world, previous, find);
    let falling_short = Routes::empty(&instance).who_falls_short();
    let mut looked: BTreeSet<usize> = falling_short.into_iter().collect();
    if !looked.is_empty() {
        // The best places have no room for all: those who would be short look at every place.
        instance = looking_everywhere(world, previous, &priced, &looked);
    }
    let steadily = |instance: &Instance<'_>| {
        plan_steadily(instance, previous, |planned| {
            lower(instance, &priced, planned)
        })
    };
    let mut planned = steadily(&instance);
    let short = short(&instance, &planned);
    if !short.is_empty() {
        looked.extend(short);
        instance = looking_everywhere(world, previous, &priced, &looked);
        planned = steadily(&instance);
    }
    finish(&instance, &priced, planned)
}

/// The world again, with every place for some.
fn looking_everywhere<'w>(
    world: &'w World,
    previous: &Plan,
    priced: &Priced,
    looked: &BTreeSet<usize>,
) -> Instance<'w> {
    let (rows, mut demands) = opened(world);
    list_places(&rows, priced, (&mut demands, previous), |index| {
        looked.contains(&index)
    });
    Instance::new(rows, demands)
}

/// The plan that a schedule is, with what the prices prove of it.
pub(crate) fn finish(instance: &Instance<'_>, priced: &Priced, planned: Planned) -> Plan {
    let bound = Bound {
        upper: crate::objective::objective(instance, &planned.0, &planned.1).total,
        lower: Some(rounded_down(lower(instance, priced, &planned))),
    };
    let mut plan = assemble(instance, &planned.0, planned.1, bound);
    plan.prices = priced.prices.named(&priced.rows);
    plan
}

fn opened(world: &World) -> (Rows<'_>, Vec<Demand<'_>>) {
    let rows = Rows::new(world);
    let demands = world.deployments.iter();
    let demands = demands
        .map(|(id, deployment)| Demand::new(&rows, id, deployment))
        .collect();
    (rows, demands)
}

/// A world with prices, and the places that they make worth looking at.
fn priced_instance<'w>(
    world: &'w World,
    previous: &Plan,
    find: impl FnOnce(&Rows<'w>, &PriceRows, &Bidders) -> Prices,
) -> (Instance<'w>, Priced) {
    let (rows, mut demands) = opened(world);
    let priced_rows = PriceRows::new(&rows);
    let bidders = Bidders::new(&rows, &demands);
    let prices = find(&rows, &priced_rows, &bidders);
    let proof = prove(&rows, &priced_rows, &bidders, &prices, (true, SHORTLIST));
    let priced = Priced {
        rows: priced_rows,
        bidders,
        prices,
        proof,
    };
    list_places(&rows, &priced, (&mut demands, previous), |_| false);
    (Instance::new(rows, demands), priced)
}

/// Deployments that a schedule leaves short, or at too few sites, and that have not looked everywhere.
fn short(instance: &Instance<'_>, planned: &Planned) -> BTreeSet<usize> {
    let is_short = |index: &usize| {
        let demand = &instance.demands[*index];
        let lacks = |(slot, counts): (usize, &Vec<Vec<u32>>)| {
            demand.shortfall(slot, &counts[*index]) > 0.0
                || demand.sites_missing(&counts[*index]) > 0
        };
        planned.0.replicas.iter().enumerate().any(lacks)
            && demand.places.len() < demand.everywhere(instance).len()
    };
    (0..instance.demands.len()).filter(is_short).collect()
}

fn list_places<'w>(
    rows: &Rows<'w>,
    priced: &Priced,
    (demands, previous): (&mut [Demand<'w>], &Plan),
    everywhere: impl Fn(usize) -> bool,
) {
    let folded = Folded::new(rows, &priced.rows, &priced.prices);
    let lists = priced.proof.shortlists.iter().zip(&priced.bidders.all);
    for (index, (demand, (seats, bidder))) in demands.iter_mut().zip(lists).enumerate() {
        let place = |seat: &usize| {
            let seat = &bidder.seats[*seat];
            (rows.pools[seat.pool as usize].site, seat.variant as usize)
        };
        let known = previous.deployments.get(demand.id);
        let known = known
            .into_iter()
            .flat_map(|decision| said_places(rows, demand, decision));
        if everywhere(index) {
            demand.list(
                rows,
                (0..bidder.seats.len())
                    .collect::<Vec<_>>()
                    .iter()
                    .map(place),
            );
        } else {
            let listed: Vec<_> = seats.iter().map(place).chain(known).collect();
            demand.list(rows, listed);
        }
        look_ahead(rows, &folded, demand);
    }
}

/// Places that a plan gave a deployment.
fn said_places(rows: &Rows<'_>, demand: &Demand<'_>, decision: &Decision) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for (site, variants) in &decision.sites {
        let Some(site) = rows.sites.iter().position(|row| row.id == site) else {
            continue;
        };
        for (number, variant) in demand.deployment.variants.iter().enumerate() {
            if variants.contains_key(&variant.name) {
                places.push((site, number));
            }
        }
    }
    places
}

/// What no plan that does this batch work costs less than.
fn lower(instance: &Instance<'_>, priced: &Priced, planned: &Planned) -> f64 {
    let missing = |replicas: &Vec<Vec<u32>>| {
        let mut all = instance.demands.iter().zip(replicas);
        all.any(|(demand, counts)| demand.sites_missing(counts) > 0)
    };
    let serving = if planned.0.replicas.iter().any(missing) {
        // Where not even all sites could be had, a bound that counts on them proves nothing.
        prove(
            instance,
            &priced.rows,
            &priced.bidders,
            &priced.prices,
            (false, 0),
        )
        .serving
    } else {
        priced.proof.serving
    };
    serving + jobs_bound(instance, &priced.rows, &priced.prices, &planned.1)
}
