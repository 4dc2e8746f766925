//! `commonwatt.dev/v1alpha1`, one file per kind.

mod admission_record;
mod community_report;
mod grid_event;
mod grid_signal;
mod host_community;
mod model_deployment;
mod model_profile;
mod placement_policy;
mod plan_head;
mod power_budget;
mod site;
mod site_assignment;
mod site_offer;
mod water_budget;
mod workload_adapter;

pub use admission_record::*;
pub use community_report::*;
pub use grid_event::*;
pub use grid_signal::*;
pub use host_community::*;
pub use model_deployment::*;
pub use model_profile::*;
pub use placement_policy::*;
pub use plan_head::*;
pub use power_budget::*;
pub use site::*;
pub use site_assignment::*;
pub use site_offer::*;
pub use water_budget::*;
pub use workload_adapter::*;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// How far the operator may go. The more cautious of a site's and a deployment's mode counts.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Mode {
    /// Look and report; propose nothing.
    Observe,
    /// Say what would be done; touch no workload.
    #[default]
    Advise,
    /// Do it.
    Enforce,
}

/// An object in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespacedName {
    /// Its namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// The schema of an embedded object that is kept as it is.
pub(crate) fn raw_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}
