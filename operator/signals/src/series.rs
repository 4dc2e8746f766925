//! A series of finite values, each of which holds for an interval from its stamp on. Gaps stay gaps.

use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, Utc};

/// A year-independent series repeats after 52 weeks: hours and days of the week stay in place, and the season
/// drifts by a day and a quarter a year.
const REPLAY_DAYS: i64 = 364;

/// The longest interval that one value may hold for: a week.
const LONGEST_STEP_SECONDS: u32 = 7 * 86_400;

/// Stamps outside these years are typing errors, and arithmetic near the ends of the calendar overflows.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

/// What cannot be a series.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SeriesError {
    /// NaN or an infinity.
    #[error("value {index} ({at}) must be a finite number, got {got}; leave out what is unknown")]
    NotFinite {
        /// The place in the values given, from 0.
        index: usize,
        /// Its stamp.
        at: DateTime<Utc>,
        /// The value as text.
        got: String,
    },
    /// Two values for one stamp: neither is more right than the other, so that none is picked.
    #[error("value {index} has the stamp {at} of another value; keep one of the two")]
    Duplicate {
        /// The place of the second of the two in the values given, from 0.
        index: usize,
        /// The stamp.
        at: DateTime<Utc>,
    },
    /// A stamp outside 1900 to 2200.
    #[error("value {index} has the stamp {at}; years from 1900 to 2200 are understood")]
    Year {
        /// The place in the values given, from 0.
        index: usize,
        /// Its stamp.
        at: DateTime<Utc>,
    },
    /// An interval of no length or of more than a week.
    #[error("the step must be from 1 to 604800 seconds, got {got}")]
    Step {
        /// What was given.
        got: u32,
    },
    /// Too little to repeat from year to year.
    #[error("a year-independent series must cover at least 364 days, this one covers {days}")]
    ShortReplay {
        /// How many whole days it covers.
        days: i64,
    },
}

/// Values that each hold for `step_seconds` from their stamp on (or until the next stamp, if that is earlier).
///
/// Stamps mark the beginning of the interval, as the hourly exports of grid and weather data do. A clone shares the
/// values.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    step: TimeDelta,
    points: Arc<[(DateTime<Utc>, f64)]>,
    /// Where the first of the repeated 52 weeks begins, when the series is year-independent.
    replay: Option<DateTime<Utc>>,
}

impl Series {
    /// A series from values in any order; it may be empty.
    pub fn new(step_seconds: u32, points: Vec<(DateTime<Utc>, f64)>) -> Result<Self, SeriesError> {
        if !(1..=LONGEST_STEP_SECONDS).contains(&step_seconds) {
            return Err(SeriesError::Step { got: step_seconds });
        }
        for (index, &(at, value)) in points.iter().enumerate() {
            if !value.is_finite() {
                let got = value.to_string();
                return Err(SeriesError::NotFinite { index, at, got });
            }
            if !YEARS.contains(&at.year()) {
                return Err(SeriesError::Year { index, at });
            }
        }
        Ok(Self {
            step: TimeDelta::seconds(i64::from(step_seconds)),
            points: sorted(points)?.into(),
            replay: None,
        })
    }

