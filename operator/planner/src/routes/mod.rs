//! Search over whole routes: a deployment's vectors in all slots, taken out and put in again where that is better.
//!
//! A route is the best path through columns, one per slot, by dynamic programming ([`path`]): what each column costs, what
//! starts between two of them cost, and whether both fit beside all others, transitions charged. Routes are built anew at the
//! full prices, those first who would lose most elsewhere ([`order`]); then only the true cost counts ([`search`]), and room is
//! made for those who pay most beyond what the prices say they should ([`room`]). No step serves less than before.

mod freed;
mod order;
mod path;
mod room;
mod search;
mod standing;
mod vectors;

use std::cell::OnceCell;
use std::rc::Rc;

use crate::capacity::SlotLedger;
use crate::instance::Instance;
use crate::schedule::Schedule;
use freed::Freed;
use order::{by_regret, regret};
use room::Ideal;

/// A deployment's replicas, by slot and place.
type Route = Vec<Vec<u32>>;

/// Every deployment's route and the rows of every slot.
#[derive(Clone)]
pub(crate) struct Routes<'i, 'w> {
    instance: &'i Instance<'w>,
    /// By deployment and slot.
    taken: Vec<Route>,
    ledgers: Vec<SlotLedger>,
    /// What all routes use, by stock.
    used: Vec<f64>,
    /// Chosen moves that are left, by slot and policy.
    moves_left: Vec<Vec<i64>>,
    /// Deployments whose first slot stays.
    held: Vec<bool>,
    /// Whether routes leave no site that they came to: the second try of those that broke their dwell.
    steady: bool,
    /// Deployments by priority, then those first who lose most where they do not get their places.
    order: Vec<usize>,
    regrets: Vec<f64>,
    freed: Freed,
    /// What each would have alone, once somebody asks.
    ideals: OnceCell<Rc<Vec<Option<Ideal>>>>,
}

impl<'i, 'w> Routes<'i, 'w> {
    pub(crate) fn new(instance: &'i Instance<'w>, schedule: Schedule, held: Vec<bool>) -> Self {
        let count = instance.demands.len();
        let slots = schedule.replicas.len();
        let mut routes: Vec<Route> = vec![Vec::with_capacity(slots); count];
        for replicas in schedule.replicas {
            for (route, counts) in routes.iter_mut().zip(replicas) {
                route.push(counts);
            }
        }
        let regrets: Vec<f64> = (instance.demands.iter())
            .map(|demand| regret(instance, demand))
            .collect();
        let mut all = Self {
            instance,
            taken: routes,
            ledgers: schedule.ledgers,
            used: schedule.stock_used,
            moves_left: (0..slots)
                .map(|slot| crate::schedule::moves_left(instance, slot))
                .collect(),
            held,
            steady: false,
            order: by_regret(instance, &regrets),
            regrets,
            freed: Freed::new(instance),
            ideals: OnceCell::new(),
        };
        for index in 0..count {
            let route = std::mem::take(&mut all.taken[index]);
            all.count_moves(index, &route, -1);
            all.taken[index] = route;
        }
        all
    }

    /// Nobody has a route yet; what is committed is charged in the first slot.
    pub(crate) fn empty(instance: &'i Instance<'w>) -> Self {
        let nothing: Vec<Route> = (0..instance.slots)
            .map(|_| {
                instance
                    .demands
                    .iter()
                    .map(|demand| vec![0; demand.places.len()])
                    .collect()
            })
            .collect();
        let schedule = crate::schedule::recount(instance, nothing);
        Self::new(instance, schedule, vec![false; instance.demands.len()])
    }

    /// Gives a deployment that has none a route, if that keeps every row beside what others have.
    pub(crate) fn hold(&mut self, index: usize, route: &[Vec<u32>]) -> bool {
        let old = self.take_out(index);
        let committed = &self.instance.demands[index].committed;
        let mut connected = true;
        for (slot, now) in route.iter().enumerate() {
            let before = if slot == 0 {
                committed
            } else {
                &route[slot - 1]
            };
            connected = connected && self.connects(index, slot, before, now);
        }
        let fits = connected && self.has_stocks(index, route);
        self.give(index, if fits { route.to_vec() } else { old });
        fits
    }

    /// Whether a deployment's route leaves it short, or at too few sites, in any slot.
    pub(crate) fn is_short(&self, index: usize) -> bool {
        let demand = &self.instance.demands[index];
        let lacks = |(slot, now): (usize, &Vec<u32>)| {
            demand.shortfall(slot, now) > 0.0 || demand.sites_missing(now) > 0
        };
        self.taken[index].iter().enumerate().any(lacks)
    }

    /// The replicas by slot, deployment and place.
    pub(crate) fn into_replicas(self) -> Vec<Route> {
        let slots = self.instance.slots;
        let mut replicas: Vec<Route> = vec![Vec::with_capacity(self.taken.len()); slots];
        for route in self.taken {
            for (slot, counts) in route.into_iter().enumerate() {
                replicas[slot].push(counts);
            }
        }
        replicas
    }

