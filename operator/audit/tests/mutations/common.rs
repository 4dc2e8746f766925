//! A world and a clean plan for it, made by hand.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::*;

pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_002_800, 0).unwrap()
}

pub fn chat() -> DeploymentId {
    DeploymentId::new("team", "chat")
}

pub fn train() -> JobId {
    JobId::new("team", "train")
}

pub fn hall_with(jurisdiction: &str) -> Site {
    let hour = SiteHour {
        limit: Watts(10_000),
        limit_set_by: "powerbudget/hall".into(),
        price_per_kwh: Money(0.25),
        pue: 1.2,
        wue: LitersPerKwh(2.0),
        average_carbon: GramsPerKwh(400.0),
        marginal_carbon: None,
    };
    let pool = Pool {
        price_per_hour: Money(2.0),
        rated_watts: Watts(700),
        nodes: BTreeMap::from([(8, 2)]),
        reserve: None,
        elastic: None,
    };
    Site {
        jurisdiction: jurisdiction.into(),
        latencies: BTreeMap::from([("eu".into(), 20)]),
        pools: BTreeMap::from([("H100".into(), pool)]),
        hours: vec![hour; 2],
        water: Some(WaterStock {
            remaining: Liters(100.0),
            hours_left: 2.0,
            set_by: "waterbudget/river".into(),
        }),
        scarcity: 3.0,
        offer_revision: 5,
        valid_until: start() + TimeDelta::days(1),
        demand_charge: None,
        obligations: Vec::new(),
    }
}

/// Two sites, two slots; `chat` needs two replicas, of which one runs already; `train` needs one slot.
pub fn world() -> World {
    let variant = Variant {
        name: "full".into(),
        product: "H100".into(),
        accelerators: 4,
        tokens_per_second: TokensPerSecond(1000.0),
        watts: Watts(2000),
        only_at: None,
    };
    let held = Committed {
        replicas: 1,
        since: start() - TimeDelta::days(1),
    };
    let deployment = Deployment {
        id: chat(),
        policy: "standard".into(),
        demand: TokensPerSecond(2000.0),
        demand_by_slot: Vec::new(),
        tenant: String::new(),
        origin_shares: BTreeMap::new(),
        floor: TokensPerSecond(1000.0),
        origins: BTreeMap::from([("eu".into(), 50)]),
        jurisdictions: BTreeSet::from(["DE".to_owned()]),
        variants: vec![variant],
        minimum_sites: 1,
        priority: 0,
        committed: BTreeMap::from([("hall".into(), BTreeMap::from([("full".into(), held)]))]),
        refusals: BTreeMap::new(),
    };
    let shape = JobShape {
        pods: 1,
        accelerators_per_pod: 8,
        watts_per_pod: Watts(5000),
    };
    let job = BatchJob {
        id: train(),
        policy: "standard".into(),
        shapes: BTreeMap::from([("H100".into(), shape)]),
        slots_left: 1,
        release: start(),
        tenant: String::new(),
        release_at: BTreeMap::new(),
        restart_cost: Money::ZERO,
        waiting_per_hour: Money::ZERO,
        deadline: start() + TimeDelta::hours(2),
        interruptible: false,
        jurisdictions: BTreeSet::new(),
        started_at: None,
        running: false,
        refusals: BTreeMap::new(),
    };
    let policy = Policy {
        carbon_per_tonne: Money(100.0),
        water_per_cubic_meter: Money(4.0),
        unserved_per_million_tokens: Money(10.0),
        move_cost: Money(1.0),
        dwell_seconds: 0,
        moves_per_hour: 1,
    };
    World {
        slots: Slots::hourly(start(), 2),
        currency: "EUR".into(),
        sites: BTreeMap::from([
            ("hall".into(), hall_with("DE")),
            ("mill".into(), hall_with("DE")),
        ]),
        policies: BTreeMap::from([("standard".to_owned(), policy)]),
        deployments: BTreeMap::from([(chat(), deployment)]),
        jobs: BTreeMap::from([(train(), job)]),
        shared: Shared::default(),
    }
}

/// Two replicas at `hall` in both slots, one of which starts; the job at `hall` in the second.
pub fn plan() -> Plan {
    let decision = Decision {
        sites: BTreeMap::from([(
            "hall".into(),
            BTreeMap::from([("full".into(), replicas([2, 2], [1, 1]))]),
        )]),
        unmet: None,
    };
    let job = JobDecision {
        placed: Some(JobPlan {
            site: "hall".into(),
            product: "H100".into(),
            runs: vec![false, true],
            cost: CostParts::default(),
            saved_by_waiting: Money(0.0),
        }),
        at_risk: false,
    };
    let mut plan = Plan {
        slots: Some(world().slots),
        deployments: BTreeMap::from([(chat(), decision)]),
        jobs: BTreeMap::from([(train(), job)]),
        ..Plan::default()
    };
    costs(&world(), &mut plan, moves(1.0));
    plan
}

/// So many replicas and floors, with figures still to come.
pub fn replicas(ceiling: [u32; 2], floor: [u32; 2]) -> SitePlacement {
    SitePlacement {
        ceiling: ceiling.to_vec(),
        floor: floor.to_vec(),
        watts: Watts(0),
        cost_per_hour: CostParts::default(),
        grams_per_hour: GramsCo2e(0.0),
        liters_per_hour: Liters(0.0),
    }
}

pub fn moves(amount: f64) -> CostParts {
    CostParts {
        moves: Money(amount),
        ..CostParts::default()
    }
}

