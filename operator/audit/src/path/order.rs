//! Make before break: new replicas are reserved, then seen ready, then requests go to them, and only then may others go.

use std::collections::BTreeMap;

use commonwatt_fleet::{Act, DeploymentId, Path, SiteId, VariantName};

use super::at_step;
use super::graph::Graph;
use crate::finding::{Finding, Rule};

type Place<'a> = (&'a SiteId, &'a VariantName);

/// The steps of one deployment.
#[derive(Default)]
struct Steps<'a> {
    reserve: Vec<(Place<'a>, usize)>,
    ready: Vec<(Place<'a>, usize)>,
    shift: Vec<usize>,
    release: Vec<usize>,
}

pub(super) fn check(path: &Path, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for steps in by_deployment(path).values() {
        findings.extend(made(path, graph, steps));
        findings.extend(broken(path, graph, steps));
    }
    findings
}

fn by_deployment(path: &Path) -> BTreeMap<&DeploymentId, Steps<'_>> {
    let mut found: BTreeMap<_, Steps<'_>> = BTreeMap::new();
    for (index, step) in path.steps.iter().enumerate() {
        match &step.act {
            Act::Reserve {
                deployment,
                site,
                variant,
                ..
            } => {
                let steps = found.entry(deployment).or_default();
                steps.reserve.push(((site, variant), index));
            }
            Act::Ready {
                deployment,
                site,
                variant,
            } => {
                let steps = found.entry(deployment).or_default();
                steps.ready.push(((site, variant), index));
            }
            Act::Shift { deployment } => found.entry(deployment).or_default().shift.push(index),
            Act::Release { deployment, .. } => {
                found.entry(deployment).or_default().release.push(index);
            }
            Act::Suspend { .. } | Act::Run { .. } => {}
        }
    }
    found
}

/// Every reserved place is seen ready, after it was reserved and not otherwise.
fn made(path: &Path, graph: &Graph, steps: &Steps<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |step, detail: &str| {
        findings.push(at_step(path, step, Rule::Order, detail));
    };
    for (place, reserve) in &steps.reserve {
        let mut ready = steps.ready.iter().filter(|(of, _)| of == place);
        if !ready.any(|(_, ready)| graph.earlier(*ready).contains(reserve)) {
            find(
                *reserve,
                "what is reserved is not waited for until it is ready",
            );
        }
    }
    for (place, ready) in &steps.ready {
        if !steps.reserve.iter().any(|(of, _)| of == place) {
            find(*ready, "nothing was reserved there");
        }
    }
    findings
}

/// Requests shift once all that is new is ready, and what goes does so after that.
fn broken(path: &Path, graph: &Graph, steps: &Steps<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let shifted: Vec<usize> = steps
        .shift
        .iter()
        .filter(|shift| {
            let earlier = graph.earlier(**shift);
            steps.ready.iter().all(|(_, ready)| earlier.contains(ready))
        })
        .copied()
        .collect();
    for (_, reserve) in steps.reserve.iter().filter(|_| shifted.is_empty()) {
        let detail = "requests never shift to what is new";
        findings.push(at_step(path, *reserve, Rule::Order, detail));
    }
    for release in &steps.release {
        let earlier = graph.earlier(*release);
        if !shifted.iter().any(|shift| earlier.contains(shift)) {
            let detail = "goes before requests have shifted to all that is new";
            findings.push(at_step(path, *release, Rule::Order, detail));
        }
    }
    findings
}
