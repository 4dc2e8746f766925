//! A period of a community, from records alone. Anyone with the log and the same request gets the same bytes.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use commonwatt_fleet::{KilowattHours, Liters, SiteId};
use serde::{Deserialize, Serialize};

use crate::figure::Figure;
use crate::figures::{Scope, figures};
use crate::grid_events::{EventSummary, event_summaries};
use crate::hours::expected_hours;
use crate::meter::{MeterHour, MeterId, Quality, Quantity, Source};
use crate::moved::{DecisionCount, MovedLoad, decision_counts, moved_loads};
use crate::outcome::{CommitmentOutcome, Missed, commitment_outcomes, missed};
use crate::period::{Period, Span};
use crate::reading::Index;
use crate::record::{Body, Record, Stage};
use crate::request::{Request, SiteTerms};
use crate::water::allowance;

/// The schema of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportSchema {
    /// The one there is.
    #[default]
    #[serde(rename = "commonwatt.dev/report/v1")]
    V1,
}

/// A report to a community. What was missed comes first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Says how to read it.
    pub schema: ReportSchema,
    /// The name of the `HostCommunity`.
    pub community: String,
    /// Its name as people write it.
    pub display_name: String,
    /// Whom to write to about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact: String,
    /// Languages that it reads.
    pub languages: Vec<String>,
    /// Of what time.
    pub period: Period,
    /// Limits that were passed, commitments and grid events that were not held.
    pub missed: Vec<Missed>,
    /// Every commitment and how it came out.
    pub commitments: Vec<CommitmentOutcome>,
    /// Of all sites together.
    pub figures: Vec<Figure>,
    /// Grid events, asked and given.
    pub events: Vec<EventSummary>,
    /// Load that left, by the place that took it.
    pub moved: Vec<MovedLoad>,
    /// What was decided, by reason.
    pub decisions: Vec<DecisionCount>,
    /// Stages that were declared and bind in the period.
    pub stages: Vec<StageSeen>,
    /// Site by site.
    pub sites: Vec<SiteReport>,
}

/// One site within a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteReport {
    /// Its declared terms, which bound the hours that nobody recorded.
    pub terms: SiteTerms,
    /// What the cap and the stages allow over the period, litres; none without a cap.
    pub water_allowance: Option<Liters>,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// The hours that no record speaks for.
    pub missing: Vec<MissingMeter>,
    /// What of its log was read.
    pub log: LedgerRead,
}

/// The hours for which a meter has no value that may be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingMeter {
    /// Which meter.
    pub meter: MeterId,
    /// How many hours.
    pub hours: u32,
    /// Which.
    pub spans: Vec<Span>,
}

/// What of a log was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerRead {
    /// How many records, of any time.
    pub records: u64,
    /// The first number.
    pub first_sequence: Option<u64>,
    /// The last number.
    pub last_sequence: Option<u64>,
    /// Numbers that are lacking in between.
    pub gaps: u64,
}

/// A stage that was declared at a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageSeen {
    /// Where.
    pub site: SiteId,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    /// What was declared.
    #[serde(flatten)]
    pub stage: Stage,
}

