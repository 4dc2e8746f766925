//! What a plan's first slot changes, as steps with an order: how to get there without passing a limit.

use serde::{Deserialize, Serialize};

use crate::{DeploymentId, JobId, Product, SiteId, VariantName, Watts};

/// Steps from what is committed to what a plan's first slot says. A step may be taken once all steps in its `after` have
/// been; steps that do not wait for each other may be taken in any order, and no order passes a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The steps; each waits only for earlier ones.
    pub steps: Vec<Step>,
    /// What the plan's first slot asks for and no steps reach without passing a limit or serving less on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
}

/// A change that is not made, and what is in its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// What would be done.
    pub act: Act,
    /// Why it is not.
    pub by: Obstacle,
}

/// What is in the way of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all_fields = "camelCase")]
pub enum Obstacle {
    /// A power limit that others hold until they move, and they wait too.
    Power {
        /// IT watts that the step takes.
        need: Watts,
        /// What is left under the limit; below zero where it is passed already.
        left: Watts,
        /// Which limit: `powerbudget/feeder-a`.
        set_by: String,
    },
    /// Nodes that others hold until they move, and they wait too.
    Nodes {
        /// Of which product.
        product: Product,
        /// Accelerators of each replica, all on one node.
        need: u32,
    },
    /// What would serve in its stead is held itself.
    Serving,
}

impl Obstacle {
    /// The reason as one word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Power { .. } => "Power",
            Self::Nodes { .. } => "Nodes",
            Self::Serving => "Serving",
        }
    }

    /// The reason in words, with its numbers.
    pub fn detail(&self) -> String {
        match self {
            Self::Power { need, left, set_by } => {
                format!(
                    "needs {need}, {left} left under {set_by} until others move, and they wait too"
                )
            }
            Self::Nodes { product, need } => {
                format!(
                    "needs {need} {product} on one node, held until others move, and they wait too"
                )
            }
            Self::Serving => "what would serve in its stead cannot come".into(),
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What is done.
    pub act: Act,
    /// Indices of the steps it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<usize>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Act {
    /// A job pauses: its charge is given back.
    Suspend {
        /// Which.
        job: JobId,
        /// Where.
        site: SiteId,
    },
    /// A job starts or goes on: its charge is taken.
    Run {
        /// Which.
        job: JobId,
        /// Where.
        site: SiteId,
        /// On what.
        product: Product,
    },
    /// A place is raised: the charge of its new replicas is taken, and they start.
    Reserve {
        /// Of which deployment.
        deployment: DeploymentId,
        /// Where.
        site: SiteId,
        /// Which way.
        variant: VariantName,
        /// Replicas before.
        from: u32,
        /// Replicas after.
        to: u32,
    },
    /// The new replicas of a place are seen ready.
    Ready {
        /// Of which deployment.
        deployment: DeploymentId,
        /// Where.
        site: SiteId,
        /// Which way.
        variant: VariantName,
    },
    /// Requests go to what is ready and leave what will go.
    Shift {
        /// Of which deployment.
        deployment: DeploymentId,
    },
    /// A place is lowered: the charge of the replicas that went is given back.
    Release {
        /// Of which deployment.
        deployment: DeploymentId,
        /// Where.
        site: SiteId,
        /// Which way.
        variant: VariantName,
        /// Replicas before.
        from: u32,
        /// Replicas after.
        to: u32,
    },
}
