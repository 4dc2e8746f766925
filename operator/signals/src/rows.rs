//! Rows of any format to a series: what both parsers share.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{FileSpec, Series, SeriesError, SignalError};

/// How much of a bad cell an error shows.
const SHOWN_CHARS: usize = 40;

/// One row: a stamp and, where the cell was not blank, a value.
pub(crate) struct Row {
    /// The line in a text file, or the index in an array.
    pub place: u64,
    /// When its interval begins.
    pub at: DateTime<Utc>,
    /// The value; a blank cell is a real gap.
    pub value: Option<f64>,
}

/// A series from rows in any order, whose `word` names a place in the file ("line", "hourly.time").
pub(crate) fn series(
    spec: &FileSpec,
    word: &str,
    mut rows: Vec<Row>,
) -> Result<Series, SignalError> {
    rows.sort_by_key(|row| row.at);
    refuse_duplicates(&spec.path, word, &rows)?;
    let step = step_seconds(&rows).ok_or_else(|| SignalError::Malformed {
        path: spec.path.clone(),
        place: "the file".to_owned(),
        problem: "has fewer than two rows, so that no interval can be told; give at least two"
            .to_owned(),
    })?;
    let points = rows.iter().filter_map(|row| Some((row.at, row.value?)));
    let series = Series::new(step, points.collect());
    let series = series.and_then(|series| match (rows.first(), rows.last()) {
        (Some(first), Some(last)) if spec.year_independent => {
            series.replayed(first.at, last.at + TimeDelta::seconds(i64::from(step)))
        }
        _ => Ok(series),
    });
    series.map_err(|source| in_file(&spec.path, source))
}

/// A bad cell as an error.
pub(crate) fn cell(
    path: &Path,
    place: String,
    column: &str,
    got: &str,
    problem: &'static str,
) -> SignalError {
    SignalError::Cell {
        path: path.to_owned(),
        place,
        column: column.to_owned(),
        got: got.chars().take(SHOWN_CHARS).collect(),
        problem,
    }
}

fn in_file(path: &Path, source: SeriesError) -> SignalError {
    SignalError::Series {
        path: path.to_owned(),
        source,
    }
}

/// Two rows of one stamp are refused, blank or not: a file in local time without offsets has them each autumn.
fn refuse_duplicates(path: &Path, word: &str, rows: &[Row]) -> Result<(), SignalError> {
    for pair in rows.windows(2) {
        let [first, second] = pair else { continue };
        if first.at == second.at {
            return Err(SignalError::Malformed {
                path: path.to_owned(),
                place: format!("{word} {}", second.place),
                problem: format!(
                    "has the time {} of {word} {}; keep one of the two, and see that times are UTC",
                    second.at, first.place
                ),
            });
        }
    }
    Ok(())
}

/// The commonest distance of neighbours, so that missing rows do not stretch it; of equals the shortest.
fn step_seconds(sorted: &[Row]) -> Option<u32> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for pair in sorted.windows(2) {
        let [first, second] = pair else { continue };
        *counts
            .entry((second.at - first.at).num_seconds())
            .or_default() += 1;
    }
    let commonest = counts.values().copied().max()?;
    let (step, _) = counts.into_iter().find(|(_, count)| *count == commonest)?;
    // What is out of range is refused by the series, which says so.
    Some(u32::try_from(step).unwrap_or(u32::MAX))
}
