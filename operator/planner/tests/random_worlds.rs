//! Whatever the world, the planner keeps every limit and does not change its mind without a reason.
//! More of them: `PROPTEST_CASES=100000 cargo test --release -p commonwatt-planner --test random_worlds`.

mod common;
mod random;

use chrono::TimeDelta;
use common::*;
use commonwatt_fleet::*;
use commonwatt_planner::{Rule, baseline, path, plan};
use proptest::prelude::*;
use random::any_world;

/// What is decided, without what is said of it.
fn counts(plan: &Plan) -> String {
    let serving = plan.deployments.iter().flat_map(|(id, decision)| {
        decision.sites.iter().flat_map(move |(site, variants)| {
            variants.iter().map(move |(variant, placement)| {
                format!("{id} {site} {variant} {:?}", placement.ceiling)
            })
        })
    });
    let jobs = plan.jobs.iter().filter_map(|(id, job)| {
        let placed = job.placed.as_ref()?;
        Some(format!("{id} {} {:?}", placed.site, placed.runs))
    });
    serving.chain(jobs).collect::<Vec<_>>().join("\n")
}

fn served_in_full(plan: &Plan) -> bool {
    plan.deployments
        .values()
        .all(|decision| decision.unmet.is_none())
}

/// A world in which some of eight things are wrong, where there is something for them to be wrong with.
fn with_flaws(mut world: World, flaws: u32) -> World {
    let wrong = |flaw: u32| flaws & (1 << flaw) != 0;
    if let Some(site) = world.sites.values_mut().next() {
        if let Some(hour) = site.hours.first_mut().filter(|_| wrong(0)) {
            hour.price_per_kwh = Money(f64::NAN);
        }
        if wrong(1) {
            site.scarcity = f64::INFINITY;
        }
    }
    if let Some(site) = world.sites.values_mut().next_back() {
        if let Some(hour) = site.hours.last_mut().filter(|_| wrong(2)) {
            hour.limit = Watts(-1_000);
        }
        if let Some(water) = site.water.as_mut().filter(|_| wrong(3)) {
            water.remaining = Liters(f64::NEG_INFINITY);
        }
    }
    if let Some(first) = world.deployments.values_mut().next() {
        if wrong(4) {
            first.demand = TokensPerSecond(f64::NAN);
        }
        for variant in first.variants.iter_mut().filter(|_| wrong(5)) {
            variant.watts = Watts(-variant.watts.0 - 1);
        }
    }
    if let Some(job) = world.jobs.values_mut().next() {
        for shape in job.shapes.values_mut().filter(|_| wrong(6)) {
            shape.pods = u32::MAX;
        }
        if wrong(7) {
            job.policy = "gone".into();
        }
    }
    world
}

/// Nothing runs.
fn release_all(world: &mut World) {
    for deployment in world.deployments.values_mut() {
        deployment.committed.clear();
    }
    for job in world.jobs.values_mut() {
        (job.running, job.started_at) = (false, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_keeps_every_limit(world in any_world()) {
        let plan = plan(&world, &Plan::default());
        assert_clean(&world, &plan);
    }

    #[test]
    fn planning_again_gives_the_same_plan_byte_for_byte(world in any_world()) {
        let first = plan(&world, &Plan::default());
        let second = plan(&world, &first);
        prop_assert_eq!(text(&first), text(&second));
    }

    #[test]
    fn a_plan_after_another_worlds_plan_is_clean_and_then_stays(
        world in any_world(), other in any_world(),
    ) {
        let first = plan(&world, &plan(&other, &Plan::default()));
        assert_clean(&world, &first);
        prop_assert_eq!(text(&first), text(&plan(&world, &first)));
    }

    #[test]
    fn admission_alone_changes_nothing_where_nothing_ran_before(mut world in any_world()) {
        release_all(&mut world);
        let first = plan(&world, &Plan::default());
        if !served_in_full(&first) {
            return Ok(());
        }
        let after = admitted(&world, &first);
        let second = plan(&after, &first);
        assert_clean(&after, &second);
        prop_assert_eq!(counts(&first), counts(&second));
    }

    #[test]
    fn admission_comes_to_rest(world in any_world()) {
        let (mut world, mut last) = (world.clone(), plan(&world, &Plan::default()));
        for _ in 0..8 {
            world = admitted(&world, &last);
            let next = plan(&world, &last);
            assert_clean(&world, &next);
            if counts(&next) == counts(&last) {
                return Ok(());
            }
            last = next;
        }
        prop_assert!(false, "eight rounds did not come to rest");
    }

    #[test]
    fn the_next_hour_is_clean_and_then_stays(world in any_world()) {
        let first = plan(&world, &Plan::default());
        let mut next = admitted(&world, &first);
        next.slots.start += TimeDelta::hours(1);
        let second = plan(&next, &first);
        assert_clean(&next, &second);
        prop_assert_eq!(text(&second), text(&plan(&next, &second)));
    }

    #[test]
    fn what_is_wrong_with_one_object_stops_nothing_else(world in any_world(), flaws in 0..256_u32) {
        let flawed = with_flaws(world, flaws);
        let made = plan(&flawed, &Plan::default());
        assert_clean(&flawed, &made);
        let (sound, _) = sound(&flawed);
        prop_assert!(sound.deployments.keys().eq(made.deployments.keys()));
        prop_assert!(sound.jobs.keys().eq(made.jobs.keys()));
        prop_assert_eq!(text(&made), text(&plan(&sound, &Plan::default())));
    }

    #[test]
    fn baselines_keep_every_limit(world in any_world()) {
        for rule in Rule::ALL {
            assert_clean(&world, &baseline(&world, &Plan::default(), rule));
        }
    }

    #[test]
    fn every_plan_of_the_planner_has_a_path_that_leaves_nothing_out(world in any_world()) {
        let first = plan(&world, &Plan::default());
        let there = whole_path(&world, &first);
        prop_assert_eq!(there, path(&world, &first));
        let next = admitted(&world, &first);
        whole_path(&next, &plan(&next, &first));
    }

    #[test]
    fn so_have_the_plans_of_baselines(world in any_world()) {
        for rule in Rule::ALL {
            whole_path(&world, &baseline(&world, &Plan::default(), rule));
        }
    }

    #[test]
    fn a_plan_that_knows_nothing_of_what_runs_is_reached_safely_as_far_as_can_be(
        mut world in any_world(), prices in prop::collection::vec(0.0..1.0_f64, 8),
    ) {
        release_all(&mut world);
        let now = admitted(&world, &plan(&world, &Plan::default()));
        let mut other = now.clone();
        for deployment in other.deployments.values_mut() {
            deployment.committed.clear();
        }
        for (site, pair) in other.sites.values_mut().zip(prices.chunks(2)) {
            site.hours.iter_mut().for_each(|hour| hour.price_per_kwh = Money(pair[0]));
            site.pools.values_mut().for_each(|pool| pool.price_per_hour = Money(5.0 * pair[1]));
        }
        safe_path(&now, &plan(&other, &Plan::default()));
    }
}
