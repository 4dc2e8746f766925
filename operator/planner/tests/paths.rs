//! The way from what is committed to a plan: nobody passes a limit or serves less on it, and circles are broken.
// Helpers of tests are not inside a test function, where clippy.toml allows it.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use common::*;
use commonwatt_fleet::*;

/// Steps by what they do and where: `reserve a@x 0-2`.
fn words(path: &Path) -> Vec<String> {
    let word = |act: &Act| match act {
        Act::Suspend { job, site } => format!("suspend {}@{site}", job.name()),
        Act::Run { job, site, .. } => format!("run {}@{site}", job.name()),
        Act::Reserve {
            deployment,
            site,
            from,
            to,
            ..
        } => {
            format!("reserve {}@{site} {from}-{to}", deployment.name())
        }
        Act::Ready {
            deployment, site, ..
        } => format!("ready {}@{site}", deployment.name()),
        Act::Shift { deployment } => format!("shift {}", deployment.name()),
        Act::Release {
            deployment,
            site,
            from,
            to,
            ..
        } => {
            format!("release {}@{site} {from}-{to}", deployment.name())
        }
    };
    path.steps.iter().map(|step| word(&step.act)).collect()
}

/// A fleet of sites with room for so many replicas of 1500 W each, and of deployments: where each is and where it shall be.
fn fleet(sites: &[(&str, i64)], moves: &[(&str, u32, &str, &str)]) -> (World, Plan) {
    let mut world = world(1);
    for (name, room) in sites {
        site(&mut world, name, 0.2);
        at(&mut world, name).hours[0].limit = Watts(1500 * room);
    }
    let mut decisions = BTreeMap::new();
    for (name, replicas, from, to) in moves {
        deployment(&mut world, name, f64::from(*replicas) * 1000.0);
        commit(&mut world, name, from, *replicas);
        let there = BTreeMap::from([("full".into(), placement(*replicas))]);
        let decision = Decision {
            sites: BTreeMap::from([((*to).into(), there)]),
            unmet: None,
        };
        decisions.insert(DeploymentId::new("team", name), decision);
    }
    let plan = Plan {
        slots: Some(world.slots),
        deployments: decisions,
        ..Plan::default()
    };
    (world, plan)
}

fn placement(replicas: u32) -> SitePlacement {
    SitePlacement {
        ceiling: vec![replicas],
        floor: vec![0],
        watts: Watts(0),
        cost_per_hour: CostParts::default(),
        grams_per_hour: GramsCo2e(0.0),
        liters_per_hour: Liters(0.0),
    }
}

/// A job of one pod with two accelerators that runs and goes on, as many watts as `replicas` of the others.
fn goes_on(world: &mut World, plan: &mut Plan, name: &str, site: &str, replicas: i64) {
    job(world, name, 1, 5);
    let job = the_job(world, name);
    let shape = job.shapes.values_mut().next().unwrap();
    (shape.accelerators_per_pod, shape.watts_per_pod) = (2, Watts(1500 * replicas));
    (job.started_at, job.running) = (Some(site.into()), true);
    let placed = JobPlan {
        site: site.into(),
        product: PRODUCT.into(),
        runs: vec![true],
        cost: CostParts::default(),
        saved_by_waiting: Money::ZERO,
    };
    let decision = JobDecision {
        placed: Some(placed),
        at_risk: false,
    };
    plan.jobs.insert(JobId::new("team", name), decision);
}

#[test]
fn a_move_with_room_is_made_before_it_is_broken() {
    let (world, plan) = fleet(&[("x", 2), ("y", 2)], &[("a", 2, "x", "y")]);
    let path = whole_path(&world, &plan);
    let steps = ["reserve a@y 0-2", "ready a@y", "shift a", "release a@x 2-0"];
    assert_eq!(words(&path), steps);
    let after: Vec<_> = path.steps.iter().map(|step| step.after.clone()).collect();
    assert_eq!(after, [vec![], vec![0], vec![1], vec![2]]);
}

#[test]
fn who_moves_into_room_that_another_leaves_waits_for_it() {
    let (world, plan) = fleet(
        &[("x", 2), ("y", 2), ("z", 2)],
        &[("a", 2, "x", "y"), ("b", 2, "y", "z")],
    );
    let path = whole_path(&world, &plan);
    let steps = words(&path);
    let at = |step: &str| steps.iter().position(|word| word == step).unwrap();
    assert_eq!(
        path.steps[at("reserve a@y 0-2")].after,
        [at("release b@y 2-0")]
    );
}

