//! When something moves, and when it stays.

mod common;

use chrono::TimeDelta;
use common::*;
use commonwatt_fleet::*;
use commonwatt_planner::{Rule, baseline, plan};

/// Two sites and a deployment of two replicas that runs at the dearer one. Moving saves 0.72 per hour.
fn dear_incumbent(slots: usize) -> World {
    let mut world = world(slots);
    site(&mut world, "cheap", 0.10);
    site(&mut world, "dear", 0.30);
    deployment(&mut world, "chat", 2000.0);
    commit(&mut world, "chat", "dear", 2);
    world
}

fn set_policy(world: &mut World, change: impl Fn(&mut Policy)) {
    change(world.policies.get_mut("standard").expect("standard"));
}

#[test]
fn a_move_pays_once_the_horizon_is_long_enough() {
    // Two moves cost 2; two hours save 1.44, four hours 2.88.
    let world = dear_incumbent(2);
    let short = planned(&world);
    assert_eq!(replicas(&short, "chat", "dear", 1), 2);
    assert_eq!(choice(&world, &short, "chat", "dear").reason(), "Stays");
    let long = planned(&dear_incumbent(4));
    assert_eq!(replicas(&long, "chat", "cheap", 0), 2);
    assert!((long.objective.parts.moves.0 - 2.0).abs() < 1e-9);
}

#[test]
fn dwell_holds_a_deployment_that_came_recently() {
    let mut world = dear_incumbent(24);
    set_policy(&mut world, |policy| policy.dwell_seconds = 4 * 3600);
    for held in the(&mut world, "chat")
        .committed
        .values_mut()
        .flat_map(|v| v.values_mut())
    {
        held.since = start() - TimeDelta::hours(1);
    }
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "dear", 2), 2);
    assert_eq!(replicas(&plan, "chat", "cheap", 3), 2);
}

#[test]
fn dwell_is_the_reason_where_nothing_else_holds_it() {
    let mut world = dear_incumbent(24);
    set_policy(&mut world, |policy| policy.dwell_seconds = 400 * 3600);
    let plan = planned(&world);
    let Rejection::Dwell {
        until,
        saves_per_hour,
    } = rejection(&world, &plan, "chat", "cheap")
    else {
        panic!("{:?}", rejection(&world, &plan, "chat", "cheap"));
    };
    assert_eq!(until, start() + TimeDelta::hours(160));
    // 0.72 less two moves over 24 hours.
    assert!((saves_per_hour.0 - (0.72 - 2.0 / 24.0)).abs() < 1e-9);
}

#[test]
fn the_move_budget_spreads_a_move_over_hours() {
    let mut world = dear_incumbent(24);
    set_policy(&mut world, |policy| policy.moves_per_hour = 1);
    let plan = planned(&world);
    let there: Vec<_> = (0..3)
        .map(|slot| replicas(&plan, "chat", "cheap", slot))
        .collect();
    assert_eq!(there, [1, 2, 2]);
    set_policy(&mut world, |policy| policy.moves_per_hour = 0);
    let plan = planned(&world);
    assert_eq!(
        rejection(&world, &plan, "chat", "cheap").reason(),
        "MoveBudget"
    );
}

#[test]
fn planning_within_the_same_hour_does_not_renew_the_budget() {
    let mut world = dear_incumbent(24);
    set_policy(&mut world, |policy| policy.moves_per_hour = 1);
    let first = planned(&world);
    let after = admitted(&world, &first);
    let second = planned_after(&after, &first);
    assert_eq!(replicas(&second, "chat", "cheap", 0), 1);
    assert_eq!(replicas(&second, "chat", "cheap", 1), 2);
}

#[test]
fn a_window_that_lowers_the_limit_is_met_before_it_starts() {
    let mut world = dear_incumbent(4);
    set_policy(&mut world, |policy| policy.moves_per_hour = 0);
    at(&mut world, "dear").hours[2].limit = Watts(1500);
    let plan = planned(&world);
    let stays: Vec<_> = (0..4)
        .map(|slot| replicas(&plan, "chat", "dear", slot))
        .collect();
    // One replica has left when the window opens, though no move was allowed: a limit forced it.
    assert_eq!(stays, [2, 1, 1, 1]);
    assert_eq!(replicas(&plan, "chat", "cheap", 1), 1);
}

