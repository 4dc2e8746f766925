//! Paths: whether the steps from what is committed to a plan's first slot may be taken in every order that they allow.
//!
//! Power rows and node rows are checked at each step that takes a charge. The others hold for what a slot ends with (tenants,
//! reserves) or for the horizon (stocks): every order ends the same, so that they are checked with the plan. What a path says it
//! leaves out is left out of the plan all the same, and found.

mod charge;
mod ends;
mod graph;
mod order;
mod serving;

use commonwatt_fleet::{Act, DeploymentId, JobId, Path, Plan, SiteId, World, sound};

use crate::finding::{Finding, Rule};
use crate::reading::Reading;
use crate::shape;
use graph::Graph;

/// Everything that is wrong with a path from what is committed to the first slot of a plan; empty when nothing is. The plan
/// itself is [`crate::audit`]'s.
pub fn audit_path(world: &World, plan: &Plan, path: &Path) -> Vec<Finding> {
    let (world, _) = sound(world);
    let world = world.as_ref();
    if world.slots.count == 0 {
        return Vec::new();
    }
    let mut findings = shape::check(world, plan);
    findings.extend(readable(world, path));
    if !findings.is_empty() {
        return findings;
    }
    let reading = Reading::new(world, plan);
    let graph = Graph::new(path);
    findings.extend(ends::check(&reading, path, &graph));
    findings.extend(order::check(path, &graph));
    findings.extend(serving::check(&reading, path, &graph));
    findings.extend(charge::check(&reading, path, &graph));
    findings
}

/// A finding at a step, and at what the step is about.
fn at_step(path: &Path, step: usize, rule: Rule, detail: impl Into<String>) -> Finding {
    let mut finding = Finding::new(rule, detail);
    finding.step = Some(step);
    if let Some(step) = path.steps.get(step) {
        finding.deployment = deployment_of(&step.act).cloned();
        finding.job = job_of(&step.act).cloned();
        finding.site = site_of(&step.act).cloned();
    }
    finding
}

fn deployment_of(act: &Act) -> Option<&DeploymentId> {
    match act {
        Act::Reserve { deployment, .. }
        | Act::Ready { deployment, .. }
        | Act::Shift { deployment }
        | Act::Release { deployment, .. } => Some(deployment),
        Act::Suspend { .. } | Act::Run { .. } => None,
    }
}

fn job_of(act: &Act) -> Option<&JobId> {
    match act {
        Act::Suspend { job, .. } | Act::Run { job, .. } => Some(job),
        _ => None,
    }
}

fn site_of(act: &Act) -> Option<&SiteId> {
    match act {
        Act::Suspend { site, .. }
        | Act::Run { site, .. }
        | Act::Reserve { site, .. }
        | Act::Ready { site, .. }
        | Act::Release { site, .. } => Some(site),
        Act::Shift { .. } => None,
    }
}

/// Steps wait for earlier ones alone, and name what is there. A variant that is gone from its deployment may be released.
fn readable(world: &World, path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, step) in path.steps.iter().enumerate() {
        let mut find = |detail: String| {
            findings.push(at_step(path, index, Rule::Steps, detail));
        };
        if let Some(later) = step.after.iter().find(|before| **before >= index) {
            find(format!(
                "waits for step {later}, which is not an earlier one"
            ));
        }
        if let Some(id) = deployment_of(&step.act) {
            match (world.deployments.get(id), &step.act) {
                (None, _) => find("no such deployment".into()),
                (Some(known), Act::Reserve { variant, .. } | Act::Ready { variant, .. })
                    if !known.variants.iter().any(|v| v.name == *variant) =>
                {
                    find(format!("no variant {variant}"));
                }
                _ => {}
            }
        }
        if let Some(job) = job_of(&step.act).map(|id| world.jobs.get(id)) {
            match (job, &step.act) {
                (None, _) => find("no such job".into()),
                (Some(job), Act::Run { product, .. }) if !job.shapes.contains_key(product) => {
                    find(format!("it does not accept {product}"));
                }
                _ => {}
            }
        }
        if site_of(&step.act).is_some_and(|site| !world.sites.contains_key(site)) {
            find("no such site".into());
        }
    }
    findings
}
