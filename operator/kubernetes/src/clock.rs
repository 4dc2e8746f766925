//! The clock that `run --clock START --speed N` drives.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_store::Clock;

/// The real clock, or one that starts somewhere else and runs faster or slower.
#[derive(Debug, Clone)]
pub struct ScaledClock(Option<Scale>);

#[derive(Debug, Clone)]
struct Scale {
    start: DateTime<Utc>,
    began: Instant,
    speed: f64,
}

/// A speed that no clock can have.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a clock cannot run at {0} times real time; give a number above 0, up to 1000000")]
pub struct WrongSpeed(f64);

impl ScaledClock {
    /// The real clock.
    pub fn real() -> Self {
        Self(None)
    }

    /// A clock that shows `start` (or the real time) now, and goes on at `speed` times real time.
    ///
    /// # Errors
    /// When `speed` is not above 0 and at most a million.
    pub fn new(start: Option<DateTime<Utc>>, speed: f64) -> Result<Self, WrongSpeed> {
        if !(speed > 0.0 && speed <= 1e6) {
            return Err(WrongSpeed(speed));
        }
        // The real clock is not counted from a start: it follows when the machine's time is set right.
        if start.is_none() && (speed - 1.0).abs() < f64::EPSILON {
            return Ok(Self::real());
        }
        let scale = Scale {
            start: start.unwrap_or_else(Utc::now),
            began: Instant::now(),
            speed,
        };
        Ok(Self(Some(scale)))
    }

    /// How long a simulated length takes in reality. Lengths below zero take no time.
    pub fn real_duration(&self, simulated: TimeDelta) -> Duration {
        let length = simulated.to_std().unwrap_or_default();
        match &self.0 {
            None => length,
            Some(scale) => {
                let seconds = length.as_secs_f64() / scale.speed;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
        }
    }

    /// Whether this is not the real time.
    pub fn is_simulated(&self) -> bool {
        self.0.is_some()
    }
}

impl Scale {
    fn after(&self, real: Duration) -> DateTime<Utc> {
        let passed = Duration::try_from_secs_f64(real.as_secs_f64() * self.speed).ok();
        let passed = passed.and_then(|passed| TimeDelta::from_std(passed).ok());
        passed
            .and_then(|passed| self.start.checked_add_signed(passed))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            None => Utc::now(),
            Some(scale) => scale.after(scale.began.elapsed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_at_a_speed_of_sixty_takes_a_minute() {
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let clock = ScaledClock::new(Some(start), 60.0).expect("a speed");
        let scale = clock.0.as_ref().expect("not the real clock");
        assert_eq!(
            scale.after(Duration::from_mins(1)),
            start + TimeDelta::hours(1)
        );
        assert_eq!(
            clock.real_duration(TimeDelta::hours(1)),
            Duration::from_mins(1)
        );
        assert_eq!(clock.real_duration(TimeDelta::hours(-1)), Duration::ZERO);
        assert!(clock.now() >= start);
    }

    #[test]
    fn a_clock_without_start_or_speed_is_the_real_one() {
        let clock = ScaledClock::new(None, 1.0).expect("a speed");
        assert!(!clock.is_simulated());
        assert!((Utc::now() - clock.now()).abs() < TimeDelta::seconds(5));
    }

    #[test]
    fn a_clock_that_stands_still_or_runs_back_is_refused() {
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(ScaledClock::new(None, speed).is_err(), "{speed}");
        }
    }
}
