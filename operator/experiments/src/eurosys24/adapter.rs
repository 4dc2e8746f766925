//! Zones as sites with room for everything, and carbon as the only price: a dollar a gram.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::{
    BatchJob, Deployment, DeploymentId, GramsPerKwh, JobId, JobShape, Money, Policy, Product,
    SiteHour, Slots, TokensPerSecond, Variant, Watts, World,
};

use crate::bare;

/// What every workload draws.
pub(super) const KILOWATT: Watts = Watts(1000);
/// The name of the policy.
pub(super) const POLICY: &str = "carbon";
/// More than serving emits anywhere, dollars per million tokens: a replica serves 3,600 of them for each kilowatt-hour.
const UNSERVED: f64 = 1e7;
/// More than ever runs at once.
const ROOM: u32 = 1_000_000;

/// The first hour of 2022.
fn new_year() -> DateTime<Utc> {
    DateTime::from_timestamp(1_640_995_200, 0).unwrap_or_default()
}

/// Hours of 2022.
pub(super) fn hours(first: usize, count: usize) -> Slots {
    Slots {
        start: new_year() + TimeDelta::hours(first as i64),
        seconds: 3600,
        count,
    }
}

pub(super) fn product() -> Product {
    "kilowatt".into()
}

/// Zones with their carbon in each slot.
pub(super) fn world<'a>(
    slots: Slots,
    zones: impl IntoIterator<Item = (&'a str, &'a [f64])>,
) -> World {
    let hour = |carbon: &f64| SiteHour {
        average_carbon: GramsPerKwh(*carbon),
        ..bare::hour(KILOWATT.times(ROOM))
    };
    let site = |(name, carbon): (&str, &[f64])| {
        let hours = carbon.iter().map(hour).collect();
        (
            name.into(),
            bare::site(&slots, product(), bare::pool(ROOM, KILOWATT), hours),
        )
    };
    let policy = Policy {
        carbon_per_tonne: Money(1e6),
        unserved_per_million_tokens: Money(UNSERVED),
        ..bare::policy()
    };
    World {
        sites: zones.into_iter().map(site).collect(),
        policies: BTreeMap::from([(POLICY.into(), policy)]),
        ..bare::world(slots)
    }
}

/// A job of a kilowatt.
pub(super) fn job(id: JobId, slots: &Slots, work: usize) -> BatchJob {
    let shape = JobShape {
        pods: 1,
        accelerators_per_pod: 1,
        watts_per_pod: KILOWATT,
    };
    BatchJob {
        shapes: BTreeMap::from([(product(), shape)]),
        ..bare::job(id, POLICY, slots, work as u32)
    }
}

/// Replicas of a kilowatt that serve one token a second each.
pub(super) fn kilowatts(id: DeploymentId) -> Deployment {
    let variant = Variant {
        name: "any".into(),
        product: product(),
        accelerators: 1,
        tokens_per_second: TokensPerSecond(1.0),
        watts: KILOWATT,
        only_at: None,
    };
    Deployment {
        variants: vec![variant],
        ..bare::deployment(id, POLICY)
    }
}
