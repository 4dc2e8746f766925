//! What is on a cluster, copied into memory: there the production agent and hub can be asked what they would do if something
//! were otherwise, and nobody else sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use commonwatt_api::{
    AdmissionRecord, CommunityReport, GridEvent, GridSignal, HostCommunity, Mode, ModelDeployment,
    ModelProfile, PlacementPolicy, PlanHead, PowerBudget, Site, SiteAssignment, SiteOffer,
    WaterBudget, WorkloadAdapter,
};
use commonwatt_hub::{Cycle, Hub, Identity, Planning};
use commonwatt_simulator::{MemoryServer, StepClock};
use commonwatt_site::{Agent, DataFolder, HubLink, Keeper, kind_of};
use commonwatt_store::{Kind, Object, Store, list};

use super::HUB;
use crate::journal::MemoryJournal;

/// Objects of a cluster.
#[derive(Clone)]
pub struct Copied {
    objects: BTreeMap<Kind, Vec<Object>>,
    identity: Identity,
    mode: Mode,
    now: DateTime<Utc>,
    data: Option<PathBuf>,
}

impl Copied {
    /// Copies all that hub and agents look at.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(
        store: &dyn Store,
        identity: Identity,
        (mode, now): (Mode, DateTime<Utc>),
        data: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let mut kinds = BTreeSet::from(kinds());
        let adapters = list::<WorkloadAdapter>(store, None).await?;
        kinds.extend(adapters.objects.iter().map(|adapter| kind_of(adapter)));
        let mut objects = BTreeMap::new();
        for kind in kinds {
            let all = store.list(&kind, None).await?;
            let all = all.into_iter().map(|object| {
                let mut object = Arc::unwrap_or_clone(object);
                object.0["apiVersion"] = kind.api_version().into();
                object.0["kind"] = kind.kind.as_ref().into();
                object
            });
            objects.insert(kind.clone(), all.collect());
        }
        Ok(Self {
            objects,
            identity,
            mode,
            now,
            data,
        })
    }

    /// All of them.
    pub fn objects(&self) -> Vec<Object> {
        self.objects.values().flatten().cloned().collect()
    }

    /// The same cluster with other objects.
    #[must_use]
    pub fn with(&self, objects: Vec<Object>) -> Self {
        let known: Vec<_> = self.objects.keys().cloned().collect();
        let mut by_kind: BTreeMap<Kind, Vec<Object>> = BTreeMap::new();
        for object in objects {
            let api_version = object.0["apiVersion"].as_str().unwrap_or_default();
            let of = |kind: &&Kind| kind.kind == object.kind() && kind.api_version() == api_version;
            // Kinds that nobody looks at change nothing.
            if let Some(kind) = known.iter().find(of) {
                by_kind.entry(kind.clone()).or_default().push(object);
            }
        }
        Self {
            objects: by_kind,
            ..self.clone()
        }
    }

    /// What the hub would find and plan after the agent has looked at the sites that are here.
    ///
    /// # Errors
    /// When the agent's records cannot be kept in memory.
    pub async fn cycle(&self) -> anyhow::Result<Cycle> {
        let server = Arc::new(MemoryServer::new(Arc::new(StepClock::new(self.now))));
        for (kind, objects) in &self.objects {
            server.copy(kind, objects.clone());
        }
        let (keeper, _) =
            Keeper::open(Arc::new(MemoryJournal::default())).map_err(anyhow::Error::msg)?;
        let store: Arc<dyn Store> = server;
        let agent = Agent {
            store: store.clone(),
            hubs: vec![HubLink {
                name: self.hub_name(),
                store: store.clone(),
            }],
            unlinked: BTreeMap::new(),
            keeper: Arc::new(Mutex::new(keeper)),
            data: DataFolder::new(self.data.clone()),
            mode: Mode::Enforce,
        };
        agent.cycle(self.now).await?;
        let hub = Hub::new(
            store,
            self.identity.clone(),
            self.mode,
            Planning::Commonwatt,
        );
        Ok(hub.dry_run(self.now).await?)
    }

    /// What sites call this hub: as its assignments say, or else the one name that sites know.
    fn hub_name(&self) -> String {
        let of = |kind: Kind| self.objects.get(&kind).into_iter().flatten();
        let assignments = of(Kind::of::<SiteAssignment>());
        let mut said =
            assignments.filter_map(|one| Some(one.at("spec.hub.name")?.as_str()?.to_owned()));
        if let Some(name) = said.next() {
            return name;
        }
        let hubs = of(Kind::of::<Site>()).filter_map(|site| site.at("spec.hubs")?.as_array());
        let names: BTreeSet<_> = hubs
            .flatten()
            .filter_map(|hub| hub["name"].as_str())
            .collect();
        match names.len() {
            1 => names.into_iter().next().unwrap_or(HUB).to_owned(),
            _ => HUB.to_owned(),
        }
    }
}

/// What hub and agents look at, beside the kinds of adapters.
fn kinds() -> [Kind; 19] {
    [
        Kind::of::<AdmissionRecord>(),
        Kind::of::<CommunityReport>(),
        Kind::of::<GridEvent>(),
        Kind::of::<GridSignal>(),
        Kind::of::<HostCommunity>(),
        Kind::of::<ModelDeployment>(),
        Kind::of::<ModelProfile>(),
        Kind::of::<PlacementPolicy>(),
        Kind::of::<PlanHead>(),
        Kind::of::<PowerBudget>(),
        Kind::of::<Site>(),
        Kind::of::<SiteAssignment>(),
        Kind::of::<SiteOffer>(),
        Kind::of::<WaterBudget>(),
        Kind::of::<WorkloadAdapter>(),
        Kind::AUTOSCALER,
        Kind::JOB,
        Kind::NODE,
        Kind::POD,
    ]
}
