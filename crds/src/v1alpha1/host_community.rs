use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Decimal};

/// A community that lives beside sites: its own totals and what it was promised.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "HostCommunity",
    plural = "hostcommunities",
    shortname = "cwhc",
    category = "commonwatt",
    status = "HostCommunityStatus",
    derive = "PartialEq",
    doc = "A community that lives beside sites: its own totals and what it was promised.",
    printcolumn(name = "Name", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Sites", type_ = "string", json_path = ".spec.sites"),
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
pub struct HostCommunitySpec {
    /// What its people call it.
    #[schemars(length(min = 1, max = 128))]
    pub display_name: String,
    /// Sites that it hosts.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "set"))]
    pub sites: Vec<String>,
    /// Its own yearly totals without the sites, so that shares can be shown.
    pub totals: CommunityTotals,
    /// What it was promised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub commitments: Vec<Commitment>,
    /// Whom to write to about a report.
    #[schemars(length(min = 1, max = 256))]
    pub contact: String,
}

/// A community's own totals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunityTotals {
    /// Water used in a year, cubic metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annual_water_cubic_meters: Option<Decimal>,
    /// Electricity used in a year, megawatt-hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annual_energy_megawatt_hours: Option<Decimal>,
    /// Its peak load, kilowatts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_kilowatts: Option<Decimal>,
}

/// One promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Commitment {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// What is counted: `PeakImport` in kilowatts at any time, `WaterInput` in cubic metres over the report's period.
    pub metric: CommitmentMetric,
    /// The most it may be. `PeakImport` binds every site of the community as a power limit does.
    pub limit: Decimal,
    /// What follows when it is broken, in words.
    #[schemars(length(max = 512))]
    pub remedy: String,
}

/// What a commitment counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CommitmentMetric {
    /// Facility power at each of the sites, kilowatts: bound.
    PeakImport,
    /// Water taken in over the report's period by all sites, cubic metres: reported.
    WaterInput,
}

/// Whether its sites are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostCommunityStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `Ready` says whether its commitments can be read.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
