//! A clock that stands still until it is told.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_store::Clock;

/// Time that moves in steps.
#[derive(Debug)]
pub struct StepClock(Mutex<DateTime<Utc>>);

impl StepClock {
    /// A clock that shows `start`.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self(Mutex::new(start))
    }

    /// What it shows.
    pub fn time(&self) -> DateTime<Utc> {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Moves it on.
    pub fn advance(&self, by: TimeDelta) {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) += by;
    }
}

impl Clock for StepClock {
    fn now(&self) -> DateTime<Utc> {
        self.time()
    }
}
