//! `commonwatt report`: what a community is told.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use commonwatt_api::{CommunityReport, ReportedFigure, conditions::types, find_condition};
use commonwatt_dashboard::community_page;
use commonwatt_fleet::Slots;
use commonwatt_ledger::{Period, Record, Report as Computed, decode};
use commonwatt_site::{Seen, report_of};
use commonwatt_store::{list, owned};
use serde_json::{Value, json};

use super::fleet::{Asked, Fleet, wait_for};
use crate::printed::table;

/// Show a community's report: its CommunityReport on the cluster, or the whole of it computed again from a ledger
#[derive(Debug, Args)]
#[command(
    after_help = "A CommunityReport holds figures. What was missed, commitments and the page are computed from the records of a ledger\n\
                        and the terms that are declared on the cluster (or in --from DIR).\n\n\
                        Examples:\n  commonwatt report niederrode\n  \
                        commonwatt report niederrode --ledger /var/lib/commonwatt -o html > niederrode.html\n  \
                        commonwatt report niederrode --ledger ledger --begin 2023-06-05T00:00:00Z --end 2023-06-06T00:00:00Z\n\n\
                        Exit codes: 0 shown, 2 shown and something was missed, 1 an error."
)]
pub struct Report {
    /// The HostCommunity
    community: String,
    /// Folder of a ledger: computes the whole report from its records
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// With --ledger: the first hour; seven days before the end without it
    #[arg(long, value_name = "TIME", requires = "ledger")]
    begin: Option<DateTime<Utc>>,
    /// With --ledger: the hour after the last; the last record's without it
    #[arg(long, value_name = "TIME", requires = "ledger")]
    end: Option<DateTime<Utc>>,
    #[command(flatten)]
    asked: Asked,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For Git.
    Yaml,
    /// The page that a town prints; needs --ledger.
    Html,
}

