//! What random worlds once found.

mod common;

use common::*;
use commonwatt_fleet::*;
use commonwatt_planner::plan;

#[test]
fn a_hold_on_an_old_plan_without_replicas_does_not_leave_superfluous_ones() {
    let mut old = world(1);
    site(&mut old, "alba", 0.0);
    site(&mut old, "bora", 0.0);
    deployment(&mut old, "chat", 0.0);
    the(&mut old, "chat").minimum_sites = 0;
    let mut now = old.clone();
    the(&mut now, "chat").demand = TokensPerSecond(3500.0);
    the(&mut now, "chat").minimum_sites = 2;
    let first = planned_after(&now, &planned(&old));
    assert_eq!(text(&first), text(&plan(&now, &first)));
    assert_eq!(replicas(&first, "chat", "alba", 0), 3);
    assert_eq!(replicas(&first, "chat", "bora", 0), 1);
}

#[test]
fn a_running_job_whose_product_has_gone_takes_another_and_keeps_that() {
    let mut old = world(4);
    site(&mut old, "hall", 0.1);
    let pool = old.sites[&SiteId::from("hall")].pools[&PRODUCT.into()].clone();
    at(&mut old, "hall").pools.insert(
        "L4".into(),
        Pool {
            price_per_hour: Money(0.1),
            ..pool
        },
    );
    job(&mut old, "train", 2, 4);
    let shape = the_job(&mut old, "train").shapes[&PRODUCT.into()];
    the_job(&mut old, "train").shapes.insert("L4".into(), shape);
    let then = planned(&old);
    let mut now = admitted(&old, &then);
    at(&mut now, "hall").pools.remove(&Product::from("L4"));
    the_job(&mut now, "train").running = true;
    the_job(&mut now, "train").started_at = Some("hall".into());
    let first = planned_after(&now, &then);
    let placed = job_of(&first, "train").placed.as_ref().unwrap();
    assert_eq!(placed.product, PRODUCT.into());
    assert_eq!(text(&first), text(&plan(&now, &first)));
}

#[test]
fn a_claim_that_is_no_longer_needed_does_not_keep_others_out() {
    // The higher priority finds its place in the end; what it claimed before must be open to the lower one.
    let mut world = world(3);
    site(&mut world, "alba", 0.1);
    site(&mut world, "bora", 0.2);
    at(&mut world, "alba")
        .hours
        .iter_mut()
        .for_each(|h| h.limit = Watts(1500));
    at(&mut world, "bora")
        .hours
        .iter_mut()
        .for_each(|h| h.limit = Watts(1500));
    deployment(&mut world, "high", 1000.0);
    deployment(&mut world, "low", 1000.0);
    the(&mut world, "high").priority = 1;
    let first = planned(&world);
    assert!(unmet(&first, "high").is_none() && unmet(&first, "low").is_none());
    assert_eq!(text(&first), text(&plan(&world, &first)));
}

#[test]
fn a_held_hour_that_would_end_with_a_superfluous_replica_is_planned_afresh() {
    // In the first hour only the small variant fits; in the next the large one serves all, and the small one is held.
    let mut world = world(4);
    site(&mut world, "alba", 0.1);
    at(&mut world, "alba").hours[0].limit = Watts(100);
    deployment(&mut world, "chat", 2000.0);
    let mut small = the(&mut world, "chat").variants[0].clone();
    small.name = "small".into();
    (small.watts, small.tokens_per_second) = (Watts(100), TokensPerSecond(10.0));
    the(&mut world, "chat").variants.push(small);
    let first = planned(&world);
    let mut next = admitted(&world, &first);
    next.slots.start += chrono::TimeDelta::hours(1);
    let second = planned_after(&next, &first);
    assert_eq!(text(&second), text(&plan(&next, &second)));
}

#[test]
fn a_tenant_with_a_cap_is_no_trouble_where_there_is_no_pool() {
    let mut world = world(5);
    deployment(&mut world, "chat", 1000.0);
    world
        .shared
        .tenants
        .insert("blue".into(), TenantCap::default());
    let plan = planned(&world);
    assert!(unmet(&plan, "chat").is_some());
}

#[test]
fn nodes_that_cannot_have_started_are_not_on_for_what_has_to_go() {
    let mut world = world(3);
    site(&mut world, "hall", 0.1);
    let pool = at(&mut world, "hall").pools.values_mut().next().unwrap();
    pool.nodes.clear();
    pool.elastic = Some(Elastic {
        nodes: 1,
        accelerators_per_node: 8,
        running: 0,
        start_slots: 1,
        price_per_node_hour: Money(2.0),
    });
    deployment(&mut world, "chat", 2000.0);
    commit(&mut world, "chat", "hall", 2);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "hall", 0), 0);
    assert_eq!(replicas(&plan, "chat", "hall", 1), 2);
}

#[test]
fn an_obligation_that_has_become_cheaper_proves_no_more_than_it_costs_now() {
    let mut before = world(1);
    site(&mut before, "hall", 0.1);
    at(&mut before, "hall").obligations.push(Obligation {
        watts: vec![Watts(15_000)],
        shortfall_per_kilowatt_hour: Money(1.5),
        set_by: "gridprogram/reserve".into(),
    });
    let mut now = before.clone();
    let owed = &mut at(&mut now, "hall").obligations[0];
    owed.shortfall_per_kilowatt_hour = Money::ZERO;
    let plan = planned_after(&now, &planned(&before));
    assert!(plan.bound.lower.is_some_and(|lower| lower.0 <= 0.0));
}

#[test]
fn waiting_where_starting_is_free_is_not_taken_for_earning() {
    let mut world = world(2);
    site(&mut world, "hall", 0.0);
    let pool = at(&mut world, "hall").pools.values_mut().next().unwrap();
    pool.price_per_hour = Money::ZERO;
    deployment(&mut world, "chat", 5000.0);
    the(&mut world, "chat").demand_by_slot = vec![TokensPerSecond(0.0), TokensPerSecond(5000.0)];
    let name = the(&mut world, "chat").policy.clone();
    world.policies.get_mut(&name).unwrap().move_cost = Money(3.0);
    // Its replicas begin in the hour before, for nothing; `planned` has the bound audited.
    let plan = planned(&world);
    assert!(plan.bound.upper.0 < 3.0, "{}", plan.bound.upper.0);
}
