//! What a slot still holds: the one place that knows the hard rows of power, accelerators, tenants and stocks.
//!
//! A transition is charged at the larger of before and after, so a slot's power and accelerators are kept twice: what
//! is *charged* in it (the larger of the two), which must fit the slot's own limit, and what stands at its *end*, which
//! must also fit the next slot's limit, as it will be that slot's before. Staying never needs new room.

use crate::demand::{Demand, Place};
use crate::instance::Instance;

/// The rows of one slot.
#[derive(Clone)]
pub(crate) struct SlotLedger {
    pub slot: usize,
    /// Watts charged by power row: the larger of before and after.
    pub charged: Vec<i64>,
    /// Watts at the slot's end by power row.
    pub ending: Vec<i64>,
    /// Power rows whose before-state alone is above the limit: nothing under them may grow in this slot.
    pub over: Vec<bool>,
    /// Replicas charged, by pool and size.
    pub pool_charged: Vec<Vec<u32>>,
    /// Replicas at the slot's end, by pool and size.
    pub pool_ending: Vec<Vec<u32>>,
    /// Pools whose before-state does not fit on the nodes.
    pub pool_over: Vec<bool>,
    /// Sites that cannot keep all that they run: leaving them is forced, not chosen.
    pub forced: Vec<bool>,
    /// Accelerators at the slot's end of those who keep to what a reserve leaves, by pool.
    pub outside: Vec<i64>,
    /// Accelerators and watts at the slot's end, by tenant with a cap.
    pub tenants: Vec<(i64, i64)>,
    /// Use reserved by stock to the horizon's end: what is placed can stay.
    reserved: Vec<f64>,
    /// What may be reserved from this slot on.
    left: Vec<f64>,
}

impl SlotLedger {
    /// A slot before any decision in it. `used` is what earlier slots used, by stock.
    pub(crate) fn new(
        instance: &Instance<'_>,
        slot: usize,
        before: &[Vec<u32>],
        used: &[f64],
    ) -> Self {
        let none: Vec<_> = (instance.pools.iter())
            .map(|row| row.nodes.no_counts())
            .collect();
        let mut ledger = Self {
            slot,
            charged: vec![0; instance.power.len()],
            ending: vec![0; instance.power.len()],
            over: vec![false; instance.power.len()],
            pool_charged: none.clone(),
            pool_ending: none,
            pool_over: vec![false; instance.pools.len()],
            forced: vec![false; instance.sites.len()],
            outside: vec![0; instance.pools.len()],
            tenants: vec![(0, 0); instance.tenants.len()],
            reserved: vec![0.0; instance.stocks.len()],
            left: (instance.stocks.iter().zip(used))
                .map(|(row, used)| row.allowance - used)
                .collect(),
        };
        for (demand, counts) in instance.demands.iter().zip(before) {
            for (place, count) in demand.places.iter().zip(counts).filter(|(_, n)| **n > 0) {
                ledger.charge_before(instance, place, *count);
            }
        }
        ledger.find_what_is_over(instance);
        ledger
    }

