//! From what hub and agents found to metrics.

use std::collections::BTreeMap;

use commonwatt_fleet::Watts;
use commonwatt_kubernetes::Metrics;
use commonwatt_site::hours::SignalState;

/// What a hub's cycle found.
pub fn hub(metrics: &Metrics, cycle: &commonwatt_hub::Cycle) {
    let hours = cycle.world.slots.count.max(1) as f64 * cycle.world.slots.hours();
    let cost = cycle.plan.objective.total.0 / hours;
    metrics.plan(
        &[(cycle.world.currency.clone(), cost)],
        cycle.findings.len(),
    );
    for (name, declared) in &cycle.seen.deployments {
        let (namespace, short) = name.split_once('/').unwrap_or(("", name));
        let status = declared.status.as_ref();
        let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
        metrics.deployment(
            namespace,
            short,
            count(status.and_then(|status| status.ready_replicas)),
            count(status.and_then(|status| status.desired_replicas)),
        );
    }
}

/// What an agent's cycle found.
pub fn sites(metrics: &Metrics, cycle: &commonwatt_site::Cycle) {
    let mut ages: BTreeMap<&str, Option<f64>> = BTreeMap::new();
    for (name, snapshot) in &cycle.sites {
        let watts = |watts: Watts| Some(watts.0 as f64);
        let limit = snapshot.model.as_ref().and(watts(snapshot.limit));
        metrics.site(name, limit, watts(snapshot.charged), watts(snapshot.draw));
        for (product, (total, used)) in &snapshot.accelerators {
            let count = |n: u32| Some(u64::from(n));
            metrics.accelerators(name, product, "free", count(total.saturating_sub(*used)));
            metrics.accelerators(name, product, "requested", count(*used));
        }
        for (signal, state) in &snapshot.signals {
            let age = match state {
                SignalState::Said(reading) => reading.age_seconds.map(|age| age as f64),
                SignalState::Silent(_) => None,
            };
            ages.insert(signal, age);
        }
    }
    for (signal, age) in ages {
        metrics.signal_age(signal, age);
    }
}
