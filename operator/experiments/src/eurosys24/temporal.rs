//! Jobs that may begin up to a day later, and may pause.
//!
//! For each zone and length a job is released in every hour in which it still fits before the year's end, the last such hour left
//! out, as the published tables have it. Its window ends a day after its length, or with the year.

use std::collections::BTreeMap;

use commonwatt_fleet::{BatchJob, JobId, Plan, World};

use super::adapter::{self, hours};
use super::published::LENGTHS;
use super::zones::{Group, Zone, Zones};
use super::{Figure, SLACK};
use crate::Progress;
use crate::planning::Planning;
use crate::side_by_side::side_by_side;

/// Hours in which the jobs of one world are released. Jobs do not meet, so it does not matter how many share a world.
const CHUNK: usize = 48;
/// A zone that the published row of 168 hours does not have: without it the row comes out to the last digit, and with it the
/// three other groups do.
const LEFT_OUT: (usize, &str) = (168, "SE-SE1");

/// What a zone's jobs of one length emit in the mean, grams per hour of work: at once, begun later, paused too.
type Means = [f64; 3];

/// What deferring saves, and what pausing saves beyond that, in the mean over the zones of a group.
pub(super) fn shifts(
    zones: &Zones,
    planning: &Planning,
    progress: &dyn Progress,
) -> BTreeMap<Figure, f64> {
    progress.begin("shifting in time", zones.0.len());
    let means = side_by_side(&zones.0, |zone| {
        let means = LENGTHS.map(|length| means(zone, length, planning));
        progress.step();
        means
    });
    let mut figures = BTreeMap::new();
    for group in Group::ALL {
        for (place, length) in LENGTHS.into_iter().enumerate() {
            let members = zones
                .of(group)
                .into_iter()
                .filter(|zone| (length, zones.0[*zone].name.as_str()) != LEFT_OUT);
            let of: Vec<Means> = members.map(|zone| means[zone][place]).collect();
            let mean =
                |saved: fn(&Means) -> f64| of.iter().map(saved).sum::<f64>() / of.len() as f64;
            figures.insert(
                Figure::Deferred(length, group),
                mean(|[at_once, later, _]| at_once - later),
            );
            figures.insert(
                Figure::Interrupted(length, group),
                mean(|[_, later, paused]| later - paused),
            );
        }
    }
    figures
}

fn means(zone: &Zone, length: usize, planning: &Planning) -> Means {
    let starts = zone.carbon.len().saturating_sub(length);
    let mut sums = Means::default();
    for first in (0..starts).step_by(CHUNK) {
        let of = chunk(zone, length, first..(first + CHUNK).min(starts), planning);
        sums.iter_mut().zip(of).for_each(|(sum, of)| *sum += of);
    }
    sums.map(|sum| sum / (starts * length) as f64)
}

fn chunk(zone: &Zone, length: usize, starts: std::ops::Range<usize>, planning: &Planning) -> Means {
    let end = (starts.end + length + SLACK).min(zone.carbon.len());
    let carbon = &zone.carbon[starts.start..end];
    let planned = |interruptible: bool| {
        let world = world(zone, carbon, length, &starts, interruptible);
        planning
            .plan(&world, &Plan::default())
            .objective
            .parts
            .carbon
            .0
    };
    let at_once = (0..starts.len())
        .map(|start| carbon[start..start + length].iter().sum::<f64>())
        .sum();
    [at_once, planned(false), planned(true)]
}

fn world(
    zone: &Zone,
    carbon: &[f64],
    length: usize,
    starts: &std::ops::Range<usize>,
    interruptible: bool,
) -> World {
    let slots = hours(starts.start, carbon.len());
    let mut world = adapter::world(slots, [(zone.name.as_str(), carbon)]);
    world.jobs = (0..starts.len())
        .map(|start| {
            let id = JobId::new("eurosys24", &format!("{start:03}"));
            let job = BatchJob {
                release: slots.begin(start),
                deadline: slots.begin((start + length + SLACK).min(slots.count)),
                interruptible,
                ..adapter::job(id.clone(), &slots, length)
            };
            (id, job)
        })
        .collect();
    world
}
