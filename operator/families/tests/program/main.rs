//! The program that is written for other solvers is the one that is planned: a plan keeps each of its rows, and costs in it
//! what it says that it costs.
// Helpers outside of test functions are tests too.
#![allow(clippy::unwrap_used)]

mod parsed;
mod values;

use commonwatt_families::{Family, Size, mps, world};
use commonwatt_fleet::{Plan, World};
use commonwatt_planner::plan;

use parsed::Program;

const SMALL: Size = Size {
    deployments: 25,
    sites: 10,
    hours: 4,
};

fn program(world: &World) -> Program {
    let mut text = Vec::new();
    mps::write(world, &mut text).unwrap();
    Program::parse(&String::from_utf8(text).unwrap())
}

/// What the first planner reads of a world.
fn known(mut world: World) -> World {
    for deployment in world.deployments.values_mut() {
        deployment.demand_by_slot.clear();
        deployment.origin_shares.clear();
        deployment.origins.clear();
    }
    for policy in world.policies.values_mut() {
        policy.move_cost = commonwatt_fleet::Money::ZERO;
    }
    world.shared = commonwatt_fleet::Shared::default();
    for site in world.sites.values_mut() {
        site.obligations.clear();
        site.demand_charge = None;
        for pool in site.pools.values_mut() {
            pool.elastic = None;
        }
    }
    world
}

/// What differs between a plan and the program.
fn differences(world: &World, plan: &Plan) -> Vec<String> {
    let program = program(world);
    let values = values::of(world, plan, &program);
    let mut wrong = program.broken(&values);
    let cost = program.cost(&values);
    let said = plan.objective.total.0 + mps::reported(world, plan);
    if (cost - said).abs() > 1e-6 * (1.0 + said.abs()) {
        wrong.push(format!("costs {cost} in the program, {said} by itself"));
    }
    wrong
}

#[test]
fn a_plan_keeps_every_row_and_costs_what_it_says() {
    for family in Family::ALL {
        for seed in 1..4 {
            let world = known(world(family, SMALL, seed));
            let plan = plan(&world, &Plan::default());
            let wrong = differences(&world, &plan);
            let shown = &wrong[..wrong.len().min(5)];
            assert!(
                wrong.is_empty(),
                "{family} {seed}: {} {shown:#?}",
                wrong.len()
            );
        }
    }
}

#[test]
fn one_replica_less_breaks_a_row_or_changes_the_cost() {
    let world = world(Family::Slack, SMALL, 1);
    let plan = plan(&world, &Plan::default());
    let mut less = plan.clone();
    let places = less.deployments.values_mut();
    let mut places = places.flat_map(|d| d.sites.values_mut().flat_map(|v| v.values_mut()));
    let last = places.find(|place| place.ceiling[2] > 0).unwrap();
    last.ceiling[2] -= 1;
    drop(places);
    assert_ne!(differences(&world, &less), differences(&world, &plan));
}

#[test]
fn every_column_of_whole_numbers_has_a_bound_and_every_name_is_known() {
    for family in Family::ALL {
        let program = program(&world(family, SMALL, 1));
        assert!(program.columns.len() > 1000, "{family}");
        for (name, column) in &program.columns {
            assert!(!column.whole || column.bounded, "{family}: {name}");
            for row in column.entries.keys() {
                assert!(program.rows.contains_key(row), "{family}: {name} in {row}");
            }
        }
    }
}
