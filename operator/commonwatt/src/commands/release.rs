//! `commonwatt release`: everything given back, without a running operator.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use commonwatt_api::WorkloadAdapter;
use commonwatt_hub::let_everything_go;
use commonwatt_kubernetes::{Election, Leadership};
use commonwatt_site::give_everything_back;
use commonwatt_store::{GivenBack, Store, StoreError};
use kube::Client;

use super::access::Access;
use super::fleet::wait_for;
use crate::printed::{Output, table};
use crate::running::{AGENT_LEASE, Guarded, HUB_LEASE, Halt};

/// The chart's adapters: they go with its release, and what they say of Kubernetes' own kinds still holds.
const SHIPPED: [&str; 3] = [
    include_str!("../../../../charts/commonwatt/adapters/deployment.yaml"),
    include_str!("../../../../charts/commonwatt/adapters/statefulset.yaml"),
    include_str!("../../../../charts/commonwatt/adapters/job.yaml"),
];

/// A lease of an operator that was killed runs out in 15 s.
const LEASE_RUNS_OUT: Duration = Duration::from_secs(25);

/// Give every workload of this cluster back as it was, and let go of every object, without a running operator
#[derive(Debug, Args)]
#[command(
    after_help = "Stop the operator first, as with `helm uninstall commonwatt`. Adopted workloads get back the replicas, or the bounds of\n\
                        their autoscaler, that they had; what Commonwatt created is left running; suspended batch jobs resume; then nothing\n\
                        waits for a hub any more. With a hub and sites on several clusters, run it once for each.\n\n\
                        Examples:\n  commonwatt release --all --dry-run\n  commonwatt release --all\n  \
                        commonwatt release --all --context frankfurt -o json\n\n\
                        Exit codes: 0 all given back, 2 something was not and says why, 1 an error."
)]
pub struct Release {
    /// Everything. There is no other way: single workloads are given back by deleting their ModelDeployment
    #[arg(long, required = true)]
    all: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// The operator's namespace, where its leases are
    #[arg(long, default_value = "commonwatt-system", value_name = "NAMESPACE")]
    operator_namespace: String,
    #[command(flatten)]
    access: Access,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// For tests of crashes: stop, as if frozen, at the first place of a write that this list does not name yet
    #[arg(long, hide = true, value_name = "FILE")]
    halt_list: Option<PathBuf>,
}

impl Release {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let rows = wait_for(async {
            let cluster = self.access.cluster().await?;
            if self.dry_run {
                return self.release(cluster.store).await;
            }
            let halt = self.halt_list.as_deref().map(Halt::with).transpose();
            let halt = halt.context("--halt-list cannot be read")?;
            // Whoever has the leases is the operator: it and this command never act at once.
            let hub = self.take(&cluster.client, HUB_LEASE).await?;
            let agent = self.take(&cluster.client, AGENT_LEASE).await?;
            let held: Vec<Leadership> = [hub, agent].into_iter().flatten().collect();
            let leads = held.iter().map(Leadership::lead).collect();
            let store = Guarded::new("release", cluster.store, leads, halt);
            let rows = self.release(store).await;
            for lease in held {
                lease.resign().await;
            }
            rows
        })?;
        if rows.is_empty() {
            eprintln!("nothing here is Commonwatt's");
        }
        self.output.print(&rows, |_| text(&rows))?;
        Ok(if rows.iter().any(|row| row.failed.is_some()) {
            ExitCode::from(2)
        } else {
            ExitCode::SUCCESS
        })
    }

    /// Workloads first: an object that is let go of may take what is known of them along.
    async fn release(&self, store: Arc<dyn Store>) -> anyhow::Result<Vec<GivenBack>> {
        let mut shipped = Vec::new();
        for text in SHIPPED {
            let adapter: WorkloadAdapter = serde_saphyr::from_str(text)?;
            shipped.push(adapter);
        }
        let (store, really) = (store.as_ref(), !self.dry_run);
        let given = give_everything_back(store, &shipped, really).await;
        let mut rows = given.context("the site's records cannot be read")?;
        let let_go = let_everything_go(store, really).await;
        rows.extend(let_go.context("the hub's objects cannot be read")?);
        Ok(rows)
    }

    /// Takes a lease of the operator, or none where its namespace is gone and with it every operator.
    async fn take(&self, client: &Client, lease: &str) -> anyhow::Result<Option<Leadership>> {
        let namespace = &self.operator_namespace;
        let identity = format!("commonwatt-release-{}", std::process::id());
        let leadership = Election::new(client.clone(), namespace, lease, &identity).start();
        let lead = leadership.lead();
        let mut changes = lead.changes();
        let asked = async {
            loop {
                tokio::select! {
                    leads = changes.wait_for(|leads| *leads) => return Ok(leads.is_ok()),
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                }
                match lead.trouble() {
                    Some(StoreError::NotFound(_)) => return Ok(false),
                    Some(error @ StoreError::Forbidden(_)) => return Err(error),
                    _ => {}
                }
            }
        };
        match tokio::time::timeout(LEASE_RUNS_OUT, asked).await {
            Ok(Ok(true)) => Ok(Some(leadership)),
            Ok(Ok(false)) => Ok(None),
            Ok(Err(error)) => Err(error).with_context(|| format!("lease {namespace}/{lease}")),
            Err(_) => bail!(
                "an operator runs here: it has the lease {namespace}/{lease}. Stop it first, as with `helm uninstall commonwatt`"
            ),
        }
    }
}

fn text(rows: &[GivenBack]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = table(&["OBJECT", "MESSAGE"]);
    for row in rows {
        let message = match &row.failed {
            Some(why) => format!("not given back: {why}"),
            None => row.done.clone(),
        };
        table.add_row([row.object.clone(), message]);
    }
    format!("{table}\n")
}
