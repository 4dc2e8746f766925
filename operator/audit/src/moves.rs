//! Moves: replicas that change site by choice, within each policy's budget.

use std::collections::BTreeMap;

use commonwatt_fleet::{Deployment, DeploymentId, SiteId};

use crate::finding::{Finding, Rule};
use crate::reading::{Reading, limit};
use crate::{nodes, places, power};

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for slot in 0..reading.slots() {
        let pressed: BTreeMap<&SiteId, bool> = reading
            .world
            .sites
            .keys()
            .map(|site| (site, is_pressed(reading, site, slot)))
            .collect();
        let mut chosen: BTreeMap<&str, u64> = BTreeMap::new();
        for (id, deployment) in &reading.world.deployments {
            let moved = moved(reading, id, deployment, slot, &pressed);
            *chosen.entry(&deployment.policy).or_default() += moved.chosen;
        }
        for (policy, count) in chosen {
            let hourly = reading.world.policies.get(policy);
            let hourly = hourly.map_or(0, |policy| policy.moves_per_hour);
            let allowed = (f64::from(hourly) * reading.world.slots.hours()) as u64;
            if count > allowed {
                let detail = format!("{count} moves under policy {policy}, allowed {allowed}");
                findings.push(Finding::new(Rule::MoveBudget, detail).slot(slot));
            }
        }
    }
    findings
}

/// Whether a site cannot keep all that it ran before a slot: then what leaves it was not asked.
fn is_pressed(reading: &Reading<'_>, site: &SiteId, slot: usize) -> bool {
    let Some(offer) = reading.world.sites.get(site) else {
        return false;
    };
    let mut most = limit(offer, slot);
    if slot + 1 < reading.slots() {
        most = most.min(limit(offer, slot + 1));
    }
    power::watts_before(reading, site, slot) > most || !nodes::before_fits(reading, site, slot)
}

/// Replicas of a deployment that change site in a slot.
pub(crate) struct Moved {
    pub all: u64,
    pub chosen: u64,
}

pub(crate) fn moved(
    reading: &Reading<'_>,
    id: &DeploymentId,
    deployment: &Deployment,
    slot: usize,
    pressed: &BTreeMap<&SiteId, bool>,
) -> Moved {
    let (mut added, mut removed, mut left_freely) = (0_u64, 0_u64, 0_u64);
    for (site, offer) in &reading.world.sites {
        let (mut before, mut after) = (0_u64, 0_u64);
        let mut banned = false;
        for line in reading.lines_of(id, site) {
            before += u64::from(line.before(slot));
            after += u64::from(line.after(slot));
            let unfit = line.variant.tokens_per_second.0 <= 0.0
                || places::broken(deployment, line.variant, site, offer).is_some();
            banned |= line.before(slot) > 0 && unfit;
        }
        let cap = places::refusal_cap(deployment, site, offer);
        let refused = cap.is_some_and(|cap| before > u64::from(cap));
        let forced = banned || refused || pressed.get(site).copied().unwrap_or(false);
        added += after.saturating_sub(before);
        removed += before.saturating_sub(after);
        if !forced {
            left_freely += before.saturating_sub(after);
        }
    }
    Moved {
        all: added.min(removed),
        chosen: added.min(left_freely),
    }
}
