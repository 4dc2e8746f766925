//! What is wrong with an object of a world, in which field, what to do about it, and what a planner does meanwhile.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{DeploymentId, JobId, Origin, SiteId, VariantName, Watts};

/// Something wrong with one object. It stops nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flaw {
    /// Of what.
    pub object: Object,
    /// Which of its fields, as the world's JSON spells it: `hours[3].pue`.
    pub field: String,
    /// What is wrong with it.
    pub wrong: Wrong,
    /// What becomes of the object.
    pub effect: Effect,
}

/// An object of a world.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Object {
    /// The world itself.
    World,
    /// A site.
    Site(SiteId),
    /// A policy.
    Policy(String),
    /// A deployment.
    Deployment(DeploymentId),
    /// A job.
    Job(JobId),
    /// A power limit that pools and sites share.
    Cap(String),
    /// A stock that sites share.
    Stock(String),
    /// A community.
    Community(String),
    /// The worth of fairness.
    Fairness,
    /// A tenant's cap.
    Tenant(String),
}

impl Object {
    /// What it is, as one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::World => "World",
            Self::Site(_) => "Site",
            Self::Policy(_) => "Policy",
            Self::Deployment(_) => "Deployment",
            Self::Job(_) => "Job",
            Self::Cap(_) => "Cap",
            Self::Stock(_) => "Stock",
            Self::Community(_) => "Community",
            Self::Fairness => "Fairness",
            Self::Tenant(_) => "Tenant",
        }
    }

    /// Its name; nothing where there is only one.
    pub fn name(&self) -> &str {
        match self {
            Self::World | Self::Fairness => "",
            Self::Site(id) => id.as_str(),
            Self::Deployment(id) => id.as_str(),
            Self::Job(id) => id.as_str(),
            Self::Policy(name)
            | Self::Cap(name)
            | Self::Stock(name)
            | Self::Community(name)
            | Self::Tenant(name) => name,
        }
    }
}

impl fmt::Display for Object {
    /// Prints as `Site hall`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self.name() {
            "" => Ok(()),
            name => write!(f, " {name}"),
        }
    }
}

/// What a planner does with an object that has a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// It is planned without: nothing is decided about it, and what runs of it keeps its room.
    LeftOut,
    /// It is planned with, as the flaw says.
    Noted,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all_fields = "camelCase")]
pub enum Wrong {
    /// NaN or an infinity.
    #[error("must be a finite number, got {got}")]
    NotFinite {
        /// The value as text.
        got: String,
    },
    /// Below the least that it can be.
    #[error("must be at least {least}, got {got}")]
    TooSmall {
        /// The value.
        got: f64,
        /// The least.
        least: f64,
    },
    /// Nothing, or less, of what something is divided by.
    #[error("must be above zero, got {got}")]
    NotPositive {
        /// The value.
        got: f64,
    },
    /// More than can be counted.
    #[error("is more than can be counted")]
    TooLarge,
    /// A limit of less than nothing.
    #[error("a limit cannot be below zero, got {got}; it counts as zero")]
    NegativeLimit {
        /// The value.
        got: i64,
    },
    /// A stock of which nobody knows what is left.
    #[error("must be a finite number, got {got}; the stock counts as used up")]
    UnknownStock {
        /// The value as text.
        got: String,
    },
    /// There is no such policy, or it has a flaw itself.
    #[error("there is no usable policy {name:?}")]
    UnknownPolicy {
        /// Its name.
        name: String,
    },
    /// Two of one name.
    #[error("{name} is there twice")]
    Twice {
        /// The name.
        name: VariantName,
    },
    /// Parts that are not a whole.
    #[error("add up to {sum}, not to 1")]
    SharesDoNotAddUp {
        /// Their sum.
        sum: f64,
    },
    /// Requests come from there, and how far they may go is not said.
    #[error("{origin} has a share and no limit on its latency")]
    NoLatencyLimit {
        /// From where.
        origin: Origin,
    },
    /// Nothing where there has to be something for it to run.
    #[error("there are none: nothing can run it")]
    Nothing,
    /// It runs, and nobody says where.
    #[error("it runs and has started nowhere; it counts as not running")]
    RunsNowhere,
    /// Two limits that cannot both be kept.
    #[error("{got} is above {limit}, {of}; the lower counts")]
    Above {
        /// The value.
        got: f64,
        /// The limit.
        limit: f64,
        /// What the limit is.
        of: String,
    },
    /// Fewer hours than the horizon has.
    #[error("{got} of {wanted} hours are there; the others have no power")]
    HoursMissing {
        /// How many there are.
        got: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// A power limit that what runs already is above.
    #[error("{limit} is below the {runs} that run already; they fall, and nothing grows")]
    BelowWhatRuns {
        /// The limit in the first hour.
        limit: Watts,
        /// What is committed under it.
        runs: Watts,
    },
    /// Too late already.
    #[error("{deadline} has passed; it is done as soon as can be, and late")]
    DeadlinePassed {
        /// When it should have been done.
        deadline: DateTime<Utc>,
    },
    /// It should be done before it may begin.
    #[error("{deadline} is before the release at {release}; it will be late")]
    DeadlineBeforeRelease {
        /// When it should be done.
        deadline: DateTime<Utc>,
        /// When it may begin.
        release: DateTime<Utc>,
    },
    /// Nowhere to run anything.
    #[error("there are no sites: nothing can be placed")]
    NoSites,
}

impl Wrong {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotFinite { .. } | Self::UnknownStock { .. } => {
                "look at the source of this number; where nothing is known, leave the object out"
            }
            Self::TooSmall { .. }
            | Self::NotPositive { .. }
            | Self::TooLarge
            | Self::NegativeLimit { .. } => "check its unit and its sign",
            Self::UnknownPolicy { .. } => "name one that there is, or mend that one",
            Self::Twice { .. } => "give every variant a name of its own",
            Self::SharesDoNotAddUp { .. } => "give each origin its part of the whole demand",
            Self::NoLatencyLimit { .. } => "give it one in origins, or leave out its share",
            Self::Nothing => "add one",
            Self::RunsNowhere => "say in startedAt where",
            Self::Above { .. } => "lower the one or raise the other",
            Self::HoursMissing { .. } => "give one value for each slot",
            Self::BelowWhatRuns { .. } => "raise the limit if that is not meant",
            Self::DeadlinePassed { .. } | Self::DeadlineBeforeRelease { .. } => {
                "set a later deadline, or delete the job"
            }
            Self::NoSites => "add one, or see why none can be used",
        }
    }
}

impl Flaw {
    /// The field, what is wrong with it and what to do, without the object.
    pub fn message(&self) -> String {
        format!("{}: {}; {}", self.field, self.wrong, self.wrong.remedy())
    }
}

impl fmt::Display for Flaw {
    /// Prints as `Site hall: hours[3].pue: must be at least 1, got 0.5; check its unit and its sign (left out)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::LeftOut => " (left out)",
            Effect::Noted => "",
        };
        write!(f, "{}: {}{effect}", self.object, self.message())
    }
}
