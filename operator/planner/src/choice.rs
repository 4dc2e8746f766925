//! One slot in the making: what each deployment has so far, and how good that is.

use std::cmp::Ordering;

use crate::capacity::SlotLedger;
use crate::demand::Place;
use crate::instance::Instance;

/// How good a vector of replicas is. Unserved tokens come first, at any price: an operator that stops serving because
/// tokens were declared cheap would be a surprise; the declared worth prices the plan and its bound. Then missing
/// sites, then money.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Grade {
    /// Tokens per second not served.
    pub unserved: f64,
    /// Sites missing of the minimum.
    pub missing: u32,
    /// Money from this slot to the horizon's end, moves included.
    pub money: f64,
}

impl Grade {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            unserved: self.unserved + other.unserved,
            missing: self.missing + other.missing,
            money: self.money + other.money,
        }
    }

    /// Strict order, for sorting.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let unserved = self.unserved.total_cmp(&other.unserved);
        unserved
            .then(self.missing.cmp(&other.missing))
            .then(self.money.total_cmp(&other.money))
    }

    /// Whether this is better by more than rounding.
    pub(crate) fn beats(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()));
        if !near(self.unserved, other.unserved) {
            return self.unserved < other.unserved;
        }
        match self.missing.cmp(&other.missing) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => !near(self.money, other.money) && self.money < other.money,
        }
    }
}

/// The state of one slot while it is decided.
pub(crate) struct SlotState<'i, 'w> {
    pub instance: &'i Instance<'w>,
    pub slot: usize,
    pub ledger: SlotLedger,
    pub before: &'i [Vec<u32>],
    /// The slot of arrival by deployment and place.
    pub since: &'i [Vec<i64>],
    pub now: Vec<Vec<u32>>,
    /// Moves left by policy.
    pub moves_left: Vec<u32>,
    /// Moves that each deployment has taken from the budget.
    pub moves_taken: Vec<u32>,
    /// Deployments that keep what the previous plan said.
    pub fixed: Vec<bool>,
    /// Whether what is scarce in this slot has its price while places are weighed.
    pub priced: bool,
    /// Room kept at the slot's end: deployment, place, replicas.
    claims: Vec<(usize, usize, u32)>,
    /// Whether a deployment's turn has come: until then its before-state keeps its water.
    begun: Vec<bool>,
}

impl<'i, 'w> SlotState<'i, 'w> {
    pub(crate) fn new(
        instance: &'i Instance<'w>,
        ledger: SlotLedger,
        before: &'i [Vec<u32>],
        since: &'i [Vec<i64>],
        moves_left: Vec<u32>,
    ) -> Self {
        let count = instance.demands.len();
        Self {
            instance,
            slot: ledger.slot,
            ledger,
            before,
            since,
            now: before.iter().map(|counts| vec![0; counts.len()]).collect(),
            moves_left,
            moves_taken: vec![0; count],
            fixed: vec![false; count],
            priced: true,
            claims: Vec::new(),
            begun: vec![false; count],
        }
    }

    /// A deployment's turn: its before-state no longer holds water for it.
    pub(crate) fn begin(&mut self, index: usize) {
        if std::mem::replace(&mut self.begun[index], true) {
            return;
        }
        let instance = self.instance;
        for (place, before) in instance.demands[index]
            .places
            .iter()
            .zip(&self.before[index])
        {
            if *before > 0 {
                self.ledger.end_reserve(instance, place, *before);
            }
        }
    }

    /// Keeps room at the slot's end for replicas that could not be placed in it.
    pub(crate) fn claim(&mut self, index: usize, at: usize, count: u32) {
        let place = &self.instance.demands[index].places[at];
        self.ledger.claim(self.instance, place, count);
        self.claims.push((index, at, count));
    }

    /// Gives back the claims of deployments that found a place after all.
    pub(crate) fn drop_settled_claims(&mut self) {
        let instance = self.instance;
        for (index, at, count) in std::mem::take(&mut self.claims) {
            let demand = &instance.demands[index];
            if demand.shortfall(self.slot, &self.now[index]) > 0.0 {
                self.claims.push((index, at, count));
            } else {
                self.ledger.unclaim(instance, &demand.places[at], count);
            }
        }
    }

    /// Sets the replicas of one place.
    pub(crate) fn set(&mut self, index: usize, at: usize, count: u32) {
        let old = self.now[index][at];
        if old != count {
            let place = &self.instance.demands[index].places[at];
            let before = self.before[index][at];
            self.ledger.change(self.instance, place, before, old, count);
            self.now[index][at] = count;
        }
    }

    /// Sets all places of a deployment, without a look at the move budget.
    pub(crate) fn set_all(&mut self, index: usize, counts: &[u32]) {
        for (at, count) in counts.iter().enumerate() {
            self.set(index, at, *count);
        }
    }

    /// Takes a deployment out, its moves given back; returns what it had.
    pub(crate) fn take_out(&mut self, index: usize) -> Vec<u32> {
        let had = self.now[index].clone();
        let policy = self.instance.demands[index].policy_index;
        self.moves_left[policy] += std::mem::take(&mut self.moves_taken[index]);
        self.set_all(index, &vec![0; had.len()]);
        had
    }

