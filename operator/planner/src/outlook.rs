//! What being at a place is worth from a slot onward, were there room everywhere.
//!
//! Costs are linear in replicas, so the best path of one token per second through places and slots, with a cost for each
//! change of place and a dwell after it, is an exact recursion backward from the horizon's end:
//!
//! `F_t(p) = min( c_t(p) + F_{t+1}(p), min_q [ move(q) + C_{t..t+dwell}(q) + F_{t+dwell}(q) ] )`
//!
//! A move is thus weighed against all savings that the horizon still holds, and against being unable to leave again
//! within the dwell, with no look-ahead constant to tune. It ignores capacity: rows are kept slot by slot by the
//! search that reads these values.

use crate::instance::{Demand, Instance};

/// Fills `stay` and `arrive` of every place: for one replica, the cost from a slot to the horizon's end of going on at
/// the place in this slot, and of arriving at it in this slot (the move itself excluded), the best path after it.
pub(crate) fn look_ahead(instance: &Instance<'_>, demand: &mut Demand<'_>) {
    let slots = instance.slots;
    let ranks: Vec<_> = demand
        .places
        .iter()
        .map(|place| ranking_costs(instance, demand, place))
        .collect();
    let dwell = usize::try_from(demand.dwell_slots.max(1)).unwrap_or(slots);
    let may_move = instance.moves_per_slot[demand.policy_index] > 0;
    let move_cost = demand.policy.move_cost.0.max(0.0);
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
            if may_move && place.allowed && slot < instance.sites[place.site].past_offer {
                best_arrival = best_arrival.min((place.arrive[slot] + move_cost) / tokens);
            }
        }
        for (index, place) in demand.places.iter().enumerate() {
            if place.tokens > 0.0 {
                onward[slot][index] = (place.stay[slot] / place.tokens).min(best_arrival);
            }
        }
    }
}

/// Prefix sums of a replica's cost, with an outage charged wherever not even one replica may run: being there then is
/// worth what unserved tokens are, and more than any other place.
fn ranking_costs(
    instance: &Instance<'_>,
    demand: &Demand<'_>,
    place: &crate::instance::Place,
) -> Vec<f64> {
    let row = instance.site_of(place);
    let seconds = instance.hours * 3600.0;
    let worth = demand.policy.unserved_per_million_tokens.0 / 1e6 * seconds;
    let mut sum = 0.0;
    let mut sums = Vec::with_capacity(instance.slots + 1);
    sums.push(0.0);
    for slot in 0..instance.slots {
        let cost = place.cost_until[slot + 1] - place.cost_until[slot];
        let closed = place.watts > row.end_limit[slot];
        sum += if closed {
            (worth * place.tokens).max(10.0 * cost.abs()) + 1e-3
        } else {
            cost
        };
        sums.push(sum);
    }
    sums
}
