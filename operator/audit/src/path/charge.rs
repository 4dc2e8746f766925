//! Whether a step may take what it takes in every order that the path allows: power rows and nodes.

use std::collections::BTreeMap;

use commonwatt_fleet::{Act, BatchJob, JobId, Path, PowerCap, Product, SiteId};

use super::at_step;
use super::graph::{Charge, Graph};
use crate::elastic;
use crate::finding::{Finding, Rule};
use crate::nodes::pools;
use crate::packing::{Sizes, fits};
use crate::reading::{Reading, watts_of};

/// What something takes or, below zero, gives back in a pool.
struct Taken<'a> {
    site: &'a SiteId,
    product: &'a Product,
    watts: i128,
    size: u32,
    replicas: i128,
}

/// A power limit in the first slot, and what is charged against it.
struct Row<'a> {
    name: String,
    cap: Option<&'a PowerCap>,
    limit: i128,
    charge: Charge,
}

/// Nodes by size that are there in the first slot, and what is charged: replicas of each size, and places of each width.
struct Pool {
    nodes: Sizes,
    by_size: BTreeMap<u32, Charge>,
    by_width: BTreeMap<u32, Charge>,
}

struct Charges<'a> {
    rows: Vec<Row<'a>>,
    rows_at: BTreeMap<&'a SiteId, Vec<usize>>,
    pools: BTreeMap<(&'a SiteId, &'a Product), Pool>,
}

pub(super) fn check(reading: &Reading<'_>, path: &Path, graph: &Graph) -> Vec<Finding> {
    let mut charges = Charges::new(reading);
    for line in reading.lines() {
        let replicas = i128::from(line.committed);
        charges.add(
            None,
            &[Taken {
                site: line.site,
                product: &line.variant.product,
                watts: line.watts() * replicas,
                size: line.variant.accelerators,
                replicas,
            }],
        );
    }
    for (id, job) in &reading.world.jobs {
        if let Some(site) = job.started_at.as_ref().filter(|_| job.running) {
            charges.add(None, &running(reading, id, job, site, 1));
        }
    }
    let taken: Vec<_> = path
        .steps
        .iter()
        .map(|step| taken(reading, &step.act))
        .collect();
    for (step, taken) in taken.iter().enumerate() {
        charges.add(Some(step), taken);
    }
    let mut findings = Vec::new();
    for (step, taken) in taken.iter().enumerate() {
        for taken in taken.iter().filter(|taken| taken.replicas > 0) {
            let passed = charges.passed(taken, graph, step).into_iter();
            findings.extend(passed.map(|(rule, detail)| at_step(path, step, rule, detail)));
        }
    }
    findings
}

impl<'a> Charges<'a> {
    fn new(reading: &Reading<'a>) -> Self {
        let watts = |limit: Option<i64>| i128::from(limit.unwrap_or(0).max(0));
        let world = reading.world;
        let own = world.sites.values().map(|site| Row {
            name: String::new(),
            cap: None,
            limit: watts(site.hours.first().map(|hour| hour.limit.0)),
            charge: Charge::default(),
        });
        let shared = world.shared.caps.iter().map(|(name, cap)| Row {
            name: format!("{name}: "),
            cap: Some(cap),
            limit: watts(cap.limit.first().map(|limit| limit.0)),
            charge: Charge::default(),
        });
        let mut rows_at: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, site) in world.sites.keys().enumerate() {
            rows_at.entry(site).or_default().push(index);
        }
        for (index, cap) in world.shared.caps.values().enumerate() {
            for site in cap.over.keys() {
                let rows = rows_at.entry(site).or_default();
                rows.push(world.sites.len() + index);
            }
        }
        let pools = pools(reading).map(|here| {
            // Nodes that the plan gives up go after what runs on them.
            let elastic = here.pool.elastic.as_ref();
            let running = elastic.map_or(0, |elastic| elastic.running.min(elastic.nodes));
            let on = elastic::on(reading, here.site, here.product, 0).max(running);
            let pool = Pool {
                nodes: here.nodes(on),
                by_size: BTreeMap::new(),
                by_width: BTreeMap::new(),
            };
            ((here.site, here.product), pool)
        });
        Self {
            rows: own.chain(shared).collect(),
            rows_at,
            pools: pools.collect(),
        }
    }

    /// Rows that a pool draws its power under.
    fn rows_of(&self, site: &SiteId, product: &Product) -> Vec<usize> {
        let here = self.rows_at.get(site).into_iter().flatten();
        here.filter(|row| {
            let products = self.rows[**row]
                .cap
                .and_then(|cap| cap.over.get(site)?.as_ref());
            products.is_none_or(|products| products.contains(product))
        })
        .copied()
        .collect()
    }

    /// Charges what is there before the first step, or what a step changes. Of several ways in which it may be charged the
    /// largest counts in each row.
    fn add(&mut self, step: Option<usize>, ways: &[Taken<'a>]) {
        let mut rows: BTreeMap<usize, i128> = BTreeMap::new();
        for way in ways {
            for row in self.rows_of(way.site, way.product) {
                let most = rows.entry(row).or_default();
                if way.watts.abs() > most.abs() {
                    *most = way.watts;
                }
            }
            if let Some(pool) = self.pools.get_mut(&(way.site, way.product)) {
                pool.add(step, way);
            }
        }
        for (row, watts) in rows {
            self.rows[row].charge.add(step, watts);
        }
    }

    /// Rows that some order passes once a step has taken this; what takes no watts, or no accelerators, passes none.
    fn passed(&self, taken: &Taken<'a>, graph: &Graph, step: usize) -> Vec<(Rule, String)> {
        let mut found = Vec::new();
        let rows = self.rows_of(taken.site, taken.product).into_iter();
        for row in rows.filter(|_| taken.watts > 0) {
            let Row {
                name,
                limit,
                charge,
                ..
            } = &self.rows[row];
            if let Some(worst) = charge.above(*limit, graph, step) {
                let detail = format!("{name}{worst} W may be charged by then, limit {limit} W");
                found.push((Rule::Power, detail));
            }
        }
        let pool = self.pools.get(&(taken.site, taken.product));
        let pool = pool.filter(|_| taken.size > 0);
        if let Some(sizes) = pool.and_then(|pool| pool.full(graph, step)) {
            let product = taken.product;
            let detail = format!("{product}: by then replicas by size {sizes:?} may not fit");
            found.push((Rule::Nodes, detail));
        }
        found
    }
}

