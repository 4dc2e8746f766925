//! Checks any plan against the world it was made for, by arithmetic of its own.
//!
//! Architecture invariant: this crate must not depend on the planner nor share code with it beyond the domain's types.
//! A bug in the planner's rows is found because these rows were written a second time, from the rules and not from the
//! planner.

mod charges;
mod elastic;
mod finding;
mod flow;
mod jobs;
mod money;
mod moves;
mod nodes;
mod origins;
mod packing;
mod path;
mod places;
mod power;
mod reading;
mod serving;
mod shape;
mod stocks;
mod tenants;

pub use finding::{Finding, Rule};
pub use path::audit_path;

use commonwatt_fleet::{Plan, World, sound};
use reading::Reading;

/// Everything that is wrong with a plan; empty when nothing is. What cannot be used of the world
/// ([`commonwatt_fleet::check`]) has no decision. A horizon without slots has nothing to check.
pub fn audit(world: &World, plan: &Plan) -> Vec<Finding> {
    let (world, _) = sound(world);
    let world = world.as_ref();
    if world.slots.count == 0 {
        return Vec::new();
    }
    let mut findings = shape::check(world, plan);
    if !findings.is_empty() {
        // What cannot be read cannot be added up.
        return findings;
    }
    let reading = Reading::new(world, plan);
    findings.extend(serving::check(&reading));
    findings.extend(places::check(&reading));
    findings.extend(power::check(&reading));
    findings.extend(nodes::check(&reading));
    findings.extend(elastic::check(&reading));
    findings.extend(tenants::check(&reading));
    findings.extend(stocks::check(&reading));
    findings.extend(moves::check(&reading));
    findings.extend(jobs::check(&reading));
    findings.extend(money::check(&reading));
    findings
}
