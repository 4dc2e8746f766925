//! Demand, sites, floors, and a reason for every site.

use std::collections::BTreeMap;

use commonwatt_fleet::{Decision, Deployment, DeploymentId, SiteId};

use crate::finding::{Finding, Rule};
use crate::reading::Reading;

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, deployment) in &reading.world.deployments {
        let Some(decision) = reading.plan.deployments.get(id) else {
            continue;
        };
        findings.extend(unmet(id, deployment, decision));
        findings.extend(floors(reading, id, deployment, decision));
        findings.extend(reasons(reading, id, decision));
    }
    findings
}

fn tokens_of(deployment: &Deployment) -> BTreeMap<&str, f64> {
    let variants = deployment.variants.iter();
    variants
        .map(|v| (v.name.as_str(), v.tokens_per_second.0.max(0.0)))
        .collect()
}

/// Tokens per second that one field of all placements gives in a slot.
fn served(
    deployment: &Deployment,
    decision: &Decision,
    slot: usize,
    field: impl Fn(&commonwatt_fleet::SitePlacement) -> &[u32],
) -> f64 {
    let tokens = tokens_of(deployment);
    decision
        .sites
        .values()
        .flatten()
        .map(|(name, placement)| {
            let each = tokens.get(name.as_str()).copied().unwrap_or(0.0);
            each * f64::from(field(placement).get(slot).copied().unwrap_or(0))
        })
        .sum()
}

/// A shortfall beyond rounding, in tokens per second.
pub(crate) fn shortfall(deployment: &Deployment, decision: &Decision, slot: usize) -> f64 {
    let demand = deployment.demand.0.max(0.0);
    let largest = tokens_of(deployment).values().copied().fold(0.0, f64::max);
    let short = demand - served(deployment, decision, slot, |placement| &placement.ceiling);
    if short <= 1e-9 * (demand + largest) {
        0.0
    } else {
        short
    }
}

fn unmet(id: &DeploymentId, deployment: &Deployment, decision: &Decision) -> Vec<Finding> {
    let short = shortfall(deployment, decision, 0);
    let used = decision
        .sites
        .values()
        .filter(|variants| variants.values().any(|placement| placement.ceiling[0] > 0))
        .count();
    let missing = deployment
        .minimum_sites
        .saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
    let declared = decision.unmet.as_ref();
    let (said_short, said_missing) =
        declared.map_or((0.0, 0), |u| (u.tokens_per_second.0, u.sites_missing));
    let agree = (short - said_short).abs() <= 1e-6 * (1.0 + short.abs()) && missing == said_missing;
    if agree {
        return Vec::new();
    }
    let detail = format!(
        "{short:.3} tok/s and {missing} sites are missing; declared {said_short:.3} tok/s and {said_missing} sites"
    );
    vec![Finding::new(Rule::Unmet, detail).of(id).slot(0)]
}

fn floors(
    reading: &Reading<'_>,
    id: &DeploymentId,
    deployment: &Deployment,
    decision: &Decision,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (site, placement) in decision
        .sites
        .iter()
        .flat_map(|(site, variants)| variants.values().map(move |placement| (site, placement)))
    {
        for slot in 0..reading.slots() {
            let (floor, ceiling) = (placement.floor[slot], placement.ceiling[slot]);
            if floor > ceiling {
                let detail = format!("floor {floor} above ceiling {ceiling}");
                let finding = Finding::new(Rule::Floors, detail);
                findings.push(finding.of(id).at(site).slot(slot));
            }
        }
    }
    for slot in 0..reading.slots() {
        let can = served(deployment, decision, slot, |placement| &placement.ceiling);
        let holds = served(deployment, decision, slot, |placement| &placement.floor);
        let wanted = deployment.floor.0.min(can);
        if holds < wanted - 1e-6 * (1.0 + wanted.abs()) {
            let detail = format!("floors hold {holds:.3} tok/s of {wanted:.3} tok/s");
            findings.push(Finding::new(Rule::Floors, detail).of(id).slot(slot));
        }
    }
    findings
}

fn reasons(reading: &Reading<'_>, id: &DeploymentId, decision: &Decision) -> Vec<Finding> {
    let placed = |site: &SiteId| {
        decision.sites.get(site).is_some_and(|variants| {
            let mut ceilings = variants.values().flat_map(|placement| &placement.ceiling);
            ceilings.any(|count| *count > 0)
        })
    };
    let mut findings = Vec::new();
    for site in reading.world.sites.keys() {
        let detail = match (placed(site), decision.rejected.contains_key(site)) {
            (true, true) => "both a placement and a rejection",
            (false, false) => "neither a placement nor a rejection",
            _ => continue,
        };
        findings.push(Finding::new(Rule::Reasons, detail).of(id).at(site));
    }
    findings
}
