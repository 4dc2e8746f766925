use chrono::{DateTime, Utc};

/// Where the time comes from: the real clock, a faster one, or a simulated one.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}
