use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mode, NamespacedName};
use crate::{Condition, Decimal, Timestamp, Watts};

/// A place that runs workloads: what it has, what it costs, and which hubs it serves.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "Site",
    plural = "sites",
    shortname = "cwsite",
    category = "commonwatt",
    status = "SiteStatus",
    derive = "PartialEq",
    doc = "A place that runs workloads: what it has, what it costs, and which hubs it serves.",
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(
        name = "GPUs",
        type_ = "integer",
        json_path = ".status.acceleratorsTotal"
    ),
    printcolumn(
        name = "Free",
        type_ = "integer",
        json_path = ".status.acceleratorsFree"
    ),
    printcolumn(name = "Draw", type_ = "string", json_path = ".status.draw"),
    printcolumn(name = "Limit", type_ = "string", json_path = ".status.limit"),
    printcolumn(name = "Set-By", type_ = "string", json_path = ".status.limitSetBy"),
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
#[x_kube(validation = Rule::new("self.hubs.map(h, h.sharePercent).sum() <= 100")
    .message("the shares of all hubs add up to more than 100 percent; lower them").field_path(".hubs"))]
pub struct SiteSpec {
    /// How far the operator may go here. `Observe` freezes everything; `Advise` writes no workload.
    #[serde(default)]
    pub mode: Mode,
    /// Where it is.
    pub location: Location,
    /// Labels of the nodes that belong to this site; all nodes when absent. Several sites may share an API server.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16, "additionalProperties" = { "type": "string", "maxLength": 63 }))]
    pub node_selector: BTreeMap<String, String>,
    /// Hubs that may propose work.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub hubs: Vec<HubShare>,
    /// Latency from where requests come from. A pair that is missing excludes the site for deployments that need it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["origin"]))]
    pub latencies: Vec<Latency>,
    /// PUE and WUE over wet-bulb temperature, in rising order; one point makes them constant. Between points they are
    /// interpolated, beyond them the end points hold.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(validation = Rule::new("self.size() == 1 || self.all(p, has(p.wetBulbCelsius))")
        .message("with more than one point each needs wetBulbCelsius; add it to every point, or keep one"))]
    pub cooling: Vec<CoolingPoint>,
    /// Names of the GridSignals that hold here.
    pub signals: SiteSignals,
    /// The most the grid connection carries. Hours without a record count at this.
    pub connection_watts: Watts,
    /// Currency of this site's prices, ISO 4217.
    #[schemars(length(max = 3), regex(pattern = r"^[A-Z]{3}$"), extend("example" = "EUR"))]
    pub currency: String,
    /// Accelerators by product, with their price and rated power. A product on a node that is not listed is not offered.
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["product"]))]
    pub accelerators: Vec<AcceleratorClass>,
    /// AWARE factor of the water basin, 0.1 to 100; the world average is 1. Multiplies the price of water.
    #[serde(default = "one")]
    #[x_kube(validation = Rule::new("quantity(self).compareTo(quantity('0.1')) >= 0 && quantity(self).compareTo(quantity('100')) <= 0")
        .message("an AWARE factor lies between 0.1 and 100; use 1 where it is not known"))]
    pub water_scarcity_factor: Decimal,
}

fn one() -> Decimal {
    Decimal("1".into())
}

/// Where a site is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// The place in words, as its neighbours call it.
    #[schemars(length(min = 1, max = 128))]
    pub place: String,
    /// Whose law holds, ISO 3166-1 alpha-2.
    #[schemars(length(max = 2), regex(pattern = r"^[A-Z]{2}$"), extend("example" = "DE"))]
    pub jurisdiction: String,
    /// IANA time zone, such as `Europe/Berlin`: weekly windows count in it.
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
    /// The zone of the electricity grid, such as `DE-LU`. Signals of another zone are refused.
    #[schemars(length(min = 1, max = 64))]
    pub grid_zone: String,
}

/// A hub and what it may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubShare {
    /// The hub's name, as it calls itself (`run --hub-name`).
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Percent of every limit that its work may use.
    #[schemars(range(min = 0, max = 100))]
    pub share_percent: i64,
    /// A Secret on this API server whose `kubeconfig` key reaches the hub, for an agent that runs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig_secret: Option<NamespacedName>,
    /// Namespaces of the hub and where their workloads go here. Others are refused.
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["hub"]))]
    pub namespace_map: Vec<NamespacePair>,
}

