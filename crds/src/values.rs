//! Bounded values: quantities, decimals, times. None of them parses silently: a value that is not a finite number in
//! range is an error with its text in it.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not written as the schema asks.
    #[error("{got:?} is not {expected}")]
    Malformed {
        /// The value.
        got: String,
        /// What it should look like.
        expected: &'static str,
    },
    /// Too large to be physical.
    #[error("{got:?} is beyond {limit}")]
    OutOfRange {
        /// The value.
        got: String,
        /// The largest that makes sense.
        limit: &'static str,
    },
}

/// A number with an optional decimal suffix, as quantities are written.
fn parse_quantity(text: &str, expected: &'static str) -> Result<f64, ValueError> {
    let malformed = || ValueError::Malformed {
        got: text.to_owned(),
        expected,
    };
    let (digits, factor) = match text.chars().last() {
        Some('k') => (&text[..text.len() - 1], 1e3),
        Some('M') => (&text[..text.len() - 1], 1e6),
        Some('G') => (&text[..text.len() - 1], 1e9),
        Some('T') => (&text[..text.len() - 1], 1e12),
        Some(_) => (text, 1.0),
        None => return Err(malformed()),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || digits.contains(['e', 'E', '_']) {
        return Err(malformed());
    }
    let value: f64 = digits.parse().map_err(|_| malformed())?;
    if value.is_finite() {
        Ok(value * factor)
    } else {
        Err(malformed())
    }
}

/// Text or a bare number, as `x-kubernetes-int-or-string` allows.
#[derive(Deserialize)]
#[serde(untagged)]
enum IntOrText {
    Int(i64),
    Text(String),
}

impl IntOrText {
    fn text(self) -> String {
        match self {
            Self::Int(int) => int.to_string(),
            Self::Text(text) => text,
        }
    }
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $description:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                IntOrText::deserialize(deserializer).map(|value| Self(value.text()))
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool { true }
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "x-kubernetes-int-or-string": true,
                    "maxLength": 24,
                    "minimum": 0,
                    "pattern": r"^[0-9]{1,15}(\.[0-9]{1,3})?(k|M|G|T)?$",
                    "example": "900k",
                    "description": $description,
                })
            }
        }
    };
}

quantity!(
    /// Power.
    Watts, "watts such as 900k, 1.5M or 250000", "Watts, such as 900k, 1.5M or 250000."
);
quantity!(
    /// A volume of water.
    Liters, "litres such as 900k, 1.5M or 250000", "Litres, such as 900k, 1.5M or 250000 (1k is a cubic metre)."
);

impl Watts {
    /// Whole watts.
    ///
    /// # Errors
    /// [`ValueError`] when the text is no quantity or is beyond a terawatt.
    pub fn value(&self) -> Result<i64, ValueError> {
        let value = parse_quantity(&self.0, "watts such as 900k, 1.5M or 250000")?;
        if value > 1e12 {
            return Err(ValueError::OutOfRange {
                got: self.0.clone(),
                limit: "a terawatt",
            });
        }
        Ok(value.round() as i64)
    }

    /// From whole watts, exactly.
    pub fn from_value(watts: i64) -> Self {
        Self(watts.max(0).to_string())
    }
}

impl Liters {
    /// Litres.
    ///
    /// # Errors
    /// [`ValueError`] when the text is no quantity or is beyond a thousand cubic kilometres.
    pub fn value(&self) -> Result<f64, ValueError> {
        let value = parse_quantity(&self.0, "litres such as 900k, 1.5M or 250000")?;
        if value > 1e15 {
            return Err(ValueError::OutOfRange {
                got: self.0.clone(),
                limit: "a thousand cubic kilometres",
            });
        }
        Ok(value)
    }

    /// From litres, to three places.
    pub fn from_value(liters: f64) -> Self {
        Self(trimmed(liters.max(0.0), 3))
    }
}

/// A decimal number as text: money, ratios, intensities. Exact in Git and in `kubectl`, where floats are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Decimal(pub String);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IntOrText::deserialize(deserializer).map(|value| Self(value.text()))
    }
}

impl JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 24,
            "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,8})?$",
            "example": "0.25",
        })
    }
}

impl Decimal {
    /// The number.
    ///
    /// # Errors
    /// [`ValueError::Malformed`] when the text is no plain decimal.
    pub fn value(&self) -> Result<f64, ValueError> {
        let malformed = || ValueError::Malformed {
            got: self.0.clone(),
            expected: "a decimal such as 0.25",
        };
        let plain = !self.0.is_empty()
            && self
                .0
                .chars()
                .all(|c| c.is_ascii_digit() || c == '.' || c == '-')
            && self.0.len() <= 24;
        if !plain {
            return Err(malformed());
        }
        self.0
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .ok_or_else(malformed)
    }

    /// From a number, to eight places at most; what is not finite becomes nothing, never a wrong number.
    pub fn from_value(value: f64, places: usize) -> Option<Self> {
        (value.is_finite() && value.abs() < 1e12).then(|| Self(trimmed(value, places.min(8))))
    }
}

impl From<&str> for Decimal {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A number to some places without trailing zeros and without a minus on zero.
fn trimmed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if text == "-0" {
        "0".into()
    } else {
        text.to_owned()
    }
}

/// A moment, RFC 3339 in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub DateTime<Utc>);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text)
            .map(|at| Self(at.to_utc()))
            .map_err(|error| {
                serde::de::Error::custom(format!("{text:?} is not an RFC 3339 time: {error}"))
            })
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "maxLength": 40,
            "example": "2023-06-05T17:00:00Z",
        })
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_suffixes_and_refuse_what_they_do_not_know() {
        assert_eq!(Watts("1.5M".into()).value(), Ok(1_500_000));
        assert_eq!(Watts("250000".into()).value(), Ok(250_000));
        for bad in ["900kW", "900m", "1e999", "NaN", "inf", "", "-5", "k"] {
            assert!(Watts(bad.into()).value().is_err(), "{bad}");
        }
        assert!(matches!(
            Watts("9999T".into()).value(),
            Err(ValueError::OutOfRange { .. })
        ));
    }

    #[test]
    fn decimals_are_plain_numbers_only() {
        assert_eq!(Decimal("-0.25".into()).value(), Ok(-0.25));
        for bad in ["NaN", "inf", "1e5", "", "1,5", "--1"] {
            assert!(Decimal(bad.into()).value().is_err(), "{bad}");
        }
        assert_eq!(
            Decimal::from_value(-0.000_000_001, 2),
            Some(Decimal("0".into()))
        );
        assert_eq!(Decimal::from_value(f64::NAN, 2), None);
    }

    #[test]
    fn a_bare_integer_is_accepted_where_a_quantity_is() {
        let watts: Watts = serde_json::from_value(serde_json::json!(1500)).expect("an integer");
        assert_eq!(watts.value(), Ok(1500));
    }
}
