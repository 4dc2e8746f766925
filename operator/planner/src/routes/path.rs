//! The best route of one deployment beside all others: dynamic programming over vectors, slot by slot.

use super::{Route, Routes};
use crate::choice::Grade;

/// Parts of the scarcity prices that are tried where a route would use more of a stock than is left.
const DEARER: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// A column on the way, and how it is best come to.
struct Step {
    grade: Grade,
    from: usize,
    now: Vec<u32>,
}

impl Routes<'_, '_> {
    /// The best route that keeps to everything, if there is one. Stocks and dwell are not seen slot by slot: where they are
    /// broken, scarcity counts more and more, and then what the deployment came to is not left again.
    pub(super) fn best_route(
        &mut self,
        index: usize,
        old: &[Vec<u32>],
        scarcity: f64,
    ) -> Option<Route> {
        let route = self.best_path(index, old, scarcity)?;
        if self.may(index, &route) {
            return Some(route);
        }
        if !self.has_stocks(index, &route) {
            for dearer in DEARER.into_iter().filter(|part| *part > scarcity) {
                let route = self.best_path(index, old, dearer)?;
                if self.may(index, &route) {
                    return Some(route);
                }
            }
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
        let by_slot = self.vectors(index, old, scarcity);
        let mut layers: Vec<Vec<Step>> = Vec::with_capacity(by_slot.len());
        for (slot, vectors) in by_slot.into_iter().enumerate() {
            let mut layer = Vec::with_capacity(vectors.len());
            for now in vectors {
                let own = Grade {
                    unserved: demand.shortfall(slot, &now),
                    missing: demand.sites_missing(&now),
                    money: self.running(index, slot, &now, scarcity),
                };
                if let Some((grade, from)) = self.reach(index, slot, layers.last(), &now, scarcity)
                {
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
        scarcity: f64,
    ) -> Option<(Grade, usize)> {
        let Some(layer) = before else {
            let committed = &self.instance.demands[index].committed;
            let money = self.changing(index, slot, (committed, now), scarcity);
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
                let money = self.changing(index, slot, (&step.now, now), scarcity);
                let start = Grade {
                    money,
                    ..Grade::default()
                };
                (step.grade.plus(start), from)
            })
            .collect();
        // Nearly always the best way is open, so that sorting them all would be for nothing.
        while let Some(best) = (0..ways.len()).min_by(|a, b| {
            ways[*a]
                .0
                .order(&ways[*b].0)
                .then(ways[*a].1.cmp(&ways[*b].1))
        }) {
            let (grade, from) = ways.swap_remove(best);
            if self.connects(index, slot, &layer[from].now, now) {
                return Some((grade, from));
            }
        }
        None
    }

    /// Whether a deployment may go from one vector to another in a slot, beside all others.
    pub(super) fn connects(
        &mut self,
        index: usize,
        slot: usize,
        before: &[u32],
        now: &[u32],
    ) -> bool {
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
}
