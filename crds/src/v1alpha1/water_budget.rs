use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Decimal, Liters, Timestamp};

/// A volume of water per period, with stages that an authority may declare.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "commonwatt.dev",
    version = "v1alpha1",
    kind = "WaterBudget",
    plural = "waterbudgets",
    shortname = "cwwb",
    category = "commonwatt",
    status = "WaterBudgetStatus",
    derive = "PartialEq",
    doc = "A volume of water per period, with stages that an authority may declare.",
    printcolumn(name = "Site", type_ = "string", json_path = ".spec.site"),
    printcolumn(name = "Period", type_ = "string", json_path = ".spec.period"),
    printcolumn(name = "Cap", type_ = "string", json_path = ".status.cap"),
    printcolumn(name = "Used", type_ = "string", json_path = ".status.used"),
    printcolumn(name = "Projected", type_ = "string", json_path = ".status.projected"),
    printcolumn(name = "Stage", type_ = "string", json_path = ".status.stage"),
    printcolumn(
        name = "Coverage",
        type_ = "string",
        json_path = ".status.coveragePercent"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='WithinLimit')].reason"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.declared) || self.stages.exists(s, s.name == self.declared.stage)")
        .message("declared.stage is none of the stages; declare one of them or add it").field_path(".declared")
)]
pub struct WaterBudgetSpec {
    /// The site it binds.
    #[schemars(length(min = 1, max = 253))]
    pub site: String,
    /// Which water is counted.
    pub basis: WaterBasis,
    /// The period, in the site's time zone.
    pub period: WaterPeriod,
    /// Volume per period when no stage is declared.
    pub cap: Liters,
    /// Stages and what each leaves of the cap.
    #[serde(default)]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub stages: Vec<WaterStage>,
    /// The stage that the authority has declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<DeclaredStage>,
    /// What the register already showed in the period that the ledger began in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<OpeningVolume>,
}

/// Which water is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WaterBasis {
    /// Potable water taken in.
    Potable,
    /// Reclaimed water taken in.
    Reclaimed,
    /// All water taken in.
    Withdrawal,
}

/// A calendar period in the site's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the periods say what they are")]
pub enum WaterPeriod {
    Day,
    Month,
    Year,
}

/// A stage and what it leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaterStage {
    /// Its name in the ordinance.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Percent of the cap that remains.
    #[schemars(range(min = 0, max = 100))]
    pub remaining_percent: i64,
}

/// A stage, who declared it, and where that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredStage {
    /// One of the stages.
    #[schemars(length(min = 1, max = 63))]
    pub stage: String,
    /// Who declared it.
    #[schemars(length(min = 1, max = 128))]
    pub authority: String,
    /// Where it is published.
    #[schemars(length(max = 512))]
    pub evidence: String,
    /// From when on it counts.
    pub since: Timestamp,
}

/// A volume already used before the ledger began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpeningVolume {
    /// When it was read.
    pub at: Timestamp,
    /// Used in that period until then.
    pub used: Liters,
}

/// How the budget stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaterBudgetStatus {
    /// Generation that this status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `WithinLimit` says whether the projection stays under the cap.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The cap at the declared stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Liters>,
    /// Used in this period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Liters>,
    /// Used by the end of the period, if it goes on as charged now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projected: Option<Liters>,
    /// The stage in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub stage: Option<String>,
    /// Percent of the period's hours so far that have a record. Hours without one count at the connection's maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_percent: Option<Decimal>,
}
