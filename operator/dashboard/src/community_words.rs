//! Plain words for the figures of a report.

use chrono::{DateTime, Utc};
use commonwatt_ledger::{
    DecisionKind, EventPurpose, Figure, MeterId, Quality, Quantity, Source, WaterCategory,
};

use crate::number;

/// What a figure is called on the page of a town council.
pub(crate) fn title(name: &str) -> &str {
    match name {
        "waterInput" => "Water taken in",
        "potableInput" => "Drinking water taken in",
        "reclaimedInput" => "Reclaimed water taken in",
        "waterConsumed" => "Water that did not return",
        "wue" => "Water per kWh of computing",
        "waterAllowanceUsed" => "Share of the water cap",
        "waterShareOfTown" => "Share of the town's water",
        "facilityEnergy" => "Electricity used",
        "itEnergy" => "Electricity used by the computers",
        "pue" => "Electricity per unit of computing (PUE)",
        "energyShareOfTown" => "Share of the town's electricity",
        "peakImport" => "Highest power drawn",
        "peakShareOfTown" => "Against the town's own peak",
        "limitExceedance" => "Energy above a limit in force",
        "backupGeneratorEnergy" => "Electricity from backup generators",
        "exportedLoad" => "Computing that moved to other communities",
        "eventsAsked" => "Times the grid asked",
        "eventsHeld" => "Times the target was held throughout",
        "co2Location" => "CO₂e at the grid's average",
        "co2Marginal" => "CO₂e at the grid's margin",
        "coverage" => "Hours that meters stand behind",
        other => other,
    }
}

/// The formula of a figure, with the names of other figures in plain words.
pub(crate) fn formula(formula: &str) -> String {
    ["waterInput", "facilityEnergy", "itEnergy", "peakImport"]
        .iter()
        .fold(formula.to_owned(), |text, name| {
            let words = title(name);
            // Every title begins with a letter of one byte.
            text.replace(
                name,
                &format!("{}{}", words[..1].to_lowercase(), &words[1..]),
            )
        })
}

/// The value of a figure; shares as percentages.
pub(crate) fn value(figure: &Figure, value: Option<f64>) -> String {
    let is_share = matches!(
        figure.name.as_str(),
        "waterAllowanceUsed" | "waterShareOfTown" | "energyShareOfTown" | "peakShareOfTown"
    );
    match value {
        Some(share) if is_share => number::percent(share),
        // Rounding a count or a ratio of three digits away would hide what it says.
        Some(count) if figure.unit == "events" => number::grouped(count, 0),
        value => number::quantity(value, &figure.unit),
    }
}

/// A limit or a value in its unit.
pub(crate) fn amount(value: f64, unit: &str) -> String {
    number::quantity(Some(value), unit)
}

/// Where a figure comes from.
pub(crate) fn source(source: Option<Source>) -> &'static str {
    match source {
        Some(Source::Metered) => "metered",
        Some(Source::Modelled) => "modelled",
        Some(Source::Declared) => "partly declared",
        None => "no source",
    }
}

/// How good a figure is.
pub(crate) fn quality(quality: Quality) -> (&'static str, &'static str) {
    match quality {
        Quality::Ok => ("good", "complete"),
        Quality::Estimated => ("warn", "partly estimated"),
        Quality::Bad => ("bad", "bad readings"),
        Quality::Missing => ("warn", "hours missing"),
    }
}

/// What an event was for.
pub(crate) fn purpose(purpose: EventPurpose) -> &'static str {
    match purpose {
        EventPurpose::Drill => "drill",
        EventPurpose::Program => "programme",
        EventPurpose::Emergency => "emergency",
    }
}

/// What was decided.
pub(crate) fn decision(what: DecisionKind) -> &'static str {
    match what {
        DecisionKind::Placed => "taken in",
        DecisionKind::Moved => "moved",
        DecisionKind::Refused => "refused",
        DecisionKind::Suspended => "paused",
        DecisionKind::CeilingLowered => "held smaller",
        DecisionKind::CeilingRaised => "allowed larger",
        DecisionKind::Released => "given up",
        DecisionKind::Resumed => "resumed",
    }
}

/// What a meter measures, with its connection where a site has several.
pub(crate) fn meter(meter: &MeterId) -> String {
    let name = match (meter.quantity, meter.water_category()) {
        (Quantity::ItEnergy, _) => title("itEnergy"),
        (Quantity::FacilityEnergy, _) => title("facilityEnergy"),
        (Quantity::PeakImport, _) => title("peakImport"),
        (Quantity::WaterInput, WaterCategory::Potable) => title("potableInput"),
        (Quantity::WaterInput, WaterCategory::Reclaimed) => title("reclaimedInput"),
        (Quantity::WaterInput, WaterCategory::Unstated) => title("waterInput"),
        (Quantity::WaterConsumed, _) => title("waterConsumed"),
        (Quantity::CarbonAverage, _) => title("co2Location"),
        (Quantity::CarbonMarginal, _) => title("co2Marginal"),
        (Quantity::GeneratorEnergy, _) => title("backupGeneratorEnergy"),
    };
    match &meter.connection {
        Some(connection) => format!("{name} ({connection})"),
        None => name.into(),
    }
}

/// A day and a time, without seconds.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}
