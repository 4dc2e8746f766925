//! The site agent: offers what the site can host, admits or refuses what hubs ask, enforces the site's own limits and
//! keeps the ledger. A cycle is four steps: dereference (reads), model (validates), decide (pure), and writes.

pub mod admission;
pub mod agent;
mod answer;
mod autoscaler;
mod bookkeeping;
pub mod breaches;
mod candidate;
pub mod decide;
pub mod dereference;
pub mod draw;
mod enact;
pub mod epochs;
pub mod evidence;
mod give_back;
mod hands;
pub mod hours;
pub mod inventory;
pub mod keeper;
pub mod ladder;
pub mod limits;
pub mod local_jobs;
pub mod model;
pub mod offer;
mod proposals;
mod release;
mod reports;
mod running;
mod say;
mod say_limits;
mod schedule;
pub mod situation;
pub mod snapshot;
mod stage;
mod steer;
pub mod windows;
pub mod workload;

pub use agent::{Agent, Cycle, HubLink, namespace_of};
pub use dereference::{Seen, dereference, kind_of};
pub use give_back::give_everything_back;
pub use hours::DataFolder;
pub use keeper::{Journal, Keeper};
pub use reports::report_of;
pub use snapshot::Snapshot;
