//! From what runs to what would be declared of it. Reads only; every guess is written down beside what it guessed.

mod guess;
mod owners;
mod yaml;

use anyhow::{Context, bail};
use commonwatt_api::{ModelProfile, PlacementPolicy, Site};
use commonwatt_store::{Kind, Object, Store, list, owned};

/// What can be adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    Deployment,
    StatefulSet,
    Job,
}

impl Workload {
    /// By its name in kubectl.
    pub fn named(kind: &str) -> Option<Self> {
        match kind {
            "deploy" | "deployment" | "deployments" | "deployments.apps" | "deployment.apps" => {
                Some(Self::Deployment)
            }
            "sts" | "statefulset" | "statefulsets" | "statefulsets.apps" | "statefulset.apps" => {
                Some(Self::StatefulSet)
            }
            "job" | "jobs" | "jobs.batch" | "job.batch" => Some(Self::Job),
            _ => None,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Deployment => Kind::DEPLOYMENT,
            Self::StatefulSet => Kind::STATEFUL_SET,
            Self::Job => Kind::JOB,
        }
    }

    /// The adapter that ships for it.
    fn adapter(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::Job => "job",
        }
    }
}

/// What is to be adopted, and what the person said already.
pub struct Ask<'a> {
    pub kind: Workload,
    pub name: &'a str,
    pub namespace: &'a str,
    pub site: Option<&'a str>,
    pub profile: Option<&'a str>,
    pub policy: Option<&'a str>,
}

/// The YAML, and what it leaves to be filled in.
#[derive(Debug)]
pub struct Written {
    pub yaml: String,
    pub missing: Vec<String>,
}

/// Everything that a guess is made from.
struct Found {
    workload: Object,
    sites: Vec<Site>,
    profiles: Vec<ModelProfile>,
    policies: Vec<PlacementPolicy>,
    nodes: Vec<Object>,
    pods: Vec<Object>,
    autoscalers: Vec<Object>,
}

/// Writes what would adopt a workload.
///
/// # Errors
/// When it is not there, its cluster cannot be read, or the site that is named is not there.
pub async fn write(store: &dyn Store, ask: &Ask<'_>) -> anyhow::Result<Written> {
    let found = read(store, ask).await?;
    if let Some(name) = ask.site
        && !found.sites.is_empty()
        && !found.sites.iter().any(|site| guess::name_of(site) == name)
    {
        let known: Vec<_> = found.sites.iter().map(guess::name_of).collect();
        bail!(
            "--site {name}: there is no such Site here; there are: {}",
            known.join(", ")
        );
    }
    Ok(match ask.kind {
        Workload::Job => yaml::job(ask, &found),
        Workload::Deployment | Workload::StatefulSet => yaml::deployment(ask, &found),
    })
}

async fn read(store: &dyn Store, ask: &Ask<'_>) -> anyhow::Result<Found> {
    let kind = ask.kind.kind();
    let workload = store
        .get(&kind, Some(ask.namespace), ask.name)
        .await?
        .with_context(|| {
            format!(
                "there is no {kind} {} in the namespace {}; choose another with -n",
                ask.name, ask.namespace
            )
        })?;
    // Autoscalers are told of in the header alone: whoever may not list them still gets the rest.
    let autoscalers = store.list(&Kind::AUTOSCALER, Some(ask.namespace)).await;
    Ok(Found {
        workload,
        sites: owned(list(store, None).await?.objects),
        profiles: owned(list(store, None).await?.objects),
        policies: owned(list(store, None).await?.objects),
        nodes: owned(store.list(&Kind::NODE, None).await.unwrap_or_default()),
        pods: owned(store.list(&Kind::POD, Some(ask.namespace)).await?),
        autoscalers: owned(autoscalers.unwrap_or_default()),
    })
}
