use std::fmt;

use crate::StoreError;

/// Something that a round did not do. One value for all who tell of it: its reason is counted, its words are logged and
/// said in events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why, as one word out of few.
    pub reason: &'static str,
    /// What was not done and why, with names.
    pub message: String,
}

impl Failure {
    /// What a ledger did not take.
    pub const LEDGER: &str = "Ledger";
    /// What the audit refused.
    pub const AUDIT: &str = "AuditFinding";
    /// Every reason that is counted.
    pub const REASONS: [&str; 9] = [
        "NotFound",
        "Conflict",
        "Forbidden",
        "Invalid",
        "Unreachable",
        "FieldOwnedByOther",
        "WorkloadNotFound",
        Self::LEDGER,
        Self::AUDIT,
    ];

    /// A failure that no API server caused.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// What an API server did not do.
    pub fn of(what: impl fmt::Display, error: &StoreError) -> Self {
        Self::new(error.reason(), format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_store_refuses_is_counted() {
        let text = String::new;
        for error in [
            StoreError::NotFound(text()),
            StoreError::Conflict(text()),
            StoreError::Forbidden(text()),
            StoreError::Invalid(text()),
            StoreError::Unreachable(text()),
        ] {
            assert!(Failure::REASONS.contains(&error.reason()), "{error}");
            assert_eq!(
                Failure::of("Job a", &error).to_string(),
                format!("Job a: {error}")
            );
        }
    }
}
