//! `commonwatt plan`: what would be placed where, and why, from a directory of manifests.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use commonwatt_audit::audit;
use commonwatt_fleet::{SiteId, SitePlacement, Slots, VariantName};
use commonwatt_hub::Planning;
use serde_json::{Value, json};

use crate::commands::Output;
use crate::journal::MemoryJournal;
use crate::simulated::{SimulatedFleet, Source, Step};

/// Plan a directory of manifests and print where everything would run, what it costs, and why not elsewhere
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  commonwatt plan deploy/examples/quickstart\n  \
                        commonwatt plan deploy/examples/quickstart -o json | jq .objective\n  \
                        commonwatt plan deploy/examples/quickstart --data DIR --start 2023-06-05T18:00:00Z\n\n\
                        Exit codes: 0 all demand is placed, 2 some is not or the audit found something, 1 an error."
)]
pub struct Plan {
    /// Directory (or file) of YAML manifests: Sites, signals, budgets, deployments, nodes
    dir: PathBuf,
    /// The moment to plan for
    #[arg(long, default_value = "2023-06-05T00:00:00Z", value_name = "TIME")]
    start: DateTime<Utc>,
    /// Folder of real hourly data for signals that name a file of it
    #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl Plan {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let source = Source::read(&self.dir, self.data.clone())?;
        for problem in &source.problems {
            eprintln!("warning: {problem}");
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no runtime")?;
        let step = runtime.block_on(async {
            let journal = Arc::new(MemoryJournal::default());
            SimulatedFleet::new(&source, self.start, Planning::Commonwatt, journal)?
                .begin()
                .await
        })?;
        for problem in &step.hub.problems {
            eprintln!(
                "warning: {} {}: {}: {}",
                problem.kind, problem.name, problem.reason, problem.message
            );
        }
        for problem in step
            .sites
            .sites
            .values()
            .flat_map(|snapshot| &snapshot.problems)
        {
            eprintln!(
                "warning: {} {}: {}: {}",
                problem.kind, problem.name, problem.reason, problem.message
            );
        }
        let report = document(&step);
        match self.output {
            Output::Table => print!("{}", tables(&step)),
            Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
            Output::Yaml => print!("{}", serde_saphyr::to_string(&report)?),
        }
        let plan = &step.hub.plan;
        let unmet = plan
            .deployments
            .values()
            .any(|decision| decision.unmet.is_some());
        let late = plan.jobs.values().any(|decision| decision.at_risk);
        let clean = !unmet && !late && step.hub.findings.is_empty() && step.hub.problems.is_empty();
        Ok(if clean {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }
}

/// The plan as a document.
pub fn document(step: &Step) -> Value {
    // Advice where something only wants advice: it plans the whole fleet.
    let (world, plan) = step
        .hub
        .advice
        .as_ref()
        .map_or((&step.hub.world, &step.hub.plan), |(w, p)| (w, p));
    let deployments: Vec<Value> = plan
        .deployments
        .iter()
        .map(|(id, decision)| {
            let sites: Vec<Value> = decision
                .sites
                .iter()
                .flat_map(|(site, variants)| variants.iter().map(move |(variant, placed)| (site, variant, placed)))
                .filter(|(_, _, placed)| placed.ceiling.first().copied().unwrap_or(0) > 0)
                .map(|(site, variant, placed)| {
                    json!({
                        "site": site, "variant": variant,
                        "replicas": placed.ceiling.first(), "floor": placed.floor.first(),
                        "watts": placed.watts, "costPerHour": placed.cost_per_hour.total(),
                        "gramsPerHour": placed.grams_per_hour, "litersPerHour": placed.liters_per_hour,
                        "reason": placed.choice.reason(), "detail": placed.choice.detail(),
                        "schedule": placed.ceiling,
                    })
                })
                .collect();
            let later: Vec<Value> = decision
                .sites
                .iter()
                .flat_map(|(site, variants)| variants.iter().map(move |(variant, placed)| (site, variant, placed)))
                .filter(|(_, _, placed)| placed.ceiling.first() == Some(&0))
                .map(|(site, variant, placed)| json!({ "site": site, "variant": variant, "schedule": placed.ceiling }))
                .collect();
            let rejected: Vec<Value> = decision
                .rejected
                .iter()
                .map(|(site, why)| json!({ "site": site, "reason": why.reason(), "detail": why.detail() }))
                .collect();
            json!({
                "namespace": id.namespace(), "name": id.name(), "sites": sites, "later": later, "rejected": rejected,
                "unmet": decision.unmet,
            })
        })
        .collect();
    let jobs: Vec<Value> = plan
        .jobs
        .iter()
        .map(|(id, decision)| {
            let rejected: Vec<Value> = decision
                .rejected
                .iter()
                .map(|(site, why)| json!({ "site": site, "reason": why.reason(), "detail": why.detail() }))
                .collect();
            json!({
                "namespace": id.namespace(), "name": id.name(), "placed": decision.placed,
                "atRisk": decision.at_risk, "rejected": rejected,
            })
        })
        .collect();
    let charged = charged(step);
    let sites: Vec<Value> = world
        .sites
        .iter()
        .map(|(site, offered)| {
            let hour = offered.hours.first();
            json!({
                "site": site,
                "wattsCharged": charged.get(site.as_str()).copied().unwrap_or(0),
                "wattsLimit": hour.map(|hour| hour.limit),
                "limitSetBy": hour.map(|hour| hour.limit_set_by.clone()),
            })
        })
        .collect();
    let parts = plan.objective.parts;
    json!({
        "at": world.slots.start,
        "hours": world.slots.count,
        "objective": { "total": plan.objective.total, "currency": world.currency, "parts": parts },
        "bound": plan.bound,
        "deployments": deployments,
        "jobs": jobs,
        "sites": sites,
        "audit": { "findings": audit(world, plan) },
        "problems": step.hub.problems,
    })
}

/// IT watts by site in the first hour of the plan.
fn charged(step: &Step) -> BTreeMap<String, i64> {
    let (world, plan) = step
        .hub
        .advice
        .as_ref()
        .map_or((&step.hub.world, &step.hub.plan), |(w, p)| (w, p));
    let mut charged = BTreeMap::new();
    for decision in plan.deployments.values() {
        for (site, variants) in &decision.sites {
            let watts: i64 = variants.values().map(|placed| placed.watts.0).sum();
            *charged.entry(site.to_string()).or_default() += watts;
        }
    }
    for (id, decision) in &plan.jobs {
        let Some(placed) = decision
            .placed
            .as_ref()
            .filter(|placed| placed.runs.first() == Some(&true))
        else {
            continue;
        };
        let shape = world
            .jobs
            .get(id)
            .and_then(|job| job.shapes.get(&placed.product));
        *charged.entry(placed.site.to_string()).or_default() +=
            shape.map_or(0, |shape| shape.watts().0);
    }
    charged
}

/// The plan as candidate tables.
fn tables(step: &Step) -> String {
    let (world, plan) = step
        .hub
        .advice
        .as_ref()
        .map_or((&step.hub.world, &step.hub.plan), |(w, p)| (w, p));
    let mut text = format!(
        "Plan for {} ({} hours ahead)\n",
        world.slots.start.format("%Y-%m-%d %H:%M UTC"),
        world.slots.count
    );
    for (id, decision) in &plan.deployments {
        let demand = world
            .deployments
            .get(id)
            .map_or(0.0, |deployment| deployment.demand.0);
        let _ = write!(text, "\n{id}: {demand:.0} tokens/s\n");
        let mut table = table(&[
            "SITE", "VARIANT", "REPLICAS", "COST/H", "KG/H", "L/H", "", "WHY",
        ]);
        for (site, variants) in &decision.sites {
            for (variant, placed) in variants {
                let replicas = placed.ceiling.first().copied().unwrap_or(0);
                if replicas == 0 {
                    table.add_row(later(site, variant, placed, &world.slots));
                    continue;
                }
                table.add_row([
                    site.to_string(),
                    variant.to_string(),
                    replicas.to_string(),
                    format!("{:.2}", placed.cost_per_hour.total().0),
                    format!("{:.2}", placed.grams_per_hour.0 / 1000.0),
                    format!("{:.1}", placed.liters_per_hour.0),
                    "chosen".into(),
                    placed.choice.detail(),
                ]);
            }
        }
        for (site, why) in &decision.rejected {
            let row = [
                site.to_string(),
                "-".into(),
                "-".into(),
                "-".into(),
                "-".into(),
                "-".into(),
            ];
            table.add_row(
                row.into_iter()
                    .chain([why.reason().to_owned(), why.detail()]),
            );
        }
        let _ = writeln!(text, "{table}");
        if let Some(unmet) = &decision.unmet {
            let _ = writeln!(
                text,
                "UNMET: {:.0} tokens/s have no place, {} sites too few",
                unmet.tokens_per_second.0, unmet.sites_missing
            );
            for (site, limit) in &unmet.full {
                let _ = writeln!(text, "  {site} takes no more: {}", limit.detail());
            }
        }
    }
    for (id, decision) in &plan.jobs {
        let _ = write!(text, "\n{id} (batch)\n");
        let mut table = table(&["SITE", "ON", "HOURS", "COST", "", "WHY"]);
        if let Some(placed) = &decision.placed {
            let strip: String = placed
                .runs
                .iter()
                .map(|runs| if *runs { '#' } else { '.' })
                .collect();
            table.add_row([
                placed.site.to_string(),
                placed.product.to_string(),
                strip,
                format!("{:.2}", placed.cost.total().0),
                if decision.at_risk {
                    "AT RISK".into()
                } else {
                    "chosen".to_owned()
                },
                format!(
                    "waiting saves {:.2} against starting at once",
                    placed.saved_by_waiting.0
                ),
            ]);
        }
        for (site, why) in &decision.rejected {
            let row = [site.to_string(), "-".into(), "-".into(), "-".into()];
            table.add_row(
                row.into_iter()
                    .chain([why.reason().to_owned(), why.detail()]),
            );
        }
        let _ = writeln!(text, "{table}");
    }
    text.push_str("\nSites in the first hour\n");
    let mut sites = table(&["SITE", "CHARGED", "LIMIT", "SET BY"]);
    let charged = charged(step);
    for (site, offered) in &world.sites {
        let Some(hour) = offered.hours.first() else {
            continue;
        };
        let watts = commonwatt_fleet::Watts(charged.get(site.as_str()).copied().unwrap_or(0));
        sites.add_row([
            site.to_string(),
            watts.to_string(),
            hour.limit.to_string(),
            hour.limit_set_by.clone(),
        ]);
    }
    let _ = writeln!(text, "{sites}");
    let lower = plan
        .bound
        .lower
        .map_or("not computed".into(), |lower| format!("{:.2}", lower.0));
    let _ = write!(
        text,
        "\n{} {:.2} over {} hours ({}); no plan can cost less than {lower}\n",
        world.currency,
        plan.objective.total.0,
        world.slots.count,
        commonwatt_fleet::reason::describe(&plan.objective.parts),
    );
    match audit(world, plan).as_slice() {
        [] => text.push_str("The audit found nothing.\n"),
        findings => {
            for finding in findings {
                let _ = writeln!(text, "AUDIT: {finding}");
            }
        }
    }
    text
}

/// The row of a place that has its turn later.
fn later(
    site: &SiteId,
    variant: &VariantName,
    placed: &SitePlacement,
    slots: &Slots,
) -> [String; 8] {
    let first = placed.ceiling.iter().position(|count| *count > 0);
    let most = placed.ceiling.iter().max().copied().unwrap_or(0);
    let from = first.map_or(String::new(), |slot| {
        format!(
            "up to {most} from {}",
            slots.begin(slot).format("%m-%d %H:%M UTC")
        )
    });
    let none = || "-".to_owned();
    [
        site.to_string(),
        variant.to_string(),
        "0".into(),
        none(),
        none(),
        none(),
        "later".into(),
        from,
    ]
}

/// A table that fits its terminal, numbers to the right.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    for (index, name) in header.iter().enumerate() {
        let numeric = matches!(*name, "REPLICAS" | "COST/H" | "KG/H" | "L/H" | "COST");
        if let Some(column) = table.column_mut(index).filter(|_| numeric) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
