//! Make before break: new replicas are reserved, then seen ready, then requests go to them, and only then may others go.
//! That what is left serves enough is for `serving`.

use std::collections::BTreeMap;

use commonwatt_fleet::{Act, DeploymentId, Path, SiteId, Step, VariantName};

use super::at_step;
use super::graph::Graph;
use crate::finding::{Finding, Rule};

pub(super) type Place<'a> = (&'a SiteId, &'a VariantName);

/// A change of a place: the step, and the replicas before and after.
pub(super) struct Change<'a> {
    pub place: Place<'a>,
    pub step: usize,
    pub from: u32,
    pub to: u32,
}

/// The steps of one deployment.
#[derive(Default)]
pub(super) struct Steps<'a> {
    pub reserve: Vec<Change<'a>>,
    pub ready: Vec<(Place<'a>, usize)>,
    pub shift: Vec<usize>,
    pub release: Vec<Change<'a>>,
}

impl Steps<'_> {
    /// Whether requests have shifted to all that is new whenever a step is taken.
    pub(super) fn all_shifted(&self, graph: &Graph, step: usize) -> bool {
        let before = graph.earlier(step);
        let shifts = self.shift.iter().filter(|shift| before.contains(shift));
        let mut shifts = shifts.map(|shift| graph.earlier(*shift));
        shifts.any(|earlier| self.ready.iter().all(|(_, ready)| earlier.contains(ready)))
    }
}

pub(super) fn check(path: &Path, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for steps in by_deployment(path).values() {
        findings.extend(made(path, graph, steps));
        findings.extend(shifted(path, graph, steps));
    }
    findings
}

pub(super) fn by_deployment(path: &Path) -> BTreeMap<&DeploymentId, Steps<'_>> {
    let mut found: BTreeMap<_, Steps<'_>> = BTreeMap::new();
    for (step, Step { act, .. }) in path.steps.iter().enumerate() {
        match act {
            Act::Reserve {
                deployment,
                site,
                variant,
                from,
                to,
            }
            | Act::Release {
                deployment,
                site,
                variant,
                from,
                to,
            } => {
                let steps = found.entry(deployment).or_default();
                let change = Change {
                    place: (site, variant),
                    step,
                    from: *from,
                    to: *to,
                };
                if matches!(act, Act::Reserve { .. }) {
                    steps.reserve.push(change);
                } else {
                    steps.release.push(change);
                }
            }
            Act::Ready {
                deployment,
                site,
                variant,
            } => {
                let steps = found.entry(deployment).or_default();
                steps.ready.push(((site, variant), step));
            }
            Act::Shift { deployment } => found.entry(deployment).or_default().shift.push(step),
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
    for reserve in &steps.reserve {
        let mut ready = steps.ready.iter().filter(|(of, _)| *of == reserve.place);
        if !ready.any(|(_, ready)| graph.earlier(*ready).contains(&reserve.step)) {
            find(
                reserve.step,
                "what is reserved is not waited for until it is ready",
            );
        }
    }
    for (place, ready) in &steps.ready {
        if !steps.reserve.iter().any(|reserve| reserve.place == *place) {
            find(*ready, "nothing was reserved there");
        }
    }
    findings
}

/// Requests shift to what is ready, and what goes does so after a shift.
fn shifted(path: &Path, graph: &Graph, steps: &Steps<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let shifts: Vec<_> = steps
        .shift
        .iter()
        .map(|shift| (*shift, graph.earlier(*shift)))
        .collect();
    for (_, ready) in &steps.ready {
        if !shifts.iter().any(|(_, earlier)| earlier.contains(ready)) {
            let detail = "requests never shift to what is new";
            findings.push(at_step(path, *ready, Rule::Order, detail));
        }
    }
    for release in &steps.release {
        let earlier = graph.earlier(release.step);
        if !shifts.iter().any(|(shift, _)| earlier.contains(shift)) {
            let detail = "goes before requests have shifted";
            findings.push(at_step(path, release.step, Rule::Order, detail));
        }
    }
    findings
}
