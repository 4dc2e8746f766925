//! Which slots a job takes of those that are open: the cheapest there are, exactly.
//!
//! ```text
//! min  Σ_{h in S} cost_h  +  restart · (runs that begin after a pause)  +  waiting · (end of the last slot of S)
//! ```
//!
//! over all sets `S` of so many open slots. Prices of scarce things are part of `cost_h` already. Where starting again
//! is free the last slot decides: before it the cheapest others are taken, `O(n log k)` but for the shifts in a sorted
//! list. Else a programme over (slot, slots still to take, whether it runs), `O(n k)`.

/// What the timing of a job costs beside its slots.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Terms {
    /// A run that begins after a pause.
    pub restart: f64,
    /// A slot's length of waiting.
    pub waiting: f64,
    /// Where waiting begins to count, in slots from the horizon's start.
    pub counted_from: f64,
    /// It has run before, so that its first run begins after a pause.
    pub started: bool,
    /// It runs when the horizon begins: a run from the first slot on only goes on.
    pub running: bool,
}

impl Terms {
    /// Runs that begin after a pause, of slots in ascending order.
    pub(crate) fn restarts(&self, slots: &[usize]) -> u32 {
        let Some(first) = slots.first() else {
            return 0;
        };
        let goes_on = self.running && *first == 0;
        let first = u32::from(self.started && !goes_on);
        first + slots.windows(2).filter(|two| two[0] + 1 != two[1]).count() as u32
    }

    /// Slots from where waiting counts to the end of a slot.
    pub(crate) fn waited(&self, last: usize) -> f64 {
        ((last + 1) as f64 - self.counted_from).max(0.0)
    }

    /// What a run costs that begins in a slot, if it begins after a pause.
    fn begins(&self, slot: usize, is_first: bool) -> f64 {
        let goes_on = self.running && slot == 0;
        if is_first && (goes_on || !self.started) {
            0.0
        } else {
            self.restart
        }
    }
}

/// The cheapest set of `count` of the open slots, ascending; of equals the earlier. `open` ascends.
pub(crate) fn cheapest_set(
    cost: &[f64],
    open: &[usize],
    count: usize,
    terms: &Terms,
) -> Option<Vec<usize>> {
    if count == 0 || open.len() < count {
        None
    } else if open.len() == count {
        Some(open.to_vec())
    } else if terms.restart == 0.0 {
        Some(by_last_slot(cost, open, count, terms))
    } else {
        Some(by_steps(cost, open, count, terms))
    }
}

fn clearly_less(a: f64, b: f64) -> bool {
    a < b - 1e-12 * (1.0 + b.abs())
}

/// Every open slot in turn as the last, with the cheapest before it.
fn by_last_slot(cost: &[f64], open: &[usize], count: usize, terms: &Terms) -> Vec<usize> {
    let by_cost = |a: usize, b: usize| cost[a].total_cmp(&cost[b]).then(a.cmp(&b));
    let others = count - 1;
    let mut cheapest: Vec<usize> = Vec::with_capacity(count);
    let (mut sum, mut best, mut best_at) = (0.0, f64::INFINITY, others);
    for (at, slot) in open.iter().enumerate() {
        if at >= others {
            let total = sum + cost[*slot] + terms.waiting * terms.waited(*slot);
            if clearly_less(total, best) || best == f64::INFINITY {
                (best, best_at) = (total, at);
            }
        }
        let place = cheapest.partition_point(|known| by_cost(*known, *slot).is_lt());
        if place < others {
            cheapest.insert(place, *slot);
            sum += cost[*slot];
            if cheapest.len() > others {
                sum -= cheapest.pop().map_or(0.0, |dearest| cost[dearest]);
            }
        }
    }
    let mut taken = open[..best_at].to_vec();
    taken.sort_by(|a, b| by_cost(*a, *b));
    taken.truncate(others);
    taken.push(open[best_at]);
    taken.sort_unstable();
    taken
}

