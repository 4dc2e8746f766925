//! What hub and site ask of an API server. A real one (`kubernetes`) and a simulated one (`simulator`) implement the
//! same small [`Store`], so that both run the same code, faults included.

mod amend;
mod clock;
mod failure;
mod given_back;
mod held;
mod kind;
mod namespace;
mod object;
mod patch;
mod status;
mod store;
mod together;
mod typed;

pub use amend::amend;
pub use clock::Clock;
pub use failure::Failure;
pub use given_back::GivenBack;
pub use held::Held;
pub use kind::Kind;
pub use namespace::apply_in_namespace;
pub use object::Object;
pub use patch::{apply_merge, merge_diff};
pub use status::{StatusWrite, write_status};
pub use store::{Event, EventType, Store, StoreError};
pub use together::{at_most, together};
pub use typed::{Listed, Malformed, get, list, owned, to_object};
