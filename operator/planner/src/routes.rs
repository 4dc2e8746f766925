//! Search over whole routes: a deployment's vectors in all slots, taken out and put in again where that is better.
//!
//! A route is the best path through columns, one per slot, by dynamic programming: what each column costs, what starts
//! between two of them cost, and whether both fit beside all others, transitions charged. First what is scarce keeps its
//! price, so that places go to those who gain most by them; then the prices fade and only the true cost counts. No
//! step serves less than before.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::capacity::SlotLedger;
use crate::choice::Grade;
use crate::columns::{Column, Offer, columns};
use crate::demand::Place;
use crate::instance::Instance;
use crate::schedule::Schedule;

/// Columns of a slot that a route may go through.
const COLUMNS: usize = 10;
/// Best columns of each slot that every other slot looks at too.
const SHARED: usize = 3;
/// Parts of the scarcity prices that count, one round each; the last is gone over until nothing improves.
const FADING: [f64; 4] = [1.0, 0.5, 0.2, 0.0];
/// Rounds at most.
const ROUNDS: usize = 30;
/// Deployments that are let choose first in a round, at least.
const WISHES: usize = 32;
/// Deployments that make room for one.
const MOVED_TOGETHER: usize = 6;

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
    /// Deployments, the largest first: who needs most room chooses before who fits anywhere.
    order: Vec<usize>,
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
            order: by_size(instance),
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

    /// Improves all slots but the first until nothing does: savings below the threshold for changing what runs now are
    /// taken by the hours to come.
    pub(crate) fn improve_later_slots(&mut self) {
        if self.instance.slots < 2 {
            return;
        }
        self.held.fill(true);
        for _ in 0..ROUNDS {
            let mut better = false;
            for number in 0..self.order.len() {
                better |= self.reroute(self.order[number], 0.0);
            }
            if !better {
                break;
            }
        }
    }

    /// Whether a deployment's route leaves it short, or at too few sites, in any slot.
    pub(crate) fn is_short(&self, index: usize) -> bool {
        let demand = &self.instance.demands[index];
        let lacks = |(slot, now): (usize, &Vec<u32>)| {
            demand.shortfall(slot, now) > 0.0 || demand.sites_missing(now) > 0
        };
        self.taken[index].iter().enumerate().any(lacks)
    }

    /// Finds routes for some, the largest first, and improves theirs until nothing does.
    pub(crate) fn settle(&mut self, loose: &[usize]) {
        let order: Vec<usize> = self
            .order
            .iter()
            .copied()
            .filter(|index| loose.contains(index))
            .collect();
        for part in FADING.into_iter().chain([0.0; ROUNDS]) {
            let mut better = false;
            for index in &order {
                better |= self.reroute(*index, part);
            }
            if !better && part <= 0.0 {
                break;
            }
        }
    }

    /// The best of these routes, of a search from them, and of one from routes built anew at the prices.
    pub(crate) fn improve(self) -> Self {
        let mut searched = self.clone();
        searched.search();
        let mut anew = self.clone();
        anew.rebuild();
        anew.search();
        let mut best = self;
        for other in [searched, anew] {
            if better(&other.standing_of_all(), &best.standing_of_all()) {
                best = other;
            }
        }
        best
    }

    fn standing_of_all(&self) -> BTreeMap<Reverse<i32>, Grade> {
        let routes: Vec<&[Vec<u32>]> = self
            .order
            .iter()
            .map(|index| &self.taken[*index][..])
            .collect();
        self.standing(&self.order, &routes)
    }

    /// Improves until nothing does, or the rounds are over.
    fn search(&mut self) {
        for round in 0..ROUNDS {
            let part = FADING.get(round).copied().unwrap_or(0.0);
            let mut better = false;
            for number in 0..self.order.len() {
                better |= self.reroute(self.order[number], part);
            }
            if part <= 0.0 {
                better |= self.make_room();
            }
            if !better && round + 1 >= FADING.len() {
                break;
            }
        }
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

    /// Takes all out and puts them in again at the full prices, the largest first: small ones find room anywhere.
    fn rebuild(&mut self) {
        let order = self.order.clone();
        let old: Vec<Route> = order.iter().map(|index| self.empty_out(*index)).collect();
        for (index, was) in order.iter().zip(&old) {
            let nothing = self.take_out(*index);
            let route = self.best_route(*index, was, 1.0).unwrap_or(nothing);
            self.give(*index, route);
        }
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

    /// Takes those that pay most beyond what they would at their best places out together with some who are there, and lets
    /// them choose first. Returns whether anything improved.
    fn make_room(&mut self) -> bool {
        let mut wishes: Vec<(Grade, usize, Vec<usize>)> = (0..self.taken.len())
            .filter_map(|index| self.wish(index))
            .collect();
        wishes.sort_by(|a, b| b.0.order(&a.0).then(a.1.cmp(&b.1)));
        wishes.truncate(WISHES.max(self.taken.len() / 4));
        let mut better = false;
        for (_, index, places) in wishes {
            better |= self.try_room(index, &places);
        }
        better
    }

    /// What a deployment pays beyond its best route if nobody else were there, and the pools of that route.
    fn wish(&self, index: usize) -> Option<(Grade, usize, Vec<usize>)> {
        let demand = &self.instance.demands[index];
        let route = &self.taken[index];
        let (mut excess, mut short, mut missing) = (0.0, 0.0, 0);
        let mut pools = Vec::new();
        for (slot, now) in route.iter().enumerate() {
            let cost: Vec<f64> = demand.places.iter().map(|place| place.cost[slot]).collect();
            let room: Vec<u32> = (demand.places.iter())
                .map(|place| {
                    if place.allowed {
                        place.site_cap.min(self.empty_room(place, slot))
                    } else {
                        0
                    }
                })
                .collect();
            let offer = Offer {
                slot,
                cost: &cost,
                room: &room,
            };
            let best = columns(demand, &offer, 1).into_iter().next()?;
            excess += self.running(index, slot, now, 0.0) - best.0;
            short += demand.shortfall(slot, now);
            missing += demand.sites_missing(now);
            pools.extend(
                best.1
                    .iter()
                    .filter_map(|(at, _)| demand.places[*at as usize].pool),
            );
        }
        pools.sort_unstable();
        pools.dedup();
        let grade = Grade {
            unserved: short,
            missing,
            money: excess,
        };
        (short > 0.0 || missing > 0 || excess > 1e-6).then_some((grade, index, pools))
    }

    /// Replicas that a place could hold if nothing else ran.
    fn empty_room(&self, place: &Place, slot: usize) -> u32 {
        let power = self.instance.power_of(place).iter();
        let watts = power
            .map(|row| self.instance.power[*row].end_limit[slot])
            .min()
            .unwrap_or(0);
        let by_power = u32::try_from(watts / place.watts.max(1)).unwrap_or(u32::MAX);
        let by_nodes = place.pool.map_or(0, |pool| {
            self.instance.pools[pool]
                .pool
                .replicas_of(place.accelerators)
        });
        by_power.min(by_nodes)
    }

    fn try_room(&mut self, index: usize, pools: &[usize]) -> bool {
        let priority = |index: usize| self.instance.demands[index].deployment.priority;
        let there = |other: &usize| {
            *other != index && priority(*other) <= priority(index) && self.touches(*other, pools)
        };
        // Who pays least for room is the easiest to move: the smallest first.
        let mut group: Vec<usize> = self
            .order
            .iter()
            .rev()
            .copied()
            .filter(there)
            .take(MOVED_TOGETHER)
            .collect();
        if group.is_empty() {
            return false;
        }
        group.push(index);
        group.reverse();
        let old: Vec<Route> = group.iter().map(|member| self.empty_out(*member)).collect();
        let known = self.standing(&group, &old);
        for (member, was) in group.iter().zip(&old) {
            let nothing = self.take_out(*member);
            let route = self.best_route(*member, was, 0.0).unwrap_or(nothing);
            self.give(*member, route);
        }
        let new: Vec<&[Vec<u32>]> = group
            .iter()
            .map(|member| &self.taken[*member][..])
            .collect();
        if better(&self.standing(&group, &new), &known) {
            return true;
        }
        for member in &group {
            self.take_out(*member);
        }
        for (member, route) in group.iter().zip(old) {
            self.give(*member, route);
        }
        false
    }

    fn take_out(&mut self, index: usize) -> Vec<Vec<u32>> {
        let route = std::mem::take(&mut self.taken[index]);
        self.put(index, &route, -1);
        route
    }

    /// Whether a deployment has a replica in one of the pools in any slot.
    fn touches(&self, index: usize, pools: &[usize]) -> bool {
        let demand = &self.instance.demands[index];
        (demand.places.iter().enumerate()).any(|(at, place)| {
            place
                .pool
                .is_some_and(|pool| pools.binary_search(&pool).is_ok())
                && self.taken[index].iter().any(|now| now[at] > 0)
        })
    }

    /// How good a group's routes are together, by priority from the highest.
    fn standing<R: AsRef<[Vec<u32>]>>(
        &self,
        group: &[usize],
        routes: &[R],
    ) -> BTreeMap<Reverse<i32>, Grade> {
        let mut standing: BTreeMap<Reverse<i32>, Grade> = BTreeMap::new();
        for (index, route) in group.iter().zip(routes) {
            let class = standing
                .entry(Reverse(self.instance.demands[*index].deployment.priority))
                .or_default();
            *class = class.plus(self.grade(*index, route.as_ref(), 0.0));
        }
        standing
    }

    /// Takes one deployment out and puts it in again by the best route that there is for it.
    fn reroute(&mut self, index: usize, scarcity: f64) -> bool {
        let old = std::mem::take(&mut self.taken[index]);
        self.put(index, &old, -1);
        let new = self.best_route(index, &old, scarcity);
        let (known, found) = (
            self.grade(index, &old, scarcity),
            new.as_ref().map(|new| self.grade(index, new, scarcity)),
        );
        let better = found.is_some_and(|found| found.beats(&known));
        let route = match new {
            Some(new) if better => new,
            _ => old.clone(),
        };
        let changed = route != old;
        self.put(index, &route, 1);
        self.taken[index] = route;
        changed
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

    fn grade(&self, index: usize, route: &[Vec<u32>], scarcity: f64) -> Grade {
        let demand = &self.instance.demands[index];
        let mut grade = Grade::default();
        let mut before = &demand.committed;
        for (slot, now) in route.iter().enumerate() {
            grade = grade.plus(Grade {
                unserved: demand.shortfall(slot, now),
                missing: demand.sites_missing(now),
                money: self.running(index, slot, now, scarcity)
                    + self.starting(index, slot, before, now),
            });
            before = now;
        }
        grade
    }

    fn running(&self, index: usize, slot: usize, now: &[u32], scarcity: f64) -> f64 {
        let places = &self.instance.demands[index].places;
        let each = places.iter().zip(now).filter(|(_, count)| **count > 0);
        each.map(|(place, count)| {
            f64::from(*count) * (place.cost[slot] + scarcity * place.scarcity[slot])
        })
        .sum()
    }

    fn starting(&self, index: usize, slot: usize, before: &[u32], now: &[u32]) -> f64 {
        let demand = &self.instance.demands[index];
        if slot == 0 && demand.newcomer {
            return 0.0;
        }
        demand.policy.move_cost.0.max(0.0) * f64::from(crate::objective::starts(before, now))
    }

    /// The best route that keeps to everything, if there is one.
    fn best_route(&mut self, index: usize, old: &[Vec<u32>], scarcity: f64) -> Option<Route> {
        let route = self.best_path(index, old, scarcity)?;
        if self.may(index, &route) {
            return Some(route);
        }
        self.steady = true;
        let route = self.best_path(index, old, scarcity);
        self.steady = false;
        route.filter(|route| self.may(index, route))
    }

    /// The best path through columns; none where nothing connects.
    fn best_path(&mut self, index: usize, old: &[Vec<u32>], scarcity: f64) -> Option<Route> {
        let instance = self.instance;
        let demand = &instance.demands[index];
        let by_slot = self.columns(index, old, scarcity);
        let mut layers: Vec<Vec<Step>> = Vec::with_capacity(by_slot.len());
        for (slot, vectors) in by_slot.into_iter().enumerate() {
            let mut layer = Vec::with_capacity(vectors.len());
            for now in vectors {
                let own = Grade {
                    unserved: demand.shortfall(slot, &now),
                    missing: demand.sites_missing(&now),
                    money: self.running(index, slot, &now, scarcity),
                };
                if let Some((grade, from)) = self.reach(index, slot, layers.last(), &now) {
                    layer.push(Step {
                        grade: grade.plus(own),
                        from,
                        now,
                    });
                }
            }
            if layer.is_empty() {
                return None;
            }
            layers.push(layer);
        }
        let last = layers.last()?;
        let mut at = 0;
        for (number, step) in last.iter().enumerate() {
            if step.grade.beats(&last[at].grade) {
                at = number;
            }
        }
        let mut route = Vec::with_capacity(layers.len());
        for layer in layers.iter_mut().rev() {
            let step = &mut layer[at];
            route.push(std::mem::take(&mut step.now));
            at = step.from;
        }
        route.reverse();
        Some(route)
    }

    /// The best way to come to a column from those of the slot before.
    fn reach(
        &mut self,
        index: usize,
        slot: usize,
        before: Option<&Vec<Step>>,
        now: &[u32],
    ) -> Option<(Grade, usize)> {
        let Some(layer) = before else {
            let committed = &self.instance.demands[index].committed;
            let money = self.starting(index, slot, committed, now);
            return self.connects(index, slot, committed, now).then_some((
                Grade {
                    money,
                    ..Grade::default()
                },
                0,
            ));
        };
        let mut ways: Vec<(Grade, usize)> = (layer.iter().enumerate())
            .map(|(from, step)| {
                let money = self.starting(index, slot, &step.now, now);
                (
                    step.grade.plus(Grade {
                        money,
                        ..Grade::default()
                    }),
                    from,
                )
            })
            .collect();
        ways.sort_by(|a, b| a.0.order(&b.0).then(a.1.cmp(&b.1)));
        ways.into_iter()
            .find(|(_, from)| self.connects(index, slot, &layer[*from].now, now))
    }

    /// Whether a deployment may go from one vector to another in a slot, beside all others.
    fn connects(&mut self, index: usize, slot: usize, before: &[u32], now: &[u32]) -> bool {
        let instance = self.instance;
        let demand = &instance.demands[index];
        for (at, place) in demand.places.iter().enumerate() {
            let grows = now[at] > before[at] && slot >= instance.site_of(place).past_offer;
            if grows || (now[at] > 0 && !place.allowed) {
                return false;
            }
            if now[at] > 0
                && place.site_cap < u32::MAX
                && demand.at_site(place.site, now) > place.site_cap
            {
                return false;
            }
        }
        if self.steady && slot > 0 && self.leaves(index, slot, before, now) {
            return false;
        }
        if before != now {
            let moves = i64::from(self.moves(index, before, now));
            if moves > 0 && moves > self.moves_left[slot][demand.policy_index] {
                return false;
            }
        }
        let ledger = &mut self.ledgers[slot];
        ledger.shift(instance, demand, before, now, 1);
        let fits = ledger.keeps_rows(instance, demand, before, now);
        ledger.shift(instance, demand, before, now, -1);
        fits
    }

    /// Whether a vector leaves a site where the deployment was not committed, or is still to stay.
    fn leaves(&self, index: usize, slot: usize, before: &[u32], now: &[u32]) -> bool {
        let demand = &self.instance.demands[index];
        demand.places.iter().enumerate().any(|(at, place)| {
            let free =
                demand.committed[at] > 0 && demand.since[at] + demand.dwell_slots <= slot as i64;
            before[at] > 0 && !free && demand.at_site(place.site, now) == 0
        })
    }

    /// Vectors worth passing through, by slot: the best of each slot, the best of other slots where they serve, and what was.
    fn columns(&mut self, index: usize, old: &[Vec<u32>], scarcity: f64) -> Vec<Route> {
        let instance = self.instance;
        let demand = &instance.demands[index];
        let mut own: Vec<Vec<(f64, Column)>> = Vec::with_capacity(instance.slots);
        for slot in 0..instance.slots {
            let cost: Vec<f64> = (demand.places.iter())
                .map(|place| place.cost[slot] + scarcity * place.scarcity[slot])
                .collect();
            let room: Vec<u32> = (demand.places.iter())
                .map(|place| {
                    let most = if place.allowed { place.site_cap } else { 0 };
                    most.min(self.ledgers[slot].most_beside(instance, place))
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
        }
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
                            f64::from(*count) * (place.cost[slot] + scarcity * place.scarcity[slot])
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
                vectors.extend(others.iter().take(COLUMNS).map(|(_, column)| dense(column)));
                // Among equals the first site by name has most.
                vectors.sort_unstable_by(|a, b| b.cmp(a));
                vectors.dedup();
                vectors
            })
            .collect()
    }
}

/// Whether a group stands better: no priority serves less for the sake of a lower one, and money decides between what serves
/// the same.
fn better(new: &BTreeMap<Reverse<i32>, Grade>, old: &BTreeMap<Reverse<i32>, Grade>) -> bool {
    let mut money = (Grade::default(), Grade::default());
    for (new, old) in new.values().zip(old.values()) {
        let serving = |grade: &Grade| Grade {
            money: 0.0,
            ..*grade
        };
        if serving(new).beats(&serving(old)) {
            return true;
        }
        if serving(old).beats(&serving(new)) {
            return false;
        }
        money = (money.0.plus(*new), money.1.plus(*old));
    }
    money.0.beats(&money.1)
}

fn by_size(instance: &Instance<'_>) -> Vec<usize> {
    let size = |index: &usize| {
        let demand = &instance.demands[*index];
        let tokens: f64 = demand.tokens.iter().sum();
        let watts = demand.deployment.variants.iter().map(|variant| {
            variant.watts.0 as f64 / variant.tokens_per_second.0.max(f64::MIN_POSITIVE)
        });
        tokens * watts.fold(f64::INFINITY, f64::min)
    };
    let mut order: Vec<usize> = (0..instance.demands.len()).collect();
    order.sort_by(|a, b| {
        let priority = |index: &usize| Reverse(instance.demands[*index].deployment.priority);
        priority(a)
            .cmp(&priority(b))
            .then(size(b).total_cmp(&size(a)))
            .then(a.cmp(b))
    });
    order
}

/// A column on the way, and how it is best come to.
struct Step {
    grade: Grade,
    from: usize,
    now: Vec<u32>,
}