#[test]
fn two_that_do_not_meet_do_not_wait_for_each_other() {
    let (world, plan) = fleet(
        &[("v", 2), ("w", 2), ("x", 2), ("y", 2)],
        &[("a", 2, "v", "w"), ("b", 2, "x", "y")],
    );
    let path = whole_path(&world, &plan);
    let free = path.steps.iter().filter(|step| step.after.is_empty());
    assert_eq!(free.count(), 2);
}

#[test]
fn two_that_swap_on_full_sites_are_held_and_nothing_is_done() {
    let (world, plan) = fleet(
        &[("x", 2), ("y", 2)],
        &[("a", 2, "x", "y"), ("b", 2, "y", "x")],
    );
    let path = safe_path(&world, &plan);
    assert!(path.steps.is_empty());
    let first = &path.held[0];
    assert!(matches!(&first.act, Act::Reserve { deployment, .. } if deployment.name() == "a"));
    let power = Obstacle::Power {
        need: Watts(3000),
        left: Watts(0),
        set_by: "powerbudget/hall".into(),
    };
    assert_eq!(first.by, power);
    assert_eq!(path.held.len(), 4, "both comings and both goings");
}

#[test]
fn a_job_that_may_pause_lets_two_swap_on_full_sites() {
    let (mut world, mut plan) = fleet(
        &[("x", 3), ("y", 2)],
        &[("a", 1, "x", "y"), ("b", 1, "y", "x")],
    );
    at(&mut world, "y").hours[0].limit = Watts(1500);
    goes_on(&mut world, &mut plan, "train", "x", 2);
    let path = whole_path(&world, &plan);
    let steps = [
        "suspend train@x",
        "reserve b@x 0-1",
        "ready b@x",
        "shift b",
        "release b@y 1-0",
        "reserve a@y 0-1",
        "ready a@y",
        "shift a",
        "release a@x 1-0",
        "run train@x",
    ];
    assert_eq!(words(&path), steps);
    assert_eq!(path.steps[1].after, [0], "room comes of the pause");
    assert_eq!(path.steps[5].after, [4]);
    assert!(
        path.steps[9].after.contains(&8),
        "it goes on in the room that was left"
    );
}

#[test]
fn a_job_that_cannot_pause_is_not_paused() {
    let (mut world, mut plan) = fleet(
        &[("x", 3), ("y", 1)],
        &[("a", 1, "x", "y"), ("b", 1, "y", "x")],
    );
    goes_on(&mut world, &mut plan, "train", "x", 2);
    the_job(&mut world, "train").interruptible = false;
    let path = safe_path(&world, &plan);
    assert!(path.steps.is_empty());
    assert_eq!(path.held.len(), 4);
}

#[test]
fn the_job_that_pauses_at_the_least_cost_is_the_one_that_does() {
    let (mut world, mut plan) = fleet(
        &[("x", 3), ("y", 2)],
        &[("a", 1, "x", "y"), ("b", 1, "y", "x")],
    );
    goes_on(&mut world, &mut plan, "dear", "x", 2);
    goes_on(&mut world, &mut plan, "cheap", "y", 1);
    the_job(&mut world, "dear").restart_cost = Money(5.0);
    the_job(&mut world, "cheap").restart_cost = Money(1.0);
    let steps = words(&whole_path(&world, &plan));
    assert!(steps.contains(&"suspend cheap@y".to_owned()), "{steps:?}");
    assert!(!steps.contains(&"suspend dear@x".to_owned()), "{steps:?}");
}

#[test]
fn three_in_a_circle_on_full_sites_move_while_a_job_pauses() {
    let (mut world, mut plan) = fleet(
        &[("x", 4), ("y", 2), ("z", 2)],
        &[("a", 2, "x", "y"), ("b", 2, "y", "z"), ("c", 2, "z", "x")],
    );
    assert_eq!(
        safe_path(&world, &plan).held,
        [],
        "there is room for c at x"
    );
    goes_on(&mut world, &mut plan, "train", "x", 2);
    let steps = words(&whole_path(&world, &plan));
    let order: Vec<_> = steps
        .iter()
        .filter(|step| step.starts_with("reserve"))
        .collect();
    assert_eq!(
        order,
        ["reserve c@x 0-2", "reserve b@z 0-2", "reserve a@y 0-2"]
    );
}

