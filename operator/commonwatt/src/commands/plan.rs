//! `commonwatt plan`: what would be placed where, and why: from a directory of manifests, or as a cluster's hub would now.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;
use commonwatt_api::Mode;
use commonwatt_hub::{Cycle, Hub, Identity, Planning};
use commonwatt_site::Snapshot;
use commonwatt_store::{Kind, Store};

use super::access::Access;
use super::fleet::{EXAMPLE_START, wait_for};
use crate::journal::MemoryJournal;
use crate::printed::{Output, plan_document, plan_tables};
use crate::simulated::{HUB, SimulatedFleet, Source};

/// Plan a directory of manifests, or what is on a cluster, and print where everything would run, what it costs, and why not elsewhere
#[derive(Debug, Args)]
#[command(
    after_help = "Without DIR it plans what is on the cluster of the kubeconfig, as a hub that starts there would, and writes nothing.\n\n\
                        Examples:\n  commonwatt plan deploy/examples/quickstart\n  \
                        commonwatt plan                                       (the current context's cluster)\n  \
                        commonwatt plan --context hub -n models -o json | jq .objective\n  \
                        commonwatt plan deploy/examples/quickstart --data DIR --start 2023-06-05T18:00:00Z\n\n\
                        Exit codes: 0 all demand is placed, 2 some is not or the audit found something, 1 an error or a manifest\n\
                        that an API server would refuse: what is wrong is said, the rest is planned."
)]
pub struct Plan {
    /// Directory (or file) of YAML manifests: Sites, signals, budgets, deployments, nodes
    #[arg(conflicts_with_all = ["kubeconfig", "context"])]
    dir: Option<PathBuf>,
    /// The moment to plan for: now on a cluster, 2023-06-05T00:00:00Z from a directory
    #[arg(long, value_name = "TIME")]
    start: Option<DateTime<Utc>>,
    /// Folder of real hourly data for signals that name a file of it
    #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// How far the hub may go; deployments count as no bolder than this
    #[arg(long, default_value = "Enforce", value_parser = super::mode)]
    mode: Mode,
    #[command(flatten)]
    access: Access,
    /// How to print it; wide shows the hours ahead too
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl Plan {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (cycle, refused) = wait_for(self.cycle())?;
        for problem in &cycle.problems {
            warn(
                &problem.kind,
                &problem.name,
                &problem.reason,
                &problem.message,
            );
        }
        let namespace = self.access.namespace.as_deref();
        let report = plan_document(&cycle, namespace);
        self.output
            .print(&report, |wide| plan_tables(&cycle, namespace, wide))?;
        Ok(if refused {
            ExitCode::FAILURE
        } else if is_clean(&cycle) {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }

    /// What the hub finds, and whether a manifest was refused.
    async fn cycle(&self) -> anyhow::Result<(Cycle, bool)> {
        let Some(dir) = &self.dir else {
            return Ok((self.live().await?, false));
        };
        let source = Source::read(dir, self.data.clone())?;
        let cycle = self.simulated(&source).await?;
        Ok((cycle, !source.refusals.is_empty()))
    }

    async fn simulated(&self, source: &Source) -> anyhow::Result<Cycle> {
        let start = match self.start {
            Some(start) => start,
            None => EXAMPLE_START.parse()?,
        };
        let journal = Arc::new(MemoryJournal::default());
        let mut fleet = SimulatedFleet::new(source, start, Planning::Commonwatt, journal)?;
        let step = fleet.begin().await?;
        let sites = step.sites.sites.values();
        for problem in sites.flat_map(|snapshot: &Snapshot| &snapshot.problems) {
            warn(
                problem.kind,
                &problem.name,
                problem.reason,
                &problem.message,
            );
        }
        Arc::into_inner(step.hub).ok_or_else(|| anyhow::anyhow!("the plan is still in use"))
    }

    /// As a new leader would plan it: what runs and is admitted is where it starts from.
    async fn live(&self) -> anyhow::Result<Cycle> {
        let store = self.access.cluster().await?.store;
        let now = self.start.unwrap_or_else(Utc::now);
        let uid = store
            .get(&Kind::NAMESPACE, None, "kube-system")
            .await
            .ok()
            .flatten();
        let identity = Identity {
            name: HUB.into(),
            uid: uid.map_or_else(String::new, |namespace| namespace.uid().to_owned()),
        };
        let hub = Hub::new(store, identity, self.mode, Planning::Commonwatt);
        let cycle = hub.dry_run(now).await?;
        tell_what_is_missing(&cycle, now);
        Ok(cycle)
    }
}

fn warn(kind: &str, name: &str, reason: &str, message: &str) {
    eprintln!("warning: {kind} {name}: {reason}: {message}");
}

/// A cluster without offers or deployments gives an empty plan; the reason is worth more.
fn tell_what_is_missing(cycle: &Cycle, now: DateTime<Utc>) {
    let offers = &cycle.seen.offers;
    if cycle.seen.deployments.is_empty() {
        eprintln!(
            "warning: no ModelDeployment is here; `commonwatt adopt deploy/NAME` writes one of what runs"
        );
    }
    if offers.is_empty() {
        eprintln!(
            "warning: no SiteOffer is here: no agent has reached this hub yet; see `commonwatt doctor`"
        );
    } else if let Some(last) = offers.values().map(|offer| offer.spec.valid_until.0).max()
        && last < now
    {
        eprintln!(
            "warning: every offer ran out, the last at {}; agents have stopped, or their clock is another \
             one (then give --start)",
            last.format("%Y-%m-%d %H:%M UTC")
        );
    }
}

fn is_clean(cycle: &Cycle) -> bool {
    let (_, plan) = cycle.whole();
    let unmet = plan
        .deployments
        .values()
        .any(|decision| decision.unmet.is_some());
    let late = plan.jobs.values().any(|decision| decision.at_risk);
    !unmet
        && !late
        && cycle.findings.is_empty()
        && cycle.problems.iter().all(|problem| problem.noted)
}
