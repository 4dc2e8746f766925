//! A fleet in memory with its faults.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_api::Mode;
use commonwatt_hub::{Hub, Identity, Planning};
use commonwatt_manifests::{Manifests, read_manifests};
use commonwatt_simulator::{Cluster, MemoryServer, StepClock};
use commonwatt_site::{Agent, DataFolder, HubLink, Journal, Keeper};
use commonwatt_store::{Kind, Object, Store};
use serde_json::json;

use crate::Result;

const HUB: &str = "hub";
/// Kinds that tests look at; as constants, since [`Kind::of`] is none.
pub const POWER_BUDGET: Kind = ours("PowerBudget", "powerbudgets");
pub const RECORD: Kind = ours("AdmissionRecord", "admissionrecords");
pub const ASSIGNMENT: Kind = ours("SiteAssignment", "siteassignments");
pub const MODEL: Kind = ours("ModelDeployment", "modeldeployments");
pub const OFFER: Kind = ours("SiteOffer", "siteoffers");
pub const PROFILE: Kind = ours("ModelProfile", "modelprofiles");
pub const SITE: Kind = ours("Site", "sites");
pub const SIGNAL: Kind = ours("GridSignal", "gridsignals");
pub const HEAD: Kind = ours("PlanHead", "planheads");

const fn ours(kind: &'static str, plural: &'static str) -> Kind {
    Kind::new(commonwatt_api::GROUP, commonwatt_api::VERSION, kind, plural)
}

/// Something that goes wrong, or that a person does.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The hub's API server does not answer for so many steps.
    HubAway(usize),
    /// The sites' API server does not answer for so many steps.
    SitesAway(usize),
    /// The hub dies after so many writes of its next turn, and starts again with nothing in its memory.
    HubDies(usize),
    /// The agent dies after so many writes of its next turn.
    AgentDies(usize),
    /// London's limit is set to so many hundreds of watts.
    Limit(i64),
}

/// What hub and agent found in a turn; nothing where a server did not answer or the process died.
#[derive(Default)]
pub struct Turn {
    pub sites: Option<commonwatt_site::Cycle>,
    pub hub: Option<commonwatt_hub::Cycle>,
    pub failures: Vec<String>,
}

/// Hub, agent, their servers and the cluster.
pub struct Fleet {
    clock: Arc<StepClock>,
    pub hub_server: Arc<MemoryServer>,
    pub sites: Arc<MemoryServer>,
    hub: Hub,
    agent: Agent,
    journal: Arc<Lines>,
    cluster: Cluster,
    hub_away: usize,
    sites_away: usize,
    hub_dies: Option<usize>,
    agent_dies: Option<usize>,
}

/// A ledger that outlives its process.
#[derive(Default)]
pub struct Lines(Mutex<Vec<u8>>);

impl Journal for Lines {
    fn append(&self, lines: &[u8]) -> std::result::Result<(), String> {
        self.0.lock().expect("lines").extend_from_slice(lines);
        Ok(())
    }

    fn read(&self) -> std::result::Result<Vec<u8>, String> {
        Ok(self.0.lock().expect("lines").clone())
    }
}

fn is_hubs(object: &Object) -> bool {
    let kinds = ["ModelDeployment", "ModelProfile", "PlacementPolicy"];
    kinds.contains(&object.kind()) || object.at("spec.managedBy").is_some()
}

/// A hub of our name over any store.
pub fn hub(store: Arc<dyn Store>) -> Hub {
    let identity = Identity {
        name: HUB.into(),
        uid: "simulated-hub".into(),
    };
    Hub::new(store, identity, Mode::Enforce, Planning::Commonwatt)
}

fn agent(sites: Arc<MemoryServer>, hub: Arc<MemoryServer>, journal: Arc<Lines>) -> Result<Agent> {
    let (keeper, broken) = Keeper::open(journal)?;
    if !broken.is_empty() {
        return Err(format!("broken lines in the ledger: {broken:?}").into());
    }
    let link = HubLink {
        name: HUB.into(),
        store: hub,
    };
    Ok(Agent {
        store: sites,
        hubs: vec![link],
        unlinked: BTreeMap::new(),
        keeper: Arc::new(Mutex::new(keeper)),
        data: DataFolder::new(None),
        mode: Mode::Enforce,
    })
}

fn quickstart() -> Result<Vec<Object>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples/quickstart");
    let Manifests { objects, refusals } = read_manifests(&folder)?;
    match refusals.first() {
        Some(refusal) => Err(refusal.to_string().into()),
        None => Ok(objects),
    }
}

impl Fleet {
    /// The fleet of the quickstart.
    pub fn quickstart(start: DateTime<Utc>) -> Result<Self> {
        Self::of(start, quickstart()?)
    }

