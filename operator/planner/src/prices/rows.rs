//! Which rows have a price, and what each may be asked for.

use commonwatt_fleet::{Community, Metric};

use crate::rows::{PowerKind, Rows, per_watt};

/// What a priced row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Watts of a power row (W).
    Power(usize),
    /// Places of a width on the nodes of a pool (G).
    Nodes { pool: usize, width: u32 },
    /// Accelerators of those outside a pool's reserve (R).
    Reserve(usize),
    /// Accelerators of a tenant (T).
    TenantAccelerators(usize),
    /// Watts of a tenant (T).
    TenantWatts(usize),
    /// A stock over the horizon (X).
    Stock(usize),
    /// Facility kilowatts of a site above the month's peak (P).
    Peak(usize),
    /// What a community bears, as a part of its allowance (F).
    Fair { metric: Metric, community: usize },
    /// Kilowatts that a site owes to be able to shed (B).
    Owed { site: usize, which: usize },
}

/// One row with a price per slot, or one for the horizon.
#[derive(Debug, Clone)]
pub(crate) struct PriceRow {
    pub name: String,
    pub kind: Kind,
    pub base: usize,
    pub len: usize,
    /// What may be used by slot, in the row's unit.
    pub capacity: Vec<f64>,
    /// The highest price that proves anything.
    pub most: f64,
}

/// A community's part in a fairness term.
pub(crate) struct Bearer {
    /// Used before the horizon, as a part of the whole.
    pub used: f64,
    /// Sites, each with the part of the whole that one watt held for a slot adds.
    pub sites: Vec<(usize, Vec<f64>)>,
}

/// All rows with a price.
pub(crate) struct PriceRows {
    pub rows: Vec<PriceRow>,
    pub len: usize,
    /// In the order of the rows of kind [`Kind::Fair`].
    pub bearers: Vec<Bearer>,
    /// Rows whose prices together may not pass a sum, with that sum: peaks and fairness terms.
    pub simplexes: Vec<(Vec<usize>, f64)>,
}

impl PriceRows {
    pub(crate) fn new(rows: &Rows<'_>) -> Self {
        let mut all = Self {
            rows: Vec::new(),
            len: 0,
            bearers: Vec::new(),
            simplexes: Vec::new(),
        };
        all.capacities(rows);
        all.stocks(rows);
        all.peaks(rows);
        all.fairness(rows, Metric::Carbon);
        all.fairness(rows, Metric::Water);
        all.obligations(rows);
        all
    }

    fn push(&mut self, name: String, kind: Kind, capacity: Vec<f64>) -> usize {
        let (base, len) = (self.len, capacity.len());
        self.len += len;
        self.rows.push(PriceRow {
            name,
            kind,
            base,
            len,
            capacity,
            most: f64::INFINITY,
        });
        self.rows.len() - 1
    }

    fn capacities(&mut self, rows: &Rows<'_>) {
        for (index, row) in rows.power.iter().enumerate() {
            let name = match row.kind {
                PowerKind::Site(site) => format!("power/{}", rows.sites[site].id),
                PowerKind::Cap(cap) => format!("power//{cap}"),
            };
            // What serves has to fit the next hour's limit too, as it will be there before it; jobs may end with the hour.
            let limits = if rows.world.jobs.is_empty() {
                &row.end_limit
            } else {
                &row.limit
            };
            let limits = limits.iter().map(|watts| *watts as f64);
            self.push(name, Kind::Power(index), limits.collect());
        }
        for (index, row) in rows.pools.iter().enumerate() {
            let name = format!("{}/{}", rows.sites[row.site].id, row.product);
            for (width, have) in row.nodes.rows() {
                let kind = Kind::Nodes {
                    pool: index,
                    width: *width,
                };
                // A pool without elastic nodes and one with them differ in what more costs: see `bound`.
                let capacity = vec![*have as f64; rows.slots];
                self.push(format!("nodes/{name}/{width}"), kind, capacity);
            }
            if let Some(left) = row.unreserved {
                let capacity = vec![f64::from(left); rows.slots];
                self.push(format!("reserve/{name}"), Kind::Reserve(index), capacity);
            }
        }
        for (index, row) in rows.tenants.iter().enumerate() {
            if row.accelerators < i64::MAX {
                let capacity = vec![row.accelerators as f64; rows.slots];
                let kind = Kind::TenantAccelerators(index);
                self.push(format!("tenant-accelerators/{}", row.name), kind, capacity);
            }
            if row.watts < i64::MAX {
                let capacity = vec![row.watts as f64; rows.slots];
                self.push(
                    format!("tenant-watts/{}", row.name),
                    Kind::TenantWatts(index),
                    capacity,
                );
            }
        }
    }

