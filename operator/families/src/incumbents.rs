//! Where deployments run already: put there an hour before, one after the other at the cheapest site that had room, at
//! prices that were a little different. Not by the planner that is measured: a world must not change with it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use commonwatt_fleet::{
    Committed, CostParts, Deployment, DeploymentId, Money, Pool, Site, SiteId, VariantName, World,
};

use crate::random::Random;
use crate::setting::Setting;

/// Commits a part of the fleet, with at most `filled` of every limit of the first slot.
pub(crate) fn settle(world: &mut World, setting: &Setting, seed: u64) {
    let mut random = Random::of(seed, "incumbents");
    let mut order: Vec<_> = world.deployments.keys().cloned().collect();
    random.shuffle(&mut order);
    let running = (order.len() as f64 * setting.running).round() as usize;
    let mut room = Room::new(world, setting.filled);
    for id in order.into_iter().take(running) {
        let committed = placed(world, &mut room, &mut random, &id);
        if let Some(deployment) = world.deployments.get_mut(&id) {
            deployment.committed = committed;
        }
    }
}

type Places = BTreeMap<SiteId, BTreeMap<VariantName, Committed>>;

fn placed(world: &World, room: &mut Room, random: &mut Random, id: &DeploymentId) -> Places {
    let mut places = Places::new();
    let Some(deployment) = world.deployments.get(id) else {
        return places;
    };
    let mut left = deployment.demand.0;
    let part = left / f64::from(deployment.minimum_sites.max(1));
    for (site, variant) in ranked(world, random, deployment) {
        if left <= 0.0 {
            break;
        }
        if places.contains_key(site) {
            continue;
        }
        let variant = &deployment.variants[variant];
        let each = variant.tokens_per_second.0;
        let early = (places.len() as u32) < deployment.minimum_sites;
        let wanted = if early { part.min(left) } else { left };
        let replicas = room.take(world, site, variant, (wanted / each).ceil() as u32);
        if replicas == 0 {
            continue;
        }
        left -= f64::from(replicas) * each;
        let hours = 1 + random.below(72) as i64;
        let committed = Committed {
            replicas,
            since: world.slots.start - TimeDelta::hours(hours),
        };
        let variants = BTreeMap::from([(variant.name.clone(), committed)]);
        places.insert(site.clone(), variants);
    }
    places
}

