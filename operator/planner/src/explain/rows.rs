//! What a plan takes of every row, counted again from the plan alone: power by limit, accelerators by pool, stocks,
//! tenants' caps. Serving and batch apart, since batch gives way to serving.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{
    Metric, Plan, Pool, PowerCap, Product, Site, SiteId, TenantCap, VariantName, Watts, World,
    physics,
};

use crate::packing::Nodes;
use crate::rows::hour_of;

/// What one replica or pod takes, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'w> {
    pub site: &'w SiteId,
    pub of: &'w Site,
    /// The site's place in the order of names.
    pub number: usize,
    pub product: &'w Product,
    pub watts: i64,
    pub accelerators: u32,
    pub tenant: &'w str,
}

/// Who takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Serving,
    Batch,
}

/// What is taken, by kind.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken<T> {
    pub serving: T,
    pub batch: T,
}

impl<T: Copy + std::ops::Add<Output = T>> Taken<T> {
    /// What leaves no room for a kind: serving does not see batch.
    pub(super) fn seen_by(self, kind: Kind) -> T {
        match kind {
            Kind::Serving => self.serving,
            Kind::Batch => self.serving + self.batch,
        }
    }

    fn of(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Serving => &mut self.serving,
            Kind::Batch => &mut self.batch,
        }
    }
}

/// When something is charged: by slot, transitions at the larger of before and after; and, last, at the end of slot 0, which
/// is all that must fit where what ran before does not.
pub(super) type Moment = usize;

/// What a power limit covers.
pub(super) enum Under<'w> {
    Site(usize, &'w Site),
    Cap(&'w str, &'w PowerCap),
}

/// A power limit.
pub(super) struct PowerRow<'w> {
    pub under: Under<'w>,
    /// Watts charged by [`Moment`].
    pub charged: Vec<Taken<i64>>,
}

impl PowerRow<'_> {
    pub(super) fn covers(&self, shape: &Shape<'_>) -> bool {
        match self.under {
            Under::Site(number, _) => number == shape.number,
            Under::Cap(_, cap) => cap.covers(shape.site, shape.product),
        }
    }
}

/// A pool of accelerators.
pub(super) struct PoolRow<'w> {
    pub pool: &'w Pool,
    sizes: BTreeSet<u32>,
    nodes: Nodes,
    /// Nodes on beyond the pool's own, by slot.
    on: Vec<u32>,
    /// Replicas and pods charged, by [`Moment`] and size.
    charged: Vec<Counts>,
    /// Accelerators at each slot's end of tenants outside the reserve.
    pub outside: Vec<Taken<u64>>,
    /// Accelerators of those that are committed to them.
    pub outside_before: u64,
}

/// Counts by size, by kind.
#[derive(Clone)]
struct Counts {
    serving: Vec<u32>,
    batch: Vec<u32>,
}

impl PoolRow<'_> {
    fn with_elastic(&self, slot: usize) -> Option<Pool> {
        let on = self.on.get(slot).copied().filter(|on| *on > 0)?;
        let elastic = self.pool.elastic.as_ref()?;
        let mut pool = self.pool.clone();
        let nodes = pool.nodes.entry(elastic.accelerators_per_node).or_default();
        *nodes = nodes.saturating_add(on);
        Some(pool)
    }

    /// How many of a size fit beside what a kind sees at a moment, less what is given back; with what is free then.
    pub(super) fn most(
        &self,
        at: Moment,
        size: u32,
        kind: Kind,
        back: &[(u32, u32)],
    ) -> (u32, Free) {
        let grown = self.with_elastic(if at < self.outside.len() { at } else { 0 });
        let (pool, nodes) = match &grown {
            Some(pool) => (pool, &Nodes::new(pool, 0, self.sizes.iter().copied())),
            None => (self.pool, &self.nodes),
        };
        let mut counts = self.charged[at].serving.clone();
        if kind == Kind::Batch {
            for (count, pods) in counts.iter_mut().zip(&self.charged[at].batch) {
                *count = count.saturating_add(*pods);
            }
        }
        for (size, count) in back {
            if let Some(index) = nodes.index_of(*size) {
                counts[index] = counts[index].saturating_sub(*count);
            }
        }
        // Nothing grows where what is there does not fit.
        let most = match nodes.index_of(size) {
            _ if !nodes.fits(&counts) => 0,
            Some(index) => nodes.most(&mut counts, index),
            None => u32::MAX,
        };
        let taken = nodes.accelerators(&counts);
        let free = Free {
            accelerators: u64::from(pool.total()).saturating_sub(taken) as u32,
            largest_node: pool.largest_node(),
        };
        (most, free)
    }
}