    /// The same series, repeated every 52 weeks: the values that cover `from` to `until` stand for any year.
    pub fn replayed(self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Self, SeriesError> {
        let days = (until - from).num_days();
        if days < REPLAY_DAYS {
            return Err(SeriesError::ShortReplay { days });
        }
        // The 365th day would be a second value for the first.
        let kept = self.points.iter().copied();
        let points = kept
            .filter(|(at, _)| *at >= from && *at - from < TimeDelta::days(REPLAY_DAYS))
            .collect();
        let replay = Some(from);
        Ok(Self {
            points,
            replay,
            ..self
        })
    }

    /// How long a value holds, seconds.
    pub fn step_seconds(&self) -> i64 {
        self.step.num_seconds()
    }

    /// All values with their stamps, in order.
    pub fn points(&self) -> &[(DateTime<Utc>, f64)] {
        &self.points
    }

    /// Whether the series stands for any year, and so declares rather than observes.
    pub fn is_replayed(&self) -> bool {
        self.replay.is_some()
    }

    /// The value whose interval covers `t`, or nothing in a gap.
    pub fn at(&self, t: DateTime<Utc>) -> Option<f64> {
        let (stamp, value) = self.latest(t)?;
        (t - stamp < self.step).then_some(value)
    }

    /// The last value stamped at or before `now`, with its stamp, however old it is.
    pub fn latest(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, f64)> {
        let shift = self.shift(now);
        let seen = self.points.partition_point(|(at, _)| *at <= now - shift);
        if let Some((at, value)) = self.points[..seen].last() {
            return Some((*at + shift, *value));
        }
        // Before the first value of this round, the last of the round before is the latest.
        self.replay?;
        let (at, value) = self.points.last()?;
        Some((*at + shift - TimeDelta::days(REPLAY_DAYS), *value))
    }

    /// The mean over `from` to `to`, weighted by time, of what is stamped at or before `limit`.
    ///
    /// Gaps are left out; nothing when less than half of the time is covered.
    pub fn mean(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: DateTime<Utc>,
    ) -> Option<f64> {
        let shift = self.shift(from);
        let (from, to, limit) = (from - shift, to - shift, limit - shift);
        let first = self
            .points
            .partition_point(|(at, _)| from - *at >= self.step);
        let end = self
            .points
            .partition_point(|(at, _)| *at <= limit && *at < to);
        let seen = self.points.get(first..end)?;
        let (mut covered, mut sum) = (0.0, 0.0);
        for (index, (at, value)) in seen.iter().enumerate() {
            // Only stamps that may be seen cut an interval short.
            let next = seen.get(index + 1).map_or(to, |(next, _)| *next);
            let until = (*at + self.step).min(next).min(to);
            let seconds = (until - from.max(*at)).as_seconds_f64().max(0.0);
            covered += seconds;
            sum += seconds * value;
        }
        let enough = covered > 0.0 && covered * 2.0 >= (to - from).as_seconds_f64();
        enough.then_some(sum / covered)
    }

    /// What to take from an instant to land in the values: whole rounds of 52 weeks.
    fn shift(&self, t: DateTime<Utc>) -> TimeDelta {
        self.replay.map_or(TimeDelta::zero(), |start| {
            TimeDelta::days(
                (t - start).num_seconds().div_euclid(REPLAY_DAYS * 86_400) * REPLAY_DAYS,
            )
        })
    }
}

/// The points in order of time, refusing two of one stamp.
fn sorted(points: Vec<(DateTime<Utc>, f64)>) -> Result<Vec<(DateTime<Utc>, f64)>, SeriesError> {
    let mut indexed: Vec<_> = points.into_iter().enumerate().collect();
    indexed.sort_by_key(|(_, (at, _))| *at);
    for pair in indexed.windows(2) {
        let [(_, (earlier, _)), (index, (at, _))] = pair else {
            continue;
        };
        if earlier == at {
            return Err(SeriesError::Duplicate {
                index: *index,
                at: *at,
            });
        }
    }
    Ok(indexed.into_iter().map(|(_, point)| point).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn hourly(values: &[(&str, f64)]) -> Series {
        let points = values.iter().map(|(t, v)| (at(t), *v)).collect();
        Series::new(3600, points).unwrap()
    }

    #[test]
    fn a_value_holds_for_its_interval_and_not_in_the_gap_after_it() {
        let series = hourly(&[("2023-01-01T00:00:00Z", 1.0), ("2023-01-01T02:00:00Z", 3.0)]);
        assert_eq!(series.at(at("2023-01-01T00:59:59Z")), Some(1.0));
        assert_eq!(series.at(at("2023-01-01T01:00:00Z")), None);
        assert_eq!(series.at(at("2022-12-31T23:59:59Z")), None);
        assert_eq!(
            series.latest(at("2023-01-01T01:30:00Z")),
            Some((at("2023-01-01T00:00:00Z"), 1.0))
        );
    }

    #[test]
    fn values_that_are_no_numbers_and_stamps_that_repeat_are_refused_by_their_index() {
        let t = at("2023-01-01T00:00:00Z");
        let nan = Series::new(3600, vec![(t, 1.0), (t + TimeDelta::hours(1), f64::NAN)]);
        assert!(matches!(nan, Err(SeriesError::NotFinite { index: 1, .. })));
        let twice = Series::new(3600, vec![(t, 1.0), (t, 1.0)]);
        assert!(matches!(
            twice,
            Err(SeriesError::Duplicate { index: 1, .. })
        ));
        assert!(matches!(
            Series::new(0, vec![]),
            Err(SeriesError::Step { got: 0 })
        ));
    }

    #[test]
    fn a_mean_weighs_by_time_and_leaves_gaps_out() {
        let quarter = |minutes, value| {
            (
                at("2023-01-01T00:00:00Z") + TimeDelta::minutes(minutes),
                value,
            )
        };
        let series = Series::new(
            900,
            vec![quarter(0, 10.0), quarter(15, 20.0), quarter(45, 60.0)],
        )
        .unwrap();
        let (from, to) = (at("2023-01-01T00:00:00Z"), at("2023-01-01T01:00:00Z"));
        assert_eq!(series.mean(from, to, to), Some(30.0));
        assert_eq!(
            series.mean(from, to, at("2023-01-01T00:20:00Z")),
            Some(15.0)
        );
        // A quarter of the hour is not enough to speak for it.
        assert_eq!(series.mean(from, to, from), None);
    }

    #[test]
    fn a_year_independent_series_keeps_hour_and_weekday_in_any_year() {
        let start = at("2023-01-01T00:00:00Z");
        let points =
            (0..365 * 24).map(|h| (start + TimeDelta::hours(h), f64::from(h as i32 % 168)));
        let series = Series::new(3600, points.collect()).unwrap();
        let replay = series.replayed(start, at("2024-01-01T00:00:00Z")).unwrap();
        for now in [
            "2019-06-03T10:20:00Z",
            "2023-06-05T10:20:00Z",
            "2031-06-02T10:20:00Z",
        ] {
            // Mondays, 34 hours into a week that begins on a Sunday.
            assert_eq!(replay.at(at(now)), Some(34.0), "{now}");
            let (stamp, _) = replay.latest(at(now)).unwrap();
            assert_eq!(at(now) - stamp, TimeDelta::minutes(20));
        }
    }
}
