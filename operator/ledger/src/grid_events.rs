//! Grid events: what was asked, and what was given, put together from their stages.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_fleet::{SiteId, Watts};
use serde::{Deserialize, Serialize};

use crate::period::Period;
use crate::reading::Index;
use crate::record::{Body, EventPurpose, EventStage, GridEventRecord};

/// One grid event at one site. What is absent has not been measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventSummary {
    /// Its name.
    pub event: String,
    /// Where.
    pub site: SiteId,
    /// What for.
    pub purpose: EventPurpose,
    /// When it began, or was first heard of.
    pub start: DateTime<Utc>,
    /// The power to come down to.
    pub target: Watts,
    /// What would have been drawn.
    pub baseline: Option<Watts>,
    /// What was on offer.
    pub on_offer: Option<Watts>,
    /// Seconds from the start until the target was reached.
    pub ramp_seconds: Option<u32>,
    /// The highest interval while it lasted.
    pub worst: Option<Watts>,
    /// The mean while it lasted.
    pub mean: Option<Watts>,
    /// When it was over.
    pub released: Option<DateTime<Utc>>,
    /// Highest draw after, less the baseline.
    pub rebound: Option<Watts>,
    /// Whether every interval stayed at the target; none where nobody measured.
    pub held: Option<bool>,
}

impl EventSummary {
    /// What was asked: baseline less target.
    pub fn asked(&self) -> Option<Watts> {
        self.baseline
            .map(|baseline| baseline.saturating_sub(self.target))
    }

    /// What was given in the worst interval: baseline less worst.
    pub fn given(&self) -> Option<Watts> {
        Some(self.baseline?.saturating_sub(self.worst?))
    }

    fn begun(site: &SiteId, record: &GridEventRecord) -> Self {
        Self {
            event: record.event.clone(),
            site: site.clone(),
            purpose: record.purpose,
            start: record.at,
            target: record.target,
            baseline: None,
            on_offer: None,
            ramp_seconds: None,
            worst: None,
            mean: None,
            released: None,
            rebound: None,
            held: None,
        }
    }

    fn take(&mut self, record: &GridEventRecord) {
        self.target = record.target;
        match &record.stage {
            EventStage::Received { start, .. } => self.start = *start,
            EventStage::Baseline { watts, .. } => self.baseline = Some(*watts),
            EventStage::Acknowledged { on_offer, .. } => self.on_offer = Some(*on_offer),
            EventStage::RampReached { after_seconds } => self.ramp_seconds = Some(*after_seconds),
            EventStage::Held { worst, mean, .. } => {
                (self.worst, self.mean) = (Some(*worst), Some(*mean));
                self.held = Some(*worst <= record.target);
            }
            EventStage::Released => self.released = Some(record.at),
            EventStage::ReboundMeasured { watts } => self.rebound = Some(*watts),
        }
    }
}

/// The events that began in a period, by start.
pub(crate) fn event_summaries(
    index: &Index<'_>,
    sites: &[&SiteId],
    period: Period,
) -> Vec<EventSummary> {
    let mut events: BTreeMap<(&SiteId, &str), EventSummary> = BTreeMap::new();
    for record in &index.ordered {
        let Body::Event(stage) = &record.body else {
            continue;
        };
        if !sites.contains(&&record.site) {
            continue;
        }
        events
            .entry((&record.site, &stage.event))
            .or_insert_with(|| EventSummary::begun(&record.site, stage))
            .take(stage);
    }
    let mut events: Vec<_> = events
        .into_values()
        .filter(|event| period.contains(event.start))
        .collect();
    events.sort_by(|a, b| (a.start, &a.site, &a.event).cmp(&(b.start, &b.site, &b.event)));
    events
}
