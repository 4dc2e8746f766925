//! What is wrong with which object.

use serde::{Deserialize, Serialize};

/// Something that cannot be used, on which object, and what to do about it. It stops nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// Kind of the object.
    pub kind: String,
    /// `namespace/name`, or the name of a cluster-wide object.
    pub name: String,
    /// The reason as one word, from `commonwatt_api::conditions::reasons`.
    pub reason: String,
    /// The field and what is wrong with it.
    pub message: String,
}

impl Problem {
    /// A problem of an object.
    pub fn new(kind: &str, name: &str, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
            reason: reason.into(),
            message: message.into(),
        }
    }
}
