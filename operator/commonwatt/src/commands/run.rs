//! `commonwatt run`: the operator.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use commonwatt_api::Mode;
use commonwatt_kubernetes::{
    LogFormat, Metrics, ScaledClock, in_context, logging, serve, shutdown,
};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::board::Board;
use crate::running::{Bell, Context, Halt, Readiness, Role, Settings, operate};

/// Run the operator: the hub that plans and proposes, the agent that admits and enforces, or both
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  commonwatt run                                   (in a pod, as the chart starts it)\n  \
                        commonwatt run --roles hub --mode Advise --kubeconfig hub.yaml\n  \
                        commonwatt run --roles site --mode Enforce --ledger /var/lib/commonwatt\n  \
                        commonwatt run --roles hub,site --clock 2023-06-05T00:00:00Z --speed 600 --data DIR\n\n\
                        Sites that the hub is to reach itself: one Secret each in the operator's namespace, with the label\n\
                        commonwatt.dev/site-kubeconfig=<site> and a kubeconfig under the key `kubeconfig`.\n\
                        SIGTERM and Ctrl-C end it in order; workloads go on as they are."
)]
pub struct Run {
    /// What runs here
    #[arg(long, value_enum, value_delimiter = ',', default_value = "hub,site")]
    roles: Vec<Role>,
    /// How far it may go; the more cautious of this, the Site's mode and the ModelDeployment's counts
    #[arg(long, default_value = "Advise", value_parser = super::mode)]
    mode: Mode,
    /// The hub's name, as Sites list it under spec.hubs
    #[arg(long, default_value = "hub", value_name = "NAME")]
    hub_name: String,
    /// Kubeconfig of the cluster it runs on; KUBECONFIG, ~/.kube/config or the pod's account without it
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The operator's own namespace: leases, and Secrets with kubeconfigs
    #[arg(
        long,
        env = "POD_NAMESPACE",
        default_value = "commonwatt-system",
        value_name = "NAMESPACE"
    )]
    namespace: String,
    /// Secrets with kubeconfigs of sites, for an account that may not list those of the namespace; all with the label without it
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    kubeconfig_secrets: Vec<String>,
    /// What tells this process from its replicas; the host's name without it
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    identity: Option<String>,
    /// Folder of the ledger; it must outlive the process
    #[arg(long, default_value = "/var/lib/commonwatt", value_name = "DIR")]
    ledger: PathBuf,
    /// Folder of files that GridSignals name
    #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where /metrics, /healthz, /readyz and the pages are served; port 0 takes a free one
    #[arg(
        long,
        env = "COMMONWATT_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = Format::Text)]
    log_format: Format,
    /// Which log lines are written: a level, or a filter such as warn,commonwatt=debug
    #[arg(
        long,
        env = "COMMONWATT_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    log_level: String,
    /// For trials: the time it is at the start, instead of the real one
    #[arg(long, value_name = "TIME")]
    clock: Option<DateTime<Utc>>,
    /// For trials: seconds of that clock per real second
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    speed: f64,
    /// For tests of crashes: stop, as if frozen, at the first place of a write that this list does not name yet
    #[arg(long, hide = true, value_name = "FILE")]
    halt_list: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One object per line, for machines.
    Json,
    /// For people.
    Text,
}

/// The pod's name in a pod; elsewhere something that no second process on another host has.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("commonwatt-{}", std::process::id()))
}

impl Run {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let format = match self.log_format {
            Format::Json => LogFormat::Json,
            Format::Text => LogFormat::Text,
        };
        logging(format, &self.log_level)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no runtime")?;
        runtime.block_on(self.serve())?;
        Ok(ExitCode::SUCCESS)
    }

    async fn serve(self) -> anyhow::Result<()> {
        let stop = shutdown().context("cannot wait for signals")?;
        let clock = ScaledClock::new(self.clock, self.speed)?;
        let client = in_context(self.kubeconfig.as_deref(), None).await?;
        let listener = TcpListener::bind(self.listen).await.with_context(|| {
            format!("cannot listen on {}; choose another --listen", self.listen)
        })?;
        tracing::info!(address = %listener.local_addr()?, "serving metrics, probes and pages");
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let (end, ended) = watch::channel(false);
        let halt = self.halt_list.as_deref().map(Halt::with).transpose();
        let halt = halt.context("--halt-list cannot be read")?;
        let (context, ready) = self.context(clock, metrics.clone(), ended, halt);
        let board = context.board.clone();
        let (served, until) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(
            listener,
            metrics,
            ready,
            Arc::new(move |path| board.page(path)),
            async move { drop(until.await) },
        ));
        let roles = operate(context, client);
        tokio::pin!(roles);
        let result = tokio::select! {
            result = &mut roles => result,
            () = stop => {
                end.send_replace(true);
                roles.await
            }
        };
        drop(served);
        server.await.context("the web server panicked")??;
        result
    }

    fn context(
        self,
        clock: ScaledClock,
        metrics: Metrics,
        ended: watch::Receiver<bool>,
        halt: Option<Arc<Halt>>,
    ) -> (Context, watch::Receiver<bool>) {
        let has = |role| self.roles.contains(&role);
        let mut roles = Vec::new();
        if has(Role::Hub) {
            roles.push("hub");
        }
        if has(Role::Site) {
            roles.push("site");
        }
        let (readiness, ready) = Readiness::of(&roles);
        let board = Arc::new(Board::default());
        if clock.is_simulated() {
            board.clock(format!(
                "simulated, {} times as fast as a real one",
                self.speed
            ));
        }
        let settings = Settings {
            hub: has(Role::Hub),
            site: has(Role::Site),
            mode: self.mode,
            hub_name: self.hub_name,
            namespace: self.namespace,
            kubeconfig_secrets: self.kubeconfig_secrets,
            identity: self.identity.unwrap_or_else(host),
            ledger: self.ledger,
            data: self.data,
        };
        let context = Context {
            settings: Arc::new(settings),
            clock,
            metrics,
            board,
            readiness,
            ended,
            hub_bell: Bell::default(),
            sites_bell: Bell::default(),
            halt,
        };
        (context, ready)
    }
}
