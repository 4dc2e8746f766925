//! Step two of a cycle: from declared objects to a [`World`] in units, or a clear word about what is wrong with which.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::{self as api, Mode, PlacementPolicy, conditions::reasons};
use commonwatt_fleet::{Money, Policy, Shared, SiteId, Slots, World};

use crate::committed::{adopt, keep_what_runs};
use crate::deployments::read_deployment;
use crate::dereference::Seen;
use crate::flawed::leave_out;
use crate::jobs;
use crate::offers;
use crate::problem::{Problem, Refused, invalid};

/// A world and what had to be left out of it.
#[derive(Debug, Clone)]
pub struct Read {
    /// The world.
    pub world: World,
    /// What could not be used.
    pub problems: Vec<Problem>,
    /// Sites that are there but too cautious for this world: their mode.
    pub cautious: BTreeMap<SiteId, Mode>,
}

/// What a world is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Deployments and sites of at least this mode take part.
    pub mode: Mode,
    /// The hub's own cap: deployments count as no bolder than this.
    pub cap: Mode,
    /// The horizon.
    pub slots: Slots,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Reads the world.
pub fn read(seen: &Seen, scope: Scope, worked: &BTreeMap<String, f64>) -> Read {
    let mut problems = Vec::new();
    let (currency, policies, rates) = policies(&seen.policies, &mut problems);
    let mut world = World {
        slots: scope.slots,
        currency,
        sites: BTreeMap::new(),
        policies,
        deployments: BTreeMap::new(),
        jobs: BTreeMap::new(),
        shared: Shared::default(),
    };
    let mut cautious = BTreeMap::new();
    for (name, offer) in &seen.offers {
        let id = SiteId::from(name.as_str());
        if offer.spec.hours.is_empty() {
            continue;
        }
        if offer.spec.mode < scope.mode {
            cautious.insert(id, offer.spec.mode);
            continue;
        }
        match offers::site(offer, &world.currency, &rates, scope.slots, scope.now) {
            Ok(site) => {
                world.sites.insert(id, site);
            }
            Err((reason, message)) => {
                problems.push(Problem::new("SiteOffer", name, reason, message));
            }
        }
    }
    for (name, deployment) in &seen.deployments {
        let leaving = deployment.metadata.deletion_timestamp.is_some();
        if leaving || deployment.spec.mode.min(scope.cap) < scope.mode {
            continue;
        }
        match read_deployment(name, deployment, seen, &world, scope.now) {
            Ok((read, unusable)) => {
                world.deployments.insert(read.id.clone(), read);
                let noted = unusable.into_iter().map(|message| {
                    let reason = reasons::PROFILE_UNUSABLE;
                    Problem::new("ModelDeployment", name, reason, message).noted()
                });
                problems.extend(noted);
            }
            Err((reason, message)) => {
                problems.push(Problem::new("ModelDeployment", name, reason, message));
            }
        }
    }
    adopt(seen, &mut world);
    if scope.mode.min(scope.cap) == Mode::Enforce {
        jobs::read(seen, &mut world, scope.now, worked, &mut problems);
    }
    for problem in problems.iter().filter(|problem| !problem.noted) {
        keep_what_runs(seen, problem, &mut world, scope.now);
    }
    leave_out(&mut world, &mut problems);
    Read {
        world,
        problems,
        cautious,
    }
}

/// Policies in one currency, and what one unit of every other currency is worth in it.
fn policies(
    declared: &BTreeMap<String, Arc<PlacementPolicy>>,
    problems: &mut Vec<Problem>,
) -> (String, BTreeMap<String, Policy>, BTreeMap<String, f64>) {
    let currency = declared
        .values()
        .next()
        .map_or_else(|| "USD".to_owned(), |policy| policy.spec.currency.clone());
    let mut read = BTreeMap::new();
    let mut rates: BTreeMap<String, f64> = [(currency.clone(), 1.0)].into();
    for (name, policy) in declared {
        let spec = &policy.spec;
        if spec.currency != currency {
            let message = format!(
                "spec.currency: {} differs from {currency}; all policies of a hub share one",
                spec.currency
            );
            problems.push(Problem::new(
                "PlacementPolicy",
                name,
                reasons::INVALID,
                message,
            ));
            continue;
        }
        match read_policy(policy) {
            Ok(policy) => {
                read.insert(name.clone(), policy);
            }
            Err((reason, message)) => {
                problems.push(Problem::new("PlacementPolicy", name, reason, message));
                continue;
            }
        }
        for rate in &spec.rates {
            match rate.rate.value() {
                Ok(value) if value > 0.0 => {
                    rates.entry(rate.currency.clone()).or_insert(value);
                }
                Ok(value) => problems.push(Problem::new(
                    "PlacementPolicy",
                    name,
                    reasons::INVALID,
                    format!(
                        "spec.rates[{}].rate: {value} must be above zero",
                        rate.currency
                    ),
                )),
                Err(error) => problems.push(Problem::new(
                    "PlacementPolicy",
                    name,
                    reasons::INVALID,
                    format!("spec.rates[{}].rate: {error}", rate.currency),
                )),
            }
        }
    }
    (currency, read, rates)
}

fn read_policy(policy: &PlacementPolicy) -> Result<Policy, Refused> {
    let spec = &policy.spec;
    let money = |field: &str, value: &api::Decimal| {
        let value = value.value().map_err(|error| invalid(field, error))?;
        Money::try_positive(value).map_err(|error| invalid(field, error))
    };
    Ok(Policy {
        carbon_per_tonne: money("spec.carbonPerTonne", &spec.carbon_per_tonne)?,
        water_per_cubic_meter: money("spec.waterPerCubicMeter", &spec.water_per_cubic_meter)?,
        unserved_per_million_tokens: money(
            "spec.unservedPerMillionTokens",
            &spec.unserved_per_million_tokens,
        )?,
        move_cost: money("spec.moveCost", &spec.move_cost)?,
        dwell_seconds: u32::try_from(spec.dwell_seconds)
            .map_err(|error| invalid("spec.dwellSeconds", error))?,
        moves_per_hour: u32::try_from(spec.moves_per_hour)
            .map_err(|error| invalid("spec.movesPerHour", error))?,
    })
}
