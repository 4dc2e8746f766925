//! What an audit finds.

use std::fmt;

use commonwatt_fleet::{DeploymentId, JobId, SiteId};
use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The rule that a plan or a path breaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

rules! {
    /// The plan is for the world's horizon, and every vector has one value per slot.
    Horizon,
    /// The plan speaks of everything in the world and of nothing else.
    Names,
    /// A workload runs only under the law it must stay under.
    Jurisdiction,
    /// A deployment runs only where every origin's latency is declared and within its limit.
    Latency,
    /// A workload runs only where its accelerator is.
    Product,
    /// A variant that refers to what runs at certain sites runs at those.
    OnlyAt,
    /// A refusal at the present offer revision caps what runs.
    Refusal,
    /// A site past its offer takes nothing new.
    OfferExpired,
    /// Watts, transitions at the larger of before and after, fit the site's limit and every shared cap.
    Power,
    /// Replicas fit on nodes, transitions at the larger of before and after.
    Nodes,
    /// No more elastic nodes are on than there are, and none before it can have started.
    Elastic,
    /// What a reserve keeps for some tenants is not held by others.
    Reserve,
    /// A tenant holds no more than its cap, or what it was committed already.
    Tenant,
    /// Litres over the horizon fit the site's allowance, or what incumbents use.
    Water,
    /// A stock that sites share lasts: the horizon uses its part, or what incumbents use.
    Stock,
    /// Floors are at most their ceilings and hold the deployment's floor where the ceilings can.
    Floors,
    /// Unmet demand and missing sites are as declared.
    Unmet,
    /// Chosen moves fit the policy's budget.
    MoveBudget,
    /// A job runs where it has started, on a product that it accepts.
    JobSite,
    /// A job runs within its window, in one run unless it may pause, and is done or declared at risk.
    JobWindow,
    /// Figures of the first slot are those of the placement.
    Figures,
    /// The objective's parts add up and are what the plan costs.
    Objective,
    /// The lower bound is not above the upper, which is the cost.
    Bound,
    /// A path's steps wait for earlier ones, begin at what is committed and end at the plan's first slot.
    Steps,
    /// Replicas are reserved, then ready, then requests shift, and only then others go, and never more than can be spared.
    Order,
}

/// One rule that a plan breaks, where, and the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// At which site, if at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// Of which deployment, if of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
    /// Of which job, if of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// In which slot, if in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<usize>,
    /// At which step of a path, if at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// What was found and what the limit is.
    pub detail: String,
}

impl Finding {
    pub(crate) fn new(rule: Rule, detail: impl Into<String>) -> Self {
        Self {
            rule,
            site: None,
            deployment: None,
            job: None,
            slot: None,
            step: None,
            detail: detail.into(),
        }
    }

    pub(crate) fn at(mut self, site: &SiteId) -> Self {
        self.site = Some(site.clone());
        self
    }

    pub(crate) fn of(mut self, deployment: &DeploymentId) -> Self {
        self.deployment = Some(deployment.clone());
        self
    }

    pub(crate) fn job(mut self, job: &JobId) -> Self {
        self.job = Some(job.clone());
        self
    }

    pub(crate) fn slot(mut self, slot: usize) -> Self {
        self.slot = Some(slot);
        self
    }
}

impl fmt::Display for Finding {
    /// Prints as `Power at hall-1 in slot 3: 12000 W charged, limit 10000 W`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.rule)?;
        if let Some(deployment) = &self.deployment {
            write!(f, " of {deployment}")?;
        }
        if let Some(job) = &self.job {
            write!(f, " of job {job}")?;
        }
        if let Some(site) = &self.site {
            write!(f, " at {site}")?;
        }
        if let Some(slot) = self.slot {
            write!(f, " in slot {slot}")?;
        }
        if let Some(step) = self.step {
            write!(f, " in step {step}")?;
        }
        write!(f, ": {}", self.detail)
    }
}
