//! Breaks of each rule, one at a time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use commonwatt_audit::Rule;
use commonwatt_fleet::*;

use crate::Mutation;
use crate::common::*;

/// Everything that can go wrong, one at a time.
pub const MUTATIONS: &[Mutation] = &[
    ("another horizon", Rule::Horizon, |_, plan| {
        plan.slots = None;
    }),
    ("a short ceiling", Rule::Horizon, |_, plan| {
        placement(plan).ceiling.truncate(1);
    }),
    ("a long job vector", Rule::Horizon, |_, plan| {
        placed(plan).runs.push(false);
    }),
    ("a deployment forgotten", Rule::Names, |_, plan| {
        plan.deployments.clear();
    }),
    ("a job forgotten", Rule::Names, |_, plan| plan.jobs.clear()),
    ("a site that is not there", Rule::Names, |world, _| {
        world.sites.remove(&SiteId::from("hall"));
    }),
    ("a variant that is not there", Rule::Names, |world, _| {
        deployment(world).variants[0].name = "other".into();
    }),
    ("another law", Rule::Jurisdiction, |world, _| {
        site(world, "hall").jurisdiction = "US".into();
    }),
    ("another law for the job", Rule::Jurisdiction, |world, _| {
        job(world).jurisdictions = BTreeSet::from(["FR".to_owned()]);
    }),
    ("too far", Rule::Latency, |world, _| {
        site(world, "hall").latencies.insert("eu".into(), 51);
    }),
    ("an unknown distance", Rule::Latency, |world, _| {
        site(world, "hall").latencies.clear();
    }),
    ("another product", Rule::Product, |world, plan| {
        // Free of charge, so that nothing but the product is amiss.
        pool(world).price_per_hour = Money(0.0);
        costs(world, plan, moves(1.0));
        deployment(world).variants[0].product = "L4".into();
    }),
    ("a variant of another site", Rule::OnlyAt, |world, _| {
        deployment(world).variants[0].only_at = Some(BTreeSet::from(["mill".into()]));
    }),
    ("a refusal", Rule::Refusal, |world, _| {
        deployment(world).refusals = refusal(1);
    }),
    ("a refusal of the job", Rule::Refusal, |world, _| {
        job(world).refusals = refusal(0);
    }),
    ("growth past the offer", Rule::OfferExpired, |world, _| {
        site(world, "hall").valid_until = start();
    }),
    ("a limit too low", Rule::Power, |world, _| {
        site(world, "hall").hours[0].limit = Watts(3999);
    }),
    ("a limit too low with the job", Rule::Power, |world, _| {
        site(world, "hall").hours[1].limit = Watts(8999);
    }),
    (
        "a limit that falls after the first hour",
        Rule::Power,
        |world, plan| {
            site(world, "hall").hours[1].limit = Watts(7000);
            // The after-state fits with the job, what was before does not.
            placement(plan).ceiling[1] = 1;
            let demand = vec![TokensPerSecond(2000.0), TokensPerSecond(1000.0)];
            deployment(world).demand_by_slot = demand;
            costs(world, plan, moves(1.0));
        },
    ),
    ("growth above a fallen limit", Rule::Power, |world, plan| {
        // One replica ran on 2000 W; another variant of the same deployment would grow beside it.
        site(world, "hall").hours[0].limit = Watts(1999);
        placement(plan).ceiling[0] = 2;
    }),
    (
        "too few nodes for the transition",
        Rule::Nodes,
        |world, _| {
            let pools = &mut site(world, "hall").pools;
            let pool = pools.get_mut(&Product::from("H100")).unwrap();
            pool.nodes = BTreeMap::from([(8, 1)]);
        },
    ),
    ("fragments", Rule::Nodes, |world, _| {
        let pools = &mut site(world, "hall").pools;
        let pool = pools.get_mut(&Product::from("H100")).unwrap();
        pool.nodes = BTreeMap::from([(3, 8)]);
    }),
    ("too little water", Rule::Water, |world, _| {
        site(world, "hall").water.as_mut().unwrap().remaining = Liters(25.9);
    }),
    ("a floor above its ceiling", Rule::Floors, |_, plan| {
        placement(plan).floor[0] = 3;
    }),
    ("floors that hold too little", Rule::Floors, |_, plan| {
        placement(plan).floor[1] = 0;
    }),
    ("demand not declared unmet", Rule::Unmet, |world, plan| {
        deployment(world).demand = TokensPerSecond(2500.0);
        costs(world, plan, unserved(500.0, 2.0));
    }),
    ("sites not declared missing", Rule::Unmet, |world, _| {
        deployment(world).minimum_sites = 2;
    }),
    (
        "demand declared unmet that is met",
        Rule::Unmet,
        |_, plan| {
            decision(plan).unmet = Some(Unmet {
                tokens_per_second: TokensPerSecond(1.0),
                sites_missing: 0,
            });
        },
    ),
    (
        "more moves than allowed",
        Rule::MoveBudget,
        |world, plan| {
            // What was at the mill is now at the hall.
            let committed = &mut deployment(world).committed;
            let mut held = committed.remove(&SiteId::from("hall")).unwrap();
            for held in held.values_mut() {
                held.replicas = 2;
            }
            committed.insert("mill".into(), held);
            costs(world, plan, moves(2.0));
        },
    ),
    (
        "a job moved from where it started",
        Rule::JobSite,
        |world, _| {
            job(world).started_at = Some("mill".into());
        },
    ),
    (
        "a product that the job does not accept",
        Rule::JobSite,
        |world, plan| {
            let shapes = std::mem::take(&mut job(world).shapes);
            job(world).shapes = shapes.into_values().map(|s| ("L4".into(), s)).collect();
            let cost = placed(plan).cost;
            job_costs(plan, CostParts::default().less(cost));
        },
    ),
    ("a job before its release", Rule::JobWindow, |world, _| {
        job(world).release = start() + TimeDelta::minutes(61);
    }),
    ("a job after its deadline", Rule::JobWindow, |world, _| {
        job(world).deadline = start() + TimeDelta::minutes(119);
    }),
    (
        "a job not done and not at risk",
        Rule::JobWindow,
        |world, _| job(world).slots_left = 3,
    ),
    ("a job at risk that is done", Rule::JobWindow, |_, plan| {
        job_decision(plan).at_risk = true;
    }),
    ("a job in two pieces", Rule::JobWindow, |world, plan| {
        a_third_hour(world, plan);
        job(world).slots_left = 2;
        placed(plan).runs = vec![true, false, true];
        costs(world, plan, moves(1.0));
    }),
    ("wrong watts", Rule::Figures, |_, plan| {
        placement(plan).watts = Watts(1);
    }),
    ("wrong carbon", Rule::Figures, |_, plan| {
        placement(plan).grams_per_hour = GramsCo2e(1.0);
    }),
    ("wrong water", Rule::Figures, |_, plan| {
        placement(plan).liters_per_hour = Liters(1.0);
    }),
    ("a wrong cost per hour", Rule::Figures, |_, plan| {
        placement(plan).cost_per_hour.energy += Money(1.0);
    }),
    ("a part that is too small", Rule::Objective, |_, plan| {
        let mut parts = plan.objective.parts;
        parts.carbon = Money(0.0);
        total(plan, parts);
    }),
    ("parts that do not add up", Rule::Objective, |_, plan| {
        plan.objective.total += Money(1.0);
        plan.bound.upper += Money(1.0);
    }),
    ("a job's wrong cost", Rule::Objective, |_, plan| {
        placed(plan).cost.energy = Money(0.0);
    }),
    ("a lower bound above the upper", Rule::Bound, |_, plan| {
        plan.bound.lower = Some(plan.bound.upper + Money(1.0));
    }),
    (
        "an upper bound that is not the cost",
        Rule::Bound,
        |_, plan| {
            plan.bound.upper += Money(1.0);
        },
    ),
];
