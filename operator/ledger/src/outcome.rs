//! Promises: which were kept, which were not, and why. What was missed comes first in every report.

use chrono::{DateTime, Utc};
use commonwatt_fleet::SiteId;
use serde::{Deserialize, Serialize};

use crate::figure::Figure;
use crate::grid_events::EventSummary;
use crate::period::Period;
use crate::reading::Index;
use crate::record::Body;
use crate::request::Commitment;

/// How a commitment came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The figure stayed within it, unrecorded hours at their worst case.
    Kept,
    /// It did not.
    Missed,
    /// It did not, but only because unrecorded hours count at their worst case.
    MissedByGaps,
    /// Nobody measured the figure.
    NotMeasured,
}

/// A commitment and how it came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitmentOutcome {
    /// What was promised.
    pub commitment: Commitment,
    /// What the figure was; none where nobody measured.
    pub value: Option<f64>,
    /// The unit of the figure and of the limit.
    pub unit: String,
    /// How it came out.
    pub outcome: Outcome,
}

/// What kind of promise was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissedKind {
    /// A limit was passed.
    Breach,
    /// A commitment to the community.
    Commitment,
    /// A grid event was not held.
    GridEvent,
}

/// Something that was missed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missed {
    /// What kind.
    pub kind: MissedKind,
    /// Which.
    pub which: String,
    /// Where; none for the community as a whole.
    pub site: Option<SiteId>,
    /// Who set it.
    pub set_by: Option<String>,
    /// What it should have stayed within.
    pub limit: f64,
    /// What it was.
    pub value: f64,
    /// The unit of both.
    pub unit: String,
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when; none while it lasts.
    pub until: Option<DateTime<Utc>>,
    /// Why.
    pub why: String,
    /// What was agreed to follow.
    pub remedy: Option<String>,
}

/// Every commitment against its figure.
pub(crate) fn commitment_outcomes(
    commitments: &[Commitment],
    figures: &[Figure],
) -> Vec<CommitmentOutcome> {
    let judge = |commitment: &Commitment| {
        let figure = figures
            .iter()
            .find(|figure| figure.name == commitment.metric);
        let value = figure.and_then(|figure| figure.value);
        let recorded = figure.and_then(|figure| figure.recorded);
        let within = |value: Option<f64>| value.map(|value| value <= commitment.limit);
        CommitmentOutcome {
            commitment: commitment.clone(),
            value,
            unit: figure.map(|figure| figure.unit.clone()).unwrap_or_default(),
            outcome: match (within(value), within(recorded)) {
                (None, _) => Outcome::NotMeasured,
                // A sum that leaves out unbounded hours proves nothing about staying below a limit.
                (Some(true), _)
                    if figure.is_some_and(|figure| {
                        figure.note.is_some() && figure.missing_hours > 0
                    }) =>
                {
                    Outcome::NotMeasured
                }
                (Some(true), _) => Outcome::Kept,
                (Some(false), Some(true)) => Outcome::MissedByGaps,
                (Some(false), _) => Outcome::Missed,
            },
        }
    };
    commitments.iter().map(judge).collect()
}

/// All that was missed in the period: breaches, then commitments, then grid events, each the oldest first.
pub(crate) fn missed(
    index: &Index<'_>,
    sites: &[&SiteId],
    period: Period,
    commitments: &[CommitmentOutcome],
    events: &[EventSummary],
) -> Vec<Missed> {
    let mut missed = breaches(index, sites, period);
    missed.extend(
        commitments
            .iter()
            .filter_map(|outcome| missed_commitment(outcome, period)),
    );
    missed.extend(events.iter().filter_map(missed_event));
    missed.sort_by(|a, b| {
        (a.kind, a.from, &a.which, &a.site).cmp(&(b.kind, b.from, &b.which, &b.site))
    });
    missed
}

/// A breach is written when it begins and again when it has ended: the later record of the same limit and start counts.
fn breaches(index: &Index<'_>, sites: &[&SiteId], period: Period) -> Vec<Missed> {
    let mut latest = std::collections::BTreeMap::new();
    for record in &index.ordered {
        if let Body::Breach(breach) = &record.body {
            latest.insert((&record.site, &breach.which, breach.from), breach);
        }
    }
    latest
        .into_iter()
        .filter(|((site, _, from), breach)| {
            let ended_before = breach.until.is_some_and(|until| until <= period.start);
            sites.contains(site) && *from < period.end && !ended_before
        })
        .map(|((site, _, _), breach)| Missed {
            kind: MissedKind::Breach,
            which: breach.which.clone(),
            site: Some(site.clone()),
            set_by: Some(breach.set_by.clone()),
            limit: breach.limit,
            value: breach.value,
            unit: breach.unit.clone(),
            from: breach.from,
            until: breach.until,
            why: breach.why.clone(),
            remedy: None,
        })
        .collect()
}

fn missed_commitment(outcome: &CommitmentOutcome, period: Period) -> Option<Missed> {
    let why = match outcome.outcome {
        Outcome::Missed => "the figure was above what was promised",
        Outcome::MissedByGaps => {
            "what was recorded is within it, but hours without a record count at their maximum"
        }
        Outcome::Kept | Outcome::NotMeasured => return None,
    };
    Some(Missed {
        kind: MissedKind::Commitment,
        which: outcome.commitment.name.clone(),
        site: None,
        set_by: None,
        limit: outcome.commitment.limit,
        value: outcome.value?,
        unit: outcome.unit.clone(),
        from: period.start,
        until: Some(period.end),
        why: why.into(),
        remedy: Some(outcome.commitment.remedy.clone()).filter(|remedy| !remedy.is_empty()),
    })
}

fn missed_event(event: &EventSummary) -> Option<Missed> {
    let worst = event.worst.filter(|_| event.held == Some(false))?;
    Some(Missed {
        kind: MissedKind::GridEvent,
        which: event.event.clone(),
        site: Some(event.site.clone()),
        set_by: None,
        limit: event.target.0 as f64,
        value: worst.0 as f64,
        unit: "W".into(),
        from: event.start,
        until: event.released,
        why: "the highest interval was above the target".into(),
        remedy: None,
    })
}
