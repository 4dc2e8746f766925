//! Which cluster a command asks, as kubectl's flags say it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use commonwatt_kubernetes::{KubeStore, Metrics, in_context};
use kube::Client;

/// The cluster that is asked
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cluster")]
pub struct Access {
    /// Kubeconfig; KUBECONFIG, ~/.kube/config or the pod's account without it
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig, instead of the current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace, instead of the context's
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

/// A cluster that is asked.
pub struct Cluster {
    /// Its client.
    pub client: Client,
    /// Its objects.
    pub store: Arc<KubeStore>,
    /// The namespace that names without one are in.
    pub namespace: String,
}

impl Access {
    /// The cluster.
    ///
    /// # Errors
    /// When the kubeconfig gives no client.
    pub async fn cluster(&self) -> anyhow::Result<Cluster> {
        let client = in_context(self.kubeconfig.as_deref(), self.context.as_deref()).await?;
        let namespace = self.namespace.clone();
        Ok(Cluster {
            namespace: namespace.unwrap_or_else(|| client.default_namespace().to_owned()),
            store: Arc::new(KubeStore::new(
                client.clone(),
                Metrics::new(env!("CARGO_PKG_VERSION")),
            )),
            client,
        })
    }
}
