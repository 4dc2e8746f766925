//! Records in one order, whatever order they were read in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use commonwatt_fleet::SiteId;

use crate::meter::{MeterHour, MeterId, Quantity};
use crate::record::{Body, Record};

/// The hours of one meter.
pub(crate) type Hours<'a> = BTreeMap<DateTime<Utc>, &'a MeterHour>;

/// Records by what is asked of them.
#[derive(Debug, Default)]
pub(crate) struct Index<'a> {
    /// All, by site and then by sequence.
    pub ordered: Vec<&'a Record>,
    meters: BTreeMap<SiteId, BTreeMap<MeterId, Hours<'a>>>,
    /// Second records of a meter and hour that correct nothing: the first counts.
    pub duplicates: u32,
    /// Records that correct an earlier one.
    pub restated: u32,
}

impl<'a> Index<'a> {
    pub fn of(records: &'a [Record]) -> Self {
        let mut index = Self {
            ordered: in_order(records),
            ..Self::default()
        };
        let mut seen: BTreeMap<(&SiteId, &MeterId, DateTime<Utc>), u64> = BTreeMap::new();
        for record in &index.ordered {
            let Body::Meter(hour) = &record.body else {
                continue;
            };
            let key = (&record.site, &hour.meter, hour.hour);
            match (seen.get(&key), hour.restates) {
                (None, _) => {}
                (Some(earlier), Some(restates)) if *earlier == restates => index.restated += 1,
                (Some(_), _) => {
                    index.duplicates += 1;
                    continue;
                }
            }
            seen.insert(key, record.sequence);
            index
                .meters
                .entry(record.site.clone())
                .or_default()
                .entry(hour.meter.clone())
                .or_default()
                .insert(hour.hour, hour);
        }
        index
    }

    /// The hours of one meter.
    pub fn meter(&self, site: &SiteId, meter: &MeterId) -> Option<&Hours<'a>> {
        self.meters.get(site)?.get(meter)
    }

    /// The meters of a quantity at a site.
    pub fn meters_of(
        &self,
        site: &SiteId,
        quantity: Quantity,
    ) -> impl Iterator<Item = (&MeterId, &Hours<'a>)> {
        self.meters
            .get(site)
            .into_iter()
            .flatten()
            .filter(move |(meter, _)| meter.quantity == quantity)
    }

    /// All meters of a site.
    pub fn meters_at(&self, site: &SiteId) -> impl Iterator<Item = &MeterId> {
        self.meters.get(site).into_iter().flat_map(BTreeMap::keys)
    }

    /// Numbers that are lacking between the first and the last record of a site.
    pub fn gaps(&self, site: &SiteId) -> u64 {
        let sequences: BTreeSet<u64> = self
            .ordered
            .iter()
            .filter(|record| record.site == *site)
            .map(|record| record.sequence)
            .collect();
        match (sequences.first(), sequences.last()) {
            (Some(first), Some(last)) => last - first + 1 - sequences.len() as u64,
            _ => 0,
        }
    }
}

/// By site, then sequence, then bytes: a report must not depend on the order in which files were read. A record that
/// was read twice counts once.
fn in_order(records: &[Record]) -> Vec<&Record> {
    let mut keyed: Vec<(&SiteId, u64, String, &Record)> = records
        .iter()
        .map(|record| {
            let text = serde_json::to_string(record).unwrap_or_default();
            (&record.site, record.sequence, text, record)
        })
        .collect();
    keyed.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    keyed.dedup_by(|a, b| (a.0, a.1, &a.2) == (b.0, b.1, &b.2));
    keyed.into_iter().map(|(_, _, _, record)| record).collect()
}
