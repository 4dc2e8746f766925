//! `cargo xtask bench`: absolute figures, on this machine, now.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use commonwatt_harness::Progress;

use crate::cargo::{cargo, root};
use crate::highs;

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Admissions per second of a hub and a hundred sites on three real API servers, beside a bare client's writes.
    Operator {
        /// Passed on: `--deployments 1000,10000`, `-o json`, ...; `--help` lists them.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        rest: Vec<String>,
    },
    /// Bounds, time and memory of the planner on synthetic fleets, with HiGHS as an oracle; hours, and it goes on where it was stopped.
    Planner {
        /// Passed on: `--quick`, `--only gaps,optima`, `--fresh`; `--help` lists them.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        rest: Vec<String>,
    },
    /// The sites experiment with a row for HiGHS, which has a minute an hour: the first day of each season, hours.
    Sites {
        /// Folder of the published data
        #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
        data: PathBuf,
        /// Days of each season
        #[arg(long, default_value_t = 1)]
        days: usize,
        /// Seconds that HiGHS has for an hour
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.what {
        What::Operator { rest } => operator(rest),
        What::Planner { rest } => planner(rest),
        What::Sites {
            data,
            days,
            seconds,
        } => sites(data, *days, *seconds),
    }
}

fn operator(rest: &[String]) -> anyhow::Result<()> {
    commonwatt_harness::ensure(Progress::Stderr)?;
    // As it is shipped: a debug build would measure the compiler.
    ran(&["build", "--release", "--package", "commonwatt"], &[])?;
    ran(
        &[
            "bench",
            "--package",
            "commonwatt-tests",
            "--bench",
            "operator",
            "--",
        ],
        rest,
    )
}

fn planner(rest: &[String]) -> anyhow::Result<()> {
    let python = highs::python()?;
    ran(&["build", "--release", "--package", "commonwatt"], &[])?;
    let target = target();
    let status = Command::new(python)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(root().join("tests/performance/planner/bench.py"))
        .arg("--program")
        .arg(target.join("release/commonwatt"))
        .arg("--kept")
        .arg(target.join("bench-planner.jsonl"))
        .args(rest)
        .status()
        .context("cannot run the bench")?;
    ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}

fn sites(data: &Path, days: usize, seconds: u32) -> anyhow::Result<()> {
    let python = highs::python()?;
    let status = cargo()
        .args(["run", "--release", "--package", "commonwatt-experiments"])
        .args(["--example", "highs", "--"])
        .arg(data)
        .args([days.to_string(), seconds.to_string()])
        .arg(python)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the experiment ended with {status}");
    Ok(())
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(named.unwrap_or_else(|| "target".into()))
}

fn ran(command: &[&str], rest: &[String]) -> anyhow::Result<()> {
    let status = cargo().args(command).args(rest).status();
    let status = status.with_context(|| format!("cannot run cargo {}", command[0]))?;
    ensure!(status.success(), "cargo {} ended with {status}", command[0]);
    Ok(())
}
