//! Moving once, as far as latency allows and where there is room: every zone of Google's that the carbon of is known holds a hundred
//! units of work at most, and all have as much of it as is not idle.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{Deployment, DeploymentId, Plan, Slots, TokensPerSecond, World};

use super::Figure;
use super::adapter::{self, KILOWATT, hours};
use super::published::{IDLE, LATENCIES};
use super::zones::Zones;
use crate::planning::Planning;
use crate::{Data, DataError, Progress};

/// What a zone holds.
const ROOM: u32 = 100;

/// Zones with the mean of their year, and how far each is from every other, milliseconds.
pub(super) struct Places {
    pub(super) zones: BTreeMap<String, Place>,
    pub(super) hours: usize,
}

/// One zone.
pub(super) struct Place {
    /// Grams per kilowatt-hour.
    pub(super) carbon: f64,
    /// Milliseconds by origin.
    pub(super) from: BTreeMap<String, u32>,
}

impl Places {
    pub(super) fn read(data: &Data, zones: &Zones) -> Result<Self, DataError> {
        let table = data.table("eurosys24/gcp_latency_matrix.csv")?;
        let rows = table.texts("origin")?;
        let known = |name: &str| zones.0.iter().find(|zone| zone.name == name);
        let origins: BTreeSet<_> = rows
            .iter()
            .copied()
            .filter(|name| known(name).is_some())
            .collect();
        let mut places = BTreeMap::new();
        for zone in rows.iter().filter_map(|name| known(name)) {
            let carbon = zone.carbon.iter().sum::<f64>() / zone.carbon.len() as f64;
            let from = BTreeMap::new();
            places.insert(zone.name.clone(), Place { carbon, from });
        }
        for origin in origins {
            for (name, milliseconds) in rows.iter().zip(table.numbers(origin)?) {
                let Some(place) = places.get_mut(*name) else {
                    continue;
                };
                // One zone has two data centers in the table: the nearer one counts.
                let known = place.from.entry(origin.to_owned()).or_insert(u32::MAX);
                *known = (*known).min(milliseconds as u32);
            }
        }
        Ok(Self {
            zones: places,
            hours: zones.hours(),
        })
    }
}

/// Grams per kilowatt-hour that remain, by how much is idle and how far work may go. None where a plan left work without a place.
pub(super) fn remaining(
    places: &Places,
    planning: &Planning,
    progress: &dyn Progress,
) -> BTreeMap<Figure, f64> {
    progress.begin("moving within latencies", IDLE.len() * LATENCIES.len());
    let mut figures = BTreeMap::new();
    for idle in IDLE {
        for latency in LATENCIES {
            let work = ROOM - idle;
            let plan = planning.plan(&world(places, work, latency), &Plan::default());
            if plan
                .deployments
                .values()
                .all(|decision| decision.unmet.is_none())
            {
                let kilowatt_hours =
                    f64::from(work) * places.zones.len() as f64 * places.hours as f64;
                let grams = plan.objective.parts.carbon.0;
                figures.insert(Figure::Remaining { idle, latency }, grams / kilowatt_hours);
            }
            progress.step();
        }
    }
    figures
}

/// The year as one slot: what moves once stays.
fn world(places: &Places, work: u32, latency: u32) -> World {
    let slots = Slots {
        seconds: places.hours as u32 * 3600,
        ..hours(0, 1)
    };
    let mut world = adapter::world(
        slots,
        places
            .zones
            .iter()
            .map(|(name, place)| (name.as_str(), std::slice::from_ref(&place.carbon))),
    );
    for (name, site) in &mut world.sites {
        site.latencies = places.zones[name.as_str()]
            .from
            .iter()
            .map(|(origin, milliseconds)| (origin.as_str().into(), *milliseconds))
            .collect();
        for hour in &mut site.hours {
            hour.limit = KILOWATT.times(ROOM);
        }
    }
    for origin in places.zones.keys() {
        let id = DeploymentId::new("eurosys24", origin);
        let deployment = Deployment {
            demand: TokensPerSecond(f64::from(work)),
            origins: BTreeMap::from([(origin.as_str().into(), latency)]),
            ..adapter::kilowatts(id.clone())
        };
        world.deployments.insert(id, deployment);
    }
    world
}
