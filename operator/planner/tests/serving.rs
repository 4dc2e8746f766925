//! Where serving goes, and what each limit does to it.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use common::*;
use commonwatt_fleet::*;

#[test]
fn the_cheapest_site_serves_and_the_other_is_dearer_by_the_difference_in_energy() {
    let mut world = world(4);
    site(&mut world, "cheap", 0.10);
    site(&mut world, "dear", 0.30);
    deployment(&mut world, "chat", 2500.0);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "cheap", 0), 3);
    // Three replicas of 1.5 kW at PUE 1.2 for 0.20 more per kWh.
    let Rejection::Dearer { per_hour, parts } = rejection(&world, &plan, "chat", "dear") else {
        panic!("{:?}", rejection(&world, &plan, "chat", "dear"));
    };
    assert!((per_hour.0 - 1.08).abs() < 1e-9 && (parts.energy.0 - 1.08).abs() < 1e-9);
    assert_eq!(
        choice(&world, &plan, "chat", "cheap").detail(),
        "cheapest; next is dear at 1.08/h more"
    );
}

#[test]
fn a_full_site_spills_over_and_says_what_bound() {
    let mut world = world(2);
    site(&mut world, "cheap", 0.10);
    site(&mut world, "dear", 0.30);
    at(&mut world, "cheap")
        .hours
        .iter_mut()
        .for_each(|h| h.limit = Watts(3200));
    deployment(&mut world, "chat", 5000.0);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "cheap", 0), 2);
    assert_eq!(replicas(&plan, "chat", "dear", 0), 3);
    let Choice::OthersFull { full } = choice(&world, &plan, "chat", "dear") else {
        panic!("{:?}", choice(&world, &plan, "chat", "dear"));
    };
    assert_eq!(full[0].0, "cheap");
    assert!(full[0].1.contains("200 W left of 3.2 kW"), "{}", full[0].1);
}

#[test]
fn replicas_of_eight_do_not_fit_on_nodes_that_have_seven_free() {
    let mut world = world(1);
    site(&mut world, "split", 0.10);
    let pool = at(&mut world, "split")
        .pools
        .get_mut(&Product::from(PRODUCT))
        .unwrap();
    pool.nodes = BTreeMap::from([(7, 4)]);
    deployment(&mut world, "chat", 500.0);
    the(&mut world, "chat").variants[0].accelerators = 8;
    let plan = planned(&world);
    assert_eq!(
        unmet(&plan, "chat").unwrap().tokens_per_second,
        TokensPerSecond(500.0)
    );
    assert_eq!(
        rejection(&world, &plan, "chat", "split"),
        Rejection::Accelerators {
            product: PRODUCT.into(),
            need: 8,
            free: 28,
            largest_node: 7
        }
    );
}

#[test]
fn eligibility_is_rejected_in_a_fixed_order_with_its_numbers() {
    let mut world = world(1);
    for name in [
        "far", "foreign", "late", "none", "refused", "silent", "tied",
    ] {
        site(&mut world, name, 0.10);
    }
    deployment(&mut world, "chat", 1000.0);
    at(&mut world, "far").latencies.insert("eu".into(), 51);
    at(&mut world, "foreign").jurisdiction = "US".into();
    at(&mut world, "late").valid_until = start();
    at(&mut world, "none").pools.clear();
    at(&mut world, "silent").latencies.clear();
    let chat = the(&mut world, "chat");
    chat.jurisdictions = BTreeSet::from(["DE".to_owned()]);
    chat.variants[0].only_at = Some(
        ["far", "foreign", "late", "none", "refused", "silent"]
            .map(SiteId::from)
            .into(),
    );
    let refusal = Refusal {
        offer_revision: 1,
        most_replicas: 0,
        reason: "NoRoom".into(),
        detail: "feeder".into(),
    };
    chat.refusals.insert("refused".into(), refusal);
    let plan = planned(&world);
    let reason = |site| rejection(&world, &plan, "chat", site).reason();
    assert_eq!(reason("far"), "Latency");
    assert_eq!(reason("foreign"), "Jurisdiction");
    assert_eq!(reason("late"), "OfferExpired");
    assert_eq!(reason("none"), "NoAccelerator");
    assert_eq!(reason("refused"), "RefusedBySite");
    assert_eq!(reason("silent"), "Latency");
    assert_eq!(reason("tied"), "NotOfferedHere");
}

