//! Why a deployment runs where it does: what the hub wrote into its status, in the order in which a person asks.

use std::fmt::Write;

use commonwatt_api::{
    Condition, ModelDeployment, RejectedSite, SiteDecision,
    conditions::{reasons, types},
    find_condition,
};
use serde::Serialize;

use super::{Tone, cell, table};

/// The explanation of one deployment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub namespace: String,
    pub name: String,
    pub mode: String,
    pub tokens_per_second: String,
    /// The status is of an older generation of the object.
    pub outdated: bool,
    /// Whether all demand has a place.
    pub placed: Verdict,
    pub chosen: Vec<SiteDecision>,
    /// The best place that was not taken, by the planner's word.
    pub runner_up: Option<RejectedSite>,
    /// Rejections by a limit that more room would lift.
    pub binding: Vec<RejectedSite>,
    /// Every site that does not run it.
    pub rejected: Vec<RejectedSite>,
}

/// A condition's word.
#[derive(Debug, Serialize)]
pub struct Verdict {
    pub status: String,
    pub reason: String,
    pub message: String,
}

/// Rejections by a limit that more room would lift.
const LIMITS: [&str; 5] = [
    "Power",
    "Water",
    "Accelerators",
    "RefusedBySite",
    "MoveBudget",
];

/// From a deployment's status.
pub fn of(key: &str, deployment: &ModelDeployment) -> Explanation {
    let (namespace, name) = key.split_once('/').unwrap_or(("", key));
    let status = deployment.status.clone().unwrap_or_default();
    let rejected = status.rejected;
    let runner_up = rejected
        .iter()
        .filter(|site| site.reason == "Dearer")
        .min_by(|a, b| extra(&a.detail).total_cmp(&extra(&b.detail)));
    let binding = rejected
        .iter()
        .filter(|site| LIMITS.contains(&site.reason.as_str()));
    Explanation {
        namespace: namespace.into(),
        name: name.into(),
        mode: format!("{:?}", deployment.spec.mode),
        tokens_per_second: deployment.spec.demand.tokens_per_second.0.clone(),
        outdated: status.observed_generation.is_some()
            && status.observed_generation != deployment.metadata.generation,
        placed: verdict(&status.conditions),
        chosen: status.sites,
        runner_up: runner_up.cloned(),
        binding: binding.cloned().collect(),
        rejected,
    }
}

/// How much dearer, per hour, from the words `dearer by 1.23/h (…)`.
fn extra(detail: &str) -> f64 {
    let number = detail.strip_prefix("dearer by ").unwrap_or_default();
    let number = number.split('/').next().unwrap_or_default();
    number.parse().unwrap_or(f64::INFINITY)
}

fn verdict(conditions: &[Condition]) -> Verdict {
    find_condition(conditions, types::PLACED).map_or_else(
        || Verdict {
            status: "Unknown".into(),
            reason: "NotSeenYet".into(),
            message: "no hub has looked at it; is one running? `commonwatt doctor` says".into(),
        },
        |condition| Verdict {
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        },
    )
}

impl Explanation {
    /// For people.
    pub fn text(&self, wide: bool) -> String {
        let mut text = format!(
            "{}/{}: {} tokens/s, mode {}\n",
            self.namespace, self.name, self.tokens_per_second, self.mode
        );
        if self.outdated {
            text.push_str(
                "The hub has not looked at its last change yet; this is of the one before.\n",
            );
        }
        let placed = &self.placed;
        if placed.reason != reasons::OK && !placed.message.is_empty() {
            let _ = writeln!(text, "{}: {}", placed.reason, placed.message);
        }
        self.places(&mut text, wide);
        if let Some(site) = &self.runner_up {
            let _ = writeln!(text, "\nRunner-up: {}, {}", site.site, site.detail);
        }
        if !self.binding.is_empty() {
            text.push_str("\nWhat binds\n");
            for site in &self.binding {
                let _ = writeln!(text, "  {} {}: {}", site.site, site.reason, site.detail);
            }
        }
        text
    }

    fn places(&self, text: &mut String, wide: bool) {
        if !self.chosen.is_empty() {
            let mut header = vec!["SITE", "VARIANT", "REPLICAS", "READY", "COST/H", "KG/H"];
            if wide {
                header.extend(["L/H", "WEIGHT", "ANSWER", "VALID-UNTIL"]);
            }
            let mut table = table(&header);
            for site in &self.chosen {
                table.add_row(numbers(site, wide));
            }
            let _ = writeln!(text, "\n{table}");
        }
        if self.chosen.is_empty() && self.rejected.is_empty() {
            return;
        }
        let mut table = table(&["SITE", "REASON", "WHY"]);
        for site in &self.chosen {
            let why = [
                cell(&site.site, Tone::Plain),
                cell(&site.reason, Tone::Good),
                cell(&site.detail, Tone::Plain),
            ];
            table.add_row(why);
        }
        for site in &self.rejected {
            let why = [
                cell(&site.site, Tone::Plain),
                cell(&site.reason, Tone::Caution),
                cell(&site.detail, Tone::Plain),
            ];
            table.add_row(why);
        }
        let _ = writeln!(text, "\n{table}");
    }
}

fn numbers(site: &SiteDecision, wide: bool) -> Vec<String> {
    let rounded = |value: Result<f64, _>| {
        value.map_or_else(
            |_: commonwatt_api::ValueError| "-".into(),
            |value| format!("{value:.2}"),
        )
    };
    let mut row = vec![
        site.site.clone(),
        site.variant.clone(),
        site.desired.to_string(),
        site.ready.to_string(),
        rounded(site.cost_per_hour.value()),
        rounded(site.grams_per_hour.value().map(|grams| grams / 1000.0)),
    ];
    if wide {
        row.extend([
            rounded(site.liters_per_hour.value()),
            site.traffic_weight.to_string(),
            site.answer.clone(),
            site.valid_until.0.format("%m-%d %H:%M UTC").to_string(),
        ]);
    }
    row
}
