//! What `explain`, `sites` and `events` read: a hub's and a site's API server, which may be one, or manifests.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use commonwatt_api::Mode;
use commonwatt_hub::{Cycle, Hub, Planning};
use commonwatt_store::Store;

use super::access::Access;
use super::origin::identity;
use crate::journal::MemoryJournal;
use crate::simulated::{SimulatedFleet, Source};

/// The start of the quickstart's days.
pub const EXAMPLE_START: &str = "2023-06-05T00:00:00Z";

/// A cluster, or a directory that is planned in memory first
#[derive(Debug, Args)]
pub struct Asked {
    #[command(flatten)]
    pub access: Access,
    /// Directory (or file) of YAML manifests to plan and look at, instead of a cluster
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kubeconfig", "context"])]
    pub from: Option<PathBuf>,
    /// With --from: the moment to plan for
    #[arg(long, default_value = EXAMPLE_START, value_name = "TIME", requires = "from")]
    pub start: DateTime<Utc>,
    /// With --from: folder of real hourly data for signals that name a file of it
    #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// A fleet that can be read.
pub struct Fleet {
    /// Where the hub's objects are.
    pub hub: Arc<dyn Store>,
    /// Where the sites' objects are.
    pub sites: Arc<dyn Store>,
    /// The namespace that names without one are in; none where there is no such default.
    pub namespace: Option<String>,
    /// The time.
    pub now: DateTime<Utc>,
    /// What the hub has found, where it has looked already.
    planned: Option<Arc<Cycle>>,
}

impl Fleet {
    /// Whether it is manifests that were planned, and not a cluster.
    pub fn is_simulated(&self) -> bool {
        self.planned.is_some()
    }

    /// What the hub found, or would find now. Nothing is written.
    ///
    /// # Errors
    /// When the hub's objects cannot be read.
    pub async fn cycle(&self) -> anyhow::Result<Arc<Cycle>> {
        if let Some(cycle) = &self.planned {
            return Ok(cycle.clone());
        }
        let identity = identity(self.hub.as_ref()).await;
        let hub = Hub::new(
            self.hub.clone(),
            identity,
            Mode::Enforce,
            Planning::Commonwatt,
        );
        Ok(Arc::new(hub.dry_run(self.now).await?))
    }
}

impl Asked {
    /// The fleet.
    ///
    /// # Errors
    /// When there is neither a cluster nor a directory that can be read.
    pub async fn fleet(&self) -> anyhow::Result<Fleet> {
        let Some(dir) = &self.from else {
            let cluster = self.access.cluster().await?;
            return Ok(Fleet {
                hub: cluster.store.clone(),
                sites: cluster.store,
                namespace: Some(cluster.namespace),
                now: Utc::now(),
                planned: None,
            });
        };
        let source = Source::read(dir, self.data.clone())?;
        let journal = Arc::new(MemoryJournal::default());
        let mut fleet = SimulatedFleet::new(&source, self.start, Planning::Commonwatt, journal)?;
        let step = fleet.begin().await?;
        Ok(Fleet {
            hub: fleet.hub_server.clone(),
            sites: fleet.agent.store.clone(),
            namespace: self.access.namespace.clone(),
            now: self.start,
            planned: Some(step.hub),
        })
    }
}

/// Runs a command's questions to their end.
///
/// # Errors
/// Those of the questions.
pub fn wait_for<T>(questions: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?
        .block_on(questions)
}
