//! Rows of the formulation: kept to the last watt, accelerator and gram, then broken by one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use commonwatt_audit::Rule;
use commonwatt_fleet::*;

use crate::Change;
use crate::common::*;

/// A name, the rule, what puts the row into the world so that the plan keeps it, and what breaks it.
pub type Row = (&'static str, Rule, Change, Change);

pub const ROWS: &[Row] = &[
    (
        "a cap over two sites",
        Rule::Power,
        |world, _| cap(world, &[("hall", None), ("mill", None)], &[4000, 9000]),
        |world, _| feeder(world).limit[1] = Watts(8999),
    ),
    (
        "a cap over another product",
        Rule::Power,
        |world, _| cap(world, &[("hall", Some("L4"))], &[0, 0]),
        |world, _| cap(world, &[("hall", Some("H100"))], &[0, 0]),
    ),
    (
        "a cap that leaves an hour out",
        Rule::Power,
        |world, _| cap(world, &[("hall", None)], &[4000, 9000]),
        |world, _| feeder(world).limit.truncate(1),
    ),
    (
        "growth under a cap that is exceeded",
        Rule::Power,
        |world, plan| {
            cap(world, &[("hall", None), ("mill", None)], &[4000, 9000]);
            committed(world, 3);
            costs(world, plan, CostParts::default());
        },
        |world, plan| {
            at_the_mill(plan);
            costs(world, plan, moves(1.0));
        },
    ),
    (
        "nodes beyond the pool's before they can have started",
        Rule::Elastic,
        |world, plan| {
            elastic(world, plan);
            costs(world, plan, elastic_moves(6.0));
        },
        |world, plan| {
            let elastic = pool(world).elastic.as_mut().unwrap();
            elastic.start_slots = 2;
            costs(world, plan, elastic_moves(9.0));
        },
    ),
    (
        "more nodes beyond the pool's than there are",
        Rule::Elastic,
        |world, plan| {
            elastic(world, plan);
            costs(world, plan, elastic_moves(6.0));
        },
        |world, _| pool(world).elastic.as_mut().unwrap().nodes = 0,
    ),
    (
        "nodes beyond the pool's that are not on",
        Rule::Nodes,
        |world, plan| {
            elastic(world, plan);
            costs(world, plan, elastic_moves(6.0));
        },
        |world, plan| {
            plan.elastic.clear();
            costs(world, plan, moves(1.0));
        },
    ),
    (
        "nodes beyond the pool's that go before what was on them",
        Rule::Nodes,
        |world, plan| {
            // Eight accelerators are committed on a node that may stay on.
            elastic(world, plan);
            pool(world).nodes.clear();
            pool(world).elastic.as_mut().unwrap().running = 2;
            pool(world).elastic.as_mut().unwrap().nodes = 2;
            plan.elastic = on([1, 2]);
            costs(world, plan, elastic_moves(12.0));
        },
        |world, plan| {
            plan.elastic = on([0, 2]);
            costs(world, plan, elastic_moves(12.0));
        },
    ),
    (
        "a reserve of others",
        Rule::Reserve,
        |world, _| {
            pool(world).nodes = BTreeMap::from([(8, 3)]);
            reserve(world, 8);
        },
        |world, _| reserve(world, 9),
    ),
    (
        "a reserve of one's own, and a job of others",
        Rule::Reserve,
        |world, _| {
            reserve(world, 16);
            deployment(world).tenant = "town".into();
            job(world).tenant = "town".into();
        },
        |world, _| job(world).tenant = "team".into(),
    ),
    (
        "a reserve that is held by others already",
        Rule::Reserve,
        |world, plan| {
            reserve(world, 16);
            job(world).tenant = "town".into();
            committed(world, 2);
            costs(world, plan, CostParts::default());
        },
        |world, plan| {
            committed(world, 1);
            costs(world, plan, moves(1.0));
        },
    ),
    (
        "accelerators of a tenant",
        Rule::Tenant,
        |world, _| tenant(world, Some(16), None),
        |world, _| tenant(world, Some(15), None),
    ),
    (
        "watts of a tenant",
        Rule::Tenant,
        |world, _| tenant(world, None, Some(9000)),
        |world, _| tenant(world, None, Some(8999)),
    ),
    (
        "a tenant that holds more than its cap already",
        Rule::Tenant,
        |world, plan| {
            tenant(world, Some(0), Some(0));
            job(world).tenant = "other".into();
            committed(world, 2);
            costs(world, plan, CostParts::default());
        },
        |world, plan| {
            committed(world, 1);
            costs(world, plan, moves(1.0));
        },
    ),
    (
        "carbon of two sites",
        Rule::Stock,
        |world, _| stock(world, Metric::Carbon, 2.0 * 6240.0, 4.0),
        |world, _| stock(world, Metric::Carbon, 2.0 * 6239.9, 4.0),
    ),
    (
        "energy of two sites",
        Rule::Stock,
        |world, _| stock(world, Metric::Energy, 15.6, 1.0),
        |world, _| stock(world, Metric::Energy, 15.59, 1.0),
    ),
    (
        "water of two sites",
        Rule::Stock,
        |world, _| stock(world, Metric::Water, 26.0, 2.0),
        |world, _| stock(world, Metric::Water, 25.99, 2.0),
    ),
    (
        "water that incumbents use anyway",
        Rule::Water,
        |world, plan| {
            // Two replicas for two hours use 16 L; the job, with 10 L, has no place.
            committed(world, 2);
            site(world, "hall").water.as_mut().unwrap().remaining = Liters(0.0);
            no_job(world, plan);
            costs(world, plan, CostParts::default());
        },
        |world, plan| {
            committed(world, 1);
            costs(world, plan, moves(1.0));
        },
    ),
    (
        "a demand of its own in an hour",
        Rule::Unmet,
        |world, _| {
            deployment(world).demand = TokensPerSecond(9000.0);
            deployment(world).demand_by_slot = vec![TokensPerSecond(2000.0); 2];
        },
        |world, plan| {
            deployment(world).demand_by_slot[0] = TokensPerSecond(3000.0);
            costs(world, plan, unserved(1000.0, 1.0));
        },
    ),
    (
        "an origin that no site suits",
        Rule::Unmet,
        |world, plan| {
            origins(world, &[("eu", 0.5), ("us", 0.5)]);
            decision(plan).unmet = Some(missing(1000.0));
            costs(world, plan, unserved(1000.0, 2.0));
        },
        |_, plan| decision(plan).unmet = Some(missing(999.0)),
    ),
    (
        "a place that suits no origin",
        Rule::Latency,
        |world, plan| {
            origins(world, &[("eu", 0.5), ("us", 0.5)]);
            decision(plan).unmet = Some(missing(1000.0));
            costs(world, plan, unserved(1000.0, 2.0));
        },
        |world, plan| {
            origins(world, &[("us", 1.0)]);
            decision(plan).unmet = Some(missing(2000.0));
            costs(world, plan, unserved(2000.0, 2.0));
        },
    ),
    (
        "a job's release at its site",
        Rule::JobWindow,
        |world, _| released(world, 60),
        |world, _| released(world, 61),
    ),
    (
        "moves off a site that a cap presses",
        Rule::MoveBudget,
        |world, plan| {
            // Four replicas ran under 8 kW; from the second hour on the feeder gives half. Two go at once.
            cap(world, &[("hall", None)], &[9000, 4000]);
            committed(world, 4);
            deployment(world).demand = TokensPerSecond(4000.0);
            at_the_mill(plan);
            *placement(plan) = replicas([2, 2], [1, 1]);
            let there = replicas([2, 2], [0, 0]);
            decision(plan)
                .sites
                .insert("mill".into(), [("full".into(), there)].into());
            no_job(world, plan);
            costs(world, plan, moves(2.0));
        },
        |world, _| feeder(world).limit[1] = Watts(8000),
    ),
];

fn cap(world: &mut World, over: &[(&str, Option<&str>)], limit: &[i64]) {
    let products = |product: &str| BTreeSet::from([product.into()]);
    let cap = PowerCap {
        over: (over.iter())
            .map(|(site, product)| ((*site).into(), product.map(products)))
            .collect(),
        limit: limit.iter().copied().map(Watts).collect(),
    };
    world.shared.caps.insert("powerbudget/feeder".into(), cap);
}

fn feeder(world: &mut World) -> &mut PowerCap {
    world.shared.caps.get_mut("powerbudget/feeder").unwrap()
}

fn no_job(_: &mut World, plan: &mut Plan) {
    let decision = job_decision(plan);
    decision.placed = None;
    decision.at_risk = true;
}

/// The hall has one node of its own and one that takes an hour to start, and is on in the second.
fn elastic(world: &mut World, plan: &mut Plan) {
    let pool = pool(world);
    pool.nodes = BTreeMap::from([(8, 1)]);
    pool.elastic = Some(Elastic {
        nodes: 1,
        accelerators_per_node: 8,
        running: 0,
        start_slots: 1,
        price_per_node_hour: Money(3.0),
    });
    plan.elastic = on([0, 1]);
}

fn on(nodes: [u32; 2]) -> BTreeMap<SiteId, BTreeMap<Product, Vec<u32>>> {
    let products = BTreeMap::from([("H100".into(), nodes.to_vec())]);
    BTreeMap::from([("hall".into(), products)])
}

fn elastic_moves(accelerators: f64) -> CostParts {
    CostParts {
        accelerators: Money(accelerators),
        ..moves(1.0)
    }
}

fn reserve(world: &mut World, accelerators: u32) {
    pool(world).reserve = Some(Reserve {
        accelerators,
        tenants: BTreeSet::from(["town".to_owned()]),
        set_by: "hostcommunity/town".into(),
    });
}

fn tenant(world: &mut World, accelerators: Option<u32>, watts: Option<i64>) {
    deployment(world).tenant = "team".into();
    job(world).tenant = "team".into();
    let cap = TenantCap {
        accelerators,
        watts: watts.map(Watts),
    };
    world.shared.tenants.insert("team".into(), cap);
}

fn stock(world: &mut World, metric: Metric, remaining: f64, hours_left: f64) {
    let stock = Stock {
        metric,
        over: BTreeSet::from(["hall".into(), "mill".into()]),
        remaining,
        hours_left,
    };
    world.shared.stocks.insert("permit/valley".into(), stock);
}

/// Both origins bear 50 ms; the sites know their distance to `eu` alone.
fn origins(world: &mut World, shares: &[(&str, f64)]) {
    let deployment = deployment(world);
    deployment.origins = BTreeMap::from([("eu".into(), 50), ("us".into(), 50)]);
    deployment.origin_shares = (shares.iter())
        .map(|(origin, share)| ((*origin).into(), *share))
        .collect();
}

fn missing(tokens_per_second: f64) -> Unmet {
    Unmet {
        tokens_per_second: TokensPerSecond(tokens_per_second),
        sites_missing: 0,
    }
}

fn released(world: &mut World, minutes: i64) {
    let at = start() + TimeDelta::minutes(minutes);
    job(world).release_at = BTreeMap::from([("hall".into(), at)]);
}
