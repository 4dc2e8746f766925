//! What the cheapest answer in one slot costs at least, whole replicas, sites and room counted.

use super::knapsack::{Item, cover};
use super::seats::{Bidder, Bidders};

/// No vector of replicas serves a slot for less: see `FORMULATION.md`, lower bound.
pub(super) fn slot_bound(
    bidder: &Bidder,
    bidders: &Bidders,
    (slot, costs): (usize, &[f64]),
    with_sites: bool,
) -> f64 {
    let tokens = bidder.tokens[slot];
    let mut best = vec![f64::INFINITY; bidder.ways.len()];
    for (seat, cost) in bidder.seats.iter().zip(costs) {
        let known = &mut best[seat.variant as usize];
        *known = known.min(*cost);
    }
    let mut items: Vec<Item> = (best.iter().zip(&bidder.ways).enumerate())
        .filter(|(_, (cost, way))| cost.is_finite() && way.tokens > 0.0)
        .map(|(index, (cost, way))| Item {
            cost: *cost,
            tokens: way.tokens,
            way: index,
        })
        .collect();
    let spread = if with_sites {
        spread(bidder, &bidders.site_of, costs, &best)
    } else {
        (0.0, 0.0)
    };
    if items.iter().any(|item| item.cost < 0.0) {
        // Running earns: no vector keeps a replica that neither demand nor minimum sites need.
        let largest = items.iter().map(|item| item.tokens).fold(0.0, f64::max);
        let least = items
            .iter()
            .map(|item| item.cost / item.tokens)
            .fold(0.0, f64::min);
        return least * (tokens + largest * (1.0 + bidder.minimum_sites as f64));
    }
    let covered = cover(tokens, bidder.worth, &mut items).0.max(spread.1);
    let covered = covered.max(in_order_of_price(bidder, bidders, (slot, costs)));
    covered.max(by_origin(bidder, costs, tokens)) + spread.0
}

/// What minimum sites add: the least excess of each of the sites over the cheapest place of the variant, and the cost of
/// at least one replica at each.
fn spread(bidder: &Bidder, sites: &[u32], costs: &[f64], best: &[f64]) -> (f64, f64) {
    if bidder.minimum_sites == 0 || bidder.seats.is_empty() {
        return (0.0, 0.0);
    }
    let mut excess: Vec<f64> = Vec::new();
    let mut last = u32::MAX;
    for (seat, cost) in bidder.seats.iter().zip(costs) {
        let over = cost - best[seat.variant as usize];
        let site = sites[seat.pool as usize];
        match excess.last_mut() {
            Some(known) if site == last => *known = known.min(over),
            _ => excess.push(over),
        }
        last = site;
    }
    excess.sort_by(f64::total_cmp);
    let count = bidder.minimum_sites.min(excess.len());
    let least = best.iter().copied().fold(f64::INFINITY, f64::min).max(0.0);
    (excess[..count].iter().sum(), least * count as f64)
}

/// In fractions, each place filled with what it holds alone before the next dearer one.
fn in_order_of_price(bidder: &Bidder, bidders: &Bidders, (slot, costs): (usize, &[f64])) -> f64 {
    let tokens = bidder.tokens[slot];
    let holds = |index: usize| {
        let seat = &bidder.seats[index];
        let way = &bidder.ways[seat.variant as usize];
        (
            costs[index] / way.tokens,
            bidders.alone.most(slot, seat, way) * way.tokens,
        )
    };
    let first = (0..bidder.seats.len()).min_by(|a, b| holds(*a).0.total_cmp(&holds(*b).0));
    // Where the cheapest place holds all of it, whole replicas say more.
    if first.is_none_or(|first| holds(first).1 >= tokens) {
        return 0.0;
    }
    let mut places: Vec<(f64, f64)> = (0..bidder.seats.len()).map(holds).collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut left, mut cost) = (tokens, 0.0);
    for (each, most) in places {
        if each >= bidder.worth || left <= 0.0 {
            break;
        }
        let here = left.min(most);
        cost += here * each;
        left -= here;
    }
    cost + left.max(0.0) * bidder.worth
}

/// With origins: each part at the cheapest place that suits it, in fractions.
fn by_origin(bidder: &Bidder, costs: &[f64], tokens: f64) -> f64 {
    let cheapest = |origin: usize| {
        let suits = bidder.seats.iter().zip(costs).zip(&bidder.suits);
        let suits = suits.filter(|(_, suits)| *suits & (1 << origin) != 0);
        suits
            .map(|((seat, cost), _)| cost / bidder.ways[seat.variant as usize].tokens)
            .fold(bidder.worth, f64::min)
    };
    let parts = bidder.shares.iter().enumerate();
    parts
        .map(|(origin, share)| share * tokens * cheapest(origin))
        .sum()
}
