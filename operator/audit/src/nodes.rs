//! Accelerators: whether what is charged fits on nodes, one replica on one node.

use std::collections::BTreeSet;

use commonwatt_fleet::{Pool, Product, SiteId};

use crate::elastic;
use crate::finding::{Finding, Rule};
use crate::packing::{Sizes, fits};
use crate::reading::{Line, Reading};

/// A pool and where it is.
pub(crate) struct Here<'r, 'a> {
    pub reading: &'r Reading<'a>,
    pub site: &'a SiteId,
    pub product: &'a Product,
    pub pool: &'a Pool,
}

/// Every pool of the world.
pub(crate) fn pools<'r, 'a>(reading: &'r Reading<'a>) -> impl Iterator<Item = Here<'r, 'a>> {
    reading.world.sites.iter().flat_map(move |(site, offer)| {
        offer.pools.iter().map(move |(product, pool)| Here {
            reading,
            site,
            product,
            pool,
        })
    })
}

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    pools(reading)
        .flat_map(|here| (0..reading.slots()).flat_map(move |slot| here.check(slot)))
        .collect()
}

/// Sites with a pool that cannot keep what it ran before a slot.
pub(crate) fn pressed<'a>(reading: &Reading<'a>, slot: usize) -> BTreeSet<&'a SiteId> {
    pools(reading)
        .filter(|here| !here.keeps(slot))
        .map(|here| here.site)
        .collect()
}

impl<'a> Here<'_, 'a> {
    fn lines(&self) -> impl Iterator<Item = &Line<'a>> {
        let lines = self.reading.lines_at(self.site);
        lines.filter(|line| line.variant.product == *self.product)
    }

    /// Replicas by size.
    fn sizes(&self, count: impl Fn(&Line<'_>) -> u32) -> Sizes {
        let mut sizes = Sizes::new();
        for line in self.lines() {
            *sizes.entry(line.variant.accelerators).or_default() += u64::from(count(line));
        }
        sizes
    }

    /// Nodes by size, with some of those that can be had beyond the pool's own.
    pub(crate) fn nodes(&self, beyond: u32) -> Sizes {
        let own = self.pool.nodes.iter();
        let mut nodes: Sizes = own
            .map(|(free, count)| (*free, u64::from(*count)))
            .collect();
        if let Some(elastic) = &self.pool.elastic {
            *nodes.entry(elastic.accelerators_per_node).or_default() += u64::from(beyond);
        }
        nodes
    }

    /// Whether what ran before a slot still fits, on all nodes that can be on by then.
    fn keeps(&self, slot: usize) -> bool {
        let most = self.pool.elastic.as_ref();
        let most = most.map_or(0, |elastic| elastic::most(elastic, slot));
        fits(&self.nodes(most), &self.sizes(|line| line.before(slot)))
    }

    fn check(&self, slot: usize) -> Vec<Finding> {
        let over = slot == 0 && !self.keeps(0);
        let mut charged = self.sizes(|line| {
            let (before, after) = (line.before(slot), line.after(slot));
            if over { after } else { after.max(before) }
        });
        let finding = |detail: String| {
            let finding = Finding::new(Rule::Nodes, detail);
            finding.at(self.site).slot(slot)
        };
        let product = self.product;
        let mut findings = Vec::new();
        for line in self.lines().filter(|line| over && line.grows(slot)) {
            let detail = format!("grows while {product} does not hold what is there");
            findings.push(finding(detail).of(line.id));
        }
        let jobs = self.reading.jobs_at(self.site);
        for job in jobs.filter(|job| job.plan.product == *product && job.runs(slot)) {
            let size = charged.entry(job.shape.accelerators_per_pod).or_default();
            *size += u64::from(job.shape.pods);
            if over {
                let detail = format!("runs while {product} does not hold what is there");
                findings.push(finding(detail).job(job.id));
            }
        }
        let nodes = self.nodes(elastic::on(self.reading, self.site, product, slot));
        if !fits(&nodes, &charged) {
            findings.push(finding(format!(
                "{product}: replicas by size {charged:?} do not fit on nodes {nodes:?}"
            )));
        }
        findings
    }
}
