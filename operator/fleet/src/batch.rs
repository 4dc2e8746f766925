//! Batch work that can wait: a job gets a site and hours.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{JobId, Money, Product, SiteId, Watts};

/// A job with a deadline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchJob {
    /// `namespace/name`.
    pub id: JobId,
    /// The policy's name in the world.
    pub policy: String,
    /// What it takes while it runs, by accelerator product that it accepts.
    pub shapes: BTreeMap<Product, JobShape>,
    /// Whole slots of work that remain.
    pub slots_left: u32,
    /// Who it belongs to, for caps and reserves.
    #[serde(default)]
    pub tenant: String,
    /// Not before.
    pub release: DateTime<Utc>,
    /// Not before, at sites where that is later: what it reads must get there first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub release_at: BTreeMap<SiteId, DateTime<Utc>>,
    /// Done by then.
    pub deadline: DateTime<Utc>,
    /// It may be suspended between slots and resumed at the same site.
    pub interruptible: bool,
    /// Jurisdictions it may run in; empty means anywhere.
    pub jurisdictions: BTreeSet<String>,
    /// Where it has started: it stays there.
    pub started_at: Option<SiteId>,
    /// Whether it runs now: going on costs no start.
    pub running: bool,
    /// What each start after a pause costs: saving, loading, work done twice.
    #[serde(default)]
    pub restart_cost: Money,
    /// What an hour between the horizon's start, or its release if that is later, and its last slot's end is worth to its owner.
    #[serde(default)]
    pub waiting_per_hour: Money,
    /// Sites that refused it, by offer revision.
    pub refusals: BTreeMap<SiteId, crate::Refusal>,
}

impl BatchJob {
    /// When it may start at a site at the earliest.
    pub fn release_at(&self, site: &SiteId) -> DateTime<Utc> {
        let there = self.release_at.get(site).copied();
        there.map_or(self.release, |there| there.max(self.release))
    }
}

/// What a job takes on one accelerator product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobShape {
    /// Pods at once.
    pub pods: u32,
    /// Accelerators of each pod, all on one node.
    pub accelerators_per_pod: u32,
    /// IT watts of each pod.
    pub watts_per_pod: Watts,
}

impl JobShape {
    /// IT watts of all pods together.
    pub fn watts(&self) -> Watts {
        self.watts_per_pod.times(self.pods)
    }

    /// Accelerators of all pods together.
    pub fn accelerators(&self) -> u32 {
        self.pods * self.accelerators_per_pod
    }
}