/// What is free in a pool.
pub(super) struct Free {
    pub accelerators: u32,
    pub largest_node: u32,
}

/// Sites that draw on a stock.
pub(super) enum Over<'w> {
    Site(usize),
    Sites(&'w BTreeSet<SiteId>),
}

/// An amount for the horizon.
pub(super) struct StockRow<'w> {
    pub over: Over<'w>,
    pub metric: Metric,
    pub set_by: &'w str,
    pub allowance: f64,
    pub used: Taken<f64>,
    incumbents: f64,
}

impl StockRow<'_> {
    pub(super) fn covers(&self, shape: &Shape<'_>) -> bool {
        match self.over {
            Over::Site(number) => number == shape.number,
            Over::Sites(sites) => sites.contains(shape.site),
        }
    }

    /// What the horizon may use: incumbents may go on where they alone use more.
    pub(super) fn limit(&self) -> f64 {
        self.allowance.max(self.incumbents)
    }
}

/// What one tenant may hold.
pub(super) struct TenantRow<'w> {
    pub cap: &'w TenantCap,
    /// Accelerators and watts at each slot's end.
    pub held: Vec<Taken<u64>>,
    pub watts: Vec<Taken<i64>>,
    /// What is committed to it.
    pub before: (u64, i64),
}

/// All rows of a world under a plan.
pub(super) struct Rows<'w> {
    pub world: &'w World,
    pub slots: usize,
    numbers: BTreeMap<&'w SiteId, usize>,
    pub power: Vec<PowerRow<'w>>,
    pub pools: BTreeMap<(usize, &'w Product), PoolRow<'w>>,
    pub stocks: Vec<StockRow<'w>>,
    pub tenants: BTreeMap<&'w str, TenantRow<'w>>,
}

impl<'w> Rows<'w> {
    pub(super) fn new(world: &'w World, plan: &Plan) -> Self {
        let mut rows = Self::empty(world, plan);
        for (id, deployment) in &world.deployments {
            let mut places: BTreeSet<(&SiteId, &VariantName)> = BTreeSet::new();
            let decided = plan.deployments.get(id).map(|decision| &decision.sites);
            for (site, variants) in decided.into_iter().flatten() {
                places.extend(variants.keys().map(|variant| (site, variant)));
            }
            for (site, variants) in &deployment.committed {
                places.extend(variants.keys().map(|variant| (site, variant)));
            }
            for (site, name) in places {
                let variant = deployment.variants.iter().find(|one| one.name == *name);
                let Some((number, variant)) = rows.numbers.get(site).copied().zip(variant) else {
                    continue;
                };
                let Some((site, of)) = world.sites.get_key_value(site) else {
                    continue;
                };
                let shape = Shape {
                    site,
                    of,
                    number,
                    product: &variant.product,
                    watts: variant.watts.0.max(0),
                    accelerators: variant.accelerators,
                    tenant: &deployment.tenant,
                };
                let before = deployment
                    .committed
                    .get(site)
                    .and_then(|held| held.get(name));
                let before = before.map_or(0, |held| held.replicas);
                let counts: Vec<u32> = (0..rows.slots)
                    .map(|slot| plan.replicas(id, site, name, slot))
                    .collect();
                rows.take(&shape, before, &counts, Kind::Serving);
            }
        }
        rows.take_jobs(plan);
        rows
    }

