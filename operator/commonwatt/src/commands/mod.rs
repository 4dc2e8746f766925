//! One file per command.

mod crd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Place AI model workloads across data centers by cost and carbon, inside each place's power, water and grid limits.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub struct Commonwatt {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Crd(crd::Crd),
}

impl Commonwatt {
    /// Runs the command that was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Crd(crd) => crd.run(),
        }
    }
}
