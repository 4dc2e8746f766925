//! Agents of sites whose kubeconfig the hub holds in a Secret. They run in this process, under the hub's lease, and are
//! the same agents that run at sites of their own.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use commonwatt_api::annotations::SITE_KUBECONFIG;
use commonwatt_kubernetes::{KubeStore, Lead, from_kubeconfig};
use commonwatt_site::HubLink;
use commonwatt_store::{Clock, Object, Store, StoreError, owned};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Context;
use super::agent::{Place, Role};
use super::guard::Guarded;
use super::links::{Links, SECRET, kubeconfig};
use super::pace::pause;
use super::reach::Reach;

/// The agents by the name of their Secret.
pub struct Remotes {
    context: Context,
    hub: HubLink,
    lead: Lead,
    running: BTreeMap<String, Running>,
}

struct Running {
    /// Of the Secret's label and kubeconfig: another one is another agent.
    fingerprint: u64,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    async fn end(self) {
        self.stop.send_replace(true);
        // A panic in there was told by the runtime; what it held is gone either way.
        let _ = self.task.await;
    }
}

impl Remotes {
    /// None yet.
    pub fn new(context: &Context, hub: HubLink, lead: Lead) -> Self {
        Self {
            context: context.clone(),
            hub,
            lead,
            running: BTreeMap::new(),
        }
    }

    /// Brings the agents in line with the Secrets that there are. Where they cannot be read, all goes on as it is.
    pub async fn follow(&mut self, store: &KubeStore) {
        let namespace = self.context.settings.namespace.clone();
        let secrets = match self.secrets(store, &namespace).await {
            Ok(secrets) => secrets,
            Err(error) => {
                tracing::warn!(%error, namespace, "Secrets with kubeconfigs of sites cannot be read");
                return;
            }
        };
        let wanted: BTreeMap<String, &Object> = secrets
            .iter()
            .filter(|secret| secret.label(SITE_KUBECONFIG).is_some())
            .map(|secret| (secret.name().to_owned(), secret))
            .collect();
        let gone: Vec<String> = self
            .running
            .iter()
            .filter(|(name, running)| {
                running.task.is_finished()
                    || wanted
                        .get(*name)
                        .is_none_or(|secret| fingerprint(secret) != running.fingerprint)
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            if let Some(running) = self.running.remove(&name) {
                tracing::info!(secret = name, "the agent of this kubeconfig ends");
                running.end().await;
            }
        }
        for (name, secret) in wanted {
            if !self.running.contains_key(&name) {
                let running = self.start(secret);
                self.running.insert(name, running);
            }
        }
    }

    /// All Secrets of the namespace, or those that were named: an account that may read these alone can list none.
    async fn secrets(&self, store: &KubeStore, namespace: &str) -> Result<Vec<Object>, StoreError> {
        let names = &self.context.settings.kubeconfig_secrets;
        if names.is_empty() {
            return store.list(&SECRET, Some(namespace)).await.map(owned);
        }
        let mut found = Vec::new();
        for name in names {
            found.extend(store.get(&SECRET, Some(namespace), name).await?);
        }
        Ok(found)
    }

    /// Ends them all.
    pub async fn stop(&mut self) {
        let running = std::mem::take(&mut self.running);
        for agent in running.values() {
            agent.stop.send_replace(true);
        }
        for agent in running.into_values() {
            agent.end().await;
        }
    }

    fn start(&self, secret: &Object) -> Running {
        let site = secret.label(SITE_KUBECONFIG).unwrap_or_default().to_owned();
        tracing::info!(
            secret = secret.name(),
            site,
            "an agent starts for this kubeconfig"
        );
        let (stop, stopped) = watch::channel(false);
        let hub: std::sync::Arc<dyn Store> = Guarded::new(
            "hub",
            self.hub.store.clone(),
            vec![self.lead.clone()],
            self.context.halt.clone(),
        );
        let task = tokio::spawn(serve(
            self.context.clone(),
            self.hub.clone(),
            self.lead.clone(),
            secret.clone(),
            Reach::new(hub, &site),
            stopped,
        ));
        Running {
            fingerprint: fingerprint(secret),
            stop,
            task,
        }
    }
}

/// The agent of one kubeconfig. One that gives no client is tried again ever more slowly: certificates may be mounted
/// or clocks set right meanwhile. A new kubeconfig is a new agent at once.
async fn serve(
    context: Context,
    hub: HubLink,
    lead: Lead,
    secret: Object,
    mut reach: Reach,
    mut stopped: watch::Receiver<bool>,
) {
    let mut failures = 0;
    let client = loop {
        let begun = std::time::Instant::now();
        let made = match kubeconfig(&secret) {
            Ok(bytes) => from_kubeconfig(&bytes)
                .await
                .map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        let why = match made {
            Ok(client) => break client,
            Err(why) => why,
        };
        reach.unusable(&why, context.clock.now()).await;
        failures += 1;
        tokio::select! {
            () = tokio::time::sleep(pause(failures, begun)) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    };
    let name = secret.name().to_owned();
    let place = Place {
        namespace: client.default_namespace().to_owned(),
        client,
        ledger: context.settings.ledger.join(&name),
        name: name.clone(),
    };
    let agent = Role::new(&context, place, Links::of_hub(hub)).on_behalf_of(lead, reach);
    if let Err(error) = agent.run(stopped).await {
        tracing::error!(
            secret = name,
            error = format!("{error:#}"),
            "the agent of this kubeconfig cannot go on"
        );
    }
}

fn fingerprint(secret: &Object) -> u64 {
    let mut hasher = DefaultHasher::new();
    secret.label(SITE_KUBECONFIG).hash(&mut hasher);
    secret
        .at("data")
        .and_then(|data| data.get("kubeconfig"))
        .map(ToString::to_string)
        .hash(&mut hasher);
    hasher.finish()
}
