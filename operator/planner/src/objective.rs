//! What a schedule costs over its horizon, at the policies' own prices: the cost of `FORMULATION.md`.

use std::collections::BTreeMap;

use commonwatt_fleet::{CostParts, JobDecision, JobId, Metric, Money, Objective, Product, SiteId};

use crate::floors::floors;
use crate::instance::Instance;
use crate::packing::Nodes;
use crate::rows::{hour_of, per_watt};
use crate::schedule::Schedule;

/// IT watts at the end of each slot by site, and those of them that can be shed.
struct Load {
    watts: Vec<Vec<f64>>,
    sheddable: Vec<Vec<f64>>,
}

/// The sum over all slots, deployments and jobs.
pub(crate) fn objective(
    instance: &Instance<'_>,
    schedule: &Schedule,
    jobs: &BTreeMap<JobId, JobDecision>,
) -> Objective {
    let mut parts = serving(instance, schedule);
    for plan in jobs.values().filter_map(|job| job.placed.as_ref()) {
        parts += plan.cost;
    }
    let shared = &instance.world.shared;
    let fair = shared.fairness.carbon.0 > 0.0 || shared.fairness.water.0 > 0.0;
    let asks = |site: &commonwatt_fleet::Site| {
        site.demand_charge.is_some() || !site.obligations.is_empty()
    };
    if fair || instance.sites.iter().any(|row| asks(row.site)) {
        let load = load(instance, schedule, jobs);
        parts.demand = demand_charges(instance, &load);
        parts.obligations = shortfalls(instance, &load);
        parts.fairness =
            fairness(instance, &load, Metric::Carbon) + fairness(instance, &load, Metric::Water);
    }
    parts.accelerators += elastic_cost(instance, &elastic(instance, schedule, jobs));
    Objective {
        total: parts.total(),
        parts,
    }
}

fn serving(instance: &Instance<'_>, schedule: &Schedule) -> CostParts {
    let mut parts = CostParts::default();
    for (index, demand) in instance.demands.iter().enumerate() {
        for (slot, replicas) in schedule.replicas.iter().enumerate() {
            let counts = &replicas[index];
            for (place, count) in demand.places.iter().zip(counts).filter(|(_, n)| **n > 0) {
                parts += instance
                    .running(demand, place, slot)
                    .scaled(f64::from(*count));
            }
            let short = demand.shortfall(slot, counts);
            if short > 0.0 {
                parts += CostParts::unserved(demand.policy, short, instance.hours);
            }
            let before = match slot.checked_sub(1) {
                Some(last) => &schedule.replicas[last][index],
                None => &demand.committed,
            };
            if slot > 0 || !demand.newcomer {
                parts.moves += demand.policy.move_cost * f64::from(starts(before, counts));
            }
        }
    }
    parts
}

/// Replicas that start where fewer ran before.
pub(crate) fn starts(before: &[u32], now: &[u32]) -> u32 {
    let started = before
        .iter()
        .zip(now)
        .map(|(had, has)| has.saturating_sub(*had));
    started.fold(0, u32::saturating_add)
}

fn load(instance: &Instance<'_>, schedule: &Schedule, jobs: &BTreeMap<JobId, JobDecision>) -> Load {
    let none = vec![vec![0.0; instance.slots]; instance.sites.len()];
    let mut load = Load {
        watts: none.clone(),
        sheddable: none,
    };
    for (index, demand) in instance.demands.iter().enumerate() {
        for (slot, replicas) in schedule.replicas.iter().enumerate() {
            let counts = &replicas[index];
            let floors = floors(demand, counts);
            for ((place, count), floor) in demand.places.iter().zip(counts).zip(floors) {
                let each = place.watts as f64;
                load.watts[place.site][slot] += each * f64::from(*count);
                load.sheddable[place.site][slot] += each * f64::from(count.saturating_sub(floor));
            }
        }
    }
    for (id, decision) in jobs {
        let (Some(job), Some(placed)) = (instance.world.jobs.get(id), &decision.placed) else {
            continue;
        };
        let site = instance.sites.iter().position(|row| *row.id == placed.site);
        let (Some(site), Some(shape)) = (site, job.shapes.get(&placed.product)) else {
            continue;
        };
        let watts = shape.watts().0.max(0) as f64;
        for slot in (0..instance.slots).filter(|slot| placed.runs[*slot]) {
            load.watts[site][slot] += watts;
            load.sheddable[site][slot] += if job.interruptible { watts } else { 0.0 };
        }
    }
    load
}