#[test]
fn a_refusal_caps_until_the_offer_changes() {
    let mut world = world(1);
    site(&mut world, "cheap", 0.10);
    site(&mut world, "dear", 0.30);
    deployment(&mut world, "chat", 4000.0);
    let refusal = Refusal {
        offer_revision: 1,
        most_replicas: 1,
        reason: "NoRoom".into(),
        detail: "feeder".into(),
    };
    the(&mut world, "chat")
        .refusals
        .insert("cheap".into(), refusal);
    assert_eq!(replicas(&planned(&world), "chat", "cheap", 0), 1);
    at(&mut world, "cheap").offer_revision = 2;
    assert_eq!(replicas(&planned(&world), "chat", "cheap", 0), 4);
}

#[test]
fn a_site_past_its_offer_keeps_what_it_has_and_grows_no_more() {
    let mut world = world(3);
    site(&mut world, "old", 0.10);
    site(&mut world, "new", 0.30);
    at(&mut world, "old").valid_until = start();
    deployment(&mut world, "chat", 4000.0);
    commit(&mut world, "chat", "old", 2);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "old", 2), 2);
    assert_eq!(replicas(&plan, "chat", "new", 2), 2);
}

#[test]
fn minimum_sites_are_kept_and_missing_ones_declared() {
    let mut world = world(1);
    site(&mut world, "cheap", 0.10);
    site(&mut world, "dear", 0.30);
    deployment(&mut world, "chat", 3000.0);
    the(&mut world, "chat").minimum_sites = 2;
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "cheap", 0), 2);
    assert_eq!(replicas(&plan, "chat", "dear", 0), 1);
    assert_eq!(
        choice(&world, &plan, "chat", "dear"),
        Choice::MinimumSites { sites: 2 }
    );
    the(&mut world, "chat").minimum_sites = 3;
    let plan = planned(&world);
    assert_eq!(unmet(&plan, "chat").unwrap().sites_missing, 1);
}

#[test]
fn floors_hold_the_deployments_floor_and_each_minimum_site() {
    let mut world = world(1);
    site(&mut world, "cheap", 0.10);
    site(&mut world, "dear", 0.30);
    deployment(&mut world, "chat", 6000.0);
    the(&mut world, "chat").minimum_sites = 2;
    the(&mut world, "chat").floor = TokensPerSecond(2500.0);
    let plan = planned(&world);
    let decision = &plan.deployments[&DeploymentId::new("team", "chat")];
    let floors: Vec<_> = decision
        .sites
        .values()
        .map(|v| v[&"full".into()].floor[0])
        .collect();
    assert_eq!(floors.iter().sum::<u32>(), 3);
    assert!(floors.iter().all(|floor| *floor >= 1));
}

#[test]
fn a_higher_priority_takes_over_in_the_hour_after_room_was_made() {
    let mut world = world(3);
    site(&mut world, "only", 0.10);
    at(&mut world, "only")
        .hours
        .iter_mut()
        .for_each(|h| h.limit = Watts(3000));
    deployment(&mut world, "low", 2000.0);
    deployment(&mut world, "vital", 1000.0);
    the(&mut world, "vital").priority = 10;
    commit(&mut world, "low", "only", 2);
    let plan = planned(&world);
    let count = |name, slot| replicas(&plan, name, "only", slot);
    // A transition charges both sides: first low gives way, then vital comes.
    assert_eq!((count("low", 0), count("vital", 0)), (1, 0));
    assert_eq!((count("low", 1), count("vital", 1)), (1, 1));
}

