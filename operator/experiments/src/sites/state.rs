//! What runs and what is left from hour to hour, and what a policy decides of the next.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    Decision as Serving, DeploymentId, JobDecision, JobId, JobPlan, Liters, Plan, Product, SiteId,
    SitePlacement, VariantName, Watts, World, physics,
};

use super::fleet::ZONES;
use super::trace::{Job, Season};

/// Replicas by deployment, site and variant.
pub type Replicas = BTreeMap<DeploymentId, BTreeMap<SiteId, BTreeMap<VariantName, u32>>>;

/// What runs for an hour.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Serving.
    pub replicas: Replicas,
    /// Jobs that run, with where and on what.
    pub jobs: BTreeMap<JobId, (SiteId, Product)>,
}

impl Decision {
    /// What a plan says of its first hour.
    pub fn first_hour(plan: &Plan) -> Self {
        let now = |vector: &[u32]| vector.first().copied().unwrap_or(0);
        let mut decision = Self::default();
        for (id, serving) in &plan.deployments {
            for (site, variants) in &serving.sites {
                for (variant, placement) in variants {
                    decision.set(id, site, variant, now(&placement.ceiling));
                }
            }
        }
        for (id, job) in &plan.jobs {
            let runs = job.placed.as_ref();
            if let Some(placed) = runs.filter(|placed| placed.runs.first() == Some(&true)) {
                let way = (placed.site.clone(), placed.product.clone());
                decision.jobs.insert(id.clone(), way);
            }
        }
        decision
    }

    /// So many replicas of a variant at a site.
    pub fn set(&mut self, id: &DeploymentId, site: &SiteId, variant: &VariantName, count: u32) {
        if count > 0 {
            let sites = self.replicas.entry(id.clone()).or_default();
            let variants = sites.entry(site.clone()).or_default();
            variants.insert(variant.clone(), count);
        }
    }

    /// The decision as a plan of one hour, with the world that it is for cut to that hour.
    pub(super) fn of_one_hour(&self, world: &World) -> (World, Plan) {
        let mut world = world.clone();
        world.slots.count = 1;
        for site in world.sites.values_mut() {
            site.hours.truncate(1);
        }
        for deployment in world.deployments.values_mut() {
            deployment.demand_by_slot.truncate(1);
        }
        let deployments = world
            .deployments
            .keys()
            .map(|id| (id.clone(), self.serving(id)));
        let jobs = world.jobs.keys().map(|id| (id.clone(), self.job(id)));
        let plan = Plan {
            slots: Some(world.slots),
            deployments: deployments.collect(),
            jobs: jobs.collect(),
            ..Plan::default()
        };
        (world, plan)
    }

    fn serving(&self, id: &DeploymentId) -> Serving {
        let placement = |count: &u32| SitePlacement {
            ceiling: vec![*count],
            floor: vec![0],
            watts: Watts::ZERO,
            cost_per_hour: commonwatt_fleet::CostParts::default(),
            grams_per_hour: commonwatt_fleet::GramsCo2e::ZERO,
            liters_per_hour: Liters::ZERO,
        };
        let mut serving = Serving::default();
        for (site, variants) in self.replicas.get(id).into_iter().flatten() {
            let placements = variants
                .iter()
                .map(|(name, count)| (name.clone(), placement(count)));
            serving.sites.insert(site.clone(), placements.collect());
        }
        serving
    }

    fn job(&self, id: &JobId) -> JobDecision {
        let placed = self.jobs.get(id).map(|(site, product)| JobPlan {
            site: site.clone(),
            product: product.clone(),
            runs: vec![true],
            cost: commonwatt_fleet::CostParts::default(),
            saved_by_waiting: commonwatt_fleet::Money::ZERO,
        });
        JobDecision {
            placed,
            at_risk: false,
        }
    }
}

/// How far a job has come.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Progress {
    pub(super) of: Job,
    pub(super) hours_left: u32,
    pub(super) started_at: Option<SiteId>,
    pub(super) running: bool,
}

/// What runs before an hour, and what has been used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub(super) replicas: Replicas,
    /// All jobs of the season by number.
    pub(super) jobs: Vec<Progress>,
    /// Litres, in the order of [`ZONES`].
    pub(super) water: Vec<f64>,
}

impl State {
    /// A season in which nothing runs yet.
    pub(super) fn new(season: &Season) -> Self {
        let progress = |job: &Job| Progress {
            of: *job,
            hours_left: job.work,
            started_at: None,
            running: false,
        };
        Self {
            replicas: Replicas::new(),
            jobs: season.jobs.iter().map(progress).collect(),
            water: vec![0.0; ZONES.len()],
        }
    }

    /// An hour goes by.
    pub(super) fn pass(&mut self, world: &World, decision: &Decision) {
        self.replicas.clone_from(&decision.replicas);
        for (number, job) in self.jobs.iter_mut().enumerate() {
            let runs = decision.jobs.get(&job_id(number));
            job.running = runs.is_some();
            if let Some((site, _)) = runs {
                job.hours_left = job.hours_left.saturating_sub(1);
                job.started_at = Some(site.clone());
            }
        }
        for (zone, used) in ZONES.iter().zip(&mut self.water) {
            let id = SiteId::from(zone.name);
            let hour = world.sites.get(&id).map(|site| site.hour(0));
            *used += hour.map_or(0.0, |hour| {
                physics::water(decision.watts_at(world, &id), hour, 1.0).0
            });
        }
    }
}

impl Decision {
    /// IT watts at a site.
    fn watts_at(&self, world: &World, site: &SiteId) -> Watts {
        let mut sum = Watts::ZERO;
        for (id, sites) in &self.replicas {
            let variants = world.deployments.get(id).into_iter();
            for variant in variants.flat_map(|deployment| &deployment.variants) {
                let count = sites.get(site).and_then(|here| here.get(&variant.name));
                sum = Watts(sum.0 + variant.watts.times(count.copied().unwrap_or(0)).0);
            }
        }
        for (id, (_, product)) in self.jobs.iter().filter(|(_, (at, _))| at == site) {
            let shape = world.jobs.get(id).and_then(|job| job.shapes.get(product));
            sum = Watts(sum.0 + shape.map_or(0, |shape| shape.watts().0));
        }
        sum
    }
}

/// The name of the season's job of that number.
pub(super) fn job_id(number: usize) -> JobId {
    JobId::new("sites", &format!("job-{number:04}"))
}
