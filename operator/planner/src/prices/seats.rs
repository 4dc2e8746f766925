//! Deployments as bidders: where each may sit and what it brings, in flat lists that a pass over all of them reads.

use super::alone::Alone;
use crate::demand::Demand;
use crate::rows::Rows;

/// One place that a deployment may take: a variant at a pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub pool: u32,
    /// Size of the replica at the pool, as a key of [`super::Folded`]; none for replicas without accelerators.
    pub key: Option<std::num::NonZeroU32>,
    pub variant: u16,
    pub outside_reserve: bool,
}

/// What a variant brings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub watts: f64,
    pub accelerators: f64,
    pub tokens: f64,
}

/// One deployment.
pub(crate) struct Bidder {
    pub policy: usize,
    pub tenant: Option<usize>,
    pub ways: Vec<Way>,
    /// By pool, then variant.
    pub seats: Vec<Seat>,
    /// Committed replicas by seat.
    pub committed: Vec<(usize, f64)>,
    /// Demand by slot.
    pub tokens: Vec<f64>,
    /// What a start costs, in the first slot and later.
    pub first_start: f64,
    pub start: f64,
    /// What a token per second costs that is not served for a slot.
    pub worth: f64,
    pub minimum_sites: usize,
    /// Shares of origins, with the origins that each seat suits; empty where every seat suits all.
    pub shares: Vec<f64>,
    pub suits: Vec<u32>,
}

/// All deployments, in the order of the world.
pub(crate) struct Bidders {
    pub all: Vec<Bidder>,
    /// Site of each pool.
    pub site_of: Vec<u32>,
    pub alone: Alone,
}

impl Bidders {
    pub(crate) fn new<'w>(rows: &Rows<'w>, demands: &[Demand<'w>]) -> Self {
        let mut keys = vec![0_u32];
        for pool in &rows.pools {
            keys.push(keys[keys.len() - 1] + pool.nodes.sizes().len() as u32);
        }
        Self {
            all: demands
                .iter()
                .map(|demand| bidder(rows, demand, &keys))
                .collect(),
            site_of: rows.pools.iter().map(|pool| pool.site as u32).collect(),
            alone: Alone::new(rows),
        }
    }
}

fn bidder(rows: &Rows<'_>, demand: &Demand<'_>, keys: &[u32]) -> Bidder {
    let deployment = demand.deployment;
    let start = demand.policy.move_cost.0.max(0.0);
    let mut bidder = Bidder {
        policy: demand.policy_index,
        tenant: demand.tenant,
        ways: (deployment.variants.iter())
            .map(|variant| Way {
                watts: variant.watts.0.max(0) as f64,
                accelerators: f64::from(variant.accelerators),
                tokens: variant.tokens_per_second.0.max(0.0),
            })
            .collect(),
        seats: Vec::new(),
        committed: Vec::new(),
        tokens: demand.tokens.clone(),
        first_start: if demand.newcomer { 0.0 } else { start },
        start,
        worth: demand.worth(rows.hours),
        minimum_sites: demand.minimum_sites as usize,
        shares: demand.shares().to_vec(),
        suits: Vec::new(),
    };
    for (site, variant) in demand.everywhere(rows) {
        let row = &rows.sites[site];
        let spec = &deployment.variants[variant];
        let Some(&pool) = rows.pool_index.get(&(site, &spec.product)) else {
            continue;
        };
        let held = deployment
            .committed
            .get(row.id)
            .and_then(|variants| variants.get(&spec.name));
        let held = held.map_or(0, |held| held.replicas);
        let refused = crate::eligibility::refusal_in_force(&deployment.refusals, row.id, row.site)
            .is_some_and(|refusal| refusal.most_replicas == 0);
        if (row.past_offer == 0 && held == 0) || refused {
            continue;
        }
        let size = rows.pools[pool].nodes.index_of(spec.accelerators);
        if held > 0 {
            bidder.committed.push((bidder.seats.len(), f64::from(held)));
        }
        bidder.seats.push(Seat {
            pool: pool as u32,
            key: size.and_then(|size| std::num::NonZeroU32::new(keys[pool] + size as u32 + 1)),
            variant: variant as u16,
            outside_reserve: rows.pools[pool].is_outside(&deployment.tenant),
        });
        if !bidder.shares.is_empty() {
            bidder
                .suits
                .push(crate::eligibility::origins_suited(deployment, row.site));
        }
    }
    bidder
}

impl Bidder {
    /// Replicas of a variant that serve so many tokens per second alone.
    pub(crate) fn need(&self, variant: usize, tokens: f64) -> f64 {
        (tokens / self.ways[variant].tokens - 1e-9).ceil().max(0.0)
    }
}
