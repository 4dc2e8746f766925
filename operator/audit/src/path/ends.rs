//! A path begins at what is committed and runs, and ends at the plan's first slot.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    Act, BatchJob, DeploymentId, JobId, JobPlan, Path, Product, SiteId, VariantName,
};

use super::graph::Graph;
use super::{at_step, site_of};
use crate::finding::{Finding, Rule};
use crate::reading::Reading;

pub(super) fn check(reading: &Reading<'_>, path: &Path, graph: &Graph) -> Vec<Finding> {
    let mut findings = places(reading, path, graph);
    findings.extend(jobs(reading, path, graph));
    findings
}

type Place<'a> = (&'a DeploymentId, &'a SiteId, &'a VariantName);

/// A change of a place: the step, and the replicas before and after.
type Change = (usize, u32, u32);

fn places(reading: &Reading<'_>, path: &Path, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut changes = changes(path);
    for line in reading.lines() {
        let place = (line.id, line.site, &line.variant.name);
        let changes = changes.remove(&place).unwrap_or_default();
        findings.extend(chain(path, graph, line.committed, &changes));
        let end = changes.last().map_or(line.committed, |(_, _, to)| *to);
        if end != line.after(0) {
            let detail = format!(
                "{} ends at {end} replicas, the plan says {}",
                line.variant.name,
                line.after(0)
            );
            let finding = Finding::new(Rule::Steps, detail);
            findings.push(finding.of(line.id).at(line.site));
        }
    }
    // What is left is neither planned nor known: a variant that its deployment does not have any more may only go.
    for ((id, site, variant), changes) in changes {
        let held = reading.world.deployments.get(id);
        let held = held.and_then(|held| held.committed.get(site)?.get(variant));
        let committed = held.map_or(0, |held| held.replicas);
        findings.extend(chain(path, graph, committed, &changes));
        if let Some((step, _, to)) = changes.last().filter(|(_, _, to)| *to != 0) {
            let detail = format!("ends at {to} replicas, the plan has none");
            findings.push(at_step(path, *step, Rule::Steps, detail));
        }
    }
    findings
}

fn changes(path: &Path) -> BTreeMap<Place<'_>, Vec<Change>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (index, step) in path.steps.iter().enumerate() {
        if let Act::Reserve {
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
        } = &step.act
        {
            let place = (deployment, site, variant);
            found.entry(place).or_default().push((index, *from, *to));
        }
    }
    found
}

/// Changes of one place follow each other, and each goes the way that its name says.
fn chain(path: &Path, graph: &Graph, committed: u32, changes: &[Change]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut now, mut last) = (committed, None);
    for (step, from, to) in changes {
        let mut find = |detail: String| {
            findings.push(at_step(path, *step, Rule::Steps, detail));
        };
        if *from != now {
            find(format!("begins at {from} replicas where there are {now}"));
        }
        if last.is_some_and(|last| !graph.earlier(*step).contains(&last)) {
            find("does not wait for the change before".into());
        }
        let raises = matches!(path.steps[*step].act, Act::Reserve { .. });
        if (raises && to <= from) || (!raises && to >= from) {
            find(format!("goes from {from} to {to} replicas"));
        }
        (now, last) = (*to, Some(*step));
    }
    findings
}

/// Where a job runs, and on what: before the first step that is not known.
type Where<'a> = (&'a SiteId, Option<&'a Product>);

fn jobs(reading: &Reading<'_>, path: &Path, graph: &Graph) -> Vec<Finding> {
    let mut steps: BTreeMap<&JobId, Vec<usize>> = BTreeMap::new();
    for (index, step) in path.steps.iter().enumerate() {
        if let Act::Suspend { job, .. } | Act::Run { job, .. } = &step.act {
            steps.entry(job).or_default().push(index);
        }
    }
    let mut findings = Vec::new();
    for (id, job) in &reading.world.jobs {
        let steps = steps.remove(id).unwrap_or_default();
        findings.extend(job_steps(reading, path, graph, (id, job), &steps));
    }
    findings
}

fn job_steps(
    reading: &Reading<'_>,
    path: &Path,
    graph: &Graph,
    (id, job): (&JobId, &BatchJob),
    steps: &[usize],
) -> Vec<Finding> {
    let planned = reading.plan.jobs.get(id);
    let planned = planned.and_then(|decision| decision.placed.as_ref());
    let planned = planned.filter(|placed| placed.runs[0]);
    let mut findings = Vec::new();
    // At a site that is gone nothing can be done about it.
    let here = |site: &&SiteId| job.running && reading.world.sites.contains_key(*site);
    let started = job.started_at.as_ref().filter(here);
    let mut now: Option<Where<'_>> = started.map(|site| (site, None));
    let mut last = None;
    for step in steps {
        let mut find = |rule, detail: &str| findings.push(at_step(path, *step, rule, detail));
        if last.is_some_and(|last| !graph.earlier(*step).contains(&last)) {
            find(Rule::Steps, "does not wait for the change before");
        }
        last = Some(*step);
        if let Act::Run { site, product, .. } = &path.steps[*step].act {
            if now.is_some() {
                find(Rule::Steps, "runs already");
            }
            now = Some((site, Some(product)));
        } else {
            if now.map(|(at, _)| at) != site_of(&path.steps[*step].act) {
                find(Rule::Steps, "does not run there");
            }
            if !job.interruptible && planned.is_some() {
                find(Rule::Order, "cannot pause");
            }
            now = None;
        }
    }
    findings.extend(job_end(now, planned).map(|finding| finding.job(id)));
    findings
}

/// Whether a job ends up where the plan has it in the first slot.
fn job_end(now: Option<Where<'_>>, planned: Option<&JobPlan>) -> Option<Finding> {
    let finding = |detail, site| Some(Finding::new(Rule::Steps, detail).at(site));
    match (now, planned) {
        (None, None) => None,
        (Some((site, _)), None) => finding("ends running, the plan does not run it".into(), site),
        (now, Some(placed)) => {
            let there = now.is_some_and(|(site, product)| {
                *site == placed.site && product.is_none_or(|product| *product == placed.product)
            });
            let detail = || format!("the plan runs it on {}", placed.product);
            (!there)
                .then(detail)
                .and_then(|detail| finding(detail, &placed.site))
        }
    }
}
