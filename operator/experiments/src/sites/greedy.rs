//! Baselines: each hour's work, one after another, to the place that a rule likes best and that the limits leave room at. They know
//! the hour and look no further.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    BatchJob, CostParts, Deployment, DeploymentId, JobId, Product, Site, SiteId, Variant, Watts,
    World,
};

use super::room::Room;
use super::state::Decision;

/// What a baseline likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Near its users, or its data.
    Home,
    /// Cheap energy.
    Cheapest,
    /// Little carbon.
    Cleanest,
    /// What the planner's objective counts for the hour: energy, carbon at its price, starts. Nothing has a price for being scarce.
    Objective,
}

/// Something that could run somewhere.
struct Work<'w> {
    policy: &'w str,
    watts: Watts,
    /// How far from home, in the unit of its kind of work.
    away: f64,
    /// It does not run there yet.
    starts: bool,
}

impl Rule {
    /// What the hour's decision is.
    pub(super) fn decide(self, world: &World) -> Decision {
        let mut hour = Hour {
            rule: self,
            world,
            rooms: Room::all(world),
            decision: Decision::default(),
        };
        let mut jobs: Vec<_> = world.jobs.iter().collect();
        jobs.sort_by_key(|(id, job)| (slack(world, job), *id));
        // What can wait no longer comes first, then serving, then what could.
        let urgent = jobs.partition_point(|(_, job)| slack(world, job) <= 0);
        for (id, job) in &jobs[..urgent] {
            hour.run(id, job);
        }
        for (id, deployment) in &world.deployments {
            hour.serve(id, deployment);
        }
        for (id, job) in &jobs[urgent..] {
            hour.run(id, job);
        }
        hour.decision
    }

    /// The lower the better.
    fn cost(self, world: &World, site: &Site, work: &Work<'_>) -> f64 {
        let hour = site.hour(0);
        let facility = work.watts.0 as f64 * hour.pue;
        match self {
            Self::Home => work.away,
            Self::Cheapest => facility * hour.price_per_kwh.0,
            Self::Cleanest => facility * hour.average_carbon.0,
            Self::Objective => {
                let (Some(policy), Some(pool)) =
                    (world.policies.get(work.policy), site.pools.values().next())
                else {
                    return f64::INFINITY;
                };
                let running = CostParts::running(site, hour, pool, policy, work.watts, 0, 1.0);
                let start = if work.starts { policy.move_cost.0 } else { 0.0 };
                running.total().0 + start
            }
        }
    }
}

/// Whole hours that a job can still wait.
fn slack(world: &World, job: &BatchJob) -> i64 {
    (job.deadline - world.slots.start).num_hours() - i64::from(job.slots_left)
}

/// An hour while it is decided.
struct Hour<'w> {
    rule: Rule,
    world: &'w World,
    rooms: BTreeMap<&'w SiteId, Room<'w>>,
    decision: Decision,
}

/// A place for replicas; what ran there before and what would start are two, as they may cost differently.
struct Place<'w> {
    site: &'w SiteId,
    variant: &'w Variant,
    /// For each token per second.
    cost: f64,
    starts: bool,
    before: u32,
}

impl<'w> Hour<'w> {
    fn serve(&mut self, id: &DeploymentId, deployment: &'w Deployment) {
        let places = self.places(deployment);
        let mut counts: BTreeMap<(&SiteId, &str), u32> = BTreeMap::new();
        let mut left = deployment.demand_in(0).0;
        // One at each of the sites that it has to be at, the rest in order.
        let mut hosts = Vec::new();
        for place in &places {
            let wanted = hosts.len() < deployment.minimum_sites as usize;
            if wanted && !hosts.contains(&place.site) && self.add(place, 1, &mut counts) == 1 {
                hosts.push(place.site);
                left -= place.variant.tokens_per_second.0;
            }
        }
        for place in &places {
            let wanted = place
                .variant
                .replicas_for(commonwatt_fleet::TokensPerSecond(left));
            let added = self.add(place, wanted, &mut counts);
            left -= place.variant.tokens_per_second.0 * f64::from(added);
        }
        for ((site, variant), count) in counts {
            self.decision.set(id, site, &variant.into(), count);
        }
    }

