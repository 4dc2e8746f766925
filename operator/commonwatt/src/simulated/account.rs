//! What a fleet has cost, emitted, used and missed so far.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_api::SubjectKind;
use commonwatt_fleet::{DeploymentId, Watts};
use serde::Serialize;

/// Running sums. Money is energy and accelerators, without shadow prices.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Energy and accelerators, in the fleet's currency.
    pub money: f64,
    /// Carbon, average and location-based.
    pub kilograms: f64,
    /// On-site water.
    pub liters: f64,
    /// Replicas that changed place.
    pub moves: u32,
    /// Times that a site drew more than its limit for longer than its ramp.
    pub breaches: u32,
    /// Tokens that ready replicas could serve, of those asked for.
    pub served_percent: f64,
    #[serde(skip)]
    asked: f64,
    #[serde(skip)]
    served: f64,
    #[serde(skip)]
    over: BTreeMap<String, DateTime<Utc>>,
    #[serde(skip)]
    ready_at: BTreeMap<(String, String), i64>,
}

/// How long a site may be over its limit while load falls, seconds: the longest ramp of the examples.
const RAMP_SECONDS: i64 = 900;

impl Totals {
    /// Adds what has passed since the step before, at what is seen now.
    pub fn take(
        &mut self,
        sites: &commonwatt_site::Cycle,
        hub: &commonwatt_hub::Cycle,
        passed: TimeDelta,
        now: DateTime<Utc>,
    ) {
        let hours = passed.as_seconds_f64() / 3600.0;
        for (name, snapshot) in &sites.sites {
            let Some(hour) = snapshot
                .model
                .as_ref()
                .and_then(|model| model.hours.first())
            else {
                continue;
            };
            let it = snapshot.draw.over_seconds(hours * 3600.0).0;
            let facility = it * hour.pue;
            self.money += facility * hour.price + accelerators(snapshot) * hours;
            self.kilograms += facility * hour.average_carbon / 1000.0;
            self.liters += it * hour.wue;
            self.watch(name, snapshot.draw, snapshot.limit, now);
        }
        self.demand(hub, hours);
        self.moves += self.moved(hub);
    }

    fn watch(&mut self, name: &str, draw: Watts, limit: Watts, now: DateTime<Utc>) {
        if draw <= limit {
            self.over.remove(name);
            return;
        }
        let since = *self.over.entry(name.to_owned()).or_insert(now);
        if (now - since).num_seconds() > RAMP_SECONDS {
            self.breaches += 1;
            self.over.insert(name.to_owned(), now);
        }
    }

    fn demand(&mut self, hub: &commonwatt_hub::Cycle, hours: f64) {
        for (id, deployment) in &hub.world.deployments {
            let ready: f64 = commonwatt_hub::publish::assignments_of(&hub.seen, id)
                .iter()
                .filter_map(|((_, variant), assignment)| {
                    let shape = deployment
                        .variants
                        .iter()
                        .find(|shape| shape.name == *variant)?;
                    let ready = assignment.status.as_ref()?.ready_replicas?;
                    Some(ready as f64 * shape.tokens_per_second.0)
                })
                .sum();
            self.asked += deployment.demand.0 * hours;
            self.served += ready.min(deployment.demand.0) * hours;
        }
        self.served_percent = if self.asked > 0.0 {
            self.served / self.asked * 100.0
        } else {
            100.0
        };
    }

    /// Replicas whose ceiling was raised at one site while it fell at another.
    fn moved(&mut self, hub: &commonwatt_hub::Cycle) -> u32 {
        let mut by_deployment: BTreeMap<DeploymentId, (i64, i64)> = BTreeMap::new();
        let mut now = BTreeMap::new();
        for (key, assignment) in &hub.seen.assignments {
            let subject = &assignment.spec.subject;
            if subject.kind != SubjectKind::ModelDeployment {
                continue;
            }
            let name = format!("{}/{}", subject.namespace, subject.name);
            let ready = assignment
                .status
                .as_ref()
                .and_then(|status| status.ready_replicas)
                .unwrap_or(0);
            let before = self
                .ready_at
                .get(&(name.clone(), key.clone()))
                .copied()
                .unwrap_or(0);
            let change = by_deployment
                .entry(DeploymentId::from(name.as_str()))
                .or_default();
            change.0 += (ready - before).max(0);
            change.1 += (before - ready).max(0);
            now.insert((name, key.clone()), ready);
        }
        self.ready_at = now;
        // A replica gone here after one came up there: counted when it goes.
        by_deployment
            .values()
            .map(|(_, gone)| u32::try_from(*gone).unwrap_or(0))
            .sum()
    }
}

/// Money per hour for accelerators in use.
fn accelerators(snapshot: &commonwatt_site::Snapshot) -> f64 {
    let price = |product: &str| {
        let class = snapshot
            .site
            .spec
            .accelerators
            .iter()
            .find(|class| class.product == product);
        class
            .and_then(|class| class.hourly_price.value().ok())
            .unwrap_or(0.0)
    };
    snapshot
        .records
        .values()
        .map(|(record, observed)| {
            let workload = &record.spec.workload;
            f64::from(observed.actual) * workload.accelerators as f64 * price(&workload.product)
        })
        .sum()
}
