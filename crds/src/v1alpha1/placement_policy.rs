use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Decimal};

/// What the platform team declares carbon, water, moves and unserved tokens to be worth.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "PlacementPolicy",
    plural = "placementpolicies",
    shortname = "cwpp",
    category = "commonwatt",
    status = "PlacementPolicyStatus",
    derive = "PartialEq",
    doc = "What the platform team declares carbon, water, moves and unserved tokens to be worth.",
    printcolumn(name = "Currency", type_ = "string", json_path = ".spec.currency"),
    printcolumn(
        name = "Carbon/t",
        type_ = "string",
        json_path = ".spec.carbonPerTonne"
    ),
    printcolumn(
        name = "Water/m3",
        type_ = "string",
        json_path = ".spec.waterPerCubicMeter"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct PlacementPolicySpec {
    /// The one currency of this policy, ISO 4217. All policies of a hub share it.
    #[schemars(length(max = 3), regex(pattern = r"^[A-Z]{3}$"), extend("example" = "EUR"))]
    pub currency: String,
    /// What one unit of another currency is worth in `currency`. A site that prices in a currency without a rate is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["currency"]))]
    pub rates: Vec<ExchangeRate>,
    /// Shadow price of a tonne of CO2e.
    #[x_kube(validation = Rule::new("!self.startsWith('-')").message("a shadow price cannot be negative; use 0 to leave it out of the plan"))]
    pub carbon_per_tonne: Decimal,
    /// Shadow price of a cubic metre of water at a scarcity factor of 1.
    #[x_kube(validation = Rule::new("!self.startsWith('-')").message("a shadow price cannot be negative; use 0 to leave it out of the plan"))]
    pub water_per_cubic_meter: Decimal,
    /// Worth of a million tokens that are not served.
    #[x_kube(validation = Rule::new("!self.startsWith('-')").message("what is not served cannot be worth less than nothing; use 0 or more"))]
    pub unserved_per_million_tokens: Decimal,
    /// Cost of starting one replica at another place.
    #[x_kube(validation = Rule::new("!self.startsWith('-')").message("a cost cannot be negative; use 0 or more"))]
    pub move_cost: Decimal,
    /// A deployment stays at a site at least this long, unless a limit says otherwise, seconds.
    #[schemars(range(min = 0, max = 2_592_000))]
    pub dwell_seconds: i64,
    /// Replicas that may change place per hour.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub moves_per_hour: i64,
    /// Namespaces that may use it; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 63)), extend("x-kubernetes-list-type" = "set"))]
    pub namespaces: Vec<String>,
}

/// A declared rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeRate {
    /// The other currency.
    #[schemars(length(max = 3), regex(pattern = r"^[A-Z]{3}$"), extend("example" = "EUR"))]
    pub currency: String,
    /// What one of it is worth.
    #[x_kube(validation = Rule::new("quantity(self).isGreaterThan(quantity('0'))").message("a rate is above zero; say what one of the other currency is worth, or leave it out"))]
    pub rate: Decimal,
}

/// Whether it can be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlacementPolicyStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `Ready` says whether all its numbers can be read and its currency is the hub's.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
