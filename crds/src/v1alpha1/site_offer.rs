use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Latency, Mode};
use crate::{Condition, Decimal, Timestamp};

/// What a site can host for a hub, hour by hour. Written by the site's agent.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "SiteOffer",
    plural = "siteoffers",
    namespaced,
    shortname = "cwso",
    category = "commonwatt",
    status = "SiteOfferStatus",
    derive = "PartialEq",
    doc = "What a site can host for a hub, hour by hour. Written by the site's agent.",
    printcolumn(name = "Site", type_ = "string", json_path = ".spec.site"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".spec.revision"),
    printcolumn(name = "Valid-Until", type_ = "string", json_path = ".spec.validUntil"),
    printcolumn(
        name = "Reachable",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Reachable')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Reachable')].reason"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct SiteOfferSpec {
    /// The site.
    #[schemars(length(min = 1, max = 253))]
    pub site: String,
    /// Counts changes of what is offered. A refusal holds at the revision it was given for.
    #[schemars(range(min = 0, max = 9_000_000_000_000_000_i64))]
    pub revision: i64,
    /// Nothing new is placed on it after this.
    pub valid_until: Timestamp,
    /// The site's mode.
    pub mode: Mode,
    /// What the agent understands; an assignment that requires more is refused.
    #[schemars(length(max = 64), inner(length(min = 1, max = 63)), extend("x-kubernetes-list-type" = "set"))]
    pub features: Vec<String>,
    /// The place in words.
    #[schemars(length(max = 128))]
    pub place: String,
    /// Whose law holds.
    #[schemars(length(max = 2))]
    pub jurisdiction: String,
    /// Grid zone.
    #[schemars(length(max = 64))]
    pub grid_zone: String,
    /// Currency of all prices here.
    #[schemars(length(max = 3))]
    pub currency: String,
    /// AWARE factor of the basin.
    pub water_scarcity_factor: Decimal,
    /// Latency from origins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["origin"]))]
    pub latencies: Vec<Latency>,
    /// Accelerators that this hub may use: free ones and those its own admitted work holds.
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["product"]))]
    pub accelerators: Vec<OfferedAccelerators>,
    /// Hour by hour, from the hour of the offer.
    #[schemars(length(max = 48))]
    pub hours: Vec<OfferedHour>,
    /// Water that budgets leave; absent where none limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub water: Option<OfferedWater>,
    /// Accelerator workloads that run in mapped namespaces and are not admitted: what could be adopted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub running: Vec<RunningWorkload>,
}

/// Accelerators of a product, by how many are available on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferedAccelerators {
    /// Product.
    #[schemars(length(max = 63))]
    pub product: String,
    /// Price of one per hour, without energy.
    pub hourly_price: Decimal,
    /// IT watts that one may draw at most.
    pub rated_watts: i64,
    /// Nodes by available accelerators.
    #[schemars(length(max = 64))]
    pub nodes: Vec<NodeShape>,
}

/// Nodes that have the same number of accelerators available.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeShape {
    /// Accelerators available on each.
    pub available: i64,
    /// How many such nodes.
    pub count: i64,
}

/// One hour of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferedHour {
    /// When it begins.
    pub start: Timestamp,
    /// IT watts that the hub's work may be charged.
    pub watts: i64,
    /// Which declared limit binds.
    #[schemars(length(max = 300))]
    pub set_by: String,
    /// Energy price per kWh.
    pub price_per_kwh: Decimal,
    /// Facility energy over IT energy.
    pub pue: Decimal,
    /// On-site litres per kWh of IT energy.
    pub wue: Decimal,
    /// Average carbon, grams per kWh.
    pub average_carbon: Decimal,
    /// Marginal carbon, grams per kWh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marginal_carbon: Option<Decimal>,
}

/// Water that is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferedWater {
    /// Litres left for this hub in the period.
    pub remaining_liters: Decimal,
    /// Hours until the period ends.
    pub hours_left: Decimal,
    /// Which budget.
    #[schemars(length(max = 300))]
    pub set_by: String,
}

/// What runs and could be adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningWorkload {
    /// The adapter that knows its kind.
    #[schemars(length(max = 253))]
    pub adapter: String,
    /// The hub's namespace that its own is mapped from.
    #[schemars(length(max = 63))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Its replicas.
    pub replicas: i64,
    /// Product of its accelerators.
    #[schemars(length(max = 63))]
    pub product: String,
    /// Accelerators per replica.
    pub accelerators: i64,
}

/// Whether the site can be reached. Written by the hub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteOfferStatus {
    /// Conditions; `Reachable` says whether the hub's agent reaches the site's API server.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
