use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DeletionPolicy, Mode, raw_object};
use crate::{Condition, Timestamp};

/// What a hub proposes to a site for one variant of one deployment, or for one job. The site admits it or says why not.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "SiteAssignment",
    plural = "siteassignments",
    namespaced,
    shortname = "cwsa",
    category = "commonwatt",
    status = "SiteAssignmentStatus",
    derive = "PartialEq",
    doc = "What a hub proposes to a site for one variant of one deployment, or for one job. The site admits it or says why not.",
    printcolumn(name = "Subject", type_ = "string", json_path = ".spec.subject.name"),
    printcolumn(
        name = "Variant",
        type_ = "string",
        json_path = ".spec.workload.variant"
    ),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Max", type_ = "integer", json_path = ".spec.schedule[0].max"),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(
        name = "Admitted",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Admitted')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Admitted')].reason"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.epoch >= oldSelf.epoch")
        .message("the epoch never goes back: this leader has been replaced; read the PlanHead again and stand for election").field_path(".epoch"),
    validation = Rule::new("self.hub.uid == oldSelf.hub.uid")
        .message("an assignment stays with its hub; the other hub makes one of its own").field_path(".hub")
)]
pub struct SiteAssignmentSpec {
    /// The site.
    #[schemars(length(min = 1, max = 253))]
    pub site: String,
    /// Who proposes it.
    pub hub: HubIdentity,
    /// Which leader of the hub.
    #[schemars(range(min = 1, max = 9_000_000_000_000_000_i64))]
    pub epoch: i64,
    /// Which plan of that leader last changed it.
    #[schemars(range(min = 0, max = 9_000_000_000_000_000_i64))]
    pub sequence: i64,
    /// The offer it was made for.
    #[schemars(range(min = 0, max = 9_000_000_000_000_000_i64))]
    pub offer_revision: i64,
    /// What an agent must understand to admit it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)), extend("x-kubernetes-list-type" = "set"))]
    pub required_features: Vec<String>,
    /// The deployment's mode; the site's own counts where it is more cautious.
    pub mode: Mode,
    /// What it is for.
    pub subject: Subject,
    /// Higher keeps its place longer when a limit falls.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: i64,
    /// What runs.
    pub workload: AssignedWorkload,
    /// Ceiling and floor of replicas hour by hour; the last hour holds on. A site that loses its hub follows it.
    #[schemars(length(min = 1, max = 48))]
    #[x_kube(validation = Rule::new("self.all(h, h.min <= h.max)").message("an hour's min is above its max; lower min or raise max"))]
    pub schedule: Vec<ScheduledHour>,
    /// Why here, in words with numbers.
    #[schemars(length(max = 1024))]
    pub reason: String,
    /// The site that takes over what this one gives up, for the record that its community reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub moved_to: Option<String>,
    /// The site gives it back: workloads stay or are drained. The hub deletes the assignment only when that is acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<DeletionPolicy>,
}

/// A hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubIdentity {
    /// Its name, as the site lists it.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Its uid, from its PlanHead.
    #[schemars(length(min = 1, max = 63))]
    pub uid: String,
}

/// What an assignment is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// `ModelDeployment` or `Job`.
    pub kind: SubjectKind,
    /// Namespace on the hub.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Name on the hub.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Uid on the hub.
    #[schemars(length(min = 1, max = 63))]
    pub uid: String,
}

/// Kinds that are placed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum SubjectKind {
    /// Serving: replicas between floor and ceiling.
    ModelDeployment,
    /// Batch: runs in an hour with max 1, suspended in an hour with max 0.
    Job,
}

/// The workload of an assignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignedWorkload {
    /// The variant's name.
    #[schemars(length(min = 1, max = 63))]
    pub variant: String,
    /// The WorkloadAdapter; only one that the site has installed is used.
    #[schemars(length(min = 1, max = 253))]
    pub adapter: String,
    /// Accelerator product.
    #[schemars(length(min = 1, max = 63))]
    pub product: String,
    /// Accelerators per replica, or of all pods of a job.
    #[schemars(range(min = 0, max = 100_000))]
    pub accelerators: i64,
    /// IT watts charged per replica, or for all pods of a job.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub watts: i64,
    /// Tokens per second of a replica: how much a floor serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub tokens_per_second: Option<i64>,
    /// What already runs, by name, to be adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub workload_ref: Option<String>,
    /// What to create. Untrusted: only installed adapters, only mapped namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw_object")]
    pub template: Option<Value>,
    /// A job may be suspended and resumed; `false` runs it through.
    #[serde(default)]
    pub suspendable: bool,
}

/// One hour of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledHour {
    /// When it begins.
    pub start: Timestamp,
    /// Replicas that stay when a limit falls.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub min: i64,
    /// Replicas at most.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max: i64,
}

/// The site's answer. Written by the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteAssignmentStatus {
    /// Generation that this answer is to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions: `Admitted`, `Applied`.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The ceiling that is admitted now; a limit may hold it below the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<i64>,
    /// Replicas below which an autoscaler does not go. Absent where none steers the workload: it runs at the ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<i64>,
    /// Replicas that are ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i64>,
    /// A refusal, and the most that would be admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<AssignmentRefusal>,
    /// A job's own status at the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw_object")]
    pub job: Option<Value>,
    /// A release has been carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
}

/// No, and how much would be yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentRefusal {
    /// Why, in a word.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// Why, with numbers.
    #[schemars(length(max = 1024))]
    pub detail: String,
    /// The most replicas that would be admitted.
    pub most_replicas: i64,
    /// At which offer revision.
    pub offer_revision: i64,
}
