//! What a planner decided, in full: any reader can check it against the world it was made for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    CostParts, DeploymentId, GramsCo2e, JobId, Liters, Money, Product, SiteId, Slots,
    TokensPerSecond, VariantName, Watts,
};

/// A plan over the horizon of its world. The first slot is committed; the rest is advice that holds where a site
/// loses its hub.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The horizon; none for the empty plan.
    pub slots: Option<Slots>,
    /// Serving placements.
    pub deployments: BTreeMap<DeploymentId, Decision>,
    /// Batch placements.
    pub jobs: BTreeMap<JobId, JobDecision>,
    /// Nodes that are on beyond those a pool has, by slot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub elastic: BTreeMap<SiteId, BTreeMap<Product, Vec<u32>>>,
    /// What it costs.
    pub objective: Objective,
    /// How good it provably is.
    pub bound: Bound,
    /// Prices of what is shared that prove it, by row and slot: what the next plan begins with. Not money that anybody pays.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, Vec<f64>>,
}

/// Where one deployment runs. Why there and not elsewhere is worked out from a world and its plan when somebody asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Places, by site and variant.
    pub sites: BTreeMap<SiteId, BTreeMap<VariantName, SitePlacement>>,
    /// Demand that nothing serves in the first slot.
    pub unmet: Option<Unmet>,
}

/// Replicas of one variant at one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SitePlacement {
    /// Ceiling of replicas, slot by slot.
    pub ceiling: Vec<u32>,
    /// Floor of replicas, slot by slot: what limits may lower the ceiling to. Never above the ceiling.
    pub floor: Vec<u32>,
    /// IT watts charged in the first slot.
    pub watts: Watts,
    /// Cost per hour in the first slot.
    pub cost_per_hour: CostParts,
    /// Carbon per hour in the first slot.
    pub grams_per_hour: GramsCo2e,
    /// Water per hour in the first slot.
    pub liters_per_hour: Liters,
}

/// Demand that cannot be served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unmet {
    /// Tokens per second that nothing serves.
    pub tokens_per_second: TokensPerSecond,
    /// Sites it should run at and does not.
    pub sites_missing: u32,
}

/// What became of a job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobDecision {
    /// Its site and hours, if it has any.
    pub placed: Option<JobPlan>,
    /// It will not be done by its deadline.
    pub at_risk: bool,
}

/// A job's site and hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPlan {
    /// Where.
    pub site: SiteId,
    /// On what.
    pub product: Product,
    /// Whether it runs, slot by slot.
    pub runs: Vec<bool>,
    /// What all its hours cost.
    pub cost: CostParts,
    /// What running at once would have cost more.
    pub saved_by_waiting: Money,
}

/// The plan's cost over its horizon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Sum of the parts.
    pub total: Money,
    /// By part.
    pub parts: CostParts,
}

/// Between these lies the best possible plan's cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// What this plan costs.
    pub upper: Money,
    /// What no plan can cost less than; none where none was computed.
    pub lower: Option<Money>,
}

impl Plan {
    /// Replicas of a deployment's variant at a site in a slot.
    pub fn replicas(
        &self,
        id: &DeploymentId,
        site: &SiteId,
        variant: &VariantName,
        slot: usize,
    ) -> u32 {
        self.deployments
            .get(id)
            .and_then(|decision| {
                decision
                    .sites
                    .get(site)?
                    .get(variant)?
                    .ceiling
                    .get(slot)
                    .copied()
            })
            .unwrap_or(0)
    }
}