    fn take_jobs(&mut self, plan: &Plan) {
        for (id, job) in &self.world.jobs {
            let placed = plan
                .jobs
                .get(id)
                .and_then(|decision| decision.placed.as_ref());
            let Some(placed) = placed else { continue };
            if let Some(shape) = self.pod(job, &placed.site, &placed.product) {
                let pods = job.shapes[&placed.product].pods;
                let counts: Vec<u32> = (0..self.slots)
                    .map(|slot| u32::from(placed.runs.get(slot) == Some(&true)) * pods)
                    .collect();
                self.take(&shape, 0, &counts, Kind::Batch);
            }
        }
    }

    /// What one pod of a job takes at a site; none where it cannot run.
    pub(super) fn pod(
        &self,
        job: &'w commonwatt_fleet::BatchJob,
        site: &SiteId,
        product: &Product,
    ) -> Option<Shape<'w>> {
        let (site, of) = self.world.sites.get_key_value(site)?;
        let (product, shape) = job.shapes.get_key_value(product)?;
        Some(Shape {
            site,
            of,
            number: *self.numbers.get(site)?,
            product,
            watts: shape.watts_per_pod.0.max(0),
            accelerators: shape.accelerators_per_pod,
            tenant: &job.tenant,
        })
    }

    fn empty(world: &'w World, plan: &Plan) -> Self {
        let slots = world.slots.count;
        let numbers = world.sites.keys().zip(0..).collect();
        let row = |under| PowerRow {
            under,
            charged: vec![Taken::default(); slots + 1],
        };
        let caps = world.shared.caps.iter();
        let sites = world.sites.values().enumerate();
        let power = sites
            .map(|(number, site)| row(Under::Site(number, site)))
            .chain(caps.map(|(name, cap)| row(Under::Cap(name, cap))))
            .collect();
        let tenants = world.shared.tenants.iter().map(|(name, cap)| {
            let row = TenantRow {
                cap,
                held: vec![Taken::default(); slots],
                watts: vec![Taken::default(); slots],
                before: (0, 0),
            };
            (name.as_str(), row)
        });
        Self {
            world,
            slots,
            numbers,
            power,
            pools: pools(world, plan),
            stocks: stocks(world),
            tenants: tenants.collect(),
        }
    }

    /// Units of a metric that one watt uses in a slot.
    pub(super) fn per_watt(&self, shape: &Shape<'_>, metric: Metric, slot: usize) -> f64 {
        let hours = self.world.slots.hours();
        let hour = hour_of(shape.of, slot);
        match metric {
            Metric::Carbon => physics::carbon(Watts(1), hour, hours).0,
            Metric::Water => physics::water(Watts(1), hour, hours).0,
            Metric::Energy => physics::facility_energy(Watts(1), hour, hours).0,
        }
    }

    fn take(&mut self, shape: &Shape<'w>, before: u32, counts: &[u32], kind: Kind) {
        for (at, charged) in charged(before, counts).into_iter().enumerate() {
            self.charge(shape, at, charged, kind);
        }
        for (slot, now) in counts.iter().enumerate() {
            let held = u64::from(shape.accelerators) * u64::from(*now);
            if let Some(row) = self.pools.get_mut(&(shape.number, shape.product))
                && is_outside(row.pool, shape.tenant)
            {
                *row.outside[slot].of(kind) += held;
            }
            if let Some(row) = self.tenants.get_mut(shape.tenant) {
                *row.held[slot].of(kind) += held;
                *row.watts[slot].of(kind) += shape.watts.saturating_mul(i64::from(*now));
            }
        }
        self.take_stocks(shape, before, counts, kind);
        self.note_before(shape, before);
    }

    fn charge(&mut self, shape: &Shape<'w>, at: Moment, charged: u32, kind: Kind) {
        let watts = shape.watts.saturating_mul(i64::from(charged));
        for row in self.power.iter_mut().filter(|row| row.covers(shape)) {
            let taken = row.charged[at].of(kind);
            *taken = taken.saturating_add(watts);
        }
        let Some(row) = self.pools.get_mut(&(shape.number, shape.product)) else {
            return;
        };
        if let Some(index) = row.nodes.index_of(shape.accelerators) {
            let counts = match kind {
                Kind::Serving => &mut row.charged[at].serving,
                Kind::Batch => &mut row.charged[at].batch,
            };
            counts[index] = counts[index].saturating_add(charged);
        }
    }

    fn take_stocks(&mut self, shape: &Shape<'w>, before: u32, counts: &[u32], kind: Kind) {
        for index in 0..self.stocks.len() {
            if !self.stocks[index].covers(shape) {
                continue;
            }
            let metric = self.stocks[index].metric;
            for (slot, now) in counts.iter().enumerate() {
                let each = self.per_watt(shape, metric, slot) * shape.watts as f64;
                *self.stocks[index].used.of(kind) += each * f64::from(*now);
                self.stocks[index].incumbents += each * f64::from(before);
            }
        }
    }

    fn note_before(&mut self, shape: &Shape<'w>, before: u32) {
        let held = u64::from(shape.accelerators) * u64::from(before);
        if let Some(row) = self.pools.get_mut(&(shape.number, shape.product))
            && is_outside(row.pool, shape.tenant)
        {
            row.outside_before += held;
        }
        if let Some(row) = self.tenants.get_mut(shape.tenant) {
            row.before.0 += held;
            row.before.1 += shape.watts.saturating_mul(i64::from(before));
        }
    }
}

