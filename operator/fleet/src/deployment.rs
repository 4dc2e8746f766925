//! Serving demand and the acceptable ways to meet it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    DeploymentId, Origin, Product, Rejection, SiteId, TokensPerSecond, VariantName, Watts,
};

/// A model that must be served, and within what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// `namespace/name`.
    pub id: DeploymentId,
    /// The policy's name in the world.
    pub policy: String,
    /// Tokens per second that replicas together must be able to serve.
    pub demand: TokensPerSecond,
    /// The same by slot, where it changes; a slot that is left out has `demand`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demand_by_slot: Vec<TokensPerSecond>,
    /// What must stay served when a limit falls: the floor that ceilings may be lowered to.
    pub floor: TokensPerSecond,
    /// Who it belongs to, for caps and reserves.
    #[serde(default)]
    pub tenant: String,
    /// Origins of requests with the most latency each bears, milliseconds. A site must suit all of them, unless shares say
    /// how much comes from each.
    pub origins: BTreeMap<Origin, u32>,
    /// The part of the demand that comes from each origin, adding up to 1. Where these are declared, each origin's part is
    /// served by sites that suit that origin, and a replica serves whichever of its origins it is given. At most eight.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origin_shares: BTreeMap<Origin, f64>,
    /// Jurisdictions it may run in; empty means anywhere.
    pub jurisdictions: BTreeSet<String>,
    /// Acceptable ways to serve it, the preferred one first.
    pub variants: Vec<Variant>,
    /// At how many sites it must run at least, as far as there are that many.
    pub minimum_sites: u32,
    /// Higher is served first when not all can be.
    pub priority: i32,
    /// Where it is committed to now: what assignments say, whether or not its replicas are ready yet.
    pub committed: BTreeMap<SiteId, BTreeMap<VariantName, Committed>>,
    /// What sites refused, and at which offer revision: not proposed again until the revision changes.
    pub refusals: BTreeMap<SiteId, Refusal>,
}

impl Deployment {
    /// The demand in a slot.
    pub fn demand_in(&self, slot: usize) -> TokensPerSecond {
        self.demand_by_slot
            .get(slot)
            .copied()
            .unwrap_or(self.demand)
    }
}

/// One acceptable way to serve a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// Its name in the deployment.
    pub name: VariantName,
    /// The accelerator product it needs.
    pub product: Product,
    /// Accelerators per replica, all on one node.
    pub accelerators: u32,
    /// Tokens per second of one replica, at the highest measured concurrency that meets the latency limit.
    pub tokens_per_second: TokensPerSecond,
    /// IT watts of one replica at that point: what is charged.
    pub watts: Watts,
    /// Where it may run: `None` wherever the accelerator is, or the sites at which it refers to what runs there.
    pub only_at: Option<BTreeSet<SiteId>>,
}

impl Variant {
    /// Replicas that serve at least `demand` alone.
    pub fn replicas_for(&self, demand: TokensPerSecond) -> u32 {
        if demand.0 <= 0.0 || self.tokens_per_second.0 <= 0.0 {
            return 0;
        }
        // A hair of tolerance: 3.0000000001 replicas are 3.
        (demand.0 / self.tokens_per_second.0 - 1e-9).ceil().max(0.0) as u32
    }
}

/// Replicas that an assignment has committed a site to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Committed {
    /// The ceiling in force.
    pub replicas: u32,
    /// Since when this deployment is at this site: dwell counts from here.
    pub since: DateTime<Utc>,
}

/// A site's refusal of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The offer revision at which it was refused.
    pub offer_revision: i64,
    /// The most replicas that the site would admit, by its own word.
    pub most_replicas: u32,
    /// The site's reason.
    pub reason: String,
    /// The site's own words, with numbers.
    pub detail: String,
}

impl Refusal {
    /// The refusal as the reason a planner gives.
    pub fn rejection(&self) -> Rejection {
        Rejection::RefusedBySite {
            site_reason: self.reason.clone(),
            detail: self.detail.clone(),
            most_replicas: self.most_replicas,
            offer_revision: self.offer_revision,
        }
    }
}
