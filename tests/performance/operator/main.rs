//! How fast deployments are admitted, and what that costs: one real `commonwatt run` with a hub and a hundred sites on
//! three real API servers, beside what the same servers give a bare client in the same run.
//!
//! The servers have no controllers behind them: what a cluster does with the workloads that are made is its own affair.

mod admissions;
mod bare;
mod fleet;
mod operator;
mod servers;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

use admissions::{Admissions, Latency};
use fleet::Fleet;
use operator::Operator;
use servers::Counted;
use table::Row;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Requests that the bench has in flight.
const IN_FLIGHT: usize = 32;

/// What is to be measured.
#[derive(Parser)]
#[command(name = "cargo xtask bench operator")]
struct Arguments {
    /// Deployments to admit; several runs with a comma.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    deployments: Vec<usize>,
    /// Sites, spread over the API servers.
    #[arg(long, default_value_t = 100)]
    sites: usize,
    /// API servers; the first is the hub's as well.
    #[arg(long, default_value_t = 3)]
    servers: usize,
    /// How long idle writes are counted.
    #[arg(long, default_value_t = 60)]
    idle_seconds: u64,
    /// How the result is printed.
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
    /// What `cargo bench` passes to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Table,
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(rows) => {
            match arguments.output {
                Output::Table => print!("{}", table::table(&rows)),
                Output::Json => println!("{}", table::json(&rows)),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut rows = Vec::new();
    for &deployments in &arguments.deployments {
        rows.push(runtime.block_on(run(arguments, deployments))?);
    }
    Ok(rows)
}

/// One fleet from nothing, and what admitting so many deployments took.
async fn run(arguments: &Arguments, deployments: usize) -> Result<Row> {
    let say = |what: &str| eprintln!("{deployments} deployments: {what}");
    say("API servers, sites and nodes");
    let fleet = Fleet::start(arguments.servers, arguments.sites, deployments).await?;
    say("what a bare client gets");
    let bare = bare::measure(&fleet, deployments.clamp(1_000, 3_000)).await?;
    say("the operator starts");
    let operator = Operator::start(&fleet)?;
    fleet.wait_for_offers(arguments.sites).await?;
    let before = Counted::of(&fleet).await?;
    let cpu_before = operator.usage()?;
    let admissions = Admissions::watch(&fleet, deployments);
    say("applying");
    let begun = Instant::now();
    let applied = fleet.apply_deployments(deployments).await?;
    let applied_in = begun.elapsed();
    let latency = admissions
        .all(&applied, begun, |admitted| {
            eprintln!(
                "  {admitted} of {deployments} admitted after {:.1} s",
                begun.elapsed().as_secs_f64()
            );
        })
        .await?;
    let during = Counted::of(&fleet).await?.since(&before);
    let cpu = operator.usage()?.since(&cpu_before);
    say("settling");
    let settled = fleet.wait_until_quiet().await?;
    let all = Counted::of(&fleet).await?.since(&before);
    let quiet = Counted::of(&fleet).await?;
    say("idle");
    let idle_cpu = operator.usage()?;
    tokio::time::sleep(Duration::from_secs(arguments.idle_seconds)).await;
    let idle = Counted::of(&fleet).await?.since(&quiet);
    let idle_cpu = operator.usage()?.since(&idle_cpu);
    let row = Row {
        deployments,
        sites: arguments.sites,
        bare,
        applied_in,
        latency,
        during,
        all,
        settled,
        idle,
        idle_for: Duration::from_secs(arguments.idle_seconds),
        idle_cpu,
        cpu,
        peak_memory: operator.usage()?.peak_memory,
        rounds: operator.rounds()?,
    };
    operator.end()?;
    Ok(row)
}

impl Row {
    /// Deployments admitted per second, from the first apply to the last admission.
    fn admitted_per_second(&self) -> f64 {
        let Latency { last, .. } = self.latency;
        self.deployments as f64 / last.as_secs_f64().max(1e-9)
    }

    /// Writes of the operator while it admitted, beside the bench's own applies.
    fn writes(&self) -> f64 {
        self.during.writes - self.deployments as f64
    }
}
