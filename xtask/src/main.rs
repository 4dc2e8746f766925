//! The project's own commands. `cargo xtask --help` lists them.

mod bench;
mod cargo;
mod check;
mod cluster;
mod deny;
mod generators;
mod highs;
mod image;
mod report;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commonwatt_harness::Progress;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every test and count them; the last line is `N passed, N failed, N skipped`.
    Test(test::Arguments),
    /// Build the programs of a control plane, and of a node where one can run (15 to 20 minutes the first time) and print where they are.
    Binaries,
    /// Start control planes with GPU nodes to work with by hand, until Ctrl-C.
    Cluster(cluster::Arguments),
    /// Measure: `cargo xtask bench operator` or `planner`.
    Bench(bench::Arguments),
    /// Build the operator's image without a container engine.
    Image(image::Arguments),
    /// Check what needs no tests: format, lints, dependencies, and that generated files are up to date.
    Check,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Test(arguments) => return test::run(&arguments),
        Command::Binaries => binaries(),
        Command::Cluster(arguments) => cluster::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Image(arguments) => image::run(&arguments),
        Command::Check => check::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn binaries() -> anyhow::Result<()> {
    let binaries = if commonwatt_harness::no_node().is_none() {
        commonwatt_harness::ensure_node(Progress::Stderr)?
    } else {
        commonwatt_harness::ensure(Progress::Stderr)?
    };
    for (name, path) in binaries.all() {
        println!("{name:<24} {}", path.display());
    }
    Ok(())
}
