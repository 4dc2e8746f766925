//! How long plans take. Ignored by default: `cargo test --release -p commonwatt-planner --test speed -- --ignored --nocapture`.

mod common;

use std::time::Instant;

use common::*;
use commonwatt_audit::audit;
use commonwatt_fleet::*;
use commonwatt_planner::{Rule, baseline, plan};

/// A fleet whose prices and carbon follow the sun, filled to a part of its capacity.
fn fleet(sites: usize, deployments: usize, slots: usize, fill: f64) -> World {
    let mut world = world(slots);
    let mut seed = 7_u64;
    let mut next = move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) % 10_000) as f64 / 10_000.0
    };
    let replicas_per_site = 4.0 * 64.0;
    let demand = fill * replicas_per_site * 1000.0 * sites as f64 / deployments as f64;
    for number in 0..sites {
        let name = format!("site-{number:03}");
        site(&mut world, &name, 0.1);
        let (phase, level) = (next() * 24.0, 0.05 + 0.2 * next());
        let site = at(&mut world, &name);
        site.pools
            .values_mut()
            .for_each(|pool| pool.nodes = [(8, 64)].into());
        for (slot, hour) in site.hours.iter_mut().enumerate() {
            let sun = ((slot as f64 + phase) / 24.0 * std::f64::consts::TAU).sin();
            hour.price_per_kwh = Money(level * (1.0 + 0.6 * sun));
            hour.average_carbon = GramsPerKwh(300.0 * (1.1 + sun));
            hour.limit = Watts(400_000);
        }
    }
    for number in 0..deployments {
        let name = format!("model-{number:04}");
        deployment(&mut world, &name, demand * (0.5 + next()));
        the(&mut world, &name).priority = (number % 3) as i32;
        the(&mut world, &name).minimum_sites = 1 + (number % 2) as u32;
    }
    for number in 0..deployments / 5 {
        job(&mut world, &format!("job-{number:04}"), 3, slots as i64);
    }
    world
}

#[test]
#[ignore = "a measurement, not a check"]
fn timings() {
    for (sites, deployments, slots, fill) in [
        (10, 20, 48, 0.5),
        (10, 20, 48, 1.2),
        (50, 1000, 24, 0.5),
        (50, 1000, 24, 0.95),
        (50, 1000, 24, 1.2),
    ] {
        let world = fleet(sites, deployments, slots, fill);
        let begun = Instant::now();
        let first = plan(&world, &Plan::default());
        let cold = begun.elapsed();
        let begun = Instant::now();
        let second = plan(&world, &first);
        let again = begun.elapsed();
        assert_eq!(first, second);
        let after = admitted(&world, &first);
        let begun = Instant::now();
        let third = plan(&after, &first);
        let admitted = begun.elapsed();
        let begun = Instant::now();
        let findings = audit(&world, &first).len() + audit(&after, &third).len();
        let audited = begun.elapsed() / 2;
        let unmet = first
            .deployments
            .values()
            .filter(|d| d.unmet.is_some())
            .count();
        let lower = first.bound.lower.unwrap_or_default().0;
        println!(
            "{deployments}x{sites}x{slots} fill {fill}: cold {cold:?}, again {again:?}, after admission {admitted:?}, audit {audited:?}, {findings} findings, {unmet} unmet, gap {:.2} %",
            100.0 * (first.objective.total.0 - lower) / first.objective.total.0
        );
        for rule in Rule::ALL {
            let other = baseline(&world, &Plan::default(), rule);
            let unmet = other
                .deployments
                .values()
                .filter(|d| d.unmet.is_some())
                .count();
            println!(
                "    {rule:?}: {:+.2} % of our cost, {unmet} unmet",
                100.0 * (other.objective.total.0 / first.objective.total.0 - 1.0)
            );
        }
    }
}
