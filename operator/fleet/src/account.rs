//! What a plan comes to over its horizon: energy, carbon, water, money, starts, what is not served, and where what runs is above
//! a limit. Counted from ceilings, as the plan's own cost is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::{
    CostParts, Deployment, GramsCo2e, KilowattHours, Liters, Plan, Policy, Site, SiteId, Watts,
    World, physics,
};

/// What is used, over the horizon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Energy at the facility.
    pub energy: KilowattHours,
    /// Carbon, location-based average.
    pub carbon: GramsCo2e,
    /// Water on site.
    pub water: Liters,
    /// What running costs: energy, accelerators, carbon and water at their prices.
    pub running: CostParts,
    /// Replicas that start where fewer ran the slot before.
    pub starts: u64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.energy.0 += other.energy.0;
        self.carbon += other.carbon;
        self.water += other.water;
        self.running += other.running;
        self.starts += other.starts;
    }
}

/// A slot in which more is charged than a limit gives: what ran before can only be lowered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// Who set the limit.
    pub set_by: String,
    /// The site, if it is of one.
    pub site: Option<SiteId>,
    /// In which slot.
    pub slot: usize,
    /// What is charged.
    pub charged: Watts,
    /// What the limit gives.
    pub limit: Watts,
}

/// What a plan of a world comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// By site; every site of the world.
    pub sites: BTreeMap<SiteId, Figures>,
    /// Tokens that are asked for and not served.
    pub unserved_tokens: f64,
    /// Sites that deployments lack of their minimum, added up over deployments and slots.
    pub sites_missing: u64,
    /// Jobs that will not be done by their deadline.
    pub jobs_at_risk: usize,
    /// Where what runs is above a limit.
    pub breaches: Vec<Breach>,
}

impl Account {
    /// Counts.
    pub fn of(world: &World, plan: &Plan) -> Self {
        let mut account = Self {
            sites: world
                .sites
                .keys()
                .map(|site| (site.clone(), Figures::default()))
                .collect(),
            jobs_at_risk: plan.jobs.values().filter(|job| job.at_risk).count(),
            ..Self::default()
        };
        let mut charged = Charged::new();
        for (id, deployment) in &world.deployments {
            account.serving(world, plan, (id, deployment), &mut charged);
        }
        account.batch(world, plan, &mut charged);
        account.breaches = breaches(world, &charged);
        account
    }

    /// All sites together.
    pub fn total(&self) -> Figures {
        self.over(|_| true)
    }

    /// Some sites together.
    pub fn over(&self, counts: impl Fn(&SiteId) -> bool) -> Figures {
        let mut sum = Figures::default();
        for (_, figures) in self.sites.iter().filter(|(site, _)| counts(site)) {
            sum += *figures;
        }
        sum
    }

    fn serving(
        &mut self,
        world: &World,
        plan: &Plan,
        (id, deployment): (&crate::DeploymentId, &Deployment),
        charged: &mut Charged,
    ) {
        let policy = world.policies.get(&deployment.policy);
        let anything = deployment.committed.values().flat_map(BTreeMap::values);
        let runs = anything
            .map(|held| held.replicas)
            .any(|replicas| replicas > 0);
        let mut served = vec![0.0; world.slots.count];
        let mut hosts = vec![BTreeSet::new(); world.slots.count];
        for (site, terms) in &world.sites {
            for variant in &deployment.variants {
                let held = deployment
                    .committed
                    .get(site)
                    .and_then(|held| held.get(&variant.name));
                let mut before = held.map_or(0, |held| held.replicas);
                for slot in 0..world.slots.count {
                    let now = plan.replicas(id, site, &variant.name, slot);
                    let watts = Watts(variant.watts.0.max(0));
                    let place = Place {
                        site,
                        terms,
                        policy,
                        product: &variant.product,
                        slot,
                    };
                    let accelerators = variant.accelerators * now;
                    self.use_of(world, &place, watts.times(now), accelerators);
                    charge(charged, &place, watts.times(now.max(before)));
                    let starts = if slot == 0 && !runs {
                        0
                    } else {
                        now.saturating_sub(before)
                    };
                    self.figures(site).starts += u64::from(starts);
                    served[slot] += variant.tokens_per_second.0.max(0.0) * f64::from(now);
                    if now > 0 {
                        hosts[slot].insert(site);
                    }
                    before = now;
                }
            }
        }
        let seconds = f64::from(world.slots.seconds);
        for (slot, (served, hosts)) in served.iter().zip(&hosts).enumerate() {
            let demand = deployment.demand_in(slot).0.max(0.0);
            let short = demand - served;
            if short > 1e-9 * (1.0 + demand) {
                self.unserved_tokens += short * seconds;
            }
            let missing = (deployment.minimum_sites as usize).saturating_sub(hosts.len());
            self.sites_missing += missing as u64;
        }
    }

