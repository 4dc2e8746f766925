//! What the pages show, as plain data that the binary fills. Nothing here knows where it comes from.
//!
//! Unknown is not zero: what nobody knows is `None`, and the pages say so.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A fleet at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FleetView {
    /// When, as text, in the words of the clock that was used: `2026-03-04 17:00 UTC`.
    pub generated_at: String,
    /// Which clock: `real time`, `simulated, 60 times as fast`.
    pub clock: String,
    /// Ask the browser to load the fleet page again after so many seconds.
    pub refresh_seconds: Option<u32>,
    /// Where the fleet page is, for the way back.
    pub home_link: String,
    /// The one currency of all money here.
    pub currency: String,
    /// `Observe`, `Advise` or `Enforce`.
    pub mode: String,
    /// What the plan costs.
    pub objective: ObjectiveView,
    /// What the plan moves in this hour.
    pub moves: Vec<MoveView>,
    /// Limits that are passed now.
    pub breaches: Vec<BreachView>,
    /// Sites.
    pub sites: Vec<SiteView>,
    /// Models that are served.
    pub deployments: Vec<DeploymentView>,
    /// Batch jobs.
    pub jobs: Vec<JobView>,
    /// Prices, intensities, weather.
    pub signals: Vec<SignalView>,
    /// Grid events that are announced or under way.
    pub events: Vec<EventView>,
    /// Communities with a page of their own.
    pub communities: Vec<CommunityLink>,
}

/// What a plan costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectiveView {
    /// Money per hour; none without a plan.
    pub per_hour: Option<f64>,
    /// By what it is for.
    pub parts: Vec<CostPart>,
    /// No plan can cost less than this per hour.
    pub bound_per_hour: Option<f64>,
}

/// A part of a cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CostPart {
    /// `energy`, `accelerators`, `carbon`, `water`, `moves`, `unserved`.
    pub name: String,
    /// Money per hour.
    pub per_hour: f64,
}

/// A workload that changes place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MoveView {
    /// What moves.
    pub workload: String,
    /// From where; none for a new replica.
    pub from: Option<String>,
    /// To where; none for one that is paused or given up.
    pub to: Option<String>,
    /// How many replicas.
    pub replicas: u32,
    /// Why.
    pub why: String,
}

/// A limit that is passed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BreachView {
    /// Where.
    pub site: String,
    /// Which limit.
    pub which: String,
    /// What it is, with its unit.
    pub limit: String,
    /// What was measured, with its unit.
    pub value: String,
    /// Since when.
    pub since: String,
    /// Why.
    pub why: String,
}

/// One site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SiteView {
    /// Its name.
    pub name: String,
    /// Where its page is; none for no link.
    pub link: Option<String>,
    /// Where it is, in words.
    pub place: String,
    /// Whose law.
    pub jurisdiction: String,
    /// The zone of its grid.
    pub grid_zone: String,
    /// `Observe`, `Advise` or `Enforce`.
    pub mode: String,
    /// Whether all is well.
    pub ready: bool,
    /// If not, why; one word.
    pub reason: String,
    /// Power drawn, W.
    pub draw_watts: Option<f64>,
    /// Power charged against the limit, W.
    pub charged_watts: Option<f64>,
    /// The limit in force, W.
    pub limit_watts: Option<f64>,
    /// Who set it.
    pub limit_set_by: String,
    /// What may still be placed, W.
    pub headroom_watts: Option<f64>,
    /// Accelerators by product.
    pub gpus: Vec<GpuView>,
    /// The last hours, oldest first; at most 48 are drawn.
    pub history: Vec<HistoryHour>,
    /// Water, if it has a budget.
    pub water: Option<WaterView>,
    /// Price of energy now, money per kWh.
    pub price_per_kwh: Option<f64>,
    /// Average carbon intensity now, gCO2e/kWh.
    pub grams_per_kwh: Option<f64>,
    /// Facility energy over IT energy.
    pub pue: Option<f64>,
    /// Litres per kWh of IT energy.
    pub wue: Option<f64>,
}

/// Accelerators of one product.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GpuView {
    /// The product.
    pub product: String,
    /// How many there are.
    pub total: u32,
    /// How many are in use.
    pub used: u32,
}

