//! From slot to slot: what one slot ends with is what the next begins with.

use crate::capacity::SlotLedger;
use crate::choice::SlotState;
use crate::demand::{Demand, Place};
use crate::greedy::serve_in_order;
use crate::improve::{improve, top_up_all};
use crate::instance::Instance;
use crate::routes::Routes;

/// Replicas over the horizon.
pub(crate) struct Schedule {
    /// By slot, deployment and place.
    pub replicas: Vec<Vec<Vec<u32>>>,
    /// The rows of each slot after serving, before batch.
    pub ledgers: Vec<SlotLedger>,
    /// Moves left in the first slot, by policy.
    pub moves_left: Vec<u32>,
    /// What serving uses over the horizon, by stock.
    pub stock_used: Vec<f64>,
}

impl Schedule {
    fn empty(instance: &Instance<'_>) -> Self {
        Self {
            replicas: Vec::with_capacity(instance.slots),
            ledgers: Vec::with_capacity(instance.slots),
            moves_left: Vec::new(),
            stock_used: vec![0.0; instance.stocks.len()],
        }
    }
}

/// What the first slot should be, by deployment: `None` where it is to be decided.
pub(crate) type Anchor = Vec<Option<Vec<u32>>>;

/// Plans all slots in their order. With an anchor, the first slot keeps those vectors, or there is no schedule if they
/// break a limit.
pub(crate) fn serve(instance: &Instance<'_>, anchor: Option<&Anchor>) -> Option<Schedule> {
    let mut before: Vec<_> = instance
        .demands
        .iter()
        .map(|demand| demand.committed.clone())
        .collect();
    let mut since: Vec<_> = instance.demands.iter().map(|d| d.since.clone()).collect();
    let mut schedule = Schedule::empty(instance);
    for slot in 0..instance.slots {
        let ledger = SlotLedger::new(instance, slot, &before, &schedule.stock_used);
        let moves_left = whole(moves_left(instance, slot));
        let mut state = SlotState::new(instance, ledger, &before, &since, moves_left);
        if let Some(anchor) = anchor.filter(|_| slot == 0) {
            hold(&mut state, anchor)?;
        }
        serve_in_order(&mut state);
        state.priced = false;
        improve(&mut state);
        top_up_all(&mut state);
        let now = state.now;
        settle(instance, &mut schedule, (&before, &since), &now);
        note_arrivals(instance, slot, &before, &now, &mut since);
        schedule.replicas.push(now.clone());
        before = now;
    }
    let held = anchor.map_or_else(
        || vec![false; instance.demands.len()],
        |anchor| anchor.iter().map(Option::is_some).collect(),
    );
    Some(rerouted(instance, schedule, held))
}

/// The schedule with better routes, its rows counted again; the one given where routes find nothing better.
fn rerouted(instance: &Instance<'_>, schedule: Schedule, held: Vec<bool>) -> Schedule {
    let routes = Routes::new(instance, schedule, held).improve();
    recount(instance, routes.into_replicas())
}

/// A schedule from its replicas.
pub(crate) fn recount(instance: &Instance<'_>, replicas: Vec<Vec<Vec<u32>>>) -> Schedule {
    let mut before: Vec<_> = (instance.demands.iter())
        .map(|demand| demand.committed.clone())
        .collect();
    let since: Vec<_> = instance.demands.iter().map(|d| d.since.clone()).collect();
    let mut schedule = Schedule::empty(instance);
    for now in replicas {
        settle(instance, &mut schedule, (&before, &since), &now);
        before.clone_from(&now);
        schedule.replicas.push(now);
    }
    schedule
}

/// Plans all slots with nothing held.
pub(crate) fn serve_freely(instance: &Instance<'_>) -> Schedule {
    serve(instance, None).unwrap_or_else(|| Schedule::empty(instance))
}

/// What policies let move in a slot. In the first one, replicas that arrived within it already have used theirs, so that
/// planning each minute does not turn an hour's budget into a minute's.
pub(crate) fn moves_left(instance: &Instance<'_>, slot: usize) -> Vec<i64> {
    let mut left: Vec<i64> = instance
        .moves_per_slot
        .iter()
        .map(|moves| i64::from(*moves))
        .collect();
    if slot == 0 {
        for demand in &instance.demands {
            let arrived = demand
                .committed
                .iter()
                .zip(&demand.since)
                .filter(|(_, since)| **since >= 0)
                .fold(0_u32, |sum, (count, _)| sum.saturating_add(*count));
            let policy = &mut left[demand.policy_index];
            *policy = (*policy - i64::from(arrived)).max(0);
        }
    }
    left
}

