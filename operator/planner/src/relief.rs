//! What would change where a deployment runs: a bit more of what binds, or a bit less that is asked for, and the whole fleet
//! planned again with it. No dual price says what a whole replica or a whole node is worth; solving again does.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    Answer, DeploymentId, Explanation, Liters, Metric, Plan, Rejection, Relief, SiteId,
    TokensPerSecond, VariantName, Watts, World,
};

/// At most so many plans are made to answer.
pub const MOST: usize = 5;

/// Plans the world again with each thing that would change where a deployment runs, what binds first. `plan` is that of
/// `world` after `previous`.
pub fn would_change(
    world: &World,
    previous: &Plan,
    plan: &Plan,
    id: &DeploymentId,
    explained: &Explanation,
) -> Vec<Answer> {
    reliefs(world, id, explained)
        .into_iter()
        .filter_map(|relief| {
            let changed = with(world, id, &relief)?;
            Some(answer(
                plan,
                &crate::plan(&changed, previous),
                world,
                id,
                relief,
            ))
        })
        .collect()
}

fn answer(plan: &Plan, then: &Plan, world: &World, id: &DeploymentId, relief: Relief) -> Answer {
    let hours = (world.slots.hours() * world.slots.count as f64).max(f64::MIN_POSITIVE);
    let parts = plan.objective.parts.less(then.objective.parts);
    let places = first_slot(then, id);
    Answer {
        relief,
        saves_per_hour: (plan.objective.total - then.objective.total) / hours,
        parts: parts.scaled(1.0 / hours),
        moves: places != first_slot(plan, id),
        places,
        unmet: then
            .deployments
            .get(id)
            .and_then(|decision| decision.unmet.clone()),
    }
}

fn first_slot(plan: &Plan, id: &DeploymentId) -> BTreeMap<SiteId, BTreeMap<VariantName, u32>> {
    let mut places: BTreeMap<SiteId, BTreeMap<VariantName, u32>> = BTreeMap::new();
    let sites = plan.deployments.get(id).map(|decision| &decision.sites);
    for (site, variants) in sites.into_iter().flatten() {
        for (variant, placement) in variants {
            let replicas = placement.ceiling.first().copied().unwrap_or(0);
            if replicas > 0 {
                let here = places.entry(site.clone()).or_default();
                here.insert(variant.clone(), replicas);
            }
        }
    }
    places
}

/// What could be otherwise, each thing once: limits where it runs already before those where it does not, then the demand.
fn reliefs(world: &World, id: &DeploymentId, explained: &Explanation) -> Vec<Relief> {
    let Some(deployment) = world.deployments.get(id) else {
        return Vec::new();
    };
    let elsewhere = explained.binding.iter();
    let elsewhere = elsewhere.filter(|(site, _)| !explained.full.contains_key(*site));
    let mut reliefs: Vec<Relief> = Vec::new();
    for (site, limit) in explained.full.iter().chain(elsewhere) {
        let relief = of_limit(world, id, site, limit);
        reliefs.extend(relief.filter(|relief| !reliefs.contains(relief)));
    }
    let demand = deployment.demand_in(0);
    reliefs.truncate(MOST - usize::from(demand.0 > 0.0));
    if demand.0 > 0.0 {
        reliefs.push(Relief::Demand {
            from: demand,
            to: TokensPerSecond(rounded_down(demand.0 * 0.9)),
        });
    }
    reliefs
}

fn of_limit(world: &World, id: &DeploymentId, site: &SiteId, limit: &Rejection) -> Option<Relief> {
    let deployment = world.deployments.get(id)?;
    let horizon = world.slots.hours() * world.slots.count as f64;
    match limit {
        Rejection::Power {
            need,
            headroom,
            limit,
            set_by,
            ..
        } => Some(Relief::Power {
            set_by: set_by.clone(),
            site: site.clone(),
            from: *limit,
            to: Watts(more(limit.0 as f64, (need.0 - headroom.0) as f64) as i64),
        }),
        Rejection::Accelerators { product, need, .. } => {
            let pool = world.sites.get(site)?.pools.get(product)?;
            Some(Relief::Node {
                site: site.clone(),
                product: product.clone(),
                accelerators: pool.largest_node().max(*need),
            })
        }
        Rejection::Water { need, left, set_by } => {
            let shared = world
                .shared
                .stocks
                .get(set_by)
                .map(|stock| stock.allowance(horizon));
            let own = world.sites.get(site)?.water.as_ref();
            let from = shared.or_else(|| Some(own?.allowance(horizon).0))?;
            Some(stock(set_by, Metric::Water, site, from, need.0 - left.0))
        }
        Rejection::Stock {
            metric,
            need,
            left,
            set_by,
        } => {
            let from = world.shared.stocks.get(set_by)?.allowance(horizon);
            Some(stock(set_by, *metric, site, from, need - left))
        }
        Rejection::Reserved {
            product,
            need,
            free,
            reserved,
            set_by,
        } => Some(Relief::Reserve {
            set_by: set_by.clone(),
            site: site.clone(),
            product: product.clone(),
            from: *reserved,
            to: reserved.saturating_sub(need.saturating_sub(*free)),
        }),
        Rejection::Tenant { tenant, .. } => Some(Relief::Tenant {
            tenant: tenant.clone(),
        }),
        Rejection::RefusedBySite { .. } => Some(Relief::Refusal { site: site.clone() }),
        Rejection::MoveBudget { .. } => {
            let from = world.policies.get(&deployment.policy)?.moves_per_hour;
            let held = deployment.committed.values().flat_map(BTreeMap::values);
            let held: u32 = held.map(|held| held.replicas).fold(0, u32::saturating_add);
            Some(Relief::Moves {
                policy: deployment.policy.clone(),
                from,
                to: more(f64::from(from), f64::from(held)) as u32,
            })
        }
        _ => None,
    }
}