/// What raises the month's peak (P).
fn demand_charges(instance: &Instance<'_>, load: &Load) -> Money {
    let sites = instance.sites.iter().zip(&load.watts);
    sites
        .filter_map(|(row, watts)| {
            let charge = row.site.demand_charge?;
            let facility = watts
                .iter()
                .enumerate()
                .map(|(slot, watts)| watts * hour_of(row.site, slot).pue);
            let peak = facility.fold(0.0, f64::max);
            let above = (peak - charge.peak.0 as f64).max(0.0) / 1000.0;
            Some(Money(charge.per_kilowatt.0.max(0.0) * above))
        })
        .fold(Money::ZERO, |sum, one| sum + one)
}

/// What was promised to be sheddable and is not (B).
fn shortfalls(instance: &Instance<'_>, load: &Load) -> Money {
    let mut sum = 0.0;
    for (row, sheddable) in instance.sites.iter().zip(&load.sheddable) {
        for owed in &row.site.obligations {
            let price = owed.shortfall_per_kilowatt_hour.0.max(0.0) * instance.hours;
            for (watts, sheddable) in owed.watts.iter().zip(sheddable) {
                sum += price * (watts.0 as f64 - sheddable).max(0.0) / 1000.0;
            }
        }
    }
    Money(sum)
}

/// What the community that is worst off bears (F).
fn fairness(instance: &Instance<'_>, load: &Load, metric: Metric) -> Money {
    let shared = &instance.world.shared;
    let weight = match metric {
        Metric::Carbon => shared.fairness.carbon.0,
        _ => shared.fairness.water.0,
    };
    if weight <= 0.0 {
        return Money::ZERO;
    }
    let horizon = instance.hours * instance.slots as f64;
    let (mut worst, mut longest) = (0.0_f64, 1.0_f64);
    for community in shared.communities.values() {
        let allowance = match metric {
            Metric::Carbon => community.carbon,
            _ => community.water,
        };
        let Some(all) = allowance.filter(|all| all.whole > 0.0) else {
            continue;
        };
        let sites = instance.sites.iter().zip(&load.watts);
        let used: f64 = sites
            .filter(|(row, _)| community.sites.contains(row.id))
            .map(|(row, watts)| {
                let each = per_watt(instance.world, row.site, metric);
                watts
                    .iter()
                    .zip(each)
                    .map(|(watts, one)| watts * one)
                    .sum::<f64>()
            })
            .sum();
        let horizons = all.horizons(horizon);
        worst = worst.max((all.used + horizons * used) / all.whole);
        longest = longest.max(horizons);
    }
    Money(weight * worst / longest)
}