fn whole(moves: Vec<i64>) -> Vec<u32> {
    moves
        .into_iter()
        .map(|moves| u32::try_from(moves).unwrap_or(0))
        .collect()
}

/// Puts the anchored vectors in, if every limit lets them.
fn hold(state: &mut SlotState<'_, '_>, anchor: &Anchor) -> Option<()> {
    let held = || (0..anchor.len()).filter_map(|index| Some((index, anchor[index].as_ref()?)));
    for (index, _) in held() {
        state.begin(index);
    }
    for (index, counts) in held() {
        let policy = state.instance.demands[index].policy_index;
        if state.moves(index, counts) > state.moves_left[policy] {
            return None;
        }
        for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if *count > state.room(index, at) {
                return None;
            }
            state.set(index, at, *count);
        }
        state.put_in(index, counts);
        state.fixed[index] = true;
    }
    Some(())
}

/// Counts a slot's rows again from what was decided in it. So they, and the reasons that quote them, follow from the
/// decision alone: no claim is left in them, and no trace of the order in which the search found it.
fn settle(
    instance: &Instance<'_>,
    schedule: &mut Schedule,
    (before, since): (&[Vec<u32>], &[Vec<i64>]),
    now: &[Vec<u32>],
) {
    let slot = schedule.ledgers.len();
    let ledger = SlotLedger::new(instance, slot, before, &schedule.stock_used);
    let left = whole(moves_left(instance, slot));
    let mut state = SlotState::new(instance, ledger, before, since, left);
    for (index, counts) in now.iter().enumerate() {
        state.begin(index);
        state.put_in(index, counts);
    }
    if slot == 0 {
        schedule.moves_left = state.moves_left;
    }
    schedule.ledgers.push(state.ledger);
    use_stocks(instance, slot, now, &mut schedule.stock_used);
}

/// The schedule that a plan's ceilings are, its rows counted again. Ceilings at places that the world does not know
/// are left out.
pub(crate) fn replay(instance: &Instance<'_>, plan: &commonwatt_fleet::Plan) -> Schedule {
    let replicas = (0..instance.slots).map(|slot| {
        let ceilings = |demand| ceilings(instance, demand, plan, slot);
        instance.demands.iter().map(ceilings).collect()
    });
    recount(instance, replicas.collect())
}

fn ceilings(
    instance: &Instance<'_>,
    demand: &Demand<'_>,
    plan: &commonwatt_fleet::Plan,
    slot: usize,
) -> Vec<u32> {
    let of = |place: &Place| {
        let variant = &demand.deployment.variants[place.variant].name;
        plan.replicas(demand.id, instance.site_of(place).id, variant, slot)
    };
    demand.places.iter().map(of).collect()
}

fn use_stocks(instance: &Instance<'_>, slot: usize, now: &[Vec<u32>], used: &mut [f64]) {
    for (demand, counts) in instance.demands.iter().zip(now) {
        for (place, count) in demand.places.iter().zip(counts).filter(|(_, n)| **n > 0) {
            let watts = place.watts as f64 * f64::from(*count);
            for (stock, each) in &instance.site_of(place).stocks {
                used[*stock] += watts * each[slot];
            }
        }
    }
}

/// Dwell counts from the slot in which a deployment came to a site.
fn note_arrivals(
    instance: &Instance<'_>,
    slot: usize,
    before: &[Vec<u32>],
    now: &[Vec<u32>],
    since: &mut [Vec<i64>],
) {
    for (index, demand) in instance.demands.iter().enumerate() {
        if before[index] == now[index] {
            continue;
        }
        for (at, place) in demand.places.iter().enumerate() {
            let arrived = demand.at_site(place.site, &before[index]) == 0
                && demand.at_site(place.site, &now[index]) > 0;
            if arrived {
                since[index][at] = slot as i64;
            }
        }
    }
}
