//! Batch: which hours, where, and the truth about deadlines.

mod common;

use chrono::TimeDelta;
use common::*;
use commonwatt_fleet::*;
use commonwatt_planner::Explainer;

fn priced(prices: &[f64]) -> World {
    let mut world = world(prices.len());
    site(&mut world, "hall", 0.0);
    for (hour, price) in at(&mut world, "hall").hours.iter_mut().zip(prices) {
        hour.price_per_kwh = Money(*price);
    }
    world
}

fn job_explained(world: &World, plan: &Plan, name: &str) -> JobExplanation {
    let explainer = Explainer::new(world, plan);
    explainer.job(&JobId::new("team", name)).expect("a job")
}

fn runs(plan: &Plan, name: &str) -> Vec<usize> {
    let placed = job_of(plan, name).placed.as_ref().expect("placed");
    (0..placed.runs.len())
        .filter(|slot| placed.runs[*slot])
        .collect()
}

#[test]
fn a_job_waits_for_the_cheap_hours_and_says_what_that_saves() {
    let mut world = priced(&[0.5, 0.1, 0.5, 0.1, 0.5]);
    job(&mut world, "train", 2, 5);
    let plan = planned(&world);
    assert_eq!(runs(&plan, "train"), [1, 3]);
    let placed = job_of(&plan, "train").placed.as_ref().unwrap();
    // 6 kW at PUE 1.2 for one hour at 0.4 less.
    assert!((placed.saved_by_waiting.0 - 2.88).abs() < 1e-9);
}

#[test]
fn a_job_that_cannot_pause_runs_in_one_piece() {
    let mut world = priced(&[0.5, 0.1, 0.5, 0.1, 0.2]);
    job(&mut world, "train", 2, 5);
    the_job(&mut world, "train").interruptible = false;
    assert_eq!(runs(&planned(&world), "train"), [3, 4]);
}

#[test]
fn serving_comes_first_and_the_job_takes_what_is_left() {
    let mut world = priced(&[0.1, 0.2, 0.3]);
    at(&mut world, "hall")
        .hours
        .iter_mut()
        .for_each(|h| h.limit = Watts(7000));
    at(&mut world, "hall").hours[2].limit = Watts(8000);
    deployment(&mut world, "chat", 1000.0);
    job(&mut world, "train", 1, 3);
    assert_eq!(runs(&planned(&world), "train"), [2]);
}

#[test]
fn the_tightest_job_chooses_first() {
    let mut world = priced(&[0.1, 0.5, 0.5]);
    at(&mut world, "hall")
        .hours
        .iter_mut()
        .for_each(|h| h.limit = Watts(6000));
    job(&mut world, "a-loose", 1, 3);
    job(&mut world, "b-tight", 1, 1);
    let plan = planned(&world);
    assert_eq!(runs(&plan, "b-tight"), [0]);
    assert_eq!(runs(&plan, "a-loose"), [1]);
}

#[test]
fn a_job_that_cannot_be_done_in_time_is_at_risk_and_gets_the_earliest_hours() {
    let mut world = priced(&[0.5, 0.4, 0.1, 0.1]);
    job(&mut world, "train", 3, 2);
    let plan = planned(&world);
    assert!(job_of(&plan, "train").at_risk);
    assert_eq!(runs(&plan, "train"), [0, 1, 2]);
}

#[test]
fn a_started_job_stays_at_its_site() {
    let mut world = priced(&[0.5, 0.5]);
    site(&mut world, "cheap", 0.0);
    job(&mut world, "train", 1, 2);
    the_job(&mut world, "train").started_at = Some("hall".into());
    let plan = planned(&world);
    let decision = job_of(&plan, "train");
    assert_eq!(decision.placed.as_ref().unwrap().site, "hall".into());
    assert_eq!(
        job_explained(&world, &plan, "train").rejected[&SiteId::from("cheap")].reason(),
        "StartedElsewhere"
    );
}

#[test]
fn a_job_with_time_beyond_the_horizon_is_not_at_risk() {
    let mut world = priced(&[0.5, 0.5]);
    job(&mut world, "long", 10, 30);
    let plan = planned(&world);
    assert!(!job_of(&plan, "long").at_risk);
    assert_eq!(runs(&plan, "long"), [0, 1]);
}

#[test]
fn every_site_says_why_it_does_not_do_a_job() {
    let mut world = priced(&[0.1, 0.1]);
    for name in ["dear", "foreign", "late", "none", "small", "weak"] {
        site(&mut world, name, 0.9);
    }
    job(&mut world, "train", 1, 2);
    the_job(&mut world, "train").jurisdictions = ["DE".to_owned()].into();
    at(&mut world, "foreign").jurisdiction = "US".into();
    at(&mut world, "late").valid_until = start() - TimeDelta::hours(1);
    at(&mut world, "none").pools.clear();
    at(&mut world, "small")
        .pools
        .values_mut()
        .for_each(|p| p.nodes = [(4, 9)].into());
    at(&mut world, "weak")
        .hours
        .iter_mut()
        .for_each(|h| h.limit = Watts(5000));
    let plan = planned(&world);
    let rejected = job_explained(&world, &plan, "train").rejected;
    let reason = |site: &str| rejected[&SiteId::from(site)].reason();
    assert_eq!(reason("dear"), "Dearer");
    assert_eq!(reason("foreign"), "Jurisdiction");
    assert_eq!(reason("late"), "OfferExpired");
    assert_eq!(reason("none"), "NoAccelerator");
    assert_eq!(reason("small"), "Accelerators");
    assert_eq!(reason("weak"), "Power");
}

#[test]
fn water_can_end_before_a_job_does() {
    let mut world = priced(&[0.1, 0.1, 0.1]);
    at(&mut world, "hall").water = Some(WaterStock {
        remaining: Liters(13.0),
        hours_left: 1.0,
        set_by: "waterbudget/river".into(),
    });
    // 6 kW at 1 L/kWh: two hours fit in 13 L.
    job(&mut world, "train", 3, 3);
    let plan = planned(&world);
    assert!(job_of(&plan, "train").at_risk);
    assert_eq!(runs(&plan, "train"), [0, 1]);
}
