//! Sites, pools, caps and workloads by number, and what is committed under each limit.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{
    BatchJob, Community, Deployment, DeploymentId, GramsPerKwh, JobId, LitersPerKwh, Metric, Money,
    Policy, Pool, PowerCap, Product, Site, SiteHour, SiteId, Stock, TenantCap, Variant, Watts,
    World, physics,
};

/// What counts for a policy that the world does not know.
static NO_POLICY: Policy = Policy {
    carbon_per_tonne: Money(0.0),
    water_per_cubic_meter: Money(0.0),
    unserved_per_million_tokens: Money(0.0),
    move_cost: Money(0.0),
    dwell_seconds: 0,
    moves_per_hour: 0,
};

/// What counts for an hour that an offer leaves out: no power.
static CLOSED: SiteHour = SiteHour {
    limit: Watts(0),
    limit_set_by: String::new(),
    price_per_kwh: Money(0.0),
    pue: 1.0,
    wue: LitersPerKwh(0.0),
    average_carbon: GramsPerKwh(0.0),
    marginal_carbon: None,
};

/// One pool.
pub(super) struct PoolRow<'w> {
    pub site: &'w SiteId,
    pub product: &'w Product,
    pub pool: &'w Pool,
    /// Caps that it is under.
    pub caps: Vec<usize>,
    /// Divisors of the rows (G): powers of two up to the largest replica.
    pub widths: Vec<u32>,
    /// What is committed, by size.
    pub held: BTreeMap<u32, u64>,
    /// Accelerators committed to those who are not in its reserve.
    pub held_unreserved: f64,
    /// What is committed does not fit (G0).
    pub over: bool,
}

impl PoolRow<'_> {
    /// Places of a width on its nodes.
    pub(super) fn places(&self, width: u32) -> f64 {
        let nodes = self.pool.nodes.iter();
        nodes
            .map(|(free, count)| f64::from(free / width) * f64::from(*count))
            .sum()
    }

    /// Places of a width that what is committed takes.
    pub(super) fn held_places(&self, width: u32) -> f64 {
        let held = self.held.iter();
        held.map(|(size, count)| f64::from(size / width) * *count as f64)
            .sum()
    }

    /// The most replicas of a size that could ever fit.
    pub(super) fn most(&self, size: u32) -> f64 {
        if size == 0 {
            return f64::INFINITY;
        }
        let elastic = self.pool.elastic.map_or(0.0, |elastic| {
            f64::from(elastic.accelerators_per_node / size) * f64::from(elastic.nodes)
        });
        f64::from(self.pool.replicas_of(size)) + elastic
    }
}

/// A power limit (W): what is committed under it, and whether that is above it (W0).
#[derive(Clone, Copy, Default)]
pub(super) struct Held {
    pub watts: f64,
    pub over: bool,
}

/// A stock (X) and who draws on it.
pub(super) struct StockRow {
    pub name: String,
    pub metric: Metric,
    pub over: BTreeSet<SiteId>,
    pub allowance: f64,
}

/// A tenant with a cap, and what is committed to it.
pub(super) struct TenantRow<'w> {
    pub name: &'w str,
    pub cap: TenantCap,
    pub accelerators: f64,
    pub watts: f64,
}

/// A world by numbers.
pub(super) struct Index<'w> {
    pub world: &'w World,
    pub slots: usize,
    pub hours: f64,
    pub sites: Vec<(&'w SiteId, &'w Site)>,
    pub site_held: Vec<Held>,
    pub pools: Vec<PoolRow<'w>>,
    pool_numbers: BTreeMap<(&'w SiteId, &'w Product), usize>,
    pub caps: Vec<(&'w String, &'w PowerCap)>,
    pub cap_held: Vec<Held>,
    pub stocks: Vec<StockRow>,
    /// By site, the stocks that it draws on.
    pub site_stocks: Vec<Vec<usize>>,
    /// By number.
    pub communities: Vec<&'w Community>,
    /// By site, the communities that it is of.
    pub site_communities: Vec<Vec<usize>>,
    pub tenants: Vec<TenantRow<'w>>,
    pub deployments: Vec<(&'w DeploymentId, &'w Deployment)>,
    pub jobs: Vec<(&'w JobId, &'w BatchJob)>,
}

