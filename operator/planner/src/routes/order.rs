//! Who chooses first.

use std::cmp::Reverse;

use crate::demand::Demand;
use crate::instance::Instance;

/// Sites beyond the best that a deployment's regret looks at.
const ELSEWHERE: usize = 5;

/// Deployments by priority, then by regret: what it would cost, at the prices, to serve them at the next best sites instead of
/// the best, each further one counting half as much. Who is indifferent at these prices fits in anywhere later; who has nowhere else goes first. Equals by size, then name.
pub(super) fn by_regret(instance: &Instance<'_>, regrets: &[f64]) -> Vec<usize> {
    let regrets: Vec<(f64, f64)> = (regrets.iter().zip(&instance.demands))
        .map(|(regret, demand)| (*regret, size(demand)))
        .collect();
    let mut order: Vec<usize> = (0..regrets.len()).collect();
    let priority = |index: &usize| Reverse(instance.demands[*index].deployment.priority);
    order.sort_by(|a, b| {
        let (of_a, of_b) = (regrets[*a], regrets[*b]);
        (priority(a).cmp(&priority(b)))
            .then(of_b.0.total_cmp(&of_a.0))
            .then(of_b.1.total_cmp(&of_a.1))
            .then(a.cmp(b))
    });
    order
}

pub(super) fn regret(instance: &Instance<'_>, demand: &Demand<'_>) -> f64 {
    let worth = demand.worth(instance.hours);
    let mut by_site: Vec<(usize, f64)> = Vec::new();
    for place in demand
        .places
        .iter()
        .filter(|place| place.allowed && place.tokens > 0.0)
    {
        let tokens = demand.tokens.iter().enumerate();
        let cost: f64 = tokens
            .map(|(slot, tokens)| tokens * (place.priced(slot, 1.0) / place.tokens).min(worth))
            .sum();
        match by_site.last_mut() {
            Some((site, known)) if *site == place.site => *known = known.min(cost),
            _ => by_site.push((place.site, cost)),
        }
    }
    let mut costs: Vec<f64> = by_site.into_iter().map(|(_, cost)| cost).collect();
    costs.sort_by(f64::total_cmp);
    let Some(best) = costs.first().copied() else {
        return 0.0;
    };
    // To have nowhere else is as bad as to pay twice: more would put those with few sites before those who lose much.
    let most = best.abs();
    let others = (1..=ELSEWHERE).map(|rank| {
        let more = costs.get(rank).map_or(most, |cost| (cost - best).min(most));
        more * 0.5_f64.powi(rank as i32)
    });
    others.sum()
}

/// Watts that serve it, at its thriftiest.
fn size(demand: &Demand<'_>) -> f64 {
    let watts =
        demand.deployment.variants.iter().map(|variant| {
            variant.watts.0 as f64 / variant.tokens_per_second.0.max(f64::MIN_POSITIVE)
        });
    demand.tokens.iter().sum::<f64>() * watts.fold(f64::INFINITY, f64::min)
}
