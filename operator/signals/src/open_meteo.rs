//! Hourly weather as the Open-Meteo API and its archive give it (JSON).
//!
//! Times are local at the one offset that the file states in `utc_offset_seconds`, also across clock changes: the
//! year has 8760 different stamps and the coldest hour does not jump in March. So this is arithmetic, not a time zone.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta};
use commonwatt_fleet::physics;
use serde::Deserialize;

use crate::rows::{self, Row};
use crate::{FileSpec, Series, SignalError};

const TEMPERATURE: &str = "temperature_2m";
const HUMIDITY: &str = "relative_humidity_2m";
/// The value column that is derived.
const WET_BULB: &str = "wet_bulb";
/// Offsets in use are from −12 h to +14 h.
const LARGEST_OFFSET_SECONDS: i64 = 14 * 3600;

#[derive(Deserialize)]
struct Document {
    utc_offset_seconds: Option<i64>,
    #[serde(default)]
    hourly_units: BTreeMap<String, String>,
    hourly: Hourly,
}

#[derive(Deserialize)]
struct Hourly {
    time: Vec<String>,
    #[serde(default)]
    temperature_2m: Vec<Option<f64>>,
    #[serde(default)]
    relative_humidity_2m: Vec<Option<f64>>,
}

/// A series of wet-bulb temperature, or of temperature where the spec says so, °C, in UTC.
pub(crate) fn parse(bytes: &[u8], spec: &FileSpec) -> Result<Series, SignalError> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}", error.line());
        malformed(
            spec,
            &place,
            format!("not the JSON of Open-Meteo with an `hourly` block: {error}"),
        )
    })?;
    let wet_bulb = match spec.value_column.as_deref() {
        None | Some(WET_BULB) => true,
        Some(TEMPERATURE) => false,
        Some(other) => {
            return Err(SignalError::Column {
                path: spec.path.clone(),
                problem: "there is no",
                wanted: other.to_owned(),
                found: vec![WET_BULB.to_owned(), TEMPERATURE.to_owned()],
            });
        }
    };
    let offset = offset(&document, spec)?;
    check_column(
        &document,
        spec,
        TEMPERATURE,
        "°C",
        document.hourly.temperature_2m.len(),
    )?;
    if wet_bulb {
        check_column(
            &document,
            spec,
            HUMIDITY,
            "%",
            document.hourly.relative_humidity_2m.len(),
        )?;
    }
    let rows = (0..document.hourly.time.len())
        .map(|index| row(&document.hourly, index, offset, wet_bulb, spec));
    rows::series(spec, "hourly.time", rows.collect::<Result<_, _>>()?)
}

fn offset(document: &Document, spec: &FileSpec) -> Result<TimeDelta, SignalError> {
    let seconds = document.utc_offset_seconds.ok_or_else(|| {
        let problem =
            "is missing, so that local times cannot be turned into UTC; download the file again";
        malformed(spec, "utc_offset_seconds", problem.to_owned())
    })?;
    if seconds.unsigned_abs() > LARGEST_OFFSET_SECONDS.unsigned_abs() {
        let problem = format!("is {seconds}, more than 14 hours; it is in seconds, such as -25200");
        return Err(malformed(spec, "utc_offset_seconds", problem));
    }
    Ok(TimeDelta::seconds(seconds))
}

/// The API gives Fahrenheit to those who ask, and leaves out columns that nobody asked for.
fn check_column(
    document: &Document,
    spec: &FileSpec,
    name: &str,
    unit: &str,
    length: usize,
) -> Result<(), SignalError> {
    let place = format!("hourly.{name}");
    let times = document.hourly.time.len();
    if length != times {
        let problem = format!(
            "has {length} values for {times} times; ask the API for hourly={TEMPERATURE},{HUMIDITY}"
        );
        return Err(malformed(spec, &place, problem));
    }
    match document.hourly_units.get(name) {
        Some(other) if other != unit => {
            let problem = format!("is in {other}; ask the API for {unit}");
            Err(malformed(spec, &place, problem))
        }
        _ => Ok(()),
    }
}

