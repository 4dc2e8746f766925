//! One deployment as the search sees it: its places, and what a vector of replicas at them serves.

use std::collections::BTreeSet;

use commonwatt_fleet::{Deployment, DeploymentId, Policy};

use crate::eligibility::{excludes_deployment, origins_suited, refusal_in_force, variant_runs_at};
use crate::rows::Rows;

/// Origins with a share that are told apart: rows (O) double with each.
const MOST_ORIGINS: usize = 8;

/// One way to serve a deployment at one site.
#[derive(Clone)]
pub(crate) struct Place {
    pub site: usize,
    pub variant: usize,
    pub pool: Option<usize>,
    /// Index of the replica's size in its pool's counts.
    pub size: Option<usize>,
    pub accelerators: u32,
    pub watts: i64,
    pub tokens: f64,
    /// Whether law, distance and hardware allow it. A place that is not allowed is listed only if it is committed.
    pub allowed: bool,
    /// Replicas of the deployment that its site would take at most, all variants together.
    pub site_cap: u32,
    /// Origins that it suits, as bits of [`Origins`].
    pub suits: u32,
    /// Row of its tenant's cap.
    pub tenant: Option<usize>,
    /// Whether it keeps to what its pool's reserve leaves.
    pub outside_reserve: bool,
    /// What one replica costs in each slot: running, with the prices of what the horizon shares.
    pub cost: Vec<f64>,
    /// What the prices of power, nodes and caps add in each slot.
    pub scarcity: Vec<f64>,
    /// See [`crate::outlook`].
    pub stay: Vec<f64>,
    /// See [`crate::outlook`].
    pub arrive: Vec<f64>,
}

impl Place {
    /// What one replica costs in a slot with a part of what is scarce.
    pub(crate) fn priced(&self, slot: usize, scarcity: f64) -> f64 {
        self.cost[slot] + scarcity * self.scarcity[slot]
    }

    /// Replicas that law, hardware and the site's word leave it at most.
    pub(crate) fn may_have(&self) -> u32 {
        if self.allowed { self.site_cap } else { 0 }
    }
}

/// Where requests come from, where each origin's part has to be served by sites that suit it (O).
pub(crate) struct Origins {
    /// The part of each.
    shares: Vec<f64>,
}

impl Origins {
    /// Tokens per second that replicas leave unserved, as the least cut: the most, over all sets of origins, of what comes
    /// from the set less what suits any of it.
    fn shortfall(&self, tokens: f64, served: impl Fn(u32) -> f64) -> f64 {
        (1..1_u32 << self.shares.len())
            .map(|set| {
                let asked: f64 = (self.shares.iter().enumerate())
                    .filter(|(origin, _)| set & (1 << origin) != 0)
                    .map(|(_, share)| share * tokens)
                    .sum();
                asked - served(set)
            })
            .fold(0.0, f64::max)
    }
}

/// One deployment.
pub(crate) struct Demand<'w> {
    pub id: &'w DeploymentId,
    pub deployment: &'w Deployment,
    pub policy: &'w Policy,
    pub policy_index: usize,
    pub tenant: Option<usize>,
    /// By site, then in the order of preference.
    pub places: Vec<Place>,
    /// Committed replicas by place.
    pub committed: Vec<u32>,
    /// The slot, perhaps before the horizon, in which it came to the place's site.
    pub since: Vec<i64>,
    /// Tokens per second by slot.
    pub tokens: Vec<f64>,
    /// Shortfalls up to this are rounding.
    pub tolerance: f64,
    pub minimum_sites: u32,
    pub dwell_slots: i64,
    /// It runs nowhere yet, so that its first starts are free.
    pub newcomer: bool,
    pub origins: Option<Origins>,
}

