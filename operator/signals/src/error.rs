//! What can be wrong with a signal, said so that a person knows what to do.

use std::path::PathBuf;

use crate::{Quantity, SeriesError, State};

/// What is wrong with a signal or with the file that it comes from.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// A path that leads out of the folder for data.
    #[error("{}: {why}; give a path inside the data folder, such as carbon/ZONE.csv", path.display())]
    OutsideRoot {
        /// The path as it was given.
        path: PathBuf,
        /// What leads outside.
        why: &'static str,
    },
    /// A file that cannot be read.
    #[error("{}: cannot be read: {source}; check that it is there and readable", path.display())]
    Read {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// More than is sensible for one series, unpacked.
    #[error("{}: more than {limit} bytes unpacked; split it, for instance by year", path.display())]
    TooLarge {
        /// The path as it was given.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// A file that is not in the format that was said.
    #[error("{}: {place}: {problem}", path.display())]
    Malformed {
        /// The path as it was given.
        path: PathBuf,
        /// The line or element.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A column that the file does not have once.
    #[error("{}: {problem} column {wanted:?}; name one of: {}", path.display(), found.join(", "))]
    Column {
        /// The path as it was given.
        path: PathBuf,
        /// Whether there is none or more than one.
        problem: &'static str,
        /// The column asked for.
        wanted: String,
        /// The columns that the file has.
        found: Vec<String>,
    },
    /// A cell that cannot be read as what its column holds.
    #[error("{}: {place}, column {column:?}: {got:?} is {problem}", path.display())]
    Cell {
        /// The path as it was given.
        path: PathBuf,
        /// The line or element.
        place: String,
        /// The column.
        column: String,
        /// The cell, shortened.
        got: String,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// Rows that are well-formed but make no series.
    #[error("{}: {source}", path.display())]
    Series {
        /// The path as it was given.
        path: PathBuf,
        /// What is wrong.
        source: SeriesError,
    },
    /// A declared shape that does not say what holds when.
    #[error("signal {signal}: the shape {problem}")]
    Shape {
        /// The signal.
        signal: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A value that its quantity cannot have.
    #[error(
        "signal {signal}: {place} is {got}, but {quantity} is from {low} to {high} {}; check the column and its unit",
        quantity.unit()
    )]
    OutOfBounds {
        /// The signal.
        signal: String,
        /// What it measures.
        quantity: Quantity,
        /// Which value.
        place: String,
        /// The value as text.
        got: String,
        /// The least it can be.
        low: f64,
        /// The most it can be.
        high: f64,
    },
    /// Neither a value nor a fallback. Unknown is not zero: a caller leaves out what depends on the signal.
    #[error(
        "signal {signal}: {why}, and it has no fallback; mend the source or declare a fallback"
    )]
    Unknown {
        /// The signal.
        signal: String,
        /// How the signal stands now.
        state: State,
        /// What is missing.
        why: String,
    },
}
