//! On the way a deployment serves what it served before or will serve after, whichever is less, or all that is asked for;
//! and so with the sites that it must have.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{Deployment, DeploymentId, Path, SiteId};

use super::at_step;
use super::graph::{Charge, Graph};
use super::order::{Change, Place, Steps, by_deployment};
use crate::finding::{Finding, Rule};
use crate::origins;
use crate::reading::{Line, Reading};

/// Whole numbers add up the same in every order: thousandths of a token per second.
const PARTS: f64 = 1000.0;

pub(super) fn check(reading: &Reading<'_>, path: &Path, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, steps) in by_deployment(path) {
        let Some(deployment) = reading.world.deployments.get(id) else {
            continue;
        };
        if steps.release.is_empty() {
            continue;
        }
        for (demand, lines) in measures(reading, id, deployment) {
            findings.extend(enough(path, graph, &steps, demand, &lines));
        }
        findings.extend(sites(reading, path, graph, id, deployment, &steps));
    }
    findings
}

/// What is asked for, and the lines that may serve it: of a deployment, or of every set of its origins. By Hall's condition
/// each origin is served as well as before or after if every set of them is.
fn measures<'r, 'a>(
    reading: &'r Reading<'a>,
    id: &DeploymentId,
    deployment: &Deployment,
) -> Vec<(f64, Vec<&'r Line<'a>>)> {
    let demand = deployment.demand_in(0).0;
    let lines: Vec<_> = reading.lines_of(id).collect();
    if deployment.origin_shares.is_empty() {
        return vec![(demand, lines)];
    }
    let origins: Vec<_> = deployment.origin_shares.iter().collect();
    let sets = (1..1_usize << origins.len()).map(|set| {
        let these = || {
            let origins = origins.iter().enumerate();
            let these = origins.filter(move |(index, _)| set & (1 << index) != 0);
            these.map(|(_, origin)| origin)
        };
        let share: f64 = these().map(|(_, share)| **share).sum();
        let suits = |line: &&&Line<'_>| {
            these().any(|(origin, _)| origins::suits(deployment, line.offer, origin))
        };
        (
            demand * share,
            lines.iter().filter(suits).copied().collect(),
        )
    });
    sets.collect()
}

/// Whether what is left when replicas go serves enough, in every order. What is reserved serves once requests have shifted
/// to it.
fn enough(
    path: &Path,
    graph: &Graph,
    steps: &Steps<'_>,
    demand: f64,
    lines: &[&Line<'_>],
) -> Vec<Finding> {
    let each: BTreeMap<Place<'_>, i128> = lines
        .iter()
        .map(|line| {
            let parts = (line.tokens() * PARTS).round() as i128;
            ((line.site, &line.variant.name), parts)
        })
        .collect();
    let tokens = |change: &Change<'_>| {
        let replicas = i128::from(change.to) - i128::from(change.from);
        each.get(&change.place).copied().unwrap_or(0) * replicas
    };
    let total = |count: fn(&Line<'_>) -> u32| -> i128 {
        let lines = lines.iter();
        let parts =
            lines.map(|line| each[&(line.site, &line.variant.name)] * i128::from(count(line)));
        parts.sum()
    };
    let (before, after) = (total(|line| line.committed), total(|line| line.after(0)));
    // A hair less than what is asked for, which need not be whole.
    let asked = (demand * PARTS * (1.0 - 1e-6)).floor() as i128;
    let need = before.min(after).min(asked);
    // What is missing is charged, so that the most is charged where the least is served.
    let mut missing = Charge::default();
    missing.add(None, -before);
    for reserve in &steps.reserve {
        if let Some(shift) = shift_to(graph, steps, reserve) {
            missing.add(Some(shift), -tokens(reserve));
        }
    }
    for release in &steps.release {
        missing.add(Some(release.step), -tokens(release));
    }
    let short = steps.release.iter().filter_map(|release| {
        let served = -missing.above(-need, graph, release.step)?;
        let (served, need) = (served as f64 / PARTS, need as f64 / PARTS);
        let detail = format!("goes when {served:.3} tok/s may be left, {need:.3} tok/s are needed");
        Some(at_step(path, release.step, Rule::Order, detail))
    });
    short.collect()
}

/// The first step by which requests go to what a step reserved.
fn shift_to(graph: &Graph, steps: &Steps<'_>, reserve: &Change<'_>) -> Option<usize> {
    let ready = steps.ready.iter().filter(|(place, ready)| {
        *place == reserve.place && graph.earlier(*ready).contains(&reserve.step)
    });
    let ready: Vec<_> = ready.map(|(_, ready)| *ready).collect();
    let mut shifts = steps.shift.iter().copied();
    shifts.find(|shift| {
        let earlier = graph.earlier(*shift);
        ready.iter().any(|ready| earlier.contains(ready))
    })
}

/// Whether it is at enough sites on the way: until requests have shifted to all that is new, those count that it was at and
/// has not left; then those of the plan are there.
fn sites(
    reading: &Reading<'_>,
    path: &Path,
    graph: &Graph,
    id: &DeploymentId,
    deployment: &Deployment,
    steps: &Steps<'_>,
) -> Vec<Finding> {
    let lines = || reading.lines_of(id);
    let before: BTreeSet<_> = lines()
        .filter(|line| line.committed > 0)
        .map(|line| line.site)
        .collect();
    let after: BTreeSet<_> = lines()
        .filter(|line| line.after(0) > 0)
        .map(|line| line.site)
        .collect();
    let need = (deployment.minimum_sites as usize)
        .min(before.len())
        .min(after.len());
    let early = steps.release.iter().filter(|release| release.to == 0);
    let early: BTreeMap<Place<'_>, usize> = early
        .filter(|release| !steps.all_shifted(graph, release.step))
        .map(|release| (release.place, release.step))
        .collect();
    let left = |site: &&SiteId| {
        let mut here = lines().filter(|line| line.site == *site && line.committed > 0);
        here.all(|line| early.contains_key(&(line.site, &line.variant.name)))
    };
    let left: BTreeSet<_> = before.iter().copied().filter(left).collect();
    if before.len() - left.len() >= need {
        return Vec::new();
    }
    let leaving = early.iter().filter(|((site, _), _)| left.contains(*site));
    let detail = format!("leaves a site before {need} others are ready");
    leaving
        .map(|(_, step)| at_step(path, *step, Rule::Order, detail.clone()))
        .collect()
}
