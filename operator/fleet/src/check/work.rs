//! Policies, deployments and jobs.

use std::collections::BTreeSet;

use super::Flaws;
use crate::flaw::{Flaw, Object, Wrong};
use crate::{BatchJob, Deployment, DeploymentId, JobId, Policy, World};

pub(super) fn policy(name: &str, policy: &Policy) -> Vec<Flaw> {
    let mut flaws = Flaws::of(Object::Policy(name.to_owned()));
    let prices = [
        ("carbonPerTonne", policy.carbon_per_tonne),
        ("waterPerCubicMeter", policy.water_per_cubic_meter),
        (
            "unservedPerMillionTokens",
            policy.unserved_per_million_tokens,
        ),
        ("moveCost", policy.move_cost),
    ];
    for (field, price) in prices {
        flaws.at_least(field, price.0, 0.0);
    }
    flaws.0
}

fn priced(flaws: &mut Flaws, policies: &BTreeSet<&str>, policy: &str) {
    if !policies.contains(policy) {
        let name = policy.to_owned();
        flaws.left_out("policy", Wrong::UnknownPolicy { name });
    }
}

pub(super) fn deployment(
    policies: &BTreeSet<&str>,
    id: &DeploymentId,
    deployment: &Deployment,
) -> Vec<Flaw> {
    let mut flaws = Flaws::of(Object::Deployment(id.clone()));
    priced(&mut flaws, policies, &deployment.policy);
    demand(&mut flaws, deployment);
    shares(&mut flaws, deployment);
    if deployment.variants.is_empty() {
        flaws.noted("variants", Wrong::Nothing);
    }
    let mut names = BTreeSet::new();
    for variant in &deployment.variants {
        let field = |name: &str| format!("variants[{}].{name}", variant.name);
        if !names.insert(&variant.name) {
            let name = variant.name.clone();
            flaws.left_out("variants", Wrong::Twice { name });
        }
        flaws.at_least(field("tokensPerSecond"), variant.tokens_per_second.0, 0.0);
        flaws.at_least(field("watts"), variant.watts.0 as f64, 0.0);
    }
    flaws.0
}

fn demand(flaws: &mut Flaws, deployment: &Deployment) {
    let (demand, floor) = (deployment.demand.0, deployment.floor.0);
    flaws.at_least("demand", demand, 0.0);
    flaws.at_least("floor", floor, 0.0);
    let by_slot = &deployment.demand_by_slot;
    let wrong = by_slot
        .iter()
        .position(|demand| !(demand.0.is_finite() && demand.0 >= 0.0));
    if let Some(slot) = wrong {
        flaws.at_least(format!("demandBySlot[{slot}]"), by_slot[slot].0, 0.0);
    }
    let most = by_slot
        .iter()
        .fold(demand, |most, demand| most.max(demand.0));
    if floor > most && floor.is_finite() {
        let of = "what is asked for at most".to_owned();
        let (got, limit) = (floor, most);
        flaws.noted("floor", Wrong::Above { got, limit, of });
    }
}

/// Parts of the demand need not be exact to the last digit.
const ROUNDING: f64 = 1e-6;

fn shares(flaws: &mut Flaws, deployment: &Deployment) {
    let shares = &deployment.origin_shares;
    for (origin, share) in shares {
        flaws.at_least(format!("originShares[{origin}]"), *share, 0.0);
        if !deployment.origins.contains_key(origin) {
            let origin = origin.clone();
            flaws.left_out("originShares", Wrong::NoLatencyLimit { origin });
        }
    }
    let sum: f64 = shares.values().sum();
    if !shares.is_empty() && sum.is_finite() && (sum - 1.0).abs() > ROUNDING {
        flaws.left_out("originShares", Wrong::SharesDoNotAddUp { sum });
    }
}

pub(super) fn job(
    world: &World,
    policies: &BTreeSet<&str>,
    id: &JobId,
    job: &BatchJob,
) -> Vec<Flaw> {
    let mut flaws = Flaws::of(Object::Job(id.clone()));
    priced(&mut flaws, policies, &job.policy);
    if job.shapes.is_empty() {
        flaws.noted("shapes", Wrong::Nothing);
    }
    for (product, shape) in &job.shapes {
        let field = |name: &str| format!("shapes[{product}].{name}");
        flaws.at_least(field("wattsPerPod"), shape.watts_per_pod.0 as f64, 0.0);
        if shape.pods.checked_mul(shape.accelerators_per_pod).is_none() {
            flaws.left_out(field("pods"), Wrong::TooLarge);
        }
    }
    flaws.at_least("restartCost", job.restart_cost.0, 0.0);
    flaws.at_least("waitingPerHour", job.waiting_per_hour.0, 0.0);
    if job.running && job.started_at.is_none() {
        flaws.noted("running", Wrong::RunsNowhere);
    }
    let (deadline, release) = (job.deadline, job.release);
    if deadline <= world.slots.start {
        flaws.noted("deadline", Wrong::DeadlinePassed { deadline });
    } else if deadline < release {
        flaws.noted(
            "deadline",
            Wrong::DeadlineBeforeRelease { deadline, release },
        );
    }
    flaws.0
}
