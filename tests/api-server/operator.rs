//! The operator on real control planes: a hub, sites, and everything that may go wrong between them.

mod adoption;
mod asked;
mod audit;
mod autoscaled;
mod beside;
mod crashes;
pub mod fleet;
mod limits;
mod placing;
pub mod program;
mod reaching;
mod watched;
mod week;
