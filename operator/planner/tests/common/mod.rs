//! Small worlds for tests.
// Each test binary uses some of these helpers, none of which is inside a test function.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_audit::{Finding, Rule, audit, audit_path};
use commonwatt_fleet::*;
use commonwatt_planner::{Explainer, path};

pub const PRODUCT: &str = "H100";

/// When every test world begins.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 - 1_790_000_000 % 3600, 0).unwrap()
}

/// A world with a policy `standard` and nothing else.
pub fn world(slots: usize) -> World {
    World {
        slots: Slots::hourly(start(), slots),
        currency: "EUR".into(),
        sites: BTreeMap::new(),
        policies: BTreeMap::from([("standard".to_owned(), policy())]),
        deployments: BTreeMap::new(),
        jobs: BTreeMap::new(),
        shared: Shared::default(),
    }
}

pub fn policy() -> Policy {
    Policy {
        carbon_per_tonne: Money(80.0),
        water_per_cubic_meter: Money(2.0),
        unserved_per_million_tokens: Money(50.0),
        move_cost: Money(1.0),
        dwell_seconds: 0,
        moves_per_hour: 100,
    }
}

/// A site with one node of 8 and ample power, at a price per kilowatt-hour.
pub fn site(world: &mut World, name: &str, price: f64) {
    let hour = SiteHour {
        limit: Watts(100_000),
        limit_set_by: "powerbudget/hall".into(),
        price_per_kwh: Money(price),
        pue: 1.2,
        wue: LitersPerKwh(1.0),
        average_carbon: GramsPerKwh(300.0),
        marginal_carbon: None,
    };
    let pool = Pool {
        price_per_hour: Money(2.0),
        rated_watts: Watts(1000),
        nodes: BTreeMap::from([(8, 4)]),
        reserve: None,
        elastic: None,
    };
    let site = Site {
        jurisdiction: "DE".into(),
        latencies: BTreeMap::from([("eu".into(), 20)]),
        pools: BTreeMap::from([(PRODUCT.into(), pool)]),
        hours: vec![hour; world.slots.count],
        water: None,
        scarcity: 1.0,
        offer_revision: 1,
        valid_until: start() + TimeDelta::days(30),
        demand_charge: None,
        obligations: Vec::new(),
    };
    world.sites.insert(name.into(), site);
}

/// A deployment of two-accelerator replicas of 1000 tokens per second and 1500 W each.
pub fn deployment(world: &mut World, name: &str, demand: f64) {
    let variant = Variant {
        name: "full".into(),
        product: PRODUCT.into(),
        accelerators: 2,
        tokens_per_second: TokensPerSecond(1000.0),
        watts: Watts(1500),
        only_at: None,
    };
    let deployment = Deployment {
        id: DeploymentId::new("team", name),
        policy: "standard".into(),
        demand: TokensPerSecond(demand),
        demand_by_slot: Vec::new(),
        tenant: String::new(),
        origin_shares: BTreeMap::new(),
        floor: TokensPerSecond(demand / 2.0),
        origins: BTreeMap::from([("eu".into(), 50)]),
        jurisdictions: BTreeSet::new(),
        variants: vec![variant],
        minimum_sites: 1,
        priority: 0,
        committed: BTreeMap::new(),
        refusals: BTreeMap::new(),
    };
    world.deployments.insert(deployment.id.clone(), deployment);
}

/// An interruptible job of one pod with eight accelerators.
pub fn job(world: &mut World, name: &str, hours: u32, deadline_hours: i64) {
    let shape = JobShape {
        pods: 1,
        accelerators_per_pod: 8,
        watts_per_pod: Watts(6000),
    };
    let job = BatchJob {
        id: JobId::new("team", name),
        policy: "standard".into(),
        shapes: BTreeMap::from([(PRODUCT.into(), shape)]),
        slots_left: hours,
        release: start(),
        tenant: String::new(),
        release_at: BTreeMap::new(),
        restart_cost: Money::ZERO,
        waiting_per_hour: Money::ZERO,
        deadline: start() + TimeDelta::hours(deadline_hours),
        interruptible: true,
        jurisdictions: BTreeSet::new(),
        started_at: None,
        running: false,
        refusals: BTreeMap::new(),
    };
    world.jobs.insert(job.id.clone(), job);
}

pub fn the<'w>(world: &'w mut World, name: &str) -> &'w mut Deployment {
    let id = DeploymentId::new("team", name);
    world.deployments.get_mut(&id).unwrap()
}

pub fn the_job<'w>(world: &'w mut World, name: &str) -> &'w mut BatchJob {
    world.jobs.get_mut(&JobId::new("team", name)).unwrap()
}