    /// Adds as many as there is room for, up to so many.
    fn add(
        &mut self,
        place: &Place<'w>,
        wanted: u32,
        counts: &mut BTreeMap<(&'w SiteId, &'w str), u32>,
    ) -> u32 {
        let Some(room) = self.rooms.get_mut(place.site) else {
            return 0;
        };
        let now = counts
            .entry((place.site, place.variant.name.as_str()))
            .or_default();
        let allowed = if place.starts {
            u32::MAX
        } else {
            place.before.saturating_sub(*now)
        };
        let added = room
            .more(place.variant, *now, place.before)
            .min(wanted)
            .min(allowed);
        room.take(place.variant, *now, place.before, added);
        *now += added;
        added
    }

    /// The best first.
    fn places(&self, deployment: &'w Deployment) -> Vec<Place<'w>> {
        let mut places = Vec::new();
        for (id, site) in &self.world.sites {
            let Some(away) = distance(deployment, site) else {
                continue;
            };
            for variant in &deployment.variants {
                if !site.pools.contains_key(&variant.product) {
                    continue;
                }
                let held = deployment.committed.get(id);
                let held = held.and_then(|held| held.get(&variant.name));
                let before = held.map_or(0, |held| held.replicas);
                for starts in [false, true] {
                    let work = Work {
                        policy: &deployment.policy,
                        watts: variant.watts,
                        away: away * variant.tokens_per_second.0,
                        starts,
                    };
                    let cost = self.rule.cost(self.world, site, &work);
                    places.push(Place {
                        site: id,
                        variant,
                        cost: cost / variant.tokens_per_second.0,
                        starts,
                        before,
                    });
                }
            }
        }
        // Of two that are as good, what runs already and what draws less.
        let frugality =
            |place: &Place<'_>| place.variant.watts.0 as f64 / place.variant.tokens_per_second.0;
        places.sort_by(|a, b| {
            let cost = a.cost.total_cmp(&b.cost);
            cost.then(a.starts.cmp(&b.starts))
                .then(frugality(a).total_cmp(&frugality(b)))
        });
        places
    }

    fn run(&mut self, id: &JobId, job: &'w BatchJob) {
        let now = self.world.slots.start;
        let mut ways: Vec<(f64, &SiteId, &Product)> = Vec::new();
        for (site_id, site) in &self.world.sites {
            let elsewhere = job.started_at.as_ref().is_some_and(|at| at != site_id);
            if elsewhere || job.release_at(site_id) > now {
                continue;
            }
            for (product, shape) in &job.shapes {
                let fits = self.rooms.get(site_id).is_some_and(|room| {
                    room.fits(product, shape.accelerators_per_pod, shape.watts())
                });
                if fits {
                    let away = job.release_at(site_id) - job.release;
                    let work = Work {
                        policy: &job.policy,
                        watts: shape.watts(),
                        away: away.as_seconds_f64(),
                        starts: job.started_at.is_some() && !job.running,
                    };
                    ways.push((self.rule.cost(self.world, site, &work), site_id, product));
                }
            }
        }
        let best = ways.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, site, product)) = best else {
            return;
        };
        let shape = &job.shapes[product];
        if let Some(room) = self.rooms.get_mut(site) {
            room.run(product, shape.accelerators_per_pod, shape.watts());
        }
        let way = (site.clone(), product.clone());
        self.decision.jobs.insert(id.clone(), way);
    }
}

/// The farthest of its users, milliseconds; none where that is too far for one of them.
fn distance(deployment: &Deployment, site: &Site) -> Option<f64> {
    let mut farthest = 0.0_f64;
    for (origin, most) in &deployment.origins {
        let there = site.latencies.get(origin).filter(|there| *there <= most)?;
        farthest = farthest.max(f64::from(*there));
    }
    Some(farthest)
}
