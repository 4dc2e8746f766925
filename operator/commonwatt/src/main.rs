//! `commonwatt`: the operator, and everything a person asks it.

mod adopting;
mod board;
mod changed;
mod commands;
mod examining;
mod journal;
mod measure;
mod monitoring;
mod permissions;
mod planned;
mod printed;
mod running;
mod saved;
mod simulated;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(answer) = commands::asked_to_complete() {
        print!("{answer}");
        return ExitCode::SUCCESS;
    }
    match commands::Commonwatt::from_args().and_then(commands::Commonwatt::run) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