/// What is charged at every [`Moment`] for counts by slot.
fn charged(before: u32, counts: &[u32]) -> Vec<u32> {
    let last = |slot: usize| slot.checked_sub(1).map_or(before, |last| counts[last]);
    let by_slot = (0..counts.len()).map(|slot| counts[slot].max(last(slot)));
    by_slot.chain(counts.first().copied()).collect()
}

/// Whether a tenant must leave a pool's reserve alone.
pub(super) fn is_outside(pool: &Pool, tenant: &str) -> bool {
    let reserve = pool.reserve.as_ref();
    reserve.is_some_and(|reserve| !reserve.tenants.contains(tenant))
}

fn pools<'w>(world: &'w World, plan: &Plan) -> BTreeMap<(usize, &'w Product), PoolRow<'w>> {
    let mut sizes: BTreeMap<&Product, BTreeSet<u32>> = BTreeMap::new();
    for variant in world.deployments.values().flat_map(|one| &one.variants) {
        let known = sizes.entry(&variant.product).or_default();
        known.insert(variant.accelerators);
    }
    for (product, shape) in world.jobs.values().flat_map(|job| &job.shapes) {
        let known = sizes.entry(product).or_default();
        known.insert(shape.accelerators_per_pod);
    }
    let mut rows = BTreeMap::new();
    for (number, (id, site)) in world.sites.iter().enumerate() {
        for (product, pool) in &site.pools {
            let sizes = sizes.get(product).cloned().unwrap_or_default();
            let nodes = Nodes::new(pool, 0, sizes.iter().copied());
            let none = Counts {
                serving: nodes.no_counts(),
                batch: nodes.no_counts(),
            };
            let on = plan.elastic.get(id).and_then(|pools| pools.get(product));
            let row = PoolRow {
                pool,
                sizes,
                nodes,
                on: on.cloned().unwrap_or_default(),
                charged: vec![none; world.slots.count + 1],
                outside: vec![Taken::default(); world.slots.count],
                outside_before: 0,
            };
            rows.insert((number, product), row);
        }
    }
    rows
}

fn stocks(world: &World) -> Vec<StockRow<'_>> {
    let hours = world.slots.hours() * world.slots.count as f64;
    let row = |over, metric, set_by, allowance| StockRow {
        over,
        metric,
        set_by,
        allowance,
        used: Taken::default(),
        incumbents: 0.0,
    };
    let of_sites = world
        .sites
        .values()
        .enumerate()
        .filter_map(|(number, site)| {
            let stock = site.water.as_ref()?;
            let allowance = stock.allowance(hours).0;
            Some(row(
                Over::Site(number),
                Metric::Water,
                stock.set_by.as_str(),
                allowance,
            ))
        });
    let shared = world.shared.stocks.iter().map(|(name, stock)| {
        let allowance = stock.allowance(hours);
        row(
            Over::Sites(&stock.over),
            stock.metric,
            name.as_str(),
            allowance,
        )
    });
    of_sites.chain(shared).collect()
}