impl<'w> Demand<'w> {
    /// A deployment without places.
    pub(crate) fn new(rows: &Rows<'w>, id: &'w DeploymentId, deployment: &'w Deployment) -> Self {
        let policy_index = rows.policy_index(&deployment.policy);
        let policy = rows.policies[policy_index];
        let seconds = i64::from(rows.world.slots.seconds.max(1));
        let tokens: Vec<f64> = (0..rows.slots)
            .map(|slot| deployment.demand_in(slot).0.max(0.0))
            .collect();
        let largest = (deployment.variants.iter())
            .map(|variant| variant.tokens_per_second.0)
            .fold(0.0, f64::max);
        let most = tokens.iter().copied().fold(0.0, f64::max);
        let held = deployment
            .committed
            .values()
            .flat_map(|variants| variants.values());
        Self {
            id,
            deployment,
            policy,
            policy_index,
            tenant: rows.tenant_index(&deployment.tenant),
            places: Vec::new(),
            committed: Vec::new(),
            since: Vec::new(),
            tolerance: 1e-9 * (most + largest),
            tokens,
            minimum_sites: deployment.minimum_sites,
            dwell_slots: (i64::from(policy.dwell_seconds) + seconds - 1) / seconds,
            newcomer: held.map(|held| held.replicas).all(|replicas| replicas == 0),
            origins: (!deployment.origin_shares.is_empty()).then(|| Origins {
                shares: deployment
                    .origin_shares
                    .values()
                    .copied()
                    .take(MOST_ORIGINS)
                    .collect(),
            }),
        }
    }

    /// Lists places: those given as (site, variant), and all that are committed.
    pub(crate) fn list(
        &mut self,
        rows: &Rows<'w>,
        wanted: impl IntoIterator<Item = (usize, usize)>,
    ) {
        let mut listed: BTreeSet<(usize, usize)> = wanted.into_iter().collect();
        let held = |site: usize| self.deployment.committed.get(rows.sites[site].id);
        if !self.newcomer {
            for (site, row) in rows.sites.iter().enumerate() {
                let Some(variants) = self.deployment.committed.get(row.id) else {
                    continue;
                };
                for (number, variant) in self.deployment.variants.iter().enumerate() {
                    if variants
                        .get(&variant.name)
                        .is_some_and(|held| held.replicas > 0)
                    {
                        listed.insert((site, number));
                    }
                }
            }
        }
        for (site, variant) in listed {
            let name = &self.deployment.variants[variant].name;
            let count = held(site)
                .and_then(|variants| variants.get(name))
                .map_or(0, |held| held.replicas);
            let place = self.place(rows, site, variant);
            if !place.allowed && count == 0 {
                continue;
            }
            self.places.push(place);
            self.committed.push(count);
            self.since.push(self.arrival(rows, site));
        }
    }

