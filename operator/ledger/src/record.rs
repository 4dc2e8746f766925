//! One entry of the log: the schema `commonwatt.dev/record/v1`.
//!
//! A record has no `null`: what is not known is absent. New fields may be added to this version; none is renamed,
//! removed or given another meaning.

use chrono::{DateTime, Utc};
use commonwatt_fleet::{SiteId, Watts};
use serde::{Deserialize, Serialize};

use crate::meter::{Limit, MeterHour, MeterId, Quantity};

/// The schema of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordSchema {
    /// The one there is.
    #[default]
    #[serde(rename = "commonwatt.dev/record/v1")]
    V1,
}

/// One line of the log of one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Says how to read it.
    pub schema: RecordSchema,
    /// Its place in the log of its site: 0, 1, 2, with no gaps.
    pub sequence: u64,
    /// When it was written, which may be later than what it tells of.
    pub recorded_at: DateTime<Utc>,
    /// Whose log it is.
    pub site: SiteId,
    /// What it tells.
    #[serde(flatten)]
    pub body: Body,
}

/// What a record tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "camelCase")]
pub enum Body {
    /// One meter in one hour.
    Meter(MeterHour),
    /// A decision that a limit or a price caused.
    Decision(Decision),
    /// A stage of a grid event.
    Event(GridEventRecord),
    /// A limit that was passed.
    Breach(Breach),
    /// A water stage or a commitment that was declared.
    Stage(Stage),
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DecisionKind {
    /// A workload came here.
    Placed,
    /// A workload came from or went to another site.
    Moved,
    /// A workload was not let in.
    Refused,
    /// A workload was paused.
    Suspended,
    /// It may no longer grow as far.
    CeilingLowered,
    /// It may grow further.
    CeilingRaised,
    /// It was given up.
    Released,
    /// A paused workload runs again.
    Resumed,
}

/// Which workload. Whose it is may be a secret; that something was decided is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Workload {
    /// `namespace/name`.
    Open(String),
    /// A salted hash that an auditor can open.
    Sealed(String),
}

/// A decision that a limit or a price caused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// What was decided.
    pub what: DecisionKind,
    /// About what.
    pub workload: Workload,
    /// Replicas here before.
    pub replicas_before: u32,
    /// Replicas here after.
    pub replicas_after: u32,
    /// IT watts charged here before.
    pub watts_before: Watts,
    /// IT watts charged here after.
    pub watts_after: Watts,
    /// Why, in one word.
    pub reason: String,
    /// Why, with the numbers that a person needs to check it.
    pub detail: String,
    /// The limit that caused it, watts; none where a price did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// The site that took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<SiteId>,
}

/// What a grid event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventPurpose {
    /// A test of our own.
    Drill,
    /// A call under a programme.
    Program,
    /// The grid is in trouble.
    Emergency,
}

/// One stage of a grid event, as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GridEventRecord {
    /// The name of the `GridEvent`.
    pub event: String,
    /// What it is for.
    pub purpose: EventPurpose,
    /// The power to come down to, at the feed.
    pub target: Watts,
    /// When the stage was reached.
    pub at: DateTime<Utc>,
    /// Which stage, with what was measured.
    pub stage: EventStage,
}

/// The stages of a grid event, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "name",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum EventStage {
    /// Heard of, and written down before anything was done.
    Received {
        /// When it is to begin.
        start: DateTime<Utc>,
        /// How long it lasts, seconds.
        duration_seconds: u32,
    },
    /// What would have been drawn without it.
    Baseline {
        /// By the method.
        watts: Watts,
        /// The declared method and its version.
        method: String,
    },
    /// Answered.
    Acknowledged {
        /// What can be shed, watts.
        on_offer: Watts,
        /// Seconds from receipt to answer.
        after_seconds: u32,
    },
    /// The first minute of five at the target.
    RampReached {
        /// Seconds from the start of the event.
        after_seconds: u32,
    },
    /// Held, measured at the settlement interval.
    Held {
        /// The highest interval mean.
        worst: Watts,
        /// The mean of all.
        mean: Watts,
        /// For how long, seconds.
        for_seconds: u32,
    },
    /// Over, or a confirmed cancel.
    Released,
    /// What was drawn above the baseline afterwards.
    ReboundMeasured {
        /// Highest draw after, less the baseline; may be below zero.
        watts: Watts,
    },
}

/// A limit that was passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// Which limit, by its object.
    pub which: String,
    /// Who set it.
    pub set_by: String,
    /// What it was.
    pub limit: f64,
    /// The worst that was measured.
    pub value: f64,
    /// The unit of both.
    pub unit: String,
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Why.
    pub why: String,
}

/// What a declaration is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeclaredTerm {
    /// The water budget of the site.
    Water,
    /// A commitment, by its name.
    Commitment(String),
}

/// A stage that an authority declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// What it is about.
    pub term: DeclaredTerm,
    /// Who declared it.
    pub authority: String,
    /// The stage by the authority's own name for it.
    pub stage: String,
    /// What it leaves of the cap, 0 to 1.
    pub fraction: f64,
    /// Since when it binds.
    pub from: DateTime<Utc>,
    /// Where it can be read.
    pub evidence: String,
}

/// A record that says what cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Coverage outside 0 to 100.
    #[error("coveragePercent must be 0 to 100, got {got}")]
    Coverage {
        /// What it was.
        got: f64,
    },
    /// A meter hour that does not begin on the hour.
    #[error("a meter's hour begins on the hour, got {got}")]
    NotOnTheHour {
        /// What it was.
        got: DateTime<Utc>,
    },
    /// More seconds than an hour has.
    #[error("an hour has 3600 seconds, got {got}")]
    TooManySeconds {
        /// What it was.
        got: u32,
    },
    /// Not the unit of the quantity.
    #[error("{quantity} is in {}, got {got}", quantity.unit())]
    Unit {
        /// Of what.
        quantity: Quantity,
        /// What it was.
        got: String,
    },
    /// Missing, and yet a value.
    #[error("quality MISSING has no value, got {value}")]
    MissingWithValue {
        /// What it was.
        value: f64,
    },
    /// A value is needed.
    #[error("{meter}: quality OK or ESTIMATED needs a value")]
    NoValue {
        /// Of which meter.
        meter: MeterId,
    },
    /// Less than nothing.
    #[error("{meter} cannot be negative, got {value}")]
    Negative {
        /// Of which meter.
        meter: MeterId,
        /// What it was.
        value: f64,
    },
    /// A stage that leaves less than nothing or more than all.
    #[error("a stage leaves 0 to 1 of the cap, got {got}")]
    Fraction {
        /// What it was.
        got: f64,
    },
}

impl Record {
    /// A record of the present schema.
    pub fn new(sequence: u64, recorded_at: DateTime<Utc>, site: SiteId, body: Body) -> Self {
        Self {
            schema: RecordSchema::V1,
            sequence,
            recorded_at,
            site,
            body,
        }
    }

    /// Whether what it says can be.
    ///
    /// # Errors
    /// [`RecordError`] for the first thing that cannot.
    pub fn check(&self) -> Result<(), RecordError> {
        match &self.body {
            Body::Meter(hour) => hour.check(),
            Body::Stage(stage) if !(0.0..=1.0).contains(&stage.fraction) => {
                Err(RecordError::Fraction {
                    got: stage.fraction,
                })
            }
            _ => Ok(()),
        }
    }
}
