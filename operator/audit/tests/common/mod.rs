//! A world and a clean plan for it, made by hand.
// Helpers of tests are not inside a test function, where clippy.toml allows it.
#![allow(clippy::unwrap_used)]

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

/// What `watts` and `accelerators` cost for an hour at either site, worked out by hand.
pub fn cost(kilowatts: f64, accelerators: f64) -> CostParts {
    CostParts {
        energy: Money(kilowatts * 1.2 * 0.25),
        accelerators: Money(accelerators * 2.0),
        carbon: Money(kilowatts * 1.2 * 400.0 / 1e6 * 100.0),
        water: Money(kilowatts * 2.0 / 1000.0 * 3.0 * 4.0),
        ..CostParts::default()
    }
}

pub fn dearer() -> Rejection {
    Rejection::Dearer {
        per_hour: Money(0.0),
        parts: CostParts::default(),
    }
}

/// Two replicas at `hall` in both slots; the job at `hall` in the second.
pub fn plan() -> Plan {
    let placement = SitePlacement {
        ceiling: vec![2, 2],
        floor: vec![1, 1],
        choice: Choice::Cheapest { runner_up: None },
        watts: Watts(4000),
        cost_per_hour: cost(4.0, 8.0),
        grams_per_hour: GramsCo2e(4.0 * 1.2 * 400.0),
        liters_per_hour: Liters(8.0),
    };
    let rejected = BTreeMap::from([(SiteId::from("mill"), dearer())]);
    let decision = Decision {
        sites: BTreeMap::from([("hall".into(), BTreeMap::from([("full".into(), placement)]))]),
        rejected: rejected.clone(),
        unmet: None,
    };
    let job = JobDecision {
        placed: Some(JobPlan {
            site: "hall".into(),
            product: "H100".into(),
            runs: vec![false, true],
            cost: cost(5.0, 8.0),
            saved_by_waiting: Money(0.0),
        }),
        at_risk: false,
        rejected,
    };
    let mut plan = Plan {
        slots: Some(world().slots),
        deployments: BTreeMap::from([(chat(), decision)]),
        jobs: BTreeMap::from([(train(), job)]),
        ..Plan::default()
    };
    total(&mut plan, cost(4.0, 8.0).scaled(2.0) + cost(5.0, 8.0));
    plan
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
