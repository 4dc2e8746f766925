//! Spans of time, in whole hours of UTC.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A reporting period: from `start`, up to but not including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// The first instant that belongs to it.
    pub start: DateTime<Utc>,
    /// The first instant that no longer does.
    pub end: DateTime<Utc>,
}

impl Period {
    /// Whether an instant lies in it.
    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.start <= instant && instant < self.end
    }

    /// The starts of its hours. An hour that begins before the period but reaches into it is not one of them.
    pub fn hours(&self) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let end = self.end;
        let floor = floor_hour(self.start);
        let first = if floor < self.start {
            floor + TimeDelta::hours(1)
        } else {
            floor
        };
        std::iter::successors(Some(first), |hour| {
            hour.checked_add_signed(TimeDelta::hours(1))
        })
        .take_while(move |hour| *hour < end)
    }

    /// Its length in hours; never below zero.
    pub fn length_hours(&self) -> f64 {
        ((self.end - self.start).num_seconds() as f64 / 3600.0).max(0.0)
    }
}

/// Hours in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// Start of the first hour.
    pub from: DateTime<Utc>,
    /// End of the last.
    pub until: DateTime<Utc>,
    /// How many.
    pub hours: u32,
}

impl Span {
    /// Hours in ascending order, put together where they touch.
    pub fn of(hours: impl IntoIterator<Item = DateTime<Utc>>) -> Vec<Self> {
        let mut spans: Vec<Self> = Vec::new();
        for hour in hours {
            let until = hour + TimeDelta::hours(1);
            match spans.last_mut() {
                Some(last) if last.until == hour => {
                    last.until = until;
                    last.hours += 1;
                }
                _ => spans.push(Self {
                    from: hour,
                    until,
                    hours: 1,
                }),
            }
        }
        spans
    }
}

/// The start of the hour that an instant lies in.
pub(crate) fn floor_hour(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant
        .duration_trunc(TimeDelta::hours(1))
        .unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_has_the_hours_that_begin_in_it() {
        let period = Period {
            start: at("2026-03-01T00:30:00Z"),
            end: at("2026-03-01T03:00:00Z"),
        };
        let hours: Vec<_> = period.hours().collect();
        assert_eq!(
            hours,
            [at("2026-03-01T01:00:00Z"), at("2026-03-01T02:00:00Z")]
        );
    }

    #[test]
    fn a_period_that_ends_before_it_starts_has_no_hours() {
        let period = Period {
            start: at("2026-03-02T00:00:00Z"),
            end: at("2026-03-01T00:00:00Z"),
        };
        assert_eq!(period.hours().count(), 0);
        assert!(period.length_hours() <= 0.0);
    }

    #[test]
    fn hours_that_touch_become_one_span() {
        let spans = Span::of([
            at("2026-03-01T01:00:00Z"),
            at("2026-03-01T02:00:00Z"),
            at("2026-03-01T05:00:00Z"),
        ]);
        assert_eq!(spans.len(), 2);
        assert_eq!((spans[0].hours, spans[1].hours), (2, 1));
    }
}
