use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Watts};

/// A limit on power at a boundary of a site, with weekly windows.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "PowerBudget",
    plural = "powerbudgets",
    shortname = "cwpb",
    category = "commonwatt",
    status = "PowerBudgetStatus",
    derive = "PartialEq",
    doc = "A limit on power at a boundary of a site, with weekly windows.",
    printcolumn(name = "Site", type_ = "string", json_path = ".spec.site"),
    printcolumn(name = "Limit", type_ = "string", json_path = ".status.limit"),
    printcolumn(name = "Draw", type_ = "string", json_path = ".status.draw"),
    printcolumn(name = "Unmanaged", type_ = "string", json_path = ".status.unmanaged"),
    printcolumn(name = "Headroom", type_ = "string", json_path = ".status.headroom"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='WithinLimit')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='WithinLimit')].reason"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct PowerBudgetSpec {
    /// The site it binds.
    #[schemars(length(min = 1, max = 253))]
    pub site: String,
    /// Where the power is counted.
    pub boundary: PowerBoundary,
    /// The limit outside of all windows.
    pub limit: Watts,
    /// Watts inside the boundary that nobody governs here: offices, other tenants, what runs beside the operator.
    /// Required while there is no meter; it is taken off the limit.
    pub unmanaged_watts: Watts,
    /// Weekly windows with another limit, in the site's time zone. Where two overlap the lower limit counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub windows: Vec<PowerWindow>,
    /// How long load may take to follow when the limit falls, and how slowly it climbs when it rises, seconds.
    #[serde(default = "ten_minutes")]
    #[schemars(range(min = 0, max = 86400))]
    pub ramp_seconds: i64,
}

fn ten_minutes() -> i64 {
    600
}

/// Where power is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PowerBoundary {
    /// IT equipment alone.
    #[serde(rename = "IT")]
    It,
    /// The whole facility with its cooling: IT watts count times the PUE of the hour.
    Facility,
}

/// A weekly window with a limit of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.start != self.end")
    .message("a window that starts when it ends is empty; for a whole day use 00:00 to 24:00").field_path(".end"))]
pub struct PowerWindow {
    /// Days on which it starts; every day when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 7), extend("x-kubernetes-list-type" = "set"))]
    pub days: Vec<Weekday>,
    /// Local time it starts, HH:MM.
    #[schemars(length(max = 5), regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), extend("example" = "17:30"))]
    pub start: String,
    /// Local time it ends, HH:MM; before `start` means the next day.
    #[schemars(
        length(max = 5),
        regex(pattern = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"), extend("example" = "24:00")
    )]
    pub end: String,
    /// The limit inside it.
    pub limit: Watts,
}

/// A day of the week.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[expect(missing_docs, reason = "the days say what they are")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// How the limit stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PowerBudgetStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `WithinLimit` says whether charged power is under the limit.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The limit in force now, at the boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Watts>,
    /// Governed draw at the boundary, modelled, without the unmanaged part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<Watts>,
    /// What counts as unmanaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmanaged: Option<Watts>,
    /// What may still be charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<Watts>,
}
