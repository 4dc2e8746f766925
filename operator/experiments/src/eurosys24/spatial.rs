//! Moving once to where the year is cleanest, and every hour to where the hour is.

use std::collections::BTreeMap;

use commonwatt_fleet::{Deployment, DeploymentId, JobId, Plan, TokensPerSecond};

use super::Figure;
use super::adapter::{self, hours};
use super::zones::{Group, Zone, Zones};
use crate::Progress;
use crate::planning::Planning;

/// Hours of a plan that moves every hour: nothing carries over from one to the next.
const CHUNK: usize = 24 * 30;

/// What both save against staying at home, in the mean over the zones of a group.
pub(super) fn migrations(
    zones: &Zones,
    planning: &Planning,
    progress: &dyn Progress,
) -> BTreeMap<Figure, f64> {
    progress.begin("moving in space", Group::ALL.len() * 2);
    let mut figures = BTreeMap::new();
    for group in Group::ALL {
        let members: Vec<_> = zones
            .of(group)
            .into_iter()
            .map(|index| &zones.0[index])
            .collect();
        let home = members
            .iter()
            .map(|zone| zone.carbon.iter().sum::<f64>())
            .sum::<f64>()
            / members.len() as f64;
        let per_hour = |grams: f64| (home - grams) / zones.hours() as f64;
        figures.insert(
            Figure::OneMigration(group),
            per_hour(once(&members, planning)),
        );
        progress.step();
        figures.insert(
            Figure::HourlyMigration(group),
            per_hour(hourly(&members, planning)),
        );
        progress.step();
    }
    figures
}

/// Grams of a kilowatt for a year at the one place that a plan gives it: a job of that length, wherever its home is.
fn once(members: &[&Zone], planning: &Planning) -> f64 {
    let count = members.first().map_or(0, |zone| zone.carbon.len());
    let slots = hours(0, count);
    let mut world = adapter::world(
        slots,
        members
            .iter()
            .map(|zone| (zone.name.as_str(), &zone.carbon[..])),
    );
    let job = adapter::job(JobId::new("eurosys24", "year"), &slots, count);
    world.jobs.insert(job.id.clone(), job);
    planning
        .plan(&world, &Plan::default())
        .objective
        .parts
        .carbon
        .0
}

/// Grams of a kilowatt that may move every hour, for a year.
fn hourly(members: &[&Zone], planning: &Planning) -> f64 {
    let count = members.first().map_or(0, |zone| zone.carbon.len());
    let chunk = |first: usize| {
        let last = (first + CHUNK).min(count);
        let carbon = members
            .iter()
            .map(|zone| (zone.name.as_str(), &zone.carbon[first..last]));
        let mut world = adapter::world(hours(first, last - first), carbon);
        let id = DeploymentId::new("eurosys24", "kilowatt");
        let deployment = Deployment {
            demand: TokensPerSecond(1.0),
            ..adapter::kilowatts(id.clone())
        };
        world.deployments.insert(id, deployment);
        planning
            .plan(&world, &Plan::default())
            .objective
            .parts
            .carbon
            .0
    };
    (0..count).step_by(CHUNK).map(chunk).sum()
}
