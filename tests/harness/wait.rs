//! Waiting for a state that a controller brings about.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// The pause between attempts: each is often a `kubectl`, which costs about 60 ms of CPU.
const PAUSE: Duration = Duration::from_millis(100);

/// Tries until `attempt` gives a value, at most for `limit`. `Ok(None)` and errors both mean "not
/// yet"; the last error is part of the timeout's message.
pub fn eventually<T, E: Display>(
    limit: Duration,
    what: &str,
    mut attempt: impl FnMut() -> Result<Option<T>, E>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let last = match attempt() {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error.to_string()),
        };
        if start.elapsed() >= limit {
            return Err(Error::Timeout {
                what: what.to_owned(),
                after: limit,
                last,
            });
        }
        std::thread::sleep(PAUSE);
    }
}
