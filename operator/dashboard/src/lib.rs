//! Pages that read well without scripts: the fleet for those who run it, and the community's page for those who host it.
//!
//! Architecture invariant: data in, text out. No routes, no clock, no requests; nothing is loaded from elsewhere, so a
//! page can be saved, printed or sent and stays what it was.

mod axis;
mod chart;
mod community;
mod community_words;
mod experiment;
mod fleet;
mod models;
mod number;
mod page;
mod plot;
mod site;
mod tables;
pub mod view;

pub use axis::{Axis, Scale};
pub use community::community_page;
pub use experiment::{ExperimentView, Grid, GridRow, experiment_page};
pub use fleet::fleet_page;
pub use number::grouped;
pub use plot::{Mark, Plot, Series};
pub use site::site_page;
pub use view::FleetView;
