//! The horizon: equal slots of time from a start.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A horizon of `count` slots of `seconds` each, the first of which begins at `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    /// When slot 0 begins.
    pub start: DateTime<Utc>,
    /// The length of each slot.
    pub seconds: u32,
    /// How many there are.
    pub count: usize,
}

impl Slots {
    /// Hourly slots from the hour that `now` is in.
    pub fn hourly(now: DateTime<Utc>, count: usize) -> Self {
        let start = now
            - TimeDelta::seconds(now.timestamp().rem_euclid(3600))
            - TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos()));
        Self {
            start,
            seconds: 3600,
            count,
        }
    }

    /// When a slot begins.
    pub fn begin(&self, slot: usize) -> DateTime<Utc> {
        self.start + TimeDelta::seconds(i64::from(self.seconds) * slot as i64)
    }

    /// When a slot ends.
    pub fn end(&self, slot: usize) -> DateTime<Utc> {
        self.begin(slot + 1)
    }

    /// The length of a slot in hours.
    pub fn hours(&self) -> f64 {
        f64::from(self.seconds) / 3600.0
    }

    /// The slot that an instant falls in, if it is inside the horizon.
    pub fn slot_of(&self, at: DateTime<Utc>) -> Option<usize> {
        let passed = (at - self.start).num_seconds();
        let slot = usize::try_from(passed.div_euclid(i64::from(self.seconds))).ok()?;
        (slot < self.count).then_some(slot)
    }
}