    fn charge_before(&mut self, instance: &Instance<'_>, place: &Place, count: u32) {
        let watts = place.watts.saturating_mul(i64::from(count));
        for row in instance.power_of(place) {
            self.charged[*row] = self.charged[*row].saturating_add(watts);
        }
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            let charged = &mut self.pool_charged[pool][size];
            *charged = charged.saturating_add(count);
        }
        self.reserve(instance, place, f64::from(count));
    }

    fn reserve(&mut self, instance: &Instance<'_>, place: &Place, count: f64) {
        for (stock, onward) in instance.onward(place.site, self.slot) {
            self.reserved[stock] += place.watts as f64 * onward * count;
        }
    }

    fn find_what_is_over(&mut self, instance: &Instance<'_>) {
        let mut pressed = vec![false; instance.power.len()];
        for (index, row) in instance.power.iter().enumerate() {
            self.over[index] = self.charged[index] > row.limit[self.slot];
            pressed[index] = self.charged[index] > row.end_limit[self.slot];
        }
        for (site, row) in instance.sites.iter().enumerate() {
            self.forced[site] = row.power.iter().any(|row| pressed[*row]);
        }
        for (pool, row) in instance.pools.iter().enumerate() {
            let fits = row.nodes_in(self.slot).fits(&self.pool_charged[pool]);
            self.pool_over[pool] = !fits;
            self.forced[row.site] |= !fits || row.power.iter().any(|row| pressed[*row]);
        }
    }

    /// Gives back what a deployment's before-state reserved, once its turn has come.
    pub(crate) fn end_reserve(&mut self, instance: &Instance<'_>, place: &Place, before: u32) {
        self.reserve(instance, place, -f64::from(before));
    }

    /// Changes a place from `old` to `new` replicas; `before` is what it had before the slot.
    pub(crate) fn change(
        &mut self,
        instance: &Instance<'_>,
        place: &Place,
        before: u32,
        old: u32,
        new: u32,
    ) {
        let step = i64::from(new) - i64::from(old);
        let charge_step = i64::from(new.max(before)) - i64::from(old.max(before));
        for row in instance.power_of(place) {
            self.ending[*row] += place.watts.saturating_mul(step);
            self.charged[*row] += place.watts.saturating_mul(charge_step);
        }
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            let ending = &mut self.pool_ending[pool][size];
            *ending = *ending - old + new;
            let charged = &mut self.pool_charged[pool][size];
            *charged = charged.saturating_sub(old.max(before)) + new.max(before);
        }
        self.hold(place, step);
        self.reserve(instance, place, step as f64);
    }

    /// What tenants and those outside a reserve hold at the slot's end.
    fn hold(&mut self, place: &Place, step: i64) {
        let accelerators = i64::from(place.accelerators).saturating_mul(step);
        if let Some(pool) = place.pool.filter(|_| place.outside_reserve) {
            self.outside[pool] += accelerators;
        }
        if let Some(tenant) = place.tenant {
            self.tenants[tenant].0 += accelerators;
            self.tenants[tenant].1 += place.watts.saturating_mul(step);
        }
    }

    /// Keeps room at the slot's end for what could not be placed in it and comes before all that is decided later.
    pub(crate) fn claim(&mut self, instance: &Instance<'_>, place: &Place, count: u32) {
        self.end_with(instance, place, i64::from(count));
    }

    /// Gives a claim back.
    pub(crate) fn unclaim(&mut self, instance: &Instance<'_>, place: &Place, count: u32) {
        self.end_with(instance, place, -i64::from(count));
    }

    fn end_with(&mut self, instance: &Instance<'_>, place: &Place, step: i64) {
        for row in instance.power_of(place) {
            self.ending[*row] += place.watts.saturating_mul(step);
        }
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            let ending = &mut self.pool_ending[pool][size];
            *ending = ending.saturating_add_signed(i32::try_from(step).unwrap_or(i32::MAX));
        }
        self.hold(place, step);
    }

    /// The most replicas that a place may have in this slot, where it has `old` now and had `before` before it.
    pub(crate) fn most(
        &mut self,
        instance: &Instance<'_>,
        place: &Place,
        before: u32,
        old: u32,
    ) -> u32 {
        let ending = self.most_at_end(instance, place, old);
        if ending <= before {
            return ending;
        }
        ending.min(self.most_charged(instance, place, before, old).max(before))
    }

    /// As [`Self::most`], by what stands at the slot's end alone.
    pub(crate) fn most_at_end(&mut self, instance: &Instance<'_>, place: &Place, old: u32) -> u32 {
        let mut most = u32::MAX;
        for row in instance.power_of(place) {
            let free = instance.power[*row].end_limit[self.slot] - self.ending[*row];
            most = most.min(beside(old, free, place.watts));
            if most == 0 {
                return 0;
            }
        }
        most = most.min(self.most_by_stock(instance, place, old));
        most.min(self.most_on_nodes(instance, place, old))
    }

    /// The most that fit beside what ends the slot elsewhere, stocks left out of account.
    pub(crate) fn most_beside(&mut self, instance: &Instance<'_>, place: &Place) -> u32 {
        let mut most = u32::MAX;
        for row in instance.power_of(place) {
            let free = instance.power[*row].end_limit[self.slot] - self.ending[*row];
            most = most.min(beside(0, free, place.watts));
        }
        if most == 0 {
            return 0;
        }
        most.min(self.most_on_nodes(instance, place, 0))
    }

    /// The most that may arrive where nothing of it was before the slot, beside what is charged to others.
    pub(crate) fn most_arriving(&mut self, instance: &Instance<'_>, place: &Place) -> u32 {
        self.most_charged(instance, place, 0, 0)
    }

    fn most_on_nodes(&mut self, instance: &Instance<'_>, place: &Place, old: u32) -> u32 {
        let mut most = self.most_by_holder(instance, place, old);
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            let counts = &mut self.pool_ending[pool];
            counts[size] -= old;
            most = most.min(instance.pools[pool].nodes_in(self.slot).most(counts, size));
            counts[size] += old;
        }
        most
    }

    /// By the caps of tenants and the reserves of communities.
    fn most_by_holder(&self, instance: &Instance<'_>, place: &Place, old: u32) -> u32 {
        let mut most = u32::MAX;
        let accelerators = i64::from(place.accelerators);
        if let Some(tenant) = place.tenant {
            let row = &instance.tenants[tenant];
            let (held, watts) = self.tenants[tenant];
            most = most.min(beside(
                old,
                row.accelerators.saturating_sub(held),
                accelerators,
            ));
            most = most.min(beside(old, row.watts.saturating_sub(watts), place.watts));
        }
        let Some(pool) = place.pool.filter(|_| place.outside_reserve) else {
            return most;
        };
        match instance.pools[pool].unreserved {
            Some(left) => most.min(beside(
                old,
                i64::from(left) - self.outside[pool],
                accelerators,
            )),
            None => most,
        }
    }

    fn most_by_stock(&self, instance: &Instance<'_>, place: &Place, old: u32) -> u32 {
        let mut most = u32::MAX;
        for (stock, onward) in instance.onward(place.site, self.slot) {
            let each = place.watts as f64 * onward;
            let left = self.left[stock];
            if each <= 0.0 {
                continue;
            }
            let others = self.reserved[stock] - each * f64::from(old);
            // A hair of tolerance: sums of many slots must not push out what was admitted by the same numbers.
            most = most.min(((left - others + 1e-9 * left.abs() + 1e-6) / each).max(0.0) as u32);
        }
        most
    }

    fn most_charged(
        &mut self,
        instance: &Instance<'_>,
        place: &Place,
        before: u32,
        old: u32,
    ) -> u32 {
        let held = old.max(before);
        if place.pool.is_some_and(|pool| self.pool_over[pool]) {
            return before;
        }
        let mut most = u32::MAX;
        for row in instance.power_of(place) {
            let free = instance.power[*row].limit[self.slot] - self.charged[*row];
            if self.over[*row] || free < 0 {
                return before;
            }
            most = most.min(held.saturating_add(times(free, place.watts)));
        }
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            let counts = &mut self.pool_charged[pool];
            let had = counts[size];
            counts[size] = had.saturating_sub(held);
            most = most.min(instance.pools[pool].nodes_in(self.slot).most(counts, size));
            counts[size] = had;
        }
        most
    }

    /// Takes a deployment's replicas out, or puts them in again: what it had before the slot and has in it.
    pub(crate) fn shift(
        &mut self,
        instance: &Instance<'_>,
        demand: &Demand<'_>,
        before: &[u32],
        now: &[u32],
        sign: i64,
    ) {
        for ((place, before), now) in demand.places.iter().zip(before).zip(now) {
            let (charged, ending) = (i64::from(*before.max(now)) * sign, i64::from(*now) * sign);
            if charged == 0 {
                continue;
            }
            for row in instance.power_of(place) {
                self.charged[*row] += place.watts.saturating_mul(charged);
                self.ending[*row] += place.watts.saturating_mul(ending);
            }
            if let (Some(pool), Some(size)) = (place.pool, place.size) {
                let add = |count: &mut u32, step: i64| {
                    *count = count.saturating_add_signed(i32::try_from(step).unwrap_or(i32::MAX));
                };
                add(&mut self.pool_charged[pool][size], charged);
                add(&mut self.pool_ending[pool][size], ending);
            }
            self.hold(place, ending);
        }
    }

    /// Whether a deployment that was put in with [`Self::shift`] keeps every row of the slot but the stocks.
    pub(crate) fn keeps_rows(
        &self,
        instance: &Instance<'_>,
        demand: &Demand<'_>,
        before: &[u32],
        now: &[u32],
    ) -> bool {
        let slot = self.slot;
        for ((place, before), now) in demand.places.iter().zip(before).zip(now) {
            if *before == 0 && *now == 0 {
                continue;
            }
            for row in instance.power_of(place) {
                let limits = &instance.power[*row];
                let charged = if self.over[*row] {
                    now <= before
                } else {
                    self.charged[*row] <= limits.limit[slot]
                };
                if !charged || self.ending[*row] > limits.end_limit[slot] {
                    return false;
                }
            }
            if *now > 0 && self.most_by_holder(instance, place, *now) < *now {
                return false;
            }
            if let Some(pool) = place.pool {
                let nodes = instance.pools[pool].nodes_in(slot);
                let charged = if self.pool_over[pool] {
                    now <= before
                } else {
                    nodes.fits(&self.pool_charged[pool])
                };
                if !charged || !nodes.fits(&self.pool_ending[pool]) {
                    return false;
                }
            }
        }
        true
    }
}

/// The most of `each`, where `old` of them are in the row already and `free` is left of it.
fn beside(old: u32, free: i64, each: i64) -> u32 {
    if free < 0 {
        shrink(old, free, each)
    } else {
        old.saturating_add(times(free, each))
    }
}

/// How many replicas of `watts` each fit in `free`.
fn times(free: i64, watts: i64) -> u32 {
    if watts <= 0 {
        return u32::MAX;
    }
    u32::try_from((free / watts).max(0)).unwrap_or(u32::MAX)
}

/// How many of `old` replicas may stay when the row is short by `-free`.
fn shrink(old: u32, free: i64, watts: i64) -> u32 {
    if watts <= 0 {
        return old;
    }
    let out = u32::try_from((-free).div_euclid(watts) + i64::from((-free) % watts != 0));
    old.saturating_sub(out.unwrap_or(u32::MAX))
}