#[test]
fn three_in_a_circle_on_full_sites_without_batch_are_held() {
    let (world, plan) = fleet(
        &[("x", 2), ("y", 2), ("z", 2)],
        &[("a", 2, "x", "y"), ("b", 2, "y", "z"), ("c", 2, "z", "x")],
    );
    let path = safe_path(&world, &plan);
    assert!(path.steps.is_empty());
    assert_eq!(path.held.len(), 6);
}

#[test]
fn with_room_for_one_replica_a_swap_is_made_one_by_one() {
    let (world, plan) = fleet(
        &[("x", 4), ("y", 3)],
        &[("a", 3, "x", "y"), ("b", 3, "y", "x")],
    );
    let steps = words(&whole_path(&world, &plan));
    let reserves = steps.iter().filter(|step| step.starts_with("reserve"));
    assert_eq!(reserves.count(), 6, "{steps:?}");
}

#[test]
fn three_in_a_circle_move_one_by_one_where_there_is_room_for_one() {
    let (world, plan) = fleet(
        &[("x", 2), ("y", 2), ("z", 3)],
        &[("a", 2, "x", "y"), ("b", 2, "y", "z"), ("c", 2, "z", "x")],
    );
    let steps = words(&whole_path(&world, &plan));
    assert!(steps.contains(&"reserve b@z 0-1".to_owned()), "{steps:?}");
}

#[test]
fn nodes_are_room_like_watts() {
    let (mut world, plan) = fleet(
        &[("x", 99), ("y", 99)],
        &[("a", 3, "x", "y"), ("b", 3, "y", "x")],
    );
    for (name, nodes) in [("x", 4), ("y", 3)] {
        let pool = at(&mut world, name).pools.values_mut().next().unwrap();
        pool.nodes = BTreeMap::from([(2, nodes)]);
    }
    let steps = words(&whole_path(&world, &plan));
    assert!(steps.contains(&"reserve b@x 0-1".to_owned()), "{steps:?}");
}

#[test]
fn what_is_served_beside_what_is_needed_goes_first() {
    // Three replicas where two are asked for: the third goes, and then there is room to swap one by one.
    let (mut world, plan) = fleet(
        &[("x", 3), ("y", 2)],
        &[("a", 2, "x", "y"), ("b", 2, "y", "x")],
    );
    commit(&mut world, "a", "x", 3);
    let steps = words(&whole_path(&world, &plan));
    assert_eq!(steps[..2], ["shift a", "release a@x 3-2"]);
}

#[test]
fn of_two_sites_that_it_must_have_none_is_left_before_another_is_there() {
    let (mut world, mut plan) = fleet(
        &[("x", 2), ("y", 1), ("z", 2)],
        &[("a", 2, "x", "z"), ("b", 1, "z", "x")],
    );
    // `a` is at x and y, and shall be at z and y; there is room for one of two at z until `b` has gone, for which x is full.
    commit(&mut world, "a", "y", 1);
    the(&mut world, "a").minimum_sites = 2;
    the(&mut world, "a").demand = TokensPerSecond(2000.0);
    let sites = &mut plan.deployments.values_mut().next().unwrap().sites;
    sites.insert("y".into(), BTreeMap::from([("full".into(), placement(1))]));
    let steps = words(&whole_path(&world, &plan));
    assert_eq!(steps[..2], ["shift a", "release a@x 2-1"], "{steps:?}");
}

#[test]
fn under_a_shared_cap_a_move_waits_for_what_leaves_another_site() {
    let (mut world, plan) = fleet(
        &[("x", 9), ("y", 9), ("z", 9)],
        &[("a", 2, "x", "y"), ("b", 2, "y", "z")],
    );
    let over = BTreeMap::from([("x".into(), None), ("y".into(), None)]);
    let limit = vec![Watts(6000)];
    let cap = PowerCap { over, limit };
    world.shared.caps.insert("powerbudget/feeder".into(), cap);
    let path = whole_path(&world, &plan);
    let steps = words(&path);
    let at = |step: &str| steps.iter().position(|word| word == step).unwrap();
    assert_eq!(
        path.steps[at("reserve a@y 0-2")].after,
        [at("release b@y 2-0")]
    );
}

#[test]
fn a_variant_that_is_gone_from_its_deployment_goes_last() {
    let (mut world, plan) = fleet(&[("x", 2), ("y", 2)], &[("a", 2, "x", "y")]);
    let held = the(&mut world, "a")
        .committed
        .get_mut(&SiteId::from("x"))
        .unwrap();
    let full = held[&VariantName::from("full")];
    held.insert("old".into(), full);
    let steps = words(&whole_path(&world, &plan));
    assert_eq!(steps.len(), 5);
}
