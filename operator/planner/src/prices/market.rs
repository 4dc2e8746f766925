//! Everybody who asks, and what for.

use super::fold::Folded;
use super::jobs::{self, JobBidder};
use super::response::Outlook;
use super::rows::{Kind, PriceRows};
use super::seats::Bidders;
use super::threads::in_parts;
use super::usage::{Shape, Usage};
use super::{Prices, bound};
use crate::rows::{Rows, hour_of};

/// Everybody who asks, and what for.
pub(super) struct Market<'m, 'w> {
    pub(super) rows: &'m Rows<'w>,
    pub(super) priced: &'m PriceRows,
    pub(super) bidders: &'m Bidders,
    pub(super) jobs: Vec<JobBidder>,
    pub(super) keys: usize,
    pub(super) work: usize,
}

impl<'m, 'w> Market<'m, 'w> {
    pub(super) fn new(rows: &'m Rows<'w>, priced: &'m PriceRows, bidders: &'m Bidders) -> Self {
        Self {
            rows,
            priced,
            bidders,
            jobs: jobs::bidders(rows),
            keys: rows.pools.iter().map(|pool| pool.nodes.sizes().len()).sum(),
            work: bidders
                .all
                .iter()
                .map(|bidder| bidder.seats.len() * rows.slots)
                .sum(),
        }
    }

    /// What everybody asks for, and what the prices prove, roughly.
    pub(super) fn usage(&self, prices: &Prices, temperature: f64) -> (Usage, f64) {
        let folded = Folded::new(self.rows, self.priced, prices);
        let shape = Shape {
            pools: self.rows.pools.len(),
            keys: self.keys,
            tenants: self.rows.tenants.len(),
        };
        let none = || Usage::none(self.rows.slots, shape.pools, shape.keys, shape.tenants);
        let parts = in_parts(self.bidders.all.len(), self.work * 4, |range| {
            let (mut usage, mut outlook) = (none(), Outlook::default());
            for bidder in &self.bidders.all[range] {
                outlook.price(bidder, &folded);
                outlook.ask(
                    bidder,
                    &self.bidders.alone,
                    (temperature, &shape),
                    &mut usage,
                );
                usage.cost -= outlook.credit;
            }
            usage
        });
        let mut all = none();
        for part in &parts {
            all.add(part);
        }
        jobs::ask(self.rows, &self.jobs, &folded, temperature, &mut all);
        let value = all.cost + bound::constants(self.rows, self.priced, prices);
        (all, value)
    }

    /// What is asked of each row and slot, in the rows' units.
    pub(super) fn asked(&self, usage: &Usage) -> Vec<f64> {
        let (rows, pools) = (self.rows, self.rows.pools.len());
        let mut asked = vec![0.0; self.priced.len];
        let mut site_watts = vec![vec![0.0; rows.slots]; rows.sites.len()];
        let mut power = vec![vec![0.0; rows.slots]; rows.power.len()];
        for (index, pool) in rows.pools.iter().enumerate() {
            for slot in 0..rows.slots {
                let watts = usage.watts[slot * pools + index];
                site_watts[pool.site][slot] += watts;
                pool.power.iter().for_each(|row| power[*row][slot] += watts);
            }
        }
        let mut keys = Vec::with_capacity(pools);
        let mut next = 0;
        for pool in &rows.pools {
            keys.push(next);
            next += pool.nodes.sizes().len();
        }
        for row in &self.priced.rows {
            let out = &mut asked[row.base..row.base + row.len];
            match row.kind {
                Kind::Power(which) => out.copy_from_slice(&power[which]),
                Kind::Nodes { pool, width } => {
                    for (size, accelerators) in rows.pools[pool].nodes.sizes().iter().enumerate() {
                        let units = f64::from(accelerators / width);
                        for (slot, out) in out.iter_mut().enumerate() {
                            *out += units * usage.replicas[slot * self.keys + keys[pool] + size];
                        }
                    }
                }
                Kind::Reserve(pool) => {
                    out.iter_mut()
                        .enumerate()
                        .for_each(|(slot, out)| *out = usage.outside[slot * pools + pool]);
                }
                Kind::TenantAccelerators(tenant) | Kind::TenantWatts(tenant) => {
                    for (slot, out) in out.iter_mut().enumerate() {
                        let (accelerators, watts) =
                            usage.tenants[slot * rows.tenants.len() + tenant];
                        *out = if matches!(row.kind, Kind::TenantWatts(_)) {
                            watts
                        } else {
                            accelerators
                        };
                    }
                }
                Kind::Stock(stock) => out[0] = self.of_stock(stock, &site_watts),
                Kind::Peak(site) | Kind::Owed { site, .. } => {
                    for (slot, out) in out.iter_mut().enumerate() {
                        let facility = matches!(row.kind, Kind::Peak(_));
                        let pue = if facility {
                            hour_of(rows.sites[site].site, slot).pue
                        } else {
                            1.0
                        };
                        *out = site_watts[site][slot] * pue / 1000.0;
                    }
                }
                Kind::Fair { .. } => {}
            }
        }
        for (row, bearer) in self.priced.fair() {
            let sites = bearer.sites.iter();
            let use_ = sites.map(|(site, each)| {
                each.iter()
                    .zip(&site_watts[*site])
                    .map(|(a, b)| a * b)
                    .sum::<f64>()
            });
            asked[row.base] = bearer.used + use_.sum::<f64>();
        }
        asked
    }