/// Elastic nodes that what is charged needs, by pool and slot (E).
pub(crate) fn elastic(
    instance: &Instance<'_>,
    schedule: &Schedule,
    jobs: &BTreeMap<JobId, JobDecision>,
) -> BTreeMap<usize, Vec<u32>> {
    let mut needed = BTreeMap::new();
    for (index, row) in instance.pools.iter().enumerate() {
        let Some(more) = row.pool.elastic else {
            continue;
        };
        let sizes = row.nodes.sizes();
        let by_slot = (0..instance.slots).map(|slot| {
            let mut counts = charged(instance, schedule, index, slot);
            add_pods(instance, jobs, (index, slot), &mut counts);
            let fits =
                |count: u32| Nodes::new(row.pool, count, sizes.iter().copied()).fits(&counts);
            let (mut low, mut high) = (0, more.most_in(slot));
            while low < high {
                let middle = low + (high - low) / 2;
                if fits(middle) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            low
        });
        needed.insert(index, by_slot.collect());
    }
    needed
}

/// Replicas by size that a slot charges to a pool: the larger of before and after, or what stays where that does not fit.
fn charged(instance: &Instance<'_>, schedule: &Schedule, pool: usize, slot: usize) -> Vec<u32> {
    let ledger = &schedule.ledgers[slot];
    if !ledger.pool_over[pool] {
        return ledger.pool_charged[pool].clone();
    }
    let mut counts = instance.pools[pool].nodes.no_counts();
    for (demand, replicas) in instance.demands.iter().zip(&schedule.replicas[slot]) {
        let places = demand.places.iter().zip(replicas);
        for (place, count) in places.filter(|(place, _)| place.pool == Some(pool)) {
            if let Some(size) = place.size {
                counts[size] += count;
            }
        }
    }
    counts
}

fn add_pods(
    instance: &Instance<'_>,
    jobs: &BTreeMap<JobId, JobDecision>,
    (pool, slot): (usize, usize),
    counts: &mut [u32],
) {
    let row = &instance.pools[pool];
    let site = instance.sites[row.site].id;
    for (id, decision) in jobs {
        let Some(placed) = decision.placed.as_ref().filter(|placed| placed.runs[slot]) else {
            continue;
        };
        if placed.site != *site || placed.product != *row.product {
            continue;
        }
        let shape = instance
            .world
            .jobs
            .get(id)
            .and_then(|job| job.shapes.get(&placed.product));
        if let Some(shape) = shape
            && let Some(size) = row.nodes.index_of(shape.accelerators_per_pod)
        {
            counts[size] = counts[size].saturating_add(shape.pods);
        }
    }
}

fn elastic_cost(instance: &Instance<'_>, needed: &BTreeMap<usize, Vec<u32>>) -> Money {
    let mut sum = 0.0;
    for (pool, nodes) in needed {
        let Some(more) = instance.pools[*pool].pool.elastic else {
            continue;
        };
        let price = more.price_per_node_hour.0 * instance.hours;
        let mut before = more.running;
        for count in nodes {
            let started = count.saturating_sub(before) * more.start_slots;
            sum += price * f64::from(count + started);
            before = *count;
        }
    }
    Money(sum)
}

/// Elastic nodes by name.
pub(crate) fn elastic_by_name(
    instance: &Instance<'_>,
    needed: BTreeMap<usize, Vec<u32>>,
) -> BTreeMap<SiteId, BTreeMap<Product, Vec<u32>>> {
    let mut named: BTreeMap<SiteId, BTreeMap<Product, Vec<u32>>> = BTreeMap::new();
    for (pool, nodes) in needed
        .into_iter()
        .filter(|(_, nodes)| nodes.iter().any(|count| *count > 0))
    {
        let row = &instance.pools[pool];
        let site = named
            .entry(instance.sites[row.site].id.clone())
            .or_default();
        site.insert(row.product.clone(), nodes);
    }
    named
}

/// What a schedule leaves unserved, the highest priority first: token-slots and site-slots.
pub(crate) fn unserved(instance: &Instance<'_>, schedule: &Schedule) -> Vec<(f64, u64)> {
    let mut classes: BTreeMap<std::cmp::Reverse<i32>, (f64, u64)> = BTreeMap::new();
    for (slot, replicas) in schedule.replicas.iter().enumerate() {
        for (demand, counts) in instance.demands.iter().zip(replicas) {
            let class = classes
                .entry(std::cmp::Reverse(demand.deployment.priority))
                .or_default();
            class.0 += demand.shortfall(slot, counts);
            class.1 += u64::from(demand.sites_missing(counts));
        }
    }
    classes.into_values().collect()
}
