//! The world's coupling rows, indexed once: what several workloads share at a site, in a pool, under a cap.
//!
//! Letters are those of `FORMULATION.md`.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{
    CostParts, Deployment, GramsPerKwh, LitersPerKwh, Metric, Money, Policy, Pool, PowerCap,
    Product, Site, SiteHour, SiteId, Variant, Watts, World, physics,
};

use crate::eligibility::first_slot_past_offer;
use crate::packing::Nodes;

/// What counts for a policy name that the world does not know: nothing has a price and nothing may move.
static NO_POLICY: Policy = Policy {
    carbon_per_tonne: Money(0.0),
    water_per_cubic_meter: Money(0.0),
    unserved_per_million_tokens: Money(0.0),
    move_cost: Money(0.0),
    dwell_seconds: 0,
    moves_per_hour: 0,
};

/// What counts for an hour that an offer leaves out: unknown is not zero cost, it is no power.
static CLOSED: SiteHour = SiteHour {
    limit: Watts(0),
    limit_set_by: String::new(),
    price_per_kwh: Money(0.0),
    pue: 1.0,
    wue: LitersPerKwh(0.0),
    average_carbon: GramsPerKwh(0.0),
    marginal_carbon: None,
};

/// The policy of that name.
pub(crate) fn policy_of<'w>(world: &'w World, name: &str) -> &'w Policy {
    world.policies.get(name).unwrap_or(&NO_POLICY)
}

/// What a site offers in a slot.
pub(crate) fn hour_of(site: &Site, slot: usize) -> &SiteHour {
    site.hours.get(slot).unwrap_or(&CLOSED)
}

/// One site.
pub(crate) struct SiteRow<'w> {
    pub id: &'w SiteId,
    pub site: &'w Site,
    /// The first slot in which its offer no longer counts.
    pub past_offer: usize,
    /// Power rows over what needs no pool here.
    pub power: Vec<usize>,
    /// Stocks that it draws on, each with the use of one watt held for a slot.
    pub stocks: Vec<(usize, Vec<f64>)>,
    /// The same from a slot to the horizon's end; one more entry than slots.
    pub stocks_onward: Vec<Vec<f64>>,
    /// Money for one watt held for a slot, by policy and slot: energy, carbon and water.
    pub watt_cost: Vec<Vec<f64>>,
}

/// A power limit (W): a site's own, or a cap.
pub(crate) struct PowerRow<'w> {
    pub kind: PowerKind<'w>,
    /// IT watts by slot, never below zero.
    pub limit: Vec<i64>,
    /// What may still run at a slot's end: the lower of its limit and the next one's, so that a falling limit is met
    /// before it falls.
    pub end_limit: Vec<i64>,
}

pub(crate) enum PowerKind<'w> {
    Site(usize),
    Cap(&'w str),
}

/// One pool of accelerators (G, R, E).
pub(crate) struct PoolRow<'w> {
    pub site: usize,
    pub product: &'w Product,
    pub pool: &'w Pool,
    /// Nodes that are there in every slot.
    pub nodes: Nodes,
    /// With elastic nodes, from the slot in which a node asked for now could be used.
    pub grown: Option<(usize, Nodes)>,
    /// Power rows that it draws under.
    pub power: Vec<usize>,
    /// What tenants outside the reserve may hold; none without a reserve.
    pub unreserved: Option<u32>,
}

impl PoolRow<'_> {
    /// The nodes that can be used in a slot.
    pub(crate) fn nodes_in(&self, slot: usize) -> &Nodes {
        match &self.grown {
            Some((from, grown)) if slot >= *from => grown,
            _ => &self.nodes,
        }
    }

    /// Whether a tenant keeps to what the reserve leaves.
    pub(crate) fn is_outside(&self, tenant: &str) -> bool {
        let reserve = self.pool.reserve.as_ref();
        reserve.is_some_and(|reserve| !reserve.tenants.contains(tenant))
    }
}

