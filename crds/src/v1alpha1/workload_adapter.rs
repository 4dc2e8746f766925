use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// Where a kind of workload keeps what the agent reads and sets. Data only: no code runs for it.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "WorkloadAdapter",
    plural = "workloadadapters",
    shortname = "cwwa",
    category = "commonwatt",
    derive = "PartialEq",
    doc = "Where a kind of workload keeps what the agent reads and sets. Data only: no code runs for it.",
    printcolumn(name = "API", type_ = "string", json_path = ".spec.apiVersion"),
    printcolumn(name = "Kind", type_ = "string", json_path = ".spec.kind"),
    printcolumn(name = "Replicas", type_ = "string", json_path = ".spec.replicasPath"),
    printcolumn(name = "Suspend", type_ = "string", json_path = ".spec.suspendPath")
)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadAdapterSpec {
    /// `apiVersion` of the workloads, such as `apps/v1`.
    #[schemars(length(min = 1, max = 128))]
    pub api_version: String,
    /// Their kind.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Their plural resource name, as in `deployments`.
    #[schemars(length(max = 63), regex(pattern = r"^[a-z0-9]{1,63}$"), extend("example" = "deployments"))]
    pub resource: String,
    /// Dotted path of the replica count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 128),
        regex(pattern = r"^[A-Za-z0-9]+(\.[A-Za-z0-9]+){0,8}$"), extend("example" = "spec.replicas")
    )]
    pub replicas_path: Option<String>,
    /// Dotted path of the suspend flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 128),
        regex(pattern = r"^[A-Za-z0-9]+(\.[A-Za-z0-9]+){0,8}$"), extend("example" = "spec.replicas")
    )]
    pub suspend_path: Option<String>,
    /// Dotted path of the count of ready replicas or pods.
    #[schemars(
        length(max = 128),
        regex(pattern = r"^[A-Za-z0-9]+(\.[A-Za-z0-9]+){0,8}$"), extend("example" = "spec.replicas")
    )]
    pub ready_path: String,
    /// Dotted path of the label selector of its pods.
    #[schemars(
        length(max = 128),
        regex(pattern = r"^[A-Za-z0-9]+(\.[A-Za-z0-9]+){0,8}$"), extend("example" = "spec.replicas")
    )]
    pub selector_path: String,
    /// Dotted path of the pod template.
    #[schemars(
        length(max = 128),
        regex(pattern = r"^[A-Za-z0-9]+(\.[A-Za-z0-9]+){0,8}$"), extend("example" = "spec.replicas")
    )]
    pub pod_template_path: String,
}
