//! What there is less of: whole nodes, power in common, water.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{
    Allowance, Community, Elastic, Liters, Metric, Money, PowerCap, SiteId, Stock, WaterStock,
    Watts, World,
};

use crate::hardware::ACCELERATORS;
use crate::random::Random;
use crate::sketch::Outline;
use crate::supply::NODE;

/// Breaks half of the nodes into what others left of them.
pub(crate) fn fragment(world: &mut World, seed: u64) {
    let mut random = Random::of(seed, "fragments");
    for pool in world
        .sites
        .values_mut()
        .flat_map(|site| site.pools.values_mut())
    {
        let whole = pool.nodes.get(&NODE).copied().unwrap_or(0);
        let mut nodes: BTreeMap<u32, u32> = BTreeMap::new();
        for _ in 0..whole {
            let free = [NODE, NODE, NODE, NODE, 7, 5, 4, 3, 2, 1][random.below(10)];
            *nodes.entry(free).or_default() += 1;
        }
        // What is lost to fragments is made up for, so that accelerators are enough and places for large ones are not.
        let free: u32 = nodes.iter().map(|(free, count)| free * count).sum();
        let lost = (whole * NODE).saturating_sub(free);
        for _ in 0..lost / 3 {
            *nodes.entry([4, 3, 2, 1][random.below(4)]).or_default() += 1;
        }
        pool.nodes = nodes;
    }
}

/// Gives some pools nodes that can be started.
pub(crate) fn elastic(world: &mut World, seed: u64) {
    let mut random = Random::of(seed, "elastic");
    for pool in world
        .sites
        .values_mut()
        .flat_map(|site| site.pools.values_mut())
    {
        if !random.chance(0.2) {
            continue;
        }
        let nodes: u32 = pool.nodes.values().sum();
        pool.elastic = Some(Elastic {
            nodes: nodes.div_ceil(4),
            accelerators_per_node: NODE,
            running: 0,
            start_slots: 1,
            price_per_node_hour: Money(2.0),
        });
    }
}

/// Caps over regions, owners and products: every pool is under its site's limit and two or three caps. Each leaves more
/// than the part of the need that falls on it, so that all demand can be served, and less than its sites' limits.
pub(crate) fn overlap(world: &mut World, outlines: &[Outline], need: f64, seed: u64) {
    let mut random = Random::of(seed, "caps");
    let mut regions: BTreeMap<usize, Vec<&Outline>> = BTreeMap::new();
    let mut owners: BTreeMap<usize, Vec<&Outline>> = BTreeMap::new();
    let count = (outlines.len() / 5).max(2);
    for outline in outlines {
        regions
            .entry(outline.metro.region)
            .or_default()
            .push(outline);
        owners.entry(random.below(count)).or_default().push(outline);
    }
    let mut caps = BTreeMap::new();
    for (region, members) in &regions {
        let name = format!("powerbudget/grid-{}", crate::geography::ORIGINS[*region]);
        let fair: f64 = members.iter().map(|outline| outline.share).sum();
        let over = members.iter().map(|outline| (outline.id.clone(), None));
        let limit = limits(&mut random, need * fair, world.slots.count);
        caps.insert(name, cap(over.collect(), limit));
        for (number, accelerator) in ACCELERATORS.iter().enumerate() {
            let parts = members
                .iter()
                .map(|outline| outline.share * outline.mix[number]);
            let fair: f64 = parts.sum();
            if fair <= 0.0 || !random.chance(0.4) {
                continue;
            }
            let product = BTreeSet::from([accelerator.product.into()]);
            let here = members.iter().filter(|outline| outline.mix[number] > 0.0);
            let over = here.map(|outline| (outline.id.clone(), Some(product.clone())));
            let limit = limits(&mut random, need * fair, world.slots.count);
            let name = format!(
                "powerbudget/lease-{}-{}",
                crate::geography::ORIGINS[*region],
                accelerator.product.to_lowercase()
            );
            caps.insert(name, cap(over.collect(), limit));
        }
    }
    for (owner, members) in &owners {
        let fair: f64 = members.iter().map(|outline| outline.share).sum();
        let over = members.iter().map(|outline| (outline.id.clone(), None));
        let limit = limits(&mut random, need * fair, world.slots.count);
        caps.insert(
            format!("powerbudget/owner-{owner}"),
            cap(over.collect(), limit),
        );
    }
    world.shared.caps = caps;
}

fn cap(
    over: BTreeMap<SiteId, Option<BTreeSet<commonwatt_fleet::Product>>>,
    limit: Vec<Watts>,
) -> PowerCap {
    PowerCap { over, limit }
}

/// Room to spare most of the time, and some hours with little.
fn limits(random: &mut Random, fair: f64, slots: usize) -> Vec<Watts> {
    let usual = random.between(1.4, 1.6);
    let tight = random.between(1.15, 1.3);
    let begin = random.below(slots.max(1));
    let end = begin + 3 + random.below(4);
    (0..slots)
        .map(|slot| {
            let factor = if (begin..end).contains(&slot) {
                tight
            } else {
                usual
            };
            Watts((fair * factor) as i64)
        })
        .collect()
}

/// The month ends in a day and a half, and most of its water is used: by sites, and by basins that several share. Those
/// who live there count what each of them gives.
pub(crate) fn thirst(world: &mut World, outlines: &[Outline], seed: u64) {
    let mut random = Random::of(seed, "water");
    let horizon = world.slots.hours() * world.slots.count as f64;
    let hours_left = horizon.max(1.0) * 1.5;
    let mut basins: BTreeMap<&str, (BTreeSet<SiteId>, f64)> = BTreeMap::new();
    for outline in outlines {
        let Some(site) = world.sites.get_mut(&outline.id) else {
            continue;
        };
        let full: f64 = site
            .hours
            .iter()
            .map(|hour| hour.limit.0 as f64 / 1000.0 * hour.wue.0 * world.slots.hours())
            .sum();
        let whole = full * hours_left / horizon.max(1.0);
        if whole > 0.0 && random.chance(0.7) {
            site.water = Some(WaterStock {
                remaining: Liters((whole * random.between(0.25, 0.7)).round()),
                hours_left,
                set_by: format!("waterbudget/{}", outline.id),
            });
        }
        let basin = basins.entry(outline.metro.name).or_default();
        basin.0.insert(outline.id.clone());
        basin.1 += whole;
    }
    for (name, (over, whole)) in basins {
        if whole <= 0.0 {
            continue;
        }
        let community = Community {
            sites: over.clone(),
            carbon: None,
            water: Some(Allowance {
                used: (whole * random.between(0.6, 1.4)).round(),
                whole: (whole * 2.5).round(),
                hours_left,
            }),
        };
        let place = format!("hostcommunity/{name}");
        world.shared.communities.insert(place.clone(), community);
        if over.len() > 1 {
            let stock = Stock {
                metric: Metric::Water,
                over,
                remaining: (whole * random.between(0.4, 0.6)).round(),
                hours_left,
            };
            world.shared.stocks.insert(place, stock);
        }
    }
    world.shared.fairness.water = Money(60.0 * outlines.len() as f64);
}