    /// Puts a deployment in, its moves taken from the budget.
    pub(crate) fn put_in(&mut self, index: usize, counts: &[u32]) {
        let chosen = self.moves(index, counts);
        let policy = self.instance.demands[index].policy_index;
        let left = &mut self.moves_left[policy];
        *left = left.saturating_sub(chosen);
        self.moves_taken[index] = chosen;
        self.set_all(index, counts);
    }

    /// The most replicas that a place may have now, by every limit: capacity, offer, refusal, eligibility.
    pub(crate) fn room(&mut self, index: usize, at: usize) -> u32 {
        let most = self.room_by_word(index, at);
        if most == 0 {
            return 0;
        }
        let place = &self.instance.demands[index].places[at];
        let (before, old) = (self.before[index][at], self.now[index][at]);
        most.min(self.ledger.most(self.instance, place, before, old))
    }

    /// As [`Self::room`], without capacity.
    pub(crate) fn room_by_word(&self, index: usize, at: usize) -> u32 {
        let demand = &self.instance.demands[index];
        let place = &demand.places[at];
        if !place.allowed {
            return 0;
        }
        let mut most = u32::MAX;
        if self.slot >= self.instance.site_of(place).past_offer {
            most = self.before[index][at];
        }
        if place.site_cap < u32::MAX {
            let now = &self.now[index];
            let others = demand.at_site(place.site, now) - now[at];
            most = most.min(place.site_cap.saturating_sub(others));
        }
        most
    }

    /// Whether a limit, and no wish, takes replicas of a deployment away from a site.
    pub(crate) fn forced(&self, index: usize, site: usize) -> bool {
        let demand = &self.instance.demands[index];
        let first = demand.places.partition_point(|place| place.site < site);
        let here = demand.places[first..]
            .iter()
            .zip(&self.before[index][first..])
            .take_while(|(place, _)| place.site == site);
        let mut total = 0_u32;
        let mut cap = u32::MAX;
        for (place, before) in here.filter(|(_, before)| **before > 0) {
            if !place.allowed {
                return true;
            }
            total = total.saturating_add(*before);
            cap = place.site_cap;
        }
        self.ledger.forced[site] || total > cap
    }

    /// Replicas that a vector would relocate from what was before the slot and that no limit forced: each takes from the
    /// move budget.
    pub(crate) fn moves(&self, index: usize, counts: &[u32]) -> u32 {
        let demand = &self.instance.demands[index];
        let before = &self.before[index];
        let (mut added, mut removed_freely) = (0_u32, 0_u32);
        let mut at = 0;
        while at < counts.len() {
            let site = demand.places[at].site;
            let (mut had, mut has) = (0_u32, 0_u32);
            while at < counts.len() && demand.places[at].site == site {
                had = had.saturating_add(before[at]);
                has = has.saturating_add(counts[at]);
                at += 1;
            }
            added = added.saturating_add(has.saturating_sub(had));
            if had > has && !self.forced(index, site) {
                removed_freely = removed_freely.saturating_add(had - has);
            }
        }
        added.min(removed_freely)
    }

    /// Whether the deployment stays at the site of a place for its dwell.
    pub(crate) fn dwells(&self, index: usize, at: usize) -> bool {
        let demand = &self.instance.demands[index];
        self.before[index][at] > 0
            && (self.slot as i64) < self.since[index][at].saturating_add(demand.dwell_slots)
    }

    /// What a replica's start costs a deployment in this slot.
    pub(crate) fn start_cost(&self, index: usize) -> f64 {
        let demand = &self.instance.demands[index];
        if self.slot == 0 && demand.newcomer {
            0.0
        } else {
            demand.policy.move_cost.0.max(0.0)
        }
    }

    /// Cost to the horizon's end of going on at a place in this slot. While order is sought, what is scarce in this slot
    /// has its price; once there is room or none, it has not.
    pub(crate) fn stay(&self, place: &Place) -> f64 {
        place.stay[self.slot]
            - if self.priced {
                0.0
            } else {
                place.scarcity[self.slot]
            }
    }

    /// The same of arriving at it.
    pub(crate) fn arrive(&self, place: &Place) -> f64 {
        place.arrive[self.slot]
            - if self.priced {
                0.0
            } else {
                place.scarcity[self.slot]
            }
    }

    /// How good a vector is for a deployment in this slot.
    pub(crate) fn grade(&self, index: usize, counts: &[u32]) -> Grade {
        let demand = &self.instance.demands[index];
        let start = self.start_cost(index);
        let mut money = 0.0;
        for ((place, count), before) in demand.places.iter().zip(counts).zip(&self.before[index]) {
            if *count > 0 {
                let stays = (*count).min(*before);
                money += f64::from(stays) * self.stay(place)
                    + f64::from(*count - stays) * (self.arrive(place) + start);
            }
        }
        Grade {
            unserved: demand.shortfall(self.slot, counts),
            missing: demand.sites_missing(counts),
            money,
        }
    }
}
