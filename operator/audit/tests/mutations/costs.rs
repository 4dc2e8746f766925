//! Parts of the cost, worked out by hand.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use commonwatt_fleet::*;

use crate::Change;
use crate::common::*;

/// A name, what makes the plan cost that, and what it costs beside what runs: the plan, and its job.
pub type Cost = (&'static str, Change, fn() -> (CostParts, CostParts));

const NOTHING: fn() -> CostParts = CostParts::default;

pub const COSTS: &[Cost] = &[
    (
        "a replica that starts",
        |_, _| {},
        || (moves(1.0), NOTHING()),
    ),
    (
        "replicas that start in the second hour",
        |world, plan| {
            deployment(world).demand = TokensPerSecond(1000.0);
            placement(plan).ceiling[0] = 1;
        },
        || (moves(1.0), NOTHING()),
    ),
    (
        "replicas that start where others go",
        |world, plan| {
            committed(world, 2);
            at_the_mill(plan);
        },
        || (moves(1.0), NOTHING()),
    ),
    (
        "the month's peak",
        |world, _| {
            site(world, "hall").demand_charge = Some(DemandCharge {
                per_kilowatt: Money(10.0),
                peak: Watts(9000),
            });
        },
        // 9 kW of IT are 10.8 kW at the facility.
        || {
            let parts = CostParts {
                demand: Money(18.0),
                ..moves(1.0)
            };
            (parts, NOTHING())
        },
    ),
    (
        "the community that bears most carbon",
        |world, _| {
            world.shared.fairness.carbon = Money(100.0);
            community(
                world,
                "town",
                "hall",
                Metric::Carbon,
                (1000.0, 10_000.0, 6.0),
            );
            community(
                world,
                "village",
                "mill",
                Metric::Carbon,
                (8000.0, 10_000.0, 2.0),
            );
        },
        // The town's 6240 g three times over, and what it bore before; the village bears nothing more.
        || {
            let parts = CostParts {
                fairness: Money(100.0 * (1000.0 + 3.0 * 6240.0) / 10_000.0 / 3.0),
                ..moves(1.0)
            };
            (parts, NOTHING())
        },
    ),
    (
        "the community that gives most water",
        |world, _| {
            world.shared.fairness.water = Money(50.0);
            community(world, "town", "hall", Metric::Water, (0.0, 1000.0, 4.0));
            community(
                world,
                "village",
                "mill",
                Metric::Water,
                (300.0, 1000.0, 8.0),
            );
        },
        // 2 * 26 of 1000 L against 300 of 1000 L; the longest period counts four horizons.
        || {
            let parts = CostParts {
                fairness: Money(50.0 * 0.3 / 4.0),
                ..moves(1.0)
            };
            (parts, NOTHING())
        },
    ),
    (
        "load that was owed and cannot be shed",
        |world, _| owe(world, [3000, 8000]),
        // One of two replicas may go: 1 kW is missing, then 6 kW, since the job may not pause.
        || {
            let parts = CostParts {
                obligations: Money(14.0),
                ..moves(1.0)
            };
            (parts, NOTHING())
        },
    ),
    (
        "load that was owed, with a job that may pause",
        |world, _| {
            owe(world, [3000, 8000]);
            job(world).interruptible = true;
        },
        || {
            let parts = CostParts {
                obligations: Money(4.0),
                ..moves(1.0)
            };
            (parts, NOTHING())
        },
    ),
    (
        "demand that a later hour does not serve",
        |world, _| {
            let demand = vec![TokensPerSecond(2000.0), TokensPerSecond(3000.0)];
            deployment(world).demand_by_slot = demand;
        },
        || {
            let parts = CostParts {
                unserved: Money(36.0),
                ..moves(1.0)
            };
            (parts, NOTHING())
        },
    ),
    (
        "nodes that run already and one that starts",
        |world, plan| {
            let pools = &mut site(world, "hall").pools;
            let pool = pools.get_mut(&Product::from("H100")).unwrap();
            pool.elastic = Some(Elastic {
                nodes: 3,
                accelerators_per_node: 8,
                running: 1,
                start_slots: 1,
                price_per_node_hour: Money(3.0),
            });
            let nodes = BTreeMap::from([("H100".into(), vec![1, 2])]);
            plan.elastic = BTreeMap::from([("hall".into(), nodes)]);
        },
        // One and two hours on, and the hour in which the second started.
        || {
            let parts = CostParts {
                accelerators: Money(12.0),
                ..moves(1.0)
            };
            (parts, NOTHING())
        },
    ),
    (
        "a job that goes on after a pause",
        |world, _| {
            started(world, false);
            job(world).restart_cost = Money(5.0);
        },
        || (moves(1.0), moves(5.0)),
    ),
    (
        "a job that pauses now",
        |world, _| {
            started(world, true);
            job(world).restart_cost = Money(5.0);
        },
        || (moves(1.0), moves(5.0)),
    ),
    (
        "a job that pauses for an hour",
        |world, plan| {
            a_third_hour(world, plan);
            job(world).interruptible = true;
            job(world).slots_left = 2;
            job(world).restart_cost = Money(5.0);
            placed(plan).runs = vec![true, false, true];
        },
        || (moves(1.0), moves(5.0)),
    ),
    (
        "a job that goes on without a pause",
        |world, plan| {
            started(world, true);
            job(world).restart_cost = Money(5.0);
            placed(plan).runs = vec![true, false];
        },
        || (moves(1.0), NOTHING()),
    ),
    (
        "an owner who waits",
        |world, _| job(world).waiting_per_hour = Money(3.0),
        || (moves(1.0), waiting(6.0)),
    ),
    (
        "an owner who waits from the release at the job's site",
        |world, _| {
            job(world).waiting_per_hour = Money(3.0);
            let at = start() + TimeDelta::minutes(30);
            job(world).release_at = BTreeMap::from([("hall".into(), at)]);
        },
        || (moves(1.0), waiting(4.5)),
    ),
    (
        "an owner who has waited since yesterday",
        |world, _| {
            job(world).waiting_per_hour = Money(3.0);
            job(world).release = start() - TimeDelta::days(1);
        },
        || (moves(1.0), waiting(6.0)),
    ),
];

fn waiting(amount: f64) -> CostParts {
    CostParts {
        waiting: Money(amount),
        ..CostParts::default()
    }
}

fn started(world: &mut World, running: bool) {
    job(world).started_at = Some("hall".into());
    job(world).running = running;
}

fn owe(world: &mut World, watts: [i64; 2]) {
    site(world, "hall").obligations = vec![Obligation {
        watts: watts.map(Watts).to_vec(),
        shortfall_per_kilowatt_hour: Money(2.0),
        set_by: "gridprogram/reserve".into(),
    }];
}

fn community(world: &mut World, name: &str, site: &str, metric: Metric, of: (f64, f64, f64)) {
    let (used, whole, hours_left) = of;
    let allowance = Some(Allowance {
        used,
        whole,
        hours_left,
    });
    let mut community = Community {
        sites: BTreeSet::from([site.into()]),
        ..Community::default()
    };
    match metric {
        Metric::Carbon => community.carbon = allowance,
        _ => community.water = allowance,
    }
    world.shared.communities.insert(name.into(), community);
}
