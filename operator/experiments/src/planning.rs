//! The production planner, with an audit of every plan that an experiment acts on.

use std::sync::atomic::{AtomicUsize, Ordering};

use commonwatt_fleet::{Plan, World};

/// Plans, and counts what the audit says of them.
#[derive(Debug, Default)]
pub struct Planning {
    plans: AtomicUsize,
    faulty: AtomicUsize,
}

impl Planning {
    /// The plan of a world, audited.
    pub fn plan(&self, world: &World, previous: &Plan) -> Plan {
        let plan = commonwatt_planner::plan(world, previous);
        self.plans.fetch_add(1, Ordering::Relaxed);
        if !commonwatt_audit::audit(world, &plan).is_empty() {
            self.faulty.fetch_add(1, Ordering::Relaxed);
        }
        plan
    }

    /// What to tell of it.
    pub fn note(&self) -> String {
        format!(
            "The production planner made {} plans; the audit found something in {} of them.",
            self.plans.load(Ordering::Relaxed),
            self.faulty.load(Ordering::Relaxed)
        )
    }
}