impl<'w> Index<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let mut index = Self {
            world,
            slots: world.slots.count,
            hours: world.slots.hours(),
            sites: world.sites.iter().collect(),
            site_held: vec![Held::default(); world.sites.len()],
            pools: pools(world),
            pool_numbers: BTreeMap::new(),
            caps: world.shared.caps.iter().collect(),
            cap_held: vec![Held::default(); world.shared.caps.len()],
            stocks: stocks(world),
            site_stocks: Vec::new(),
            communities: world.shared.communities.values().collect(),
            site_communities: Vec::new(),
            tenants: world
                .shared
                .tenants
                .iter()
                .map(|(name, cap)| TenantRow {
                    name,
                    cap: *cap,
                    accelerators: 0.0,
                    watts: 0.0,
                })
                .collect(),
            deployments: world.deployments.iter().collect(),
            jobs: world.jobs.iter().collect(),
        };
        let numbers = index.pools.iter().enumerate();
        index.pool_numbers = numbers
            .map(|(number, row)| ((row.site, row.product), number))
            .collect();
        let communities = || index.communities.iter().map(|row| &row.sites);
        index.site_communities = of_sites(world, communities);
        index.site_stocks = of_sites(world, || index.stocks.iter().map(|row| &row.over));
        index.hold();
        index
    }

    /// Adds up what is committed, whether or not it may stay.
    fn hold(&mut self) {
        let mut used = vec![0.0; self.stocks.len()];
        for (_, deployment) in self.deployments.clone() {
            for (site, variant, replicas) in committed(deployment) {
                self.hold_at(deployment, site, variant, replicas);
                for (row, used) in self.stocks.iter().zip(&mut used) {
                    if row.over.contains(site) {
                        let slots = 0..self.slots;
                        let each =
                            slots.map(|slot| self.drawn(row.metric, site, variant.watts, slot));
                        *used += each.sum::<f64>() * f64::from(replicas);
                    }
                }
            }
        }
        for (row, used) in self.stocks.iter_mut().zip(used) {
            row.allowance = row.allowance.max(used);
        }
        for (number, (_, site)) in self.sites.iter().enumerate() {
            let held = &mut self.site_held[number];
            held.over = held.watts > hour(site, 0).limit.0.max(0) as f64;
        }
        for (number, (_, cap)) in self.caps.iter().enumerate() {
            let held = &mut self.cap_held[number];
            held.over = held.watts > cap_limit(cap, 0);
        }
        for row in &mut self.pools {
            let running = row.pool.elastic.map_or((0, 1), |elastic| {
                (
                    elastic.running.min(elastic.nodes),
                    elastic.accelerators_per_node,
                )
            });
            row.over = row.widths.iter().any(|width| {
                let elastic = f64::from(running.0) * f64::from(running.1 / width);
                row.held_places(*width) > row.places(*width) + elastic
            });
        }
    }

    fn hold_at(
        &mut self,
        deployment: &Deployment,
        site: &SiteId,
        variant: &Variant,
        replicas: u32,
    ) {
        let count = f64::from(replicas);
        let watts = variant.watts.0.max(0) as f64 * count;
        let accelerators = f64::from(variant.accelerators) * count;
        if let Some(number) = self.site_number(site) {
            self.site_held[number].watts += watts;
        }
        for (number, (_, cap)) in self.caps.iter().enumerate() {
            // Also of a pool that is gone: what is committed there is charged.
            if cap.covers(site, &variant.product) {
                self.cap_held[number].watts += watts;
            }
        }
        if let Some(number) = self.pool_number(site, &variant.product) {
            let row = &mut self.pools[number];
            *row.held.entry(variant.accelerators).or_default() += u64::from(replicas);
            if reserved(row.pool, &deployment.tenant) {
                row.held_unreserved += accelerators;
            }
        }
        for row in &mut self.tenants {
            if row.name == deployment.tenant {
                row.accelerators += accelerators;
                row.watts += watts;
            }
        }
    }

    pub(super) fn site_number(&self, id: &SiteId) -> Option<usize> {
        self.sites
            .binary_search_by(|(site, _)| (*site).cmp(id))
            .ok()
    }

    pub(super) fn pool_number(&self, site: &SiteId, product: &Product) -> Option<usize> {
        self.pool_numbers.get(&(site, product)).copied()
    }

    /// What of a metric some IT watts at a site draw in a slot.
    pub(super) fn drawn(&self, metric: Metric, site: &SiteId, watts: Watts, slot: usize) -> f64 {
        let Some(site) = self.world.sites.get(site) else {
            return 0.0;
        };
        let hour = hour(site, slot);
        match metric {
            Metric::Carbon => physics::carbon(watts, hour, self.hours).0,
            Metric::Water => physics::water(watts, hour, self.hours).0,
            Metric::Energy => physics::facility_energy(watts, hour, self.hours).0,
        }
    }

    pub(super) fn policy(&self, name: &str) -> &'w Policy {
        self.world.policies.get(name).unwrap_or(&NO_POLICY)
    }

    /// The first slot that begins when a site's offer no longer counts.
    pub(super) fn past_offer(&self, site: &Site) -> usize {
        let slots = &self.world.slots;
        (0..slots.count)
            .find(|slot| slots.begin(*slot) >= site.valid_until)
            .unwrap_or(slots.count)
    }
}

