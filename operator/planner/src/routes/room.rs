//! Making room: who pays far more than the prices say chooses first, and those move who lose least by it.

use std::collections::BTreeMap;

use super::standing::better;
use super::{Route, Routes};
use crate::choice::Grade;
use crate::columns::{Offer, columns};
use crate::demand::Place;

/// Deployments that are let choose first in a round, at least.
const WISHES: usize = 32;
/// Deployments that make room for one.
const MOVED_TOGETHER: usize = 8;

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
        for wish in wishes {
            improved |= self.try_room(&wish);
        }
        improved
    }

    /// What a deployment pays beyond its best route if nobody else were there.
    pub(super) fn wish(&self, index: usize) -> Option<Wish> {
        let demand = &self.instance.demands[index];
        let mut wish = Wish {
            grade: Grade::default(),
            index,
            pools: BTreeMap::new(),
        };
        for (slot, now) in self.taken[index].iter().enumerate() {
            let cost: Vec<f64> = (demand.places.iter())
                .map(|place| place.cost[slot] + place.scarcity[slot])
                .collect();
            let room: Vec<u32> = (demand.places.iter())
                .map(|place| match place.allowed {
                    true => place.site_cap.min(self.empty_room(place, slot)),
                    false => 0,
                })
                .collect();
            let offer = Offer {
                slot,
                cost: &cost,
                room: &room,
            };
            let best = columns(demand, &offer, 1).into_iter().next()?;
            wish.grade = wish.grade.plus(Grade {
                unserved: demand.shortfall(slot, now),
                missing: demand.sites_missing(now),
                money: self.running(index, slot, now, 1.0) - best.0,
            });
            for (at, count) in &best.1 {
                let place = &demand.places[*at as usize];
                if let Some(pool) = place.pool {
                    let watts = wish.pools.entry(pool).or_insert(0);
                    *watts = (*watts).max(place.watts * i64::from(*count));
                }
            }
        }
        let Grade {
            unserved,
            missing,
            money,
        } = wish.grade;
        (unserved > 0.0 || missing > 0 || money > 1e-6).then_some(wish)
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

    fn try_room(&mut self, wish: &Wish) -> bool {
        let mut group = vec![wish.index];
        group.extend(self.who_moves(wish));
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
    fn who_moves(&mut self, wish: &Wish) -> Vec<usize> {
        let priority = |index: usize| self.instance.demands[index].deployment.priority;
        let there: Vec<usize> = (self.order.iter().copied())
            .filter(|other| *other != wish.index && priority(*other) <= priority(wish.index))
            .filter(|other| !self.draws(*other, &wish.pools).is_empty())
            .collect();
        let mut losses: Vec<(f64, usize, Vec<(usize, i64)>)> = there
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
    fn draws(&self, index: usize, pools: &BTreeMap<usize, i64>) -> Vec<(usize, i64)> {
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
            .filter(|place| place.allowed && !wished(place))
        {
            let mut cost = 0.0;
            let fits = (0..instance.slots).all(|slot| {
                let needed = (demand.tokens[slot] / place.tokens - 1e-9).ceil().max(0.0);
                cost += needed * (place.cost[slot] + place.scarcity[slot]);
                cost < least && f64::from(self.ledgers[slot].most_beside(instance, place)) >= needed
            });
            if fits {
                least = cost;
            }
        }
        least - now
    }
}
