//! Comma-separated files with a header: one column of times, one of values.

use chrono::{DateTime, NaiveDateTime, Utc};
use csv::{ByteRecord, ReaderBuilder, StringRecord};

use crate::rows::{self, Row};
use crate::{FileSpec, Series, SignalError};

const TIME_PROBLEM: &str = "no time; write 2023-01-31 13:00:00 (UTC) or 2023-01-31T13:00:00Z";
const VALUE_PROBLEM: &str =
    "no finite number; use a decimal point, and leave the cell blank where the value is unknown";

/// A series from the text of a file.
pub(crate) fn parse(bytes: &[u8], spec: &FileSpec) -> Result<Series, SignalError> {
    // Spreadsheets put a byte order mark before the first name.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|error| unreadable(spec, &error))?
        .clone();
    let (time, value) = columns(&header, spec)?;
    let mut rows = Vec::new();
    for record in reader.byte_records() {
        let record = record.map_err(|error| unreadable(spec, &error))?;
        rows.push(row(&record, &header, (time, value), spec)?);
    }
    rows::series(spec, "line", rows)
}

/// Where the time and the value are. Without names: the first column, and the second of two.
fn columns(header: &StringRecord, spec: &FileSpec) -> Result<(usize, usize), SignalError> {
    let time = spec
        .time_column
        .as_deref()
        .map_or(Ok(0), |name| find(header, name, spec))?;
    let value = match spec.value_column.as_deref() {
        Some(name) => find(header, name, spec)?,
        None if header.len() == 2 => 1 - time,
        None => {
            return Err(column_error(
                header,
                "",
                "there is not just one candidate for the value",
                spec,
            ));
        }
    };
    Ok((time, value))
}

fn find(header: &StringRecord, name: &str, spec: &FileSpec) -> Result<usize, SignalError> {
    let mut found = header
        .iter()
        .enumerate()
        .filter(|(_, cell)| cell.trim() == name.trim());
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(index),
        (None, _) => Err(column_error(header, name, "there is no", spec)),
        (Some(_), Some(_)) => Err(column_error(header, name, "there is more than one", spec)),
    }
}

fn row(
    record: &ByteRecord,
    header: &StringRecord,
    (time, value): (usize, usize),
    spec: &FileSpec,
) -> Result<Row, SignalError> {
    let line = record.position().map_or(0, csv::Position::line);
    let bad = |column: usize, got: &str, problem| {
        let name = header.get(column).unwrap_or_default();
        rows::cell(&spec.path, format!("line {line}"), name, got, problem)
    };
    // Only the two columns that are asked for need to be text.
    let text = |column: usize| String::from_utf8_lossy(record.get(column).unwrap_or_default());
    let (stamp, cell) = (text(time), text(value));
    let at = instant(stamp.trim()).ok_or_else(|| bad(time, &stamp, TIME_PROBLEM))?;
    let value = match cell.trim() {
        "" => None,
        number => {
            let parsed = number.parse().ok().filter(|value: &f64| value.is_finite());
            Some(parsed.ok_or_else(|| bad(value, &cell, VALUE_PROBLEM))?)
        }
    };
    Ok(Row {
        place: line,
        at,
        value,
    })
}

/// RFC 3339 with its offset, or a time without one, which is UTC.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let naive = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok();
    let fixed = DateTime::parse_from_rfc3339(text).ok();
    fixed
        .map(|at| at.to_utc())
        .or_else(|| naive().map(|at| at.and_utc()))
}

fn unreadable(spec: &FileSpec, error: &csv::Error) -> SignalError {
    let place = error
        .position()
        .map_or("the header".to_owned(), |at| format!("line {}", at.line()));
    SignalError::Malformed {
        path: spec.path.clone(),
        place,
        problem: format!("not comma-separated text with as many cells as the header: {error}"),
    }
}

fn column_error(
    header: &StringRecord,
    wanted: &str,
    problem: &'static str,
    spec: &FileSpec,
) -> SignalError {
    SignalError::Column {
        path: spec.path.clone(),
        problem,
        wanted: wanted.to_owned(),
        found: header.iter().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    fn spec(value_column: Option<&str>) -> FileSpec {
        FileSpec {
            value_column: value_column.map(str::to_owned),
            ..FileSpec::new("prices.csv", Format::Csv)
        }
    }

    fn message(text: &str, column: Option<&str>) -> String {
        parse(text.as_bytes(), &spec(column))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn blanks_are_gaps_and_never_zero() {
        let text = "time,a\n2023-01-01 00:00:00,5\n2023-01-01 01:00:00, \n2023-01-01T03:00:00+01:00,-7.5\n";
        let series = parse(text.as_bytes(), &spec(None)).unwrap();
        assert_eq!(series.step_seconds(), 3600);
        let values: Vec<f64> = series.points().iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [5.0, -7.5]);
        assert_eq!(series.at("2023-01-01T01:30:00Z".parse().unwrap()), None);
    }

    #[test]
    fn a_bad_cell_is_named_by_file_line_and_column_with_what_to_do() {
        for bad in ["12;5", "NaN", "inf", "n/a", "1e999"] {
            let text = format!("time,a\n2023-01-01 00:00:00,1\n2023-01-01 01:00:00,{bad}\n");
            let message = message(&text, Some("a"));
            for part in ["prices.csv", "line 3", "\"a\"", bad, "leave the cell blank"] {
                assert!(message.contains(part), "{message} lacks {part}");
            }
        }
        let time = message("time,a\n01/02/2023 00:00,1\n", None);
        assert!(
            time.contains("line 2") && time.contains("\"time\"") && time.contains("2023-01-31T13"),
            "{time}"
        );
    }

    #[test]
    fn a_column_that_is_not_there_or_twice_there_is_answered_with_the_columns_that_are() {
        assert!(message("time,a,b\n", Some("c")).contains("name one of: time, a, b"));
        assert!(message("time,a,a\n", Some("a")).contains("more than one column \"a\""));
        assert!(message("time,a,b\n", None).contains("not just one candidate"));
    }

    #[test]
    fn a_short_row_and_a_repeated_hour_are_refused_by_their_lines() {
        assert!(message("time,a\n2023-01-01 00:00:00\n", None).contains("line 2"));
        let twice = message(
            "time,a\n2023-10-29 02:00:00,1\n2023-10-29 02:00:00,2\n",
            None,
        );
        assert!(
            twice.contains("line 3") && twice.contains("of line 2") && twice.contains("UTC"),
            "{twice}"
        );
    }

    #[test]
    fn one_row_does_not_say_how_long_it_holds() {
        assert!(message("time,a\n2023-01-01 00:00:00,1\n", None).contains("fewer than two rows"));
    }
}