/// A stock over the horizon (X).
pub(crate) struct StockRow<'w> {
    /// `waterbudget/river`, `hostcommunity/town`.
    pub set_by: &'w str,
    /// What the horizon may use.
    pub allowance: f64,
}

/// A tenant with a cap (T).
pub(crate) struct TenantRow<'w> {
    pub name: &'w str,
    pub accelerators: i64,
    pub watts: i64,
}

/// All coupling rows of a world.
pub(crate) struct Rows<'w> {
    pub world: &'w World,
    pub slots: usize,
    pub hours: f64,
    /// By name of policy; one more for names that the world does not know.
    pub policies: Vec<&'w Policy>,
    pub sites: Vec<SiteRow<'w>>,
    /// The sites' own first, in their order.
    pub power: Vec<PowerRow<'w>>,
    pub pools: Vec<PoolRow<'w>>,
    pub pool_index: BTreeMap<(usize, &'w Product), usize>,
    pub stocks: Vec<StockRow<'w>>,
    pub tenants: Vec<TenantRow<'w>>,
    /// Moves that each policy allows in a slot.
    pub moves_per_slot: Vec<u32>,
}

impl<'w> Rows<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        let hours = world.slots.hours();
        let policies: Vec<&Policy> = world.policies.values().chain([&NO_POLICY]).collect();
        let power = power_rows(world);
        let (pools, pool_index) = pool_rows(world, &power);
        let (stocks, draws) = stock_rows(world);
        let sites = world.sites.iter().zip(draws).enumerate();
        let sites = sites.map(|(index, ((id, site), stocks))| SiteRow {
            id,
            site,
            past_offer: first_slot_past_offer(site, &world.slots),
            power: power_of(
                &power,
                index,
                |cap| matches!(cap.over.get(id), Some(None)),
                world,
            ),
            stocks_onward: stocks.iter().map(|(_, use_)| sums_onward(use_)).collect(),
            stocks,
            watt_cost: policies
                .iter()
                .map(|policy| watt_cost(world, site, policy))
                .collect(),
        });
        let mut rows = Self {
            world,
            slots: world.slots.count,
            hours,
            sites: sites.collect(),
            moves_per_slot: (policies.iter())
                .map(|policy| (f64::from(policy.moves_per_hour) * hours) as u32)
                .collect(),
            policies,
            power,
            pools,
            pool_index,
            stocks,
            tenants: tenant_rows(world),
        };
        rows.raise_to_incumbents();
        rows
    }

    /// Incumbents may go on where they alone use more than a row allows: then nothing grows there.
    fn raise_to_incumbents(&mut self) {
        let held = Held::of(self);
        for (row, used) in self.stocks.iter_mut().zip(held.stocks) {
            row.allowance = row.allowance.max(used);
        }
        for (row, (accelerators, watts)) in self.tenants.iter_mut().zip(held.tenants) {
            row.accelerators = row.accelerators.max(accelerators);
            row.watts = row.watts.max(watts);
        }
        for (row, held) in self.pools.iter_mut().zip(held.outside) {
            row.unreserved = row.unreserved.map(|most| most.max(held));
        }
    }

    /// Stocks that one watt at a site uses from a slot to the horizon's end.
    pub(crate) fn onward(
        &self,
        site: usize,
        slot: usize,
    ) -> impl Iterator<Item = (usize, f64)> + '_ {
        let row = &self.sites[site];
        let stocks = row.stocks.iter().zip(&row.stocks_onward);
        stocks.map(move |((stock, _), onward)| (*stock, onward[slot]))
    }

    /// Index of a policy by its name.
    pub(crate) fn policy_index(&self, name: &str) -> usize {
        let mut names = self.world.policies.keys();
        names
            .position(|known| known == name)
            .unwrap_or(self.policies.len() - 1)
    }

    /// Index of a tenant that has a cap.
    pub(crate) fn tenant_index(&self, name: &str) -> Option<usize> {
        self.tenants.iter().position(|row| row.name == name)
    }
}

