//! `commonwatt world`: what a planner is given, as one file.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Args;

use super::fleet::wait_for;
use super::origin::{Origin, warn};
use crate::saved;

/// Save the world that is planned, and the plan before, as one JSON file that anyone can replay
#[derive(Debug, Args)]
#[command(
    after_help = "The file holds sites hour by hour, deployments, jobs and policies, and nothing secret but their names and numbers.\n\
                        `plan`, `explain`, `what-if` and `bench planner` take it as --world FILE: the same file gives the same plan on every machine.\n\n\
                        Examples:\n  commonwatt world > fleet.json                         (what the current context's hub sees now)\n  \
                        commonwatt world deploy/examples/quickstart --start 2023-06-05T12:00:00Z > fleet.json\n  \
                        commonwatt plan --world fleet.json\n\n\
                        Exit codes: 0 saved, 1 an error or a manifest that an API server would refuse: the rest is saved."
)]
pub struct World {
    #[command(flatten)]
    origin: Origin,
}

impl World {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (planned, refused) = wait_for(self.origin.planned())?;
        for problem in &planned.problems {
            let words = (&problem.reason, &problem.message);
            warn(&problem.kind, &problem.name, words.0, words.1);
        }
        let mut to = BufWriter::new(io::stdout().lock());
        saved::write(&mut to, &planned.world, &planned.previous)?;
        to.flush()?;
        Ok(if refused {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}
