//! What the explainer says of any plan of any world is true by the auditor's arithmetic, which it shares no code with.

mod common;
mod random;

use std::collections::BTreeMap;

use commonwatt_audit::{Finding, Rule as Broken, audit};
use commonwatt_fleet::*;
use commonwatt_planner::{Explainer, Rule, baseline, plan};
use proptest::prelude::*;
use random::any_world;

/// The plan with a deployment at one place only, for as long as its first slot's placement lasts.
fn instead(
    plan: &Plan,
    id: &DeploymentId,
    site: &SiteId,
    variant: &VariantName,
    replicas: u32,
) -> Plan {
    let mut changed = plan.clone();
    let slots = plan.slots.expect("slots").count;
    let decision = changed.deployments.get_mut(id).expect("a decision");
    let places: Vec<_> = decision.sites.values().flat_map(BTreeMap::values).collect();
    let same = |slot: &usize| {
        places
            .iter()
            .all(|place| place.ceiling[*slot] == place.ceiling[0])
    };
    let lasts = (0..slots).take_while(same).count();
    for placement in decision.sites.values_mut().flat_map(BTreeMap::values_mut) {
        placement.ceiling[..lasts].fill(0);
    }
    let empty = SitePlacement {
        ceiling: vec![0; slots],
        floor: vec![0; slots],
        watts: Watts::ZERO,
        cost_per_hour: CostParts::default(),
        grams_per_hour: GramsCo2e::ZERO,
        liters_per_hour: Liters::ZERO,
    };
    let here = decision.sites.entry(site.clone()).or_default();
    let here = here.entry(variant.clone()).or_insert(empty);
    here.ceiling[..lasts].fill(replicas);
    changed
}

/// Which capacity rules a plan breaks at a site.
fn broken_at(world: &World, plan: &Plan, site: &SiteId) -> Vec<Broken> {
    let capacity = [
        Broken::Power,
        Broken::Nodes,
        Broken::Water,
        Broken::Refusal,
        Broken::OfferExpired,
    ];
    let here =
        |finding: &Finding| finding.site.as_ref() == Some(site) && capacity.contains(&finding.rule);
    let findings = audit(world, plan).into_iter().filter(here);
    findings.map(|finding| finding.rule).collect()
}

/// The audit's rule for a limit.
fn rule_of(rejection: &Rejection) -> Option<Broken> {
    match rejection {
        Rejection::Power { .. } => Some(Broken::Power),
        Rejection::Accelerators { .. } => Some(Broken::Nodes),
        Rejection::Water { .. } => Some(Broken::Water),
        Rejection::RefusedBySite {
            most_replicas: 1.., ..
        } => Some(Broken::Refusal),
        _ => None,
    }
}

/// The plan without its batch work, which gives way to serving.
fn without_jobs(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for job in plan.jobs.values_mut() {
        job.placed = None;
    }
    plan
}

fn check_deployments(world: &World, plan: &Plan) -> Result<(), TestCaseError> {
    let (world, _) = sound(world);
    let world = world.as_ref();
    let explainer = Explainer::new(world, plan);
    let serving = without_jobs(plan);
    for (id, deployment) in &world.deployments {
        let explained = explainer.deployment(id).expect("a deployment");
        for site in world.sites.keys() {
            let (chosen, rejected) = (explained.chosen.get(site), explained.rejected.get(site));
            prop_assert!(
                chosen.is_some() != rejected.is_some(),
                "{id} at {site}: {chosen:?} {rejected:?}"
            );
            let runs = (0..world.slots.count).any(|slot| {
                deployment
                    .variants
                    .iter()
                    .any(|variant| plan.replicas(id, site, &variant.name, slot) > 0)
            });
            prop_assert_eq!(runs, chosen.is_some());
            let Some(rejection) = rejected else { continue };
            let with = |plan: &Plan, replicas: u32, variant: &Variant| {
                let changed = instead(plan, id, site, &variant.name, replicas);
                broken_at(world, &changed, site)
            };
            let mut variants = deployment.variants.iter();
            if let Some(rule) = rule_of(rejection) {
                let all = |one: &Variant| one.replicas_for(deployment.demand).max(1);
                let any = variants.any(|one| {
                    let alone = with(&serving, all(one), one);
                    alone.contains(&rule) || with(plan, all(one), one).contains(&rule)
                });
                prop_assert!(
                    any,
                    "{id} at {site}: {rejection:?}, and the audit found none"
                );
            } else if rejection.reason() == "Dearer" {
                let fits = variants.any(|one| with(&serving, 1, one).is_empty());
                prop_assert!(
                    fits,
                    "{id} at {site}: {rejection:?}, and the audit has no room"
                );
            }
        }
    }
    Ok(())
}

fn check_jobs(world: &World, plan: &Plan) -> Result<(), TestCaseError> {
    let (world, _) = sound(world);
    let world = world.as_ref();
    let explainer = Explainer::new(world, plan);
    for id in world.jobs.keys() {
        let rejected = explainer.job(id).expect("a job").rejected;
        let placed = plan.jobs[id].placed.as_ref();
        for site in world.sites.keys() {
            let here = placed.is_some_and(|placed| placed.site == *site);
            prop_assert!(here != rejected.contains_key(site), "job {id} at {site}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_site_is_chosen_or_has_a_reason_that_the_audit_agrees_with(world in any_world()) {
        let plan = plan(&world, &Plan::default());
        check_deployments(&world, &plan)?;
        check_jobs(&world, &plan)?;
    }

    #[test]
    fn a_baselines_plan_is_explained_as_well(world in any_world()) {
        let plan = baseline(&world, &Plan::default(), Rule::StayAtHome);
        check_deployments(&world, &plan)?;
        check_jobs(&world, &plan)?;
    }

    #[test]
    fn a_plan_of_another_world_is_explained_without_a_panic(world in any_world(), other in any_world()) {
        let plan = plan(&other, &Plan::default());
        let explainer = Explainer::new(&world, &plan);
        for id in world.deployments.keys() {
            let _ = explainer.deployment(id);
        }
        for id in world.jobs.keys() {
            let _ = explainer.job(id);
        }
    }
}
