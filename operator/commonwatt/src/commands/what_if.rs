//! `commonwatt what-if`: two plans side by side, of the fleet as it is and with something changed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use commonwatt_hub::Problem;
use commonwatt_manifests::Set;

use super::fleet::wait_for;
use super::origin::{Origin, warn};
use crate::changed::Changes;
use crate::planned::Planned;
use crate::printed::{Comparison, Output};

/// Plan twice, as it is and with something changed, and compare: money, carbon, water, moves, what is not served, by site and community
#[derive(Debug, Args)]
#[command(
    after_help = "A patch file holds YAML objects: each is merged over the object of its kind and name (null takes a field out, a list is\n\
                        replaced whole), or added, or takes that object out with `$patch: delete`. What comes out is judged as an API server would.\n\
                        --set changes one field, or all of a list with [*]; a dot within a name is written `\\.`. Values are read as in YAML.\n\
                        Of a saved world the fields are those of its JSON: site, deployment, job, policy, cap, stock, community, tenant.\n\
                        On a cluster everything is copied into memory first: nothing is written.\n\n\
                        Examples:\n  commonwatt what-if deploy/examples/quickstart --set powerbudget/london-hall.spec.limit=12k\n  \
                        commonwatt what-if deploy/examples/quickstart -f patch.yaml --set modeldeployment/models/advisor.spec.demand.tokensPerSecond=9000\n  \
                        commonwatt what-if --set placementpolicy/standard.spec.carbonPerTonne=150   (the current context's cluster)\n  \
                        commonwatt what-if --world fleet.json --set 'site/london.hours[*].limit=12k' -o json | jq .money\n\n\
                        Exit codes: 0 compared, 2 with the change more is not served, late or above a limit than without, 1 an error."
)]
pub struct WhatIf {
    #[command(flatten)]
    origin: Origin,
    /// Objects to merge over those that there are, to add or to take out
    #[arg(short = 'f', long = "patch", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One field to change
    #[arg(long = "set", value_name = "KIND/NAME.PATH=VALUE")]
    sets: Vec<Set>,
    /// How to print it; wide shows every part of the cost
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl WhatIf {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let changes = Changes {
            files: self.files,
            sets: self.sets,
        };
        if changes.files.is_empty() && changes.sets.is_empty() {
            bail!(
                "nothing is changed; say what with --patch FILE or --set, as in powerbudget/feeder-a.spec.limit=900k"
            );
        }
        let (before, after, said) = wait_for(async {
            let given = self.origin.given().await?;
            let (changed, said) = changes.apply(&given)?;
            let before = given.planned().await?;
            Ok((before, changed.planned().await?, said))
        })?;
        tell(&before, &after);
        let comparison = Comparison::of(&before, &after, said);
        self.output
            .print(&comparison, |wide| comparison.text(wide))?;
        Ok(if comparison.is_worse() {
            ExitCode::from(2)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// What cannot be used, and whether that comes with the change.
fn tell(before: &Planned, after: &Planned) {
    let say = |problem: &Problem, when: &str| {
        let message = format!("{}{when}", problem.message);
        warn(&problem.kind, &problem.name, &problem.reason, &message);
    };
    for problem in &before.problems {
        say(problem, "");
    }
    for problem in after
        .problems
        .iter()
        .filter(|one| !before.problems.contains(one))
    {
        say(problem, " (with the change)");
    }
    for finding in &after.findings {
        eprintln!("warning: the audit, with the change: {finding}");
    }
}
