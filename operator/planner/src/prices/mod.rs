//! Prices of what is shared: one for each coupling row and slot, found by raising what is asked for too much.
//!
//! [`rows`] numbers the rows; [`fold`] turns prices into what a watt and a replica cost at a pool; [`response`] has every
//! deployment answer them; [`ascent`] raises and lowers them; [`bound`] says what they prove.

mod alone;
mod ascent;
mod bound;
mod exact;
mod fold;
mod jobs;
mod knapsack;
mod level;
mod market;
mod response;
mod rows;
mod seats;
mod shortlist;
mod threads;
mod usage;

use std::collections::BTreeMap;

use commonwatt_fleet::{Plan, World};

pub(crate) use ascent::find;
pub(crate) use bound::{Proof, jobs_bound, prove, rounded_down};
pub(crate) use fold::{Folded, Shape};
pub(crate) use rows::PriceRows;
pub(crate) use seats::Bidders;

/// A price for every priced row and slot, in the order of [`PriceRows`], in the world's currency per unit of the row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prices(pub Vec<f64>);

impl Prices {
    /// No row has a price.
    pub(crate) fn none(rows: &PriceRows) -> Self {
        Self(vec![0.0; rows.len])
    }

    /// By the rows' names, rows without a price left out: what the next plan begins with.
    pub(crate) fn named(&self, rows: &PriceRows) -> BTreeMap<String, Vec<f64>> {
        let named = rows.rows.iter().map(|row| {
            let values = self.0[row.base..row.base + row.len].to_vec();
            (row.name.clone(), values)
        });
        named
            .filter(|(_, values)| values.iter().any(|price| *price != 0.0))
            .collect()
    }

    /// The prices of a previous plan for rows that are still there, moved to this horizon; the hours that are new have
    /// the last hour's. None where there was no plan with slots like these.
    pub(crate) fn from_previous(world: &World, rows: &PriceRows, previous: &Plan) -> Option<Self> {
        let shift = crate::warm::shift(previous.slots?, world.slots)?;
        let mut prices = Self::none(rows);
        for row in &rows.rows {
            let Some(known) = previous.prices.get(&row.name) else {
                continue;
            };
            for (index, price) in prices.0[row.base..row.base + row.len]
                .iter_mut()
                .enumerate()
            {
                let at = if row.len == 1 { 0 } else { index + shift };
                let value = known.get(at).or(known.last()).copied().unwrap_or(0.0);
                *price = if value.is_finite() {
                    value.clamp(0.0, row.most)
                } else {
                    0.0
                };
            }
        }
        rows.keep_simplexes(&mut prices.0);
        Some(prices)
    }
}
