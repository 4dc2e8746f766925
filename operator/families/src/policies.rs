//! What things are declared to be worth, by priority: the worth of what is not served grows with it and is always well
//! above what serving costs.

use std::collections::BTreeMap;

use commonwatt_fleet::{Money, Policy};

/// By priority from 1 to 3.
pub(crate) const NAMES: [&str; 3] = ["economy", "standard", "critical"];

/// All policies of a fleet of so many deployments.
pub(crate) fn policies(deployments: usize) -> BTreeMap<String, Policy> {
    // About a quarter of what runs may move in an hour: a deployment has 6 to 96 replicas, and three policies share them.
    let moves_per_hour = 20 + 10 * deployments as u32;
    let policy = |carbon, water, unserved, moving| Policy {
        carbon_per_tonne: Money(carbon),
        water_per_cubic_meter: Money(water),
        unserved_per_million_tokens: Money(unserved),
        move_cost: Money(moving),
        dwell_seconds: 3600,
        moves_per_hour,
    };
    let [economy, standard, critical] = NAMES.map(ToOwned::to_owned);
    BTreeMap::from([
        (economy, policy(50.0, 0.5, 4.0, 0.2)),
        (standard, policy(100.0, 1.0, 12.0, 0.35)),
        (critical, policy(150.0, 1.0, 40.0, 0.6)),
    ])
}
