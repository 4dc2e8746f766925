//! What a signal says now, how old that is, and in whose word it is.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::{Series, Shape, SignalError, Source, Spec};

/// How a signal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// A value that holds now: declared, or observed within the maximum age.
    Fresh,
    /// The last observation is older than the maximum age.
    Stale,
    /// Nothing was observed, or nothing is declared for now.
    Missing,
}

/// In whose word a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Provenance {
    /// Measured or published by the source, for the time that it is stamped with.
    Observed,
    /// The fallback of the signal, for want of anything better.
    Fallback,
    /// Declared by hand, or by a file of another year.
    Declared,
}

/// The value of a signal at an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The value, in the unit of the signal's quantity.
    pub value: f64,
    /// The stamp of the last observation, used or not; nothing for what is declared as a shape.
    pub observed_at: Option<DateTime<Utc>>,
    /// How old that observation is, seconds.
    pub age_seconds: Option<i64>,
    /// How the signal stands. A fallback does not make it fresh.
    pub state: State,
    /// In whose word the value is.
    pub provenance: Provenance,
    /// Why this value, in a sentence.
    pub reason: String,
}

/// What a signal says at `now`.
///
/// # Errors
/// [`SignalError::Unknown`] when the source has no value that counts and the signal no fallback.
pub fn reading(spec: &Spec, now: DateTime<Utc>) -> Result<Reading, SignalError> {
    match spec.source() {
        Source::Static(shape) => declared(spec, shape, now),
        Source::File(series) => observed(spec, series, now),
    }
}

fn declared(spec: &Spec, shape: &Shape, now: DateTime<Utc>) -> Result<Reading, SignalError> {
    let Some(value) = shape.at(now) else {
        // A series that is over was true once: old, not absent.
        if let Some(end) = shape.end().filter(|end| *end <= now) {
            let age = (now - end).num_seconds();
            let why = format!("what was declared ended at {}, {age} s ago", clock(end));
            return fallback(spec, State::Stale, Some((end, age)), why);
        }
        let why = format!("nothing is declared for {}", clock(now));
        return fallback(spec, State::Missing, None, why);
    };
    Ok(Reading {
        value,
        observed_at: None,
        age_seconds: None,
        state: State::Fresh,
        provenance: Provenance::Declared,
        reason: format!(
            "{} of {value} {} as declared",
            spec.quantity(),
            spec.quantity().unit()
        ),
    })
}

fn observed(spec: &Spec, series: &Series, now: DateTime<Utc>) -> Result<Reading, SignalError> {
    let Some((at, value)) = series.latest(now) else {
        let why = format!("nothing was observed up to {}", clock(now));
        return fallback(spec, State::Missing, None, why);
    };
    let age = (now - at).num_seconds();
    if age > i64::from(spec.max_age_seconds()) {
        let max = spec.max_age_seconds();
        let why = format!(
            "the last observation, of {}, is {age} s old, more than {max} s",
            clock(at)
        );
        return fallback(spec, State::Stale, Some((at, age)), why);
    }
    let (provenance, verb) = if series.is_replayed() {
        (Provenance::Declared, "declared by a year-independent file")
    } else {
        (Provenance::Observed, "observed")
    };
    let (quantity, unit) = (spec.quantity(), spec.quantity().unit());
    Ok(Reading {
        value,
        observed_at: Some(at),
        age_seconds: Some(age),
        state: State::Fresh,
        provenance,
        reason: format!(
            "{quantity} of {value} {unit} {verb} for {}, {age} s ago",
            clock(at)
        ),
    })
}

fn fallback(
    spec: &Spec,
    state: State,
    last: Option<(DateTime<Utc>, i64)>,
    why: String,
) -> Result<Reading, SignalError> {
    let Some(value) = spec.fallback() else {
        let signal = spec.name().to_owned();
        return Err(SignalError::Unknown { signal, state, why });
    };
    Ok(Reading {
        value,
        observed_at: last.map(|(at, _)| at),
        age_seconds: last.map(|(_, age)| age),
        state,
        provenance: Provenance::Fallback,
        reason: format!(
            "{why}: the fallback of {value} {} holds",
            spec.quantity().unit()
        ),
    })
}

pub(crate) fn clock(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Future, Quantity, Shape};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn spec(fallback: Option<f64>) -> Spec {
        let points = vec![
            (at("2023-01-01T00:00:00Z"), 200.0),
            (at("2023-01-01T01:00:00Z"), 300.0),
        ];
        let source = Source::File(Series::new(3600, points).unwrap());
        Spec::new(
            "ciso-carbon",
            Quantity::AverageCarbon,
            source,
            7200,
            fallback,
            Future::Seasonal,
        )
        .unwrap()
    }

    #[test]
    fn a_declared_series_that_is_over_is_stale_and_one_that_has_not_begun_is_missing() {
        let mut shape = Shape::constant(700.0);
        shape.start = Some(at("2023-01-01T00:00:00Z"));
        let spec = Spec::new(
            "a",
            Quantity::AverageCarbon,
            Source::Static(shape),
            7200,
            Some(650.0),
            Future::Known,
        )
        .unwrap();
        let after = reading(&spec, at("2023-01-01T02:00:00Z")).unwrap();
        assert_eq!((after.state, after.value), (State::Stale, 650.0));
        assert_eq!(after.observed_at, Some(at("2023-01-01T01:00:00Z")));
        let before = reading(&spec, at("2022-12-31T23:00:00Z")).unwrap();
        assert_eq!((before.state, before.value), (State::Missing, 650.0));
    }

    #[test]
    fn an_observation_within_its_age_is_fresh_and_says_when_it_was() {
        let reading = reading(&spec(None), at("2023-01-01T00:59:00Z")).unwrap();
        assert_eq!((reading.value, reading.age_seconds), (200.0, Some(3540)));
        assert_eq!(
            (reading.state, reading.provenance),
            (State::Fresh, Provenance::Observed)
        );
        assert_eq!(
            reading.reason,
            "average carbon of 200 gCO2e/kWh observed for 2023-01-01T00:00:00Z, 3540 s ago"
        );
    }

    #[test]
    fn a_stale_or_missing_signal_falls_back_and_keeps_its_state() {
        let stale = reading(&spec(Some(900.0)), at("2023-01-01T03:00:01Z")).unwrap();
        assert_eq!((stale.value, stale.age_seconds), (900.0, Some(7201)));
        assert_eq!(
            (stale.state, stale.provenance),
            (State::Stale, Provenance::Fallback)
        );
        let missing = reading(&spec(Some(900.0)), at("2022-12-31T23:59:59Z")).unwrap();
        assert_eq!((missing.state, missing.observed_at), (State::Missing, None));
    }

    #[test]
    fn without_a_fallback_the_error_names_the_signal() {
        let error = reading(&spec(None), at("2023-01-02T00:00:00Z")).unwrap_err();
        assert!(matches!(
            error,
            SignalError::Unknown {
                state: State::Stale,
                ..
            }
        ));
        assert!(
            error
                .to_string()
                .starts_with("signal ciso-carbon: the last observation"),
            "{error}"
        );
    }

    #[test]
    fn a_declared_value_is_fresh_and_has_no_age() {
        let source = Source::Static(Shape::constant(-3.0));
        let spec = Spec::new("p", Quantity::Price, source, 0, None, Future::Seasonal).unwrap();
        let reading = reading(&spec, at("2023-01-01T00:00:00Z")).unwrap();
        assert_eq!((reading.value, reading.age_seconds), (-3.0, None));
        assert_eq!(reading.provenance, Provenance::Declared);
    }
}
