//! A number that a town can check.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::meter::{Quality, Source};

/// One figure of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// What, by the names of the survey's table: `facilityEnergy`, `pue`.
    pub name: String,
    /// With unrecorded hours at their worst case. None: not measured, which is not zero.
    pub value: Option<f64>,
    /// What was recorded, without the unrecorded hours; none where that makes no sense.
    pub recorded: Option<f64>,
    /// The unit; `1` for a ratio.
    pub unit: String,
    /// How it was computed.
    pub formula: String,
    /// The worst source of its inputs; none where nothing was measured.
    pub source: Option<Source>,
    /// How much of the period records stand behind, 0 to 100.
    pub coverage_percent: f64,
    /// The worst quality of its inputs.
    pub quality: Quality,
    /// Hours that no record speaks for, over all sites.
    pub missing_hours: u32,
    /// When, for a peak.
    pub at: Option<DateTime<Utc>>,
    /// What a reader must know to read it right.
    pub note: Option<String>,
}

impl Figure {
    /// A figure that no record speaks of.
    pub fn not_measured(name: &str, unit: &str, formula: &str, note: Option<&str>) -> Self {
        Self {
            name: name.into(),
            value: None,
            recorded: None,
            unit: unit.into(),
            formula: formula.into(),
            source: None,
            coverage_percent: 0.0,
            quality: Quality::Missing,
            missing_hours: 0,
            at: None,
            note: note.map(Into::into),
        }
    }

    /// This figure as a share of a declared total.
    pub(crate) fn share_of(&self, name: &str, total: Option<f64>, formula: &str) -> Self {
        let Some(total) = total.filter(|total| *total > 0.0) else {
            return Self::not_measured(
                name,
                "1",
                formula,
                Some("The town's own total is not declared."),
            );
        };
        Self {
            name: name.into(),
            value: self.value.map(|value| value / total),
            recorded: self.recorded.map(|value| value / total),
            unit: "1".into(),
            formula: formula.into(),
            // The total is declared, so the share cannot be better than that.
            source: self.source.map(|_| Source::Declared),
            ..self.clone()
        }
    }
}
