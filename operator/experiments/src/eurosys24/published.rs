//! The published tables.

use std::collections::BTreeMap;

use super::Figure;
use super::zones::Group;
use crate::{Data, DataError, Table};

/// Hours of a job.
pub(super) const LENGTHS: [usize; 7] = [1, 6, 12, 24, 48, 96, 168];
/// Percent of a zone's room that is idle.
pub(super) const IDLE: [u32; 3] = [0, 50, 99];
/// Milliseconds that work may be away from its origin.
pub(super) const LATENCIES: [u32; 7] = [5, 50, 100, 150, 200, 250, 300];

/// What was published, in grams per kilowatt-hour.
pub(super) type Published = BTreeMap<Figure, f64>;

/// All tables.
pub(super) fn read(data: &Data) -> Result<Published, DataError> {
    let table = |file: &str| data.table(&format!("eurosys24/published/{file}.csv"));
    let mut all = Published::new();
    let migration = table("spatial_one_and_inf_savings_mean")?;
    by_group(
        &mut all,
        &migration,
        "migration",
        "one",
        Figure::OneMigration,
    )?;
    by_group(
        &mut all,
        &migration,
        "migration",
        "inf",
        Figure::HourlyMigration,
    )?;
    let (deferred, interrupted) = (
        table("temporal_deferrability_slack_24")?,
        table("temporal_interruptibility_slack_24")?,
    );
    for hours in LENGTHS {
        let key = hours.to_string();
        by_group(&mut all, &deferred, "job", &key, |group| {
            Figure::Deferred(hours, group)
        })?;
        by_group(&mut all, &interrupted, "job", &key, |group| {
            Figure::Interrupted(hours, group)
        })?;
    }
    let within = table("spatial_capacity_latency_emissions")?;
    for idle in IDLE {
        let values = within.numbers(&idle.to_string())?;
        for latency in LATENCIES {
            let at = row(&within, "latency", &latency.to_string())?;
            all.insert(Figure::Remaining { idle, latency }, values[at]);
        }
    }
    Ok(all)
}

fn by_group(
    all: &mut Published,
    table: &Table,
    key: &str,
    name: &str,
    figure: impl Fn(Group) -> Figure,
) -> Result<(), DataError> {
    let at = row(table, key, name)?;
    for group in Group::ALL {
        all.insert(figure(group), table.numbers(group.name())?[at]);
    }
    Ok(())
}

fn row(table: &Table, key: &str, name: &str) -> Result<usize, DataError> {
    let at = table.texts(key)?.iter().position(|text| *text == name);
    at.ok_or_else(|| table.unexpected(format!("no row {name}")))
}
