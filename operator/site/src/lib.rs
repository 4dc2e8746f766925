//! The site agent: offers what the site can host, admits or refuses what hubs ask, enforces the site's own limits and
//! keeps the ledger. A cycle is four steps: dereference (reads), model (validates), decide (pure), and writes.

pub mod admission;
pub mod agent;
mod answer;
pub mod breaches;
pub mod decide;
pub mod dereference;
mod enact;
pub mod evidence;
pub mod hours;
pub mod inventory;
pub mod keeper;
pub mod ladder;
pub mod limits;
pub mod model;
pub mod offer;
mod reports;
mod say;
pub mod windows;
pub mod workload;

pub use agent::{Agent, Cycle, HubLink, Snapshot, namespace_of};
pub use dereference::{Seen, dereference};
pub use hours::DataFolder;
pub use keeper::{Journal, Keeper};
pub use reports::report_of;
