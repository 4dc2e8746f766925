//! What is wrong with a world, object by object.

mod shared;
mod site;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::flaw::{Effect, Flaw, Object, Wrong};
use crate::{Product, SiteId, Watts, World};

/// Everything that is wrong with a world; empty when nothing is. [`crate::sound`] is the world without what cannot be used.
pub fn check(world: &World) -> Vec<Flaw> {
    let mut flaws = horizon(world);
    let mut policies = BTreeSet::new();
    for (name, policy) in &world.policies {
        let found = work::policy(name, policy);
        if found.is_empty() {
            policies.insert(name.as_str());
        }
        flaws.extend(found);
    }
    let running = running(world);
    for (id, site) in &world.sites {
        flaws.extend(site::check(world, &running, id, site));
    }
    for (id, deployment) in &world.deployments {
        flaws.extend(work::deployment(&policies, id, deployment));
    }
    for (id, job) in &world.jobs {
        flaws.extend(work::job(world, &policies, id, job));
    }
    flaws.extend(shared::check(world, &running));
    flaws
}

fn horizon(world: &World) -> Vec<Flaw> {
    let slots = &world.slots;
    let mut flaws = Flaws::of(Object::World);
    if slots.seconds == 0 && slots.count > 0 {
        flaws.left_out(
            "slots.seconds",
            Wrong::TooSmall {
                got: 0.0,
                least: 1.0,
            },
        );
    }
    let seconds = i64::try_from(slots.count).ok();
    let seconds = seconds.and_then(|count| count.checked_mul(i64::from(slots.seconds)));
    let length = seconds.and_then(TimeDelta::try_seconds);
    let end = length.and_then(|length| slots.start.checked_add_signed(length));
    if end.is_none() {
        flaws.left_out("slots.count", Wrong::TooLarge);
    }
    if world.sites.is_empty() {
        flaws.noted("sites", Wrong::NoSites);
    }
    flaws.0
}

/// Watts that are committed to now, by pool.
type Running<'a> = BTreeMap<(&'a SiteId, &'a Product), i128>;

fn running(world: &World) -> Running<'_> {
    let mut running = Running::new();
    for deployment in world.deployments.values() {
        for (site, variants) in &deployment.committed {
            for variant in &deployment.variants {
                if let Some(held) = variants.get(&variant.name) {
                    let watts = i128::from(variant.watts.0.max(0)) * i128::from(held.replicas);
                    *running.entry((site, &variant.product)).or_default() += watts;
                }
            }
        }
    }
    running
}

/// What is wrong with a power limit by slot: below zero, not there in every slot, or below what runs.
fn limits(
    flaws: &mut Flaws,
    (list, entry): (&str, impl Fn(usize) -> String),
    limit: &[Watts],
    slots: usize,
    runs: i128,
) {
    if let Some(slot) = limit.iter().position(|limit| limit.0 < 0) {
        let got = limit[slot].0;
        flaws.noted(entry(slot), Wrong::NegativeLimit { got });
    }
    if limit.len() < slots {
        let (got, wanted) = (limit.len(), slots);
        flaws.noted(list, Wrong::HoursMissing { got, wanted });
    }
    let first = limit.first().copied().unwrap_or_default();
    if runs > i128::from(first.0.max(0)) && slots > 0 {
        let runs = Watts(i64::try_from(runs).unwrap_or(i64::MAX));
        flaws.noted(entry(0), Wrong::BelowWhatRuns { limit: first, runs });
    }
}

/// The flaws of one object.
struct Flaws(Vec<Flaw>, Object);

impl Flaws {
    fn of(object: Object) -> Self {
        Self(Vec::new(), object)
    }

    fn push(&mut self, field: impl Into<String>, wrong: Wrong, effect: Effect) {
        self.0.push(Flaw {
            object: self.1.clone(),
            field: field.into(),
            wrong,
            effect,
        });
    }

    fn left_out(&mut self, field: impl Into<String>, wrong: Wrong) {
        self.push(field, wrong, Effect::LeftOut);
    }

    fn noted(&mut self, field: impl Into<String>, wrong: Wrong) {
        self.push(field, wrong, Effect::Noted);
    }

    /// Leaves the object out where a number is NaN, infinite or below the least that it can be.
    fn at_least(&mut self, field: impl Into<String>, value: f64, least: f64) {
        if !value.is_finite() {
            self.finite(field, value);
        } else if value < least {
            self.left_out(field, Wrong::TooSmall { got: value, least });
        }
    }

    /// Leaves the object out where a number is NaN or infinite.
    fn finite(&mut self, field: impl Into<String>, value: f64) {
        if !value.is_finite() {
            let got = value.to_string();
            self.left_out(field, Wrong::NotFinite { got });
        }
    }
}
