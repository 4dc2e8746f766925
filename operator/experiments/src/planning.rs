//! The production planner, with an audit of every plan that an experiment acts on.

use std::sync::atomic::{AtomicUsize, Ordering};

use commonwatt_fleet::{Plan, World};

/// Plans, and counts what is to be said of the plans.
#[derive(Debug, Default)]
pub struct Planning {
    plans: AtomicUsize,
    faulty: AtomicUsize,
    undone: AtomicUsize,
}

impl Planning {
    /// The plan of a world, audited.
    pub fn plan(&self, world: &World, previous: &Plan) -> Plan {
        let plan = commonwatt_planner::plan(world, previous);
        let count =
            |counter: &AtomicUsize, is: bool| counter.fetch_add(usize::from(is), Ordering::Relaxed);
        count(&self.plans, true);
        count(
            &self.faulty,
            !commonwatt_audit::audit(world, &plan).is_empty(),
        );
        count(&self.undone, leaves_something(&plan));
        plan
    }

    /// What to tell of them.
    pub fn note(&self) -> String {
        let [plans, faulty, undone] = [&self.plans, &self.faulty, &self.undone]
            .map(|counter| counter.load(Ordering::Relaxed));
        format!(
            "The production planner made {plans} plans; the audit found something in {faulty} of them, and {undone} left demand without a \
             place or a job late."
        )
    }
}

/// Whether demand of the first slot has no place, or a job will not be done in time.
fn leaves_something(plan: &Plan) -> bool {
    let unmet = plan
        .deployments
        .values()
        .any(|decision| decision.unmet.is_some());
    unmet
        || plan
            .jobs
            .values()
            .any(|decision| decision.at_risk || decision.placed.is_none())
}
