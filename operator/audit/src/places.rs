//! Law, distance, hardware, and the site's own word: where something may run at all.

use commonwatt_fleet::{Deployment, Site, SiteId, Variant};

use crate::finding::{Finding, Rule};
use crate::origins::suits;
use crate::reading::{Line, Reading};

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in reading.lines() {
        if (0..reading.slots()).any(|slot| line.after(slot) > 0) {
            let broken = broken(line.deployment, line.variant, line.site, line.offer);
            findings.extend(
                broken.map(|(rule, detail)| Finding::new(rule, detail).of(line.id).at(line.site)),
            );
        }
        findings.extend(grown_past_offer(reading, line));
    }
    for id in reading.world.deployments.keys() {
        let lines: Vec<_> = reading.lines_of(id).collect();
        for here in lines.chunk_by(|a, b| a.site == b.site) {
            findings.extend(refused(reading, here));
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
    if let Some(detail) = too_far(deployment, site) {
        return Some((Rule::Latency, detail));
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

/// A site suits all origins or, where shares say how much comes from each, one of those.
fn too_far(deployment: &Deployment, site: &Site) -> Option<String> {
    let shares = &deployment.origin_shares;
    if !shares.is_empty() {
        let near = shares.keys().any(|origin| suits(deployment, site, origin));
        let detail = || format!("it suits none of {:?}", shares.keys());
        return (!near).then(detail);
    }
    let far = deployment
        .origins
        .iter()
        .find(|(origin, _)| !suits(deployment, site, origin));
    far.map(|(origin, most)| match site.latencies.get(origin) {
        None => format!("from {origin} unknown, limit {most} ms"),
        Some(declared) => format!("{declared} ms from {origin}, limit {most} ms"),
    })
}

/// The most replicas that a refusal in force lets run.
pub(crate) fn refusal_cap(deployment: &Deployment, id: &SiteId, site: &Site) -> Option<u32> {
    let refusal = deployment.refusals.get(id)?;
    (refusal.offer_revision == site.offer_revision).then_some(refusal.most_replicas)
}

/// What runs above a refusal: all lines are of one deployment at one site.
fn refused(reading: &Reading<'_>, lines: &[&Line<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(line) = lines.first() else {
        return findings;
    };
    let Some(cap) = refusal_cap(line.deployment, line.site, line.offer) else {
        return findings;
    };
    for slot in 0..reading.slots() {
        let count: u64 = lines.iter().map(|line| u64::from(line.after(slot))).sum();
        if count > u64::from(cap) {
            let detail = format!("{count} replicas, the site would take {cap}");
            let finding = Finding::new(Rule::Refusal, detail);
            findings.push(finding.of(line.id).at(line.site).slot(slot));
        }
    }
    findings
}

fn grown_past_offer(reading: &Reading<'_>, line: &Line<'_>) -> Vec<Finding> {
    let until = line.offer.valid_until;
    (0..reading.slots())
        .filter(|slot| reading.world.slots.begin(*slot) >= until && line.grows(*slot))
        .map(|slot| {
            let (before, after) = (line.before(slot), line.after(slot));
            let detail = format!("{before} replicas grow to {after}, the offer ran out at {until}");
            let finding = Finding::new(Rule::OfferExpired, detail);
            finding.of(line.id).at(line.site).slot(slot)
        })
        .collect()
}