/// Backward over the open slots: the least cost from a slot on by what is left to take, and whether the open slot before
/// was taken.
fn by_steps(cost: &[f64], open: &[usize], count: usize, terms: &Terms) -> Vec<usize> {
    let width = count + 1;
    let state = |at: usize, left: usize, ran: bool| (at * width + left) * 2 + usize::from(ran);
    let follows = |at: usize| at > 0 && open[at - 1] + 1 == open[at];
    let mut takes = vec![false; open.len() * width * 2];
    let mut onward = vec![[f64::INFINITY; 2]; width];
    onward[0] = [0.0; 2];
    for (at, slot) in open.iter().enumerate().rev() {
        let mut here = onward.clone();
        for left in 1..=count.min(open.len() - at) {
            let end = if left == 1 {
                terms.waiting * terms.waited(*slot)
            } else {
                0.0
            };
            for ran in [false, true] {
                let begins = if ran && follows(at) {
                    0.0
                } else {
                    terms.begins(*slot, left == count)
                };
                let taken = cost[*slot] + begins + end + onward[left - 1][1];
                let skipped = onward[left][0];
                let take = !clearly_less(skipped, taken);
                takes[state(at, left, ran)] = take;
                here[left][usize::from(ran)] = if take { taken } else { skipped };
            }
        }
        onward = here;
    }
    let (mut left, mut ran, mut taken) = (count, false, Vec::with_capacity(count));
    for (at, slot) in open.iter().enumerate() {
        ran = left > 0 && takes[state(at, left, ran)];
        if ran {
            taken.push(*slot);
            left -= 1;
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(cost: &[f64], slots: &[usize], terms: &Terms) -> f64 {
        let sum: f64 = slots.iter().map(|slot| cost[*slot]).sum();
        let last = slots.last().copied().unwrap_or(0);
        sum + terms.restart * f64::from(terms.restarts(slots)) + terms.waiting * terms.waited(last)
    }

    /// Every set of so many open slots.
    fn all_sets(open: &[usize], count: usize) -> Vec<Vec<usize>> {
        (0..1_u32 << open.len())
            .filter(|set| set.count_ones() as usize == count)
            .map(|set| {
                let picked = (0..open.len()).filter(|at| set >> at & 1 == 1);
                picked.map(|at| open[at]).collect()
            })
            .collect()
    }

    fn any_terms() -> impl Strategy<Value = Terms> {
        let money = || prop_oneof![Just(0.0), 0.0..3.0_f64, Just(100.0)];
        (money(), money(), -1.0..4.0_f64, 0..3_u8).prop_map(|(restart, waiting, from, history)| {
            Terms {
                restart,
                waiting,
                counted_from: from.max(0.0),
                started: history > 0,
                running: history > 1,
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn no_other_set_of_slots_is_cheaper(
            cost in prop::collection::vec(prop_oneof![Just(1.0), -1.0..4.0_f64], 1..10),
            closed in prop::collection::vec(prop::bool::weighted(0.2), 10),
            count in 0..10_usize,
            terms in any_terms(),
        ) {
            let open: Vec<_> = (0..cost.len()).filter(|slot| !closed[*slot]).collect();
            let sets = all_sets(&open, count);
            let best = sets.iter().map(|set| total(&cost, set, &terms)).fold(f64::INFINITY, f64::min);
            match cheapest_set(&cost, &open, count, &terms) {
                Some(set) => {
                    prop_assert!(sets.contains(&set), "{set:?}");
                    prop_assert!(total(&cost, &set, &terms) < best + 1e-9, "{set:?}, best {best}");
                }
                None => prop_assert!(count == 0 || open.len() < count),
            }
        }
    }

    #[test]
    fn a_job_pauses_only_where_that_saves_more_than_starting_again_costs() {
        let cost = [1.0, 3.0, 1.0, 1.5];
        let open = [0, 1, 2, 3];
        let dear = Terms {
            restart: 0.6,
            ..Terms::default()
        };
        assert_eq!(cheapest_set(&cost, &open, 2, &dear), Some(vec![2, 3]));
        assert_eq!(
            cheapest_set(&cost, &open, 2, &Terms::default()),
            Some(vec![0, 2])
        );
        let goes_on = Terms {
            started: true,
            running: true,
            ..dear
        };
        assert_eq!(cheapest_set(&cost, &open, 1, &goes_on), Some(vec![0]));
    }

    #[test]
    fn a_job_waits_only_as_long_as_its_owner_would() {
        let cost = [3.0, 2.0, 1.0, 0.5];
        let open = [0, 1, 2, 3];
        let patient = |waiting| Terms {
            waiting,
            ..Terms::default()
        };
        assert_eq!(cheapest_set(&cost, &open, 1, &patient(0.7)), Some(vec![2]));
        assert_eq!(cheapest_set(&cost, &open, 1, &patient(1.5)), Some(vec![0]));
    }

    #[test]
    fn of_equal_slots_the_earlier_are_taken() {
        let cost = [0.1; 9];
        let open: Vec<_> = (0..9).collect();
        let terms = Terms::default();
        assert_eq!(
            cheapest_set(&cost, &open, 4, &terms),
            Some(vec![0, 1, 2, 3])
        );
    }
}
