//! `commonwatt up`: the whole loop from a directory of manifests, with simulated clusters.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use commonwatt_api::Mode;
use commonwatt_hub::Planning;
use commonwatt_kubernetes::{Metrics, serve};
use commonwatt_planner::Rule;
use commonwatt_site::Journal;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::board::Board;
use crate::journal::{FileJournal, MemoryJournal};
use crate::measure;
use crate::printed::Output;
use crate::simulated::{SimulatedFleet, Source, Step, Totals};

/// Simulated seconds between two turns of the loop.
const TICK_SECONDS: i64 = 300;

/// Run the whole loop from a directory of manifests, with simulated clusters, a real or faster clock and a dashboard
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  commonwatt up deploy/examples/quickstart\n  \
                        commonwatt up deploy/examples/quickstart --speed 3600 --for 48h --listen 127.0.0.1:0\n  \
                        commonwatt up deploy/examples/quickstart --data DIR\n\n\
                        Ends with Ctrl-C or after --for, with what it cost beside three baselines under the same limits.\n\
                        Exit codes: 0 no limit was passed, 2 one was, 1 an error or a manifest that an API server would refuse: what is\n\
                        wrong is said, the rest runs."
)]
pub struct Up {
    /// Directory (or file) of YAML manifests: Sites, signals, budgets, deployments, nodes
    dir: PathBuf,
    /// Simulated seconds per second
    #[arg(long, default_value_t = 600.0, value_name = "N")]
    speed: f64,
    /// How long to run in simulated time, such as 48h, 90m or 7d; until Ctrl-C without it
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    length: Option<TimeDelta>,
    /// The simulated time it begins at
    #[arg(long, default_value = "2023-06-05T00:00:00Z", value_name = "TIME")]
    start: DateTime<Utc>,
    /// Where the dashboard listens; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8088", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Folder of real hourly data for signals that name a file of it
    #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder to keep the ledger in; memory without it
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// Leave the three baselines out of the summary
    #[arg(long)]
    no_baselines: bool,
    /// How to print the summary
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// `48h`, `90m`, `7d` or `3600s`.
fn duration(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("{text:?} is no length of time; write 48h, 90m, 7d or 3600s");
    let (digits, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(wrong)?;
    let count: i64 = digits.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(wrong()),
    };
    TimeDelta::try_seconds(count.saturating_mul(seconds))
        .filter(|length| *length > TimeDelta::zero())
        .ok_or_else(wrong)
}

impl Up {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        if !self.speed.is_finite() || self.speed <= 0.0 {
            bail!("--speed {}: must be above zero", self.speed);
        }
        let source = Source::read(&self.dir, self.data.clone())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let refused = !source.refusals.is_empty();
        let code = runtime.block_on(self.live(source))?;
        Ok(if refused { ExitCode::FAILURE } else { code })
    }

    async fn live(self, source: Source) -> anyhow::Result<ExitCode> {
        let listener = TcpListener::bind(self.listen).await.with_context(|| {
            format!("cannot listen on {}; choose another --listen", self.listen)
        })?;
        let address = listener.local_addr()?;
        let board = Arc::new(Board::default());
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let (pages, (_ready, is_ready)) = (board.clone(), watch::channel(true));
        let server = tokio::spawn(serve(
            listener,
            metrics.clone(),
            is_ready,
            Arc::new(move |path| pages.page(path)),
            std::future::pending(),
        ));
        let journal: Arc<dyn Journal> = match &self.ledger {
            Some(directory) => Arc::new(FileJournal::open(directory).map_err(anyhow::Error::msg)?),
            None => Arc::new(MemoryJournal::default()),
        };
        eprintln!("dashboard: http://{address}/");
        let mut ours = SimulatedFleet::new(&source, self.start, Planning::Commonwatt, journal)?;
        let baselines = (!self.no_baselines).then(|| Baselines::start(&source, self.start));
        let passed = self
            .drive(&mut ours, &board, &metrics, baselines.as_ref())
            .await?;
        let mut rows = vec![("commonwatt".to_owned(), ours.totals.clone())];
        if let Some(baselines) = baselines {
            rows.extend(baselines.at(passed).await?);
        }
        let currency = ours_currency(&ours).await;
        self.summary(&rows, &currency, passed)?;
        server.abort();
        Ok(if ours.totals.breaches == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }

    /// Turns the loop until the time is up or somebody presses Ctrl-C. Returns the simulated time that passed.
    async fn drive(
        &self,
        fleet: &mut SimulatedFleet,
        board: &Board,
        metrics: &Metrics,
        baselines: Option<&Baselines>,
    ) -> anyhow::Result<TimeDelta> {
        let bar = progress(self.length);
        let begun = Instant::now();
        let mut passed = TimeDelta::zero();
        let mut step = fleet.begin().await?;
        let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            let hours = passed.num_hours();
            board.clock(format!(
                "simulated, {} times as fast as a real one; {hours} h so far",
                self.speed
            ));
            board.hub(step.hub.clone(), step.now);
            let keeper = fleet.agent.keeper.clone();
            board.server("simulated", step.sites.clone(), keeper, step.now);
            measure::hub(metrics, &step.hub, step.now);
            measure::sites(metrics, "simulated", Mode::Enforce, &step.sites);
            line(&bar, &step, &fleet.totals, passed);
            if let Some(baselines) = baselines {
                baselines.follow(passed);
            }
            if self.length.is_some_and(|length| passed >= length) {
                break;
            }
            let due =
                Duration::from_secs_f64((passed.num_seconds() + TICK_SECONDS) as f64 / self.speed);
            let wait = due.saturating_sub(begun.elapsed());
            tokio::select! {
                _ = &mut stop => break,
                () = tokio::time::sleep(wait) => {}
            }
            passed += TimeDelta::seconds(TICK_SECONDS);
            step = fleet.step(TimeDelta::seconds(TICK_SECONDS)).await?;
        }
        bar.finish_and_clear();
        Ok(passed)
    }

