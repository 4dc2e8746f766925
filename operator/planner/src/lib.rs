//! The planner: a world and the previous plan in, a plan out. `FORMULATION.md` says what is decided, as mathematics.
//!
//! Architecture invariant: pure and deterministic. No clock, no I/O, no randomness; ordered maps, ties by name; it
//! stops on iterations and never on time, and threads change no bit of a plan. It depends on `commonwatt-fleet` alone, and
//! `commonwatt-audit`, which checks its plans, shares no code with it.
//!
//! The method, prices and columns:
//!
//! 1. [`rows`] indexes what workloads share; [`prices`] finds what each row is worth in each slot, which gives the lower
//!    bound and, for each deployment, the few places worth looking at ([`demand`]).
//! 2. [`outlook`] values those places by the best path from them to the horizon's end, at the prices.
//! 3. Slot by slot, [`greedy`] serves deployments by priority, then by regret, each with the best small replica vector
//!    ([`candidates`]) that the rows of [`capacity`] leave, and [`improve`] relocates and ejects while it pays.
//! 4. [`routes`] looks at whole horizons: everybody is put in anew at the prices, those first who would lose most elsewhere
//!    and then those who came off badly, each by the best path through its [`columns`]; the better of this and of 3 is improved at its
//!    true cost, and room is made for those who pay most beyond what the prices say.
//! 5. [`batch`] puts jobs into what serving leaves, the urgent first, and exchanges them while that pays; [`timing`]
//!    finds the cheapest slots of each.
//! 6. [`warm`] carries the previous plan on where its prices still prove it good; [`stability`] holds on to the previous
//!    plan where a fresh one is not better by a threshold.

mod assemble;
mod baseline;
mod batch;
mod candidates;
mod capacity;
mod choice;
mod columns;
mod demand;
mod eligibility;
mod explain;
mod floors;
mod greedy;
mod improve;
mod instance;
mod objective;
mod outlook;
mod packing;
mod path;
mod prices;
mod relief;
mod restate;
mod routes;
mod rows;
mod schedule;
mod solve;
mod stability;
mod timing;
mod warm;
mod windows;

pub use baseline::{Rule, baseline};
pub use explain::Explainer;
pub use path::path;
pub use relief::would_change;

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
    solve::solve(world, previous)
}

fn empty(world: &World) -> Plan {
    Plan {
        slots: Some(world.slots),
        ..Plan::default()
    }
}
