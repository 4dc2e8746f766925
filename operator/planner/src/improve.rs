//! Bounded local search over one slot: relocate one, or eject one that another needs more.

use crate::choice::SlotState;

/// Rounds over all deployments at most; most fleets stop after two.
const ROUNDS: usize = 3;
/// Deployments at most that try to eject somebody in a slot.
const EJECTORS: usize = 64;
/// Occupants at most that one of them tries.
const OCCUPANTS: usize = 6;

/// Improves until nothing does, or the bounds are met.
pub(crate) fn improve(state: &mut SlotState<'_, '_>) {
    for _ in 0..ROUNDS {
        let relocated = relocate_each(state);
        let ejected = eject_where_it_pays(state);
        if !relocated && !ejected {
            break;
        }
    }
}

/// Serves what is still short where room was left in the end, by priority.
pub(crate) fn top_up_all(state: &mut SlotState<'_, '_>) {
    let demands = &state.instance.demands;
    let mut short: Vec<_> = (0..demands.len())
        .filter(|index| {
            let counts = &state.now[*index];
            demands[*index].shortfall(state.slot, counts) > 0.0
                || demands[*index].sites_missing(counts) > 0
        })
        .collect();
    short.sort_by_key(|index| std::cmp::Reverse(demands[*index].deployment.priority));
    for index in short {
        state.drop_settled_claims();
        state.top_up(index);
    }
}

/// Each deployment in turn takes its best vector given all others, if that is better than what it has.
fn relocate_each(state: &mut SlotState<'_, '_>) -> bool {
    let mut changed = false;
    for index in 0..state.now.len() {
        if state.fixed[index] {
            continue;
        }
        let had = state.take_out(index);
        let known = state.grade(index, &had);
        let (counts, grade) = state.best_vector(index);
        if grade.beats(&known) {
            state.put_in(index, &counts);
            changed = true;
        } else {
            state.put_in(index, &had);
        }
    }
    changed
}

/// Deployments that pay most beyond their cheapest site ask one newcomer there to go elsewhere, where both together
/// gain. Only newcomers of this slot are asked: what was there before is charged until the slot ends.
fn eject_where_it_pays(state: &mut SlotState<'_, '_>) -> bool {
    let arrivals = arrivals_by_site(state);
    if arrivals.iter().all(Vec::is_empty) {
        return false;
    }
    let mut wishes: Vec<(f64, usize, usize)> = (0..state.now.len())
        .filter(|index| !state.fixed[*index])
        .filter_map(|index| wish(state, index))
        .collect();
    wishes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut changed = false;
    for (_, index, site) in wishes.into_iter().take(EJECTORS) {
        changed |= eject_for(state, index, &arrivals[site]);
    }
    changed
}

fn arrivals_by_site(state: &SlotState<'_, '_>) -> Vec<Vec<usize>> {
    let mut sites = vec![Vec::new(); state.instance.sites.len()];
    for (index, demand) in state.instance.demands.iter().enumerate() {
        if state.fixed[index] {
            continue;
        }
        for (at, place) in demand.places.iter().enumerate() {
            let new = state.now[index][at] > state.before[index][at];
            if new && sites[place.site].last() != Some(&index) {
                sites[place.site].push(index);
            }
        }
    }
    sites
}

/// The site at which a deployment would be best off, and what it pays beyond that now.
fn wish(state: &SlotState<'_, '_>, index: usize) -> Option<(f64, usize, usize)> {
    let demand = &state.instance.demands[index];
    let mut best: Option<(f64, usize)> = None;
    for (at, place) in demand.places.iter().enumerate() {
        if state.room_by_word(index, at) == 0 {
            continue;
        }
        let price = state.arrive(place) / place.tokens.max(f64::MIN_POSITIVE);
        if best.is_none_or(|(known, _)| price < known) {
            best = Some((price, place.site));
        }
    }
    let (price, site) = best?;
    let grade = state.grade(index, &state.now[index]);
    let gap = if grade.unserved > 0.0 {
        f64::MAX
    } else {
        grade.money - price * demand.tokens[state.slot]
    };
    (gap > 1e-9).then_some((gap, index, site))
}

fn eject_for(state: &mut SlotState<'_, '_>, index: usize, occupants: &[usize]) -> bool {
    let priority = state.instance.demands[index].deployment.priority;
    let mut tried = 0;
    for &other in occupants {
        let theirs = state.instance.demands[other].deployment.priority;
        if other == index || theirs > priority {
            continue;
        }
        tried += 1;
        if tried > OCCUPANTS {
            return false;
        }
        if try_eject(state, index, other, theirs < priority) {
            return true;
        }
    }
    false
}

/// Takes both out and lets `index` choose before `other`.
fn try_eject(state: &mut SlotState<'_, '_>, index: usize, other: usize, outranks: bool) -> bool {
    let (had, their) = (state.take_out(index), state.take_out(other));
    let (mine, theirs) = (state.grade(index, &had), state.grade(other, &their));
    let (counts, grade) = state.best_vector(index);
    state.put_in(index, &counts);
    let (other_counts, other_grade) = state.best_vector(other);
    // A higher priority is served before a lower one, whatever the sum of both.
    let outranked = outranks && grade.unserved < mine.unserved && grade.beats(&mine);
    let serves_no_less = !outranks || grade.unserved <= mine.unserved;
    let both = grade.plus(other_grade).beats(&mine.plus(theirs));
    if outranked || (serves_no_less && both) {
        state.put_in(other, &other_counts);
        return true;
    }
    state.take_out(index);
    state.put_in(index, &had);
    state.put_in(other, &their);
    false
}
