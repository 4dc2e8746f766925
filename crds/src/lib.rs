//! The kinds of `commonwatt.dev/v1alpha1`: types, their schemas and the words that statuses are made of.
//!
//! Rules of this API: no floats, no phases; watts and litres as bounded quantities, money and ratios as bounded decimal
//! strings, integers with their unit in the name; every list and string has a bound; cross-field rules are CEL with a
//! `fieldPath`; conditions are a list-map.

#![expect(
    clippy::duplicated_attributes,
    reason = "columns of the same type look alike to this lint"
)]

pub mod conditions;
pub mod crdgen;
pub mod v1alpha1;
pub mod values;

pub use conditions::{Condition, find_condition, set_condition};
pub use v1alpha1::*;
pub use values::{Decimal, Liters, Timestamp, ValueError, Watts};

/// The API group.
pub const GROUP: &str = "commonwatt.dev";
/// The one version so far.
pub const VERSION: &str = "v1alpha1";
/// Field manager of everything that the operator applies.
pub const FIELD_MANAGER: &str = "commonwatt";
/// Finalizer on assignments and deployments.
pub const FINALIZER: &str = "commonwatt.dev/release";
/// `spec.managedBy` of Jobs that the hub gives a site and hours.
pub const JOB_MANAGER: &str = "commonwatt.dev/hub";

/// Annotations and labels that are read or written.
pub mod annotations {
    /// On a hub's Job: RFC 3339 time by which it must be done.
    pub const DEADLINE: &str = "commonwatt.dev/deadline";
    /// On a hub's Job: whole hours of work it needs.
    pub const HOURS: &str = "commonwatt.dev/hours";
    /// On a Job: `true` when it may be suspended and resumed. On a Job already at a site: it may be shed.
    pub const FLEXIBLE: &str = "commonwatt.dev/flexible";
    /// On a hub's Job: IT watts of one pod; without it the accelerators' rated watts count.
    pub const WATTS: &str = "commonwatt.dev/watts";
    /// On a hub's Job: the `PlacementPolicy`.
    pub const POLICY: &str = "commonwatt.dev/policy";
    /// On a hub's Job: jurisdictions it may run in, comma-separated.
    pub const JURISDICTIONS: &str = "commonwatt.dev/jurisdictions";
    /// On everything the agent creates: the assignment it belongs to, `namespace/name`.
    pub const ASSIGNMENT: &str = "commonwatt.dev/assignment";
    /// Label on a Secret that holds a site's kubeconfig: the hub runs an agent for it in its own process.
    pub const SITE_KUBECONFIG: &str = "commonwatt.dev/site-kubeconfig";
    /// On a `GridSignal`: a file of real data that `--data DIR` puts in the place of its declared source, as
    /// `path;time column;value column`, or `path` for Open-Meteo JSON.
    pub const REPLAY: &str = "commonwatt.dev/replay";
}