impl Pool {
    fn add(&mut self, step: Option<usize>, way: &Taken<'_>) {
        if way.size == 0 {
            return;
        }
        self.by_size
            .entry(way.size)
            .or_default()
            .add(step, way.replicas);
        let widths = (0..32).map(|power| 1_u32 << power);
        for width in widths.take_while(|width| *width <= way.size) {
            let places = i128::from(way.size / width) * way.replicas;
            self.by_width.entry(width).or_default().add(step, places);
        }
    }

    /// What does not fit on the nodes in some order once a step is taken. Where sizes are powers of two that is exact; where
    /// others have to be packed, the most of each size is packed with the most of the others, though they may never meet.
    fn full(&self, graph: &Graph, step: usize) -> Option<Sizes> {
        let places = |width: u32| -> i128 {
            let each = self.nodes.iter();
            each.map(|(free, count)| i128::from(free / width) * i128::from(*count))
                .sum()
        };
        let counted = self
            .by_width
            .iter()
            .all(|(width, charge)| charge.above(places(*width), graph, step).is_none());
        if counted && self.by_size.keys().all(|size| size.is_power_of_two()) {
            return None;
        }
        let sizes = self.by_size.iter().map(|(size, charge)| {
            let worst = charge.above(i128::MIN, graph, step).unwrap_or(0);
            (*size, u64::try_from(worst).unwrap_or(0))
        });
        let sizes: Sizes = sizes.collect();
        (!counted || !fits(&self.nodes, &sizes)).then_some(sizes)
    }
}

fn taken<'a>(reading: &Reading<'a>, act: &'a Act) -> Vec<Taken<'a>> {
    match act {
        Act::Reserve {
            deployment,
            site,
            variant,
            from,
            to,
        }
        | Act::Release {
            deployment,
            site,
            variant,
            from,
            to,
        } => {
            let known = reading.world.deployments.get(deployment);
            let known = known
                .map(|known| known.variants.as_slice())
                .unwrap_or_default();
            let known = known.iter().find(|known| known.name == *variant);
            let replicas = i128::from(*to) - i128::from(*from);
            let taken = known.map(|known| Taken {
                site,
                product: &known.product,
                watts: i128::from(known.watts.0.max(0)) * replicas,
                size: known.accelerators,
                replicas,
            });
            taken.into_iter().collect()
        }
        Act::Run { job, site, product } => {
            let shape = reading.world.jobs.get(job);
            let shape = shape.and_then(|job| job.shapes.get(product));
            let taken = shape.map(|shape| Taken {
                site,
                product,
                watts: watts_of(shape),
                size: shape.accelerators_per_pod,
                replicas: i128::from(shape.pods),
            });
            taken.into_iter().collect()
        }
        Act::Suspend { job, site } => match reading.world.jobs.get_key_value(job) {
            Some((id, known)) => running(reading, id, known, site, -1),
            None => Vec::new(),
        },
        Act::Ready { .. } | Act::Shift { .. } => Vec::new(),
    }
}

/// What a job that runs at a site is charged, in every way that may be: the world does not say on which product it runs. One
/// that the plan lets go on runs on what the plan says.
fn running<'a>(
    reading: &Reading<'a>,
    id: &JobId,
    job: &'a BatchJob,
    site: &'a SiteId,
    sign: i128,
) -> Vec<Taken<'a>> {
    let planned = reading.jobs_at(site).find(|placed| placed.id == id);
    let goes_on = planned.filter(|placed| placed.runs(0));
    let pools = reading.world.sites.get(site).map(|site| &site.pools);
    let ways = job.shapes.iter().filter(|(product, _)| match goes_on {
        Some(placed) => placed.plan.product == **product,
        None => pools.is_some_and(|pools| pools.contains_key(product)),
    });
    ways.map(|(product, shape)| Taken {
        site,
        product,
        watts: watts_of(shape) * sign,
        size: shape.accelerators_per_pod,
        replicas: i128::from(shape.pods) * sign,
    })
    .collect()
}