/// By site, which of some sets of sites it is in.
fn of_sites<'s, I: Iterator<Item = &'s BTreeSet<SiteId>>>(
    world: &World,
    sets: impl Fn() -> I,
) -> Vec<Vec<usize>> {
    let within = |site| {
        let sets = sets().enumerate().filter(|(_, set)| set.contains(site));
        sets.map(|(number, _)| number).collect()
    };
    world.sites.keys().map(within).collect()
}

/// Replicas that are committed, of variants that there are, at sites that there may be.
pub(super) fn committed(deployment: &Deployment) -> impl Iterator<Item = (&SiteId, &Variant, u32)> {
    let sites = deployment.committed.iter();
    sites.flat_map(move |(site, variants)| {
        let known = move |(name, held): (&_, &commonwatt_fleet::Committed)| {
            let variant = deployment.variants.iter().find(|v| v.name == *name)?;
            (held.replicas > 0).then_some((site, variant, held.replicas))
        };
        variants.iter().filter_map(known)
    })
}

/// Whether the reserve of a pool is kept from a tenant.
pub(super) fn reserved(pool: &Pool, tenant: &str) -> bool {
    let reserve = pool.reserve.as_ref();
    reserve.is_some_and(|reserve| !reserve.tenants.contains(tenant))
}

/// What a site offers in a slot.
pub(super) fn hour(site: &Site, slot: usize) -> &SiteHour {
    site.hours.get(slot).unwrap_or(&CLOSED)
}

/// Watts that a cap leaves in a slot.
pub(super) fn cap_limit(cap: &PowerCap, slot: usize) -> f64 {
    cap.limit
        .get(slot)
        .map_or(0.0, |limit| limit.0.max(0) as f64)
}

fn pools(world: &World) -> Vec<PoolRow<'_>> {
    let mut largest: BTreeMap<&Product, u32> = BTreeMap::new();
    let variants = world.deployments.values().flat_map(|d| &d.variants);
    let sizes = variants.map(|variant| (&variant.product, variant.accelerators));
    let shapes = world.jobs.values().flat_map(|job| &job.shapes);
    let pods = shapes.map(|(product, shape)| (product, shape.accelerators_per_pod));
    for (product, size) in sizes.chain(pods) {
        let known = largest.entry(product).or_default();
        *known = size.max(*known);
    }
    let sites = world.sites.iter();
    sites
        .flat_map(|(id, site)| {
            site.pools
                .iter()
                .map(move |(product, pool)| (id, product, pool))
        })
        .map(|(site, product, pool)| {
            let caps = world.shared.caps.values().enumerate();
            let most = largest.get(product).copied().unwrap_or(0);
            let powers = (0..u32::BITS).map(|power| 1_u32 << power);
            PoolRow {
                site,
                product,
                pool,
                caps: caps
                    .filter(|(_, cap)| cap.covers(site, product))
                    .map(|(number, _)| number)
                    .collect(),
                widths: powers.take_while(|width| *width <= most).collect(),
                held: BTreeMap::new(),
                held_unreserved: 0.0,
                over: false,
            }
        })
        .collect()
}

/// Water of sites, and stocks that sites share.
fn stocks(world: &World) -> Vec<StockRow> {
    let horizon = world.slots.hours() * world.slots.count as f64;
    let of_sites = world.sites.iter().filter_map(|(id, site)| {
        let stock = site.water.as_ref()?;
        Some(StockRow {
            name: stock.set_by.clone(),
            metric: Metric::Water,
            over: BTreeSet::from([id.clone()]),
            allowance: stock.allowance(horizon).0,
        })
    });
    let shared = world
        .shared
        .stocks
        .iter()
        .map(|(name, stock): (_, &Stock)| StockRow {
            name: name.clone(),
            metric: stock.metric,
            over: stock.over.clone(),
            allowance: stock.allowance(horizon),
        });
    of_sites.chain(shared).collect()
}
