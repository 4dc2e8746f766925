//! What would change where a deployment runs, by planning again.

mod common;
mod random;

use std::collections::BTreeMap;

use common::*;
use commonwatt_fleet::*;
use commonwatt_planner::{plan, would_change};
use proptest::prelude::*;
use random::any_world;

fn answers(world: &World, name: &str) -> Vec<Answer> {
    let (id, plan) = (DeploymentId::new("team", name), planned(world));
    let explained = explained(world, &plan, name);
    would_change(world, &Plan::default(), &plan, &id, &explained)
}

/// Five replicas of 1.5 kW, three of which have no room at the cheap site.
fn spilled() -> World {
    let mut world = world(2);
    site(&mut world, "cheap", 0.10);
    site(&mut world, "dear", 0.30);
    for hour in &mut at(&mut world, "cheap").hours {
        hour.limit = Watts(3200);
    }
    deployment(&mut world, "chat", 5000.0);
    world
}

#[test]
fn a_bit_more_of_the_limit_that_binds_is_worth_what_one_replica_there_saves() {
    let answers = answers(&spilled(), "chat");
    let [power, demand] = &answers[..] else {
        panic!("{answers:?}");
    };
    // A tenth more would hold no replica more: what is lacking is asked for, in two digits.
    let Relief::Power {
        set_by, from, to, ..
    } = &power.relief
    else {
        panic!("{power:?}");
    };
    assert_eq!(
        (set_by.as_str(), *from, *to),
        ("powerbudget/hall", Watts(3200), Watts(4500))
    );
    // One replica of 1.5 kW at PUE 1.2 for 0.20 less per kilowatt-hour.
    assert!((power.saves_per_hour.0 - 0.36).abs() < 1e-9, "{power:?}");
    assert!((power.parts.energy.0 - 0.36).abs() < 1e-9, "{power:?}");
    assert!(power.moves);
    let at = |site: &str| power.places[&SiteId::from(site)][&"full".into()];
    assert_eq!((at("cheap"), at("dear")), (3, 2));
    assert_eq!(
        demand.relief,
        Relief::Demand {
            from: TokensPerSecond(5000.0),
            to: TokensPerSecond(4500.0),
        }
    );
    assert!(!demand.moves, "4500 tokens/s need five replicas too");
}

#[test]
fn one_more_node_gives_a_place_to_what_has_none() {
    let mut world = world(1);
    site(&mut world, "only", 0.10);
    let pools = at(&mut world, "only").pools.values_mut();
    pools.for_each(|pool| pool.nodes = BTreeMap::from([(2, 1)]));
    deployment(&mut world, "chat", 2000.0);
    let answers = answers(&world, "chat");
    let node = Relief::Node {
        site: "only".into(),
        product: PRODUCT.into(),
        accelerators: 2,
    };
    assert_eq!(answers[0].relief, node);
    assert_eq!((answers[0].moves, &answers[0].unmet), (true, &None));
    assert!(answers[0].saves_per_hour.0 > 100.0, "{:?}", answers[0]);
}

#[test]
fn where_nothing_binds_only_the_demand_would_change_it() {
    let mut world = world(1);
    site(&mut world, "only", 0.10);
    deployment(&mut world, "chat", 2000.0);
    let answers = answers(&world, "chat");
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(matches!(answers[0].relief, Relief::Demand { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_world_is_asked_again_at_most_five_times_and_without_a_panic(world in any_world()) {
        let (world, _) = sound(&world);
        let plan = plan(&world, &Plan::default());
        let explainer = commonwatt_planner::Explainer::new(&world, &plan);
        for id in world.deployments.keys() {
            let Some(explained) = explainer.deployment(id) else { continue };
            let answers = would_change(&world, &Plan::default(), &plan, id, &explained);
            prop_assert!(answers.len() <= 5);
        }
    }
}
