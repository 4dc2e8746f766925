//! Manifests of a directory, read and judged as an API server would, without one: what `kubectl apply` refuses is refused
//! here with the same field and rule, and with a remedy. Everything that is wrong is said at once, and what is right is kept.
//!
//! In the order of the API server: the document is YAML and an object ([`read_manifests`]), its kind is known, no field is
//! unknown, defaults are filled in, then types and bounds, lists, and last the rules.

mod builtin;
pub mod change;
mod definitions;
mod lists;
mod metadata;
mod path;
mod read;
mod refusal;
mod rules;
mod schema;
mod unknown;
mod yaml;

pub use change::{ChangeError, Changing, FieldError, Fields, Set, remedy};
pub use definitions::Definitions;
pub use read::{Manifests, read_manifests, read_text};
pub use refusal::{Finding, Place, Refusal};