fn row(
    hourly: &Hourly,
    index: usize,
    offset: TimeDelta,
    wet_bulb: bool,
    spec: &FileSpec,
) -> Result<Row, SignalError> {
    let bad = |column: &str, got: &str, problem| {
        rows::cell(
            &spec.path,
            format!("hourly.{column}[{index}]"),
            column,
            got,
            problem,
        )
    };
    let text = hourly.time.get(index).map_or("", String::as_str);
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").map_err(|_| {
        bad(
            "time",
            text,
            "no local time such as 2023-01-31T13:00; ask the API for timeformat=iso8601",
        )
    })?;
    let at = local
        .checked_sub_signed(offset)
        .ok_or_else(|| bad("time", text, "outside the calendar"))?
        .and_utc();
    let temperature = hourly.temperature_2m.get(index).copied().flatten();
    let value = if wet_bulb {
        let humidity = hourly.relative_humidity_2m.get(index).copied().flatten();
        if let Some(percent) = humidity.filter(|percent| !(0.0..=100.0).contains(percent)) {
            return Err(bad(
                HUMIDITY,
                &percent.to_string(),
                "no relative humidity from 0 to 100 %",
            ));
        }
        temperature
            .zip(humidity)
            .map(|(celsius, percent)| wet_bulb_of(celsius, percent))
    } else {
        temperature
    };
    Ok(Row {
        place: index as u64,
        at,
        value,
    })
}

/// Wet-bulb is never above the air's temperature; the fit of Stull is, by 2.4 °C at −20 °C and 5 % humidity.
fn wet_bulb_of(celsius: f64, humidity_percent: f64) -> f64 {
    physics::wet_bulb(celsius, humidity_percent).min(celsius)
}

fn malformed(spec: &FileSpec, place: &str, problem: String) -> SignalError {
    SignalError::Malformed {
        path: spec.path.clone(),
        place: place.to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    const DAY: &str = r#"{"utc_offset_seconds": -25200, "hourly_units": {"temperature_2m": "°C"}, "hourly": {
        "time": ["2023-01-01T00:00", "2023-01-01T01:00", "2023-01-01T02:00"],
        "temperature_2m": [20.0, null, 10.0], "relative_humidity_2m": [50, 60, null]}}"#;

    fn spec(value_column: Option<&str>) -> FileSpec {
        FileSpec {
            value_column: value_column.map(str::to_owned),
            ..FileSpec::new("2023.json", Format::OpenMeteo)
        }
    }

    #[test]
    fn local_times_become_utc_and_wet_bulb_is_derived() {
        let series = parse(DAY.as_bytes(), &spec(None)).unwrap();
        // One of the two is missing in the other hours.
        let [(at, value)] = series.points() else {
            panic!("{series:?}")
        };
        assert_eq!(at.to_string(), "2023-01-01 07:00:00 UTC");
        assert!((value - 13.7).abs() < 0.05, "{value}");
        let dry = parse(DAY.as_bytes(), &spec(Some("temperature_2m"))).unwrap();
        assert_eq!(dry.points().len(), 2);
    }

    #[test]
    fn fahrenheit_an_unknown_offset_and_a_missing_column_are_refused() {
        for (from, to, part) in [
            ("°C", "°F", "is in °F"),
            (
                "\"utc_offset_seconds\": -25200,",
                "",
                "utc_offset_seconds: is missing",
            ),
            ("-25200", "-252000", "more than 14 hours"),
            (
                "relative_humidity_2m",
                "relativehumidity_2m",
                "has 0 values for 3 times",
            ),
            ("50, 60", "50, 160", "hourly.relative_humidity_2m[1]"),
            ("2023-01-01T02:00", "2023-01-01T01:00", "hourly.time 2"),
            (
                "\"2023-01-01T02:00\"",
                "1672531200",
                "not the JSON of Open-Meteo",
            ),
        ] {
            let message = parse(DAY.replace(from, to).as_bytes(), &spec(None))
                .unwrap_err()
                .to_string();
            assert!(
                message.contains("2023.json") && message.contains(part),
                "{message} lacks {part}"
            );
        }
    }

    #[test]
    fn wet_bulb_never_exceeds_the_temperature() {
        for celsius in -60..60 {
            for humidity in 0..=100 {
                let (celsius, humidity) = (f64::from(celsius), f64::from(humidity));
                assert!(wet_bulb_of(celsius, humidity) <= celsius);
            }
        }
    }
}
