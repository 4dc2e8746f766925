//! Which steps may have been taken when, and what is charged at most by then.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::Path;

use crate::flow;

/// Steps and which of them wait for which.
pub(super) struct Graph {
    /// What each step waits for.
    after: Vec<Vec<usize>>,
    /// What waits for each step.
    then: Vec<Vec<usize>>,
}

impl Graph {
    /// Every step waits for earlier ones alone.
    pub(super) fn new(path: &Path) -> Self {
        Self::of(path.steps.iter().map(|step| step.after.clone()).collect())
    }

    fn of(after: Vec<Vec<usize>>) -> Self {
        let mut then = vec![Vec::new(); after.len()];
        for (index, before) in after.iter().enumerate() {
            for before in before {
                then[*before].push(index);
            }
        }
        Self { after, then }
    }

    /// Steps that have been taken whenever this one is, itself left out.
    pub(super) fn earlier(&self, step: usize) -> Vec<usize> {
        reached(&self.after, step)
    }

    /// Steps that have not been taken when this one is.
    pub(super) fn later(&self, step: usize) -> Vec<usize> {
        reached(&self.then, step)
    }
}

/// All steps that are reached from one, in order.
fn reached(next: &[Vec<usize>], from: usize) -> Vec<usize> {
    let mut found = BTreeSet::new();
    let mut open = next[from].clone();
    while let Some(step) = open.pop() {
        if found.insert(step) {
            open.extend(&next[step]);
        }
    }
    found.into_iter().collect()
}

/// Something that steps take and give back.
#[derive(Default)]
pub(super) struct Charge {
    /// What is charged before the first step.
    before: i128,
    by_step: BTreeMap<usize, i128>,
    /// All that steps take, whatever is given back.
    taken: i128,
}

impl Charge {
    /// Adds what is there before the first step, or what a step takes or gives back.
    pub(super) fn add(&mut self, step: Option<usize>, by: i128) {
        match step {
            None => self.before += by,
            Some(step) => {
                *self.by_step.entry(step).or_default() += by;
                self.taken += by.max(0);
            }
        }
    }

    fn changes<'s>(&'s self, steps: &'s [usize]) -> impl Iterator<Item = i128> + 's {
        let known = steps.iter().filter_map(|step| self.by_step.get(step));
        known.copied()
    }

    /// The highest charge right after a step, over all orders, where it is above a limit.
    ///
    /// At most everything has been taken that is not forced to come later, and only that has been given back which is forced to
    /// come earlier. What was taken may have had to wait for something that was given back: a choice of steps, each with all
    /// that it waits for, which is a closure of the greatest weight (Picard, 1976), found as what cannot flow from what is taken
    /// to what is given back for it.
    pub(super) fn above(&self, limit: i128, graph: &Graph, step: usize) -> Option<i128> {
        let (mut earlier, later) = (graph.earlier(step), graph.later(step));
        earlier.push(step);
        let not_yet: i128 = self.changes(&later).filter(|by| *by > 0).sum();
        let given: i128 = self.changes(&earlier).filter(|by| *by < 0).sum();
        let most = self.before + self.taken - not_yet + given;
        if most <= limit {
            return None;
        }
        let open = |other: &usize| earlier.binary_search(other).is_err();
        let takes: Vec<(usize, i128)> = (self.by_step.iter())
            .filter(|(other, by)| **by > 0 && later.binary_search(other).is_err())
            .map(|(other, by)| (*other, *by))
            .collect();
        let gives: Vec<(usize, i128)> = (self.by_step.iter())
            .filter(|(other, by)| **by < 0 && open(other))
            .map(|(other, by)| (*other, *by))
            .collect();
        let waits: Vec<Vec<usize>> = takes.iter().map(|(take, _)| graph.earlier(*take)).collect();
        let sources: Vec<f64> = takes.iter().map(|(_, by)| *by as f64).collect();
        let groups: Vec<(Vec<bool>, f64)> = (gives.iter())
            .map(|(give, by)| {
                let for_it = waits
                    .iter()
                    .map(|earlier| earlier.binary_search(give).is_ok());
                (for_it.collect(), -*by as f64)
            })
            .collect();
        let most = most - flow::most(&sources, &groups).round() as i128;
        (most > limit).then_some(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Steps that wait for some of those before them, and what each changes.
    fn steps() -> impl Strategy<Value = (Vec<Vec<usize>>, Vec<i128>)> {
        let change = prop_oneof![2 => 1..9_i128, 1 => -9..0_i128, 1 => Just(0)];
        prop::collection::vec((prop::collection::vec(any::<bool>(), 9), change), 1..9).prop_map(
            |steps| {
                let after = steps.iter().enumerate().map(|(index, (waits, _))| {
                    let before = (0..index).filter(|before| waits[*before]);
                    before.collect()
                });
                (
                    after.collect(),
                    steps.iter().map(|(_, change)| *change).collect(),
                )
            },
        )
    }

    proptest! {
        #[test]
        fn the_highest_charge_is_that_of_some_order_and_of_none_a_higher((after, changes) in steps()) {
            let mut charge = Charge::default();
            charge.add(None, 5);
            for (step, by) in changes.iter().enumerate() {
                charge.add(Some(step), *by);
            }
            let graph = Graph::of(after.clone());
            // Every set of steps with all that they wait for is where some order stands.
            let taken = |set: usize, step: usize| set & (1 << step) != 0;
            let stands = (0..1_usize << changes.len()).filter(|set| {
                let ready = |step: usize| after[step].iter().all(|before| taken(*set, *before));
                (0..changes.len()).all(|step| !taken(*set, step) || ready(step))
            });
            let stands: Vec<usize> = stands.collect();
            let charged = |set: usize| {
                let steps = (0..changes.len()).filter(|step| taken(set, *step));
                5 + steps.map(|step| changes[step]).sum::<i128>()
            };
            let mut highest = 5;
            for (step, by) in changes.iter().enumerate() {
                let later = graph.later(step);
                let right_after = stands.iter().filter(|set| {
                    taken(**set, step) && later.iter().all(|later| !taken(**set, *later))
                });
                let most = right_after.map(|set| charged(*set)).max();
                let worst = charge.above(i128::MIN, &graph, step);
                prop_assert_eq!(most, worst);
                if *by > 0 {
                    highest = highest.max(worst.unwrap_or(0));
                }
            }
            prop_assert!(stands.iter().all(|set| charged(*set) <= highest));
        }
    }
}