impl Report {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        wait_for(async {
            let fleet = self.asked.fleet().await?;
            match &self.ledger {
                Some(ledger) => self.computed(&fleet, ledger).await,
                None => self.published(&fleet).await,
            }
        })
    }

    async fn computed(&self, fleet: &Fleet, ledger: &Path) -> anyhow::Result<ExitCode> {
        let seen: Seen = commonwatt_site::dereference(fleet.sites.as_ref()).await?;
        let named = |name: &Option<String>| name.as_deref() == Some(self.community.as_str());
        let mut communities = seen.communities.iter();
        let community = communities
            .find(|community| named(&community.metadata.name))
            .with_context(|| format!("there is no HostCommunity {}", self.community))?;
        let records = records(ledger)?;
        let Some(last) = records.last() else {
            bail!("{} holds no record", ledger.display());
        };
        let end = self.end.unwrap_or(last.recorded_at);
        // Whole hours: the one that runs has no record yet and is not missing.
        let end = Slots::hourly(end, 1).start;
        let start = self.begin.unwrap_or(end - TimeDelta::days(7));
        if start >= end {
            bail!("--begin {start} is not before the end, {end}");
        }
        let report = report_of(&records, &seen, community, Period { start, end })
            .map_err(anyhow::Error::msg)?;
        match self.output {
            Form::Html => print!("{}", community_page(&report)),
            Form::Json => println!("{}", serde_json::to_string_pretty(&report)?),
            Form::Yaml => print!("{}", serde_saphyr::to_string(&report)?),
            Form::Text => print!("{}", in_words(&report)),
        }
        Ok(if report.missed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }

    async fn published(&self, fleet: &Fleet) -> anyhow::Result<ExitCode> {
        let reports = list::<CommunityReport>(fleet.sites.as_ref(), None).await?;
        let mut reports = owned(reports.objects);
        reports.retain(|report| report.spec.community == self.community);
        reports.sort_by_key(|report| report.spec.start.0);
        let Some(report) = reports.pop() else {
            bail!(
                "there is no CommunityReport of {}; apply one, or give --ledger DIR",
                self.community
            );
        };
        match self.output {
            Form::Html => bail!("the page is made from the records: give --ledger DIR"),
            Form::Json => println!("{}", serde_json::to_string_pretty(&document(&report))?),
            Form::Yaml => print!("{}", serde_saphyr::to_string(&document(&report))?),
            Form::Text => print!("{}", published_in_words(&report)),
        }
        let breaches = report.status.and_then(|status| status.breaches);
        Ok(if breaches.unwrap_or(0) == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }
}

/// A ledger's records, read and not mended.
fn records(folder: &Path) -> anyhow::Result<Vec<Record>> {
    let file = folder.join("records.jsonl");
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let reading = decode(&bytes);
    for problem in &reading.problems {
        eprintln!("warning: {}: {problem}", file.display());
    }
    Ok(reading.records)
}

fn document(report: &CommunityReport) -> Value {
    json!({
        "name": report.metadata.name, "community": report.spec.community,
        "start": report.spec.start, "end": report.spec.end, "status": report.status,
    })
}

fn head(community: &str, start: DateTime<Utc>, end: DateTime<Utc>) -> String {
    format!(
        "{community}, {} to {}\n",
        start.format("%Y-%m-%d %H:%M UTC"),
        end.format("%Y-%m-%d %H:%M UTC")
    )
}

fn published_in_words(report: &CommunityReport) -> String {
    let spec = &report.spec;
    let mut text = head(&spec.community, spec.start.0, spec.end.0);
    let status = report.status.clone().unwrap_or_default();
    match find_condition(&status.conditions, types::READY) {
        Some(ready) if ready.status != "True" => {
            let _ = writeln!(text, "{}: {}", ready.reason, ready.message);
        }
        Some(_) => {}
        None => text.push_str("no agent has computed it yet\n"),
    }
    if let Some(breaches) = status.breaches {
        let _ = writeln!(text, "limits passed: {breaches}");
    }
    let row = |figure: &ReportedFigure| {
        [
            figure.name.clone(),
            figure
                .value
                .as_ref()
                .map_or("not measured".into(), |value| value.0.clone()),
            figure.unit.clone(),
            figure.source.clone(),
            format!("{} %", figure.coverage_percent.0),
        ]
    };
    figures(&mut text, status.figures.iter().map(row));
    text
}

fn in_words(report: &Computed) -> String {
    let mut text = head(&report.display_name, report.period.start, report.period.end);
    if report.missed.is_empty() {
        text.push_str("\nNothing was missed.\n");
    } else {
        let _ = writeln!(text, "\nMissed: {}", report.missed.len());
        for missed in &report.missed {
            let site = missed.site.as_ref().map_or("", |site| site.as_str());
            let _ = writeln!(
                text,
                "  {} {site} from {}: {:.2} {} where {:.2} was the limit: {}",
                missed.which,
                missed.from.format("%m-%d %H:%M UTC"),
                missed.value,
                missed.unit,
                missed.limit,
                missed.why
            );
        }
    }
    for commitment in &report.commitments {
        let promised = &commitment.commitment;
        let value = commitment
            .value
            .map_or("not measured".into(), |value| format!("{value:.2}"));
        let _ = writeln!(
            text,
            "commitment {}: {value} of {:.2} {} {}: {:?}",
            promised.name, promised.limit, commitment.unit, promised.period, commitment.outcome
        );
    }
    let rows = report.figures.iter().map(|figure| {
        [
            figure.name.clone(),
            figure
                .value
                .map_or("not measured".into(), |value| format!("{value:.2}")),
            figure.unit.clone(),
            figure
                .source
                .map_or("-".into(), |source| format!("{source:?}").to_lowercase()),
            format!("{:.0} %", figure.coverage_percent),
        ]
    });
    figures(&mut text, rows);
    text
}

fn figures(text: &mut String, rows: impl Iterator<Item = [String; 5]>) {
    let mut table = table(&["FIGURE", "VALUE", "UNIT", "SOURCE", "COVERAGE"]);
    table.add_rows(rows);
    let _ = writeln!(text, "\n{table}");
}
