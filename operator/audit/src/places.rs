//! Law, distance, hardware, and the site's own word: where something may run at all.

use commonwatt_fleet::{Deployment, DeploymentId, Site, SiteId, Variant};

use crate::finding::{Finding, Rule};
use crate::reading::{Line, Reading};

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, site) in &reading.world.sites {
        for line in reading.lines_at(id) {
            if line.ceiling.iter().any(|count| *count > 0) {
                findings.extend(
                    broken(line.deployment, line.variant, id, site)
                        .map(|(rule, detail)| Finding::new(rule, detail).of(line.id).at(id)),
                );
            }
            findings.extend(grown_past_offer(reading, line, site));
        }
        for (name, deployment) in &reading.world.deployments {
            findings.extend(refused(reading, name, deployment, id, site));
        }
    }
    findings
}

/// The first static rule that a variant at a site breaks.
pub(crate) fn broken(
    deployment: &Deployment,
    variant: &Variant,
    id: &SiteId,
    site: &Site,
) -> Option<(Rule, String)> {
    let allowed = &deployment.jurisdictions;
    if !allowed.is_empty() && !allowed.iter().any(|code| *code == site.jurisdiction) {
        let detail = format!("in {}, allowed {allowed:?}", site.jurisdiction);
        return Some((Rule::Jurisdiction, detail));
    }
    for (origin, most) in &deployment.origins {
        match site.latencies.get(origin) {
            None => {
                return Some((
                    Rule::Latency,
                    format!("from {origin} unknown, limit {most} ms"),
                ));
            }
            Some(declared) if declared > most => {
                let detail = format!("{declared} ms from {origin}, limit {most} ms");
                return Some((Rule::Latency, detail));
            }
            Some(_) => {}
        }
    }
    if !site.pools.contains_key(&variant.product) {
        return Some((Rule::Product, format!("no {} here", variant.product)));
    }
    match &variant.only_at {
        Some(sites) if !sites.contains(id) => {
            let detail = format!("{} runs only at {sites:?}", variant.name);
            Some((Rule::OnlyAt, detail))
        }
        _ => None,
    }
}

/// The most replicas that a refusal in force lets run.
pub(crate) fn refusal_cap(deployment: &Deployment, id: &SiteId, site: &Site) -> Option<u32> {
    let refusal = deployment.refusals.get(id)?;
    (refusal.offer_revision == site.offer_revision).then_some(refusal.most_replicas)
}

fn refused(
    reading: &Reading<'_>,
    name: &DeploymentId,
    deployment: &Deployment,
    id: &SiteId,
    site: &Site,
) -> Vec<Finding> {
    let Some(cap) = refusal_cap(deployment, id, site) else {
        return Vec::new();
    };
    (0..reading.slots())
        .filter_map(|slot| {
            let lines = reading.lines_of(name, id);
            let count: u64 = lines.map(|line| u64::from(line.after(slot))).sum();
            let detail = format!("{count} replicas, the site would take {cap}");
            (count > u64::from(cap)).then(|| {
                Finding::new(Rule::Refusal, detail)
                    .of(name)
                    .at(id)
                    .slot(slot)
            })
        })
        .collect()
}

fn grown_past_offer(reading: &Reading<'_>, line: &Line<'_>, site: &Site) -> Vec<Finding> {
    (0..reading.slots())
        .filter(|slot| reading.world.slots.begin(*slot) >= site.valid_until)
        .filter(|slot| line.after(*slot) > line.before(*slot))
        .map(|slot| {
            let (before, after) = (line.before(slot), line.after(slot));
            let detail = format!(
                "{before} replicas grow to {after}, the offer ran out at {}",
                site.valid_until
            );
            let finding = Finding::new(Rule::OfferExpired, detail);
            finding.of(line.id).at(line.site).slot(slot)
        })
        .collect()
}
