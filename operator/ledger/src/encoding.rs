//! Records to bytes and back: JSON Lines, one canonical line per record.

use serde::Deserialize;
use serde_json::Value;

use crate::record::{Record, RecordError};

/// The longest line: an entry of a C2SP tlog-tiles log has a 16-bit length.
pub const MAX_LINE_BYTES: usize = 65_535;

/// A record that cannot be written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// It says what cannot be.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// NaN or an infinity.
    #[error("{field} must be a finite number")]
    NotFinite {
        /// Where, as a path.
        field: String,
    },
    /// Longer than an entry of the log may be.
    #[error("the record takes {bytes} bytes, at most {MAX_LINE_BYTES} fit")]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// JSON refused it.
    #[error("cannot be written as JSON: {0}")]
    Json(String),
}

/// The one line of a record, with its line feed. The same record always gives the same bytes.
///
/// # Errors
/// [`EncodeError`] where the record must not enter a log.
pub fn encode(record: &Record) -> Result<Vec<u8>, EncodeError> {
    let json = |error: serde_json::Error| EncodeError::Json(error.to_string());
    // Finite first, since a NaN fails other checks with a worse message. A record has no null of its own: serde_json
    // writes null for a NaN only.
    let value = serde_json::to_value(record).map_err(json)?;
    if let Some(field) = path_of_null(&value, "") {
        return Err(EncodeError::NotFinite { field });
    }
    record.check()?;
    let mut line = serde_json::to_vec(record).map_err(json)?;
    if line.len() > MAX_LINE_BYTES {
        return Err(EncodeError::TooLong { bytes: line.len() });
    }
    line.push(b'\n');
    Ok(line)
}

fn path_of_null(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::Null => Some(path.trim_start_matches('.').to_owned()),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, field)| path_of_null(field, &format!("{path}.{name}"))),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| path_of_null(item, &format!("{path}[{index}]"))),
        _ => None,
    }
}

/// A line that could not be read as a record.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The last line has no line feed and does not parse: a write was cut short.
    #[error("line {line}: cut short after {bytes} bytes")]
    Torn {
        /// From 1.
        line: usize,
        /// What is left of it.
        bytes: usize,
    },
    /// The last line has no line feed, but is whole. It was read.
    #[error("line {line}: whole, but without a line feed")]
    NoLineFeed {
        /// From 1.
        line: usize,
    },
    /// Not JSON, or not the fields of a record.
    #[error("line {line}: {message}")]
    Malformed {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A schema that this version does not know.
    #[error("line {line}: schema {schema} is not known here")]
    UnknownSchema {
        /// From 1.
        line: usize,
        /// What it says.
        schema: String,
    },
    /// A record that says what cannot be.
    #[error("line {line}: {error}")]
    Impossible {
        /// From 1.
        line: usize,
        /// What cannot be.
        error: RecordError,
    },
}

impl Problem {
    /// Which line, from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Torn { line, .. }
            | Self::NoLineFeed { line }
            | Self::Malformed { line, .. }
            | Self::UnknownSchema { line, .. }
            | Self::Impossible { line, .. } => *line,
        }
    }
}

/// What a file held.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Every record that could be read, in the order of the lines.
    pub records: Vec<Record>,
    /// Every line that could not.
    pub problems: Vec<Problem>,
}

/// Reads a log. A line that is broken or torn loses only itself. Empty lines are passed over.
pub fn decode(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut rest = bytes;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let (line, terminated) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                let line = &rest[..end];
                rest = &rest[end + 1..];
                (line, true)
            }
            None => (std::mem::take(&mut rest), false),
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match decode_line(line, number) {
            Ok(record) => {
                reading.records.push(record);
                if !terminated {
                    reading.problems.push(Problem::NoLineFeed { line: number });
                }
            }
            Err(Problem::Malformed { .. }) if !terminated => {
                reading.problems.push(Problem::Torn {
                    line: number,
                    bytes: line.len(),
                });
            }
            Err(problem) => reading.problems.push(problem),
        }
    }
    reading
}

fn decode_line(line: &[u8], number: usize) -> Result<Record, Problem> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let malformed = |error: serde_json::Error| Problem::Malformed {
        line: number,
        message: error.to_string(),
    };
    let head: Head = serde_json::from_slice(line).map_err(malformed)?;
    if head.schema != "commonwatt.dev/record/v1" {
        return Err(Problem::UnknownSchema {
            line: number,
            schema: head.schema,
        });
    }
    let record: Record = serde_json::from_slice(line).map_err(malformed)?;
    record.check().map_err(|error| Problem::Impossible {
        line: number,
        error,
    })?;
    Ok(record)
}
