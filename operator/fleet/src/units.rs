//! Newtypes for every physical unit, so that litres are never added to watts.
//!
//! Values that come from outside enter through `try_new`, which refuses NaN and infinities: a world never holds one.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// A number that no unit can hold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UnitError {
    /// NaN or an infinity.
    #[error("{unit} must be a finite number, got {got}")]
    NotFinite {
        /// The unit that was asked for.
        unit: &'static str,
        /// The value as text.
        got: String,
    },
    /// A value below zero where none can be.
    #[error("{unit} cannot be negative, got {got}")]
    Negative {
        /// The unit that was asked for.
        unit: &'static str,
        /// The value as text.
        got: String,
    },
}

macro_rules! real_unit {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0.0);
            /// The unit as it is printed.
            pub const UNIT: &'static str = $unit;

            /// A finite value.
            ///
            /// # Errors
            /// [`UnitError::NotFinite`] for NaN and infinities.
            pub fn try_new(value: f64) -> Result<Self, UnitError> {
                if value.is_finite() {
                    Ok(Self(value))
                } else {
                    Err(UnitError::NotFinite { unit: $unit, got: value.to_string() })
                }
            }

            /// A finite value of at least zero.
            ///
            /// # Errors
            /// [`UnitError::NotFinite`] and [`UnitError::Negative`].
            pub fn try_positive(value: f64) -> Result<Self, UnitError> {
                let value = Self::try_new(value)?;
                if value.0 < 0.0 {
                    return Err(UnitError::Negative { unit: $unit, got: value.0.to_string() });
                }
                Ok(value)
            }

            /// The larger of the two.
            #[must_use]
            pub fn max(self, other: Self) -> Self {
                Self(self.0.max(other.0))
            }

            /// The smaller of the two.
            #[must_use]
            pub fn min(self, other: Self) -> Self {
                Self(self.0.min(other.0))
            }

            /// An order over all values, for sorting.
            pub fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.total_cmp(&other.0)
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self { Self(self.0 + other.0) }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) { self.0 += other.0; }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self { Self(self.0 - other.0) }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) { self.0 -= other.0; }
        }
        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self { Self(-self.0) }
        }
        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self { Self(self.0 * factor) }
        }
        impl Div<f64> for $name {
            type Output = Self;
            fn div(self, divisor: f64) -> Self { Self(self.0 / divisor) }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
                values.fold(Self::ZERO, Add::add)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let precision = f.precision().unwrap_or(2);
                write!(f, "{:.*} {}", precision, self.0, $unit)
            }
        }
    };
}

real_unit!(
    /// Water, litres (1 L = 1e-3 m³).
    Liters, "L"
);
real_unit!(
    /// Water use of IT energy on site, litres per kilowatt-hour of IT energy: WUE of ISO/IEC 30134-9.
    LitersPerKwh, "L/kWh"
);
real_unit!(
    /// Money in the world's one currency.
    Money, "money"
);
real_unit!(
    /// Mass of carbon dioxide equivalent, grams.
    GramsCo2e, "gCO2e"
);
real_unit!(
    /// Carbon intensity of electricity, grams of CO2e per kilowatt-hour. Average and marginal are separate fields
    /// wherever both occur.
    GramsPerKwh, "gCO2e/kWh"
);
real_unit!(
    /// Energy, kilowatt-hours.
    KilowattHours, "kWh"
);
real_unit!(
    /// Generated tokens per second.
    TokensPerSecond, "tok/s"
);

/// Power, whole watts. Integers make the audit exact: a limit is kept or it is not.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Watts(pub i64);

impl Watts {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The energy of this power held for `seconds`.
    pub fn over_seconds(self, seconds: f64) -> KilowattHours {
        KilowattHours(self.0 as f64 * seconds / 3_600_000.0)
    }

    /// This power times a ratio of at least zero, rounded up: the safe side for a charge.
    #[must_use]
    pub fn scaled_up(self, ratio: f64) -> Self {
        Self((self.0 as f64 * ratio).ceil() as i64)
    }

    /// This power times a ratio of at least zero, rounded down: the safe side for a limit.
    #[must_use]
    pub fn scaled_down(self, ratio: f64) -> Self {
        Self((self.0 as f64 * ratio).floor() as i64)
    }

    /// The difference, never below zero.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }

    /// Power of `count` units of this power each.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(i64::from(count)))
    }
}

impl Add for Watts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl AddAssign for Watts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl Sub for Watts {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Sum for Watts {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Add::add)
    }
}
impl fmt::Display for Watts {
    /// Prints as `950 W`, `12.3 kW` or `4.56 MW`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watts = self.0 as f64;
        match self.0.unsigned_abs() {
            0..1_000 => write!(f, "{} W", self.0),
            1_000..1_000_000 => write!(f, "{:.1} kW", watts / 1e3),
            _ => write!(f, "{:.2} MW", watts / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_infinities_never_become_a_unit() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Liters::try_new(value).is_err());
        }
        assert!(Liters::try_positive(-1.0).is_err());
    }

    #[test]
    fn a_kilowatt_for_half_an_hour_is_half_a_kilowatt_hour() {
        assert_eq!(Watts(1000).over_seconds(1800.0), KilowattHours(0.5));
    }

    #[test]
    fn charges_round_up_and_limits_round_down() {
        assert_eq!(Watts(10).scaled_up(1.01), Watts(11));
        assert_eq!(Watts(10).scaled_down(1.09), Watts(10));
    }
}
