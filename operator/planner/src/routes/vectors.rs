//! The vectors that a route may go through.

use super::{Route, Routes};
use crate::columns::{Column, Offer, columns, replicas};
use crate::demand::Demand;

/// Columns of a slot that a route may go through.
const COLUMNS: usize = 6;
/// Best columns of each slot that every other slot looks at too.
const SHARED: usize = 3;
/// Places that a steady vector begins with.
const STEADY: usize = 4;

impl Routes<'_, '_> {
    /// Vectors worth passing through, by slot: the best of each slot, the best of other slots where they serve,
    /// those that a deployment may stay with over the horizon, and what was.
    pub(super) fn vectors(&mut self, index: usize, old: &[Vec<u32>], scarcity: f64) -> Vec<Route> {
        let instance = self.instance;
        let demand = &instance.demands[index];
        let mut own: Vec<Vec<(f64, Column)>> = Vec::with_capacity(instance.slots);
        let mut rooms = Vec::with_capacity(instance.slots);
        for slot in 0..instance.slots {
            let cost: Vec<f64> = (demand.places.iter())
                .map(|place| place.priced(slot, scarcity))
                .collect();
            let room: Vec<u32> = (demand.places.iter())
                .map(|place| {
                    place
                        .may_have()
                        .min(self.ledgers[slot].most_beside(instance, place))
                })
                .collect();
            let arriving: Vec<u32> = (demand.places.iter().zip(&room))
                .map(|(place, room)| (*room).min(self.ledgers[slot].most_arriving(instance, place)))
                .collect();
            let mut found = columns(
                demand,
                &Offer {
                    slot,
                    cost: &cost,
                    room: &room,
                },
                COLUMNS,
            );
            if arriving != room {
                // Others in transition leave less to who was not there before.
                found.extend(columns(
                    demand,
                    &Offer {
                        slot,
                        cost: &cost,
                        room: &arriving,
                    },
                    COLUMNS,
                ));
            }
            own.push(found);
            rooms.push(arriving);
        }
        let steady = steady(demand, &rooms, scarcity);
        let dense = |column: &Column| {
            let mut counts = vec![0; demand.places.len()];
            for (at, count) in column {
                counts[*at as usize] = *count;
            }
            counts
        };
        let mut shared: Vec<&Column> = own
            .iter()
            .flat_map(|slot| slot.iter().take(SHARED).map(|(_, column)| column))
            .collect();
        shared.sort_unstable();
        shared.dedup();
        (0..instance.slots)
            .map(|slot| {
                let serves = |column: &&&Column| demand.shortfall(slot, &dense(column)) <= 0.0;
                let mut others: Vec<(f64, &Column)> = (shared.iter())
                    .filter(serves)
                    .map(|column| {
                        let cost = column.iter().map(|(at, count)| {
                            let place = &demand.places[*at as usize];
                            f64::from(*count) * place.priced(slot, scarcity)
                        });
                        (cost.sum(), *column)
                    })
                    .collect();
                others.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
                let mut vectors = vec![old[slot].clone()];
                // Nothing at all always connects: a route that serves most hours is better than none.
                let nothing = vec![0; demand.places.len()];
                if slot == 0 && self.held[index] {
                    return vectors;
                }
                if slot > 0 && old[slot - 1] != old[slot] {
                    vectors.push(old[slot - 1].clone());
                }
                vectors.push(nothing);
                vectors.extend(own[slot].iter().map(|(_, column)| dense(column)));
                vectors.extend(steady[slot].iter().cloned());
                vectors.extend(others.iter().take(COLUMNS).map(|(_, column)| dense(column)));
                // Among equals the first site by name has most.
                vectors.sort_unstable_by(|a, b| b.cmp(a));
                vectors.dedup();
                vectors
            })
            .collect()
    }
}

/// Vectors that change little from slot to slot, so that moves do not rule them out: places filled in one order for the whole
/// horizon, each of the best ones first once, up to what they have room for in all slots, or in each.
fn steady(demand: &Demand<'_>, rooms: &[Vec<u32>], scarcity: f64) -> Vec<Route> {
    let slots = rooms.len();
    let mut vectors: Vec<Route> = vec![Vec::new(); slots];
    if slots < 2 || demand.origins.is_some() {
        return vectors;
    }
    let least: Vec<u32> = (0..demand.places.len())
        .map(|at| rooms.iter().map(|room| room[at]).min().unwrap_or(0))
        .collect();
    let cost = |at: &usize| -> f64 {
        let place = &demand.places[*at];
        let tokens = demand.tokens.iter().enumerate();
        tokens
            .map(|(slot, tokens)| tokens * place.priced(slot, scarcity) / place.tokens)
            .sum()
    };
    let mut order: Vec<usize> = (0..demand.places.len())
        .filter(|at| demand.places[*at].tokens > 0.0 && rooms.iter().any(|room| room[*at] > 0))
        .collect();
    order.sort_by(|a, b| cost(a).total_cmp(&cost(b)).then(a.cmp(b)));
    for first in 0..order.len().min(STEADY) {
        let mut sequence = order.clone();
        sequence[..=first].rotate_right(1);
        for (slot, vectors) in vectors.iter_mut().enumerate() {
            vectors.push(in_order(demand, slot, &sequence, &least));
            vectors.push(in_order(demand, slot, &sequence, &rooms[slot]));
        }
    }
    vectors
}

/// Fills places in an order until a slot is served at as many sites as it must be.
fn in_order(demand: &Demand<'_>, slot: usize, order: &[usize], room: &[u32]) -> Vec<u32> {
    let mut counts = vec![0; demand.places.len()];
    let mut rest = demand.tokens[slot];
    for at in order {
        if rest <= demand.tolerance {
            break;
        }
        let each = demand.places[*at].tokens;
        counts[*at] = room[*at].min(replicas(rest, each));
        rest -= each * f64::from(counts[*at]);
    }
    for at in order {
        if demand.sites_missing(&counts) == 0 {
            break;
        }
        if room[*at] > 0 && demand.at_site(demand.places[*at].site, &counts) == 0 {
            counts[*at] = 1;
        }
    }
    counts
}
