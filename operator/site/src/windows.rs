//! Weekly windows in a site's own time zone, across midnight and across the days on which clocks change.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use commonwatt_api::{PowerWindow, Weekday};
use commonwatt_fleet::Watts;

/// A window that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Days on which it starts; empty means every day.
    pub days: Vec<Weekday>,
    /// Minutes after local midnight.
    pub start: u32,
    /// Minutes after local midnight; at or before `start` means the next day.
    pub end: u32,
    /// The limit inside it.
    pub limit: Watts,
}

impl Window {
    /// Reads a declared window.
    ///
    /// # Errors
    /// In words, with the field.
    pub fn read(declared: &PowerWindow) -> Result<Self, String> {
        let minutes = |field: &str, text: &str| {
            let parts = text
                .split_once(':')
                .and_then(|(h, m)| Some((h.parse::<u32>().ok()?, m.parse::<u32>().ok()?)));
            match parts {
                Some((hours, minutes)) if hours * 60 + minutes <= 1440 && minutes < 60 => {
                    Ok(hours * 60 + minutes)
                }
                _ => Err(format!("{field}: {text:?} is no time of day; write HH:MM")),
            }
        };
        Ok(Self {
            days: declared.days.clone(),
            start: minutes("start", &declared.start)?,
            end: minutes("end", &declared.end)?,
            limit: Watts(
                declared
                    .limit
                    .value()
                    .map_err(|error| format!("limit: {error}"))?,
            ),
        })
    }

    /// The window's occurrence that `at` falls in, or else the last one that ended before it within two days.
    pub fn last_occurrence(
        &self,
        at: DateTime<Utc>,
        zone: Tz,
    ) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let today = at.with_timezone(&zone).date_naive();
        (0..=2_u64)
            .filter_map(|back| today.checked_sub_days(Days::new(back)))
            .filter(|day| self.days.is_empty() || self.days.contains(&weekday(*day)))
            .filter_map(|day| self.on(day, zone))
            .find(|(start, _)| *start <= at)
    }

    /// When it starts and ends on a local day.
    fn on(&self, day: NaiveDate, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let next = day.checked_add_days(Days::new(1))?;
        let end_day = if self.end <= self.start { next } else { day };
        Some((
            local(day, self.start, zone)?,
            local(end_day, self.end, zone)?,
        ))
    }
}

/// A local time as an instant. A time that the clocks skip is the moment they jump to; one that comes twice is the first.
fn local(day: NaiveDate, minutes: u32, zone: Tz) -> Option<DateTime<Utc>> {
    let day = day.checked_add_days(Days::new(u64::from(minutes / 1440)))?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(minutes % 1440 * 60, 0)?;
    let naive = day.and_time(time);
    zone.from_local_datetime(&naive)
        .earliest()
        .or_else(|| {
            zone.from_local_datetime(&(naive + TimeDelta::hours(1)))
                .earliest()
        })
        .map(|at| at.to_utc())
}

fn weekday(day: NaiveDate) -> Weekday {
    match day.weekday() {
        chrono::Weekday::Mon => Weekday::Monday,
        chrono::Weekday::Tue => Weekday::Tuesday,
        chrono::Weekday::Wed => Weekday::Wednesday,
        chrono::Weekday::Thu => Weekday::Thursday,
        chrono::Weekday::Fri => Weekday::Friday,
        chrono::Weekday::Sat => Weekday::Saturday,
        chrono::Weekday::Sun => Weekday::Sunday,
    }
}

/// The period of a water budget that an instant falls in, in the site's own calendar.
pub fn period(
    kind: commonwatt_api::WaterPeriod,
    at: DateTime<Utc>,
    zone: Tz,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    use commonwatt_api::WaterPeriod as Period;
    let today = at.with_timezone(&zone).date_naive();
    let (first, next) = match kind {
        Period::Day => (today, today.checked_add_days(Days::new(1))?),
        Period::Month => {
            let first = today.with_day(1)?;
            (first, first.checked_add_months(chrono::Months::new(1))?)
        }
        Period::Year => {
            let first = NaiveDate::from_ymd_opt(today.year(), 1, 1)?;
            (first, NaiveDate::from_ymd_opt(today.year() + 1, 1, 1)?)
        }
    };
    Some((local(first, 0, zone)?, local(next, 0, zone)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn window(days: &[Weekday], start: u32, end: u32) -> Window {
        Window {
            days: days.to_vec(),
            start,
            end,
            limit: Watts(1),
        }
    }

    #[test]
    fn a_window_across_midnight_belongs_to_the_day_it_starts_on() {
        let night = window(&[Weekday::Monday], 22 * 60, 6 * 60);
        let zone = Tz::Europe__Berlin;
        // Tuesday 2023-06-06 02:00 in Berlin is inside Monday's window.
        let (start, end) = night
            .last_occurrence(at("2023-06-06T00:00:00Z"), zone)
            .expect("an occurrence");
        assert_eq!(
            (start, end),
            (at("2023-06-05T20:00:00Z"), at("2023-06-06T04:00:00Z"))
        );
    }

    #[test]
    fn a_window_keeps_local_time_when_the_clocks_change() {
        let evening = window(&[], 17 * 60, 21 * 60);
        let zone = Tz::Europe__Berlin;
        let before = evening
            .last_occurrence(at("2023-03-25T18:00:00Z"), zone)
            .expect("an occurrence");
        let after = evening
            .last_occurrence(at("2023-03-26T18:00:00Z"), zone)
            .expect("an occurrence");
        assert_eq!(
            (before.0, after.0),
            (at("2023-03-25T16:00:00Z"), at("2023-03-26T15:00:00Z"))
        );
    }

    #[test]
    fn a_month_ends_at_local_midnight() {
        let (start, end) = period(
            commonwatt_api::WaterPeriod::Month,
            at("2023-06-30T22:30:00Z"),
            Tz::Europe__Berlin,
        )
        .expect("a month");
        assert_eq!(
            (start, end),
            (at("2023-06-30T22:00:00Z"), at("2023-07-31T22:00:00Z"))
        );
    }
}
