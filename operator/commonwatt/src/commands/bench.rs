//! `commonwatt bench planner`: how the planner does on a synthetic fleet, or on a saved world.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::CellAlignment;
use commonwatt_families::measure::{Extent, Measured, measure};
use commonwatt_families::{Family, Size, mps, world};
use commonwatt_fleet::World;
use serde::Serialize;

use crate::printed::table;
use crate::saved::Saved;

/// Measure on this machine, now
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  commonwatt bench planner --family scarce")]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Planner(Planner),
}

/// Plan a synthetic fleet from nothing, after changes of 1 and 5 % and after the loss of a site: bounds, time, memory, moves
#[derive(Debug, Args)]
#[command(
    after_help = "The same family, sizes and seed give the same fleet on every machine; instanceHash tells fleets apart.\n\n\
                        Examples:\n  commonwatt bench planner --family scarce --deployments 1000 --sites 50 --hours 24\n  \
                        commonwatt bench planner --seed 3 -o json | jq '{lower, upper, gapPercent, coldSeconds}'\n  \
                        commonwatt bench planner --deployments 40 --sites 12 --hours 6 --mps fleet.mps     (for other solvers)\n  \
                        commonwatt bench planner --world world.json\n\n\
                        Exit codes: 0 measured, 2 the audit found something, 1 an error."
)]
struct Planner {
    /// What binds in the fleet
    #[arg(long, default_value = "slack", value_parser = family())]
    family: Family,
    /// Deployments of the fleet
    #[arg(long, default_value_t = 1000)]
    deployments: usize,
    /// Sites of the fleet
    #[arg(long, default_value_t = 50)]
    sites: usize,
    /// Hours of the horizon
    #[arg(long, default_value_t = 24)]
    hours: usize,
    /// Another fleet of the same kind
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plan this world, which `commonwatt world` saved, instead of a synthetic one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["family", "deployments", "sites", "hours", "seed"])]
    world: Option<PathBuf>,
    /// Write the mixed-integer program of the fleet too, in free MPS
    #[arg(long, value_name = "FILE")]
    mps: Option<PathBuf>,
    /// Plan once, from nothing
    #[arg(long)]
    cold: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    output: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

fn family() -> impl TypedValueParser<Value = Family> {
    let names = Family::ALL.map(|family| PossibleValue::new(family.name()).help(family.about()));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Family>())
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Document {
    /// None for a world that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(flatten)]
    measured: Measured,
}

impl Bench {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let What::Planner(planner) = self.what;
        planner.run()
    }
}

impl Planner {
    fn run(self) -> anyhow::Result<ExitCode> {
        let world = match &self.world {
            Some(file) => Saved::read(file)?.world,
            None => world(self.family, self.size(), self.seed),
        };
        if let Some(file) = &self.mps {
            write(&world, file).with_context(|| format!("cannot write {}", file.display()))?;
        }
        let extent = Extent {
            warm: !self.cold,
            audit: true,
        };
        let synthetic = self.world.is_none();
        let document = Document {
            family: synthetic.then(|| self.family.name()),
            seed: synthetic.then_some(self.seed),
            measured: measure(&world, extent)?,
        };
        match self.output {
            Form::Json => println!("{}", serde_json::to_string_pretty(&document)?),
            Form::Table => print!("{}", text(&document)),
        }
        Ok(if document.measured.feasible {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }

    fn size(&self) -> Size {
        Size {
            deployments: self.deployments,
            sites: self.sites,
            hours: self.hours,
        }
    }
}

fn write(world: &World, file: &Path) -> std::io::Result<()> {
    let mut to = BufWriter::new(File::create(file)?);
    mps::write(world, &mut to)?;
    to.flush()
}

fn text(document: &Document) -> String {
    let m = &document.measured;
    let mut table = table(&["PLAN", "SECONDS", "GAP-%", "MOVES"]);
    let mut row = |name: &str, seconds: f64, gap: Option<f64>, moves: u64| {
        let gap = gap.map_or_else(|| "-".to_owned(), |gap| format!("{gap:.3}"));
        table.add_row([
            name.to_owned(),
            format!("{seconds:.3}"),
            gap,
            moves.to_string(),
        ]);
    };
    row("from nothing", m.cold_seconds, m.gap_percent, m.moves);
    if let Some(a) = &m.after {
        row(
            "once more",
            a.again_seconds,
            a.again_gap_percent,
            a.again_moves,
        );
        row(
            "after 1 %",
            a.warm_seconds,
            a.warm_gap_percent,
            a.warm_moves,
        );
        row(
            "after 5 %",
            a.warm5_seconds,
            a.warm5_gap_percent,
            a.warm5_moves,
        );
        row(
            "after a loss",
            a.loss_seconds,
            a.loss_gap_percent,
            a.loss_moves,
        );
    }
    for column in 1..4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut lines = vec![
        format!(
            "{}{} deployments and {} jobs at {} sites over {} slots, instance {}",
            document
                .family
                .map_or_else(String::new, |name| format!("{name}: ")),
            m.deployments,
            m.jobs,
            m.sites,
            m.slots,
            m.instance_hash
        ),
        table.to_string(),
        bounds(m),
    ];
    if m.audit_findings > 0 {
        lines.push(format!("{} findings of the audit:", m.audit_findings));
        lines.extend(m.findings.iter().map(|finding| format!("  {finding}")));
    }
    lines.join("\n") + "\n"
}

fn bounds(m: &Measured) -> String {
    let lower = m
        .lower
        .map_or_else(|| "none".to_owned(), |lower| format!("{lower:.2}"));
    let memory = m.peak_rss_bytes.map_or_else(String::new, |bytes| {
        format!(", {:.0} MiB at most", bytes as f64 / 1_048_576.0)
    });
    format!(
        "cost {:.2}, no plan below {lower}; {:.2} % of tokens not served, {} jobs at risk{memory}",
        m.upper, m.unserved_percent, m.jobs_at_risk
    )
}
