//! What is wrong, where, and what to do.

use std::fmt;
use std::path::PathBuf;

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// In which file.
    pub file: PathBuf,
    /// The line it begins at, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// One rule that an object breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The field, as in `spec.windows[0].limit`; empty when it is the whole object.
    pub field: String,
    /// The rule in the API server's words.
    pub rule: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn new(
        field: impl Into<String>,
        rule: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}; {}", self.rule, self.remedy)
    }
}

/// An object that is refused, for one of perhaps several reasons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {object}: {finding}")]
pub struct Refusal {
    /// Where it stands.
    pub place: Place,
    /// `Site/paris`, `ModelDeployment/models/chat`, or `document 3` of what is no object.
    pub object: String,
    /// What is wrong with it.
    pub finding: Finding,
}
