//! Demand, sites and floors.

use std::collections::BTreeSet;

use commonwatt_fleet::{Decision, Deployment, DeploymentId, SiteId};

use crate::finding::{Finding, Rule};
use crate::origins;
use crate::reading::{Line, Reading};

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, deployment) in &reading.world.deployments {
        let Some(decision) = reading.plan.deployments.get(id) else {
            continue;
        };
        findings.extend(unmet(reading, id, deployment, decision));
        findings.extend(floors(reading, id, deployment));
    }
    findings
}

/// The demand of a slot, tokens per second.
fn demand(deployment: &Deployment, slot: usize) -> f64 {
    let here = deployment.demand_by_slot.get(slot);
    here.unwrap_or(&deployment.demand).0.max(0.0)
}

/// Tokens per second of all replicas that are counted.
fn tokens<'r, 'a: 'r>(
    lines: impl Iterator<Item = &'r Line<'a>>,
    count: impl Fn(&Line<'a>) -> u32,
) -> f64 {
    lines
        .map(|line| line.tokens() * f64::from(count(line)))
        .sum()
}

/// A shortfall beyond rounding, in tokens per second.
pub(crate) fn shortfall(
    reading: &Reading<'_>,
    id: &DeploymentId,
    deployment: &Deployment,
    slot: usize,
) -> f64 {
    let demand = demand(deployment, slot);
    let served = if deployment.origin_shares.is_empty() {
        tokens(reading.lines_of(id), |line| line.after(slot))
    } else {
        origins::served(deployment, demand, reading.lines_of(id), slot)
    };
    let each = deployment.variants.iter().map(|v| v.tokens_per_second.0);
    let largest = each.fold(0.0, f64::max);
    let short = demand - served;
    if short <= 1e-9 * (demand + largest) {
        0.0
    } else {
        short
    }
}

fn unmet(
    reading: &Reading<'_>,
    id: &DeploymentId,
    deployment: &Deployment,
    decision: &Decision,
) -> Option<Finding> {
    let short = shortfall(reading, id, deployment, 0);
    let used: BTreeSet<&SiteId> = reading
        .lines_of(id)
        .filter(|line| line.after(0) > 0)
        .map(|line| line.site)
        .collect();
    let used = u32::try_from(used.len()).unwrap_or(u32::MAX);
    let missing = deployment.minimum_sites.saturating_sub(used);
    let declared = decision.unmet.as_ref();
    let (said_short, said_missing) =
        declared.map_or((0.0, 0), |u| (u.tokens_per_second.0, u.sites_missing));
    let agree = (short - said_short).abs() <= 1e-6 * (1.0 + short.abs()) && missing == said_missing;
    let detail = format!(
        "{short:.3} tok/s and {missing} sites are missing; declared {said_short:.3} tok/s and {said_missing} sites"
    );
    (!agree).then(|| Finding::new(Rule::Unmet, detail).of(id).slot(0))
}

fn floors(reading: &Reading<'_>, id: &DeploymentId, deployment: &Deployment) -> Vec<Finding> {
    let mut findings = Vec::new();
    for slot in 0..reading.slots() {
        for line in reading.lines_of(id) {
            let (floor, ceiling) = (line.floor(slot), line.after(slot));
            if floor > ceiling {
                let detail = format!("floor {floor} above ceiling {ceiling}");
                let finding = Finding::new(Rule::Floors, detail);
                findings.push(finding.of(id).at(line.site).slot(slot));
            }
        }
        let can = tokens(reading.lines_of(id), |line| line.after(slot));
        let holds = tokens(reading.lines_of(id), |line| line.floor(slot));
        let wanted = deployment.floor.0.min(can);
        if holds < wanted - 1e-6 * (1.0 + wanted.abs()) {
            let detail = format!("floors hold {holds:.3} tok/s of {wanted:.3} tok/s");
            findings.push(Finding::new(Rule::Floors, detail).of(id).slot(slot));
        }
    }
    findings
}
