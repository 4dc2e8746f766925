//! Making room: who pays far more than the prices say chooses first, and those move who lose least by it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::standing::better;
use super::{Route, Routes};
use crate::choice::Grade;
use crate::columns::{Offer, columns, replicas};
use crate::demand::Place;

/// Deployments that are let choose first in a round, at least.
const WISHES: usize = 32;
/// Deployments that make room for one.
const MOVED_TOGETHER: usize = 8;

/// Watts by pool.
type Frees = Vec<(usize, i64)>;

/// What a deployment would have if nobody else were there.
#[derive(Default)]
pub(super) struct Ideal {
    /// Money over the horizon at the prices, starts left out.
    cost: f64,
    /// Pools with the watts that it would draw there at most.
    pools: BTreeMap<usize, i64>,
}

/// What a deployment would rather have.
pub(super) struct Wish {
    pub grade: Grade,
    index: usize,
    /// Pools of its best route, with the watts that it would draw there at most.
    pools: BTreeMap<usize, i64>,
}

impl Routes<'_, '_> {
    /// Takes those that pay most beyond what they would at their best places, at the prices, out together with some who
    /// are there, and lets them choose first. Returns whether anything improved.
    pub(super) fn make_room(&mut self) -> bool {
        let mut wishes: Vec<Wish> = (0..self.taken.len())
            .filter_map(|index| self.wish(index))
            .collect();
        wishes.sort_by(|a, b| b.grade.order(&a.grade).then(a.index.cmp(&b.index)));
        wishes.truncate(WISHES.max(self.taken.len() / 8));
        let mut improved = false;
        let sitting = self.sitting();
        for wish in wishes {
            improved |= self.try_room(&wish, &sitting);
        }
        improved
    }

    /// By pool: who has a replica there in any slot, as ranks in the order in which all choose.
    fn sitting(&self) -> Vec<Vec<usize>> {
        let mut sitting = vec![Vec::new(); self.instance.pools.len()];
        for (rank, index) in self.order.iter().enumerate() {
            let places = self.instance.demands[*index].places.iter().enumerate();
            for (at, pool) in places.filter_map(|(at, place)| Some((at, place.pool?))) {
                let known = sitting[pool].last() == Some(&rank);
                if !known && self.taken[*index].iter().any(|now| now[at] > 0) {
                    sitting[pool].push(rank);
                }
            }
        }
        sitting
    }

    /// What a deployment pays beyond its best route if nobody else were there.
    pub(super) fn wish(&self, index: usize) -> Option<Wish> {
        let demand = &self.instance.demands[index];
        let ideals = self.ideals.get_or_init(|| {
            let all = 0..self.taken.len();
            Rc::new(all.map(|index| self.ideal(index)).collect())
        });
        let ideal = ideals[index].as_ref()?;
        let mut grade = Grade::default();
        for (slot, now) in self.taken[index].iter().enumerate() {
            grade = grade.plus(Grade {
                unserved: demand.shortfall(slot, now),
                missing: demand.sites_missing(now),
                money: self.running(index, slot, now, 1.0),
            });
        }
        grade.money -= ideal.cost;
        let wishes = grade.unserved > 0.0 || grade.missing > 0 || grade.money > 1e-6;
        wishes.then(|| Wish {
            grade,
            index,
            pools: ideal.pools.clone(),
        })
    }