/// A namespace of a hub and its counterpart here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespacePair {
    /// The hub's namespace.
    #[schemars(length(min = 1, max = 63))]
    pub hub: String,
    /// The namespace at this site; it must exist.
    #[schemars(length(min = 1, max = 63))]
    pub site: String,
}

/// Latency from an origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The origin's name.
    #[schemars(length(min = 1, max = 63))]
    pub origin: String,
    /// 95th percentile, milliseconds.
    #[schemars(range(min = 0, max = 60000))]
    pub p95_milliseconds: i64,
}

/// PUE and WUE at a wet-bulb temperature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoolingPoint {
    /// Wet-bulb temperature, degrees Celsius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -60, max = 50))]
    pub wet_bulb_celsius: Option<i64>,
    /// Facility energy over IT energy (ISO/IEC 30134-2), 1 to 5.
    #[x_kube(validation = Rule::new("quantity(self).compareTo(quantity('1')) >= 0 && quantity(self).compareTo(quantity('5')) <= 0")
        .message("PUE is facility energy over IT energy, between 1 and 5; write 1.2 for 20 percent on top"))]
    pub pue: Decimal,
    /// On-site water per kilowatt-hour of IT energy (ISO/IEC 30134-9), litres, 0 to 20.
    #[x_kube(validation = Rule::new("quantity(self).compareTo(quantity('0')) >= 0 && quantity(self).compareTo(quantity('20')) <= 0")
        .message("WUE is litres per kWh of IT energy, between 0 and 20; use 0 where no water is taken"))]
    pub wue_liters_per_kwh: Decimal,
}

/// Which signals hold at a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteSignals {
    /// Energy price.
    #[schemars(length(min = 1, max = 253))]
    pub price: String,
    /// Average carbon intensity: what is priced and reported.
    #[schemars(length(min = 1, max = 253))]
    pub average_carbon: String,
    /// Marginal carbon intensity: reported beside the average, never mixed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub marginal_carbon: Option<String>,
    /// Wet-bulb temperature, needed where `cooling` has more than one point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub wet_bulb: Option<String>,
}

/// Accelerators of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceleratorClass {
    /// The value of the node label `nvidia.com/gpu.product`.
    #[schemars(length(min = 1, max = 63))]
    pub product: String,
    /// Price of one accelerator per hour without energy, in the site's currency.
    #[x_kube(validation = Rule::new("!self.startsWith('-')").message("a price per hour cannot be negative; use 0 where it costs nothing"))]
    pub hourly_price: Decimal,
    /// IT watts that one accelerator may draw at most, with its share of the host. Counts where nothing is measured.
    pub rated_watts: Watts,
}

/// What the agent found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `Ready` says whether the site takes part.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Accelerators by product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["product"]))]
    pub accelerators: Vec<AcceleratorCount>,
    /// All accelerators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerators_total: Option<i64>,
    /// Accelerators that no pod has requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerators_free: Option<i64>,
    /// IT watts of admitted work that is ready, modelled from profiles: this version reads no meter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<Watts>,
    /// IT watts charged: the ceilings in force and what is still ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<Watts>,
    /// IT watts that may be charged now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Watts>,
    /// Which declared limit binds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub limit_set_by: Option<String>,
    /// Age and state of each signal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub signals: Vec<SignalAge>,
    /// The highest epoch that was heard of each hub. An older leader is refused, also when nothing of its is admitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name", "uid"]))]
    pub hubs: Vec<HubEpoch>,
}

/// The highest epoch of a hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubEpoch {
    /// The hub's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The hub's uid: another hub of this name begins anew.
    #[schemars(length(min = 1, max = 63))]
    pub uid: String,
    /// The highest epoch of its leaders that this site has heard.
    #[schemars(range(min = 1, max = 9_000_000_000_000_000_i64))]
    pub epoch: i64,
}

/// Accelerators of a product, counted from nodes and pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceleratorCount {
    /// Product.
    #[schemars(length(max = 63))]
    pub product: String,
    /// On ready nodes.
    pub total: i64,
    /// Not requested by any pod.
    pub free: i64,
}

/// How old a signal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalAge {
    /// The GridSignal.
    #[schemars(length(max = 253))]
    pub name: String,
    /// When its value was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<Timestamp>,
    /// `Fresh`, `Stale` or `Missing`.
    #[schemars(length(max = 16))]
    pub state: String,
}
