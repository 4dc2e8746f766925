//! The parts of a world with nothing in them, so that an adapter says only what its data says.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{
    BatchJob, Deployment, DeploymentId, GramsPerKwh, JobId, LitersPerKwh, Money, Policy, Pool,
    Product, Shared, Site, SiteHour, Slots, TokensPerSecond, Watts, World,
};

/// A horizon in which there is nothing.
pub fn world(slots: Slots) -> World {
    World {
        slots,
        currency: "USD".into(),
        sites: BTreeMap::new(),
        policies: BTreeMap::new(),
        deployments: BTreeMap::new(),
        jobs: BTreeMap::new(),
        shared: Shared::default(),
    }
}

/// Nothing has a price, and what moves moves freely.
pub fn policy() -> Policy {
    Policy {
        carbon_per_tonne: Money::ZERO,
        water_per_cubic_meter: Money::ZERO,
        unserved_per_million_tokens: Money::ZERO,
        move_cost: Money::ZERO,
        dwell_seconds: 0,
        moves_per_hour: u32::MAX,
    }
}

/// A site with one pool, whose offer counts for the whole horizon.
pub fn site(slots: &Slots, product: Product, pool: Pool, hours: Vec<SiteHour>) -> Site {
    Site {
        jurisdiction: String::new(),
        latencies: BTreeMap::new(),
        pools: BTreeMap::from([(product, pool)]),
        hours,
        water: None,
        scarcity: 1.0,
        offer_revision: 1,
        valid_until: slots.begin(slots.count),
        demand_charge: None,
        obligations: Vec::new(),
    }
}

/// So many accelerators on one node, free of charge.
pub fn pool(accelerators: u32, rated_watts: Watts) -> Pool {
    Pool {
        price_per_hour: Money::ZERO,
        rated_watts,
        nodes: BTreeMap::from([(accelerators, 1)]),
        reserve: None,
        elastic: None,
    }
}

/// A slot with a limit, in which energy is free and clean and no water is used.
pub fn hour(limit: Watts) -> SiteHour {
    SiteHour {
        limit,
        limit_set_by: "capacity".into(),
        price_per_kwh: Money::ZERO,
        pue: 1.0,
        wue: LitersPerKwh(0.0),
        average_carbon: GramsPerKwh(0.0),
        marginal_carbon: None,
    }
}

/// A deployment that nobody asks anything of.
pub fn deployment(id: DeploymentId, policy: &str) -> Deployment {
    Deployment {
        id,
        policy: policy.into(),
        demand: TokensPerSecond::ZERO,
        demand_by_slot: Vec::new(),
        floor: TokensPerSecond::ZERO,
        tenant: String::new(),
        origins: BTreeMap::new(),
        origin_shares: BTreeMap::new(),
        jurisdictions: BTreeSet::new(),
        variants: Vec::new(),
        minimum_sites: 1,
        priority: 0,
        committed: BTreeMap::new(),
        refusals: BTreeMap::new(),
    }
}

/// A job of so many slots between the horizon's begin and end, which takes nothing yet.
pub fn job(id: JobId, policy: &str, slots: &Slots, work: u32) -> BatchJob {
    BatchJob {
        id,
        policy: policy.into(),
        shapes: BTreeMap::new(),
        slots_left: work,
        tenant: String::new(),
        release: slots.start,
        release_at: BTreeMap::new(),
        deadline: slots.begin(slots.count),
        interruptible: false,
        jurisdictions: BTreeSet::new(),
        started_at: None,
        running: false,
        restart_cost: Money::ZERO,
        waiting_per_hour: Money::ZERO,
        refusals: BTreeMap::new(),
    }
}