    /// The best vectors at the prices if nobody else were there; none where nothing serves.
    fn ideal(&self, index: usize) -> Option<Ideal> {
        let demand = &self.instance.demands[index];
        let mut ideal = Ideal::default();
        for slot in 0..self.instance.slots {
            let places = demand.places.iter();
            let cost: Vec<f64> = places.map(|place| place.priced(slot, 1.0)).collect();
            let room: Vec<u32> = (demand.places.iter())
                .map(|place| place.may_have().min(self.empty_room(place, slot)))
                .collect();
            let offer = Offer {
                slot,
                cost: &cost,
                room: &room,
            };
            let best = columns(demand, &offer, 1).into_iter().next()?;
            ideal.cost += best.0;
            for (at, count) in &best.1 {
                let place = &demand.places[*at as usize];
                if let Some(pool) = place.pool {
                    let watts = ideal.pools.entry(pool).or_insert(0);
                    *watts = (*watts).max(place.watts * i64::from(*count));
                }
            }
        }
        Some(ideal)
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

    fn try_room(&mut self, wish: &Wish, sitting: &[Vec<usize>]) -> bool {
        let mut group = vec![wish.index];
        group.extend(self.who_moves(wish, sitting));
        if group.len() < 2 {
            return false;
        }
        let old: Vec<Route> = group.iter().map(|member| self.empty_out(*member)).collect();
        let known = self.standing(&group, &old);
        for (member, was) in group.iter().zip(&old) {
            let scarcity = if *member == wish.index { 0.0 } else { 1.0 };
            let nothing = self.take_out(*member);
            let route = self.best_route(*member, was, scarcity).unwrap_or(nothing);
            self.give(*member, route);
        }
        let new: Vec<&[Vec<u32>]> = group
            .iter()
            .map(|member| &self.taken[*member][..])
            .collect();
        if better(&self.standing(&group, &new), &known) {
            for (member, route) in group.iter().zip(&old) {
                self.freed.left(self.instance, *member, route);
            }
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

    /// Deployments in the way that lose least for each watt that they free, enough to let the wish in; in the order in which all
    /// choose, so that who loses more comes before.
    fn who_moves(&mut self, wish: &Wish, sitting: &[Vec<usize>]) -> Vec<usize> {
        let priority = |index: usize| self.instance.demands[index].deployment.priority;
        let ranks: BTreeSet<usize> = (wish.pools.keys())
            .flat_map(|pool| sitting[*pool].iter().copied())
            .collect();
        let there: Vec<usize> = ranks
            .into_iter()
            .map(|rank| self.order[rank])
            .filter(|other| *other != wish.index && priority(*other) <= priority(wish.index))
            .filter(|other| !self.draws(*other, &wish.pools).is_empty())
            .collect();
        let mut losses: Vec<(f64, usize, Frees)> = there
            .iter()
            .enumerate()
            .map(|(rank, other)| {
                let frees = self.draws(*other, &wish.pools);
                let watts: i64 = frees.iter().map(|(_, watts)| watts).sum();
                (
                    self.loss(*other, &wish.pools) / watts.max(1) as f64,
                    rank,
                    frees,
                )
            })
            .collect();
        losses.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut lacking, mut ranks) = (wish.pools.clone(), Vec::new());
        for (_, rank, frees) in losses {
            if ranks.len() == MOVED_TOGETHER {
                break;
            }
            if frees
                .iter()
                .any(|(pool, _)| lacking.get(pool).is_some_and(|left| *left > 0))
            {
                for (pool, watts) in frees {
                    lacking.entry(pool).and_modify(|left| *left -= watts);
                }
                ranks.push(rank);
            }
        }
        ranks.sort_unstable();
        ranks.into_iter().map(|rank| there[rank]).collect()
    }

    /// Watts that a deployment draws in pools at most.
    fn draws(&self, index: usize, pools: &BTreeMap<usize, i64>) -> Frees {
        let demand = &self.instance.demands[index];
        let most = |at: usize| {
            self.taken[index]
                .iter()
                .map(|now| now[at])
                .max()
                .unwrap_or(0)
        };
        let there = demand.places.iter().enumerate().filter_map(|(at, place)| {
            let pool = place.pool.filter(|pool| pools.contains_key(pool))?;
            Some((pool, place.watts * i64::from(most(at)))).filter(|(_, watts)| *watts > 0)
        });
        there.collect()
    }

    /// What a deployment would pay more, at the prices, at the best single place elsewhere that has room for all of it.
    fn loss(&mut self, index: usize, pools: &BTreeMap<usize, i64>) -> f64 {
        let instance = self.instance;
        let demand = &instance.demands[index];
        let wished = |place: &Place| place.pool.is_some_and(|pool| pools.contains_key(&pool));
        let routes = self.taken[index].iter().enumerate();
        let now: f64 = routes
            .map(|(slot, counts)| self.running(index, slot, counts, 1.0))
            .sum();
        let mut least = demand.worth(instance.hours) * demand.tokens.iter().sum::<f64>();
        for place in demand
            .places
            .iter()
            .filter(|place| place.allowed && place.tokens > 0.0 && !wished(place))
        {
            let mut cost = 0.0;
            let fits = (0..instance.slots).all(|slot| {
                let needed = replicas(demand.tokens[slot], place.tokens);
                cost += f64::from(needed) * place.priced(slot, 1.0);
                cost < least && self.ledgers[slot].most_beside(instance, place) >= needed
            });
            if fits {
                least = cost;
            }
        }
        least - now
    }
}
