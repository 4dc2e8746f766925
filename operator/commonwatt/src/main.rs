//! `commonwatt`: the operator, and everything a person asks it.

mod board;
mod commands;
mod journal;
mod measure;
mod monitoring;
mod running;
mod simulated;
mod view;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::Commonwatt::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
