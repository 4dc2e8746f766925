//! What is wrong with which object.

use commonwatt_api::{SiteAssignment, SubjectKind, conditions::reasons};
use serde::{Deserialize, Serialize};

use crate::dereference::Seen;

/// Something that is wrong, on which object, and what to do about it. It stops nothing else.
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
    /// It is used nevertheless, and somebody should look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noted: bool,
}

impl Problem {
    /// A problem of an object.
    pub fn new(kind: &str, name: &str, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
            reason: reason.into(),
            message: message.into(),
            noted: false,
        }
    }

    /// The same of an object that is used nevertheless.
    #[must_use]
    pub fn noted(self) -> Self {
        Self {
            noted: true,
            ..self
        }
    }
}

/// A reason and a message: what is wrong with an object that is being read.
pub(crate) type Refused = (&'static str, String);

pub(crate) fn invalid(field: &str, error: impl std::fmt::Display) -> Refused {
    (reasons::INVALID, format!("{field}: {error}"))
}

/// Assignments whose deployment or job is not there, though nobody saw it go: a finalizer was taken off by hand, or a
/// backup brought back. Nothing is given back for that; a person has to say so.
pub fn abandoned(seen: &Seen) -> Vec<Problem> {
    let gone = |assignment: &SiteAssignment| {
        let subject = &assignment.spec.subject;
        let name = format!("{}/{}", subject.namespace, subject.name);
        match subject.kind {
            SubjectKind::ModelDeployment => !seen.deployments.contains_key(&name),
            SubjectKind::Job => !seen.jobs.contains_key(&name),
        }
    };
    let leaving = |assignment: &SiteAssignment| {
        assignment.metadata.deletion_timestamp.is_some() || assignment.spec.release.is_some()
    };
    seen.assignments
        .iter()
        .filter(|(_, assignment)| gone(assignment) && !leaving(assignment))
        .map(|(name, assignment)| {
            let subject = &assignment.spec.subject;
            let message = format!(
                "spec.subject: {:?} {}/{} is gone without having been deleted; what runs goes on; delete this \
                 SiteAssignment to give it back",
                subject.kind, subject.namespace, subject.name
            );
            Problem::new("SiteAssignment", name, reasons::NOT_FOUND, message)
        })
        .collect()
}
