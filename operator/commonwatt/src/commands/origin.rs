//! What is planned: a directory of manifests, a cluster, or a world that was saved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;
use commonwatt_api::Mode;
use commonwatt_fleet::SiteId;
use commonwatt_hub::{Cycle, Hub, Identity, Planning};
use commonwatt_site::Snapshot;
use commonwatt_store::{Kind, Object, Store};

use super::access::Access;
use super::fleet::EXAMPLE_START;
use crate::journal::MemoryJournal;
use crate::planned::Planned;
use crate::saved::Saved;
use crate::simulated::{Copied, HUB, SimulatedFleet, Source};

/// Where a world comes from
#[derive(Debug, Args)]
pub struct Origin {
    /// Directory (or file) of YAML manifests: Sites, signals, budgets, deployments, nodes
    #[arg(conflicts_with_all = ["kubeconfig", "context"])]
    dir: Option<PathBuf>,
    /// A world that `commonwatt world` saved, instead of manifests or a cluster
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "kubeconfig", "context", "start"])]
    world: Option<PathBuf>,
    /// The moment to plan for: now on a cluster, 2023-06-05T00:00:00Z from a directory
    #[arg(long, value_name = "TIME")]
    start: Option<DateTime<Utc>>,
    /// Folder of real hourly data for signals that name a file of it
    #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// How far the hub may go; deployments count as no bolder than this
    #[arg(long, default_value = "Enforce", value_parser = super::mode)]
    mode: Mode,
    #[command(flatten)]
    pub access: Access,
}

/// What can be planned as it is, and changed.
pub enum Given {
    /// Manifests, planned at a time.
    Manifests(Source, DateTime<Utc>),
    /// What is on a cluster.
    Cluster(Box<Copied>),
    /// A saved world.
    World(Box<Saved>),
}

impl Origin {
    /// What is planned, and whether a manifest was refused.
    ///
    /// # Errors
    /// When there is neither a directory, a cluster nor a file that can be read.
    pub async fn planned(&self) -> anyhow::Result<(Planned, bool)> {
        if self.dir.is_none() && self.world.is_none() {
            let cycle = self.live().await?;
            return Ok((Planned::by_hub(&cycle, BTreeMap::new()), false));
        }
        let given = self.given().await?;
        Ok((given.planned().await?, given.is_refused()))
    }

    /// What is there, to be planned and changed.
    ///
    /// # Errors
    /// As [`Self::planned`].
    pub async fn given(&self) -> anyhow::Result<Given> {
        if let Some(file) = &self.world {
            return Ok(Given::World(Box::new(Saved::read(file)?)));
        }
        if let Some(dir) = &self.dir {
            let start = match self.start {
                Some(start) => start,
                None => EXAMPLE_START.parse()?,
            };
            let source = Source::read(dir, self.data.clone())?;
            return Ok(Given::Manifests(source, start));
        }
        let store = self.access.cluster().await?.store;
        let identity = identity(store.as_ref()).await;
        let now = self.start.unwrap_or_else(Utc::now);
        let copied = Copied::of(
            store.as_ref(),
            identity,
            (self.mode, now),
            self.data.clone(),
        );
        Ok(Given::Cluster(Box::new(copied.await?)))
    }

    /// As a new leader would plan it: what runs and is admitted is where it starts from.
    async fn live(&self) -> anyhow::Result<Cycle> {
        let store = self.access.cluster().await?.store;
        let now = self.start.unwrap_or_else(Utc::now);
        let identity = identity(store.as_ref()).await;
        let hub = Hub::new(store, identity, self.mode, Planning::Commonwatt);
        let cycle = hub.dry_run(now).await?;
        tell_what_is_missing(&cycle, now);
        Ok(cycle)
    }
}

impl Given {
    /// Plans it.
    ///
    /// # Errors
    /// When the fleet cannot be simulated.
    pub async fn planned(&self) -> anyhow::Result<Planned> {
        match self {
            Self::World(saved) => Ok(Planned::of_saved(saved.as_ref().clone())),
            Self::Cluster(copied) => {
                let objects = copied.objects();
                Ok(Planned::by_hub(
                    &copied.cycle().await?,
                    communities(&objects),
                ))
            }
            Self::Manifests(source, start) => {
                let cycle = simulated(source, *start).await?;
                Ok(Planned::by_hub(&cycle, communities(&source.objects)))
            }
        }
    }

    /// Whether a manifest was refused.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Manifests(source, _) if !source.refusals.is_empty())
    }
}

async fn simulated(source: &Source, start: DateTime<Utc>) -> anyhow::Result<Cycle> {
    let journal = Arc::new(MemoryJournal::default());
    let mut fleet = SimulatedFleet::new(source, start, Planning::Commonwatt, journal)?;
    let step = fleet.begin().await?;
    let sites = step.sites.sites.values();
    for problem in sites.flat_map(|snapshot: &Snapshot| &snapshot.problems) {
        warn(
            problem.kind,
            &problem.name,
            problem.reason,
            &problem.message,
        );
    }
    Arc::into_inner(step.hub).ok_or_else(|| anyhow::anyhow!("the plan is still in use"))
}

/// Which hub a cluster's is.
pub async fn identity(store: &dyn Store) -> Identity {
    let uid = store.get(&Kind::NAMESPACE, None, "kube-system").await;
    let uid = uid.ok().flatten();
    Identity {
        name: HUB.into(),
        uid: uid.map_or_else(String::new, |namespace| namespace.uid().to_owned()),
    }
}

/// Sites by the community beside them.
fn communities(objects: &[Object]) -> BTreeMap<String, BTreeSet<SiteId>> {
    let communities = objects
        .iter()
        .filter(|object| object.kind() == "HostCommunity");
    let sites = |object: &Object| -> BTreeSet<SiteId> {
        let sites = object.at("spec.sites").and_then(|sites| sites.as_array());
        let names = sites.into_iter().flatten().filter_map(|site| site.as_str());
        names.map(SiteId::from).collect()
    };
    communities
        .map(|object| (object.name().to_owned(), sites(object)))
        .collect()
}

/// One line about what cannot be used.
pub fn warn(kind: &str, name: &str, reason: &str, message: &str) {
    eprintln!("warning: {kind} {name}: {reason}: {message}");
}

/// A cluster without offers or deployments gives an empty plan; the reason is worth more.
fn tell_what_is_missing(cycle: &Cycle, now: DateTime<Utc>) {
    let offers = &cycle.seen.offers;
    if cycle.seen.deployments.is_empty() {
        eprintln!(
            "warning: no ModelDeployment is here; `commonwatt adopt deploy/NAME` writes one of what runs"
        );
    }
    if offers.is_empty() {
        eprintln!(
            "warning: no SiteOffer is here: no agent has reached this hub yet; see `commonwatt doctor`"
        );
    } else if let Some(last) = offers.values().map(|offer| offer.spec.valid_until.0).max()
        && last < now
    {
        eprintln!(
            "warning: every offer ran out, the last at {}; agents have stopped, or their clock is another \
             one (then give --start)",
            last.format("%Y-%m-%d %H:%M UTC")
        );
    }
}
