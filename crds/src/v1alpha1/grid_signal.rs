use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Decimal, Timestamp};

/// One series for one grid zone: average carbon, marginal carbon, price or weather.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "GridSignal",
    plural = "gridsignals",
    shortname = "cwgs",
    category = "commonwatt",
    status = "GridSignalStatus",
    derive = "PartialEq",
    doc = "One series for one grid zone: average carbon, marginal carbon, price or weather.",
    printcolumn(name = "Zone", type_ = "string", json_path = ".spec.zone"),
    printcolumn(name = "Quantity", type_ = "string", json_path = ".spec.quantity"),
    printcolumn(name = "Value", type_ = "string", json_path = ".status.value"),
    printcolumn(name = "Unit", type_ = "string", json_path = ".status.unit"),
    printcolumn(name = "Observed", type_ = "date", json_path = ".status.observedAt"),
    printcolumn(
        name = "Fresh",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='SignalFresh')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='SignalFresh')].reason"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.quantity != 'Price' || has(self.currency)")
        .message("a price needs its currency; add an ISO 4217 code such as EUR").field_path(".currency"),
    validation = Rule::new("has(self.source.static) != has(self.source.file)")
        .message("a signal has exactly one source; name either static or file").field_path(".source")
)]
pub struct GridSignalSpec {
    /// The grid zone it holds for, such as `DE-LU`.
    #[schemars(length(min = 1, max = 64))]
    pub zone: String,
    /// What it measures. Carbon in gCO2e/kWh, price in currency per MWh, temperatures in degrees Celsius.
    pub quantity: Quantity,
    /// Currency of a price, ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 3), regex(pattern = r"^[A-Z]{3}$"), extend("example" = "EUR"))]
    pub currency: Option<String>,
    /// Where its values come from.
    pub source: SignalSource,
    /// A value older than this is stale and gives way to the fallback, seconds.
    #[serde(default = "two_hours")]
    #[schemars(range(min = 60, max = 31_622_400))]
    pub max_age_seconds: i64,
    /// What counts when the source is stale or missing. Without it a site that needs this signal offers nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Decimal>,
}

fn two_hours() -> i64 {
    7200
}

/// What a signal measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Quantity {
    /// Average carbon intensity, location-based.
    AverageCarbon,
    /// Marginal carbon intensity.
    MarginalCarbon,
    /// Energy price.
    Price,
    /// Wet-bulb temperature.
    WetBulb,
}

/// Where values come from: exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalSource {
    /// Values written down here.
    #[serde(default, rename = "static", skip_serializing_if = "Option::is_none")]
    pub static_: Option<StaticSeries>,
    /// A file below the agent's data folder (`--data`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SeriesFile>,
}

/// A declared shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.repeat != 'None' || has(self.start)")
    .message("a series that does not repeat needs its start; add it, or repeat Daily or Weekly").field_path(".start"))]
pub struct StaticSeries {
    /// When the first value begins; a repeating series begins at local midnight, on Monday for `Weekly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// How long each value holds, seconds.
    #[serde(default = "hour")]
    #[schemars(range(min = 300, max = 86400))]
    pub step_seconds: i64,
    /// The values, in the quantity's unit.
    #[schemars(length(min = 1, max = 800))]
    pub values: Vec<Decimal>,
    /// Whether it begins again.
    #[serde(default)]
    pub repeat: Repeat,
    /// IANA time zone in which a repeating series begins.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
}

fn hour() -> i64 {
    3600
}

fn utc() -> String {
    "UTC".into()
}

/// How a declared shape repeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Repeat {
    /// Not at all.
    #[default]
    None,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
}

/// A file of values with times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.format != 'Csv' || (has(self.timeColumn) && has(self.valueColumn))")
    .message("a CSV file needs timeColumn and valueColumn; name both as in its header").field_path(".valueColumn"))]
pub struct SeriesFile {
    /// Path below the data folder; `.gz` is unpacked.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.contains('..')")
        .message("the path stays below the data folder; write it without a leading / and without .."))]
    pub path: String,
    /// How it is written.
    #[serde(default)]
    pub format: FileFormat,
    /// Column of times, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub time_column: Option<String>,
    /// Column of values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub value_column: Option<String>,
    /// What may be known of the future.
    #[serde(default)]
    pub future: Future,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FileFormat {
    /// Comma-separated with a header.
    #[default]
    Csv,
    /// JSON as Open-Meteo answers: local times, temperature and humidity.
    OpenMeteo,
}

/// What may be known of hours that have not come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Future {
    /// Nothing: the same hour of the last days stands in.
    #[default]
    Seasonal,
    /// Published ahead, up to 36 hours, as day-ahead prices are.
    Known,
}

/// The value in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GridSignalStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `SignalFresh` says whether the source's own value counts.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The value that counts now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Decimal>,
    /// Its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub unit: Option<String>,
    /// When it was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<Timestamp>,
}
