//! Watts to money, carbon and water: the one place where the formulas are.
//!
//! Facility energy is `E = PUE · E_IT` (ISO/IEC 30134-2), carbon `C = E · I_avg` (GHG Protocol Scope 2,
//! location-based), water on site `W = E_IT · WUE` (ISO/IEC 30134-9), priced times the AWARE factor of its basin.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::{GramsCo2e, KilowattHours, Liters, Money, Policy, Pool, Site, SiteHour, Watts};

/// Facility energy of IT watts held for a time.
pub fn facility_energy(watts: Watts, hour: &SiteHour, hours: f64) -> KilowattHours {
    watts.over_seconds(hours * 3600.0) * hour.pue
}

/// Carbon of IT watts held for a time: average, location-based.
pub fn carbon(watts: Watts, hour: &SiteHour, hours: f64) -> GramsCo2e {
    GramsCo2e(facility_energy(watts, hour, hours).0 * hour.average_carbon.0)
}

/// On-site water of IT watts held for a time.
pub fn water(watts: Watts, hour: &SiteHour, hours: f64) -> Liters {
    Liters(watts.over_seconds(hours * 3600.0).0 * hour.wue.0)
}

/// Wet-bulb temperature from temperature and relative humidity, degrees Celsius.
///
/// Stull, "Wet-Bulb Temperature from Relative Humidity and Air Temperature", J. Appl. Meteor. Climatol. 50 (2011),
/// eq. 1; valid for 5 % to 99 % humidity and −20 °C to 50 °C, mean absolute error below 0.3 °C.
pub fn wet_bulb(celsius: f64, humidity_percent: f64) -> f64 {
    let (t, rh) = (celsius, humidity_percent.clamp(5.0, 99.0));
    t * (0.151_977 * (rh + 8.313_659).sqrt()).atan() + (t + rh).atan() - (rh - 1.676_331).atan()
        + 0.003_918_38 * rh.powf(1.5) * (0.023_101 * rh).atan()
        - 4.686_035
}

/// Money, split by what it is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostParts {
    /// Facility energy at the hour's price.
    pub energy: Money,
    /// Accelerators at their hourly price.
    pub accelerators: Money,
    /// Carbon at the policy's price.
    pub carbon: Money,
    /// Scarce water at the policy's price.
    pub water: Money,
    /// Replicas that start where they did not run the slot before, and jobs that start again.
    pub moves: Money,
    /// Tokens that are not served.
    pub unserved: Money,
    /// What raises the billing period's peak.
    #[serde(default)]
    pub demand: Money,
    /// What the community that is worst off bears, at the fleet's price for fairness.
    #[serde(default)]
    pub fairness: Money,
    /// Load that was promised to be sheddable and is not.
    #[serde(default)]
    pub obligations: Money,
    /// Time that jobs take from release to their end.
    #[serde(default)]
    pub waiting: Money,
}

impl CostParts {
    /// All parts together.
    pub fn total(&self) -> Money {
        self.named()
            .iter()
            .fold(Money::ZERO, |sum, (_, part)| sum + *part)
    }

    /// Every part by its name.
    pub fn named(&self) -> [(&'static str, Money); 10] {
        [
            ("energy", self.energy),
            ("accelerators", self.accelerators),
            ("carbon", self.carbon),
            ("water", self.water),
            ("moves", self.moves),
            ("unserved", self.unserved),
            ("demand", self.demand),
            ("fairness", self.fairness),
            ("obligations", self.obligations),
            ("waiting", self.waiting),
        ]
    }

    /// What running costs for a time: IT watts on `accelerators` of a pool at a site in an hour, under a policy.
    pub fn running(
        site: &Site,
        hour: &SiteHour,
        pool: &Pool,
        policy: &Policy,
        watts: Watts,
        accelerators: u32,
        hours: f64,
    ) -> Self {
        let grams = carbon(watts, hour, hours);
        let liters = water(watts, hour, hours);
        Self {
            energy: hour.price_per_kwh * facility_energy(watts, hour, hours).0,
            accelerators: pool.price_per_hour * (f64::from(accelerators) * hours),
            carbon: policy.carbon_per_tonne * (grams.0 / 1e6),
            water: policy.water_per_cubic_meter * (liters.0 / 1e3 * site.scarcity),
            ..Self::default()
        }
    }

    /// What it costs not to serve `tokens_per_second` for a time.
    pub fn unserved(policy: &Policy, tokens_per_second: f64, hours: f64) -> Self {
        let tokens = tokens_per_second.max(0.0) * hours * 3600.0;
        Self {
            unserved: policy.unserved_per_million_tokens * (tokens / 1e6),
            ..Self::default()
        }
    }

    /// Every part times a factor.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            energy: self.energy * factor,
            accelerators: self.accelerators * factor,
            carbon: self.carbon * factor,
            water: self.water * factor,
            moves: self.moves * factor,
            unserved: self.unserved * factor,
            demand: self.demand * factor,
            fairness: self.fairness * factor,
            obligations: self.obligations * factor,
            waiting: self.waiting * factor,
        }
    }

    /// This less another, part by part.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        self + other.scaled(-1.0)
    }
}

impl Add for CostParts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            energy: self.energy + other.energy,
            accelerators: self.accelerators + other.accelerators,
            carbon: self.carbon + other.carbon,
            water: self.water + other.water,
            moves: self.moves + other.moves,
            unserved: self.unserved + other.unserved,
            demand: self.demand + other.demand,
            fairness: self.fairness + other.fairness,
            obligations: self.obligations + other.obligations,
            waiting: self.waiting + other.waiting,
        }
    }
}
impl AddAssign for CostParts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl Sum for CostParts {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wet_bulb_agrees_with_the_published_example() {
        // Stull 2011, section 2: 20 °C at 50 % gives 13.7 °C.
        assert!((wet_bulb(20.0, 50.0) - 13.7).abs() < 0.05);
    }
}
