//! What keeps a deployment from a cheaper site that has room: that it came not long ago, or that the moves are spent.

use std::collections::BTreeMap;

use commonwatt_fleet::{Deployment, DeploymentId, Money, Plan, Rejection, SiteId, World};

use super::subject::Subject;
use crate::rows::policy_of;

/// Moves that a plan's first slot leaves, by policy.
pub(super) struct Restraint {
    left: BTreeMap<String, u32>,
}

impl Restraint {
    /// Counts what a plan moves by choice.
    pub(super) fn new(world: &World, plan: &Plan) -> Self {
        let mut spent: BTreeMap<&str, u32> = BTreeMap::new();
        for (id, deployment) in &world.deployments {
            let moved = moved(plan, id, deployment).saturating_add(arrived(world, deployment));
            let sum = spent.entry(&deployment.policy).or_default();
            *sum = sum.saturating_add(moved);
        }
        let left = |(policy, spent): (&str, u32)| {
            let left = allowed(world, policy).saturating_sub(spent);
            (policy.to_owned(), left)
        };
        Self {
            left: spent.into_iter().map(left).collect(),
        }
    }

    /// What holds a deployment back from moving replicas that would save money.
    pub(super) fn holds(
        &self,
        subject: &Subject<'_, '_>,
        replicas: u32,
        saves_per_hour: Money,
    ) -> Option<Rejection> {
        if let Some(end) = dwells_until(subject) {
            let slots = &subject.rows.world.slots;
            let length = slots.end(0) - slots.begin(0);
            return Some(Rejection::Dwell {
                until: slots.begin(0) + length * i32::try_from(end).unwrap_or(i32::MAX / 2),
                saves_per_hour,
            });
        }
        let committed = subject.places.iter().map(|place| place.committed);
        let committed = committed.fold(0, u32::saturating_add);
        let policy = &subject.deployment.policy;
        let left = self.left.get(policy).copied().unwrap_or(0);
        (committed > 0 && left < replicas.min(committed)).then(|| Rejection::MoveBudget {
            allowed: allowed(subject.rows.world, policy),
            saves_per_hour,
        })
    }
}

fn allowed(world: &World, policy: &str) -> u32 {
    let per_hour = f64::from(policy_of(world, policy).moves_per_hour);
    (per_hour * world.slots.hours()) as u32
}

/// Replicas that change site in the first slot.
fn moved(plan: &Plan, id: &DeploymentId, deployment: &Deployment) -> u32 {
    let had: u64 = deployment
        .committed
        .values()
        .flat_map(BTreeMap::values)
        .map(|held| u64::from(held.replicas))
        .sum();
    let Some(decision) = plan.deployments.get(id).filter(|_| had > 0) else {
        return 0;
    };
    let committed = |site: &SiteId| -> u32 {
        let here = deployment
            .committed
            .get(site)
            .into_iter()
            .flat_map(BTreeMap::values);
        here.map(|held| held.replicas).fold(0, u32::saturating_add)
    };
    let planned = |site: &SiteId| -> u32 {
        let here = decision
            .sites
            .get(site)
            .into_iter()
            .flat_map(BTreeMap::values);
        here.filter_map(|placement| placement.ceiling.first().copied())
            .fold(0, u32::saturating_add)
    };
    let added = decision
        .sites
        .keys()
        .map(|site| planned(site).saturating_sub(committed(site)));
    let removed = deployment
        .committed
        .keys()
        .map(|site| committed(site).saturating_sub(planned(site)));
    added
        .fold(0, u32::saturating_add)
        .min(removed.fold(0, u32::saturating_add))
}

/// Replicas that came within the first slot have used their moves already.
fn arrived(world: &World, deployment: &Deployment) -> u32 {
    let held = deployment.committed.values().flat_map(BTreeMap::values);
    held.filter(|held| held.since >= world.slots.start)
        .map(|held| held.replicas)
        .fold(0, u32::saturating_add)
}

/// The slot until which a deployment stays where it is because it came not long ago.
fn dwells_until(subject: &Subject<'_, '_>) -> Option<i64> {
    let slots = &subject.rows.world.slots;
    let seconds = i64::from(slots.seconds.max(1));
    let dwell = (i64::from(subject.policy.dwell_seconds) + seconds - 1) / seconds;
    let stays = subject.places.iter();
    let stays = stays.filter(|place| place.committed > 0 && place.now() > 0);
    let ends = stays.filter_map(|place| {
        let held = subject.deployment.committed.get(place.shape.site)?;
        let since = held.values().map(|held| held.since).min()?;
        // Dwell counts from the beginning of the slot of arrival.
        let arrived = (since - slots.start).num_seconds().div_euclid(seconds);
        Some(arrived.min(0).saturating_add(dwell))
    });
    ends.max().filter(|end| *end > 0)
}
