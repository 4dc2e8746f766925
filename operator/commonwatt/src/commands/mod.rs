//! One file per command.

mod access;
mod adopt;
mod bench;
mod completions;
mod crd;
mod doctor;
mod events;
mod explain;
mod fleet;
mod monitoring;
mod origin;
mod permissions;
mod plan;
mod plugin;
mod release;
mod report;
mod run;
mod simulate;
mod sites;
mod up;
mod what_if;
mod world;

use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand};
use commonwatt_api::Mode;

pub use origin::Given;
pub use plugin::asked_to_complete;

/// Place AI model workloads across data centers by cost and carbon, inside each place's power, water and grid limits.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    propagate_version = true,
    after_help = "Linked as kubectl-commonwatt somewhere in PATH it is `kubectl commonwatt`.\n\n\
                  Exit codes: 0 done, 1 an error; further ones are in the help of the command that has them."
)]
pub struct Commonwatt {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Plan),
    WhatIf(what_if::WhatIf),
    Explain(explain::Explain),
    Sites(sites::Sites),
    Events(events::Events),
    Report(report::Report),
    World(world::World),
    Adopt(adopt::Adopt),
    Doctor(doctor::Doctor),
    Release(release::Release),
    Simulate(simulate::Simulate),
    Bench(bench::Bench),
    Up(up::Up),
    Run(run::Run),
    Crd(crd::Crd),
    Monitoring(monitoring::Monitoring),
    Permissions(permissions::Permissions),
    Completions(completions::Completions),
}

impl Commonwatt {
    /// What this process was asked for, under the name that it was called by. Help, and what cannot be read, end it.
    pub fn from_args() -> anyhow::Result<Self> {
        let matches = plugin::named().get_matches();
        Ok(Self::from_arg_matches(&matches)?)
    }

    /// Runs the command that was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Plan(plan) => plan.run(),
            Command::WhatIf(what_if) => what_if.run(),
            Command::Explain(explain) => explain.run(),
            Command::Sites(sites) => sites.run(),
            Command::Events(events) => events.run(),
            Command::Report(report) => report.run(),
            Command::World(world) => world.run(),
            Command::Adopt(adopt) => adopt.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Release(release) => release.run(),
            Command::Simulate(simulate) => simulate.run(),
            Command::Bench(bench) => bench.run(),
            Command::Up(up) => up.run(),
            Command::Run(run) => run.run(),
            Command::Crd(crd) => crd.run(),
            Command::Monitoring(monitoring) => monitoring.run(),
            Command::Permissions(permissions) => permissions.run(),
            Command::Completions(completions) => Ok(completions.run()),
        }
    }
}

/// A mode as it is written in manifests.
fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "Observe" => Ok(Mode::Observe),
        "Advise" => Ok(Mode::Advise),
        "Enforce" => Ok(Mode::Enforce),
        _ => Err("one of Observe, Advise and Enforce is expected".into()),
    }
}