    /// Takes a deployment's route, and leaves it with nothing: what it has before the first slot stays charged in it.
    fn empty_out(&mut self, index: usize) -> Route {
        let route = self.take_out(index);
        let nothing = route.iter().map(|counts| vec![0; counts.len()]).collect();
        self.give(index, nothing);
        route
    }

    fn give(&mut self, index: usize, route: Route) {
        self.put(index, &route, 1);
        self.taken[index] = route;
    }

    fn take_out(&mut self, index: usize) -> Vec<Vec<u32>> {
        let route = std::mem::take(&mut self.taken[index]);
        self.put(index, &route, -1);
        route
    }

    fn put(&mut self, index: usize, route: &[Vec<u32>], sign: i64) {
        let instance = self.instance;
        let demand = &instance.demands[index];
        let mut before = &demand.committed;
        for (ledger, now) in self.ledgers.iter_mut().zip(route) {
            ledger.shift(instance, demand, before, now, sign);
            before = now;
        }
        for (slot, now) in route.iter().enumerate() {
            for (place, count) in demand
                .places
                .iter()
                .zip(now)
                .filter(|(_, count)| **count > 0)
            {
                let watts = place.watts as f64 * f64::from(*count) * sign as f64;
                for (stock, each) in &instance.site_of(place).stocks {
                    self.used[*stock] += watts * each[slot];
                }
            }
        }
        self.count_moves(index, route, -sign);
    }

    fn count_moves(&mut self, index: usize, route: &[Vec<u32>], sign: i64) {
        let demand = &self.instance.demands[index];
        let mut before = &demand.committed;
        for (slot, now) in route.iter().enumerate() {
            if before != now {
                let moves = self.moves(index, before, now);
                self.moves_left[slot][demand.policy_index] += i64::from(moves) * sign;
            }
            before = now;
        }
    }

    /// Replicas that change site by choice. What leaves a site that cannot keep all it runs is counted here too, which is
    /// more than the rule asks.
    fn moves(&self, index: usize, before: &[u32], now: &[u32]) -> u32 {
        let demand = &self.instance.demands[index];
        let (mut added, mut removed) = (0_u32, 0_u32);
        let mut at = 0;
        while at < now.len() {
            let site = demand.places[at].site;
            let (mut had, mut has) = (0_u32, 0_u32);
            while at < now.len() && demand.places[at].site == site {
                had += before[at];
                has += now[at];
                at += 1;
            }
            added += has.saturating_sub(had);
            removed += had.saturating_sub(has);
        }
        added.min(removed)
    }

    /// Whether a route keeps to stocks and dwell; all other rows are kept by its making.
    fn may(&self, index: usize, route: &[Vec<u32>]) -> bool {
        self.has_stocks(index, route) && self.dwells(index, route)
    }

    fn has_stocks(&self, index: usize, route: &[Vec<u32>]) -> bool {
        let instance = self.instance;
        let demand = &instance.demands[index];
        let mut use_ = vec![0.0; self.used.len()];
        for (slot, now) in route.iter().enumerate() {
            for (place, count) in demand
                .places
                .iter()
                .zip(now)
                .filter(|(_, count)| **count > 0)
            {
                let watts = place.watts as f64 * f64::from(*count);
                for (stock, each) in &instance.site_of(place).stocks {
                    use_[*stock] += watts * each[slot];
                }
            }
        }
        let fits = |stock: usize| {
            let most = instance.stocks[stock].allowance;
            use_[stock] <= 0.0 || self.used[stock] + use_[stock] <= most + 1e-9 * most.abs()
        };
        (0..use_.len()).all(fits)
    }

    /// Whether a route stays at each site for its dwell, unless it left it before already.
    fn dwells(&self, index: usize, route: &[Vec<u32>]) -> bool {
        let demand = &self.instance.demands[index];
        if demand.dwell_slots <= 1
            && demand
                .since
                .iter()
                .all(|since| *since + demand.dwell_slots <= 0)
        {
            return true;
        }
        let mut since: Vec<Option<i64>> = (demand.committed.iter().zip(&demand.since))
            .map(|(count, since)| (*count > 0).then_some(*since))
            .collect();
        let mut before = &demand.committed;
        for (slot, now) in route.iter().enumerate() {
            for (at, place) in demand.places.iter().enumerate() {
                let (had, has) = (
                    demand.at_site(place.site, before) > 0,
                    demand.at_site(place.site, now) > 0,
                );
                if had
                    && !has
                    && since[at].is_some_and(|since| (slot as i64) < since + demand.dwell_slots)
                {
                    return false;
                }
                if has && !had {
                    since[at] = Some(slot as i64);
                }
            }
            before = now;
        }
        true
    }
}
