//! One file per command.

mod crd;
mod monitoring;
mod plan;
mod run;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Place AI model workloads across data centers by cost and carbon, inside each place's power, water and grid limits.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub struct Commonwatt {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Plan),
    Up(up::Up),
    Run(run::Run),
    Crd(crd::Crd),
    Monitoring(monitoring::Monitoring),
}

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For Git.
    Yaml,
}

impl Commonwatt {
    /// Runs the command that was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Plan(plan) => plan.run(),
            Command::Up(up) => up.run(),
            Command::Run(run) => run.run(),
            Command::Crd(crd) => crd.run(),
            Command::Monitoring(monitoring) => monitoring.run(),
        }
    }
}
