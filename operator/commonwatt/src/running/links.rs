//! How an agent speaks to the hubs that its sites list: through this process, or with kubeconfigs from Secrets beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use commonwatt_api::Site;
use commonwatt_kubernetes::{KubeStore, Lead, Metrics, from_kubeconfig};
use commonwatt_site::HubLink;
use commonwatt_store::{Kind, Object, Store};
use k8s_openapi::ByteString;

use super::agent::Place;
use super::guard::Guarded;
use super::halt::Halt;
use super::pace::{Bell, Following};

/// Secrets.
pub const SECRET: Kind = Kind::new("", "v1", "Secret", "secrets");
/// How often a Secret is looked at again. It is not watched: an agent may read the one Secret that it knows by name.
const LOOK: Duration = Duration::from_secs(30);
/// How soon after it did not work.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Ways to hubs.
pub struct Links {
    own: Option<HubLink>,
    secrets: Option<Arc<KubeStore>>,
    metrics: Option<Metrics>,
    bell: Bell,
    leads: Vec<Lead>,
    halt: Option<Arc<Halt>>,
    opened: BTreeMap<(String, String), Opened>,
}

/// A Secret that was looked at.
struct Opened {
    version: String,
    looked: Instant,
    hub: Result<(Arc<KubeStore>, Following), String>,
}

/// The kubeconfig in a Secret.
///
/// # Errors
/// In words, when there is none.
pub fn kubeconfig(secret: &Object) -> Result<Vec<u8>, String> {
    let name = format!(
        "Secret {}/{}",
        secret.namespace().unwrap_or_default(),
        secret.name()
    );
    let value = secret
        .0
        .get("data")
        .and_then(|data| data.get("kubeconfig"))
        .ok_or_else(|| format!("{name} has no key data.kubeconfig"))?;
    serde_json::from_value::<ByteString>(value.clone())
        .map(|bytes| bytes.0)
        .map_err(|error| format!("{name}: data.kubeconfig: {error}"))
}

impl Links {
    /// Those of an agent in its own cluster: the hub of this process, and whatever Secrets its sites name.
    pub fn of_site(own: Option<HubLink>, place: &Place, metrics: &Metrics) -> Self {
        Self {
            own,
            secrets: Some(Arc::new(KubeStore::new(
                place.client.clone(),
                metrics.clone(),
            ))),
            metrics: Some(metrics.clone()),
            bell: Bell::default(),
            leads: Vec::new(),
            halt: None,
            opened: BTreeMap::new(),
        }
    }

    /// That of an agent in a hub's process: this hub alone.
    pub fn of_hub(own: HubLink) -> Self {
        Self {
            own: Some(own),
            secrets: None,
            metrics: None,
            bell: Bell::default(),
            leads: Vec::new(),
            halt: None,
            opened: BTreeMap::new(),
        }
    }

    /// Writes pass only while all of these lead; news from hubs in other processes rings the agent's bell.
    pub fn under(&mut self, leads: &[Lead], halt: Option<&Arc<Halt>>, bell: &Bell) {
        self.leads = leads.to_vec();
        self.halt = halt.cloned();
        self.bell = bell.clone();
    }

    /// Links to every hub that these sites list, and why there is none to the others.
    pub async fn to(&mut self, sites: &[Arc<Site>]) -> (Vec<HubLink>, BTreeMap<String, String>) {
        let mut links = BTreeMap::new();
        let mut unlinked = BTreeMap::new();
        if let Some(own) = &self.own {
            links.insert(own.name.clone(), self.guarded(own.store.clone()));
        }
        let Some(secrets) = self.secrets.clone() else {
            return (named(links), unlinked);
        };
        for share in sites.iter().flat_map(|site| &site.spec.hubs) {
            let Some(secret) = &share.kubeconfig_secret else {
                if !links.contains_key(&share.name) {
                    let why = "the site names no spec.hubs[].kubeconfigSecret, and this process is not that hub";
                    unlinked.insert(share.name.clone(), why.to_owned());
                }
                continue;
            };
            if links.contains_key(&share.name) {
                continue;
            }
            match self.open(&secrets, &secret.namespace, &secret.name).await {
                Ok(store) => {
                    links.insert(share.name.clone(), self.guarded(store));
                }
                Err(why) => {
                    unlinked.insert(share.name.clone(), why);
                }
            }
        }
        unlinked.retain(|name, _| !links.contains_key(name));
        (named(links), unlinked)
    }

    fn guarded(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        Guarded::new("site to hub", store, self.leads.clone(), self.halt.clone())
    }

    /// The store of the hub that a Secret's kubeconfig leads to. A client is made anew only when the Secret has changed.
    async fn open(
        &mut self,
        secrets: &KubeStore,
        namespace: &str,
        name: &str,
    ) -> Result<Arc<dyn Store>, String> {
        let key = (namespace.to_owned(), name.to_owned());
        let known = self.opened.get(&key);
        let wait = known.map_or(LOOK, |known| match &known.hub {
            Ok(_) => LOOK,
            Err(_) => LOOK_AGAIN,
        });
        if known.is_none_or(|known| known.looked.elapsed() >= wait) {
            let read = secrets.get(&SECRET, Some(namespace), name).await;
            let version = match &read {
                Ok(Some(secret)) => secret.resource_version().to_owned(),
                _ => String::new(),
            };
            let same = known.is_some_and(|known| known.hub.is_ok() && known.version == version);
            // A server that is away says nothing about the Secret: what worked goes on.
            let unsure = known.is_some_and(|known| known.hub.is_ok()) && read.is_err();
            if same || unsure {
                if let Some(known) = self.opened.get_mut(&key) {
                    known.looked = Instant::now();
                }
            } else {
                let hub = match read {
                    Ok(Some(secret)) => self.connect(&secret).await,
                    Ok(None) => Err(format!("there is no Secret {namespace}/{name}")),
                    Err(error) => Err(format!("Secret {namespace}/{name}: {error}")),
                };
                let opened = Opened {
                    version,
                    looked: Instant::now(),
                    hub,
                };
                self.opened.insert(key.clone(), opened);
            }
        }
        match self.opened.get(&key).map(|opened| &opened.hub) {
            Some(Ok((store, _))) => Ok(store.clone()),
            Some(Err(why)) => Err(why.clone()),
            None => Err(format!("Secret {namespace}/{name} was not looked at")),
        }
    }

    async fn connect(&self, secret: &Object) -> Result<(Arc<KubeStore>, Following), String> {
        let metrics = self.metrics.as_ref().ok_or("no Secrets are read here")?;
        let client = from_kubeconfig(&kubeconfig(secret)?)
            .await
            .map_err(|error| format!("Secret {}: {error}", secret.name()))?;
        let store = Arc::new(KubeStore::new(client, metrics.clone()));
        let following = self.bell.follow(&store);
        Ok((store, following))
    }
}

fn named(links: BTreeMap<String, Arc<dyn Store>>) -> Vec<HubLink> {
    links
        .into_iter()
        .map(|(name, store)| HubLink { name, store })
        .collect()
}
