//! The seats that the search looks at.

use super::fold::Folded;
use super::response::Outlook;
use super::seats::Bidder;

/// Seats of each variant that are listed, so that a small one can fill what a large one leaves over.
const OF_A_VARIANT: usize = 3;

/// Seats with room left that are listed: whoever does not get a scarce one has to go somewhere.
const SPARE: usize = 4;
/// As many are all worth looking at.
const FEW: usize = 24;
/// Scarcity that does not matter, as a part of the cost.
const HARDLY: f64 = 0.005;

impl Outlook {
    /// The seats worth looking at: those that cost least over all slots, the best of each variant, the best where nothing is
    /// scarce, and the best of each slot.
    pub(crate) fn shortlist(
        &mut self,
        bidder: &Bidder,
        folded: &Folded,
        most: usize,
    ) -> Vec<usize> {
        let (seats, slots) = (bidder.seats.len(), bidder.tokens.len());
        if seats <= most.max(FEW) {
            return (0..seats).collect();
        }
        self.scarce.clear();
        self.scarce.resize(seats, 0.0);
        let mut chosen = std::collections::BTreeSet::new();
        for slot in 0..slots {
            let mut best = [(f64::INFINITY, usize::MAX); 2];
            for (index, seat) in bidder.seats.iter().enumerate() {
                let per_token =
                    self.cost[slot * seats + index] / bidder.ways[seat.variant as usize].tokens;
                self.scarce[index] += per_token;
                if per_token < best[0].0 {
                    best = [(per_token, index), best[0]];
                } else if per_token < best[1].0 {
                    best[1] = (per_token, index);
                }
            }
            let best = best.iter().map(|(_, index)| *index);
            chosen.extend(best.filter(|index| *index < seats));
        }
        let mut order: Vec<usize> = (0..seats).collect();
        let value = |index: &usize| self.scarce[*index];
        order.sort_by(|a, b| value(a).total_cmp(&value(b)).then(a.cmp(b)));
        for variant in 0..bidder.ways.len() {
            let of = order
                .iter()
                .filter(|index| bidder.seats[**index].variant as usize == variant);
            chosen.extend(of.take(OF_A_VARIANT));
        }
        let cost = |index: usize| {
            self.scarce[index] * bidder.ways[bidder.seats[index].variant as usize].tokens
        };
        let is_spare =
            |index: &&usize| scarcity(bidder, folded, **index) <= HARDLY * cost(**index).abs();
        chosen.extend(order.iter().filter(is_spare).take(SPARE));
        chosen.extend(&order[..most]);
        chosen.into_iter().collect()
    }
}

/// What is scarce at a seat, all slots together.
fn scarcity(bidder: &Bidder, folded: &Folded, index: usize) -> f64 {
    let seat = &bidder.seats[index];
    let (pool, way) = (seat.pool as usize, &bidder.ways[seat.variant as usize]);
    let scarce = (0..bidder.tokens.len()).map(|slot| {
        let here = folded.slot(bidder.policy, slot);
        let node = seat
            .key
            .map_or(0.0, |key| here.node[key.get() as usize - 1]);
        way.watts * here.watt_scarcity[pool] + node
    });
    scarce.sum()
}
