//! Step one of a cycle: every read of the site's API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use commonwatt_api::{
    AdmissionRecord, CommunityReport, GridEvent, GridSignal, HostCommunity, PowerBudget, Site,
    WaterBudget, WorkloadAdapter,
};
use commonwatt_store::{Kind, Listed, Malformed, Object, Store, StoreError, list};

/// Everything on a site's API server that an agent looks at.
#[derive(Debug, Default)]
pub struct Seen {
    /// Sites.
    pub sites: Vec<Arc<Site>>,
    /// Power budgets.
    pub power: Vec<Arc<PowerBudget>>,
    /// Water budgets.
    pub water: Vec<Arc<WaterBudget>>,
    /// Signals.
    pub signals: BTreeMap<String, Arc<GridSignal>>,
    /// Events.
    pub events: Vec<Arc<GridEvent>>,
    /// Communities.
    pub communities: Vec<Arc<HostCommunity>>,
    /// Reports that were asked for.
    pub reports: Vec<Arc<CommunityReport>>,
    /// Adapters that are installed.
    pub adapters: BTreeMap<String, Arc<WorkloadAdapter>>,
    /// Admissions.
    pub records: Vec<Arc<AdmissionRecord>>,
    /// Nodes.
    pub nodes: Vec<Arc<Object>>,
    /// Pods.
    pub pods: Vec<Arc<Object>>,
    /// Workloads of every adapter's kind, by adapter.
    pub workloads: BTreeMap<String, Vec<Arc<Object>>>,
    /// Autoscalers.
    pub autoscalers: Vec<Arc<Object>>,
    /// Objects of our kinds that could not be read.
    pub malformed: Vec<Malformed>,
}

/// Reads it all.
///
/// # Errors
/// Those of the store.
pub async fn dereference(store: &dyn Store) -> Result<Seen, StoreError> {
    let mut malformed = Vec::new();
    let sites = good(list(store, None).await?, &mut malformed);
    let power = good(list(store, None).await?, &mut malformed);
    let water = good(list(store, None).await?, &mut malformed);
    let signals = good(list::<GridSignal>(store, None).await?, &mut malformed);
    let events = good(list(store, None).await?, &mut malformed);
    let communities = good(list(store, None).await?, &mut malformed);
    let reports = good(list(store, None).await?, &mut malformed);
    let adapters = good(list::<WorkloadAdapter>(store, None).await?, &mut malformed);
    let records = good(list(store, None).await?, &mut malformed);
    let mut workloads = BTreeMap::new();
    for adapter in &adapters {
        let kind = kind_of(adapter);
        workloads.insert(
            adapter.metadata.name.clone().unwrap_or_default(),
            store.list(&kind, None).await?,
        );
    }
    Ok(Seen {
        sites,
        power,
        water,
        signals: signals
            .into_iter()
            .map(|s| (s.metadata.name.clone().unwrap_or_default(), s))
            .collect(),
        events,
        communities,
        reports,
        adapters: adapters
            .into_iter()
            .map(|a| (a.metadata.name.clone().unwrap_or_default(), a))
            .collect(),
        records,
        nodes: store.list(&Kind::NODE, None).await?,
        pods: store.list(&Kind::POD, None).await?,
        workloads,
        autoscalers: store.list(&Kind::AUTOSCALER, None).await?,
        malformed,
    })
}

fn good<T>(listed: Listed<T>, malformed: &mut Vec<Malformed>) -> Vec<Arc<T>> {
    malformed.extend(listed.malformed);
    listed.objects
}

/// The kind that an adapter is for.
pub fn kind_of(adapter: &WorkloadAdapter) -> Kind {
    Kind::from_api_version(
        &adapter.spec.api_version,
        &adapter.spec.kind,
        &adapter.spec.resource,
    )
}