pub fn at<'w>(world: &'w mut World, name: &str) -> &'w mut Site {
    world.sites.get_mut(&SiteId::from(name)).unwrap()
}

/// Commits replicas long ago.
pub fn commit(world: &mut World, name: &str, site: &str, replicas: u32) {
    let held = Committed {
        replicas,
        since: start() - TimeDelta::days(10),
    };
    the(world, name)
        .committed
        .insert(site.into(), BTreeMap::from([("full".into(), held)]));
}

/// Replicas of a deployment at a site in a slot, all variants together.
pub fn replicas(plan: &Plan, name: &str, site: &str, slot: usize) -> u32 {
    let decision = &plan.deployments[&DeploymentId::new("team", name)];
    decision
        .sites
        .get(&SiteId::from(site))
        .into_iter()
        .flat_map(BTreeMap::values)
        .map(|placement| placement.ceiling[slot])
        .sum()
}

/// What is said of a deployment.
pub fn explained(world: &World, plan: &Plan, name: &str) -> Explanation {
    let explainer = Explainer::new(world, plan);
    explainer
        .deployment(&DeploymentId::new("team", name))
        .unwrap()
}

/// Why a site does not run a deployment.
pub fn rejection(world: &World, plan: &Plan, name: &str, site: &str) -> Rejection {
    explained(world, plan, name).rejected[&SiteId::from(site)].clone()
}

/// Why a site runs a deployment.
pub fn choice(world: &World, plan: &Plan, name: &str, site: &str) -> Choice {
    explained(world, plan, name).chosen[&SiteId::from(site)].clone()
}

pub fn unmet<'p>(plan: &'p Plan, name: &str) -> Option<&'p Unmet> {
    plan.deployments[&DeploymentId::new("team", name)]
        .unmet
        .as_ref()
}

pub fn job_of<'p>(plan: &'p Plan, name: &str) -> &'p JobDecision {
    &plan.jobs[&JobId::new("team", name)]
}

/// Plans from nothing, and demands that the audit finds nothing.
pub fn planned(world: &World) -> Plan {
    planned_after(world, &Plan::default())
}

pub fn planned_after(world: &World, previous: &Plan) -> Plan {
    let plan = commonwatt_planner::plan(world, previous);
    assert_clean(world, &plan);
    plan
}

pub fn assert_clean(world: &World, plan: &Plan) {
    let findings = audit(world, plan);
    assert!(findings.is_empty(), "{}", found(&findings));
}

/// The world once all sites have admitted the plan's first slot and jobs have started.
pub fn admitted(world: &World, plan: &Plan) -> World {
    let mut next = world.clone();
    for (id, deployment) in &mut next.deployments {
        // What cannot be used stays as it is.
        let Some(decision) = plan.deployments.get(id) else {
            continue;
        };
        let old = std::mem::take(&mut deployment.committed);
        for (site, variants) in &decision.sites {
            let since = old
                .get(site)
                .and_then(|held| held.values().map(|held| held.since).min())
                .unwrap_or(world.slots.start + TimeDelta::minutes(7));
            for (variant, placement) in variants {
                if placement.ceiling[0] > 0 {
                    let replicas = placement.ceiling[0];
                    deployment
                        .committed
                        .entry(site.clone())
                        .or_default()
                        .insert(variant.clone(), Committed { replicas, since });
                }
            }
        }
    }
    for (id, job) in &mut next.jobs {
        let placed = plan.jobs.get(id).and_then(|job| job.placed.as_ref());
        job.running = placed.is_some_and(|placed| placed.runs[0]);
        if job.running {
            job.started_at = placed.map(|placed| placed.site.clone());
        }
    }
    next
}

pub fn text(plan: &Plan) -> String {
    serde_json::to_string(plan).unwrap()
}

fn found(findings: &[Finding]) -> String {
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The path to a plan, of which the audit finds nothing and which leaves nothing out.
pub fn whole_path(world: &World, plan: &Plan) -> Path {
    let path = path(world, plan);
    let findings = audit_path(world, plan, &path);
    assert!(findings.is_empty(), "{}\n{path:#?}", found(&findings));
    assert!(path.held.is_empty(), "{path:#?}");
    path
}

/// A path of which the audit finds nothing but that it ends before the plan does, where it says so.
pub fn safe_path(world: &World, plan: &Plan) -> Path {
    let path = path(world, plan);
    let findings = audit_path(world, plan, &path);
    let ends = |finding: &Finding| finding.rule == Rule::Steps && finding.step.is_none();
    assert!(findings.iter().all(ends), "{}\n{path:#?}", found(&findings));
    assert_eq!(
        findings.is_empty(),
        path.held.is_empty(),
        "{}\n{path:#?}",
        found(&findings)
    );
    path
}