    fn batch(&mut self, world: &World, plan: &Plan, charged: &mut Charged) {
        for (id, job) in &world.jobs {
            let placed = plan
                .jobs
                .get(id)
                .and_then(|decision| decision.placed.as_ref());
            let Some(placed) = placed else { continue };
            let shape = job.shapes.get(&placed.product);
            let (Some(shape), Some((site, terms))) =
                (shape, world.sites.get_key_value(&placed.site))
            else {
                continue;
            };
            for slot in (0..world.slots.count).filter(|slot| placed.runs.get(*slot) == Some(&true))
            {
                let watts = Watts(shape.watts().0.max(0));
                let place = Place {
                    site,
                    terms,
                    policy: world.policies.get(&job.policy),
                    product: &placed.product,
                    slot,
                };
                self.use_of(world, &place, watts, shape.accelerators());
                charge(charged, &place, watts);
            }
        }
    }

    fn figures(&mut self, site: &SiteId) -> &mut Figures {
        self.sites.entry(site.clone()).or_default()
    }

    fn use_of(&mut self, world: &World, place: &Place<'_>, watts: Watts, accelerators: u32) {
        let hours = world.slots.hours();
        if watts.0 == 0 && accelerators == 0 {
            return;
        }
        let hour = place.terms.hour(place.slot);
        let pool = place.terms.pools.get(place.product);
        let running = pool.zip(place.policy).map(|(pool, policy)| {
            CostParts::running(place.terms, hour, pool, policy, watts, accelerators, hours)
        });
        let figures = self.figures(place.site);
        *figures += Figures {
            energy: physics::facility_energy(watts, hour, hours),
            carbon: physics::carbon(watts, hour, hours),
            water: physics::water(watts, hour, hours),
            running: running.unwrap_or_default(),
            starts: 0,
        };
    }
}

/// Where something is used, and when.
struct Place<'w> {
    site: &'w SiteId,
    terms: &'w Site,
    policy: Option<&'w Policy>,
    product: &'w crate::Product,
    slot: usize,
}

/// Watts charged by slot, site and product.
type Charged = BTreeMap<(usize, SiteId, crate::Product), i64>;

fn charge(charged: &mut Charged, place: &Place<'_>, watts: Watts) {
    if watts.0 > 0 {
        let key = (place.slot, place.site.clone(), place.product.clone());
        let sum = charged.entry(key).or_default();
        *sum = sum.saturating_add(watts.0);
    }
}

fn breaches(world: &World, charged: &Charged) -> Vec<Breach> {
    let mut found = Vec::new();
    for slot in 0..world.slots.count {
        let first = (slot, SiteId::from(""), crate::Product::from(""));
        let here: Vec<_> = charged
            .range(first..)
            .take_while(|((at, ..), _)| *at == slot)
            .collect();
        let sum = |counts: &dyn Fn(&SiteId, &crate::Product) -> bool| {
            let under = here
                .iter()
                .filter(|((_, site, product), _)| counts(site, product));
            Watts(under.map(|(_, watts)| **watts).fold(0, i64::saturating_add))
        };
        for (site, terms) in &world.sites {
            let hour = terms.hour(slot);
            let limit = hour.limit.max(Watts::ZERO);
            let charged = sum(&|of, _| of == site);
            if charged > limit {
                found.push(Breach {
                    set_by: hour.limit_set_by.clone(),
                    site: Some(site.clone()),
                    slot,
                    charged,
                    limit,
                });
            }
        }
        for (name, cap) in &world.shared.caps {
            let limit = cap
                .limit
                .get(slot)
                .copied()
                .unwrap_or_default()
                .max(Watts::ZERO);
            let charged = sum(&|site, product| cap.covers(site, product));
            if charged > limit {
                found.push(Breach {
                    set_by: name.clone(),
                    site: None,
                    slot,
                    charged,
                    limit,
                });
            }
        }
    }
    found
}
