use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Decimal, Timestamp};

/// The one head of a hub's plans: fences a leader that has been replaced.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "PlanHead",
    plural = "planheads",
    shortname = "cwph",
    category = "commonwatt",
    status = "PlanHeadStatus",
    derive = "PartialEq",
    doc = "The one head of a hub's plans: fences a leader that has been replaced.",
    printcolumn(name = "Epoch", type_ = "integer", json_path = ".spec.epoch"),
    printcolumn(name = "Sequence", type_ = "integer", json_path = ".spec.sequence"),
    printcolumn(name = "Cost", type_ = "string", json_path = ".status.cost"),
    printcolumn(
        name = "Lower-Bound",
        type_ = "string",
        json_path = ".status.lowerBound"
    ),
    printcolumn(name = "Findings", type_ = "integer", json_path = ".status.findings")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.epoch >= oldSelf.epoch")
        .message("the epoch never goes back: this leader has been replaced; read the PlanHead again and stand for election").field_path(".epoch"),
    validation = Rule::new("self.hubUid == oldSelf.hubUid")
        .message("a hub's uid never changes; give another hub a name of its own").field_path(".hubUid")
)]
pub struct PlanHeadSpec {
    /// Identity of the hub: the uid of its first PlanHead.
    #[schemars(length(min = 1, max = 63))]
    pub hub_uid: String,
    /// Counts leaders.
    #[schemars(range(min = 1, max = 9_000_000_000_000_000_i64))]
    pub epoch: i64,
    /// Counts published plans of this epoch.
    #[schemars(range(min = 0, max = 9_000_000_000_000_000_i64))]
    pub sequence: i64,
}

/// The last plan in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanHeadStatus {
    /// Conditions; `Ready` says whether the last plan passed its audit.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// When the last plan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_at: Option<Timestamp>,
    /// Its cost over the horizon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Decimal>,
    /// What no plan can cost less than.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_bound: Option<Decimal>,
    /// Currency of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 3))]
    pub currency: Option<String>,
    /// What the audit found; a plan with findings is not published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<i64>,
}
