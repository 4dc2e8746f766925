//! `commonwatt plan`: what would be placed where, and why: from a directory of manifests, a saved world, or as a cluster's
//! hub would now.

use std::process::ExitCode;

use clap::Args;
use commonwatt_audit::audit_path;
use commonwatt_planner::path;

use super::fleet::wait_for;
use super::origin::{Origin, warn};
use crate::printed::{Output, plan_document, plan_tables};

/// Plan a directory of manifests, a saved world, or what is on a cluster, and print where everything would run, what it costs, why not elsewhere, and the steps to it
#[derive(Debug, Args)]
#[command(
    after_help = "Without DIR or --world it plans what is on the cluster of the kubeconfig, as a hub that starts there would, and writes nothing.\n\n\
                        Examples:\n  commonwatt plan deploy/examples/quickstart\n  \
                        commonwatt plan                                       (the current context's cluster)\n  \
                        commonwatt plan --context hub -n models -o json | jq .objective\n  \
                        commonwatt plan --world fleet.json                    (what `commonwatt world` saved)\n  \
                        commonwatt plan deploy/examples/quickstart --data DIR --start 2023-06-05T18:00:00Z\n\n\
                        Exit codes: 0 all demand is placed, 2 some is not or the audit found something, 1 an error or a manifest\n\
                        that an API server would refuse: what is wrong is said, the rest is planned."
)]
pub struct Plan {
    #[command(flatten)]
    origin: Origin,
    /// How to print it; wide shows the hours ahead too
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl Plan {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (mut planned, refused) = wait_for(self.origin.planned())?;
        let path = path(&planned.world, &planned.plan);
        let passed = audit_path(&planned.world, &planned.plan, &path);
        planned.findings.extend(passed);
        for problem in &planned.problems {
            warn(
                &problem.kind,
                &problem.name,
                &problem.reason,
                &problem.message,
            );
        }
        let namespace = self.origin.access.namespace.as_deref();
        let report = plan_document(&planned, &path, namespace);
        self.output.print(&report, |wide| {
            plan_tables(&planned, &path, namespace, wide)
        })?;
        Ok(if refused {
            ExitCode::FAILURE
        } else if planned.is_clean() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }
}
