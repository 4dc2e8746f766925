//! What a plan comes to, counted from its ceilings, is what the plan says it costs.

mod common;
mod random;

use commonwatt_fleet::*;
use commonwatt_planner::plan;
use proptest::prelude::*;
use random::any_world;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_sites_use_adds_up_to_the_plans_cost(world in any_world()) {
        let (world, _) = sound(&world);
        let plan = plan(&world, &Plan::default());
        let total = Account::of(&world, &plan).total().running;
        let parts = plan.objective.parts;
        for (name, counted, said) in [
            ("energy", total.energy, parts.energy),
            ("accelerators", total.accelerators, parts.accelerators),
            ("carbon", total.carbon, parts.carbon),
            ("water", total.water, parts.water),
        ] {
            let near = (counted.0 - said.0).abs() <= 1e-6 * (1.0 + said.0.abs());
            prop_assert!(near, "{name}: {counted:?} counted, {said:?} said");
        }
    }

    #[test]
    fn nothing_is_above_a_limit_but_in_the_hour_that_began_above_it(world in any_world()) {
        let (world, _) = sound(&world);
        let plan = plan(&world, &Plan::default());
        for breach in Account::of(&world, &plan).breaches {
            prop_assert_eq!(breach.slot, 0, "{:?}", breach);
        }
    }

    #[test]
    fn what_is_not_served_is_what_the_first_slots_decisions_lack_and_more(world in any_world()) {
        let (world, _) = sound(&world);
        let plan = plan(&world, &Plan::default());
        let seconds = f64::from(world.slots.seconds);
        let first: f64 = plan.deployments.values().filter_map(|one| one.unmet.as_ref()).map(|unmet| unmet.tokens_per_second.0).sum();
        let account = Account::of(&world, &plan);
        prop_assert!(account.unserved_tokens >= (first * seconds) * (1.0 - 1e-6));
    }
}
