//! One meter, one hour.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::record::RecordError;

/// What is measured. Each has one unit, and sums over the connections of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Quantity {
    /// Energy out of the IT supply, kWh: EIT of EU 2024/1364, Annex II.
    ItEnergy,
    /// Energy into the facility, kWh: EDC of EU 2024/1364.
    FacilityEnergy,
    /// Highest mean over fifteen minutes of the power taken from the grid, W.
    PeakImport,
    /// Water into the site, L: WIN of EU 2024/1364.
    WaterInput,
    /// Water that does not return to the same watershed, L.
    WaterConsumed,
    /// Carbon at the grid's average intensity, gCO2e: location-based, GHG Protocol Scope 2.
    CarbonAverage,
    /// Carbon at the grid's marginal intensity, gCO2e. Beside the average, never added to it.
    CarbonMarginal,
    /// Energy from backup generators, kWh: EDC-BG of EU 2024/1364.
    GeneratorEnergy,
}

impl Quantity {
    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Self::ItEnergy | Self::FacilityEnergy | Self::GeneratorEnergy => "kWh",
            Self::PeakImport => "W",
            Self::WaterInput | Self::WaterConsumed => "L",
            Self::CarbonAverage | Self::CarbonMarginal => "gCO2e",
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What kind of water a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WaterCategory {
    /// Drinking water: WIN-POT of EU 2024/1364.
    Potable,
    /// Treated waste water.
    Reclaimed,
    /// Nobody has said. Counted with neither, and in the total.
    Unstated,
}

/// A meter of a site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeterId {
    /// What it measures.
    pub quantity: Quantity,
    /// For water: what kind. Absent counts as unstated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<WaterCategory>,
    /// Which connection, where a site has several: a feed, a supply account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
}

impl MeterId {
    /// The one meter of a quantity.
    pub fn of(quantity: Quantity) -> Self {
        Self {
            quantity,
            category: None,
            connection: None,
        }
    }

    /// The one meter of a kind of water that comes in.
    pub fn water_input(category: WaterCategory) -> Self {
        Self {
            quantity: Quantity::WaterInput,
            category: Some(category),
            connection: None,
        }
    }

    /// The kind of water it carries.
    pub fn water_category(&self) -> WaterCategory {
        self.category.unwrap_or(WaterCategory::Unstated)
    }
}

impl fmt::Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.quantity)?;
        match self.category {
            Some(WaterCategory::Potable) => write!(f, ", potable")?,
            Some(WaterCategory::Reclaimed) => write!(f, ", reclaimed")?,
            Some(WaterCategory::Unstated) | None => {}
        }
        match &self.connection {
            Some(connection) => write!(f, " ({connection})"),
            None => Ok(()),
        }
    }
}

/// Where a number comes from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A meter measured it.
    Metered,
    /// Computed from other measurements.
    Modelled,
    /// Somebody said so.
    Declared,
}

/// How good a number is, best first; the words of OpenADR's `DATA_QUALITY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Quality {
    /// As it should be.
    Ok,
    /// Filled in by the method that the record names.
    Estimated,
    /// The meter answered, but not to be believed.
    Bad,
    /// The meter did not answer.
    Missing,
}

/// A limit that was in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// In the unit of the record that it stands in; in watts within a decision.
    pub value: f64,
    /// Who set it: an object, a programme, an authority.
    pub set_by: String,
}

/// What one meter showed in one hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeterHour {
    /// Which meter.
    pub meter: MeterId,
    /// Start of the hour.
    pub hour: DateTime<Utc>,
    /// Seconds of the hour that the record speaks of: 3600, or fewer where a meter began or ended.
    pub seconds: u32,
    /// With quality `OK`: what was measured in the covered part, not stretched to the whole.
    /// With `ESTIMATED`: for all of `seconds`, the gap filled by the method. With `MISSING`: absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The unit, as [`Quantity::unit`] has it.
    pub unit: String,
    /// Where the value comes from.
    pub source: Source,
    /// How much of `seconds` samples stand behind, 0 to 100.
    pub coverage_percent: f64,
    /// How good the value is.
    pub quality: Quality,
    /// The formula and its inputs, register values among them.
    pub method: String,
    /// The limit in force, where there was one, in the unit of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// The sequence of the earlier record of this meter and hour that this one corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restates: Option<u64>,
}

impl MeterHour {
    /// The value, if it may be believed.
    pub fn usable(&self) -> Option<f64> {
        match self.quality {
            Quality::Ok | Quality::Estimated => self.value,
            Quality::Bad | Quality::Missing => None,
        }
    }

    /// The share of the whole hour that samples stand behind, 0 to 1; none of it where the value is not usable.
    pub fn covered(&self) -> f64 {
        if self.usable().is_none() {
            return 0.0;
        }
        let share = f64::from(self.seconds.min(3600)) / 3600.0;
        (self.coverage_percent / 100.0).clamp(0.0, 1.0) * share
    }

    /// The part of the value that was seen rather than filled in.
    pub fn seen(&self) -> f64 {
        let value = self.usable().unwrap_or(0.0);
        match self.quality {
            Quality::Estimated => value * (self.coverage_percent / 100.0).clamp(0.0, 1.0),
            _ => value,
        }
    }

    pub(crate) fn check(&self) -> Result<(), RecordError> {
        if !(0.0..=100.0).contains(&self.coverage_percent) {
            return Err(RecordError::Coverage {
                got: self.coverage_percent,
            });
        }
        if self.hour != crate::period::floor_hour(self.hour) {
            return Err(RecordError::NotOnTheHour { got: self.hour });
        }
        if self.seconds > 3600 {
            return Err(RecordError::TooManySeconds { got: self.seconds });
        }
        if self.unit != self.meter.quantity.unit() {
            return Err(RecordError::Unit {
                quantity: self.meter.quantity,
                got: self.unit.clone(),
            });
        }
        match (self.quality, self.value) {
            (Quality::Missing, Some(value)) => Err(RecordError::MissingWithValue { value }),
            (Quality::Ok | Quality::Estimated, None) => Err(RecordError::NoValue {
                meter: self.meter.clone(),
            }),
            (_, Some(value)) if value < 0.0 => Err(RecordError::Negative {
                meter: self.meter.clone(),
                value,
            }),
            _ => Ok(()),
        }
    }
}
