//! `KIND/NAME.PATH=VALUE`: one field of one object, as a person types it.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::ChangeError;
use super::fields::Fields;
use crate::yaml::{Document, documents};

/// One field, and what it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The kind, as it was typed.
    pub kind: String,
    /// The object's name and the path below it: which is which depends on the names that there are, since both have dots.
    target: String,
    /// The value, as it was typed.
    pub text: String,
}

impl FromStr for Set {
    type Err = ChangeError;

    fn from_str(typed: &str) -> Result<Self, ChangeError> {
        let wrong = |why| ChangeError::NoSet {
            typed: typed.to_owned(),
            why,
        };
        let (target, text) = typed.split_once('=').ok_or(wrong("= is missing"))?;
        let (kind, target) = target.split_once('/').ok_or(wrong("/ is missing"))?;
        if kind.is_empty() || target.is_empty() {
            return Err(wrong("kind or name is missing"));
        }
        if text.trim().is_empty() {
            return Err(wrong("the value is missing; null takes a field out"));
        }
        Ok(Self {
            kind: kind.trim().to_owned(),
            target: target.trim().to_owned(),
            text: text.trim().to_owned(),
        })
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}={}", self.kind, self.target, self.text)
    }
}

impl Set {
    /// The longest of these names that the target begins with, and the path below it; or what the name seems to be.
    pub fn split<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<(&'a str, &str), &str> {
        let below = |name: &'a str| {
            let rest = self.target.strip_prefix(name)?;
            rest.starts_with(['.', '[']).then_some((name, rest))
        };
        let found = names.filter_map(below).max_by_key(|(name, _)| name.len());
        // Before the first dot is the name, unless it has dots itself: then it is unknown all the same.
        found.ok_or_else(|| self.target.split(['.', '[']).next().unwrap_or(&self.target))
    }

    /// The value as kubectl would read it: numbers and booleans, what is in quotes as text, and text where the field is text.
    ///
    /// # Errors
    /// [`ChangeError::NoSet`] where it is no YAML.
    pub fn value(&self, is_text: bool) -> Result<Value, ChangeError> {
        let read = documents(&self.text).first().map(Document::value);
        match read {
            Some(Ok(value)) if !(is_text && (value.is_number() || value.is_boolean())) => Ok(value),
            Some(Ok(_)) => Ok(Value::String(self.text.clone())),
            _ => Err(ChangeError::NoSet {
                typed: self.to_string(),
                why: "the value is no YAML",
            }),
        }
    }

    /// The path below the object's name.
    ///
    /// # Errors
    /// Those of [`Fields::parse`].
    pub fn fields(&self, below: &str) -> Result<Fields, ChangeError> {
        Fields::parse(below).map_err(|error| ChangeError::Field {
            at: self.to_string(),
            error,
        })
    }
}
