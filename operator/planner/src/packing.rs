//! Accelerators on nodes: how many replicas of which size still fit, fragmentation included.
//!
//! For sizes that are powers of two the rows `Σ_g ⌊g/j⌋·n_g ≤ Σ_node ⌊free/j⌋` are exact: sizes divide one another,
//! so a replica of size g takes the same ⌊g/j⌋ places of every smaller size wherever it lands. Other sizes need the rows
//! and also a packing by first fit decreasing, which is sufficient and not always necessary: it errs on the safe side.

use commonwatt_fleet::Pool;

/// The nodes of one pool, and the replica sizes that anything in the world may ask of it.
pub(crate) struct Nodes {
    /// Free accelerators on a node, and how many such nodes; ascending.
    classes: Vec<(u32, u32)>,
    /// Sizes of at least one accelerator, ascending.
    sizes: Vec<u32>,
    /// Row widths j with their capacity `Σ ⌊free/j⌋`.
    rows: Vec<(u32, u64)>,
}

impl Nodes {
    /// The nodes of a pool with `grown` elastic ones.
    pub(crate) fn new(pool: &Pool, grown: u32, sizes: impl IntoIterator<Item = u32>) -> Self {
        let mut nodes = pool.nodes.clone();
        if let Some(elastic) = pool.elastic {
            let count = nodes.entry(elastic.accelerators_per_node).or_default();
            *count = count.saturating_add(grown);
        }
        let classes: Vec<_> = nodes
            .into_iter()
            .filter(|(free, count)| *free > 0 && *count > 0)
            .collect();
        let sizes: std::collections::BTreeSet<_> =
            sizes.into_iter().filter(|size| *size > 0).collect();
        let largest = sizes.last().copied().unwrap_or(1);
        let rows = (0..32)
            .map(|power| 1_u32 << power)
            .take_while(|width| *width <= largest)
            .map(|width| {
                let capacity = classes
                    .iter()
                    .map(|(free, count)| u64::from(free / width) * u64::from(*count))
                    .sum();
                (width, capacity)
            })
            .collect();
        Self {
            classes,
            sizes: sizes.into_iter().collect(),
            rows,
        }
    }

    /// Row widths j = 1, 2, 4, … with their capacity `Σ ⌊free/j⌋`.
    pub(crate) fn rows(&self) -> &[(u32, u64)] {
        &self.rows
    }

    /// Sizes that replicas have, ascending.
    pub(crate) fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// The index of a size among the counts; none for workloads without accelerators.
    pub(crate) fn index_of(&self, size: u32) -> Option<usize> {
        self.sizes.binary_search(&size).ok()
    }

    pub(crate) fn no_counts(&self) -> Vec<u32> {
        vec![0; self.sizes.len()]
    }

    /// Accelerators that replicas in these counts take.
    pub(crate) fn accelerators(&self, counts: &[u32]) -> u64 {
        self.row_use(1, counts)
    }

    fn row_use(&self, width: u32, counts: &[u32]) -> u64 {
        self.sizes
            .iter()
            .zip(counts)
            .map(|(size, count)| u64::from(size / width) * u64::from(*count))
            .sum()
    }

    fn rows_are_exact(&self, counts: &[u32], index: Option<usize>) -> bool {
        self.sizes.iter().enumerate().all(|(i, size)| {
            size.is_power_of_two() || (counts.get(i) == Some(&0) && index != Some(i))
        })
    }

    /// Whether replicas in these counts, one per size, fit on the nodes together.
    pub(crate) fn fits(&self, counts: &[u32]) -> bool {
        self.rows
            .iter()
            .all(|(width, capacity)| self.row_use(*width, counts) <= *capacity)
            && (self.rows_are_exact(counts, None) || self.first_fit_decreasing(counts))
    }

    /// How many replicas of one size fit beside `counts`.
    pub(crate) fn most(&self, counts: &mut [u32], index: usize) -> u32 {
        let size = self.sizes[index];
        let by_rows = self
            .rows
            .iter()
            .filter(|(width, _)| size / width > 0)
            .map(|(width, capacity)| {
                capacity.saturating_sub(self.row_use(*width, counts)) / u64::from(size / width)
            })
            .min()
            .unwrap_or(0);
        let by_rows = u32::try_from(by_rows).unwrap_or(u32::MAX);
        if by_rows == 0 || self.rows_are_exact(counts, Some(index)) {
            return by_rows;
        }
        self.most_by_packing(counts, index, by_rows)
    }

    /// The largest count up to `limit` that still packs, by halving. Packing is not strictly monotone, so this may find
    /// less than the most, never more.
    fn most_by_packing(&self, counts: &mut [u32], index: usize, limit: u32) -> u32 {
        let had = counts[index];
        let (mut fits, mut open) = (0, limit);
        while fits < open {
            let middle = fits + (open - fits).div_ceil(2);
            counts[index] = had.saturating_add(middle);
            if self.fits(counts) {
                fits = middle;
            } else {
                open = middle - 1;
            }
        }
        counts[index] = had;
        fits
    }

    /// Largest first, each on the fullest node that still takes it.
    fn first_fit_decreasing(&self, counts: &[u32]) -> bool {
        let mut free: std::collections::BTreeMap<u32, u32> = self.classes.iter().copied().collect();
        for (size, count) in self.sizes.iter().zip(counts).rev() {
            let mut left = *count;
            while left > 0 {
                let Some((&room, &nodes)) = free.range(size..).next() else {
                    return false;
                };
                let each = room / size;
                let filled = (left / each).min(nodes);
                let (used, taken) = if filled > 0 {
                    (filled, each)
                } else {
                    (1, left)
                };
                left -= used * taken;
                if nodes == used {
                    free.remove(&room);
                } else {
                    free.insert(room, nodes - used);
                }
                *free.entry(room - taken * size).or_insert(0) += used;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonwatt_fleet::{Money, Watts};

    fn nodes(free: &[(u32, u32)], sizes: &[u32]) -> Nodes {
        let pool = Pool {
            price_per_hour: Money(1.0),
            rated_watts: Watts(700),
            nodes: free.iter().copied().collect(),
            reserve: None,
            elastic: None,
        };
        Nodes::new(&pool, 0, sizes.iter().copied())
    }

    #[test]
    fn four_free_accelerators_on_two_nodes_hold_no_replica_of_four() {
        let nodes = nodes(&[(2, 2)], &[1, 4]);
        assert_eq!(nodes.most(&mut [0, 0], 1), 0);
        assert_eq!(nodes.most(&mut [0, 0], 0), 4);
    }

    #[test]
    fn small_replicas_are_seen_to_take_the_place_of_large_ones() {
        let nodes = nodes(&[(8, 1)], &[1, 2, 8]);
        assert!(nodes.fits(&[0, 0, 1]));
        assert!(!nodes.fits(&[1, 0, 1]));
        assert_eq!(nodes.most(&mut [3, 0, 0], 1), 2);
    }

    #[test]
    fn three_replicas_of_three_do_not_fit_on_two_nodes_of_five_though_the_rows_allow_it() {
        let nodes = nodes(&[(5, 2)], &[3]);
        assert!(!nodes.fits(&[3]));
        assert_eq!(nodes.most(&mut [0], 0), 2);
    }

    #[test]
    fn a_pool_without_nodes_holds_nothing() {
        let nodes = nodes(&[], &[1]);
        assert!(nodes.fits(&[0]));
        assert_eq!(nodes.most(&mut [0], 0), 0);
    }
}
