//! Pages that read well without scripts: the fleet for those who run it, and the community's page for those who host it.
//!
//! Architecture invariant: data in, text out. No routes, no clock, no requests; nothing is loaded from elsewhere, so a
//! page can be saved, printed or sent and stays what it was.

mod chart;
mod community;
mod community_words;
mod fleet;
mod models;
mod number;
mod page;
mod site;
mod tables;
pub mod view;

pub use community::community_page;
pub use fleet::fleet_page;
pub use site::site_page;
pub use view::FleetView;
