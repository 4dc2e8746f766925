//! What a decision rests on.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::{AdmissionRecord, Mode, SiteAssignment, WorkloadAdapter};
use commonwatt_store::Object;

use crate::epochs::Epochs;
use crate::inventory::Node;
use crate::local_jobs::LocalJob;
use crate::model::SiteModel;
use crate::workload::Observed;

/// A hub's assignment with the name that its record has or would have.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Name of the record.
    pub record: String,
    /// The hub's name.
    pub hub: String,
    /// What it asks.
    pub assignment: Arc<SiteAssignment>,
}

impl Asked {
    /// Whether the workload is to be given back.
    pub(crate) fn is_to_be_released(&self) -> bool {
        self.assignment.spec.release.is_some()
            || self.assignment.metadata.deletion_timestamp.is_some()
    }
}

/// Everything a decision rests on.
pub struct Situation<'a> {
    /// The site.
    pub model: &'a SiteModel,
    /// Now.
    pub now: DateTime<Utc>,
    /// How far this agent may go here.
    pub mode: Mode,
    /// Whether more than one site lives on this API server.
    pub shared_server: bool,
    /// Records of this site by name.
    pub records: &'a BTreeMap<String, Arc<AdmissionRecord>>,
    /// How the workload of each record stands.
    pub observed: &'a BTreeMap<String, Observed>,
    /// What hubs ask.
    pub asked: &'a [Asked],
    /// Nodes with what pods request.
    pub nodes: &'a BTreeMap<String, Node>,
    /// Adapters installed here.
    pub adapters: &'a BTreeMap<String, Arc<WorkloadAdapter>>,
    /// Workloads by adapter.
    pub workloads: &'a BTreeMap<String, Vec<Arc<Object>>>,
    /// Autoscalers.
    pub autoscalers: &'a [Arc<Object>],
    /// The highest epoch of every hub that has been heard.
    pub epochs: &'a Epochs,
    /// Suspendable jobs of others.
    pub local_jobs: &'a [LocalJob],
}
