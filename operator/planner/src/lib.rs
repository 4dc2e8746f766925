//! The planner: a world and the previous plan in, a plan out.
//!
//! Architecture invariant: pure and deterministic. No clock, no I/O, no randomness; ordered maps, ties by name; it
//! stops on iterations and never on time. It depends on `commonwatt-fleet` alone, and `commonwatt-audit`, which checks
//! its plans, shares no code with it.
//!
//! The method, slot by slot from what the slot before ended with:
//!
//! 1. [`instance`] indexes the world; [`outlook`] values every place by the best path from it to the horizon's end,
//!    as if there were room everywhere.
//! 2. [`greedy`] serves deployments by priority, then by regret, each with the best small replica vector
//!    ([`candidates`]) that the rows of [`capacity`] leave.
//! 3. [`improve`] relocates and ejects while it pays, within fixed bounds.
//! 4. [`batch`] puts jobs into what serving leaves, the urgent first, and exchanges them while that pays; [`timing`]
//!    finds the cheapest slots of each.
//! 5. [`stability`] holds on to the previous plan where a fresh one is not better by a threshold.
//! 6. [`bound`] says what no plan can cost less than.
//!
//! Why each site was chosen or not, [`Explainer`] says of any plan when it is asked.

mod assemble;
mod baseline;
mod batch;
mod bound;
mod candidates;
mod capacity;
mod choice;
mod eligibility;
mod explain;
mod floors;
mod greedy;
mod improve;
mod instance;
mod objective;
mod outlook;
mod packing;
mod restate;
mod schedule;
mod stability;
mod timing;
mod windows;

pub use baseline::{Rule, baseline};
pub use explain::Explainer;

use commonwatt_fleet::{Plan, World, sound};

/// Plans a world. `previous` is the last plan made, or [`Plan::default`]: what it said of the present hour is kept unless
/// a fresh plan is better by half a percent or keeps a limit that the old one breaks.
///
/// What cannot be used of the world gets no decision and stops nothing else: see [`commonwatt_fleet::check`]. A horizon
/// without slots gives a plan that says nothing.
pub fn plan(world: &World, previous: &Plan) -> Plan {
    let (world, _) = sound(world);
    let world = world.as_ref();
    if world.slots.count == 0 {
        return empty(world);
    }
    let instance = instance::Instance::new(world);
    match stability::plan_steadily(&instance, previous) {
        Some((schedule, jobs)) => assemble::assemble(&instance, schedule, jobs),
        None => empty(world),
    }
}

fn empty(world: &World) -> Plan {
    Plan {
        slots: Some(world.slots),
        ..Plan::default()
    }
}
