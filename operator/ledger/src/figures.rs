//! The figures of a report over some of its sites. Names and formulas are those of the survey's table, after
//! EU 2024/1364, ISO/IEC 30134 and the GHG Protocol.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::carbon::carbon_series;
use crate::figure::Figure;
use crate::hours::{HourTotal, Series, expected_hours, series};
use crate::meter::{MeterId, Quality, Quantity, WaterCategory};
use crate::reading::Index;
use crate::request::{Request, SiteTerms};
use crate::water;

const HOURS_PER_YEAR: f64 = 8760.0;

/// What figures are computed from.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub index: &'a Index<'a>,
    pub request: &'a Request,
    pub sites: &'a [&'a SiteTerms],
}

impl Scope<'_> {
    /// One series per site.
    fn each(
        &self,
        quantity: Quantity,
        which: impl Fn(&MeterId) -> bool,
        bound: impl Fn(&SiteTerms) -> Option<f64>,
    ) -> Vec<Series> {
        let of = |terms: &&SiteTerms| {
            series(
                self.index,
                terms,
                self.request.period,
                quantity,
                &which,
                bound(terms),
            )
        };
        self.sites.iter().map(of).collect()
    }

    fn energy(&self, quantity: Quantity) -> Vec<Series> {
        self.each(
            quantity,
            |_| true,
            |terms| {
                terms
                    .connection_maximum
                    .map(|most| most.over_seconds(3600.0).0)
            },
        )
    }

    fn carbon(&self, quantity: Quantity) -> Vec<Series> {
        let of =
            |terms: &&SiteTerms| carbon_series(self.index, terms, self.request.period, quantity);
        self.sites.iter().map(of).collect()
    }

    fn water(&self, category: Option<WaterCategory>) -> Vec<Series> {
        self.sites
            .iter()
            .map(|terms| self.water_at(terms, category))
            .collect()
    }

    /// Water of one kind, or of all, that comes into one site.
    pub(crate) fn water_at(&self, terms: &SiteTerms, category: Option<WaterCategory>) -> Series {
        let which =
            |meter: &MeterId| category.is_none_or(|category| meter.water_category() == category);
        series(
            self.index,
            terms,
            self.request.period,
            Quantity::WaterInput,
            which,
            terms.water_bound(),
        )
    }
}

/// Every figure that sums or divides meter readings, in the order of the community's page.
pub(crate) fn figures(scope: Scope<'_>) -> Vec<Figure> {
    let period = scope.request.period;
    let totals = &scope.request.totals;
    let years = period.length_hours() / HOURS_PER_YEAR;
    let input = scope.water(None);
    let it = scope.energy(Quantity::ItEnergy);
    let facility = scope.energy(Quantity::FacilityEnergy);
    let water = sum(
        "waterInput",
        "m³",
        1e-3,
        &input,
        "Σ water meters at the boundary",
    );
    let energy = sum(
        "facilityEnergy",
        "kWh",
        1.0,
        &facility,
        "Σ energy into the facility",
    );
    let peak = peak(scope);
    let of_kind =
        |name, category, formula| sum(name, "m³", 1e-3, &scope.water(Some(category)), formula);
    vec![
        of_kind(
            "potableInput",
            WaterCategory::Potable,
            "Σ meters on drinking water",
        ),
        of_kind(
            "reclaimedInput",
            WaterCategory::Reclaimed,
            "Σ meters on reclaimed water",
        ),
        sum(
            "waterConsumed",
            "m³",
            1e-3,
            &consumed(scope),
            "Σ water in − water returned to the same watershed",
        ),
        ratio(
            "wue",
            "L/kWh",
            &input,
            &it,
            "waterInput / itEnergy, over hours that have both",
        ),
        water::allowance_used(scope),
        water.share_of(
            "waterShareOfTown",
            totals.annual_water.map(|liters| liters.0 * 1e-3 * years),
            "waterInput / (the town's year of water · the period's share of a year)",
        ),
        ratio(
            "pue",
            "1",
            &facility,
            &it,
            "facilityEnergy / itEnergy, over hours that have both",
        ),
        energy.share_of(
            "energyShareOfTown",
            totals.annual_energy.map(|energy| energy.0 * years),
            "facilityEnergy / (the town's year of electricity · the period's share of a year)",
        ),
        peak.share_of(
            "peakShareOfTown",
            totals.peak.map(|watts| watts.0 as f64 / 1e3),
            "peakImport / the town's own peak",
        ),
        sum("itEnergy", "kWh", 1.0, &it, "Σ energy out of the IT supply"),
        limit_exceedance(scope),
        generators(scope),
        sum(
            "co2Location",
            "kg",
            1e-3,
            &scope.carbon(Quantity::CarbonAverage),
            "Σ hours kWh · average intensity / 1000",
        ),
        sum(
            "co2Marginal",
            "kg",
            1e-3,
            &scope.carbon(Quantity::CarbonMarginal),
            "Σ hours kWh · marginal intensity / 1000",
        ),
        water,
        energy,
        peak,
    ]
}