/// Sites and variants that suit, the cheapest token of an hour before first.
fn ranked<'w>(
    world: &'w World,
    random: &mut Random,
    deployment: &Deployment,
) -> Vec<(&'w SiteId, usize)> {
    let mut ranked = Vec::new();
    for (id, site) in &world.sites {
        // A price of an hour before, the same for all that runs at the site.
        let drift = random.between(0.93, 1.07);
        if !suits(site, deployment) {
            continue;
        }
        for (number, variant) in deployment.variants.iter().enumerate() {
            let Some(pool) = site.pools.get(&variant.product) else {
                continue;
            };
            let cost = cost(world, site, pool, deployment, number);
            ranked.push((cost * drift / variant.tokens_per_second.0, id, number));
        }
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    ranked
        .into_iter()
        .map(|(_, id, number)| (id, number))
        .collect()
}

fn cost(world: &World, site: &Site, pool: &Pool, deployment: &Deployment, number: usize) -> f64 {
    let variant = &deployment.variants[number];
    let (Some(policy), Some(hour)) = (world.policies.get(&deployment.policy), site.hours.first())
    else {
        return f64::INFINITY;
    };
    let parts = CostParts::running(
        site,
        hour,
        pool,
        policy,
        variant.watts,
        variant.accelerators,
        1.0,
    );
    let Money(total) = parts.total();
    total
}

/// Law and distance; with shares of origins a site that suits one of them will do.
fn suits(site: &Site, deployment: &Deployment) -> bool {
    let law = &deployment.jurisdictions;
    let near = |(origin, patience): (&commonwatt_fleet::Origin, &u32)| {
        let latency = site.latencies.get(origin);
        latency.is_some_and(|latency| latency <= patience)
    };
    let mut origins = deployment.origins.iter();
    let close = if deployment.origin_shares.is_empty() {
        origins.all(near)
    } else {
        origins.any(near)
    };
    close && (law.is_empty() || law.contains(&site.jurisdiction))
}

/// What is left of the rows that bind.
struct Room {
    watts: BTreeMap<SiteId, f64>,
    caps: BTreeMap<String, f64>,
    litres: BTreeMap<SiteId, f64>,
    stocks: BTreeMap<String, f64>,
    /// Accelerators left on nodes, by how many are: a replica takes them from the fullest node that holds it.
    nodes: BTreeMap<(SiteId, commonwatt_fleet::Product), BTreeMap<u32, u32>>,
}

impl Room {
    fn new(world: &World, filled: f64) -> Self {
        let hours = world.slots.hours() * world.slots.count as f64;
        let watts = |site: &Site| site.hours.first().map_or(0.0, |hour| hour.limit.0 as f64);
        let sites = || world.sites.iter();
        Self {
            watts: sites()
                .map(|(id, site)| (id.clone(), watts(site) * filled))
                .collect(),
            caps: world
                .shared
                .caps
                .iter()
                .map(|(name, cap)| {
                    let first = cap.limit.first().map_or(0.0, |limit| limit.0 as f64);
                    (name.clone(), first * filled)
                })
                .collect(),
            litres: sites()
                .filter_map(|(id, site)| {
                    let allowance = site.water.as_ref()?.allowance(hours);
                    Some((id.clone(), allowance.0 * filled))
                })
                .collect(),
            stocks: world
                .shared
                .stocks
                .iter()
                .map(|(name, stock)| (name.clone(), stock.allowance(hours) * filled))
                .collect(),
            nodes: sites()
                .flat_map(|(id, site)| {
                    let pools = site.pools.iter();
                    pools.map(move |(product, pool)| {
                        let nodes = pool.nodes.iter();
                        let used =
                            nodes.map(|(free, count)| (*free, (f64::from(*count) * filled) as u32));
                        ((id.clone(), product.clone()), used.collect())
                    })
                })
                .collect(),
        }
    }

    /// Takes room for up to so many replicas, and says for how many there was.
    fn take(
        &mut self,
        world: &World,
        site: &SiteId,
        variant: &commonwatt_fleet::Variant,
        wanted: u32,
    ) -> u32 {
        let watts = variant.watts.0 as f64;
        let litres: f64 = world.sites.get(site).map_or(0.0, |site| {
            let wue = site.hours.iter().map(|hour| hour.wue.0);
            wue.sum::<f64>() * world.slots.hours() * watts / 1000.0
        });
        let caps = world.shared.caps.iter();
        let caps: Vec<_> = caps
            .filter(|(_, cap)| cap.covers(site, &variant.product))
            .map(|(name, _)| name)
            .collect();
        let stocks = world.shared.stocks.iter();
        let stocks: Vec<_> = stocks
            .filter(|(_, stock)| stock.over.contains(site))
            .map(|(name, _)| name)
            .collect();
        let mut most = f64::from(wanted);
        let mut bounded = |left: Option<&f64>, each: f64| {
            if let Some(left) = left.filter(|_| each > 0.0) {
                most = most.min((left / each).floor().max(0.0));
            }
        };
        bounded(self.watts.get(site), watts);
        bounded(self.litres.get(site), litres);
        for cap in &caps {
            bounded(self.caps.get(*cap), watts);
        }
        for stock in &stocks {
            bounded(self.stocks.get(*stock), litres);
        }
        let taken = self.on_nodes(site, variant, most as u32);
        let replicas = f64::from(taken);
        let less = |left: Option<&mut f64>, each: f64| {
            if let Some(left) = left {
                *left -= each * replicas;
            }
        };
        less(self.watts.get_mut(site), watts);
        less(self.litres.get_mut(site), litres);
        for cap in caps {
            less(self.caps.get_mut(cap), watts);
        }
        for stock in stocks {
            less(self.stocks.get_mut(stock), litres);
        }
        taken
    }

    fn on_nodes(&mut self, site: &SiteId, variant: &commonwatt_fleet::Variant, wanted: u32) -> u32 {
        let key = (site.clone(), variant.product.clone());
        let Some(nodes) = self.nodes.get_mut(&key) else {
            return 0;
        };
        let size = variant.accelerators;
        for taken in 0..wanted {
            let mut fitting = nodes.range_mut(size..).filter(|(_, count)| **count > 0);
            let Some((free, count)) = fitting.next() else {
                return taken;
            };
            let free = *free;
            *count -= 1;
            *nodes.entry(free - size).or_default() += 1;
        }
        wanted
    }
}