    fn stocks(&mut self, rows: &Rows<'_>) {
        for (index, row) in rows.stocks.iter().enumerate() {
            self.push(
                format!("stock/{}/{index}", row.set_by),
                Kind::Stock(index),
                vec![row.allowance],
            );
        }
    }

    fn peaks(&mut self, rows: &Rows<'_>) {
        for (index, row) in rows.sites.iter().enumerate() {
            let Some(charge) = row.site.demand_charge else {
                continue;
            };
            if charge.per_kilowatt.0 <= 0.0 {
                continue;
            }
            let capacity = vec![charge.peak.0 as f64 / 1000.0; rows.slots];
            let priced = self.push(format!("peak/{}", row.id), Kind::Peak(index), capacity);
            self.simplexes.push((vec![priced], charge.per_kilowatt.0));
        }
    }

    fn fairness(&mut self, rows: &Rows<'_>, metric: Metric) {
        let shared = &rows.world.shared;
        let weight = match metric {
            Metric::Carbon => shared.fairness.carbon.0,
            _ => shared.fairness.water.0,
        };
        if weight <= 0.0 {
            return;
        }
        let horizon = rows.hours * rows.slots as f64;
        let allowance = |community: &Community| match metric {
            Metric::Carbon => community.carbon,
            _ => community.water,
        };
        let bearers = || {
            let named = shared.communities.iter().enumerate();
            named.filter_map(|(index, (name, community))| {
                let allowance = allowance(community).filter(|all| all.whole > 0.0)?;
                Some((index, name, community, allowance))
            })
        };
        let longest = bearers()
            .map(|(.., all)| all.horizons(horizon))
            .fold(1.0, f64::max);
        let mut members = Vec::new();
        for (index, name, community, all) in bearers() {
            let scale = all.horizons(horizon) / all.whole;
            let sites = rows
                .sites
                .iter()
                .enumerate()
                .filter(|(_, row)| community.sites.contains(row.id));
            self.bearers.push(Bearer {
                used: all.used / all.whole,
                sites: sites
                    .map(|(site, row)| {
                        let each = per_watt(rows.world, row.site, metric);
                        (site, each.into_iter().map(|one| one * scale).collect())
                    })
                    .collect(),
            });
            let kind = Kind::Fair {
                metric,
                community: index,
            };
            members.push(self.push(format!("fairness/{metric:?}/{name}"), kind, vec![0.0]));
        }
        self.simplexes.push((members, weight / longest));
    }

    fn obligations(&mut self, rows: &Rows<'_>) {
        for (site, row) in rows.sites.iter().enumerate() {
            for (which, owed) in row.site.obligations.iter().enumerate() {
                let watts = |slot: usize| owed.watts.get(slot).map_or(0, |watts| watts.0.max(0));
                let capacity = (0..rows.slots).map(|slot| watts(slot) as f64 / 1000.0);
                let name = format!("owed/{}/{}", row.id, owed.set_by);
                let index = self.push(name, Kind::Owed { site, which }, capacity.collect());
                // What is owed and cannot be shed costs this and no more.
                let shortfall = owed.shortfall_per_kilowatt_hour.0;
                self.rows[index].most = shortfall.max(0.0) * rows.hours;
            }
        }
    }

    /// Prices of a row.
    pub(crate) fn of<'p>(&self, row: usize, prices: &'p [f64]) -> &'p [f64] {
        let row = &self.rows[row];
        &prices[row.base..row.base + row.len]
    }

    /// Lowers prices that are above the highest that proves anything, be it by rounding.
    pub(crate) fn keep_below_most(&self, prices: &mut [f64]) {
        for row in &self.rows {
            for price in &mut prices[row.base..row.base + row.len] {
                *price = price.min(row.most);
            }
        }
    }

    /// Scales down prices of peaks and fairness terms that together are more than their sum.
    pub(crate) fn keep_simplexes(&self, prices: &mut [f64]) {
        for (members, most) in &self.simplexes {
            let sum: f64 = members.iter().flat_map(|row| self.of(*row, prices)).sum();
            if sum > *most {
                let scale = most / sum * (1.0 - 1e-12);
                for row in members {
                    let row = &self.rows[*row];
                    for price in &mut prices[row.base..row.base + row.len] {
                        *price *= scale;
                    }
                }
            }
        }
    }

    /// The rows of fairness terms, in their order, with their bearers.
    pub(crate) fn fair(&self) -> impl Iterator<Item = (&PriceRow, &Bearer)> {
        let rows = self
            .rows
            .iter()
            .filter(|row| matches!(row.kind, Kind::Fair { .. }));
        rows.zip(&self.bearers)
    }
}
