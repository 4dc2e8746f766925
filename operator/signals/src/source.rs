//! Where the values of a signal come from: declared shapes, or series that were observed.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::Series;

/// Offsets and clock changes of all zones in use fall on quarters of an hour, so that none lies inside one.
const QUARTER_SECONDS: i64 = 900;

/// Where values come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Declared by hand, so that its future is as known as its past.
    Static(Shape),
    /// Observed: only what is stamped at or before now may be read.
    File(Series),
}

/// How a declared shape goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Repeat {
    /// Once, from its start; a single value without a start holds always.
    #[default]
    None,
    /// Every day from local midnight.
    Daily,
    /// Every week from local midnight on Monday.
    Weekly,
}

/// Declared values, each for a step.
///
/// A repeating shape follows the clock on the wall, as tariffs do: on the day with 23 hours the hour that does not
/// exist is left out, on the day with 25 hours the hour that comes twice has its value twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// When it begins to hold: the first step of a shape that does not repeat, the first instant of one that does.
    pub start: Option<DateTime<Utc>>,
    /// How long each value holds, seconds.
    pub step_seconds: u32,
    /// The values in order.
    pub values: Vec<f64>,
    /// How it goes on.
    pub repeat: Repeat,
    /// The zone whose midnight a repeating shape counts from.
    pub time_zone: Tz,
}

impl Shape {
    /// One value for always.
    pub fn constant(value: f64) -> Self {
        Self {
            start: None,
            step_seconds: 3600,
            values: vec![value],
            repeat: Repeat::None,
            time_zone: Tz::UTC,
        }
    }

    /// What is wrong with the shape, in words, if anything is.
    pub(crate) fn problem(&self) -> Option<String> {
        let covered = self.values.len() as u64 * u64::from(self.step_seconds);
        let period = match self.repeat {
            Repeat::Daily => 86_400,
            Repeat::Weekly => 7 * 86_400,
            Repeat::None if self.values.is_empty() => {
                return Some("has no values; give at least one".to_owned());
            }
            Repeat::None if self.step_seconds == 0 => {
                return Some("has a step of 0 seconds; give its length".to_owned());
            }
            Repeat::None if self.start.is_none() && self.values.len() > 1 => {
                return Some(
                    "has several values, no start and no repeat; give a start, or repeat it"
                        .to_owned(),
                );
            }
            Repeat::None => return None,
        };
        (covered != period).then(|| {
            format!(
                "covers {covered} s ({} values of {} s), but a {:?} shape must cover {period} s exactly",
                self.values.len(),
                self.step_seconds,
                self.repeat,
            )
        })
    }

    /// The value declared for an instant, or nothing outside of what was declared.
    pub fn at(&self, t: DateTime<Utc>) -> Option<f64> {
        let (index, _) = self.place(t)?;
        self.values.get(usize::try_from(index).ok()?).copied()
    }

    /// When a series that does not repeat is over.
    pub fn end(&self) -> Option<DateTime<Utc>> {
        let start = self.start.filter(|_| self.repeat == Repeat::None)?;
        let seconds = i64::from(self.step_seconds).checked_mul(self.values.len() as i64)?;
        start.checked_add_signed(TimeDelta::try_seconds(seconds)?)
    }

