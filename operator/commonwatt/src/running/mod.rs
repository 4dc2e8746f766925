//! `commonwatt run`: hub and agents over real API servers, each in a loop of its own.

mod agent;
mod guard;
mod halt;
mod hub;
mod links;
mod pace;
mod reach;
mod remotes;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use commonwatt_api::Mode;
use commonwatt_kubernetes::{Lead, Metrics, ScaledClock};
use commonwatt_site::HubLink;
use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::board::Board;

pub use agent::LEASE as AGENT_LEASE;
pub use guard::Guarded;
pub use halt::Halt;
pub use hub::LEASE as HUB_LEASE;
pub use links::{SECRET, kubeconfig};
pub use pace::Bell;

/// What may run in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Plans and proposes.
    Hub,
    /// Admits and enforces.
    Site,
}

/// What is asked of this process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether the hub runs here.
    pub hub: bool,
    /// Whether the agent of this cluster's sites runs here.
    pub site: bool,
    /// How far hub and agents may go.
    pub mode: Mode,
    /// The hub's name.
    pub hub_name: String,
    /// The operator's namespace: leases, and Secrets with kubeconfigs.
    pub namespace: String,
    /// Secrets with kubeconfigs of sites; empty: all in that namespace that have the label.
    pub kubeconfig_secrets: Vec<String>,
    /// What tells this process from another of the same deployment.
    pub identity: String,
    /// Where ledgers are kept.
    pub ledger: PathBuf,
    /// Where files that signals name are.
    pub data: Option<PathBuf>,
}

/// What every loop needs of its process.
#[derive(Clone)]
pub struct Context {
    /// What is asked.
    pub settings: Arc<Settings>,
    /// The one clock.
    pub clock: ScaledClock,
    /// Metrics.
    pub metrics: Metrics,
    /// What pages are made of.
    pub board: Arc<Board>,
    /// Which roles are up.
    pub readiness: Arc<Readiness>,
    /// True when the process is asked to end.
    pub ended: watch::Receiver<bool>,
    /// Wakes the hub of this process.
    pub hub_bell: Bell,
    /// Wakes every agent of this process.
    pub sites_bell: Bell,
    /// For tests of crashes alone.
    pub halt: Option<Arc<Halt>>,
}

impl Context {
    /// Done when the process is asked to end.
    pub async fn end(&self) {
        // An error means that nobody is there any more to ask.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

/// Which roles have not come up yet. The process is ready when there are none.
pub struct Readiness {
    missing: Mutex<Vec<&'static str>>,
    ready: watch::Sender<bool>,
}

impl Readiness {
    /// Not ready until all of these are up.
    pub fn of(roles: &[&'static str]) -> (Arc<Self>, watch::Receiver<bool>) {
        let (ready, is_ready) = watch::channel(false);
        let missing = Mutex::new(roles.to_vec());
        (Arc::new(Self { missing, ready }), is_ready)
    }

    /// A role is up too when another process leads and this one waits for its turn.
    pub fn up_if_standby(&self, role: &str, lead: &Lead) {
        if !lead.is_leader() && lead.trouble().is_none() {
            self.up(role);
        }
    }

    /// A role has done its first round.
    pub fn up(&self, role: &str) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.retain(|other| *other != role);
        self.ready.send_if_modified(|ready| {
            let now = missing.is_empty();
            std::mem::replace(ready, now) != now
        });
    }
}

/// What a candidate for a lease waited for.
pub enum Waited {
    /// It leads.
    Leads,
    /// The loop is asked to end.
    Ended,
    /// Neither, for a while.
    Longer,
}

/// Waits for the lease, for a while at a time, so that what keeps it from this process can be told meanwhile.
pub async fn wait_to_lead(lead: &Lead, ended: &mut watch::Receiver<bool>) -> Waited {
    let mut changes = lead.changes();
    tokio::select! {
        leads = changes.wait_for(|leads| *leads) => match leads {
            Ok(_) => Waited::Leads,
            Err(_) => Waited::Ended,
        },
        _ = ended.wait_for(|ended| *ended) => Waited::Ended,
        () = tokio::time::sleep(Duration::from_secs(2)) => Waited::Longer,
    }
}

/// A round goes on this long when the process is asked to end. Kubernetes kills it after 30 s, and leases are to be given
/// back before.
const FAREWELL: Duration = Duration::from_secs(10);

/// Does work to its end, or until some time after `ended`; then it is left where it is, as a crash would leave it.
pub async fn until_ended<T>(
    work: impl Future<Output = T>,
    mut ended: watch::Receiver<bool>,
) -> Option<T> {
    let farewell = async {
        let _ = ended.wait_for(|ended| *ended).await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        done = work => Some(done),
        () = farewell => None,
    }
}

/// Runs the roles until the process is asked to end, then ends them in order: what is being written is finished if it
/// does not take long, and leases are given back.
///
/// # Errors
/// When a role cannot go on at all.
pub async fn operate(context: Context, client: Client) -> anyhow::Result<()> {
    let mut roles = JoinSet::new();
    let mut own = None;
    if context.settings.hub {
        let hub = hub::Role::new(&context, client.clone());
        own = Some(hub.link());
        roles.spawn(hub.run());
    }
    if context.settings.site {
        roles.spawn(local_agent(context.clone(), client, own));
    }
    while let Some(ended) = roles.join_next().await {
        ended.context("a role panicked")??;
    }
    Ok(())
}

/// The agent of this cluster's own sites.
async fn local_agent(context: Context, client: Client, own: Option<HubLink>) -> anyhow::Result<()> {
    let place = agent::Place {
        name: "local".into(),
        client,
        namespace: context.settings.namespace.clone(),
        ledger: context.settings.ledger.clone(),
    };
    let links = links::Links::of_site(own, &place, &context.metrics);
    agent::Role::new(&context, place, links)
        .run(context.ended.clone())
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_left_when_the_process_shall_end_and_what_ends_in_time_is_not() {
        let (end, ended) = watch::channel(false);
        let quick = tokio::time::sleep(FAREWELL / 2);
        let endless = std::future::pending::<()>();
        let both = tokio::spawn(async move {
            let first = until_ended(quick, ended.clone()).await;
            (first, until_ended(endless, ended).await)
        });
        end.send_replace(true);
        assert_eq!(both.await.expect("both"), (Some(()), None));
    }
}
