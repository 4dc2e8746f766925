//! `commonwatt monitoring`: dashboards, alerts and the page of metrics.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use commonwatt_kubernetes::metrics::reference;
use serde_json::Value;

use crate::monitoring::{FLEET, SITE, rules};

/// Print a Grafana dashboard, the alert rules, or the page of all metrics
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  commonwatt monitoring fleet > fleet.json       (import it into Grafana)\n  \
                        commonwatt monitoring alerts > alerts.yaml     (under rule_files of prometheus.yml)\n  \
                        commonwatt monitoring --write .                (in a checkout: the committed copies)\n\n\
                        With Helm: --set dashboards.enabled=true,prometheusRule.enabled=true,serviceMonitor.enabled=true"
)]
pub struct Monitoring {
    /// What to print
    #[arg(value_enum, required_unless_present = "write")]
    what: Option<What>,
    /// Write every generated file below this checkout
    #[arg(long, value_name = "CHECKOUT", conflicts_with = "what")]
    write: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Dashboard of a hub's fleet: demand, capacity, costs.
    Fleet,
    /// Dashboard of sites: power, water, signals.
    Site,
    /// Alert rules with runbooks, for Prometheus' own configuration.
    Alerts,
    /// The page of all metrics, as Markdown.
    Metrics,
}

impl What {
    fn text(self) -> anyhow::Result<String> {
        match self {
            Self::Fleet => pretty(&FLEET.json()),
            Self::Site => pretty(&SITE.json()),
            Self::Alerts => serde_saphyr::to_string(&rules()).context("the rules are no YAML"),
            Self::Metrics => Ok(reference()),
        }
    }

    /// Where its copies are: one to be used by hand, and one in the chart.
    fn copies(self) -> &'static [&'static str] {
        match self {
            Self::Fleet => &[
                "deploy/grafana/fleet.json",
                "charts/commonwatt/monitoring/fleet.json",
            ],
            Self::Site => &[
                "deploy/grafana/site.json",
                "charts/commonwatt/monitoring/site.json",
            ],
            Self::Alerts => &[
                "deploy/prometheus/alerts.yaml",
                "charts/commonwatt/monitoring/alerts.yaml",
            ],
            Self::Metrics => &["deploy/prometheus/METRICS.md"],
        }
    }
}

impl Monitoring {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(what) = self.what {
            print!("{}", what.text()?);
        }
        if let Some(root) = self.write {
            for what in What::value_variants() {
                let text = what.text()?;
                for copy in what.copies() {
                    put(&root.join(copy), &text)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(value).context("a dashboard is no JSON")?;
    text.push('\n');
    Ok(text)
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
