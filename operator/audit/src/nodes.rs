//! Accelerators: whether what is charged fits on nodes, one replica on one node.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{Pool, Product, SiteId};

use crate::finding::{Finding, Rule};
use crate::reading::{Line, Reading};

/// Replicas by size.
type Sizes = BTreeMap<u32, u64>;

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, site) in &reading.world.sites {
        for (product, pool) in &site.pools {
            for slot in 0..reading.slots() {
                findings.extend(slot_at(reading, id, (product, pool), slot));
            }
        }
    }
    findings
}

/// Whether what ran at a site before a slot fits on the nodes of each of its products.
pub(crate) fn before_fits(reading: &Reading<'_>, id: &SiteId, slot: usize) -> bool {
    let Some(site) = reading.world.sites.get(id) else {
        return true;
    };
    site.pools.iter().all(|(product, pool)| {
        let sizes = sizes_of(reading, id, product, |line| line.before(slot));
        fits(pool, &sizes)
    })
}

fn sizes_of(
    reading: &Reading<'_>,
    id: &SiteId,
    product: &Product,
    count: impl Fn(&Line<'_>) -> u32,
) -> Sizes {
    let mut sizes = Sizes::new();
    for line in reading.lines_at(id) {
        if line.variant.product == *product {
            *sizes.entry(line.variant.accelerators).or_default() += u64::from(count(line));
        }
    }
    sizes
}

fn slot_at(
    reading: &Reading<'_>,
    id: &SiteId,
    (product, pool): (&Product, &Pool),
    slot: usize,
) -> Vec<Finding> {
    let before = sizes_of(reading, id, product, |line| line.before(slot));
    let over = slot == 0 && !fits(pool, &before);
    let mut charged = sizes_of(reading, id, product, |line| {
        let (before, after) = (line.before(slot), line.after(slot));
        if over { after } else { after.max(before) }
    });
    let mut findings = Vec::new();
    for line in reading.lines_at(id) {
        let grows = line.after(slot) > line.before(slot);
        if over && grows && line.variant.product == *product {
            let detail = format!("grows while {product} does not hold what is there");
            let finding = Finding::new(Rule::Nodes, detail);
            findings.push(finding.of(line.id).at(id).slot(slot));
        }
    }
    for job in reading.placed_jobs() {
        if job.plan.site == *id && job.plan.product == *product && job.plan.runs[slot] {
            let size = charged.entry(job.shape.accelerators_per_pod).or_default();
            *size += u64::from(job.shape.pods);
            if over {
                let detail = format!("runs while {product} does not hold what is there");
                findings.push(
                    Finding::new(Rule::Nodes, detail)
                        .job(job.id)
                        .at(id)
                        .slot(slot),
                );
            }
        }
    }
    if !fits(pool, &charged) {
        let detail = format!(
            "{product}: replicas by size {charged:?} do not fit on nodes {:?}",
            pool.nodes
        );
        findings.push(Finding::new(Rule::Nodes, detail).at(id).slot(slot));
    }
    findings
}

/// Whether replicas fit: by counting where all sizes are powers of two, by packing and small search otherwise.
fn fits(pool: &Pool, sizes: &Sizes) -> bool {
    let wanted: Sizes = sizes
        .iter()
        .filter(|(size, count)| **size > 0 && **count > 0)
        .map(|(size, count)| (*size, *count))
        .collect();
    let widths: BTreeSet<u32> = wanted
        .keys()
        .flat_map(|size| {
            (0..32)
                .map(|p| 1 << p)
                .take_while(move |width| width <= size)
        })
        .collect();
    let counted = widths.iter().all(|width| {
        let places = |size: u32, count: u64| u64::from(size / width) * count;
        let need: u64 = wanted
            .iter()
            .map(|(size, count)| places(*size, *count))
            .sum();
        let have: u64 = (pool.nodes.iter())
            .map(|(free, count)| places(*free, u64::from(*count)))
            .sum();
        need <= have
    });
    if !counted || wanted.keys().all(|size| size.is_power_of_two()) {
        return counted;
    }
    pack(pool, &wanted)
}

/// Steps of search at most: enough for what tests and small sites ask.
const SEARCH_STEPS: u32 = 20_000;

fn pack(pool: &Pool, wanted: &Sizes) -> bool {
    let mut nodes = pool.nodes.clone();
    let mut items: Vec<u32> = Vec::new();
    for (size, count) in wanted.iter().rev() {
        items.extend(std::iter::repeat_n(*size, *count as usize));
    }
    let mut first_choice = nodes.clone();
    let greedy = items.iter().all(|size| {
        let room = first_choice.range(size..).find(|(_, n)| **n > 0);
        let room = room.map(|(free, _)| *free);
        room.is_some_and(|free| {
            put(&mut first_choice, free, *size);
            true
        })
    });
    greedy || search(&mut nodes, &items, &mut SEARCH_STEPS.clone())
}

fn put(nodes: &mut BTreeMap<u32, u32>, free: u32, size: u32) {
    if let Some(count) = nodes.get_mut(&free) {
        *count -= 1;
    }
    *nodes.entry(free - size).or_default() += 1;
}

fn take_back(nodes: &mut BTreeMap<u32, u32>, free: u32, size: u32) {
    if let Some(count) = nodes.get_mut(&(free - size)) {
        *count -= 1;
    }
    *nodes.entry(free).or_default() += 1;
}

fn search(nodes: &mut BTreeMap<u32, u32>, items: &[u32], steps: &mut u32) -> bool {
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
    use commonwatt_fleet::{Money, Watts};

    fn pool(nodes: &[(u32, u32)]) -> Pool {
        Pool {
            price_per_hour: Money(1.0),
            rated_watts: Watts(700),
            nodes: nodes.iter().copied().collect(),
            reserve: None,
            elastic: None,
        }
    }

    #[test]
    fn odd_sizes_are_packed_where_counting_is_not_enough() {
        assert!(!fits(&pool(&[(5, 2)]), &Sizes::from([(3, 3)])));
        assert!(fits(&pool(&[(6, 1), (3, 1)]), &Sizes::from([(3, 3)])));
    }

    #[test]
    fn search_finds_what_the_fullest_node_first_misses() {
        // 5 and 4 and 3 on 7 and 5: best fit puts 5 on 5, then 4 on 7, and 3 on the rest.
        assert!(fits(
            &pool(&[(7, 1), (5, 1)]),
            &Sizes::from([(5, 1), (4, 1), (3, 1)])
        ));
        assert!(fits(
            &pool(&[(9, 1), (10, 1)]),
            &Sizes::from([(5, 2), (3, 3)])
        ));
    }

    #[test]
    fn fragments_hold_no_large_replica() {
        assert!(!fits(&pool(&[(2, 4)]), &Sizes::from([(4, 1)])));
    }
}
