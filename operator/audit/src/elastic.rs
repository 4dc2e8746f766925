//! Nodes beyond a pool's own: no more than there are, and none before it can have started.

use commonwatt_fleet::{Elastic, Product, SiteId};

use crate::finding::{Finding, Rule};
use crate::nodes::pools;
use crate::reading::Reading;

/// Nodes that a plan has on in a slot.
pub(crate) fn on(reading: &Reading<'_>, site: &SiteId, product: &Product, slot: usize) -> u32 {
    let here = reading.plan.elastic.get(site);
    let nodes = here.and_then(|products| products.get(product));
    nodes
        .and_then(|nodes| nodes.get(slot))
        .copied()
        .unwrap_or(0)
}

/// The most nodes that can be on in a slot.
pub(crate) fn most(elastic: &Elastic, slot: usize) -> u32 {
    if slot < elastic.start_slots as usize {
        elastic.nodes.min(elastic.running)
    } else {
        elastic.nodes
    }
}

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for here in pools(reading) {
        let elastic = here.pool.elastic.as_ref();
        for slot in 0..reading.slots() {
            let on = on(reading, here.site, here.product, slot);
            let most = elastic.map_or(0, |elastic| most(elastic, slot));
            if on > most {
                let detail = format!("{on} nodes of {} are on, {most} can be", here.product);
                let finding = Finding::new(Rule::Elastic, detail);
                findings.push(finding.at(here.site).slot(slot));
            }
        }
    }
    findings
}

/// Hours of nodes that are paid at a pool: those in which a node is on, and those in which it starts.
pub(crate) fn paid_hours(
    reading: &Reading<'_>,
    site: &SiteId,
    product: &Product,
    elastic: &Elastic,
) -> f64 {
    let mut before = elastic.running;
    let mut slots = 0_u64;
    for slot in 0..reading.slots() {
        let on = on(reading, site, product, slot);
        let started = on.saturating_sub(before);
        slots += u64::from(on) + u64::from(started) * u64::from(elastic.start_slots);
        before = on;
    }
    slots as f64 * reading.hours()
}
