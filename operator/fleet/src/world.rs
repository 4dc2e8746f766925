//! Everything a planner may know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BatchJob, Deployment, DeploymentId, JobId, Policy, Shared, Site, SiteId, Slots};

/// A fleet and what is asked of it, at one moment. Live operation, dry run, what-if and simulation all make one of
/// these and call the same planner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct World {
    /// The horizon.
    pub slots: Slots,
    /// The one currency of every amount here, ISO 4217.
    pub currency: String,
    /// Sites by name.
    pub sites: BTreeMap<SiteId, Site>,
    /// Policies by name.
    pub policies: BTreeMap<String, Policy>,
    /// Serving demand.
    pub deployments: BTreeMap<DeploymentId, Deployment>,
    /// Batch work.
    pub jobs: BTreeMap<JobId, BatchJob>,
    /// What lies across sites and workloads.
    #[serde(default)]
    pub shared: Shared,
}
