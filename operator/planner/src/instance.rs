//! The world in rows and numbers, indexed once: what the search reads in its inner loops.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{
    CostParts, Deployment, DeploymentId, GramsPerKwh, LitersPerKwh, Money, Policy, Pool, Product,
    Site, SiteHour, SiteId, Watts, World,
};

use crate::eligibility::{
    excludes_deployment, first_slot_past_offer, refusal_in_force, variant_runs_at,
};
use crate::packing::Nodes;

/// What counts for a policy name that the world does not know: nothing has a price and nothing may move.
static NO_POLICY: Policy = Policy {
    carbon_per_tonne: Money(0.0),
    water_per_cubic_meter: Money(0.0),
    unserved_per_million_tokens: Money(0.0),
    move_cost: Money(0.0),
    dwell_seconds: 0,
    moves_per_hour: 0,
};

/// What counts for an hour that an offer leaves out: unknown is not zero cost, it is no power.
static CLOSED: SiteHour = SiteHour {
    limit: Watts(0),
    limit_set_by: String::new(),
    price_per_kwh: Money(0.0),
    pue: 1.0,
    wue: LitersPerKwh(0.0),
    average_carbon: GramsPerKwh(0.0),
    marginal_carbon: None,
};

/// The policy of that name.
pub(crate) fn policy_of<'w>(world: &'w World, name: &str) -> &'w Policy {
    world.policies.get(name).unwrap_or(&NO_POLICY)
}

/// What a site offers in a slot.
pub(crate) fn hour_of(site: &Site, slot: usize) -> &SiteHour {
    site.hours.get(slot).unwrap_or(&CLOSED)
}

/// One site.
pub(crate) struct SiteRow<'w> {
    pub id: &'w SiteId,
    pub site: &'w Site,
    /// IT watts by slot, never below zero.
    pub limit: Vec<i64>,
    /// What may still run at a slot's end: the lower of its limit and the next one's, so that a falling limit is met
    /// before it falls.
    pub end_limit: Vec<i64>,
    /// Litres per watt from a slot to the horizon's end; one more entry than slots.
    pub liters_onward: Vec<f64>,
    /// Litres that the horizon may use; infinite where no budget limits it.
    pub water: f64,
    /// The first slot in which its offer no longer counts.
    pub past_offer: usize,
}

impl SiteRow<'_> {
    /// Litres of one watt held for a slot.
    pub(crate) fn liters(&self, slot: usize) -> f64 {
        self.liters_onward[slot] - self.liters_onward[slot + 1]
    }
}

/// One pool of accelerators.
pub(crate) struct PoolRow<'w> {
    pub pool: &'w Pool,
    pub nodes: Nodes,
}

/// One way to serve a deployment at one site.
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
    /// Running cost of one replica from slot 0 up to a slot: prefix sums.
    pub cost_until: Vec<f64>,
    /// See [`crate::outlook`].
    pub stay: Vec<f64>,
    /// See [`crate::outlook`].
    pub arrive: Vec<f64>,
}

/// One deployment.
pub(crate) struct Demand<'w> {
    pub id: &'w DeploymentId,
    pub deployment: &'w Deployment,
    pub policy: &'w Policy,
    pub policy_index: usize,
    /// By site, then in the order of preference.
    pub places: Vec<Place>,
    /// Committed replicas by place.
    pub committed: Vec<u32>,
    /// The slot, perhaps before the horizon, in which it came to the place's site.
    pub since: Vec<i64>,
    pub tokens: f64,
    /// Shortfalls up to this are rounding.
    pub tolerance: f64,
    pub minimum_sites: u32,
    pub dwell_slots: i64,
}

impl Demand<'_> {
    /// Tokens per second that a vector of replicas leaves unserved.
    pub(crate) fn shortfall(&self, replicas: &[u32]) -> f64 {
        let served: f64 = self
            .places
            .iter()
            .zip(replicas)
            .map(|(place, count)| place.tokens * f64::from(*count))
            .sum();
        let short = self.tokens - served;
        if short <= self.tolerance { 0.0 } else { short }
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
}

