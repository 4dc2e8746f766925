//! What makes each family what its name says, beyond its proportions.

mod states;
mod supply_side;

pub(crate) use states::{end_offers, hold_events};
pub(crate) use supply_side::{elastic, fragment, overlap, thirst};
