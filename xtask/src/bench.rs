//! `cargo xtask bench`: absolute figures, on this machine, now.

use anyhow::{Context, ensure};
use commonwatt_harness::Progress;

use crate::cargo::cargo;

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
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let What::Operator { rest } = &arguments.what;
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

fn ran(command: &[&str], rest: &[String]) -> anyhow::Result<()> {
    let status = cargo().args(command).args(rest).status();
    let status = status.with_context(|| format!("cannot run cargo {}", command[0]))?;
    ensure!(status.success(), "cargo {} ended with {status}", command[0]);
    Ok(())
}
