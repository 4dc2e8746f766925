//! Hour by hour: what was recorded, and what it counts as where nobody knows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::meter::{MeterHour, MeterId, Quality, Quantity, Source};
use crate::period::Period;
use crate::reading::Index;
use crate::request::SiteTerms;

/// A quarter of an hour could lie in a larger gap unseen, and a peak is the highest mean over a quarter of an hour.
const LARGEST_GAP_IN_A_PEAK: f64 = 0.25;

/// What fills a gap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Gap {
    /// The uncovered share of the hour counts at that share of the maximum.
    AddsUp,
    /// A gap that could hide a whole interval makes the hour count at the maximum.
    Peak,
}

/// One hour of a quantity at a site, over its connections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HourTotal {
    /// What samples stand behind.
    pub seen: f64,
    /// What it counts as.
    pub counted: f64,
    /// The share of the hour that all its meters cover, 0 to 1.
    pub covered: f64,
    /// A meter said nothing.
    pub missing: bool,
    /// A meter said nothing, and no maximum is declared: the true value is higher.
    pub unbounded: bool,
    pub source: Source,
    pub quality: Quality,
}

/// A quantity of a site over a period.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Series {
    pub hours: BTreeMap<DateTime<Utc>, HourTotal>,
}

impl Series {
    /// Whether any hour has a value that may be believed.
    pub fn measured(&self) -> bool {
        self.hours.values().any(|hour| hour.covered > 0.0)
    }

    /// What was seen in an hour, stretched to the whole of it, where samples stand behind at least half.
    pub fn rate(&self, hour: &DateTime<Utc>) -> Option<f64> {
        let hour = self.hours.get(hour)?;
        (hour.covered >= 0.5).then(|| hour.seen / hour.covered)
    }
}

/// The hours of a period that a site must answer for.
pub(crate) fn expected_hours(
    terms: &SiteTerms,
    period: Period,
) -> impl Iterator<Item = DateTime<Utc>> + use<> {
    let since = terms.since;
    period
        .hours()
        .filter(move |hour| since.is_none_or(|since| since <= *hour))
}

/// A quantity at a site, over those of its meters that `which` names. `bound` is what a whole unrecorded hour of all of
/// them together counts as, in the unit of the records.
pub(crate) fn series(
    index: &Index<'_>,
    terms: &SiteTerms,
    period: Period,
    quantity: Quantity,
    which: impl Fn(&MeterId) -> bool,
    bound: Option<f64>,
) -> Series {
    let gap = if quantity == Quantity::PeakImport {
        Gap::Peak
    } else {
        Gap::AddsUp
    };
    let meters: Vec<_> = index
        .meters_of(&terms.site, quantity)
        .filter(|(meter, _)| which(meter))
        .map(|(_, hours)| hours)
        .collect();
    let hours = expected_hours(terms, period)
        .map(|hour| {
            let records: Vec<_> = meters
                .iter()
                .map(|meter| meter.get(&hour).copied())
                .collect();
            (hour, hour_total(&records, bound, gap))
        })
        .collect();
    Series { hours }
}

fn hour_total(records: &[Option<&MeterHour>], bound: Option<f64>, gap: Gap) -> HourTotal {
    let said = || records.iter().flatten();
    let seen: f64 = said().map(|record| record.seen()).sum();
    let claimed: f64 = said().filter_map(|record| record.usable()).sum();
    let covered = records
        .iter()
        .map(|record| record.map_or(0.0, MeterHour::covered))
        .reduce(f64::min)
        .unwrap_or(0.0);
    let missing = covered <= 0.0;
    let counted = match (bound, gap) {
        // Never above what the connection carries, unless the records themselves say so.
        (Some(most), Gap::AddsUp) => (seen + (1.0 - covered) * most).min(most).max(claimed),
        (Some(most), Gap::Peak) if 1.0 - covered > LARGEST_GAP_IN_A_PEAK => most.max(claimed),
        _ => claimed,
    };
    let filled = covered < 1.0 && bound.is_some();
    let worst_quality = said()
        .map(|record| record.quality)
        .max()
        .unwrap_or(Quality::Missing);
    HourTotal {
        seen,
        counted,
        covered,
        missing,
        unbounded: missing && bound.is_none(),
        // What fills a gap is a declared maximum, so the sum can be no better than declared.
        source: said()
            .map(|record| record.source)
            .chain((filled && missing).then_some(Source::Declared))
            .max()
            .unwrap_or(Source::Declared),
        quality: if missing {
            Quality::Missing
        } else if covered < 1.0 {
            worst_quality.max(Quality::Estimated)
        } else {
            worst_quality
        },
    }
}

/// The highest carbon per energy of any hour that has both, gCO2e/kWh: the worst case for hours that have neither.
pub(crate) fn highest_intensity(carbon: &Series, energy: &Series) -> Option<f64> {
    carbon
        .hours
        .keys()
        .filter_map(|hour| Some((carbon.rate(hour)?, energy.rate(hour)?)))
        .filter(|(_, energy)| *energy > 0.0)
        .map(|(carbon, energy)| carbon / energy)
        .max_by(f64::total_cmp)
}
