//! What a slot still holds: the one place that knows the hard rows of power, accelerators and water.
//!
//! A transition is charged at the larger of before and after, so a slot's power and accelerators are kept twice: what
//! is *charged* in it (the larger of the two), which must fit the slot's own limit, and what stands at its *end*, which
//! must also fit the next slot's limit, as it will be that slot's before. Staying never needs new room.

use crate::instance::{Instance, Place};

/// The rows of one slot.
#[derive(Clone)]
pub(crate) struct SlotLedger {
    pub slot: usize,
    /// Watts charged by site: the larger of before and after.
    pub charged: Vec<i64>,
    /// Watts at the slot's end by site.
    pub ending: Vec<i64>,
    /// Sites whose before-state alone is above the limit: nothing there may grow in this slot.
    pub over: Vec<bool>,
    /// Replicas charged, by pool and size.
    pub pool_charged: Vec<Vec<u32>>,
    /// Replicas at the slot's end, by pool and size.
    pub pool_ending: Vec<Vec<u32>>,
    /// Pools whose before-state does not fit on the nodes.
    pub pool_over: Vec<bool>,
    /// Sites that cannot keep all that they run: leaving them is forced, not chosen.
    pub forced: Vec<bool>,
    /// Litres reserved by site to the horizon's end: what is placed can stay.
    water: Vec<f64>,
    /// Litres that may be reserved from this slot on.
    water_left: Vec<f64>,
}

impl SlotLedger {
    /// A slot before any decision in it. `water_used` is what earlier slots used, by site.
    pub(crate) fn new(
        instance: &Instance<'_>,
        slot: usize,
        before: &[Vec<u32>],
        water_used: &[f64],
    ) -> Self {
        let sites = instance.sites.len();
        let none: Vec<_> = instance
            .pools
            .iter()
            .map(|row| row.nodes.no_counts())
            .collect();
        let mut ledger = Self {
            slot,
            charged: vec![0; sites],
            ending: vec![0; sites],
            over: vec![false; sites],
            pool_charged: none.clone(),
            pool_ending: none,
            pool_over: vec![false; instance.pools.len()],
            forced: vec![false; sites],
            water: vec![0.0; sites],
            water_left: instance
                .sites
                .iter()
                .zip(water_used)
                .map(|(row, used)| row.water - used)
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
        self.charged[place.site] = self.charged[place.site].saturating_add(watts);
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            let charged = &mut self.pool_charged[pool][size];
            *charged = charged.saturating_add(count);
        }
        self.water[place.site] += self.liters(instance, place) * f64::from(count);
    }

    fn find_what_is_over(&mut self, instance: &Instance<'_>) {
        for (index, row) in instance.sites.iter().enumerate() {
            self.over[index] = self.charged[index] > row.limit[self.slot];
            self.forced[index] = self.charged[index] > row.end_limit[self.slot];
        }
        for ((site, _), pool) in &instance.pool_index {
            let fits = instance.pools[*pool].nodes.fits(&self.pool_charged[*pool]);
            self.pool_over[*pool] = !fits;
            self.forced[*site] |= !fits;
        }
    }

    /// Litres that one replica uses from this slot to the horizon's end.
    pub(crate) fn liters(&self, instance: &Instance<'_>, place: &Place) -> f64 {
        place.watts as f64 * instance.site_of(place).liters_onward[self.slot]
    }

    /// Gives back what a deployment's before-state reserved, once its turn has come.
    pub(crate) fn end_reserve(&mut self, instance: &Instance<'_>, place: &Place, before: u32) {
        self.water[place.site] -= self.liters(instance, place) * f64::from(before);
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
        self.ending[place.site] += place.watts.saturating_mul(step);
        self.charged[place.site] += place.watts.saturating_mul(charge_step);
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            let ending = &mut self.pool_ending[pool][size];
            *ending = *ending - old + new;
            let charged = &mut self.pool_charged[pool][size];
            *charged = charged.saturating_sub(old.max(before)) + new.max(before);
        }
        self.water[place.site] += self.liters(instance, place) * step as f64;
    }

    /// Keeps room at the slot's end for what could not be placed in it and comes before all that is decided later.
    pub(crate) fn claim(&mut self, place: &Place, count: u32) {
        self.ending[place.site] += place.watts.saturating_mul(i64::from(count));
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            self.pool_ending[pool][size] += count;
        }
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
        let row = instance.site_of(place);
        let free = row.end_limit[self.slot] - self.ending[place.site];
        let by_power = old.saturating_add(times(free, place.watts));
        let by_power = if free < 0 {
            shrink(old, free, place.watts)
        } else {
            by_power
        };
        if by_power == 0 {
            return 0;
        }
        let by_water = self.most_by_water(instance, place, old);
        let by_nodes = match (place.pool, place.size) {
            (Some(pool), Some(size)) => {
                let counts = &mut self.pool_ending[pool];
                counts[size] -= old;
                let most = instance.pools[pool].nodes.most(counts, size);
                counts[size] += old;
                most
            }
            _ => u32::MAX,
        };
        by_power.min(by_water).min(by_nodes)
    }

    fn most_by_water(&self, instance: &Instance<'_>, place: &Place, old: u32) -> u32 {
        let each = self.liters(instance, place);
        let left = self.water_left[place.site];
        if each <= 0.0 || left.is_infinite() {
            return u32::MAX;
        }
        let others = self.water[place.site] - each * f64::from(old);
        // A hair of tolerance: sums of many slots must not push out what was admitted by the same numbers.
        ((left - others + 1e-9 * left.abs() + 1e-6) / each).max(0.0) as u32
    }

    fn most_charged(
        &mut self,
        instance: &Instance<'_>,
        place: &Place,
        before: u32,
        old: u32,
    ) -> u32 {
        let pool_over = place.pool.is_some_and(|pool| self.pool_over[pool]);
        if self.over[place.site] || pool_over {
            return before;
        }
        let row = instance.site_of(place);
        let held = old.max(before);
        let free = row.limit[self.slot] - self.charged[place.site];
        let by_power = if free < 0 {
            before
        } else {
            held.saturating_add(times(free, place.watts))
        };
        let by_nodes = match (place.pool, place.size) {
            (Some(pool), Some(size)) => {
                let counts = &mut self.pool_charged[pool];
                let had = counts[size];
                counts[size] = had.saturating_sub(held);
                let most = instance.pools[pool].nodes.most(counts, size);
                counts[size] = had;
                most
            }
            _ => u32::MAX,
        };
        by_power.min(by_nodes)
    }

    /// Gives a claim back.
    pub(crate) fn unclaim(&mut self, place: &Place, count: u32) {
        self.ending[place.site] -= place.watts.saturating_mul(i64::from(count));
        if let (Some(pool), Some(size)) = (place.pool, place.size) {
            self.pool_ending[pool][size] -= count;
        }
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