#[test]
fn a_limit_that_has_just_fallen_is_met_by_the_end_of_the_hour_and_nothing_grows_there() {
    let mut world = dear_incumbent(3);
    at(&mut world, "dear")
        .hours
        .iter_mut()
        .for_each(|hour| hour.limit = Watts(2000));
    deployment(&mut world, "mail", 100.0);
    the(&mut world, "mail").variants[0].watts = Watts(10);
    the(&mut world, "mail").variants[0].only_at = Some([SiteId::from("dear")].into());
    let plan = planned(&world);
    assert!(replicas(&plan, "chat", "dear", 0) <= 1);
    assert_eq!(replicas(&plan, "mail", "dear", 0), 0);
    assert_eq!(replicas(&plan, "mail", "dear", 1), 1);
}

#[test]
fn prices_that_cross_in_the_night_move_it_once_there_and_back_if_that_pays() {
    let mut world = dear_incumbent(24);
    commit(&mut world, "chat", "dear", 0);
    for slot in 8..16 {
        at(&mut world, "cheap").hours[slot].price_per_kwh = Money(0.90);
    }
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "cheap", 7), 2);
    assert_eq!(replicas(&plan, "chat", "dear", 8), 2);
    assert_eq!(replicas(&plan, "chat", "cheap", 16), 2);
    assert!((plan.objective.parts.moves.0 - 4.0).abs() < 1e-9);
}

#[test]
fn a_small_change_of_price_keeps_the_hour_and_a_large_one_does_not() {
    let mut world = world(24);
    site(&mut world, "a", 0.20);
    site(&mut world, "b", 0.21);
    deployment(&mut world, "chat", 2000.0);
    set_policy(&mut world, |policy| policy.move_cost = Money(0.0));
    let first = planned(&world);
    assert_eq!(replicas(&first, "chat", "a", 0), 2);
    at(&mut world, "a").hours[0].price_per_kwh = Money(0.22);
    let second = planned_after(&world, &first);
    assert_eq!(replicas(&second, "chat", "a", 0), 2);
    at(&mut world, "a")
        .hours
        .iter_mut()
        .for_each(|h| h.price_per_kwh = Money(0.60));
    let third = planned_after(&world, &second);
    assert_eq!(replicas(&third, "chat", "b", 0), 2);
}

#[test]
fn the_next_hours_plan_starts_from_what_was_said_of_it() {
    let mut world = dear_incumbent(24);
    set_policy(&mut world, |policy| policy.moves_per_hour = 1);
    let first = planned(&world);
    let mut next = admitted(&world, &first);
    next.slots.start += TimeDelta::hours(1);
    let second = planned_after(&next, &first);
    for slot in 0..23 {
        let (then, now) = (
            replicas(&first, "chat", "cheap", slot + 1),
            replicas(&second, "chat", "cheap", slot),
        );
        assert_eq!(then, now, "slot {slot}");
    }
}

#[test]
fn baselines_cost_no_less_than_the_plan_and_follow_their_rules() {
    let mut world = dear_incumbent(24);
    at(&mut world, "cheap")
        .hours
        .iter_mut()
        .for_each(|h| h.average_carbon = GramsPerKwh(600.0));
    site(&mut world, "clean", 0.90);
    at(&mut world, "clean")
        .hours
        .iter_mut()
        .for_each(|h| h.average_carbon = GramsPerKwh(10.0));
    let ours = planned(&world);
    let by = |rule| baseline(&world, &Plan::default(), rule);
    let (home, cheap, clean) = (by(Rule::StayAtHome), by(Rule::Cheapest), by(Rule::Cleanest));
    for plan in [&home, &cheap, &clean] {
        assert_clean(&world, plan);
        assert!(plan.objective.total.0 >= ours.objective.total.0 - 1e-9);
    }
    assert_eq!(replicas(&home, "chat", "dear", 23), 2);
    assert_eq!(replicas(&cheap, "chat", "cheap", 23), 2);
    assert_eq!(replicas(&clean, "chat", "clean", 23), 2);
}

#[test]
fn the_same_world_gives_the_same_bytes() {
    let world = dear_incumbent(24);
    let first = plan(&world, &Plan::default());
    assert_eq!(text(&first), text(&plan(&world, &Plan::default())));
    assert_eq!(text(&first), text(&plan(&world, &first)));
}
