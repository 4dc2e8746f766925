//! What the platform team declared things to be worth.

use serde::{Deserialize, Serialize};

use crate::Money;

/// Shadow prices and restraint, all in the world's currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Price of a tonne of CO2e, location-based average.
    pub carbon_per_tonne: Money,
    /// Price of a cubic metre of water at a scarcity of 1; multiplied by the basin's factor.
    pub water_per_cubic_meter: Money,
    /// Worth of a million tokens that are not served.
    pub unserved_per_million_tokens: Money,
    /// Cost of starting one replica where it did not run the slot before. A deployment that ran nowhere starts freely.
    pub move_cost: Money,
    /// A deployment stays at a site at least this long once it has come there, unless a limit says otherwise.
    pub dwell_seconds: u32,
    /// Replicas that may change place per hour, over all deployments of this policy.
    pub moves_per_hour: u32,
}
