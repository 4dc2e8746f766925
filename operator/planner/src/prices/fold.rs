//! Prices by row, folded into what a watt and a replica cost at each pool in each slot.

use super::Prices;
use super::rows::{Kind, PriceRows};
use crate::rows::Rows;

/// What one watt, one replica and one accelerator cost beside each other, pool by pool.
pub(crate) struct Folded {
    pools: usize,
    /// Tenants with a cap.
    capped: usize,
    /// First key of each pool: a key is a size of replicas at a pool.
    keys: Vec<usize>,
    /// By policy, then slot and pool: a watt's running cost with the prices of what the horizon shares.
    watt: Vec<Vec<f64>>,
    /// By slot and pool: what the prices of power and stocks add to a watt.
    watt_scarcity: Vec<f64>,
    /// By slot and key: what the prices of nodes add to a replica.
    node: Vec<f64>,
    /// By slot and key: what the price of the reserve adds for those outside it.
    outside: Vec<f64>,
    /// By slot and tenant: for an accelerator and for a watt.
    tenants: Vec<(f64, f64)>,
    /// By pool: an accelerator for a slot.
    accelerator: Vec<f64>,
}

/// One slot's prices: what [`Folded`] holds, cut out.
pub(crate) struct FoldedSlot<'f> {
    /// By pool: running, for one policy, with the prices of what the horizon shares.
    pub watt: &'f [f64],
    pub watt_scarcity: &'f [f64],
    pub node: &'f [f64],
    pub outside: &'f [f64],
    pub accelerator: &'f [f64],
    tenants: &'f [(f64, f64)],
}

impl FoldedSlot<'_> {
    /// What a tenant's caps add to a replica.
    pub(crate) fn tenant(&self, tenant: Option<usize>, accelerators: f64, watts: f64) -> f64 {
        tenant.map_or(0.0, |tenant| {
            let (accelerator, watt) = self.tenants[tenant];
            accelerators * accelerator + watts * watt
        })
    }
}

/// A kind of replica at a pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub pool: usize,
    pub policy: usize,
    pub size: Option<usize>,
    pub watts: f64,
    pub accelerators: f64,
    pub tenant: Option<usize>,
    pub outside_reserve: bool,
}

impl Folded {
    pub(crate) fn new(rows: &Rows<'_>, priced: &PriceRows, prices: &Prices) -> Self {
        let (slots, pools) = (rows.slots, rows.pools.len());
        let shared = shared(rows, priced, prices);
        let watt = |policy: usize| -> Vec<f64> {
            let of = |slot: usize, site: usize| {
                rows.sites[site].watt_cost[policy][slot] + shared[site][slot]
            };
            (0..slots)
                .flat_map(|slot| rows.pools.iter().map(move |pool| (slot, pool.site)))
                .map(|(slot, site)| of(slot, site))
                .collect()
        };
        let keys = keys(rows);
        let count = *keys.last().unwrap_or(&0);
        let mut folded = Self {
            pools,
            capped: rows.tenants.len(),
            watt: (0..rows.policies.len()).map(watt).collect(),
            watt_scarcity: vec![0.0; pools * slots],
            node: vec![0.0; count * slots],
            outside: vec![0.0; count * slots],
            tenants: vec![(0.0, 0.0); rows.tenants.len() * slots],
            accelerator: (rows.pools.iter())
                .map(|pool| pool.pool.price_per_hour.0 * rows.hours)
                .collect(),
            keys,
        };
        folded.add_scarcity(rows, priced, prices);
        folded
    }

