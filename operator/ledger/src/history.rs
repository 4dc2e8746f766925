//! What a log already holds, and what may be appended to it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_fleet::SiteId;

use crate::meter::MeterId;
use crate::period::Period;
use crate::record::{Body, Record};

/// An index of what was appended: enough to say whether the next record may be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    last: BTreeMap<SiteId, u64>,
    /// The sequence of the record that speaks for a meter and hour.
    hours: BTreeMap<(SiteId, MeterId, DateTime<Utc>), u64>,
}

/// Why a record may not be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendRefusal {
    /// Not the next number.
    #[error("{site}: the next record is number {expected}, got {got}")]
    Sequence {
        /// In whose log.
        site: SiteId,
        /// The next number.
        expected: u64,
        /// What it was.
        got: u64,
    },
    /// The meter and hour are there already.
    #[error("{site}: {meter} at {hour} is record {earlier} already; a correction restates it")]
    Duplicate {
        /// In whose log.
        site: SiteId,
        /// Which meter.
        meter: MeterId,
        /// Which hour.
        hour: DateTime<Utc>,
        /// The record that speaks for it.
        earlier: u64,
    },
    /// It corrects something that does not speak for that meter and hour.
    #[error("{site}: restates record {restates}, which does not speak for {meter} at {hour}")]
    RestatesNothing {
        /// In whose log.
        site: SiteId,
        /// Which meter.
        meter: MeterId,
        /// Which hour.
        hour: DateTime<Utc>,
        /// What it names.
        restates: u64,
    },
}

impl History {
    /// The index of records in the order of their log. Records that could not have been appended are indexed too: what
    /// is written is written.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut history = Self::default();
        for record in records {
            history.insert(record);
        }
        history
    }

    /// The number of the next record of a site.
    pub fn next_sequence(&self, site: &SiteId) -> u64 {
        self.last.get(site).map_or(0, |last| last.saturating_add(1))
    }

    /// The record that speaks for a meter and hour.
    pub fn speaks_for(&self, site: &SiteId, meter: &MeterId, hour: DateTime<Utc>) -> Option<u64> {
        self.hours
            .get(&(site.clone(), meter.clone(), hour))
            .copied()
    }

    /// Takes note of a record that was appended.
    pub fn insert(&mut self, record: &Record) {
        let last = self
            .last
            .entry(record.site.clone())
            .or_insert(record.sequence);
        *last = record.sequence.max(*last);
        if let Body::Meter(hour) = &record.body {
            let key = (record.site.clone(), hour.meter.clone(), hour.hour);
            self.hours.insert(key, record.sequence);
        }
    }
}

/// Whether a record may be appended: it is the next of its site, and no other speaks for its meter and hour unless it
/// restates that one. Nothing that was written is ever replaced.
///
/// # Errors
/// [`AppendRefusal`] with the first reason against it.
pub fn accept(history: &History, record: &Record) -> Result<(), AppendRefusal> {
    let site = record.site.clone();
    let expected = history.next_sequence(&site);
    if record.sequence != expected {
        return Err(AppendRefusal::Sequence {
            site,
            expected,
            got: record.sequence,
        });
    }
    let Body::Meter(hour) = &record.body else {
        return Ok(());
    };
    let (meter, at) = (hour.meter.clone(), hour.hour);
    match (history.speaks_for(&site, &meter, at), hour.restates) {
        (None, None) => Ok(()),
        (Some(earlier), Some(restates)) if earlier == restates => Ok(()),
        (Some(earlier), None) => Err(AppendRefusal::Duplicate {
            site,
            meter,
            hour: at,
            earlier,
        }),
        (_, Some(restates)) => Err(AppendRefusal::RestatesNothing {
            site,
            meter,
            hour: at,
            restates,
        }),
    }
}

/// The hours of a period for which a meter has no value that may be believed.
pub fn missing_hours(
    records: &[Record],
    site: &SiteId,
    meter: &MeterId,
    period: Period,
) -> Vec<DateTime<Utc>> {
    let index = crate::reading::Index::of(records);
    let hours = index.meter(site, meter);
    period
        .hours()
        .filter(|hour| {
            hours
                .and_then(|hours| hours.get(hour))
                .is_none_or(|record| record.usable().is_none())
        })
        .collect()
}
