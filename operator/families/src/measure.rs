//! A planner on one world: from nothing, after small changes, and after the loss of a site.

use std::time::Instant;

use commonwatt_fleet::{Plan, World};
use serde::Serialize;

use crate::changes::{admitted, after_change, after_loss};
use crate::instance_hash;

/// What came out. Times are of this machine; everything else is the same on every one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// Deployments of the world.
    pub deployments: usize,
    /// Its sites.
    pub sites: usize,
    /// Its jobs.
    pub jobs: usize,
    /// Slots of its horizon.
    pub slots: usize,
    /// Tells instances apart.
    pub instance_hash: String,
    /// What no plan can cost less than.
    pub lower: Option<f64>,
    /// What the plan costs.
    pub upper: f64,
    /// `upper` and what the program of [`crate::mps`] adds to it for sites that are missing and jobs at risk: what its
    /// optimum is compared with.
    pub program_upper: f64,
    /// `100 · (upper − lower) / |upper|`.
    pub gap_percent: Option<f64>,
    /// The part of all tokens asked for that is not served.
    pub unserved_percent: f64,
    /// Jobs that will be late.
    pub jobs_at_risk: usize,
    /// Findings of the audit, over all plans.
    pub audit_findings: usize,
    /// No finding.
    pub feasible: bool,
    /// The first findings, as text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// Seconds without a plan to start from.
    pub cold_seconds: f64,
    /// Most memory the process has held up to then, where the system says.
    pub peak_rss_bytes: Option<u64>,
    /// Replicas that start in the first slot where they did not run, of deployments that ran somewhere.
    pub moves: u64,
    /// Plans after it, where they were asked for.
    #[serde(flatten)]
    pub after: Option<After>,
}

/// Plans that start from one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct After {
    /// Seconds for the same world once more, as the plan left it.
    pub again_seconds: f64,
    /// The gap then.
    pub again_gap_percent: Option<f64>,
    /// Replicas that start then: none, if planning twice changes nothing.
    pub again_moves: u64,
    /// Seconds after a change of 1 % of prices and demand.
    pub warm_seconds: f64,
    /// The gap then.
    pub warm_gap_percent: Option<f64>,
    /// Moves then.
    pub warm_moves: u64,
    /// Seconds after a change of 5 %.
    pub warm5_seconds: f64,
    /// The gap then.
    pub warm5_gap_percent: Option<f64>,
    /// Moves then.
    pub warm5_moves: u64,
    /// Seconds after the site that carries most is lost.
    pub loss_seconds: f64,
    /// The gap then.
    pub loss_gap_percent: Option<f64>,
    /// Moves then.
    pub loss_moves: u64,
}

/// What is done beside the plan from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Plans again, after changes and after a loss.
    pub warm: bool,
    /// The audit of all plans.
    pub audit: bool,
}

/// A world could not be told apart.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// It has a number that JSON does not.
    #[error("the world cannot be written: {0}")]
    Unwritten(#[from] serde_json::Error),
}

/// Plans a world and what becomes of it.
///
/// # Errors
/// [`MeasureError`].
pub fn measure(world: &World, extent: Extent) -> Result<Measured, MeasureError> {
    let mut taken = Taken::new(extent);
    let cold = taken.plan(world, &Plan::default());
    let rss = peak_rss();
    let mut measured = Measured {
        deployments: world.deployments.len(),
        sites: world.sites.len(),
        jobs: world.jobs.len(),
        slots: world.slots.count,
        instance_hash: instance_hash(world)?,
        lower: cold.plan.bound.lower.map(|lower| lower.0),
        upper: cold.plan.bound.upper.0,
        program_upper: cold.plan.bound.upper.0 + crate::mps::reported(world, &cold.plan),
        gap_percent: gap(&cold.plan),
        unserved_percent: unserved_percent(world, &cold.plan),
        jobs_at_risk: cold.plan.jobs.values().filter(|job| job.at_risk).count(),
        audit_findings: 0,
        feasible: true,
        findings: Vec::new(),
        cold_seconds: cold.seconds,
        peak_rss_bytes: rss,
        moves: cold.moves,
        after: None,
    };
    if extent.warm {
        measured.after = Some(taken.after(world, &cold.plan));
    }
    measured.audit_findings = taken.count;
    measured.feasible = taken.count == 0;
    measured.findings = taken.findings;
    Ok(measured)
}