impl Report {
    /// A figure of all sites together, by name.
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

/// The report of a period, from records alone. The order in which they were read makes no difference.
pub fn report(records: &[Record], request: &Request) -> Report {
    let index = Index::of(records);
    let terms: Vec<&SiteTerms> = request.sites.iter().collect();
    let sites: Vec<&SiteId> = terms.iter().map(|terms| &terms.site).collect();
    let scope = Scope {
        index: &index,
        request,
        sites: &terms,
    };
    let events = event_summaries(&index, &sites, request.period);
    let moved = moved_loads(
        &index,
        &sites,
        &sites.iter().copied().collect::<BTreeSet<_>>(),
        request.period,
    );
    let mut figures = figures(scope);
    figures.extend(counted_figures(scope, &events, &moved));
    let commitments = commitment_outcomes(&request.commitments, &figures);
    Report {
        schema: ReportSchema::V1,
        community: request.community.clone(),
        display_name: request.display_name.clone(),
        contact: request.contact.clone(),
        languages: request.languages.clone(),
        period: request.period,
        missed: missed(&index, &sites, request.period, &commitments, &events),
        commitments,
        figures,
        events,
        moved,
        decisions: decision_counts(&index, &sites, request.period),
        stages: stages(&index, &sites, request.period),
        sites: terms
            .iter()
            .map(|terms| site_report(scope, terms))
            .collect(),
    }
}

/// Figures that count records rather than add up meters. With a log, none found means none; without one, nobody knows.
fn counted_figures(scope: Scope<'_>, events: &[EventSummary], moved: &[MovedLoad]) -> Vec<Figure> {
    let logs: Vec<LedgerRead> = scope
        .sites
        .iter()
        .map(|terms| log_read(scope.index, &terms.site))
        .collect();
    let silent = logs.iter().filter(|log| log.records == 0).count();
    let gaps: u64 = logs.iter().map(|log| log.gaps).sum();
    let figure = |name: &str, value: f64, unit: &str, formula: &str, source: Source| {
        if silent == logs.len() {
            return Figure::not_measured(name, unit, formula, None);
        }
        let note = match (silent, gaps) {
            (0, 0) => None,
            (0, gaps) => Some(format!("{gaps} records are lacking: there may be more.")),
            (silent, _) => Some(format!("{silent} sites have no log: there may be more.")),
        };
        Figure {
            name: name.into(),
            value: Some(value),
            recorded: Some(value),
            unit: unit.into(),
            formula: formula.into(),
            source: Some(source),
            coverage_percent: (logs.len() - silent) as f64 / logs.len() as f64 * 100.0,
            quality: if note.is_none() {
                Quality::Ok
            } else {
                Quality::Missing
            },
            missing_hours: 0,
            at: None,
            note,
        }
    };
    let exported: KilowattHours = moved
        .iter()
        .filter(|load| !load.same_community)
        .map(|load| load.energy)
        .sum();
    let held = events
        .iter()
        .filter(|event| event.held == Some(true))
        .count();
    vec![
        figure(
            "eventsAsked",
            events.len() as f64,
            "events",
            "grid events that began in the period",
            Source::Metered,
        ),
        figure(
            "eventsHeld",
            held as f64,
            "events",
            "events in which every interval stayed at the target",
            Source::Metered,
        ),
        figure(
            "exportedLoad",
            exported.0,
            "kWh",
            "Σ moves to other communities: watts that left · hours until the next decision about that workload here",
            Source::Modelled,
        ),
        coverage(scope),
    ]
}

/// Meters that a site is expected to have: those it has ever recorded, and those of a declared grid connection.
fn expected_meters(index: &Index<'_>, terms: &SiteTerms) -> Vec<MeterId> {
    let mut meters: BTreeSet<MeterId> = index.meters_at(&terms.site).cloned().collect();
    for quantity in [
        Quantity::FacilityEnergy,
        Quantity::PeakImport,
        Quantity::ItEnergy,
    ] {
        if terms.connection_maximum.is_some()
            && !meters.iter().any(|meter| meter.quantity == quantity)
        {
            meters.insert(MeterId::of(quantity));
        }
    }
    meters.into_iter().collect()
}

/// How much of all meters' hours records stand behind.
fn coverage(scope: Scope<'_>) -> Figure {
    let (mut covered, mut expected, mut missing) = (0.0, 0_u32, 0_u32);
    for terms in scope.sites {
        for meter in expected_meters(scope.index, terms) {
            let hours = scope.index.meter(&terms.site, &meter);
            for hour in expected_hours(terms, scope.request.period) {
                let record = hours.and_then(|hours| hours.get(&hour));
                let share = record.map_or(0.0, |record| MeterHour::covered(record));
                covered += share;
                expected += 1;
                missing += u32::from(share <= 0.0);
            }
        }
    }
    let formula = "Σ covered meter-hours / Σ expected meter-hours · 100";
    if expected == 0 {
        return Figure::not_measured("coverage", "%", formula, None);
    }
    let percent = (covered / f64::from(expected) * 100.0).clamp(0.0, 100.0);
    Figure {
        name: "coverage".into(),
        value: Some(percent),
        recorded: Some(percent),
        unit: "%".into(),
        formula: formula.into(),
        source: Some(Source::Metered),
        coverage_percent: percent,
        quality: if missing > 0 {
            Quality::Missing
        } else {
            Quality::Ok
        },
        missing_hours: missing,
        at: None,
        note: None,
    }
}

fn site_report(scope: Scope<'_>, terms: &SiteTerms) -> SiteReport {
    let only = [terms];
    let scope = Scope {
        sites: &only,
        ..scope
    };
    let missing = expected_meters(scope.index, terms)
        .into_iter()
        .filter_map(|meter| missing_meter(scope, terms, meter))
        .collect();
    SiteReport {
        terms: terms.clone(),
        water_allowance: terms
            .water_cap
            .is_some()
            .then(|| Liters(allowance(scope, terms))),
        figures: figures(scope),
        missing,
        log: log_read(scope.index, &terms.site),
    }
}

fn missing_meter(scope: Scope<'_>, terms: &SiteTerms, meter: MeterId) -> Option<MissingMeter> {
    let hours = scope.index.meter(&terms.site, &meter);
    let spans = Span::of(expected_hours(terms, scope.request.period).filter(|hour| {
        let record = hours.and_then(|hours| hours.get(hour));
        record.is_none_or(|record| record.covered() <= 0.0)
    }));
    let hours = spans.iter().map(|span| span.hours).sum();
    (hours > 0).then_some(MissingMeter {
        meter,
        hours,
        spans,
    })
}

fn log_read(index: &Index<'_>, site: &SiteId) -> LedgerRead {
    let of_site: Vec<u64> = index
        .ordered
        .iter()
        .filter(|record| record.site == *site)
        .map(|record| record.sequence)
        .collect();
    LedgerRead {
        records: of_site.len() as u64,
        first_sequence: of_site.first().copied(),
        last_sequence: of_site.last().copied(),
        gaps: index.gaps(site),
    }
}

fn stages(index: &Index<'_>, sites: &[&SiteId], period: Period) -> Vec<StageSeen> {
    let mut stages: Vec<StageSeen> = index
        .ordered
        .iter()
        .filter(|record| sites.contains(&&record.site))
        .filter_map(|record| match &record.body {
            Body::Stage(stage) if stage.from < period.end => Some(StageSeen {
                site: record.site.clone(),
                recorded_at: record.recorded_at,
                stage: stage.clone(),
            }),
            _ => None,
        })
        .collect();
    stages.sort_by(|a, b| (a.stage.from, &a.site).cmp(&(b.stage.from, &b.site)));
    stages
}