    fn of_stock(&self, stock: usize, site_watts: &[Vec<f64>]) -> f64 {
        let mut sum = 0.0;
        for (row, watts) in self.rows.sites.iter().zip(site_watts) {
            for (_, each) in row.stocks.iter().filter(|(which, _)| *which == stock) {
                sum += each.iter().zip(watts).map(|(a, b)| a * b).sum::<f64>();
            }
        }
        sum
    }

    /// The most that is asked of any capacity, as a part of it.
    pub(super) fn worst(&self, asked: &[f64]) -> f64 {
        let mut worst = 0.0_f64;
        for row in &self.priced.rows {
            if matches!(row.kind, Kind::Fair { .. } | Kind::Peak(_)) {
                continue;
            }
            let owed = matches!(row.kind, Kind::Owed { .. });
            for (asked, have) in asked[row.base..].iter().zip(&row.capacity) {
                let ratio = if owed {
                    have / asked.max(1e-9)
                } else {
                    asked / have.max(1e-9)
                };
                worst = worst.max(if *asked <= 0.0 && !owed { 0.0 } else { ratio });
            }
        }
        worst
    }

    /// Accelerators asked for over accelerators that are there, in the slot where that is most.
    pub(super) fn total_load(&self, usage: &Usage) -> f64 {
        let mut asked = vec![0.0; self.rows.slots];
        let mut have = 1e-9;
        let mut key = 0;
        for pool in &self.rows.pools {
            have += f64::from(pool.pool.total());
            for accelerators in pool.nodes.sizes() {
                for (slot, asked) in asked.iter_mut().enumerate() {
                    *asked += f64::from(*accelerators) * usage.replicas[slot * self.keys + key];
                }
                key += 1;
            }
        }
        asked.into_iter().fold(0.0, f64::max) / have
    }

    /// For each row, the price at which it would cost as much as everything costs now: the unit of steps.
    pub(super) fn scales(&self, usage: &Usage) -> Vec<f64> {
        let rows = self.rows;
        let watts: f64 = usage.watts.iter().sum::<f64>().max(1.0);
        let (mut accelerators, mut key) = (0.0, 0);
        for pool in &rows.pools {
            for size in pool.nodes.sizes() {
                let held: f64 = (0..rows.slots)
                    .map(|slot| usage.replicas[slot * self.keys + key])
                    .sum();
                accelerators += f64::from(*size) * held;
                key += 1;
            }
        }
        let cost = usage.cost.abs().max(1e-9);
        let (watt, accelerator) = (cost / watts, cost / f64::max(accelerators, 1.0));
        let mean = |each: &[f64]| each.iter().sum::<f64>() / each.len().max(1) as f64;
        let stock = |which: usize| {
            let draws = rows
                .sites
                .iter()
                .flat_map(|row| &row.stocks)
                .filter(|(stock, _)| *stock == which);
            let most = draws.map(|(_, each)| mean(each)).fold(0.0, f64::max);
            if most > 0.0 { watt / most } else { 0.0 }
        };
        let scale = |kind: Kind| match kind {
            Kind::Power(_) | Kind::TenantWatts(_) => watt,
            Kind::Nodes { width, .. } => accelerator * f64::from(width),
            Kind::Reserve(_) | Kind::TenantAccelerators(_) => accelerator,
            Kind::Stock(which) => stock(which),
            Kind::Owed { .. } => watt * 1000.0,
            Kind::Peak(_) | Kind::Fair { .. } => 0.0,
        };
        self.priced.rows.iter().map(|row| scale(row.kind)).collect()
    }
}
