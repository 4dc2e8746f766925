use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Timestamp, Watts};

/// A call of the grid: for a time, a site's facility draws no more than a target.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "GridEvent",
    plural = "gridevents",
    shortname = "cwge",
    category = "commonwatt",
    status = "GridEventStatus",
    derive = "PartialEq",
    doc = "A call of the grid: for a time, a site's facility draws no more than a target.",
    printcolumn(name = "Site", type_ = "string", json_path = ".spec.site"),
    printcolumn(name = "Purpose", type_ = "string", json_path = ".spec.purpose"),
    printcolumn(name = "Start", type_ = "string", json_path = ".spec.start"),
    printcolumn(name = "Target", type_ = "string", json_path = ".spec.targetWatts"),
    printcolumn(name = "Measured", type_ = "string", json_path = ".status.measured"),
    printcolumn(name = "Shortfall", type_ = "string", json_path = ".status.shortfall"),
    printcolumn(name = "Acked", type_ = "string", json_path = ".status.acknowledgedAt"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='WithinLimit')].reason"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.rampSeconds <= self.durationSeconds")
    .message("the ramp is longer than the event; shorten it to durationSeconds or less").field_path(".rampSeconds"))]
pub struct GridEventSpec {
    /// The site that is asked.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("an event's site cannot change; make another event"))]
    pub site: String,
    /// Who asks and how seriously.
    pub purpose: EventPurpose,
    /// When the target begins to count.
    pub start: Timestamp,
    /// How long it holds, seconds.
    #[schemars(range(min = 60, max = 604_800))]
    pub duration_seconds: i64,
    /// Within which the target must be reached after the start, and over which load climbs back afterwards, seconds.
    #[schemars(range(min = 0, max = 86400))]
    pub ramp_seconds: i64,
    /// What the facility may draw, its unmanaged load included.
    pub target_watts: Watts,
}

/// Who asks and how seriously.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EventPurpose {
    /// A test of what the site can give.
    Drill,
    /// An event of a programme the site takes part in.
    Program,
    /// The grid is in trouble.
    Emergency,
}

/// What was given: evidence, not intent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GridEventStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `WithinLimit` says whether the facility is under the target.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// When the agent first saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// When the agent answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// Facility watts when it was received: what the reduction is counted from. Modelled in this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Watts>,
    /// Facility watts that can be shed: batch that may be suspended, and ceilings above their floors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Watts>,
    /// When charged facility watts first were at or under the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_at: Option<Timestamp>,
    /// Facility watts now, modelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Watts>,
    /// The most above the target after the ramp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<Watts>,
    /// When load was let back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
}