/// What is committed, as the rows count it.
struct Held {
    stocks: Vec<f64>,
    tenants: Vec<(i64, i64)>,
    outside: Vec<u32>,
}

impl Held {
    fn of(rows: &Rows<'_>) -> Self {
        let mut held = Self {
            stocks: vec![0.0; rows.stocks.len()],
            tenants: vec![(0, 0); rows.tenants.len()],
            outside: vec![0; rows.pools.len()],
        };
        for deployment in rows.world.deployments.values() {
            for (id, variants) in &deployment.committed {
                let Some(site) = rows.sites.iter().position(|row| row.id == id) else {
                    continue;
                };
                for variant in &deployment.variants {
                    let replicas = variants.get(&variant.name).map_or(0, |held| held.replicas);
                    if replicas > 0 {
                        held.add(rows, (deployment, variant), site, replicas);
                    }
                }
            }
        }
        held
    }

    fn add(
        &mut self,
        rows: &Rows<'_>,
        (deployment, variant): (&Deployment, &Variant),
        site: usize,
        replicas: u32,
    ) {
        let watts = variant.watts.0.max(0).saturating_mul(i64::from(replicas));
        let accelerators = replicas.saturating_mul(variant.accelerators);
        for (stock, each) in &rows.sites[site].stocks {
            self.stocks[*stock] += watts as f64 * each.iter().sum::<f64>();
        }
        if let Some(tenant) = rows.tenant_index(&deployment.tenant) {
            let (held, drawn) = &mut self.tenants[tenant];
            *held += i64::from(accelerators);
            *drawn = drawn.saturating_add(watts);
        }
        let pool = rows.pool_index.get(&(site, &variant.product));
        if let Some(&pool) = pool.filter(|pool| rows.pools[**pool].is_outside(&deployment.tenant)) {
            self.outside[pool] = self.outside[pool].saturating_add(accelerators);
        }
    }
}

fn sums_onward(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; values.len() + 1];
    for slot in (0..values.len()).rev() {
        sums[slot] = sums[slot + 1] + values[slot];
    }
    sums
}

fn watt_cost(world: &World, site: &Site, policy: &Policy) -> Vec<f64> {
    let free = Pool {
        price_per_hour: Money::ZERO,
        rated_watts: Watts(0),
        nodes: BTreeMap::new(),
        reserve: None,
        elastic: None,
    };
    // A megawatt, so that rounding of one watt to whole joules or grams cannot matter.
    let megawatt = Watts(1_000_000);
    (0..world.slots.count)
        .map(|slot| {
            let hour = hour_of(site, slot);
            let cost =
                CostParts::running(site, hour, &free, policy, megawatt, 0, world.slots.hours());
            cost.total().0 / 1e6
        })
        .collect()
}

fn power_rows(world: &World) -> Vec<PowerRow<'_>> {
    let slots = world.slots.count;
    let row = |kind, limit: Vec<i64>| PowerRow {
        kind,
        end_limit: (0..slots)
            .map(|slot| limit[slot].min(limit.get(slot + 1).copied().unwrap_or(i64::MAX)))
            .collect(),
        limit,
    };
    let own = world.sites.values().enumerate().map(|(index, site)| {
        let limit = (0..slots).map(|slot| hour_of(site, slot).limit.0.max(0));
        row(PowerKind::Site(index), limit.collect())
    });
    let caps = world.shared.caps.iter().map(|(name, cap)| {
        let limit = (0..slots).map(|slot| cap.limit.get(slot).map_or(0, |watts| watts.0.max(0)));
        row(PowerKind::Cap(name), limit.collect())
    });
    own.chain(caps).collect()
}

/// The power rows of something at a site.
fn power_of(
    rows: &[PowerRow<'_>],
    site: usize,
    under: impl Fn(&PowerCap) -> bool,
    world: &World,
) -> Vec<usize> {
    let holds = |row: &PowerRow<'_>| match row.kind {
        PowerKind::Site(own) => own == site,
        PowerKind::Cap(name) => world.shared.caps.get(name).is_some_and(&under),
    };
    (0..rows.len())
        .filter(|index| holds(&rows[*index]))
        .collect()
}

