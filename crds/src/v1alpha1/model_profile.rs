use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Decimal, Watts};

/// What a model was measured to do on an accelerator. Nothing is extrapolated from it.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "ModelProfile",
    plural = "modelprofiles",
    shortname = "cwmp",
    category = "commonwatt",
    status = "ModelProfileStatus",
    derive = "PartialEq",
    doc = "What a model was measured to do on an accelerator. Nothing is extrapolated from it.",
    printcolumn(name = "Model", type_ = "string", json_path = ".spec.model"),
    printcolumn(name = "Product", type_ = "string", json_path = ".spec.product"),
    printcolumn(
        name = "Accelerators",
        type_ = "integer",
        json_path = ".spec.accelerators"
    ),
    printcolumn(name = "Boundary", type_ = "string", json_path = ".spec.boundary"),
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
#[x_kube(validation = Rule::new("self.boundary != 'Gpu' || has(self.hostWatts)")
    .message("watts measured at the accelerators leave out the host; declare hostWatts per replica").field_path(".hostWatts"))]
pub struct ModelProfileSpec {
    /// The model, as its publisher names it.
    #[schemars(length(min = 1, max = 256))]
    pub model: String,
    /// Accelerator product, as the node label `nvidia.com/gpu.product` spells it.
    #[schemars(length(min = 1, max = 63))]
    pub product: String,
    /// Accelerators per replica, all on one node.
    #[schemars(range(min = 1, max = 64))]
    pub accelerators: i64,
    /// What the watts of the points include.
    pub boundary: ProfileBoundary,
    /// Watts of the host per replica, added where the boundary leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_watts: Option<Watts>,
    /// Measured points in rising order of concurrency.
    #[schemars(length(min = 1, max = 64))]
    pub points: Vec<ProfilePoint>,
    /// Where the measurements come from.
    #[schemars(length(min = 1, max = 512))]
    pub source: String,
    /// Under which licence.
    #[schemars(length(min = 1, max = 128))]
    pub licence: String,
}

/// What the watts include.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProfileBoundary {
    /// Accelerators alone.
    Gpu,
    /// The whole node.
    Node,
}

/// One measured point of one replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfilePoint {
    /// Sequences served at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub concurrency: i64,
    /// Generated tokens per second.
    #[x_kube(validation = Rule::new("quantity(self).isGreaterThan(quantity('0'))").message("tokensPerSecond is above zero; leave out a point that serves nothing"))]
    pub tokens_per_second: Decimal,
    /// Watts inside the boundary.
    pub watts: Watts,
    /// 95th percentile of the time between two tokens, milliseconds.
    #[x_kube(validation = Rule::new("quantity(self).isGreaterThan(quantity('0'))").message("interTokenMilliseconds is above zero; leave out a point without a measured latency"))]
    pub inter_token_milliseconds: Decimal,
}

/// Whether it can be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelProfileStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `Ready` says whether its points can be used.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
