//! The answer of a deployment that is large beside its places.

use super::alone::Alone;
use super::response::{Outlook, soft};
use super::seats::Bidder;

/// Halvings to find a level of price: to a part in 10^9 of where it may be.
const LEVELS: usize = 30;

impl Outlook {
    /// Where a place is asked for more than it holds alone, all are filled to one level of price instead: the entropic
    /// answer with bounds, `n = most / (1 + exp((cost − level) / heat))`. Returns what that costs.
    pub(super) fn level(
        &mut self,
        bidder: &Bidder,
        alone: &Alone,
        (slot, origin, share): (usize, u32, f64),
        temperature: f64,
    ) -> Option<f64> {
        let most = |index: usize| {
            let seat = &bidder.seats[index];
            let way = &bidder.ways[seat.variant as usize];
            (alone.most(slot, seat, way) / share.max(1e-9), way.tokens)
        };
        let counts = self.weight.iter().enumerate();
        if counts
            .into_iter()
            .all(|(index, count)| *count <= 1.0 || *count <= most(index).0)
        {
            return None;
        }
        let seats = bidder.seats.len();
        let costs = &self.cost[slot * seats..(slot + 1) * seats];
        let suits = |index: &usize| {
            bidder
                .suits
                .get(*index)
                .is_none_or(|suits| suits & origin != 0)
        };
        let places: Vec<(usize, f64, f64, f64)> = (0..seats)
            .filter(suits)
            .map(|index| {
                let (most, tokens) = most(index);
                (index, costs[index] / tokens, most, tokens)
            })
            .filter(|(_, each, ..)| *each < bidder.worth)
            .collect();
        let tokens = bidder.tokens[slot];
        let heat = temperature * (self.least.abs() / tokens).max(1e-12);
        let part = |each: f64, level: f64| {
            let odds = soft(-(each - level).abs() / heat);
            if each > level {
                odds / (1.0 + odds)
            } else {
                1.0 / (1.0 + odds)
            }
        };
        let held = |level: f64| -> f64 {
            let places = places.iter();
            places
                .map(|(_, each, most, tokens)| most * tokens * part(*each, level))
                .sum()
        };
        let far = 40.0 * heat;
        let (mut low, mut high) = (places.iter())
            .fold((bidder.worth, 0.0), |(low, high), place| {
                (f64::min(low, place.1 - far), f64::max(high, place.1 + far))
            });
        for _ in 0..LEVELS {
            let middle = 0.5 * (low + high);
            if held(middle) < tokens {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.weight.fill(0.0);
        let (mut cost, mut served) = (0.0, 0.0);
        for (index, each, most, tokens) in &places {
            let count = most * part(*each, high);
            self.weight[*index] = count;
            served += count * tokens;
            cost += count * tokens * each;
        }
        Some(cost + (tokens - served).max(0.0) * bidder.worth)
    }
}
