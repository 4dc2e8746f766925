//! Clusters that do not exist: an API server in memory, and what the controllers around a real one would do.

mod clock;
mod cluster;
mod server;

pub use clock::StepClock;
pub use cluster::{Cluster, HOURS, STARTUP};
pub use server::MemoryServer;
