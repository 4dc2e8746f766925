//! Carbon, price and weather as series that know their age and their source.
//!
//! [`load`] reads a file into a [`Series`], [`Spec::new`] says what the series is and how old it may be, and [`reading`] and
//! [`forecast`] answer what holds now and in each slot of a horizon.
//!
//! Architecture invariants: no Kubernetes, no async runtime, no clock: `now` comes in from outside. Nothing that is
//! stamped after `now` is read, unless the signal says that its future is published ([`Future::Known`]). What is
//! missing is missing: a blank never becomes zero, and a signal without a value or a fallback is an error that names it.

pub mod error;
pub mod file;
pub mod forecast;
pub mod quantity;
pub mod reading;
pub mod series;
pub mod source;
pub mod spec;

mod csv_file;
mod open_meteo;
mod rows;

pub use error::SignalError;
pub use file::{FileSpec, Format, load, parse};
pub use forecast::{HourProvenance, HourValue, forecast};
pub use quantity::Quantity;
pub use reading::{Provenance, Reading, State, reading};
pub use series::{Series, SeriesError};
pub use source::{Repeat, Shape, Source};
pub use spec::{Future, Spec};