/// A world, indexed.
pub(crate) struct Instance<'w> {
    pub world: &'w World,
    pub slots: usize,
    pub hours: f64,
    pub sites: Vec<SiteRow<'w>>,
    pub pools: Vec<PoolRow<'w>>,
    pub pool_index: BTreeMap<(usize, &'w Product), usize>,
    pub demands: Vec<Demand<'w>>,
    /// Moves that each policy allows in a slot; the last is of policies that the world does not know.
    pub moves_per_slot: Vec<u32>,
}

impl<'w> Instance<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        let hours = world.slots.hours();
        let (pools, pool_index) = pool_rows(world);
        let moves_per_slot = world
            .policies
            .values()
            .map(|policy| (f64::from(policy.moves_per_hour) * hours) as u32)
            .chain([0])
            .collect();
        let mut instance = Self {
            world,
            slots: world.slots.count,
            hours,
            sites: world
                .sites
                .iter()
                .map(|(id, site)| site_row(world, id, site))
                .collect(),
            pools,
            pool_index,
            demands: Vec::new(),
            moves_per_slot,
        };
        instance.demands = world
            .deployments
            .iter()
            .map(|(id, deployment)| instance.demand(id, deployment))
            .collect();
        instance.raise_water_to_incumbents();
        instance
    }

    pub(crate) fn site_of(&self, place: &Place) -> &SiteRow<'w> {
        &self.sites[place.site]
    }

    /// What one replica at a place costs in one slot, by part.
    pub(crate) fn running(&self, demand: &Demand<'_>, place: &Place, slot: usize) -> CostParts {
        let site = self.sites[place.site].site;
        match place.pool {
            Some(pool) => CostParts::running(
                site,
                hour_of(site, slot),
                self.pools[pool].pool,
                demand.policy,
                Watts(place.watts),
                place.accelerators,
                self.hours,
            ),
            None => CostParts::default(),
        }
    }

    fn demand(&self, id: &'w DeploymentId, deployment: &'w Deployment) -> Demand<'w> {
        let policy = policy_of(self.world, &deployment.policy);
        let policy_index = self
            .world
            .policies
            .keys()
            .position(|name| *name == deployment.policy)
            .unwrap_or(self.world.policies.len());
        let seconds = i64::from(self.world.slots.seconds.max(1));
        let largest = deployment
            .variants
            .iter()
            .map(|variant| variant.tokens_per_second.0)
            .fold(0.0, f64::max);
        let tokens = deployment.demand.0.max(0.0);
        let mut demand = Demand {
            id,
            deployment,
            policy,
            policy_index,
            places: Vec::new(),
            committed: Vec::new(),
            since: Vec::new(),
            tokens,
            tolerance: 1e-9 * (tokens + largest),
            minimum_sites: deployment.minimum_sites,
            dwell_slots: (i64::from(policy.dwell_seconds) + seconds - 1) / seconds,
        };
        for site in 0..self.sites.len() {
            self.add_places(&mut demand, site);
        }
        crate::outlook::look_ahead(self, &mut demand);
        demand
    }

    fn add_places(&self, demand: &mut Demand<'w>, index: usize) {
        let row = &self.sites[index];
        let deployment = demand.deployment;
        let excluded = excludes_deployment(deployment, row.id, row.site).is_some();
        let committed = deployment.committed.get(row.id);
        let since = committed
            .and_then(|variants| variants.values().map(|held| held.since).min())
            .map_or(0, |at| {
                // Dwell counts from the beginning of the slot of arrival, as it does for arrivals in the plan itself.
                (at - self.world.slots.start)
                    .num_seconds()
                    .div_euclid(i64::from(self.world.slots.seconds.max(1)))
                    .min(0)
            });
        let site_cap = refusal_in_force(&deployment.refusals, row.id, row.site)
            .map_or(u32::MAX, |refusal| refusal.most_replicas);
        for (number, variant) in deployment.variants.iter().enumerate() {
            let held = committed
                .and_then(|variants| variants.get(&variant.name))
                .map_or(0, |held| held.replicas);
            let allowed = !excluded && variant_runs_at(variant, row.id, row.site);
            if !allowed && held == 0 {
                continue;
            }
            let pool = self.pool_index.get(&(index, &variant.product)).copied();
            let mut place = Place {
                site: index,
                variant: number,
                pool,
                size: pool.and_then(|pool| self.pools[pool].nodes.index_of(variant.accelerators)),
                accelerators: variant.accelerators,
                watts: variant.watts.0.max(0),
                tokens: variant.tokens_per_second.0.max(0.0),
                allowed,
                site_cap,
                cost_until: vec![0.0],
                stay: Vec::new(),
                arrive: Vec::new(),
            };
            let mut sum = 0.0;
            for slot in 0..self.slots {
                sum += self.running(demand, &place, slot).total().0;
                place.cost_until.push(sum);
            }
            demand.places.push(place);
            demand.committed.push(held);
            demand.since.push(since);
        }
    }

    /// Incumbents may go on where they alone use more than the allowance: then nothing grows there.
    fn raise_water_to_incumbents(&mut self) {
        let mut liters = vec![0.0; self.sites.len()];
        for demand in &self.demands {
            for (place, count) in demand.places.iter().zip(&demand.committed) {
                let watts = place.watts as f64 * f64::from(*count);
                liters[place.site] += watts * self.sites[place.site].liters_onward[0];
            }
        }
        for (row, incumbents) in self.sites.iter_mut().zip(liters) {
            row.water = row.water.max(incumbents);
        }
    }
}