fn consumed(scope: Scope<'_>) -> Vec<Series> {
    scope.each(Quantity::WaterConsumed, |_| true, SiteTerms::water_bound)
}

/// A sum over sites and hours, in records' units times `scale`.
pub(crate) fn sum(name: &str, unit: &str, scale: f64, series: &[Series], formula: &str) -> Figure {
    if !series.iter().any(Series::measured) {
        return Figure::not_measured(name, unit, formula, None);
    }
    let hours = || series.iter().flat_map(|series| series.hours.values());
    let total = |of: fn(&HourTotal) -> f64| hours().map(of).sum::<f64>() * scale;
    Figure {
        value: Some(total(|hour| hour.counted)),
        recorded: Some(total(|hour| hour.seen)),
        ..described(name, unit, formula, series)
    }
}

/// A figure without its value: source, coverage and quality of its inputs.
fn described(name: &str, unit: &str, formula: &str, series: &[Series]) -> Figure {
    let hours = || series.iter().flat_map(|series| series.hours.values());
    let expected = hours().count();
    let covered: f64 = hours().map(|hour| hour.covered).sum();
    let count =
        |of: fn(&&HourTotal) -> bool| u32::try_from(hours().filter(of).count()).unwrap_or(u32::MAX);
    let unbounded = count(|hour| hour.unbounded);
    let note = (unbounded > 0).then(|| {
        format!(
            "{unbounded} hours were not recorded and have no declared maximum: they are not in this figure, and the \
             true value is higher."
        )
    });
    Figure {
        name: name.into(),
        value: None,
        recorded: None,
        unit: unit.into(),
        formula: formula.into(),
        source: hours().map(|hour| hour.source).max(),
        coverage_percent: percent(covered, expected),
        quality: hours()
            .map(|hour| hour.quality)
            .max()
            .unwrap_or(Quality::Missing),
        missing_hours: count(|hour| hour.missing),
        at: None,
        note,
    }
}

fn percent(covered: f64, expected: usize) -> f64 {
    if expected == 0 {
        0.0
    } else {
        (covered / expected as f64 * 100.0).clamp(0.0, 100.0)
    }
}

/// A ratio of two quantities. An hour at its worst case would flatter it, so only hours that have both count.
fn ratio(name: &str, unit: &str, above: &[Series], below: &[Series], formula: &str) -> Figure {
    let (mut numerator, mut denominator, mut covered) = (0.0, 0.0, 0.0);
    let mut source = None;
    for (above, below) in above.iter().zip(below) {
        for hour in above.hours.keys() {
            if let (Some(a), Some(b)) = (above.rate(hour), below.rate(hour)) {
                numerator += a;
                denominator += b;
                let (a, b) = (above.hours[hour], below.hours[hour]);
                covered += a.covered.min(b.covered);
                source = source.max(Some(a.source.max(b.source)));
            }
        }
    }
    if denominator <= 0.0 {
        return Figure::not_measured(name, unit, formula, None);
    }
    let both: Vec<Series> = above.iter().chain(below).cloned().collect();
    let described = described(name, unit, formula, &both);
    let expected = above.iter().map(|series| series.hours.len()).sum();
    let value = Some(numerator / denominator);
    Figure {
        value,
        recorded: value,
        // Of the hours that count alone: nothing is filled in.
        source,
        coverage_percent: percent(covered, expected),
        note: (described.missing_hours > 0)
            .then(|| "Hours that lack either meter are left out.".into()),
        ..described
    }
}

