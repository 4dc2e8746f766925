//! Moves: replicas that start where they did not run before, and those that change site by choice, which a budget limits.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{Deployment, DeploymentId, SiteId};

use crate::finding::{Finding, Rule};
use crate::reading::Reading;
use crate::{nodes, places, power};

/// Replicas of a deployment that start in a slot. One that is committed to nothing has to be somewhere: it starts freely.
pub(crate) fn started(
    reading: &Reading<'_>,
    id: &DeploymentId,
    deployment: &Deployment,
    slot: usize,
) -> u64 {
    let held = deployment.committed.values().flat_map(BTreeMap::values);
    if slot == 0 && held.map(|held| u64::from(held.replicas)).sum::<u64>() == 0 {
        return 0;
    }
    let lines = reading.lines_of(id);
    lines
        .map(|line| u64::from(line.after(slot).saturating_sub(line.before(slot))))
        .sum()
}

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let rows = power::rows(reading);
    for slot in 0..reading.slots() {
        // A site that cannot keep all that it ran before was not asked what leaves it.
        let mut pressed = nodes::pressed(reading, slot);
        pressed.extend(rows.iter().flat_map(|row| row.pressed(slot)));
        let mut chosen: BTreeMap<&str, u64> = BTreeMap::new();
        for (id, deployment) in &reading.world.deployments {
            let moves = chosen_moves(reading, id, slot, &pressed);
            *chosen.entry(&deployment.policy).or_default() += moves;
        }
        for (policy, count) in chosen {
            let hourly = reading.world.policies.get(policy);
            let hourly = hourly.map_or(0, |policy| policy.moves_per_hour);
            let allowed = (f64::from(hourly) * reading.hours()) as u64;
            if count > allowed {
                let detail = format!("{count} moves under policy {policy}, allowed {allowed}");
                findings.push(Finding::new(Rule::MoveBudget, detail).slot(slot));
            }
        }
    }
    findings
}

/// Replicas of a deployment that change site in a slot though the one they leave could keep them.
fn chosen_moves(
    reading: &Reading<'_>,
    id: &DeploymentId,
    slot: usize,
    pressed: &BTreeSet<&SiteId>,
) -> u64 {
    let (mut added, mut left_freely) = (0_u64, 0_u64);
    let lines: Vec<_> = reading.lines_of(id).collect();
    for here in lines.chunk_by(|a, b| a.site == b.site) {
        let (mut before, mut after) = (0_u64, 0_u64);
        let mut forced = pressed.contains(here[0].site);
        for line in here {
            before += u64::from(line.before(slot));
            after += u64::from(line.after(slot));
            let may_stay = line.variant.tokens_per_second.0 > 0.0
                && places::broken(line.deployment, line.variant, line.site, line.offer).is_none();
            forced |= line.before(slot) > 0 && !may_stay;
        }
        let cap = places::refusal_cap(here[0].deployment, here[0].site, here[0].offer);
        forced |= cap.is_some_and(|cap| before > u64::from(cap));
        added += after.saturating_sub(before);
        if !forced {
            left_freely += before.saturating_sub(after);
        }
    }
    added.min(left_freely)
}
