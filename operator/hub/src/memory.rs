//! What a hub's leader remembers from cycle to cycle.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_fleet::{DeploymentId, Plan, World};

use crate::dereference::Seen;
use crate::publish::Moving;
use crate::refused::Refused;

/// What a leader remembers; nothing that a new one could not do without.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub epoch: Option<i64>,
    pub sequence: i64,
    pub plan: Planned,
    pub advice: Planned,
    pub moving: Moving,
    pub refused: Refused,
    /// Plans made so far, and the one by which each status words its reasons.
    pub made: u64,
    pub worded: BTreeMap<DeploymentId, u64>,
    /// Seconds that each job has run, and when that was last looked at.
    pub worked: BTreeMap<String, f64>,
    pub looked: Option<DateTime<Utc>>,
}

/// The last plan, and the world that it is at rest in: planned once more there, it came out the same.
#[derive(Debug, Default, Clone)]
pub(crate) struct Planned {
    pub plan: Arc<Plan>,
    pub at_rest: Option<Arc<World>>,
    /// Another number is another plan, or another world.
    pub number: u64,
}

impl Memory {
    /// Counts the seconds that each job has run, starting from what its assignment says.
    pub(crate) fn work(&mut self, seen: &Seen, now: DateTime<Utc>) -> BTreeMap<String, f64> {
        let passed = self
            .looked
            .map_or(0.0, |looked| (now - looked).as_seconds_f64().max(0.0));
        for name in seen.jobs.keys() {
            let assignment = crate::jobs::assignment_of(seen, name);
            let noted = assignment.and_then(|assignment| {
                assignment
                    .metadata
                    .annotations
                    .as_ref()?
                    .get(crate::jobs::WORKED)?
                    .parse::<f64>()
                    .ok()
            });
            let worked = self
                .worked
                .entry(name.clone())
                .or_insert_with(|| noted.unwrap_or(0.0));
            let runs = assignment
                .and_then(|assignment| assignment.status.as_ref()?.ready_replicas)
                .is_some_and(|ready| ready > 0);
            if runs {
                *worked += passed;
            }
        }
        self.worked.retain(|name, _| seen.jobs.contains_key(name));
        self.looked = Some(now);
        self.worked.clone()
    }
}
