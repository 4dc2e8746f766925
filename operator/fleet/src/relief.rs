//! What would change where a deployment runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    CostParts, Metric, Money, Product, SiteId, TokensPerSecond, Unmet, VariantName, Watts,
};

/// One thing that could be otherwise: how it is, and how it would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all_fields = "camelCase")]
pub enum Relief {
    /// A power limit, at one site or over several.
    Power {
        /// Who set it.
        set_by: String,
        /// Where it binds.
        site: SiteId,
        /// The limit in the hour in which it binds first.
        from: Watts,
        /// The limit then.
        to: Watts,
    },
    /// One more node.
    Node {
        /// Where.
        site: SiteId,
        /// Of what.
        product: Product,
        /// Accelerators on it.
        accelerators: u32,
    },
    /// What the horizon may use of a stock, in the metric's unit.
    Stock {
        /// Who set it.
        set_by: String,
        /// What is counted.
        metric: Metric,
        /// Where it binds.
        site: SiteId,
        /// What the horizon may use.
        from: f64,
        /// What it could use then.
        to: f64,
    },
    /// Accelerators that are kept for others.
    Reserve {
        /// Who was promised them.
        set_by: String,
        /// Where.
        site: SiteId,
        /// Of what.
        product: Product,
        /// How many are kept.
        from: u32,
        /// How many would be.
        to: u32,
    },
    /// What the deployment's tenant may hold: a tenth more, or what one replica needs.
    Tenant {
        /// Which.
        tenant: String,
    },
    /// The site takes what it refused.
    Refusal {
        /// Which site.
        site: SiteId,
    },
    /// Moves that the policy allows in an hour.
    Moves {
        /// Which policy.
        policy: String,
        /// How many are allowed.
        from: u32,
        /// How many would be.
        to: u32,
    },
    /// What is asked of the deployment in the first slot; later ones in proportion.
    Demand {
        /// As it is.
        from: TokensPerSecond,
        /// As it would be.
        to: TokensPerSecond,
    },
}

/// What planning again with a relief comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What is otherwise.
    pub relief: Relief,
    /// What the whole fleet pays less per hour, over the horizon.
    pub saves_per_hour: Money,
    /// By part.
    pub parts: CostParts,
    /// Where the deployment would run in the first slot.
    pub places: BTreeMap<SiteId, BTreeMap<VariantName, u32>>,
    /// Whether that is elsewhere than now.
    pub moves: bool,
    /// What would still have no place.
    pub unmet: Option<Unmet>,
}
