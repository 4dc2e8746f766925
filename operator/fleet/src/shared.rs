//! What lies across pools, sites and workloads: limits that several of them keep together, and who bears the consequences.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Money, Product, SiteId, Watts};

/// Limits and prices that belong to no one site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Shared {
    /// Power limits that overlap those of sites, by name: `powerbudget/feeder-a`.
    pub caps: BTreeMap<String, PowerCap>,
    /// Partly used stocks that sites share, by name: `hostcommunity/town`.
    pub stocks: BTreeMap<String, Stock>,
    /// Who lives with the consequences, by name.
    pub communities: BTreeMap<String, Community>,
    /// What it is worth that no community bears much more than the others.
    pub fairness: Fairness,
    /// Caps per tenant, by the tenant's name.
    pub tenants: BTreeMap<String, TenantCap>,
}

/// A power limit over some pools of some sites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PowerCap {
    /// Sites under it; with products where only those pools of the site are.
    pub over: BTreeMap<SiteId, Option<BTreeSet<Product>>>,
    /// IT watts by slot. An hour that is left out has no power.
    pub limit: Vec<Watts>,
}

impl PowerCap {
    /// Whether a pool draws its power under this limit.
    pub fn covers(&self, site: &SiteId, product: &Product) -> bool {
        match self.over.get(site) {
            Some(Some(products)) => products.contains(product),
            Some(None) => true,
            None => false,
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Metric {
    /// Grams of CO2e, location-based average.
    Carbon,
    /// Litres on site.
    Water,
    /// Kilowatt-hours at the facility.
    Energy,
}

impl Metric {
    /// An amount with its unit, as a person would say it.
    pub fn amount(self, value: f64) -> String {
        match self {
            Self::Carbon => format!("{:.1} kg", value / 1000.0),
            Self::Water => format!("{value:.0} L"),
            Self::Energy => format!("{value:.1} kWh"),
        }
    }
}

/// An amount that a period may use, partly used already: a commitment to a community, or a permit over several sites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stock {
    /// What it counts.
    pub metric: Metric,
    /// Sites that draw on it.
    pub over: BTreeSet<SiteId>,
    /// What is left for the rest of the period, in the metric's unit.
    pub remaining: f64,
    /// Hours until the period ends.
    pub hours_left: f64,
}

impl Stock {
    /// What a horizon of `hours` may use: see [`crate::WaterStock::allowance`].
    pub fn allowance(&self, hours: f64) -> f64 {
        pro_rata(self.remaining, self.hours_left, hours)
    }
}

/// The part of a stock that a horizon may use.
pub(crate) fn pro_rata(remaining: f64, hours_left: f64, hours: f64) -> f64 {
    if hours_left <= 0.0 {
        return remaining.max(0.0);
    }
    (remaining * (hours / hours_left).min(1.0)).max(0.0)
}

/// People who live beside sites, and what they have allowed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Community {
    /// Its sites.
    pub sites: BTreeSet<SiteId>,
    /// Carbon that it bears, grams.
    pub carbon: Option<Allowance>,
    /// Water that it gives, litres.
    pub water: Option<Allowance>,
}

/// What a community bears in a period: used so far, and what counts as its whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowance {
    /// Used before the horizon.
    pub used: f64,
    /// The whole of the period, above zero: what use is divided by.
    pub whole: f64,
    /// Hours until the period ends.
    pub hours_left: f64,
}

impl Allowance {
    /// How many horizons of `hours` the rest of the period holds, at least one: use beyond the horizon is expected to go
    /// on as within it.
    pub fn horizons(&self, hours: f64) -> f64 {
        (self.hours_left / hours.max(f64::MIN_POSITIVE)).max(1.0)
    }
}

/// The worth of fairness: money for the whole allowance of the community that is worst off (a minimax term as in Li,
/// Yang, Wierman and Ren, "Towards Environmentally Equitable AI via Geographical Load Balancing", e-Energy 2024, eq. 2).
///
/// For each metric the cost is `weight · max_c((used + k_c·use) / whole) / max_c(k_c)`, with `use` that of the horizon and
/// `k_c` the horizons that are left of the community's period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Fairness {
    /// For carbon.
    pub carbon: Money,
    /// For water.
    pub water: Money,
}

/// The most that one tenant may hold, over all sites, at the end of each slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantCap {
    /// Accelerators.
    pub accelerators: Option<u32>,
    /// IT watts.
    pub watts: Option<Watts>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stock_gives_a_horizon_its_part_and_never_more_than_is_left() {
        assert!((pro_rata(300.0, 30.0, 3.0) - 30.0).abs() < 1e-12);
        assert!((pro_rata(300.0, 2.0, 24.0) - 300.0).abs() < 1e-12);
        assert!(pro_rata(-5.0, 2.0, 24.0).abs() < 1e-12);
    }
}