fn site_row<'w>(world: &'w World, id: &'w SiteId, site: &'w Site) -> SiteRow<'w> {
    let slots = world.slots.count;
    let hours = world.slots.hours();
    let limit: Vec<i64> = (0..slots)
        .map(|slot| hour_of(site, slot).limit.0.max(0))
        .collect();
    let end_limit = (0..slots)
        .map(|slot| limit[slot].min(limit.get(slot + 1).copied().unwrap_or(i64::MAX)))
        .collect();
    let mut liters_onward = vec![0.0; slots + 1];
    for slot in (0..slots).rev() {
        let liters = commonwatt_fleet::physics::water(Watts(1), hour_of(site, slot), hours).0;
        liters_onward[slot] = liters_onward[slot + 1] + liters;
    }
    SiteRow {
        id,
        site,
        limit,
        end_limit,
        liters_onward,
        water: site.water.as_ref().map_or(f64::INFINITY, |stock| {
            stock.allowance(hours * slots as f64).0
        }),
        past_offer: first_slot_past_offer(site, &world.slots),
    }
}

type PoolIndex<'w> = BTreeMap<(usize, &'w Product), usize>;

fn pool_rows(world: &World) -> (Vec<PoolRow<'_>>, PoolIndex<'_>) {
    let mut sizes: BTreeMap<&Product, BTreeSet<u32>> = BTreeMap::new();
    for variant in world.deployments.values().flat_map(|d| &d.variants) {
        let known = sizes.entry(&variant.product).or_default();
        known.insert(variant.accelerators);
    }
    for (product, shape) in world.jobs.values().flat_map(|job| &job.shapes) {
        let known = sizes.entry(product).or_default();
        known.insert(shape.accelerators_per_pod);
    }
    let mut rows = Vec::new();
    let mut index = BTreeMap::new();
    for (number, site) in world.sites.values().enumerate() {
        for (product, pool) in &site.pools {
            index.insert((number, product), rows.len());
            let asked = sizes.get(product).into_iter().flatten().copied();
            rows.push(PoolRow {
                pool,
                nodes: Nodes::new(pool, asked),
            });
        }
    }
    (rows, index)
}
