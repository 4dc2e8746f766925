//! What a fleet would cost under simpler rules, kept to the same limits by the same search.
//!
//! A rule changes what the search sees (prices, or where something may run), never how it searches. What it decided is
//! then explained and priced in the true world, so that plans can be compared.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{Deployment, Money, Plan, Refusal, Site, SiteId, World, sound};

use crate::eligibility::{excludes_deployment, excludes_job};
use crate::windows::Window;

/// A simpler rule to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Each deployment stays where it is committed, or else at the first sites by name that may run it; each job runs
    /// at once at the first site by name.
    StayAtHome,
    /// Energy and accelerators by price; carbon, water and moves cost nothing.
    Cheapest,
    /// Carbon alone.
    Cleanest,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 3] = [Self::StayAtHome, Self::Cheapest, Self::Cleanest];

    /// The rule in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::StayAtHome => "every workload stays where it is",
            Self::Cheapest => "energy and accelerators by price alone",
            Self::Cleanest => "carbon alone",
        }
    }
}

/// The plan that a rule makes of a world. Its hard limits are those of [`crate::plan`]; its objective and bound
/// are at the world's true prices.
pub fn baseline(world: &World, previous: &Plan, rule: Rule) -> Plan {
    let (world, _) = sound(world);
    let world = world.as_ref();
    if world.slots.count == 0 {
        return crate::empty(world);
    }
    let seen = as_seen_by(world, rule);
    let by_rule = crate::solve::solve(&seen, previous);
    crate::restate::restate(world, &by_rule)
}

fn as_seen_by(world: &World, rule: Rule) -> World {
    let mut seen = world.clone();
    match rule {
        Rule::StayAtHome => stay_at_home(world, &mut seen),
        Rule::Cheapest => {
            for policy in seen.policies.values_mut() {
                policy.carbon_per_tonne = Money::ZERO;
                policy.water_per_cubic_meter = Money::ZERO;
                policy.move_cost = Money::ZERO;
            }
        }
        Rule::Cleanest => carbon_alone(&mut seen),
    }
    seen
}

fn carbon_alone(seen: &mut World) {
    for policy in seen.policies.values_mut() {
        policy.carbon_per_tonne = Money(100.0);
        policy.water_per_cubic_meter = Money::ZERO;
        policy.move_cost = Money::ZERO;
    }
    for site in seen.sites.values_mut() {
        for hour in &mut site.hours {
            hour.price_per_kwh = Money::ZERO;
        }
        for pool in site.pools.values_mut() {
            pool.price_per_hour = Money::ZERO;
        }
    }
}

fn stay_at_home(world: &World, seen: &mut World) {
    for deployment in seen.deployments.values_mut() {
        let homes = homes(world, deployment);
        for variant in &mut deployment.variants {
            let only = match &variant.only_at {
                Some(sites) => sites.intersection(&homes).cloned().collect(),
                None => homes.clone(),
            };
            variant.only_at = Some(only);
        }
    }
    for job in seen.jobs.values_mut() {
        let home = world
            .sites
            .iter()
            .find(|(id, site)| excludes_job(job, id, site).is_none())
            .map(|(id, _)| id.clone());
        for (id, site) in &world.sites {
            if Some(id) != home.as_ref() {
                job.refusals.insert(id.clone(), not_home(site));
            }
        }
        // The earliest deadline that it can meet lets it choose no hour but the first ones.
        let window = Window::new(job, &world.slots);
        let end = window.first + job.slots_left as usize;
        if end <= world.slots.count {
            job.deadline = job.deadline.min(world.slots.begin(end));
        }
    }
}

/// Where a deployment is, or the first sites that may run it.
fn homes(world: &World, deployment: &Deployment) -> BTreeSet<SiteId> {
    let committed = |variants: &BTreeMap<_, commonwatt_fleet::Committed>| {
        variants.values().any(|held| held.replicas > 0)
    };
    let homes: BTreeSet<_> = deployment
        .committed
        .iter()
        .filter(|(_, variants)| committed(variants))
        .map(|(id, _)| id.clone())
        .collect();
    if !homes.is_empty() {
        return homes;
    }
    world
        .sites
        .iter()
        .filter(|(id, site)| excludes_deployment(deployment, id, site).is_none())
        .map(|(id, _)| id.clone())
        .take(deployment.minimum_sites.max(1) as usize)
        .collect()
}

fn not_home(site: &Site) -> Refusal {
    Refusal {
        offer_revision: site.offer_revision,
        most_replicas: 0,
        reason: "NotHome".into(),
        detail: "the rule keeps it where it started".into(),
    }
}