    fn add_scarcity(&mut self, rows: &Rows<'_>, priced: &PriceRows, prices: &Prices) {
        let (count, tenants) = (self.key_count(), rows.tenants.len());
        let mut power: Vec<&[f64]> = vec![&[]; rows.power.len()];
        let mut stocks = vec![0.0; rows.stocks.len()];
        let mut reserves = Vec::new();
        for (index, row) in priced.rows.iter().enumerate() {
            let values = priced.of(index, &prices.0);
            match row.kind {
                Kind::Power(which) => power[which] = values,
                Kind::Stock(stock) => stocks[stock] = values[0],
                Kind::Nodes { pool, width } => {
                    for (size, accelerators) in rows.pools[pool].nodes.sizes().iter().enumerate() {
                        let units = f64::from(accelerators / width);
                        for (slot, price) in values.iter().enumerate() {
                            self.node[slot * count + self.keys[pool] + size] += units * price;
                        }
                    }
                }
                Kind::Reserve(pool) => reserves.push((pool, values)),
                Kind::TenantAccelerators(tenant) => {
                    for (slot, price) in values.iter().enumerate() {
                        self.tenants[slot * tenants + tenant].0 = *price;
                    }
                }
                Kind::TenantWatts(tenant) => {
                    for (slot, price) in values.iter().enumerate() {
                        self.tenants[slot * tenants + tenant].1 = *price;
                    }
                }
                _ => {}
            }
        }
        for (index, pool) in rows.pools.iter().enumerate() {
            for (stock, each) in &rows.sites[pool.site].stocks {
                for (slot, one) in each.iter().enumerate() {
                    self.watt_scarcity[slot * self.pools + index] += stocks[*stock] * one;
                }
            }
            for row in &pool.power {
                for (slot, price) in power[*row].iter().enumerate() {
                    self.watt_scarcity[slot * self.pools + index] += price;
                }
            }
        }
        for (pool, values) in reserves {
            for (size, accelerators) in rows.pools[pool].nodes.sizes().iter().enumerate() {
                for (slot, price) in values.iter().enumerate() {
                    self.outside[slot * count + self.keys[pool] + size] +=
                        f64::from(*accelerators) * price;
                }
            }
        }
    }

    fn key_count(&self) -> usize {
        *self.keys.last().unwrap_or(&0)
    }

    /// The key of a size at a pool.
    pub(crate) fn key(&self, pool: usize, size: usize) -> usize {
        self.keys[pool] + size
    }

    pub(crate) fn slot(&self, policy: usize, slot: usize) -> FoldedSlot<'_> {
        let (count, tenants) = (self.key_count(), self.capped);
        FoldedSlot {
            watt: &self.watt[policy][slot * self.pools..(slot + 1) * self.pools],
            watt_scarcity: &self.watt_scarcity[slot * self.pools..(slot + 1) * self.pools],
            node: &self.node[slot * count..(slot + 1) * count],
            outside: &self.outside[slot * count..(slot + 1) * count],
            accelerator: &self.accelerator,
            tenants: &self.tenants[slot * tenants..(slot + 1) * tenants],
        }
    }

    /// A replica's running cost in a slot with the prices of what the horizon shares: peaks, fairness,
    /// obligations.
    pub(crate) fn cost(&self, shape: &Shape, slot: usize) -> f64 {
        shape.watts * self.watt[shape.policy][slot * self.pools + shape.pool]
            + shape.accelerators * self.accelerator[shape.pool]
    }

    /// What the prices of power, nodes, reserves, caps and stocks add to it.
    pub(crate) fn scarcity(&self, shape: &Shape, slot: usize) -> f64 {
        let here = self.slot(shape.policy, slot);
        let node = shape.size.map_or(0.0, |size| {
            let key = self.key(shape.pool, size);
            here.node[key]
                + if shape.outside_reserve {
                    here.outside[key]
                } else {
                    0.0
                }
        });
        let tenant = here.tenant(shape.tenant, shape.accelerators, shape.watts);
        shape.watts * here.watt_scarcity[shape.pool] + node + tenant
    }
}

/// First key of each pool, and the count of all at the end.
fn keys(rows: &Rows<'_>) -> Vec<usize> {
    let mut keys = vec![0];
    let mut next = 0;
    for pool in &rows.pools {
        next += pool.nodes.sizes().len();
        keys.push(next);
    }
    keys
}

/// What peaks, fairness and obligations add to one watt, by site and slot.
fn shared(rows: &Rows<'_>, priced: &PriceRows, prices: &Prices) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; rows.slots]; rows.sites.len()];
    for (index, row) in priced.rows.iter().enumerate() {
        let values = priced.of(index, &prices.0);
        match row.kind {
            Kind::Peak(site) => {
                for (slot, sum) in sums[site].iter_mut().enumerate() {
                    let pue = crate::rows::hour_of(rows.sites[site].site, slot).pue;
                    *sum += values[slot] * pue / 1000.0;
                }
            }
            Kind::Owed { site, .. } => {
                sums[site]
                    .iter_mut()
                    .zip(values)
                    .for_each(|(sum, price)| *sum -= price / 1000.0);
            }
            _ => {}
        }
    }
    for (row, bearer) in priced.fair() {
        let price = prices.0[row.base];
        for (site, each) in &bearer.sites {
            sums[*site]
                .iter_mut()
                .zip(each)
                .for_each(|(sum, one)| *sum += price * one);
        }
    }
    sums
}
