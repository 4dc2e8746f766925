//! What a schedule says of an instant.

use chrono::{DateTime, Utc};
use commonwatt_api::ScheduledHour;

/// The hour of a schedule that counts at an instant: the last that has begun, or the first.
pub(crate) fn scheduled(schedule: &[ScheduledHour], now: DateTime<Utc>) -> (u32, u32) {
    let hour = schedule
        .iter()
        .rev()
        .find(|hour| hour.start.0 <= now)
        .or(schedule.first());
    let number = |n: i64| u32::try_from(n).unwrap_or(0);
    hour.map_or((0, 0), |hour| (number(hour.min), number(hour.max)))
}
