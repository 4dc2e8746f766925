use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AssignedWorkload, DeletionPolicy, HubIdentity, Mode, ScheduledHour, Subject};

/// The commit point of an admission: written before anything is applied, so that a limit holds through every crash.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "AdmissionRecord",
    plural = "admissionrecords",
    shortname = "cwar",
    category = "commonwatt",
    status = "AdmissionRecordStatus",
    derive = "PartialEq",
    doc = "The commit point of an admission: written before anything is applied, so that a limit holds through every crash.",
    printcolumn(name = "Site", type_ = "string", json_path = ".spec.site"),
    printcolumn(name = "Hub", type_ = "string", json_path = ".spec.hub.name"),
    printcolumn(name = "Workload", type_ = "string", json_path = ".spec.object.name"),
    printcolumn(name = "Ceiling", type_ = "integer", json_path = ".spec.ceiling"),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(
        name = "Charged",
        type_ = "integer",
        json_path = ".status.chargedWatts"
    ),
    printcolumn(name = "Held-By", type_ = "string", json_path = ".spec.heldBy")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.epoch >= oldSelf.epoch")
    .message("an admission's epoch never goes back; keep the one that is stored, or a higher one").field_path(".epoch"))]
pub struct AdmissionRecordSpec {
    /// The site.
    #[schemars(length(min = 1, max = 253))]
    pub site: String,
    /// The hub that proposed it.
    pub hub: HubIdentity,
    /// The assignment, by uid and generation.
    pub assignment: AssignmentIdentity,
    /// The hub's epoch.
    #[schemars(range(min = 1, max = 9_000_000_000_000_000_i64))]
    pub epoch: i64,
    /// What it is for.
    pub subject: Subject,
    /// Higher keeps its place longer.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: i64,
    /// What runs, as admitted: enough to go on without the hub.
    pub workload: AssignedWorkload,
    /// Its object at the site.
    pub object: WorkloadObject,
    /// The admitted schedule.
    #[schemars(length(min = 1, max = 48))]
    pub schedule: Vec<ScheduledHour>,
    /// Replicas allowed now: the schedule's ceiling, or less where a limit holds it. 0 and 1 for a job.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub ceiling: i64,
    /// What holds the ceiling below the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub held_by: Option<String>,
    /// Replicas that an adopted workload had: given back on release. Absent for what the agent created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub original_replicas: Option<i64>,
    /// The autoscaler whose bounds are set instead of the replicas. Absent where none steers the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<AdmittedAutoscaler>,
    /// How far the hub's assignment goes: below `Enforce` the workload stays as it is. Absent counts as `Enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// It is being given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<DeletionPolicy>,
}

/// An assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentIdentity {
    /// Its namespace on the hub.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its uid.
    #[schemars(length(min = 1, max = 63))]
    pub uid: String,
    /// The generation that was admitted.
    #[schemars(range(min = 0, max = 9_000_000_000_000_000_i64))]
    pub generation: i64,
}

/// An object at the site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadObject {
    /// Its namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A HorizontalPodAutoscaler with the bounds that it had: given back on release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdmittedAutoscaler {
    /// Its name, in the namespace of the workload.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its uid: one that was made anew has bounds of its own.
    #[schemars(length(min = 1, max = 63))]
    pub uid: String,
    /// Its `minReplicas` before the first change.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub original_min: i64,
    /// Its `maxReplicas` before the first change.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub original_max: i64,
}

/// What it takes now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionRecordStatus {
    /// Replicas that are ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i64>,
    /// IT watts charged: the larger of the ceiling and what still runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged_watts: Option<i64>,
}
