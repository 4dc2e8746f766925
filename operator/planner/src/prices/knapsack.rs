//! The cheapest replicas that serve a demand in one slot, by variant: an integer covering knapsack with a price for
//! what is not served.

/// A variant at its cheapest place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub cost: f64,
    pub tokens: f64,
    /// Which variant.
    pub way: usize,
}

/// Counts of the second most efficient variant, and of each further one, that are tried one by one; more of it are priced
/// as fractions of the best.
const TRIED: [u32; 2] = [16, 4];

/// The most variants whose counts are told.
pub(crate) const TOLD: usize = 4;

/// Replicas by item, in the order that [`cover`] sorts them.
pub(crate) type Counts = [f64; TOLD];

/// No vector of replicas serves `demand` for less: `min Σ cost·n + worth·max(0, demand − Σ tokens·n)` over integers
/// `n ≥ 0`, with a vector that comes near it. A valid lower bound always, and the minimum itself unless more than
/// [`TRIED`] replicas of a variant that is not the most efficient would be best. Sorts the items.
pub(crate) fn cover(demand: f64, worth: f64, items: &mut [Item]) -> (f64, Counts) {
    let mut counts = [0.0; TOLD];
    if demand <= 0.0 {
        return (0.0, counts);
    }
    items.sort_by(|a, b| (a.cost * b.tokens).total_cmp(&(b.cost * a.tokens)));
    let Some((best, dearer)) = items.split_first() else {
        return (worth * demand, counts);
    };
    let (least, found) = rest(demand, worth, *best, dearer);
    if worth * demand <= least {
        return (worth * demand, counts);
    }
    counts = found;
    (least, counts)
}

fn rest(demand: f64, worth: f64, best: Item, dearer: &[Item]) -> (f64, Counts) {
    let mut counts = [0.0; TOLD];
    if demand <= 0.0 {
        return (0.0, counts);
    }
    let Some((item, others)) = dearer.split_last() else {
        let whole = (demand / best.tokens - 1e-9).ceil().max(0.0);
        let fewer = (whole - 1.0).max(0.0);
        let short = (demand - fewer * best.tokens).max(0.0);
        let (all, part) = (whole * best.cost, fewer * best.cost + worth * short);
        counts[0] = if part < all { fewer } else { whole };
        return (all.min(part), counts);
    };
    let index = dearer.len();
    let tried = TRIED[(index - 1).min(1)];
    let mut least = f64::INFINITY;
    for number in 0..=tried {
        let number = f64::from(number);
        let left = demand - number * item.tokens;
        let (cost, mut found) = rest(left, worth, best, others);
        if number * item.cost + cost < least {
            least = number * item.cost + cost;
            if let Some(count) = found.get_mut(index) {
                *count = number;
            }
            counts = found;
        }
        if left <= 0.0 {
            return (least, counts);
        }
    }
    let number = f64::from(tried + 1);
    let left = (demand - number * item.tokens).max(0.0);
    let fluid = number * item.cost + left * (best.cost / best.tokens).min(worth);
    (least.min(fluid), counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brute(demand: f64, worth: f64, items: &[Item]) -> f64 {
        let most = |item: &Item| (demand / item.tokens).ceil() as u32 + 1;
        match items.split_first() {
            None => worth * demand.max(0.0),
            Some((item, others)) => (0..=most(item))
                .map(|count| {
                    let count = f64::from(count);
                    count * item.cost
                        + brute((demand - count * item.tokens).max(0.0), worth, others)
                })
                .fold(f64::INFINITY, f64::min),
        }
    }

    #[test]
    fn a_small_replica_beside_a_large_one_is_cheaper_than_two_large_ones() {
        let mut items = [
            Item {
                cost: 10.0,
                tokens: 10.0,
                way: 0,
            },
            Item {
                cost: 4.0,
                tokens: 3.0,
                way: 1,
            },
        ];
        assert!((cover(13.0, 100.0, &mut items).0 - 14.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_worth_less_than_a_replica_is_left_unserved() {
        let mut items = [Item {
            cost: 10.0,
            tokens: 10.0,
            way: 0,
        }];
        assert!((cover(11.0, 2.0, &mut items).0 - 12.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn it_is_never_above_the_least_of_all_vectors_and_meets_it_where_few_are_needed(
            demand in 0.1..12.0_f64, worth in 0.0..5.0_f64,
            items in prop::collection::vec((0.1..9.0_f64, 0.8..9.0_f64), 0..3),
        ) {
            let mut items: Vec<Item> = items.into_iter().map(|(cost, tokens)| Item { cost, tokens, way: 0 }).collect();
            let least = brute(demand, worth, &items);
            let (found, _) = cover(demand, worth, &mut items);
            prop_assert!((found - least).abs() <= 1e-6 * (1.0 + least), "{found} {least}");
        }
    }
}