fn stock(set_by: &str, metric: Metric, site: &SiteId, from: f64, lacking: f64) -> Relief {
    Relief::Stock {
        set_by: set_by.to_owned(),
        metric,
        site: site.clone(),
        from,
        to: more(from, lacking),
    }
}

/// A tenth more, or what is lacking if that is more, rounded up to two digits.
fn more(from: f64, lacking: f64) -> f64 {
    let to = from + (from * 0.1).max(lacking);
    let unit = digit(to);
    // A hair less: 9.4 thousand are 9.4 thousand.
    (to / unit - 1e-9).ceil() * unit
}

fn rounded_down(value: f64) -> f64 {
    let unit = digit(value);
    (value / unit + 1e-9).floor() * unit
}

/// The size of the second digit.
fn digit(value: f64) -> f64 {
    10_f64.powf(value.abs().max(1e-9).log10().floor() - 1.0)
}

/// The world with a relief; none where there is nothing of the kind.
fn with(world: &World, id: &DeploymentId, relief: &Relief) -> Option<World> {
    let mut world = world.clone();
    let horizon = world.slots.hours() * world.slots.count as f64;
    // Of what a period holds a horizon may use its part.
    let remaining = |to: f64, hours_left: f64| to * (hours_left / horizon).max(1.0);
    match relief {
        Relief::Power {
            set_by,
            site,
            from,
            to,
        } => {
            let raise = |limit: &mut Watts| limit.0 = limit.0.saturating_add(to.0 - from.0);
            if let Some(cap) = world.shared.caps.get_mut(set_by) {
                cap.limit.iter_mut().for_each(raise);
            } else {
                let hours = world.sites.get_mut(site)?.hours.iter_mut();
                let bound = hours.filter(|hour| hour.limit_set_by == *set_by);
                bound.for_each(|hour| raise(&mut hour.limit));
            }
        }
        Relief::Node {
            site,
            product,
            accelerators,
        } => {
            let pool = world.sites.get_mut(site)?.pools.get_mut(product)?;
            *pool.nodes.entry(*accelerators).or_default() += 1;
        }
        Relief::Stock {
            set_by, site, to, ..
        } => {
            if let Some(stock) = world.shared.stocks.get_mut(set_by) {
                stock.remaining = remaining(*to, stock.hours_left);
            } else {
                let stock = world.sites.get_mut(site)?.water.as_mut()?;
                stock.remaining = Liters(remaining(*to, stock.hours_left));
            }
        }
        Relief::Reserve {
            site, product, to, ..
        } => {
            let pool = world.sites.get_mut(site)?.pools.get_mut(product)?;
            pool.reserve.as_mut()?.accelerators = *to;
        }
        Relief::Tenant { tenant } => {
            let deployment = world.deployments.get(id)?;
            let variants = deployment.variants.iter();
            let largest = variants.map(|one| (one.accelerators, one.watts.0));
            let (accelerators, watts) = largest.fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
            let cap = world.shared.tenants.get_mut(tenant)?;
            cap.accelerators = cap
                .accelerators
                .map(|cap| cap + (cap / 10).max(accelerators));
            cap.watts = cap.watts.map(|cap| Watts(cap.0 + (cap.0 / 10).max(watts)));
        }
        Relief::Refusal { site } => {
            world.deployments.get_mut(id)?.refusals.remove(site)?;
        }
        Relief::Moves { policy, to, .. } => {
            world.policies.get_mut(policy)?.moves_per_hour = *to;
        }
        Relief::Demand { from, to } => {
            let deployment = world.deployments.get_mut(id)?;
            let part = to.0 / from.0;
            deployment.demand.0 *= part;
            deployment.floor.0 *= part;
            let by_slot = deployment.demand_by_slot.iter_mut();
            by_slot.for_each(|demand| demand.0 *= part);
        }
    }
    Some(world)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_more_is_a_tenth_or_what_is_lacking_in_two_digits() {
        for (from, lacking, to) in [
            (8500.0, 100.0, 9400.0),
            (8500.0, 3400.0, 12_000.0),
            (6509.0, 1.0, 7200.0),
            (0.0, 1500.0, 1500.0),
            (940.0, 0.0, 1100.0),
        ] {
            assert!(
                (more(from, lacking) - to).abs() < 1e-6,
                "{from} {lacking}: {}",
                more(from, lacking)
            );
        }
        assert!((rounded_down(54_321.0) - 54_000.0).abs() < 1e-6);
        assert!((rounded_down(0.9) - 0.9).abs() < 1e-6);
    }
}
