use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Decimal, Timestamp};

/// The figures of a period for a host community, computed from the ledger's records alone.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "CommunityReport",
    plural = "communityreports",
    shortname = "cwcr",
    category = "commonwatt",
    status = "CommunityReportStatus",
    derive = "PartialEq",
    doc = "The figures of a period for a host community, computed from the ledger's records alone.",
    printcolumn(name = "Community", type_ = "string", json_path = ".spec.community"),
    printcolumn(name = "From", type_ = "string", json_path = ".spec.start"),
    printcolumn(name = "To", type_ = "string", json_path = ".spec.end"),
    printcolumn(name = "Breaches", type_ = "integer", json_path = ".status.breaches"),
    printcolumn(
        name = "Coverage",
        type_ = "string",
        json_path = ".status.coveragePercent"
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
#[x_kube(validation = Rule::new("self.start < self.end")
    .message("the period ends before it starts; make end later than start").field_path(".end"))]
pub struct CommunityReportSpec {
    /// The HostCommunity it is for.
    #[schemars(length(min = 1, max = 253))]
    pub community: String,
    /// First moment of the period.
    pub start: Timestamp,
    /// The moment after the period.
    pub end: Timestamp,
}

/// The figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunityReportStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `Ready` says whether the period has been computed.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// When these figures were computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_at: Option<Timestamp>,
    /// How many limits were passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaches: Option<i64>,
    /// Percent of the meter hours due that have a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_percent: Option<Decimal>,
    /// Figures with their sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub figures: Vec<ReportedFigure>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedFigure {
    /// Its name, as in the report's JSON.
    #[schemars(length(max = 64))]
    pub name: String,
    /// Its value; absent when nothing was recorded, which is not zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Decimal>,
    /// Its unit.
    #[schemars(length(max = 32))]
    pub unit: String,
    /// `metered`, `modelled` or `declared`: the weakest of its inputs.
    #[schemars(length(max = 16))]
    pub source: String,
    /// Percent of the hours due that it rests on.
    pub coverage_percent: Decimal,
}
