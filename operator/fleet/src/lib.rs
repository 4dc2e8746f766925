//! The domain of Commonwatt: what a fleet of sites is, what is asked of it, and what a plan for it says.
//!
//! Architecture invariant: nothing here knows Kubernetes, an async runtime or a clock. Every collection that is
//! iterated is ordered, so that the same world gives the same plan, byte for byte.

pub mod account;
pub mod batch;
mod check;
pub mod deployment;
pub mod explanation;
pub mod flaw;
pub mod ids;
pub mod path;
pub mod physics;
pub mod plan;
pub mod policy;
pub mod profile;
pub mod reason;
pub mod relief;
pub mod shared;
pub mod site;
pub mod slots;
pub mod sound;
pub mod units;
pub mod world;

pub use account::{Account, Breach, Figures};
pub use batch::{BatchJob, JobShape};
pub use check::check;
pub use deployment::{Committed, Deployment, Refusal, Variant};
pub use explanation::{Explanation, JobExplanation, RunnerUp};
pub use flaw::{Effect, Flaw, Object, Wrong};
pub use ids::{DeploymentId, JobId, Origin, Product, SiteId, VariantName};
pub use path::{Act, Held, Obstacle, Path, Step};
pub use physics::CostParts;
pub use plan::{Bound, Decision, JobDecision, JobPlan, Objective, Plan, SitePlacement, Unmet};
pub use policy::Policy;
pub use profile::{Boundary, OperatingPoint, Profile, ProfileError, ProfileNote};
pub use reason::{Choice, Rejection};
pub use relief::{Answer, Relief};
pub use shared::{Allowance, Community, Fairness, Metric, PowerCap, Shared, Stock, TenantCap};
pub use site::{DemandCharge, Elastic, Obligation, Pool, Reserve, Site, SiteHour, WaterStock};
pub use slots::Slots;
pub use sound::{Load, keep_room, sound};
pub use units::{
    GramsCo2e, GramsPerKwh, KilowattHours, Liters, LitersPerKwh, Money, TokensPerSecond, UnitError,
    Watts,
};
pub use world::World;
