//! Water against its cap: what stages leave of it, hour by hour.

use chrono::{DateTime, Utc};

use crate::figure::Figure;
use crate::figures::{Scope, sum};
use crate::hours::{Series, expected_hours};
use crate::meter::Source;
use crate::reading::Index;
use crate::record::{Body, DeclaredTerm, Stage};
use crate::request::{SiteTerms, WaterCap};

/// Water in over what the cap and the stages left, hour by hour.
pub(crate) fn allowance_used(scope: Scope<'_>) -> Figure {
    let name = "waterAllowanceUsed";
    let formula =
        "water of the cap's kind / Σ hours (cap per hour · what the stage in force leaves)";
    let capped: Vec<&SiteTerms> = scope
        .sites
        .iter()
        .copied()
        .filter(|terms| terms.water_cap.is_some())
        .collect();
    let allowance: f64 = capped.iter().map(|terms| allowance(scope, terms)).sum();
    if allowance <= 0.0 {
        let why = if capped.is_empty() {
            "No water cap is declared."
        } else {
            "The cap and the stages in force leave no water, so there is no share to show."
        };
        return Figure::not_measured(name, "1", formula, Some(why));
    }
    let of_basis = |terms: &&SiteTerms| {
        let basis = terms.water_cap.as_ref().and_then(|cap| cap.basis);
        scope.water_at(terms, basis)
    };
    let series: Vec<Series> = capped.iter().map(of_basis).collect();
    let water = sum(name, "L", 1.0, &series, formula);
    Figure {
        value: water.value.map(|value| value / allowance),
        recorded: water.recorded.map(|value| value / allowance),
        unit: "1".into(),
        // The cap is declared, so the share cannot be better than that.
        source: water.source.map(|_| Source::Declared),
        ..water
    }
}

/// What a site may take in over the period, litres.
pub(crate) fn allowance(scope: Scope<'_>, terms: &SiteTerms) -> f64 {
    let Some(per_hour) = terms.water_cap.as_ref().and_then(WaterCap::per_hour) else {
        return 0.0;
    };
    let stages = water_stages(scope.index, terms);
    let left_at = |hour: DateTime<Utc>| {
        let in_force = stages.iter().rev().find(|stage| stage.from <= hour);
        in_force.map_or(1.0, |stage| stage.fraction)
    };
    expected_hours(terms, scope.request.period)
        .map(|hour| per_hour * left_at(hour))
        .sum()
}

/// The water stages of a site, oldest first; of two from the same moment, the one recorded last counts.
fn water_stages<'a>(index: &Index<'a>, terms: &SiteTerms) -> Vec<&'a Stage> {
    let mut stages: Vec<&Stage> = index
        .ordered
        .iter()
        .filter(|record| record.site == terms.site)
        .filter_map(|record| match &record.body {
            Body::Stage(stage) if stage.term == DeclaredTerm::Water => Some(stage),
            _ => None,
        })
        .collect();
    stages.sort_by_key(|stage| stage.from);
    stages
}