type PoolIndex<'w> = BTreeMap<(usize, &'w Product), usize>;

fn pool_rows<'w>(world: &'w World, power: &[PowerRow<'w>]) -> (Vec<PoolRow<'w>>, PoolIndex<'w>) {
    let mut sizes: BTreeMap<&Product, BTreeSet<u32>> = BTreeMap::new();
    for variant in world.deployments.values().flat_map(|d| &d.variants) {
        let known = sizes.entry(&variant.product).or_default();
        known.insert(variant.accelerators);
    }
    for (product, shape) in world.jobs.values().flat_map(|job| &job.shapes) {
        let known = sizes.entry(product).or_default();
        known.insert(shape.accelerators_per_pod);
    }
    let mut rows = Vec::new();
    let mut index = BTreeMap::new();
    for (number, (id, site)) in world.sites.iter().enumerate() {
        for (product, pool) in &site.pools {
            index.insert((number, product), rows.len());
            let asked = || sizes.get(product).into_iter().flatten().copied();
            rows.push(PoolRow {
                site: number,
                product,
                pool,
                nodes: Nodes::new(
                    pool,
                    pool.elastic.map_or(0, |more| more.running.min(more.nodes)),
                    asked(),
                ),
                grown: pool.elastic.map(|more| {
                    (
                        more.start_slots as usize,
                        Nodes::new(pool, more.nodes, asked()),
                    )
                }),
                power: power_of(power, number, |cap| cap.covers(id, product), world),
                unreserved: (pool.reserve.as_ref())
                    .map(|reserve| pool.total().saturating_sub(reserve.accelerators)),
            });
        }
    }
    (rows, index)
}

type Draws = Vec<Vec<(usize, Vec<f64>)>>;

fn stock_rows(world: &World) -> (Vec<StockRow<'_>>, Draws) {
    let horizon = world.slots.hours() * world.slots.count as f64;
    let mut rows = Vec::new();
    let mut draws: Draws = vec![Vec::new(); world.sites.len()];
    for (site, draws) in world.sites.values().zip(&mut draws) {
        if let Some(stock) = &site.water {
            draws.push((rows.len(), per_watt(world, site, Metric::Water)));
            rows.push(StockRow {
                set_by: &stock.set_by,
                allowance: stock.allowance(horizon).0,
            });
        }
    }
    for (name, stock) in &world.shared.stocks {
        for ((id, site), draws) in world.sites.iter().zip(&mut draws) {
            if stock.over.contains(id) {
                draws.push((rows.len(), per_watt(world, site, stock.metric)));
            }
        }
        rows.push(StockRow {
            set_by: name,
            allowance: stock.allowance(horizon),
        });
    }
    (rows, draws)
}

/// What one watt held for a slot uses, by slot, in the metric's unit.
pub(crate) fn per_watt(world: &World, site: &Site, metric: Metric) -> Vec<f64> {
    let (watt, hours) = (Watts(1), world.slots.hours());
    (0..world.slots.count)
        .map(|slot| {
            let hour = hour_of(site, slot);
            match metric {
                Metric::Carbon => physics::carbon(watt, hour, hours).0,
                Metric::Water => physics::water(watt, hour, hours).0,
                Metric::Energy => physics::facility_energy(watt, hour, hours).0,
            }
        })
        .collect()
}

fn tenant_rows(world: &World) -> Vec<TenantRow<'_>> {
    let row = |name, cap: &commonwatt_fleet::TenantCap| TenantRow {
        name,
        accelerators: cap.accelerators.map_or(i64::MAX, i64::from),
        watts: cap.watts.map_or(i64::MAX, |watts| watts.0.max(0)),
    };
    world
        .shared
        .tenants
        .iter()
        .map(|(name, cap)| row(name.as_str(), cap))
        .collect()
}