    /// Every place where it may run.
    pub(crate) fn everywhere(&self, rows: &Rows<'w>) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for (site, row) in rows.sites.iter().enumerate() {
            if excludes_deployment(self.deployment, row.id, row.site).is_some() {
                continue;
            }
            let variants = self.deployment.variants.iter().enumerate();
            places.extend(
                variants
                    .filter(|(_, variant)| variant_runs_at(variant, row.id, row.site))
                    .map(|(number, _)| (site, number)),
            );
        }
        places
    }

    fn place(&self, rows: &Rows<'w>, site: usize, variant: usize) -> Place {
        let row = &rows.sites[site];
        let spec = &self.deployment.variants[variant];
        let pool = rows.pool_index.get(&(site, &spec.product)).copied();
        let excluded = excludes_deployment(self.deployment, row.id, row.site).is_some();
        Place {
            site,
            variant,
            pool,
            size: pool.and_then(|pool| rows.pools[pool].nodes.index_of(spec.accelerators)),
            accelerators: spec.accelerators,
            watts: spec.watts.0.max(0),
            tokens: spec.tokens_per_second.0.max(0.0),
            allowed: !excluded && variant_runs_at(spec, row.id, row.site),
            site_cap: refusal_in_force(&self.deployment.refusals, row.id, row.site)
                .map_or(u32::MAX, |refusal| refusal.most_replicas),
            suits: origins_suited(self.deployment, row.site),
            tenant: self.tenant,
            outside_reserve: pool
                .is_some_and(|pool| rows.pools[pool].is_outside(&self.deployment.tenant)),
            cost: Vec::new(),
            scarcity: Vec::new(),
            stay: Vec::new(),
            arrive: Vec::new(),
        }
    }

    /// Dwell counts from the beginning of the slot of arrival, as it does for arrivals in the plan itself.
    fn arrival(&self, rows: &Rows<'w>, site: usize) -> i64 {
        let variants = self.deployment.committed.get(rows.sites[site].id);
        let since = variants.and_then(|variants| variants.values().map(|held| held.since).min());
        since.map_or(0, |at| {
            (at - rows.world.slots.start)
                .num_seconds()
                .div_euclid(i64::from(rows.world.slots.seconds.max(1)))
                .min(0)
        })
    }

    /// Tokens per second that a vector of replicas leaves unserved in a slot.
    pub(crate) fn shortfall(&self, slot: usize, replicas: &[u32]) -> f64 {
        let served = |set: u32| -> f64 {
            (self.places.iter().zip(replicas))
                .filter(|(place, _)| place.suits & set != 0)
                .map(|(place, count)| place.tokens * f64::from(*count))
                .sum()
        };
        let short = match &self.origins {
            None => self.tokens[slot] - served(u32::MAX),
            Some(origins) => origins.shortfall(self.tokens[slot], served),
        };
        if short <= self.tolerance { 0.0 } else { short }
    }

    /// Tokens per second that more replicas at a place could serve of what a vector leaves.
    pub(crate) fn rest_at(&self, slot: usize, at: usize, replicas: &[u32]) -> f64 {
        let short = self.shortfall(slot, replicas);
        let Some(origins) = self.origins.as_ref().filter(|_| short > 0.0) else {
            return short;
        };
        let suits = self.places[at].suits;
        let without = origins.shortfall(self.tokens[slot], |set| {
            if set & suits != 0 {
                return f64::INFINITY;
            }
            (self.places.iter().zip(replicas))
                .filter(|(place, _)| place.suits & set != 0)
                .map(|(place, count)| place.tokens * f64::from(*count))
                .sum()
        });
        let rest = short - without.max(0.0);
        if rest <= self.tolerance { 0.0 } else { rest }
    }

    /// The parts that come from each origin; empty where every site suits all of them.
    pub(crate) fn shares(&self) -> &[f64] {
        self.origins.as_ref().map_or(&[], |origins| &origins.shares)
    }

    /// Distinct sites with a replica.
    pub(crate) fn sites_used(&self, replicas: &[u32]) -> u32 {
        let mut used = 0;
        let mut last = usize::MAX;
        for (place, count) in self.places.iter().zip(replicas) {
            if *count > 0 && place.site != last {
                used += 1;
                last = place.site;
            }
        }
        used
    }

    pub(crate) fn sites_missing(&self, replicas: &[u32]) -> u32 {
        self.minimum_sites.saturating_sub(self.sites_used(replicas))
    }

    /// Replicas at the site of a place, all variants together.
    pub(crate) fn at_site(&self, site: usize, replicas: &[u32]) -> u32 {
        let first = self.places.partition_point(|place| place.site < site);
        self.places[first..]
            .iter()
            .zip(&replicas[first..])
            .take_while(|(place, _)| place.site == site)
            .map(|(_, count)| *count)
            .fold(0, u32::saturating_add)
    }

    /// What one token per second that nothing serves costs in a slot.
    pub(crate) fn worth(&self, hours: f64) -> f64 {
        self.policy.unserved_per_million_tokens.0.max(0.0) * hours * 3600.0 / 1e6
    }
}