/// The highest power of any hour, kW: sites are added hour by hour, as if their peaks fell together.
fn peak(scope: Scope<'_>) -> Figure {
    let formula = "highest 15-minute mean of an hour, sites added hour by hour";
    let bound = |terms: &SiteTerms| terms.connection_maximum.map(|most| most.0 as f64);
    let series = scope.each(Quantity::PeakImport, |_| true, bound);
    if !series.iter().any(Series::measured) {
        return Figure::not_measured("peakImport", "kW", formula, None);
    }
    let mut by_hour: BTreeMap<DateTime<Utc>, (f64, f64)> = BTreeMap::new();
    for (hour, total) in series.iter().flat_map(|series| &series.hours) {
        let sums = by_hour.entry(*hour).or_default();
        sums.0 += total.counted;
        sums.1 += total.seen;
    }
    let counted = by_hour.values().map(|sums| sums.0).fold(0.0, f64::max);
    let (mut at, mut recorded) = (None, 0.0);
    for (hour, sums) in &by_hour {
        // The first of equals.
        if at.is_none() || sums.1 > recorded {
            (at, recorded) = (Some(*hour), sums.1);
        }
    }
    Figure {
        value: Some(counted / 1e3),
        recorded: Some(recorded / 1e3),
        at,
        ..described("peakImport", "kW", formula, &series)
    }
}

/// Energy above the limit in force, kWh. The peak of an hour stands for the whole of it, so it is at most this.
fn limit_exceedance(scope: Scope<'_>) -> Figure {
    let formula = "Σ hours max(0, peak − limit in force) · 1 h: at most this";
    let series: Vec<Series> = scope
        .sites
        .iter()
        .flat_map(|terms| {
            scope
                .index
                .meters_of(&terms.site, Quantity::PeakImport)
                .filter_map(|(meter, _)| exceedance(scope, terms, meter))
        })
        .collect();
    let mut figure = sum("limitExceedance", "kWh", 1e-3, &series, formula);
    if figure.value.is_none() {
        figure.note = Some("No record of this period names a power limit.".into());
    }
    figure
}

/// Hours of one meter in watts above its limit; none where no record of the period names one. An hour without a record
/// counts at the connection's maximum, over the limit last known.
fn exceedance(scope: Scope<'_>, terms: &SiteTerms, meter: &MeterId) -> Option<Series> {
    let hours = scope.index.meter(&terms.site, meter)?;
    let limit_at = |hour: &DateTime<Utc>| hours.get(hour)?.limit.as_ref().map(|limit| limit.value);
    let period = scope.request.period;
    let mut limit = expected_hours(terms, period).find_map(|hour| limit_at(&hour))?;
    let bound = terms.connection_maximum.map(|most| most.0 as f64);
    let drawn = series(
        scope.index,
        terms,
        period,
        Quantity::PeakImport,
        |other| other == meter,
        bound,
    );
    let over = drawn.hours.into_iter().map(|(hour, total)| {
        limit = limit_at(&hour).unwrap_or(limit);
        let above = |watts: f64| (watts - limit).max(0.0);
        (
            hour,
            HourTotal {
                seen: above(total.seen),
                counted: above(total.counted),
                ..total
            },
        )
    });
    Some(Series {
        hours: over.collect(),
    })
}

/// Generators count where somebody has declared or recorded one: elsewhere nobody knows of any.
fn generators(scope: Scope<'_>) -> Figure {
    let declared: Vec<&SiteTerms> = scope
        .sites
        .iter()
        .copied()
        .filter(|terms| {
            terms.generator_maximum.is_some()
                || scope
                    .index
                    .meters_of(&terms.site, Quantity::GeneratorEnergy)
                    .next()
                    .is_some()
        })
        .collect();
    let scope = Scope {
        sites: &declared,
        ..scope
    };
    let bound = |terms: &SiteTerms| {
        terms
            .generator_maximum
            .map(|most| most.over_seconds(3600.0).0)
    };
    let series = scope.each(Quantity::GeneratorEnergy, |_| true, bound);
    let mut figure = sum(
        "backupGeneratorEnergy",
        "kWh",
        1.0,
        &series,
        "Σ generator meters",
    );
    if declared.is_empty() {
        figure.note = Some("Nobody has declared a generator here.".into());
    }
    figure
}
