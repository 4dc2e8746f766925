//! A fleet that does not exist: the production hub and agent over in-memory API servers and simulated clusters.

mod account;
mod copied;
mod replay;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_api::Mode;
use commonwatt_hub::{Hub, Identity, Planning};
use commonwatt_manifests::{Manifests, Refusal, read_manifests};
use commonwatt_simulator::{Cluster, MemoryServer, StepClock};
use commonwatt_site::{Agent, DataFolder, HubLink, Journal, Keeper};
use commonwatt_store::{Object, Store};

pub use account::Totals;
pub use copied::Copied;

/// The hub's name in manifests for `plan` and `up`.
pub const HUB: &str = "hub";

/// Manifests and how they are read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Objects that an API server would accept.
    pub objects: Vec<Object>,
    /// What it would refuse of the others.
    pub refusals: Vec<Refusal>,
    /// Folder of real data, where there is one.
    pub data: Option<PathBuf>,
}

impl Source {
    /// Reads a directory or a file of manifests. With a data folder, signals that name a file of it are read from there.
    pub fn read(path: &Path, data: Option<PathBuf>) -> anyhow::Result<Self> {
        let Manifests {
            mut objects,
            refusals,
        } = read_manifests(path).with_context(|| format!("cannot read {}", path.display()))?;
        if let Some(folder) = &data {
            if !folder.is_dir() {
                bail!("--data {}: there is no such folder", folder.display());
            }
            replay::swap(&mut objects);
        }
        let source = Self {
            objects,
            refusals,
            data,
        };
        source.say_refusals();
        if !source.objects.iter().any(|object| object.kind() == "Site") {
            bail!(
                "{} holds no Site that can be used; try deploy/examples/quickstart",
                path.display()
            );
        }
        Ok(source)
    }

    /// All that is wrong at once, before anything is done with what is right.
    fn say_refusals(&self) {
        for refusal in &self.refusals {
            eprintln!("refused: {refusal}");
        }
        let objects: BTreeSet<_> = self
            .refusals
            .iter()
            .map(|refusal| (&refusal.place.file, refusal.place.line, &refusal.object))
            .collect();
        if !objects.is_empty() {
            eprintln!(
                "refused: {} of {} objects; the others go on without them",
                objects.len(),
                objects.len() + self.objects.len()
            );
        }
    }
}

/// One simulated fleet.
pub struct SimulatedFleet {
    /// The simulated time.
    pub clock: Arc<StepClock>,
    /// The hub.
    pub hub: Hub,
    /// The agent of all sites.
    pub agent: Agent,
    /// The hub's API server.
    pub hub_server: Arc<MemoryServer>,
    cluster: Cluster,
    /// What it has cost so far.
    pub totals: Totals,
}

/// What one step found.
pub struct Step {
    /// The hub's cycle.
    pub hub: Arc<commonwatt_hub::Cycle>,
    /// The sites' cycle.
    pub sites: Arc<commonwatt_site::Cycle>,
    /// When.
    pub now: DateTime<Utc>,
}

impl SimulatedFleet {
    /// A fleet from manifests, at a time, planned in a way, with a journal.
    pub fn new(
        source: &Source,
        start: DateTime<Utc>,
        planning: Planning,
        journal: Arc<dyn Journal>,
    ) -> anyhow::Result<Self> {
        let clock = Arc::new(StepClock::new(start));
        let hub_server = Arc::new(MemoryServer::new(clock.clone()));
        let sites = Arc::new(MemoryServer::new(clock.clone()));
        let (of_hub, of_sites): (Vec<Object>, Vec<Object>) =
            source.objects.iter().cloned().partition(is_hubs);
        let namespaces: Vec<Object> = of_sites
            .iter()
            .filter(|object| object.kind() == "Namespace")
            .cloned()
            .collect();
        hub_server.load(namespaces);
        hub_server.load(of_hub);
        sites.load(of_sites);
        let (keeper, _) = Keeper::open(journal).map_err(anyhow::Error::msg)?;
        let hub_store: Arc<dyn Store> = hub_server.clone();
        let identity = Identity {
            name: HUB.into(),
            uid: "simulated-hub".into(),
        };
        let agent = Agent {
            store: sites.clone(),
            hubs: vec![HubLink {
                name: HUB.into(),
                store: hub_store.clone(),
            }],
            unlinked: std::collections::BTreeMap::new(),
            keeper: Arc::new(Mutex::new(keeper)),
            data: DataFolder::new(source.data.clone()),
            mode: Mode::Enforce,
        };
        let hub = Hub::new(hub_store, identity, Mode::Enforce, planning);
        let cluster = Cluster::new(sites);
        Ok(Self {
            clock,
            hub,
            agent,
            hub_server,
            cluster,
            totals: Totals::default(),
        })
    }

    /// The first step at the start: offers, a plan, admissions.
    pub async fn begin(&mut self) -> anyhow::Result<Step> {
        self.agent.cycle(self.clock.time()).await?;
        self.step(TimeDelta::zero()).await
    }

    /// Time passes; clusters, agents and hub each take their turn.
    pub async fn step(&mut self, passed: TimeDelta) -> anyhow::Result<Step> {
        self.clock.advance(passed);
        let now = self.clock.time();
        self.cluster.step(now);
        let sites = Arc::new(self.agent.cycle(now).await?);
        let hub = Arc::new(self.hub.cycle(now).await?);
        self.totals.take(&sites, &hub, passed, now);
        Ok(Step { hub, sites, now })
    }
}

/// Whether an object lives on the hub's API server.
fn is_hubs(object: &Object) -> bool {
    let managed = object.at("spec.managedBy").is_some();
    matches!(
        object.kind(),
        "ModelDeployment" | "ModelProfile" | "PlacementPolicy" | "PlanHead"
    ) || (object.kind() == "Job" && managed)
}