#[test]
fn unserved_tokens_are_a_last_resort_even_where_they_are_declared_worthless() {
    let mut world = world(1);
    site(&mut world, "only", 0.50);
    deployment(&mut world, "chat", 1000.0);
    let policy = world.policies.get_mut("standard").unwrap();
    policy.unserved_per_million_tokens = Money(1e-9);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "only", 0), 1);
}

#[test]
fn water_admits_only_what_can_stay_to_the_horizons_end() {
    let mut world = world(10);
    site(&mut world, "river", 0.10);
    site(&mut world, "dry", 0.30);
    // 1.5 kW at 1 L/kWh for ten hours: 15 L a replica; 40 L are this horizon's part.
    at(&mut world, "river").water = Some(WaterStock {
        remaining: Liters(400.0),
        hours_left: 100.0,
        set_by: "waterbudget/river".into(),
    });
    deployment(&mut world, "chat", 4000.0);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "river", 0), 2);
    // Ten litres are left: enough for a third once no more than six hours remain.
    let third = (0..10).find(|slot| replicas(&plan, "chat", "river", *slot) == 3);
    assert_eq!(third, Some(4));
    let Choice::OthersFull { full } = choice(&world, &plan, "chat", "dry") else {
        panic!("{:?}", choice(&world, &plan, "chat", "dry"));
    };
    assert!(full[0].1.contains("needs 6 L, 1 L left"), "{}", full[0].1);
}

#[test]
fn incumbents_above_the_water_allowance_go_on_and_nobody_joins_them() {
    let mut world = world(4);
    site(&mut world, "river", 0.10);
    site(&mut world, "dry", 0.12);
    at(&mut world, "river").water = Some(WaterStock {
        remaining: Liters(1.0),
        hours_left: 100.0,
        set_by: "waterbudget/river".into(),
    });
    deployment(&mut world, "chat", 2000.0);
    deployment(&mut world, "mail", 1000.0);
    commit(&mut world, "chat", "river", 2);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "river", 3), 2);
    assert_eq!(replicas(&plan, "mail", "river", 0), 0);
    assert_eq!(rejection(&world, &plan, "mail", "river").reason(), "Water");
}

#[test]
fn nothing_is_planned_where_nothing_is_known() {
    let mut empty = world(0);
    deployment(&mut empty, "chat", 1000.0);
    assert!(planned(&empty).deployments.is_empty());
    let mut alone = world(3);
    deployment(&mut alone, "chat", 1000.0);
    let plan = planned(&alone);
    assert_eq!(unmet(&plan, "chat").unwrap().sites_missing, 1);
    // Three hours of a thousand tokens per second at 50 per million.
    assert!((plan.objective.total.0 - 540.0).abs() < 1e-9);
    assert!((plan.bound.lower.unwrap().0 - 540.0).abs() < 1e-3);
}

#[test]
fn an_hour_that_an_offer_leaves_out_has_no_power() {
    let mut world = world(3);
    site(&mut world, "short", 0.10);
    at(&mut world, "short").hours.truncate(2);
    deployment(&mut world, "chat", 1000.0);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "short", 0), 1);
    // Slot 1 must end with what slot 2 may hold.
    assert_eq!(replicas(&plan, "chat", "short", 1), 0);
}

#[test]
fn an_expired_offer_does_not_stop_a_site_that_is_heard_again() {
    let mut world = world(2);
    site(&mut world, "back", 0.10);
    at(&mut world, "back").valid_until = start() + TimeDelta::hours(1);
    deployment(&mut world, "chat", 1000.0);
    let plan = planned(&world);
    assert_eq!(replicas(&plan, "chat", "back", 0), 1);
    assert_eq!(replicas(&plan, "chat", "back", 1), 1);
}
