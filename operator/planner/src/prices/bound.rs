//! What prices prove: no plan costs less than this.

use commonwatt_fleet::Money;

use super::fold::Folded;
use super::response::Outlook;
use super::rows::{Kind, PriceRows};
use super::seats::Bidders;
use super::threads::in_parts;
use super::{Prices, jobs};
use crate::rows::Rows;

/// A lower bound with what it was made of.
pub(crate) struct Proof {
    /// For serving, all rows' terms included.
    pub serving: f64,
    /// By deployment: seats worth looking at.
    pub shortlists: Vec<Vec<usize>>,
}

/// Evaluates prices exactly. `with_sites` counts minimum sites as hard, which is right where a plan has them all.
pub(crate) fn prove(
    rows: &Rows<'_>,
    priced: &PriceRows,
    bidders: &Bidders,
    prices: &Prices,
    (with_sites, shortlist): (bool, usize),
) -> Proof {
    let folded = Folded::new(rows, priced, prices);
    let work = bidders
        .all
        .iter()
        .map(|bidder| bidder.seats.len() * rows.slots)
        .sum();
    let parts = in_parts(bidders.all.len(), work, |range| {
        let mut outlook = Outlook::default();
        bidders.all[range]
            .iter()
            .map(|bidder| {
                outlook.price(bidder, &folded);
                let bound = outlook.bound(bidder, bidders, with_sites);
                let seats = if shortlist > 0 {
                    outlook.shortlist(bidder, &folded, shortlist)
                } else {
                    Vec::new()
                };
                (bound, seats)
            })
            .collect::<Vec<_>>()
    });
    let (each, shortlists): (Vec<f64>, Vec<_>) = parts.into_iter().flatten().unzip();
    Proof {
        serving: each.iter().sum::<f64>() + constants(rows, priced, prices),
        shortlists,
    }
}

/// What the rows themselves give and take at these prices.
pub(crate) fn constants(rows: &Rows<'_>, priced: &PriceRows, prices: &Prices) -> f64 {
    let mut sum = 0.0;
    for (index, row) in priced.rows.iter().enumerate() {
        let values = priced.of(index, &prices.0);
        let sold: f64 = values
            .iter()
            .zip(&row.capacity)
            .map(|(price, have)| price * have)
            .sum();
        match row.kind {
            Kind::Owed { .. } => sum += sold,
            Kind::Fair { .. } => {}
            _ => sum -= sold,
        }
    }
    for (row, bearer) in priced.fair() {
        sum += prices.0[row.base] * bearer.used;
    }
    sum + elastic(rows, priced, prices)
}

/// Elastic nodes are had where their places are worth more than they cost.
fn elastic(rows: &Rows<'_>, priced: &PriceRows, prices: &Prices) -> f64 {
    let mut worth: std::collections::BTreeMap<usize, Vec<f64>> = std::collections::BTreeMap::new();
    for (index, row) in priced.rows.iter().enumerate() {
        let Kind::Nodes { pool, width } = row.kind else {
            continue;
        };
        let Some(more) = rows.pools[pool].pool.elastic else {
            continue;
        };
        let units = f64::from(more.accelerators_per_node / width);
        let sums = worth.entry(pool).or_insert_with(|| vec![0.0; rows.slots]);
        sums.iter_mut()
            .zip(priced.of(index, &prices.0))
            .for_each(|(sum, price)| *sum += units * price);
    }
    let mut sum = 0.0;
    for (pool, worth) in worth {
        let Some(more) = rows.pools[pool].pool.elastic else {
            continue;
        };
        let cost = more.price_per_node_hour.0 * rows.hours;
        let known = f64::from(more.running.min(more.nodes));
        for (slot, worth) in worth.into_iter().enumerate() {
            // The row's capacity counts what runs already; it may also be switched off.
            let most = f64::from(more.most_in(slot));
            sum += (worth * known) + (most * (cost - worth)).min(0.0);
        }
    }
    sum
}

/// The bound of the batch work that a plan does, at the prices.
pub(crate) fn jobs_bound(
    rows: &Rows<'_>,
    priced: &PriceRows,
    prices: &Prices,
    done: &std::collections::BTreeMap<commonwatt_fleet::JobId, commonwatt_fleet::JobDecision>,
) -> f64 {
    let folded = Folded::new(rows, priced, prices);
    done.iter()
        .map(|(id, decision)| jobs::bound(rows, &folded, id, decision))
        .sum()
}

/// The sum as money, rounded down by more than any order of summation can make up for.
pub(crate) fn rounded_down(sum: f64) -> Money {
    Money(sum - 1e-9 * (1.0 + sum.abs()))
}
