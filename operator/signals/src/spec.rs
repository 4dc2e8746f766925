//! A signal as it was asked for, checked once, so that reading it never meets an impossible value.

use serde::{Deserialize, Serialize};

use crate::{Quantity, SignalError, Source};

/// Whether what comes after now was published before it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Future {
    /// Values stamped after now are known, such as day-ahead prices: at most 36 hours of them are read.
    Known,
    /// Values stamped after now are never read; the hours of past days stand in for them.
    #[default]
    Seasonal,
}

/// A signal: what it is, where it comes from, how old it may be and what holds when it is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    name: String,
    quantity: Quantity,
    source: Source,
    max_age_seconds: u32,
    fallback: Option<f64>,
    future: Future,
}

impl Spec {
    /// A signal, if its shape is whole and every value is within the bounds of its quantity.
    ///
    /// The age of an observation counts from its stamp, which begins its interval: hourly values need a `max_age_seconds` of at
    /// least 3600 to hold through their hour.
    pub fn new(
        name: &str,
        quantity: Quantity,
        source: Source,
        max_age_seconds: u32,
        fallback: Option<f64>,
        future: Future,
    ) -> Result<Self, SignalError> {
        let spec = Self {
            name: name.to_owned(),
            quantity,
            source,
            max_age_seconds,
            fallback,
            future,
        };
        spec.check()?;
        Ok(spec)
    }

    /// The signal's name, as errors give it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it measures.
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// Where its values come from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How old an observation may be to count, seconds.
    pub fn max_age_seconds(&self) -> u32 {
        self.max_age_seconds
    }

    /// What holds when there is no observation that is young enough.
    pub fn fallback(&self) -> Option<f64> {
        self.fallback
    }

    /// Whether its future is published.
    pub fn future(&self) -> Future {
        self.future
    }

    fn check(&self) -> Result<(), SignalError> {
        if let Some(fallback) = self.fallback {
            self.within(fallback, || "the fallback".to_owned())?;
        }
        match &self.source {
            Source::Static(shape) => {
                if let Some(problem) = shape.problem() {
                    let signal = self.name.clone();
                    return Err(SignalError::Shape { signal, problem });
                }
                let mut values = shape.values.iter().enumerate();
                values
                    .try_for_each(|(index, value)| self.within(*value, || format!("value {index}")))
            }
            Source::File(series) => {
                let mut points = series.points().iter();
                points.try_for_each(|(at, value)| {
                    self.within(*value, || format!("the value of {at}"))
                })
            }
        }
    }

    fn within(&self, value: f64, place: impl Fn() -> String) -> Result<(), SignalError> {
        let bounds = self.quantity.bounds();
        // NaN is inside no range.
        if bounds.contains(&value) {
            return Ok(());
        }
        Err(SignalError::OutOfBounds {
            signal: self.name.clone(),
            quantity: self.quantity,
            place: place(),
            got: value.to_string(),
            low: *bounds.start(),
            high: *bounds.end(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;

    fn constant(quantity: Quantity, value: f64) -> Result<Spec, SignalError> {
        let source = Source::Static(Shape::constant(value));
        Spec::new("test", quantity, source, 3600, None, Future::Seasonal)
    }

    #[test]
    fn negative_prices_are_real_and_negative_carbon_is_not() {
        assert!(constant(Quantity::Price, -500.0).is_ok());
        for quantity in [Quantity::AverageCarbon, Quantity::MarginalCarbon] {
            let refused = constant(quantity, -1.0).unwrap_err();
            assert!(
                matches!(refused, SignalError::OutOfBounds { .. }),
                "{refused}"
            );
        }
    }

    #[test]
    fn every_quantity_refuses_what_is_no_number_and_what_cannot_be() {
        for (quantity, value) in [
            (Quantity::AverageCarbon, f64::NAN),
            (Quantity::Price, f64::INFINITY),
            (Quantity::Price, -10_001.0),
            (Quantity::WetBulb, 71.0),
            // 20 °C in kelvin.
            (Quantity::Temperature, 293.15),
        ] {
            assert!(constant(quantity, value).is_err(), "{quantity} {value}");
        }
    }

    #[test]
    fn a_fallback_is_checked_like_a_value() {
        let source = Source::Static(Shape::constant(100.0));
        let spec = Spec::new(
            "ciso",
            Quantity::AverageCarbon,
            source,
            0,
            Some(-1.0),
            Future::Known,
        );
        let message = spec.unwrap_err().to_string();
        assert!(
            message.contains("ciso") && message.contains("the fallback"),
            "{message}"
        );
    }
}
