//! From what hub and agents found to metrics. Pure but for the last line of each: a round's findings become one sheet,
//! which replaces the sheet of the round before.

#[cfg(test)]
mod budget;
mod hub;
mod sites;

use std::time::SystemTime;

use commonwatt_api::Mode;
use commonwatt_kubernetes::Metrics;
use commonwatt_kubernetes::metrics::{Sheet, families as all};

/// The owner of what a hub found.
const HUB: &str = "hub";

/// What a hub's cycle found.
pub fn hub(metrics: &Metrics, cycle: &commonwatt_hub::Cycle, now: chrono::DateTime<chrono::Utc>) {
    metrics.planned(cycle.planning, cycle.moves);
    metrics.publish(HUB, hub::sheet(cycle, now));
}

/// What the cycle of a place's agent found, which goes no further than `mode`.
pub fn sites(metrics: &Metrics, place: &str, mode: Mode, cycle: &commonwatt_site::Cycle) {
    metrics.publish(&found_at(place), sites::sheet(place, mode, cycle));
}

fn found_at(place: &str) -> String {
    format!("site/{place}")
}

/// A role as it stands for election: the metrics say whether it leads, and when it last did a whole round.
#[derive(Debug, Clone)]
pub struct Standing {
    metrics: Metrics,
    role: &'static str,
    place: String,
}

impl Standing {
    /// A role that waits for its turn.
    pub fn new(metrics: &Metrics, role: &'static str, place: &str) -> Self {
        metrics.begin(role);
        let standing = Self {
            metrics: metrics.clone(),
            role,
            place: place.to_owned(),
        };
        standing.waits(false);
        standing
    }

    /// It leads.
    pub fn leads(&self) {
        self.stands(true, false);
    }

    /// It does not lead, or not any more: what a leader found is not this process's to say. `trouble` keeps it from the
    /// lease; without any, somebody else holds it or it will soon.
    pub fn waits(&self, trouble: bool) {
        self.stands(false, trouble);
        self.forget();
    }

    fn stands(&self, leads: bool, trouble: bool) {
        let mut sheet = Sheet::default();
        let labels = [self.role, self.place.as_str()];
        sheet.set(&all::LEADER, labels, flag(leads));
        sheet.set(&all::LEASE_TROUBLE, labels, flag(trouble));
        self.metrics.publish(&self.owner("lead"), sheet);
    }

    /// A round was done without any failure.
    pub fn done(&self) {
        let Ok(now) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) else {
            return;
        };
        let mut sheet = Sheet::default();
        sheet.set(
            &all::LAST_ROUND,
            [self.role, &self.place],
            now.as_secs_f64(),
        );
        self.metrics.publish(&self.owner("round"), sheet);
    }

    fn forget(&self) {
        self.metrics.withdraw(&self.owner("round"));
        self.metrics.withdraw(&self.found());
    }

    fn found(&self) -> String {
        if self.role == HUB {
            HUB.to_owned()
        } else {
            found_at(&self.place)
        }
    }

    fn owner(&self, what: &str) -> String {
        format!("{what}/{}/{}", self.role, self.place)
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.metrics.withdraw(&self.owner("lead"));
        self.forget();
    }
}

/// 1 or 0.
fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}
