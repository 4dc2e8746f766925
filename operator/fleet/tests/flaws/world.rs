//! One site, one deployment of two replicas and one job, and nothing wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::*;

pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_002_800, 0).unwrap()
}

pub fn chat() -> DeploymentId {
    DeploymentId::new("team", "chat")
}

pub fn world() -> World {
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
        sites: BTreeMap::from([("hall".into(), hall())]),
        policies: BTreeMap::from([("standard".to_owned(), policy)]),
        deployments: BTreeMap::from([(chat(), two_replicas())]),
        jobs: BTreeMap::from([(JobId::new("team", "train"), train())]),
        shared: Shared::default(),
    }
}

fn hall() -> Site {
    let hour = SiteHour {
        limit: Watts(10_000),
        limit_set_by: "powerbudget/hall".into(),
        price_per_kwh: Money(-0.25),
        pue: 1.0,
        wue: LitersPerKwh(0.0),
        average_carbon: GramsPerKwh(0.0),
        marginal_carbon: None,
    };
    let pool = Pool {
        price_per_hour: Money(2.0),
        rated_watts: Watts(700),
        nodes: BTreeMap::from([(8, 2)]),
        reserve: None,
        elastic: None,
    };
    let water = WaterStock {
        remaining: Liters(-3.0),
        hours_left: 2.0,
        set_by: "waterbudget/river".into(),
    };
    Site {
        jurisdiction: "DE".into(),
        latencies: BTreeMap::from([("eu".into(), 20)]),
        pools: BTreeMap::from([("H100".into(), pool)]),
        hours: vec![hour; 2],
        water: Some(water),
        scarcity: 3.0,
        offer_revision: 5,
        valid_until: start() + TimeDelta::days(1),
        demand_charge: None,
        obligations: Vec::new(),
    }
}

fn two_replicas() -> Deployment {
    let variant = Variant {
        name: "full".into(),
        product: "H100".into(),
        accelerators: 4,
        tokens_per_second: TokensPerSecond(1000.0),
        watts: Watts(2000),
        only_at: None,
    };
    let held = Committed {
        replicas: 2,
        since: start(),
    };
    Deployment {
        id: chat(),
        policy: "standard".into(),
        demand: TokensPerSecond(2000.0),
        demand_by_slot: Vec::new(),
        tenant: String::new(),
        origin_shares: BTreeMap::new(),
        floor: TokensPerSecond(2000.0),
        origins: BTreeMap::from([("eu".into(), 50)]),
        jurisdictions: BTreeSet::new(),
        variants: vec![variant],
        minimum_sites: 1,
        priority: 0,
        committed: BTreeMap::from([("hall".into(), BTreeMap::from([("full".into(), held)]))]),
        refusals: BTreeMap::new(),
    }
}

fn train() -> BatchJob {
    let shape = JobShape {
        pods: 1,
        accelerators_per_pod: 8,
        watts_per_pod: Watts(3000),
    };
    BatchJob {
        id: JobId::new("team", "train"),
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
    }
}

pub fn site(world: &mut World) -> &mut Site {
    world.sites.get_mut(&SiteId::from("hall")).unwrap()
}

pub fn pool(world: &mut World) -> &mut Pool {
    let pools = &mut site(world).pools;
    pools.get_mut(&Product::from("H100")).unwrap()
}

pub fn deployment(world: &mut World) -> &mut Deployment {
    world.deployments.get_mut(&chat()).unwrap()
}

pub fn variant(world: &mut World) -> &mut Variant {
    &mut deployment(world).variants[0]
}

pub fn job(world: &mut World) -> &mut BatchJob {
    world.jobs.values_mut().next().unwrap()
}

pub fn shape(world: &mut World) -> &mut JobShape {
    job(world).shapes.values_mut().next().unwrap()
}

pub fn cap(limit: &[i64]) -> PowerCap {
    PowerCap {
        over: BTreeMap::from([("hall".into(), None)]),
        limit: limit.iter().copied().map(Watts).collect(),
    }
}

pub fn stock(remaining: f64, hours_left: f64) -> Stock {
    Stock {
        metric: Metric::Carbon,
        over: BTreeSet::from(["hall".into()]),
        remaining,
        hours_left,
    }
}

pub fn elastic(nodes: u32, running: u32) -> Elastic {
    Elastic {
        nodes,
        accelerators_per_node: 8,
        running,
        start_slots: 1,
        price_per_node_hour: Money(1.0),
    }
}
