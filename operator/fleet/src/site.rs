//! A site as a hub sees it: what its offer says, hour by hour.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::shared::pro_rata;
use crate::{GramsPerKwh, Liters, LitersPerKwh, Money, Origin, Product, Watts};

/// A place that can run workloads, as its last offer described it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// Jurisdiction, ISO 3166-1 alpha-2.
    pub jurisdiction: String,
    /// The 95th percentile of latency from each origin, milliseconds. A missing pair excludes the site.
    pub latencies: BTreeMap<Origin, u32>,
    /// Accelerators by product that this hub may use: free ones and those that its own placements hold.
    pub pools: BTreeMap<Product, Pool>,
    /// One value per slot of the world's horizon.
    pub hours: Vec<SiteHour>,
    /// Water that is left, where a budget limits it.
    pub water: Option<WaterStock>,
    /// AWARE characterisation factor of the basin (0.1 to 100, world average 1) by which consumed water is priced.
    pub scarcity: f64,
    /// The revision of the offer.
    pub offer_revision: i64,
    /// The offer counts until then. A site past it takes nothing new.
    pub valid_until: DateTime<Utc>,
    /// What the month's peak costs, where the tariff has such a charge.
    #[serde(default)]
    pub demand_charge: Option<DemandCharge>,
    /// Load that it owes to be able to shed.
    #[serde(default)]
    pub obligations: Vec<Obligation>,
}

/// What counts for an hour that an offer leaves out: it has no power, and nothing is known of its prices.
static CLOSED: SiteHour = SiteHour {
    limit: Watts(0),
    limit_set_by: String::new(),
    price_per_kwh: Money(0.0),
    pue: 1.0,
    wue: LitersPerKwh(0.0),
    average_carbon: GramsPerKwh(0.0),
    marginal_carbon: None,
};

impl Site {
    /// What it offers in a slot; an hour that its offer leaves out has no power.
    pub fn hour(&self, slot: usize) -> &SiteHour {
        self.hours.get(slot).unwrap_or(&CLOSED)
    }
}

/// A charge on the highest facility power of a billing period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DemandCharge {
    /// For each kilowatt of the peak.
    pub per_kilowatt: Money,
    /// Facility watts of the highest peak so far: what the period pays anyway.
    pub peak: Watts,
}

/// Load that must be there to be shed in time, because a programme was promised it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Obligation {
    /// IT watts owed by slot; a slot that is left out owes nothing.
    pub watts: Vec<Watts>,
    /// What each kilowatt-hour costs that is owed and could not be shed.
    pub shortfall_per_kilowatt_hour: Money,
    /// Which programme: `gridprogram/reserve`.
    pub set_by: String,
}

/// Accelerators of one product at one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// What one accelerator costs per hour, energy excluded.
    pub price_per_hour: Money,
    /// What one accelerator may draw at most with its share of the host: what counts where nothing is measured.
    pub rated_watts: Watts,
    /// Accelerators available on a node → how many such nodes. A replica must fit on one node.
    pub nodes: BTreeMap<u32, u32>,
    /// Accelerators kept for some tenants.
    #[serde(default)]
    pub reserve: Option<Reserve>,
    /// Nodes that can be had beyond these.
    #[serde(default)]
    pub elastic: Option<Elastic>,
}

/// Accelerators of a pool that only some tenants may use: what a community was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reserve {
    /// How many.
    pub accelerators: u32,
    /// Who may use them; all others together keep to what remains of the pool.
    pub tenants: BTreeSet<String>,
    /// Who was promised them: `hostcommunity/town`.
    pub set_by: String,
}

/// Nodes that can be started: a node pool at zero, a cloud's capacity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Elastic {
    /// The most that may be on at once.
    pub nodes: u32,
    /// Accelerators of each.
    pub accelerators_per_node: u32,
    /// On already: they count from the first slot.
    pub running: u32,
    /// Whole slots from asking for a node until it can be used, paid from the first.
    pub start_slots: u32,
    /// What a node costs per hour while it is on, beside the price of the accelerators in use.
    pub price_per_node_hour: Money,
}

impl Elastic {
    /// Nodes that can be on in a slot at most: those that are on already, until one asked for now has started.
    pub fn most_in(&self, slot: usize) -> u32 {
        if slot < self.start_slots as usize {
            self.running.min(self.nodes)
        } else {
            self.nodes
        }
    }
}

impl Pool {
    /// All accelerators that this hub may use.
    pub fn total(&self) -> u32 {
        self.nodes.iter().map(|(free, count)| free * count).sum()
    }

    /// How many replicas of `size` accelerators each fit, one node each: `Σ ⌊free/size⌋`.
    pub fn replicas_of(&self, size: u32) -> u32 {
        if size == 0 {
            return 0;
        }
        self.nodes
            .iter()
            .map(|(free, count)| free / size * count)
            .sum()
    }

    /// The most accelerators available on one node.
    pub fn largest_node(&self) -> u32 {
        self.nodes
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(free, _)| *free)
            .max()
            .unwrap_or(0)
    }
}

/// What a site offers and what it costs in one slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteHour {
    /// IT watts that this hub's placements may draw together.
    pub limit: Watts,
    /// Which declared limit binds: `powerbudget/feeder-a`, `gridevent/drill`, `hostcommunity/town`, `share`.
    pub limit_set_by: String,
    /// Energy price per kilowatt-hour at the facility, in the world's currency. Negative prices are real.
    pub price_per_kwh: Money,
    /// Facility energy over IT energy, at least 1 (ISO/IEC 30134-2).
    pub pue: f64,
    /// On-site water per kilowatt-hour of IT energy (ISO/IEC 30134-9).
    pub wue: LitersPerKwh,
    /// Average carbon intensity, location-based: what is reported and priced.
    pub average_carbon: GramsPerKwh,
    /// Marginal intensity beside it, never mixed with the average.
    pub marginal_carbon: Option<GramsPerKwh>,
}

/// Water that a budget leaves for the rest of its period: a stock, partly used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaterStock {
    /// Litres that are left of the cap at the declared stage.
    pub remaining: Liters,
    /// Hours until the period ends.
    pub hours_left: f64,
    /// Which budget: `waterbudget/river`.
    pub set_by: String,
}

impl WaterStock {
    /// What may be used in a horizon of `hours`: the pro rata part of what is left, so that the period's end is
    /// reached with water in hand. A horizon beyond the period's end may use all that is left (a new period brings a
    /// new cap, which this stock does not know).
    pub fn allowance(&self, hours: f64) -> Liters {
        Liters(pro_rata(self.remaining.0, self.hours_left, hours))
    }
}