/// One plan.
struct Timed {
    plan: Plan,
    seconds: f64,
    moves: u64,
}

/// What all plans have in common.
struct Taken {
    extent: Extent,
    count: usize,
    findings: Vec<String>,
}

/// Findings that are kept as text.
const SHOWN: usize = 5;

impl Taken {
    fn new(extent: Extent) -> Self {
        Self {
            extent,
            count: 0,
            findings: Vec::new(),
        }
    }

    fn after(&mut self, world: &World, first: &Plan) -> After {
        let settled = admitted(world, first);
        let again = self.plan(&settled, first);
        let warm = self.plan(&after_change(&settled, 0.01), first);
        let warm5 = self.plan(&after_change(&settled, 0.05), first);
        let loss = self.plan(&after_loss(&settled), first);
        After {
            again_seconds: again.seconds,
            again_gap_percent: gap(&again.plan),
            again_moves: again.moves,
            warm_seconds: warm.seconds,
            warm_gap_percent: gap(&warm.plan),
            warm_moves: warm.moves,
            warm5_seconds: warm5.seconds,
            warm5_gap_percent: gap(&warm5.plan),
            warm5_moves: warm5.moves,
            loss_seconds: loss.seconds,
            loss_gap_percent: gap(&loss.plan),
            loss_moves: loss.moves,
        }
    }

    fn plan(&mut self, world: &World, previous: &Plan) -> Timed {
        let begun = Instant::now();
        let plan = commonwatt_planner::plan(world, previous);
        let seconds = begun.elapsed().as_secs_f64();
        if self.extent.audit {
            let findings = commonwatt_audit::audit(world, &plan);
            self.count += findings.len();
            let free = SHOWN.saturating_sub(self.findings.len());
            let texts = findings.iter().take(free).map(ToString::to_string);
            self.findings.extend(texts);
        }
        let moves = starts(world, &plan);
        Timed {
            plan,
            seconds,
            moves,
        }
    }
}

fn gap(plan: &Plan) -> Option<f64> {
    let (upper, lower) = (plan.bound.upper.0, plan.bound.lower?.0);
    Some(100.0 * (upper - lower) / upper.abs().max(f64::MIN_POSITIVE))
}

/// Replicas that start in the first slot where they did not run, of deployments that ran somewhere.
fn starts(world: &World, plan: &Plan) -> u64 {
    let mut starts = 0;
    for (id, deployment) in &world.deployments {
        let held = |site, variant| {
            let there = deployment.committed.get(site);
            let held =
                there.and_then(|there: &std::collections::BTreeMap<_, _>| there.get(variant));
            held.map_or(0, |held: &commonwatt_fleet::Committed| held.replicas)
        };
        let ran = deployment
            .committed
            .values()
            .flat_map(|there| there.values());
        if ran.map(|held| u64::from(held.replicas)).sum::<u64>() == 0 {
            continue;
        }
        let Some(decision) = plan.deployments.get(id) else {
            continue;
        };
        for (site, variants) in &decision.sites {
            for (variant, placement) in variants {
                let now = placement.ceiling.first().copied().unwrap_or(0);
                starts += u64::from(now.saturating_sub(held(site, variant)));
            }
        }
    }
    starts
}

fn unserved_percent(world: &World, plan: &Plan) -> f64 {
    let (mut asked, mut short) = (0.0, 0.0);
    for (id, deployment) in &world.deployments {
        for slot in 0..world.slots.count {
            let demand = deployment.demand_in(slot).0.max(0.0);
            let mut served = 0.0;
            for (site, variants) in plan.deployments.get(id).iter().flat_map(|d| &d.sites) {
                for name in variants.keys() {
                    let each = deployment.variants.iter().find(|v| v.name == *name);
                    let each = each.map_or(0.0, |variant| variant.tokens_per_second.0);
                    served += each * f64::from(plan.replicas(id, site, name, slot));
                }
            }
            asked += demand;
            short += (demand - served).max(0.0);
        }
    }
    if asked > 0.0 {
        100.0 * short / asked
    } else {
        0.0
    }
}

/// The high-water mark of this process's memory, as Linux has it.
fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
