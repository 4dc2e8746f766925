//! Who goes first: priority, then what waits there already, then who would regret most to come second.

use std::cmp::Reverse;

use crate::candidates::replicas_for;
use crate::choice::SlotState;

/// Gives every deployment of the slot its best vector in turn, and keeps claims for those that come too late.
pub(crate) fn serve_in_order(state: &mut SlotState<'_, '_>) {
    let mut classes: Vec<(Reverse<i32>, Vec<usize>)> = Vec::new();
    let mut order: Vec<_> = (0..state.instance.demands.len()).collect();
    let priority = |index: &usize| Reverse(state.instance.demands[*index].deployment.priority);
    order.sort_by_key(priority);
    for index in order {
        let class = priority(&index);
        match classes.last_mut() {
            Some((last, members)) if *last == class => members.push(index),
            _ => classes.push((class, vec![index])),
        }
    }
    let last = classes.len().saturating_sub(1);
    for (number, (_, members)) in classes.into_iter().enumerate() {
        serve_class(state, &members);
        if number < last {
            for index in members {
                claim_shortfall(state, index);
            }
        }
    }
}

fn serve_class(state: &mut SlotState<'_, '_>, members: &[usize]) {
    let open = members.iter().filter(|index| !state.fixed[**index]);
    let mut order: Vec<(bool, f64, usize)> = Vec::new();
    for index in open.copied().collect::<Vec<_>>() {
        let newcomer = state.before[index].iter().all(|count| *count == 0);
        order.push((newcomer, regret(state, index), index));
    }
    // What runs somewhere goes before newcomers, so that a falling limit takes from those that have nothing to lose.
    order.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    for (_, _, index) in order {
        state.begin(index);
        let (counts, _) = state.best_vector(index);
        state.put_in(index, &counts);
    }
}

/// What coming second would cost a deployment: the difference between its two best sites that have room now.
fn regret(state: &mut SlotState<'_, '_>, index: usize) -> f64 {
    let demand = &state.instance.demands[index];
    let start = state.start_cost(index);
    let (mut best, mut second) = (f64::INFINITY, f64::INFINITY);
    let mut best_site = usize::MAX;
    for (at, place) in demand.places.iter().enumerate() {
        let room = state.room(index, at);
        if room == 0 {
            continue;
        }
        let need = replicas_for(demand.tokens[state.slot], place.tokens);
        let stays = need.min(state.before[index][at]);
        let cost = f64::from(stays) * state.stay(place)
            + f64::from(need - stays) * (state.arrive(place) + start);
        if place.site == best_site {
            best = best.min(cost);
        } else if cost < best {
            second = best;
            (best, best_site) = (cost, place.site);
        } else {
            second = second.min(cost);
        }
    }
    if second.is_finite() {
        second - best
    } else {
        f64::MAX
    }
}

/// Where a deployment could run if only the before-states of others, or of lower priorities, were gone, room is kept at
/// the slot's end. What comes later in this slot must leave it free, and the next slot can use it: a transition charges
/// both sides, so nobody can take another's place within one slot.
fn claim_shortfall(state: &mut SlotState<'_, '_>, index: usize) {
    let instance = state.instance;
    let next = state.slot + 1;
    let mut rest = state.rest(index);
    if rest <= 0.0 || (next >= instance.slots && state.slot > 0) {
        return;
    }
    let demand = &instance.demands[index];
    let mut order: Vec<_> = (0..demand.places.len())
        .filter(|at| next < instance.site_of(&demand.places[*at]).past_offer)
        .map(|at| {
            let place = &demand.places[at];
            (
                state.arrive(place) / place.tokens.max(f64::MIN_POSITIVE),
                at,
            )
        })
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (_, at) in order {
        let place = &demand.places[at];
        let old = state.now[index][at];
        let by_word = state.room_by_word(index, at).saturating_sub(old);
        let most = state.ledger.most_at_end(instance, place, old);
        let free = by_word.min(most.saturating_sub(old));
        let count = free.min(replicas_for(rest, place.tokens));
        if count == 0 {
            continue;
        }
        state.claim(index, at, count);
        rest -= place.tokens * f64::from(count);
        if rest <= demand.tolerance {
            return;
        }
    }
}