/// One hour that has passed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryHour {
    /// When it began.
    pub hour: DateTime<Utc>,
    /// Mean power drawn, W.
    pub draw_watts: Option<f64>,
    /// The limit in force, W.
    pub limit_watts: Option<f64>,
    /// Money per kWh.
    pub price: Option<f64>,
    /// Average carbon intensity, gCO2e/kWh.
    pub grams_per_kwh: Option<f64>,
}

/// Water against its budget.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WaterView {
    /// Over which time: `this month`.
    pub period: String,
    /// Used so far, L.
    pub used_liters: Option<f64>,
    /// What may be used, the stage counted, L.
    pub cap_liters: Option<f64>,
    /// The stage that the authority declared, with its name.
    pub stage: Option<String>,
}

/// A model that is served.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentView {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Observe`, `Advise` or `Enforce`.
    pub mode: String,
    /// Demand, tokens per second.
    pub demand_tokens_per_second: Option<f64>,
    /// Replicas that answer.
    pub ready_replicas: u32,
    /// Replicas wanted.
    pub desired_replicas: u32,
    /// Money per hour.
    pub cost_per_hour: Option<f64>,
    /// gCO2e per 1000 tokens.
    pub grams_per_1000_tokens: Option<f64>,
    /// Where it runs.
    pub sites: Vec<PlacementView>,
    /// Where it does not, and why.
    pub rejected: Vec<RejectedView>,
    /// Demand that nothing serves, in words; none when all is served.
    pub unmet: Option<String>,
    /// Where the watts and tokens of its variants were measured, and under which licence.
    pub measured_by: Vec<String>,
}

/// Replicas of a variant at a site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PlacementView {
    /// Where.
    pub site: String,
    /// Which way to serve it.
    pub variant: String,
    /// How many replicas.
    pub replicas: u32,
    /// How many of them answer.
    pub ready: u32,
    /// IT power charged, W.
    pub watts: Option<f64>,
    /// Why here, in one word.
    pub reason: String,
    /// Why here, with numbers.
    pub detail: String,
}

/// A site that was not chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RejectedView {
    /// Where.
    pub site: String,
    /// Why not, in one word.
    pub reason: String,
    /// Why not, with numbers.
    pub detail: String,
}

/// A batch job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobView {
    /// `namespace/name`.
    pub name: String,
    /// Where it runs; none while it has no place.
    pub site: Option<String>,
    /// Hour by hour from now: whether it runs.
    pub hours: Vec<bool>,
    /// By when it must be done, as text.
    pub deadline: String,
    /// Hours from now to the deadline, to mark it in the strip.
    pub deadline_in_hours: Option<u32>,
    /// It may be late.
    pub at_risk: bool,
}

/// How much a signal can be relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignalState {
    /// Younger than it may be.
    Fresh,
    /// Older than it may be.
    #[default]
    Stale,
    /// Too old; the declared value stands in.
    Fallback,
}

/// A series from outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignalView {
    /// The name of the `GridSignal`.
    pub name: String,
    /// The zone it speaks of.
    pub zone: String,
    /// What it says: `average carbon`, `price`.
    pub quantity: String,
    /// What it says now.
    pub value: Option<f64>,
    /// The unit.
    pub unit: String,
    /// How old it is, seconds.
    pub age_seconds: Option<u64>,
    /// How old it may be, seconds.
    pub max_age_seconds: u64,
    /// Whether it is relied on.
    pub state: SignalState,
    /// Where it comes from.
    pub provenance: String,
}

/// A grid event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventView {
    /// Its name.
    pub name: String,
    /// Where.
    pub site: String,
    /// `drill`, `program` or `emergency`.
    pub purpose: String,
    /// When it begins, as text.
    pub start: String,
    /// The power to come down to, W.
    pub target_watts: Option<f64>,
    /// What is drawn, W.
    pub measured_watts: Option<f64>,
    /// How far it is: `acknowledged`, `held`.
    pub state: String,
}

/// A community's own page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CommunityLink {
    /// Its name as people write it.
    pub name: String,
    /// Where the page is.
    pub link: String,
}
