//! The hub: reads offers, deployments, jobs and policies; plans; audits; publishes one assignment per deployment,
//! site and variant. A cycle is four steps: dereference (reads), world (validates), publish (pure), and writes.

mod committed;
mod deployments;
pub mod dereference;
mod flawed;
pub mod hub;
pub mod jobs;
mod leaving;
mod let_go;
mod memory;
mod offers;
pub mod problem;
pub mod publish;
mod reasons;
mod refused;
mod say;
mod say_inputs;
pub mod schedule;
mod verdict;
pub mod world;
mod write;

pub use deployments::tokens_per_second;
pub use dereference::Seen;
pub use hub::{Cycle, Hub, Identity, Planning};
pub use let_go::let_everything_go;
pub use problem::Problem;
