//! Whether replicas fit on nodes, each on one.

use std::collections::{BTreeMap, BTreeSet};

/// How many there are of each size.
pub(crate) type Sizes = BTreeMap<u32, u64>;

/// Whether replicas fit on nodes: by counting where all sizes are powers of two, by packing and small search otherwise.
pub(crate) fn fits(nodes: &Sizes, wanted: &Sizes) -> bool {
    let some = |sizes: &Sizes| -> Sizes {
        let some = sizes
            .iter()
            .filter(|(size, count)| **size > 0 && **count > 0);
        some.map(|(size, count)| (*size, *count)).collect()
    };
    let (nodes, wanted) = (some(nodes), some(wanted));
    let widths: BTreeSet<u32> = wanted
        .keys()
        .flat_map(|size| {
            (0..32)
                .map(|p| 1 << p)
                .take_while(move |width| width <= size)
        })
        .collect();
    let places = |sizes: &Sizes, width: u32| -> u64 {
        let each = sizes
            .iter()
            .map(|(size, count)| u64::from(size / width) * count);
        each.sum()
    };
    let counted = widths
        .iter()
        .all(|width| places(&wanted, *width) <= places(&nodes, *width));
    if !counted || wanted.keys().all(|size| size.is_power_of_two()) {
        return counted;
    }
    pack(nodes, &wanted)
}

/// Steps of search at most, and the most replicas to search for: enough for what tests and small sites ask.
const SEARCH_STEPS: u32 = 20_000;
const SEARCH_DEPTH: usize = 200;

fn pack(mut nodes: Sizes, wanted: &Sizes) -> bool {
    let mut items: Vec<u32> = Vec::new();
    for (size, count) in wanted.iter().rev() {
        items.extend(std::iter::repeat_n(*size, *count as usize));
    }
    let mut fullest_first = nodes.clone();
    let greedy = items.iter().all(|size| {
        let room = fullest_first.range(size..).find(|(_, n)| **n > 0);
        let room = room.map(|(free, _)| *free);
        room.is_some_and(|free| {
            put(&mut fullest_first, free, *size);
            true
        })
    });
    let searched = items.len() <= SEARCH_DEPTH;
    greedy || searched && search(&mut nodes, &items, &mut SEARCH_STEPS.clone())
}

fn put(nodes: &mut Sizes, free: u32, size: u32) {
    if let Some(count) = nodes.get_mut(&free) {
        *count -= 1;
    }
    *nodes.entry(free - size).or_default() += 1;
}

fn take_back(nodes: &mut Sizes, free: u32, size: u32) {
    if let Some(count) = nodes.get_mut(&(free - size)) {
        *count -= 1;
    }
    *nodes.entry(free).or_default() += 1;
}

fn search(nodes: &mut Sizes, items: &[u32], steps: &mut u32) -> bool {
    let Some((size, rest)) = items.split_first() else {
        return true;
    };
    let rooms: Vec<u32> = nodes
        .range(size..)
        .filter(|(_, count)| **count > 0)
        .map(|(free, _)| *free)
        .collect();
    for free in rooms {
        if *steps == 0 {
            return false;
        }
        *steps -= 1;
        put(nodes, free, *size);
        if search(nodes, rest, steps) {
            return true;
        }
        take_back(nodes, free, *size);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_are_packed_where_counting_is_not_enough() {
        assert!(!fits(&Sizes::from([(5, 2)]), &Sizes::from([(3, 3)])));
        assert!(fits(&Sizes::from([(6, 1), (3, 1)]), &Sizes::from([(3, 3)])));
    }

    #[test]
    fn search_finds_what_the_fullest_node_first_misses() {
        // 5 and 4 and 3 on 7 and 5: best fit puts 5 on 5, then 4 on 7, and 3 on the rest.
        assert!(fits(
            &Sizes::from([(7, 1), (5, 1)]),
            &Sizes::from([(5, 1), (4, 1), (3, 1)])
        ));
        assert!(fits(
            &Sizes::from([(9, 1), (10, 1)]),
            &Sizes::from([(5, 2), (3, 3)])
        ));
    }

    #[test]
    fn fragments_hold_no_large_replica() {
        assert!(!fits(&Sizes::from([(2, 4)]), &Sizes::from([(4, 1)])));
    }
}