/// Writes into a plan what its watts and accelerators cost, and beside it what else it costs, which the caller knows.
pub fn costs(world: &World, plan: &mut Plan, beside: CostParts) {
    let policy = &world.policies["standard"];
    let mut parts = beside;
    let deployment = &world.deployments[&chat()];
    for (site, variants) in &mut plan.deployments.get_mut(&chat()).unwrap().sites {
        let site = &world.sites[site];
        for (variant, here) in variants {
            let variant = deployment
                .variants
                .iter()
                .find(|v| v.name == *variant)
                .unwrap();
            let cost = |slot: usize| {
                let (hour, pool) = (&site.hours[slot], &site.pools[&variant.product]);
                let (n, watts) = (here.ceiling[slot], variant.watts.times(here.ceiling[slot]));
                CostParts::running(
                    site,
                    hour,
                    pool,
                    policy,
                    watts,
                    n * variant.accelerators,
                    1.0,
                )
            };
            parts += (0..here.ceiling.len()).map(cost).sum();
            here.cost_per_hour = cost(0);
            here.watts = variant.watts.times(here.ceiling[0]);
            here.grams_per_hour = physics::carbon(here.watts, &site.hours[0], 1.0);
            here.liters_per_hour = physics::water(here.watts, &site.hours[0], 1.0);
        }
    }
    let job = &world.jobs[&train()];
    if let Some(placed) = &mut plan.jobs.get_mut(&train()).unwrap().placed {
        let (site, shape) = (&world.sites[&placed.site], job.shapes[&placed.product]);
        let pool = &site.pools[&placed.product];
        let runs = site
            .hours
            .iter()
            .zip(&placed.runs)
            .filter(|(_, runs)| **runs);
        let hours = runs.map(|(hour, _)| {
            let (watts, accelerators) = (shape.watts(), shape.accelerators());
            CostParts::running(site, hour, pool, policy, watts, accelerators, 1.0)
        });
        placed.cost = hours.sum();
        parts += placed.cost;
    }
    total(plan, parts);
}

/// Adds to a job's cost, and to that of the plan.
pub fn job_costs(plan: &mut Plan, more: CostParts) {
    placed(plan).cost += more;
    let parts = plan.objective.parts + more;
    total(plan, parts);
}

/// Tokens per second that are missing for some hours, at 10 for a million tokens, beside the one start.
pub fn unserved(tokens_per_second: f64, hours: f64) -> CostParts {
    CostParts {
        unserved: Money(tokens_per_second * hours * 3600.0 / 1e6 * 10.0),
        ..moves(1.0)
    }
}

pub fn total(plan: &mut Plan, parts: CostParts) {
    plan.objective = Objective {
        total: parts.total(),
        parts,
    };
    plan.bound = Bound {
        upper: parts.total(),
        lower: Some(Money(0.0)),
    };
}

pub fn site<'w>(world: &'w mut World, name: &str) -> &'w mut Site {
    world.sites.get_mut(&SiteId::from(name)).unwrap()
}

/// The hall's accelerators.
pub fn pool(world: &mut World) -> &mut Pool {
    let pools = &mut site(world, "hall").pools;
    pools.get_mut(&Product::from("H100")).unwrap()
}

pub fn deployment(world: &mut World) -> &mut Deployment {
    world.deployments.get_mut(&chat()).unwrap()
}

pub fn job(world: &mut World) -> &mut BatchJob {
    world.jobs.get_mut(&train()).unwrap()
}

pub fn decision(plan: &mut Plan) -> &mut Decision {
    plan.deployments.get_mut(&chat()).unwrap()
}

pub fn placement(plan: &mut Plan) -> &mut SitePlacement {
    let sites = &mut decision(plan).sites;
    let variants = sites.get_mut(&SiteId::from("hall")).unwrap();
    variants.get_mut(&VariantName::from("full")).unwrap()
}

pub fn job_decision(plan: &mut Plan) -> &mut JobDecision {
    plan.jobs.get_mut(&train()).unwrap()
}

pub fn placed(plan: &mut Plan) -> &mut JobPlan {
    job_decision(plan).placed.as_mut().unwrap()
}

pub fn refusal(most_replicas: u32) -> BTreeMap<SiteId, Refusal> {
    let refusal = Refusal {
        offer_revision: 5,
        most_replicas,
        reason: "NoRoom".into(),
        detail: "feeder".into(),
    };
    BTreeMap::from([("hall".into(), refusal)])
}

/// Replicas that `chat` is committed to at the hall.
pub fn committed(world: &mut World, replicas: u32) {
    let here = deployment(world).committed.get_mut(&SiteId::from("hall"));
    for held in here.unwrap().values_mut() {
        held.replicas = replicas;
    }
}

/// One of the two replicas is at the mill.
pub fn at_the_mill(plan: &mut Plan) {
    *placement(plan) = replicas([1, 1], [1, 1]);
    let decision = decision(plan);
    let there = BTreeMap::from([("full".into(), replicas([1, 1], [0, 0]))]);
    decision.sites.insert("mill".into(), there);
}

/// A horizon of three hours, the last like the second.
pub fn a_third_hour(world: &mut World, plan: &mut Plan) {
    world.slots.count = 3;
    let sites = world.sites.values_mut();
    sites.for_each(|site| site.hours.push(site.hours[0].clone()));
    plan.slots = Some(world.slots);
    let here = placement(plan);
    here.ceiling.push(here.ceiling[1]);
    here.floor.push(here.floor[1]);
    placed(plan).runs.push(false);
    job(world).deadline = start() + TimeDelta::hours(3);
}
