//! How good routes are: what they leave unserved first, then money.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Routes;
use crate::choice::Grade;

/// By priority, from the highest.
pub(super) type Standing = BTreeMap<Reverse<i32>, Grade>;

impl Routes<'_, '_> {
    /// How good a group's routes are together, by priority from the highest.
    pub(super) fn standing<R: AsRef<[Vec<u32>]>>(&self, group: &[usize], routes: &[R]) -> Standing {
        let mut standing: Standing = BTreeMap::new();
        for (index, route) in group.iter().zip(routes) {
            let class = standing
                .entry(Reverse(self.instance.demands[*index].deployment.priority))
                .or_default();
            *class = class.plus(self.grade(*index, route.as_ref(), 0.0));
        }
        standing
    }

    pub(super) fn grade(&self, index: usize, route: &[Vec<u32>], scarcity: f64) -> Grade {
        let demand = &self.instance.demands[index];
        let mut grade = Grade::default();
        let mut before = &demand.committed;
        for (slot, now) in route.iter().enumerate() {
            grade = grade.plus(Grade {
                unserved: demand.shortfall(slot, now),
                missing: demand.sites_missing(now),
                money: self.running(index, slot, now, scarcity)
                    + self.changing(index, slot, (before, now), scarcity),
            });
            before = now;
        }
        grade
    }

    pub(super) fn running(&self, index: usize, slot: usize, now: &[u32], scarcity: f64) -> f64 {
        let places = &self.instance.demands[index].places;
        let each = places.iter().zip(now).filter(|(_, count)| **count > 0);
        each.map(|(place, count)| f64::from(*count) * place.priced(slot, scarcity))
            .sum()
    }

    /// What a change costs: starts, and at the prices what ends and is charged in this slot once more.
    pub(super) fn changing(
        &self,
        index: usize,
        slot: usize,
        (before, now): (&[u32], &[u32]),
        scarcity: f64,
    ) -> f64 {
        let demand = &self.instance.demands[index];
        let mut cost = 0.0;
        if scarcity > 0.0 {
            for ((place, before), now) in demand.places.iter().zip(before).zip(now) {
                cost += scarcity * f64::from(before.saturating_sub(*now)) * place.scarcity[slot];
            }
        }
        if slot == 0 && demand.newcomer {
            return cost;
        }
        let starts = crate::objective::starts(before, now);
        cost + demand.policy.move_cost.0.max(0.0) * f64::from(starts)
    }
}

/// Whether a group stands better: no priority serves less for the sake of a lower one, and money decides between what serves
/// the same.
pub(super) fn better(new: &Standing, old: &Standing) -> bool {
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
