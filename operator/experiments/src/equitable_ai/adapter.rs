//! From a trace to the planner's world: a deployment of small replicas, and each data center a community of its own.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use commonwatt_fleet::{
    Allowance, Community, Deployment, DeploymentId, Fairness, GramsPerKwh, LitersPerKwh, Money,
    Policy, Product, Shared, SiteHour, SiteId, Slots, TokensPerSecond, Variant, VariantName, Watts,
    World,
};

use super::trace::{Site, Trace, Use};
use super::{CARBON_WEIGHT, WATER_WEIGHT};
use crate::bare;

/// Watts of a replica: small enough for shares of a data center to be as good as continuous.
pub(super) const REPLICA: Watts = Watts(1000);
/// Replicas that a data center of 1 MW holds.
const REPLICAS: u32 = 1000;
/// USD per million tokens: 10,000 per megawatt-hour, as a value of lost load, where a replica serves 3,600 tokens for each
/// kilowatt-hour.
const UNSERVED: f64 = 10_000.0 / 3.6;
/// The name of the policy.
const POLICY: &str = "equitable";

/// The one workload.
pub(super) fn deployment() -> DeploymentId {
    DeploymentId::new("equitable-ai", "load")
}

fn product() -> Product {
    "kilowatt".into()
}

fn variant() -> VariantName {
    "any".into()
}

/// When the trace begins.
fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_663_804_800, 0).unwrap_or_default()
}

/// A world whose first hour is the trace's, when so much has been used already.
pub(super) fn world(ahead: &Trace, hour: usize, used: &Use) -> World {
    let slots = Slots {
        start: start() + chrono::TimeDelta::hours(hour as i64),
        seconds: 3600,
        count: ahead.hours(),
    };
    let shared = Shared {
        communities: communities(ahead, used, slots.hours() * slots.count as f64),
        fairness: Fairness {
            carbon: Money(CARBON_WEIGHT),
            water: Money(WATER_WEIGHT),
        },
        ..Shared::default()
    };
    let policy = Policy {
        unserved_per_million_tokens: Money(UNSERVED),
        ..bare::policy()
    };
    World {
        sites: ahead
            .sites
            .iter()
            .map(|of| (of.name.into(), site(of, &slots)))
            .collect(),
        policies: BTreeMap::from([(POLICY.into(), policy)]),
        deployments: BTreeMap::from([(deployment(), load(ahead))]),
        shared,
        ..bare::world(slots)
    }
}

fn site(of: &Site, slots: &Slots) -> commonwatt_fleet::Site {
    let hour = |hour: usize| SiteHour {
        price_per_kwh: Money(of.price[hour] / 1000.0),
        wue: LitersPerKwh(of.water[hour]),
        average_carbon: GramsPerKwh(of.carbon[hour] * 1000.0),
        ..bare::hour(REPLICA.times(REPLICAS))
    };
    let hours = (0..slots.count).map(hour).collect();
    bare::site(slots, product(), bare::pool(REPLICAS, REPLICA), hours)
}

/// A replica serves one token a second.
fn load(ahead: &Trace) -> Deployment {
    let tokens = |megawatts: &f64| TokensPerSecond(megawatts * 1e6 / REPLICA.0 as f64);
    let demand: Vec<_> = ahead.load.iter().map(tokens).collect();
    let variant = Variant {
        name: variant(),
        product: product(),
        accelerators: 1,
        tokens_per_second: TokensPerSecond(1.0),
        watts: REPLICA,
        only_at: None,
    };
    Deployment {
        demand: demand.first().copied().unwrap_or(TokensPerSecond::ZERO),
        demand_by_slot: demand,
        variants: vec![variant],
        ..bare::deployment(deployment(), POLICY)
    }
}

/// Each data center's neighbours. Their whole is one tonne and one cubic metre, so that fairness costs its weight for each.
fn communities(ahead: &Trace, used: &Use, hours_left: f64) -> BTreeMap<String, Community> {
    let allowance = |used: f64, whole: f64| {
        Some(Allowance {
            used: used * whole,
            whole,
            hours_left,
        })
    };
    let of = |(index, name): (usize, &'static str)| {
        let community = Community {
            sites: BTreeSet::from([SiteId::from(name)]),
            carbon: allowance(used.carbon[index], 1e6),
            water: allowance(used.water[index], 1e3),
        };
        (name.to_owned(), community)
    };
    ahead.names().enumerate().map(of).collect()
}

/// Megawatts that a plan serves at each data center in a slot. Load is shared out over the replicas, so what rounding up adds
/// draws nothing.
pub(super) fn served(ahead: &Trace, plan: &commonwatt_fleet::Plan, slot: usize) -> Vec<f64> {
    let at = |name: &str| plan.replicas(&deployment(), &name.into(), &variant(), slot);
    let replicas: Vec<_> = ahead
        .names()
        .map(|name| f64::from(at(name)) * REPLICA.0 as f64 / 1e6)
        .collect();
    let all: f64 = replicas.iter().sum();
    let part = if all > 0.0 {
        (ahead.load[slot] / all).min(1.0)
    } else {
        0.0
    };
    replicas.iter().map(|megawatts| megawatts * part).collect()
}