    /// The mean over `from` to `to`, weighted by time; nothing when less than half of it was declared.
    pub fn mean(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<f64> {
        let (mut covered, mut sum) = (0.0, 0.0);
        let mut t = from;
        while t < to {
            let quarter = QUARTER_SECONDS - t.timestamp().rem_euclid(QUARTER_SECONDS);
            let left = self.place(t).map_or(quarter, |(_, left)| left.min(quarter));
            let next = to.min(t + TimeDelta::seconds(left.max(1)));
            if let Some(value) = self.at(t) {
                let seconds = (next - t).as_seconds_f64();
                covered += seconds;
                sum += seconds * value;
            }
            t = next;
        }
        let enough = covered > 0.0 && covered * 2.0 >= (to - from).as_seconds_f64();
        enough.then_some(sum / covered)
    }

    /// Which value holds at an instant, and for how many more seconds.
    fn place(&self, t: DateTime<Utc>) -> Option<(i64, i64)> {
        if self.start.is_some_and(|start| t < start) {
            return None;
        }
        let local = t.with_timezone(&self.time_zone);
        let since_midnight = i64::from(local.num_seconds_from_midnight());
        let passed = match (self.repeat, self.start) {
            (Repeat::None, None) => return Some((0, i64::MAX)),
            (Repeat::None, Some(start)) => (t - start).num_seconds(),
            (Repeat::Daily, _) => since_midnight,
            (Repeat::Weekly, _) => {
                i64::from(local.weekday().num_days_from_monday()) * 86_400 + since_midnight
            }
        };
        let step = i64::from(self.step_seconds.max(1));
        Some((passed.div_euclid(step), step - passed.rem_euclid(step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn daily(time_zone: Tz) -> Shape {
        Shape {
            start: None,
            step_seconds: 3600,
            values: (0..24).map(f64::from).collect(),
            repeat: Repeat::Daily,
            time_zone,
        }
    }

    #[test]
    fn a_daily_shape_follows_the_wall_clock_through_both_clock_changes() {
        let berlin = daily(Tz::Europe__Berlin);
        // Noon local is 11:00 UTC in winter and 10:00 UTC in summer.
        assert_eq!(berlin.at(at("2023-03-25T11:00:00Z")), Some(12.0));
        assert_eq!(berlin.at(at("2023-03-26T10:00:00Z")), Some(12.0));
        // 2:00 does not exist on the 26th of March, and comes twice on the 29th of October.
        assert_eq!(berlin.at(at("2023-03-26T00:59:59Z")), Some(1.0));
        assert_eq!(berlin.at(at("2023-03-26T01:00:00Z")), Some(3.0));
        assert_eq!(berlin.at(at("2023-10-29T00:30:00Z")), Some(2.0));
        assert_eq!(berlin.at(at("2023-10-29T01:30:00Z")), Some(2.0));
        assert_eq!(berlin.at(at("2023-10-29T02:00:00Z")), Some(3.0));
    }

    #[test]
    fn a_weekly_shape_begins_on_monday_at_local_midnight() {
        let shape = Shape {
            step_seconds: 86_400,
            values: (0..7).map(f64::from).collect(),
            repeat: Repeat::Weekly,
            ..daily(Tz::Australia__Sydney)
        };
        assert_eq!(shape.problem(), None);
        // 2023-01-01 is a Sunday; Monday begins at 13:00 UTC in Sydney's summer.
        assert_eq!(shape.at(at("2023-01-01T12:59:59Z")), Some(6.0));
        assert_eq!(shape.at(at("2023-01-01T13:00:00Z")), Some(0.0));
    }

    #[test]
    fn an_hour_in_a_half_hour_zone_is_half_of_each_of_two_values() {
        let mean =
            daily(Tz::Asia__Kolkata).mean(at("2023-01-01T00:00:00Z"), at("2023-01-01T01:00:00Z"));
        assert_eq!(mean, Some(5.5));
    }

    #[test]
    fn a_shape_that_does_not_repeat_is_unknown_before_and_after() {
        let shape = Shape {
            start: Some(at("2023-01-01T00:00:00Z")),
            values: vec![1.0, 2.0],
            repeat: Repeat::None,
            ..daily(Tz::UTC)
        };
        assert_eq!(shape.at(at("2022-12-31T23:59:59Z")), None);
        assert_eq!(shape.at(at("2023-01-01T01:59:59Z")), Some(2.0));
        assert_eq!(shape.at(at("2023-01-01T02:00:00Z")), None);
        assert_eq!(
            Shape::constant(7.0).at(at("1999-01-01T00:00:00Z")),
            Some(7.0)
        );
    }

    #[test]
    fn a_shape_that_does_not_fill_its_day_is_refused() {
        let shape = Shape {
            values: vec![1.0; 23],
            ..daily(Tz::UTC)
        };
        assert!(shape.problem().unwrap().contains("82800 s"));
    }
}
