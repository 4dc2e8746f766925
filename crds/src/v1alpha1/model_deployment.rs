use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Mode, raw_object};
use crate::{Condition, Decimal, Timestamp};

/// A model that must be served: how much, how fast, and the acceptable ways to do it.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "ModelDeployment",
    plural = "modeldeployments",
    namespaced,
    shortname = "cwmd",
    category = "commonwatt",
    status = "ModelDeploymentStatus",
    derive = "PartialEq",
    doc = "A model that must be served: how much, how fast, and the acceptable ways to do it.",
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Sites", type_ = "string", json_path = ".status.siteNames"),
    printcolumn(
        name = "Desired",
        type_ = "integer",
        json_path = ".status.desiredReplicas"
    ),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(name = "Cost/h", type_ = "string", json_path = ".status.costPerHour"),
    printcolumn(
        name = "g/kTok",
        type_ = "string",
        json_path = ".status.gramsPerThousandTokens"
    ),
    printcolumn(name = "Decided-By", type_ = "string", json_path = ".status.decidedBy"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Placed')].reason"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("quantity(self.demand.floorTokensPerSecond).compareTo(quantity(self.demand.tokensPerSecond)) <= 0")
        .message("the floor is above the demand; lower it").field_path(".demand.floorTokensPerSecond")
)]
pub struct ModelDeploymentSpec {
    /// How far the operator may go with this deployment.
    #[serde(default)]
    pub mode: Mode,
    /// The PlacementPolicy that prices it.
    #[schemars(length(min = 1, max = 253))]
    pub policy: String,
    /// What must be served.
    pub demand: Demand,
    /// The most time between two tokens at the 95th percentile, milliseconds: the highest measured concurrency that keeps it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60000))]
    pub inter_token_milliseconds: Option<i64>,
    /// Where requests come from. A site must keep the limit of every origin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub origins: Vec<OriginLimit>,
    /// Jurisdictions it may run in, ISO 3166-1 alpha-2; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 2), regex(pattern = r"^[A-Z]{2}$")), extend("x-kubernetes-list-type" = "set", "example" = ["DE"]))]
    pub jurisdictions: Vec<String>,
    /// Acceptable ways to serve it; the earlier one wins where two cost the same.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub variants: Vec<ModelVariant>,
    /// At how many sites it runs at least, as far as that many fit.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 16))]
    pub minimum_sites: i64,
    /// Higher is served first when not all can be.
    #[serde(default)]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: i64,
    /// What happens to workloads when this object is deleted: left as they are with their original replicas, or drained.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

fn one() -> i64 {
    1
}

/// What must be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// Generated tokens per second that all replicas together must be able to serve.
    #[x_kube(validation = Rule::new("!self.startsWith('-')").message("demand cannot be negative; use 0 for none"))]
    pub tokens_per_second: Decimal,
    /// What stays served when a limit falls: ceilings are lowered to this, not below, before anything is drained.
    #[x_kube(validation = Rule::new("!self.startsWith('-')").message("the floor cannot be negative; use 0 for none"))]
    pub floor_tokens_per_second: Decimal,
}

/// A limit on latency from an origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OriginLimit {
    /// The origin, as Sites name it.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// The most it may be away, milliseconds at the 95th percentile.
    #[schemars(range(min = 1, max = 60000))]
    pub max_milliseconds: i64,
}

/// One acceptable way to serve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.template) || (has(self.workloadRefs) && self.workloadRefs.size() > 0)")
    .message("a variant has nothing to run; give it a template to create, or workloadRefs to what runs").field_path(".template"))]
pub struct ModelVariant {
    /// Its name.
    #[schemars(
        length(max = 32),
        regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"), extend("example" = "h100")
    )]
    pub name: String,
    /// The ModelProfile that says what a replica gives and takes.
    #[schemars(length(min = 1, max = 253))]
    pub profile: String,
    /// The WorkloadAdapter of its workload.
    #[serde(default = "deployment_adapter")]
    #[schemars(length(min = 1, max = 253))]
    pub adapter: String,
    /// What already runs, by site: adopted, and given back with its original replicas on release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["site"]))]
    pub workload_refs: Vec<WorkloadRef>,
    /// The object to create where nothing is referred to; its name, namespace and replicas are set by the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw_object")]
    pub template: Option<Value>,
}

impl Eq for ModelVariant {}

fn deployment_adapter() -> String {
    "deployment".into()
}

/// A workload that runs at a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRef {
    /// The site.
    #[schemars(length(min = 1, max = 253))]
    pub site: String,
    /// The workload's name, in the namespace that the site maps this one to.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What happens on deletion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// Workloads stay; adopted ones get their original replicas back.
    #[default]
    Orphan,
    /// Created workloads are deleted; adopted ones get their original replicas back.
    Drain,
}

/// Where it runs and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelDeploymentStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `Placed` says whether all demand has a place, and if not why for every site.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Sites it runs at, comma-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub site_names: Option<String>,
    /// Replicas that the plan asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<i64>,
    /// Replicas that are ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i64>,
    /// Cost per hour of the plan now, in the policy's currency, shadow prices included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_hour: Option<Decimal>,
    /// Average carbon per thousand tokens of demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grams_per_thousand_tokens: Option<Decimal>,
    /// The main reason of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub decided_by: Option<String>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub sites: Vec<SiteDecision>,
    /// Sites that it does not run at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_sites: Option<i64>,
    /// Where it does not run, and why not: every reason, and not every site where there are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["site"]))]
    pub rejected: Vec<RejectedSite>,
}

/// A site that runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteDecision {
    /// The site.
    #[schemars(length(max = 253))]
    pub site: String,
    /// The variant there.
    #[schemars(length(max = 63))]
    pub variant: String,
    /// Replicas that the plan asks for.
    pub desired: i64,
    /// Where an autoscaler steers the workload: replicas below which it does not go. `desired` is then its most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<i64>,
    /// Replicas that are ready.
    pub ready: i64,
    /// Share of requests that its ready replicas can take, of 10,000; 0 while none is ready.
    pub traffic_weight: i64,
    /// Cost per hour, shadow prices included.
    pub cost_per_hour: Decimal,
    /// Average carbon per hour, grams.
    pub grams_per_hour: Decimal,
    /// On-site water per hour, litres.
    pub liters_per_hour: Decimal,
    /// Why here, in a word.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// Why here, with numbers.
    #[schemars(length(max = 1024))]
    pub detail: String,
    /// What the site answered: `Admitted`, `Advising`, or its refusal.
    #[schemars(length(max = 64))]
    pub answer: String,
    /// This holds until then without another plan.
    pub valid_until: Timestamp,
}

/// A site that does not run it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedSite {
    /// The site.
    #[schemars(length(max = 253))]
    pub site: String,
    /// Why not, in a word.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// Why not, with numbers.
    #[schemars(length(max = 1024))]
    pub detail: String,
}