    fn summary(
        &self,
        rows: &[(String, Totals)],
        currency: &str,
        passed: TimeDelta,
    ) -> anyhow::Result<()> {
        let document = json!({
            "hours": passed.num_seconds() as f64 / 3600.0,
            "currency": currency,
            "rows": rows.iter().map(|(policy, totals)| json!({ "policy": policy, "metrics": totals })).collect::<Vec<_>>(),
        });
        match self.output {
            Output::Json => println!("{}", serde_json::to_string_pretty(&document)?),
            Output::Yaml => print!("{}", serde_saphyr::to_string(&document)?),
            Output::Table | Output::Wide => print!("{}", table(rows, currency, passed)),
        }
        Ok(())
    }
}

async fn ours_currency(fleet: &SimulatedFleet) -> String {
    let seen = commonwatt_hub::dereference::dereference(fleet.hub_server.as_ref()).await;
    seen.ok()
        .and_then(|seen| {
            seen.policies
                .values()
                .next()
                .map(|policy| policy.spec.currency.clone())
        })
        .unwrap_or_else(|| "USD".into())
}

/// The same fleet under three simpler rules and the same limits. They run beside ours and no further than it has come,
/// so that the summary waits for little.
struct Baselines {
    target: watch::Sender<TimeDelta>,
    running: Vec<(&'static str, JoinHandle<anyhow::Result<Totals>>)>,
}

impl Baselines {
    fn start(source: &Source, start: DateTime<Utc>) -> Self {
        let target = watch::Sender::new(TimeDelta::zero());
        let rules = [
            ("stay at home", Rule::StayAtHome),
            ("cheapest", Rule::Cheapest),
            ("cleanest", Rule::Cleanest),
        ];
        let running = rules.map(|(name, rule)| {
            let run = follow_rule(source.clone(), start, rule, target.subscribe());
            (name, tokio::spawn(run))
        });
        Self {
            target,
            running: running.into(),
        }
    }

    /// Ours has come so far.
    fn follow(&self, passed: TimeDelta) {
        self.target.send_replace(passed);
    }

    /// What each has cost when as much time has passed as for ours.
    async fn at(self, passed: TimeDelta) -> anyhow::Result<Vec<(String, Totals)>> {
        self.target.send_replace(passed);
        // With the sender gone they stop where it left them.
        drop(self.target);
        let mut rows = Vec::new();
        for (name, task) in self.running {
            rows.push((name.to_owned(), task.await??));
        }
        Ok(rows)
    }
}

async fn follow_rule(
    source: Source,
    start: DateTime<Utc>,
    rule: Rule,
    mut target: watch::Receiver<TimeDelta>,
) -> anyhow::Result<Totals> {
    let journal = Arc::new(MemoryJournal::default());
    let mut fleet = SimulatedFleet::new(&source, start, Planning::Baseline(rule), journal)?;
    fleet.begin().await?;
    let mut passed = TimeDelta::zero();
    loop {
        while passed < *target.borrow_and_update() {
            passed += TimeDelta::seconds(TICK_SECONDS);
            fleet.step(TimeDelta::seconds(TICK_SECONDS)).await?;
            tokio::task::yield_now().await;
        }
        if target.changed().await.is_err() {
            return Ok(fleet.totals);
        }
    }
}

fn progress(length: Option<TimeDelta>) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let template = if length.is_some() {
        "{spinner} {wide_msg}"
    } else {
        "{spinner} {wide_msg} (Ctrl-C ends it)"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn line(bar: &ProgressBar, step: &Step, totals: &Totals, passed: TimeDelta) {
    let ready: u32 = step
        .sites
        .sites
        .values()
        .flat_map(|s| s.records.values())
        .map(|(_, observed)| observed.ready)
        .sum();
    let message = format!(
        "{}  {ready} replicas ready  {:.2} {}  {:.1} kg  {:.0} L  {} moves  {} breaches",
        step.now.format("%Y-%m-%d %H:%M"),
        totals.money,
        step.hub.world.currency,
        totals.kilograms,
        totals.liters,
        totals.moves,
        totals.breaches,
    );
    // Without a terminal: a line every six simulated hours.
    if bar.is_hidden() && passed.num_seconds() % 21_600 == 0 {
        eprintln!("{message}");
    }
    bar.set_message(message);
    bar.tick();
}

fn table(rows: &[(String, Totals)], currency: &str, passed: TimeDelta) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "POLICY", currency, "KG CO2E", "LITRES", "MOVES", "BREACHES", "SERVED %",
    ]);
    for (policy, totals) in rows {
        table.add_row([
            policy.clone(),
            format!("{:.2}", totals.money),
            format!("{:.1}", totals.kilograms),
            format!("{:.0}", totals.liters),
            totals.moves.to_string(),
            totals.breaches.to_string(),
            format!("{:.1}", totals.served_percent),
        ]);
    }
    for index in 1..7 {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!(
        "{:.0} simulated hours\n{table}\n",
        passed.num_seconds() as f64 / 3600.0
    )
}