    /// The halls of the quickstart with nothing to place but what is given.
    pub fn halls_with(start: DateTime<Utc>, given: Vec<Object>) -> Result<Self> {
        let mut objects = quickstart()?;
        objects.retain(|object| !matches!(object.kind(), "ModelDeployment" | "Job" | "GridEvent"));
        objects.extend(given);
        Self::of(start, objects)
    }

    fn of(start: DateTime<Utc>, objects: Vec<Object>) -> Result<Self> {
        let clock = Arc::new(StepClock::new(start));
        let hub_server = Arc::new(MemoryServer::new(clock.clone()));
        let sites = Arc::new(MemoryServer::new(clock.clone()));
        let (of_hub, of_sites): (Vec<Object>, Vec<Object>) = objects.into_iter().partition(is_hubs);
        hub_server.load(of_hub);
        sites.load(of_sites);
        let journal = Arc::new(Lines::default());
        Ok(Self {
            hub: hub(hub_server.clone()),
            agent: agent(sites.clone(), hub_server.clone(), journal.clone())?,
            cluster: Cluster::new(sites.clone()),
            clock,
            hub_server,
            sites,
            journal,
            hub_away: 0,
            sites_away: 0,
            hub_dies: None,
            agent_dies: None,
        })
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.time()
    }

    /// Writes to both servers so far.
    pub fn writes(&self) -> usize {
        self.hub_server.writes() + self.sites.writes()
    }

    pub async fn suffer(&mut self, fault: Fault) -> Result {
        match fault {
            Fault::HubAway(steps) => self.hub_away = steps,
            Fault::SitesAway(steps) => self.sites_away = steps,
            Fault::HubDies(writes) => self.hub_dies = Some(writes),
            Fault::AgentDies(writes) => self.agent_dies = Some(writes),
            Fault::Limit(hundreds) => {
                // A person waits until the server answers again.
                self.sites.set_unreachable(false);
                let patch = json!({ "spec": { "limit": format!("{}", hundreds * 100) } });
                self.sites
                    .merge(&POWER_BUDGET, None, "london-hall", &patch)
                    .await?;
            }
        }
        Ok(())
    }

    /// A turn of the agent while nothing else happens.
    pub async fn agent_alone(&self) -> Result<commonwatt_site::Cycle> {
        Ok(self.agent.cycle(self.now()).await?)
    }

    /// The agent starts again with nothing in its memory.
    pub fn restart_agent(&mut self) -> Result {
        let (sites, hub) = (self.sites.clone(), self.hub_server.clone());
        self.agent = agent(sites, hub, self.journal.clone())?;
        Ok(())
    }

    /// From now on everything answers and nobody dies.
    pub fn heal(&mut self) {
        (self.hub_away, self.sites_away) = (0, 0);
        (self.hub_dies, self.agent_dies) = (None, None);
    }

    /// Time passes; the cluster, the agent and the hub take their turns.
    pub async fn turn(&mut self, passed: TimeDelta) -> Turn {
        self.clock.advance(passed);
        self.cluster.step(self.now());
        self.hub_server.set_unreachable(self.hub_away > 0);
        self.sites.set_unreachable(self.sites_away > 0);
        self.hub_away = self.hub_away.saturating_sub(1);
        self.sites_away = self.sites_away.saturating_sub(1);
        let mut turn = Turn::default();
        self.agents_turn(&mut turn).await;
        self.hubs_turn(&mut turn).await;
        turn
    }

    async fn agents_turn(&mut self, turn: &mut Turn) {
        let dies = self.agent_dies.take();
        self.sites.crash_after_writes(dies);
        let result = self.agent.cycle(self.now()).await;
        self.sites.crash_after_writes(None);
        if dies.is_some() {
            let again = agent(
                self.sites.clone(),
                self.hub_server.clone(),
                self.journal.clone(),
            );
            match again {
                Ok(again) => self.agent = again,
                Err(error) => turn.failures.push(error.to_string()),
            }
            return;
        }
        match result {
            Ok(cycle) => {
                turn.failures
                    .extend(cycle.failures.iter().map(ToString::to_string));
                turn.sites = Some(cycle);
            }
            Err(error) => turn.failures.push(format!("agent: {error}")),
        }
    }

    async fn hubs_turn(&mut self, turn: &mut Turn) {
        let dies = self.hub_dies.take();
        self.hub_server.crash_after_writes(dies);
        let result = self.hub.cycle(self.now()).await;
        self.hub_server.crash_after_writes(None);
        if dies.is_some() {
            self.hub = hub(self.hub_server.clone());
            return;
        }
        match result {
            Ok(cycle) => {
                turn.failures
                    .extend(cycle.failures.iter().map(ToString::to_string));
                turn.hub = Some(cycle);
            }
            Err(error) => turn.failures.push(format!("hub: {error}")),
        }
    }
}
