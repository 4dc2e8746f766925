//! Why a plan has a workload where it has it, and not elsewhere: worked out from a world and its plan when asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Choice, CostParts, Rejection, SiteId, VariantName};

/// Why a deployment runs where it does. Every site of the world is either among `chosen` or among `rejected`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Sites that run it in some slot of the plan, and why.
    pub chosen: BTreeMap<SiteId, Choice>,
    /// What would have been taken next, if anything has room.
    pub runner_up: Option<RunnerUp>,
    /// Sites that do not run it, and why.
    pub rejected: BTreeMap<SiteId, Rejection>,
    /// Why sites that run it take no more: the cheapest of them if it runs at dearer ones too, all of them where demand is unmet.
    pub full: BTreeMap<SiteId, Rejection>,
    /// Sites at which it would run were it not for a limit: that is what binds.
    pub binding: BTreeMap<SiteId, Rejection>,
}

/// The best place that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerUp {
    /// Where.
    pub site: SiteId,
    /// In which way.
    pub variant: VariantName,
    /// Replicas that would serve it there.
    pub replicas: u32,
    /// What that costs more per hour, by part.
    pub more_per_hour: CostParts,
}

/// Why a job has the site and hours that it has. Every site of the world but the one it is placed at is among `rejected`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobExplanation {
    /// Sites that do not do it, and why.
    pub rejected: BTreeMap<SiteId, Rejection>,
}
