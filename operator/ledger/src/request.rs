//! What a report is asked for: whose, of what time, against which terms. Declared, not measured.

use chrono::{DateTime, Utc};
use commonwatt_fleet::{KilowattHours, Liters, SiteId, Watts};
use serde::{Deserialize, Serialize};

use crate::meter::WaterCategory;
use crate::period::Period;

/// What a report is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The name of the `HostCommunity`.
    pub community: String,
    /// Its name as people write it.
    pub display_name: String,
    /// Whom to write to about the report.
    pub contact: String,
    /// Languages that it reads, as BCP 47 tags.
    pub languages: Vec<String>,
    /// Its sites and their terms.
    pub sites: Vec<SiteTerms>,
    /// What the town uses in all.
    pub totals: TownTotals,
    /// What was promised.
    pub commitments: Vec<Commitment>,
    /// Of what time. It must have passed: an hour to come would count as missing.
    pub period: Period,
}

/// What is declared about one site. It bounds the hours that nobody recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteTerms {
    /// Which.
    pub site: SiteId,
    /// Since when it is expected to report; none: for the whole period.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
    /// The most that the grid connection carries.
    #[serde(default)]
    pub connection_maximum: Option<Watts>,
    /// The most that the backup generators give; none where nobody has declared any.
    #[serde(default)]
    pub generator_maximum: Option<Watts>,
    /// The most that the water connections carry in an hour.
    #[serde(default)]
    pub water_maximum_per_hour: Option<Liters>,
    /// What the site may take in.
    #[serde(default)]
    pub water_cap: Option<WaterCap>,
}

impl SiteTerms {
    /// A site of which nothing is declared.
    pub fn of(site: impl Into<SiteId>) -> Self {
        Self {
            site: site.into(),
            since: None,
            connection_maximum: None,
            generator_maximum: None,
            water_maximum_per_hour: None,
            water_cap: None,
        }
    }

    /// What an unrecorded hour of water counts as, litres: the connections' maximum, or else an even share of the cap.
    pub(crate) fn water_bound(&self) -> Option<f64> {
        let even_share = self.water_cap.as_ref().and_then(WaterCap::per_hour);
        self.water_maximum_per_hour
            .map(|liters| liters.0)
            .or(even_share)
    }
}

/// A volume of water that may be taken in some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaterCap {
    /// How much.
    pub volume: Liters,
    /// The kind of water that it speaks of; none for all water that comes in.
    #[serde(default)]
    pub basis: Option<WaterCategory>,
    /// In how many hours: 24, 720, 8760.
    pub hours: u32,
    /// Who set it.
    pub set_by: String,
}

impl WaterCap {
    /// An even share of it, litres per hour.
    pub(crate) fn per_hour(&self) -> Option<f64> {
        (self.hours > 0).then(|| self.volume.0 / f64::from(self.hours))
    }
}

/// What the whole town uses, so that shares can be shown. Each may be unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TownTotals {
    /// Water in a year.
    #[serde(default)]
    pub annual_water: Option<Liters>,
    /// Electricity in a year.
    #[serde(default)]
    pub annual_energy: Option<KilowattHours>,
    /// Highest power drawn.
    #[serde(default)]
    pub peak: Option<Watts>,
}

/// Whether a commitment binds the planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CommitmentMode {
    /// It limits what is placed.
    Bind,
    /// It is only reported on.
    Report,
}

/// A promise about one figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commitment {
    /// Its name.
    pub name: String,
    /// The figure that it is about, such as `waterInput`.
    pub metric: String,
    /// The most that the figure may be in the period, in the figure's unit.
    pub limit: f64,
    /// Over what time, in words that follow a comma: `at any time`, `in a month`.
    pub period: String,
    /// Whether it binds.
    pub mode: CommitmentMode,
    /// What was agreed to follow when it is missed.
    pub remedy: String,
}
