//! Hour-by-hour ceilings and floors of an assignment.

use chrono::{DateTime, Utc};
use commonwatt_api::ScheduledHour;
use commonwatt_fleet::Slots;

/// The ceiling of a schedule at an instant.
pub fn ceiling_at(schedule: &[ScheduledHour], now: DateTime<Utc>) -> u32 {
    let hour = schedule
        .iter()
        .rev()
        .find(|hour| hour.start.0 <= now)
        .or(schedule.first());
    hour.map_or(0, |hour| u32::try_from(hour.max).unwrap_or(0))
}

/// Whether two schedules say the same from now on, for as long as the new one reaches.
pub fn same_from(old: &[ScheduledHour], new: &[ScheduledHour], now: DateTime<Utc>) -> bool {
    let at = |schedule: &[ScheduledHour], when: DateTime<Utc>| {
        let hour = schedule
            .iter()
            .rev()
            .find(|hour| hour.start.0 <= when)
            .or(schedule.first());
        hour.map(|hour| (hour.min, hour.max))
    };
    let reaches = |schedule: &[ScheduledHour]| schedule.last().map(|hour| hour.start.0);
    // An old schedule that ends within half of the new one's reach is written anew: a lost hub must leave enough.
    let Some(new_end) = reaches(new) else {
        return old.is_empty();
    };
    let half = now + (new_end - now) / 2;
    reaches(old).is_some_and(|end| end >= half)
        && new
            .iter()
            .all(|hour| at(old, hour.start.0.max(now)) == at(new, hour.start.0.max(now)))
}

/// What is published for planned ceilings and floors. A place that is left keeps its ceiling for one hour more: the place
/// that takes over comes up in that hour, and does so also when no hub is there to watch. A hub that is there lowers it
/// as soon as the other is ready. `keep` holds what must not go yet.
pub fn schedule(ceiling: &[u32], floor: &[u32], keep: u32, slots: &Slots) -> Vec<ScheduledHour> {
    let before = std::iter::once(0).chain(ceiling.iter().copied());
    let hours = ceiling.iter().zip(floor).zip(before).enumerate().map(
        |(slot, ((ceiling, floor), before))| ScheduledHour {
            start: slots.begin(slot).into(),
            min: i64::from(*floor.min(ceiling)),
            max: i64::from((*ceiling).max(before).max(keep)),
        },
    );
    changes(hours.collect())
}

/// The hours at which something changes, and the last, which says how far the schedule reaches: an hour counts until the
/// next. Every site keeps a copy of every schedule, so that what says nothing is not sent.
pub(crate) fn changes(hours: Vec<ScheduledHour>) -> Vec<ScheduledHour> {
    let says = |hour: &ScheduledHour| (hour.min, hour.max);
    let last = hours.len().saturating_sub(1);
    let mut kept: Vec<ScheduledHour> = Vec::new();
    for (index, hour) in hours.into_iter().enumerate() {
        if index == last || kept.last().is_none_or(|before| says(before) != says(&hour)) {
            kept.push(hour);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(start: &str, maxima: &[i64]) -> Vec<ScheduledHour> {
        let start: DateTime<Utc> = start.parse().expect("a time");
        let hour = |(index, max): (usize, &i64)| ScheduledHour {
            start: (start + chrono::TimeDelta::hours(index as i64)).into(),
            min: 0,
            max: *max,
        };
        maxima.iter().enumerate().map(hour).collect()
    }

    #[test]
    fn a_schedule_that_only_rolled_on_is_the_same() {
        let old = hours("2023-06-05T00:00:00Z", &[2, 2, 3, 3, 3, 3]);
        let now = "2023-06-05T01:10:00Z".parse().expect("a time");
        assert!(same_from(
            &old,
            &hours("2023-06-05T01:00:00Z", &[2, 3, 3, 3, 3, 3]),
            now
        ));
        assert!(!same_from(
            &old,
            &hours("2023-06-05T01:00:00Z", &[2, 3, 3, 1, 3, 3]),
            now
        ));
        assert!(!same_from(
            &hours("2023-06-05T00:00:00Z", &[2, 2]),
            &hours("2023-06-05T01:00:00Z", &[2; 12]),
            now
        ));
    }

    #[test]
    fn a_place_that_is_left_keeps_its_ceiling_for_an_hour_more() {
        let slots = Slots::hourly("2023-06-05T00:00:00Z".parse().expect("a time"), 4);
        let of = |ceiling: &[u32]| -> Vec<i64> {
            let hours = schedule(ceiling, &[0; 4], 0, &slots);
            let at = |slot| i64::from(ceiling_at(&hours, slots.begin(slot)));
            (0..4).map(at).collect()
        };
        assert_eq!(of(&[3, 3, 0, 0]), [3, 3, 3, 0]);
        assert_eq!(of(&[0, 0, 3, 3]), [0, 0, 3, 3]);
    }

    #[test]
    fn a_schedule_is_its_changes_and_how_far_it_reaches() {
        let all = hours("2023-06-05T00:00:00Z", &[2, 2, 3, 3, 3, 3]);
        let kept = changes(all.clone());
        assert_eq!(kept, [all[0].clone(), all[2].clone(), all[5].clone()]);
        let now = "2023-06-05T00:10:00Z".parse().expect("a time");
        assert!(same_from(&kept, &all, now) && same_from(&all, &kept, now));
        assert_eq!(changes(Vec::new()), []);
    }

    #[test]
    fn the_ceiling_of_the_hour_counts_and_the_last_holds_on() {
        let schedule = hours("2023-06-05T00:00:00Z", &[1, 2, 3]);
        let at = |text: &str| ceiling_at(&schedule, text.parse().expect("a time"));
        assert_eq!(
            (
                at("2023-06-04T23:00:00Z"),
                at("2023-06-05T01:30:00Z"),
                at("2023-06-06T00:00:00Z")
            ),
            (1, 2, 3)
        );
    }
}
