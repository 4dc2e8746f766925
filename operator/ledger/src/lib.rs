//! The ledger: what a site writes down each hour, and what anyone can compute from it.
//!
//! Architecture invariant: pure. No Kubernetes, no async runtime, no clock, no files: bytes in and bytes out, so that
//! a town can compute a report again from the log alone and get the same bytes.
//!
//! Unknown is not zero: an hour without a record counts at the most that the connection can carry, is flagged and is
//! listed; a figure without any record is "not measured".

mod carbon;
mod encoding;
mod figure;
mod figures;
mod grid_events;
mod history;
mod hours;
mod meter;
mod moved;
mod outcome;
mod period;
mod reading;
mod record;
mod report;
mod request;
mod water;

pub use encoding::{EncodeError, MAX_LINE_BYTES, Problem, Reading, decode, encode};
pub use figure::Figure;
pub use grid_events::EventSummary;
pub use history::{AppendRefusal, History, accept, missing_hours};
pub use meter::{Limit, MeterHour, MeterId, Quality, Quantity, Source, WaterCategory};
pub use moved::{DecisionCount, MovedLoad};
pub use outcome::{CommitmentOutcome, Missed, MissedKind, Outcome};
pub use period::{Period, Span};
pub use record::{
    Body, Breach, Decision, DecisionKind, DeclaredTerm, EventPurpose, EventStage, GridEventRecord,
    Record, RecordError, RecordSchema, Stage, Workload,
};
pub use report::{LedgerRead, MissingMeter, Report, ReportSchema, SiteReport, StageSeen, report};
pub use request::{Commitment, CommitmentMode, Request, SiteTerms, TownTotals, WaterCap};
