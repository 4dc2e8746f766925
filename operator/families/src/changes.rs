//! What happens to a fleet after a plan.

use std::collections::BTreeMap;

use commonwatt_fleet::{Committed, Plan, SiteId, World};

use crate::random::Random;

/// The world once a plan's first slot is admitted: what it says is committed.
pub fn admitted(world: &World, plan: &Plan) -> World {
    let mut world = world.clone();
    for (id, deployment) in &mut world.deployments {
        let Some(decision) = plan.deployments.get(id) else {
            continue;
        };
        let before = std::mem::take(&mut deployment.committed);
        for (site, variants) in &decision.sites {
            let since = before
                .get(site)
                .and_then(|held| held.values().map(|held| held.since).min());
            let since = since.unwrap_or(world.slots.start);
            let now: BTreeMap<_, _> = variants
                .iter()
                .filter_map(|(name, placement)| {
                    let replicas = placement
                        .ceiling
                        .first()
                        .copied()
                        .filter(|count| *count > 0)?;
                    Some((name.clone(), Committed { replicas, since }))
                })
                .collect();
            if !now.is_empty() {
                deployment.committed.insert(site.clone(), now);
            }
        }
    }
    for (id, job) in &mut world.jobs {
        let placed = plan
            .jobs
            .get(id)
            .and_then(|decision| decision.placed.as_ref());
        if let Some(placed) = placed.filter(|placed| placed.runs.first() == Some(&true)) {
            job.started_at = Some(placed.site.clone());
            job.running = true;
        }
    }
    world
}

/// Up to a fifth more or less for a part of the sites' prices and of the deployments' demand, one of each at least.
pub fn after_change(world: &World, part: f64) -> World {
    let mut world = world.clone();
    let mut random = Random::of(0, "change");
    for site in chosen(&mut random, world.sites.values_mut(), part) {
        let factor = random.between(0.8, 1.2);
        for hour in &mut site.hours {
            hour.price_per_kwh = hour.price_per_kwh * factor;
        }
    }
    for deployment in chosen(&mut random, world.deployments.values_mut(), part) {
        let factor = random.between(0.8, 1.2);
        deployment.demand = deployment.demand * factor;
        deployment.floor = deployment.floor * factor;
        for demand in &mut deployment.demand_by_slot {
            *demand = *demand * factor;
        }
    }
    world
}

fn chosen<T>(random: &mut Random, all: impl Iterator<Item = T>, part: f64) -> Vec<T> {
    let mut all: Vec<_> = all.collect();
    random.shuffle(&mut all);
    let count = (all.len() as f64 * part).round().max(1.0) as usize;
    all.truncate(count);
    all
}

/// Without the site that carries most, and what ran there.
pub fn after_loss(world: &World) -> World {
    let mut world = world.clone();
    let mut carried: BTreeMap<&SiteId, i64> = BTreeMap::new();
    for deployment in world.deployments.values() {
        for (site, variants) in &deployment.committed {
            for (name, held) in variants {
                let variant = deployment.variants.iter().find(|v| v.name == *name);
                let watts = variant.map_or(0, |variant| variant.watts.times(held.replicas).0);
                *carried.entry(site).or_default() += watts;
            }
        }
    }
    let most = carried
        .into_iter()
        .max_by_key(|(id, watts)| (*watts, std::cmp::Reverse((*id).clone())));
    let Some(lost) = most.map(|(id, _)| id.clone()) else {
        return world;
    };
    world.sites.remove(&lost);
    for deployment in world.deployments.values_mut() {
        deployment.committed.remove(&lost);
    }
    for job in world.jobs.values_mut() {
        if job.started_at.as_ref() == Some(&lost) {
            job.started_at = None;
            job.running = false;
        }
    }
    for cap in world.shared.caps.values_mut() {
        cap.over.remove(&lost);
    }
    for stock in world.shared.stocks.values_mut() {
        stock.over.remove(&lost);
    }
    for community in world.shared.communities.values_mut() {
        community.sites.remove(&lost);
    }
    world
}
