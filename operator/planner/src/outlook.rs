//! What being at a place is worth from a slot onward, at the prices of what is shared.
//!
//! Costs are linear in replicas, so the best path of one token per second through places and slots, with a cost for each
//! start and a dwell after it, is an exact recursion backward from the horizon's end:
//!
//! `F_t(p) = min( c_t(p) + F_{t+1}(p), min_q [ start(q) + C_{t..t+dwell}(q) + F_{t+dwell}(q) ] )`
//!
//! A move is thus weighed against all savings that the horizon still holds, and against being unable to leave again
//! within the dwell, with no look-ahead constant to tune. Prices stand for capacity here; rows are kept slot by slot by the
//! search that reads these values.

use crate::demand::{Demand, Place};
use crate::prices::Folded;
use crate::rows::Rows;

/// Fills a demand's places: what a replica costs in each slot, and `stay` and `arrive`: its cost from a slot to the
/// horizon's end of going on at the place in this slot, and of arriving at it in this slot (the start itself
/// excluded), the best path after it.
pub(crate) fn look_ahead(rows: &Rows<'_>, folded: &Folded, demand: &mut Demand<'_>) {
    let slots = rows.slots;
    let (policy, tenant) = (demand.policy_index, demand.tenant);
    // Promised shedding is credited by the part of a replica that can be shed.
    for place in &mut demand.places {
        price(folded, place, policy, tenant, slots);
    }
    let ranks: Vec<_> = (demand.places.iter())
        .map(|place| ranking_costs(rows, demand, place))
        .collect();
    let dwell = usize::try_from(demand.dwell_slots.max(1)).unwrap_or(slots);
    let may_move = rows.moves_per_slot[demand.policy_index] > 0;
    let start = demand.policy.move_cost.0.max(0.0);
    // Cost onward of one token per second, by slot and place.
    let mut onward = vec![vec![0.0; demand.places.len()]; slots + 1];
    for place in &mut demand.places {
        place.stay = vec![0.0; slots];
        place.arrive = vec![0.0; slots];
    }
    for slot in (0..slots).rev() {
        let settled = slot.saturating_add(dwell).min(slots);
        let mut best_arrival = f64::INFINITY;
        for (index, place) in demand.places.iter_mut().enumerate() {
            let tokens = place.tokens.max(f64::MIN_POSITIVE);
            let ranking = &ranks[index];
            place.stay[slot] =
                ranking[slot + 1] - ranking[slot] + onward[slot + 1][index] * place.tokens;
            place.arrive[slot] =
                ranking[settled] - ranking[slot] + onward[settled][index] * place.tokens;
            if may_move && place.allowed && slot < rows.sites[place.site].past_offer {
                best_arrival = best_arrival.min((place.arrive[slot] + start) / tokens);
            }
        }
        for (index, place) in demand.places.iter().enumerate() {
            if place.tokens > 0.0 {
                onward[slot][index] = (place.stay[slot] / place.tokens).min(best_arrival);
            }
        }
    }
}

fn price(folded: &Folded, place: &mut Place, policy: usize, tenant: Option<usize>, slots: usize) {
    let Some(pool) = place.pool else {
        place.cost = vec![0.0; slots];
        place.scarcity = vec![0.0; slots];
        return;
    };
    let shape = crate::prices::Shape {
        pool,
        policy,
        size: place.size,
        watts: place.watts as f64,
        accelerators: f64::from(place.accelerators),
        tenant,
        outside_reserve: place.outside_reserve,
    };
    place.cost = (0..slots).map(|slot| folded.cost(&shape, slot)).collect();
    place.scarcity = (0..slots)
        .map(|slot| folded.scarcity(&shape, slot))
        .collect();
}

/// Prefix sums of a replica's cost at the prices, with an outage charged wherever not even one replica may run: being there
/// then is worth what unserved tokens are, and more than any other place.
fn ranking_costs(rows: &Rows<'_>, demand: &Demand<'_>, place: &Place) -> Vec<f64> {
    let power = match place.pool {
        Some(pool) => &rows.pools[pool].power,
        None => &rows.sites[place.site].power,
    };
    let worth = demand.worth(rows.hours);
    let mut sum = 0.0;
    let mut sums = Vec::with_capacity(rows.slots + 1);
    sums.push(0.0);
    for slot in 0..rows.slots {
        let cost = place.priced(slot, 1.0);
        let closed = power
            .iter()
            .any(|row| place.watts > rows.power[*row].end_limit[slot]);
        sum += if closed {
            (worth * place.tokens).max(10.0 * cost.abs()) + 1e-3
        } else {
            cost
        };
        sums.push(sum);
    }
    sums
}
