//! A plan beside its world: its lines and jobs, by site and by deployment.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    BatchJob, Deployment, DeploymentId, JobId, JobPlan, JobShape, Plan, Site, SiteId,
    SitePlacement, Variant, World,
};

/// A plan whose names and vectors fit its world.
pub(crate) struct Reading<'a> {
    pub world: &'a World,
    pub plan: &'a Plan,
    lines: Vec<Line<'a>>,
    lines_of: BTreeMap<&'a DeploymentId, Vec<usize>>,
    lines_at: BTreeMap<&'a SiteId, Vec<usize>>,
    jobs: Vec<PlacedJob<'a>>,
    jobs_at: BTreeMap<&'a SiteId, Vec<usize>>,
}

/// One line of a plan or of what is committed: a variant of a deployment at a site.
pub(crate) struct Line<'a> {
    pub id: &'a DeploymentId,
    pub deployment: &'a Deployment,
    pub site: &'a SiteId,
    pub offer: &'a Site,
    pub variant: &'a Variant,
    /// Replicas before the first slot.
    pub committed: u32,
    /// What the plan says; none where it has nothing here.
    pub placement: Option<&'a SitePlacement>,
}

impl Line<'_> {
    /// Replicas before a slot.
    pub(crate) fn before(&self, slot: usize) -> u32 {
        match slot.checked_sub(1) {
            Some(last) => self.after(last),
            None => self.committed,
        }
    }

    /// Replicas in a slot.
    pub(crate) fn after(&self, slot: usize) -> u32 {
        let ceiling = self.placement.and_then(|here| here.ceiling.get(slot));
        ceiling.copied().unwrap_or(0)
    }

    /// Replicas in a slot that limits may not take.
    pub(crate) fn floor(&self, slot: usize) -> u32 {
        let floor = self.placement.and_then(|here| here.floor.get(slot));
        floor.copied().unwrap_or(0)
    }

    /// Whether it has more replicas in a slot than before.
    pub(crate) fn grows(&self, slot: usize) -> bool {
        self.after(slot) > self.before(slot)
    }

    /// IT watts of one replica.
    pub(crate) fn watts(&self) -> i128 {
        i128::from(self.variant.watts.0.max(0))
    }

    /// Tokens per second of one replica.
    pub(crate) fn tokens(&self) -> f64 {
        self.variant.tokens_per_second.0.max(0.0)
    }
}

/// A job that the plan placed.
pub(crate) struct PlacedJob<'a> {
    pub id: &'a JobId,
    pub job: &'a BatchJob,
    pub plan: &'a JobPlan,
    pub shape: &'a JobShape,
}

impl PlacedJob<'_> {
    /// Whether it runs in a slot.
    pub(crate) fn runs(&self, slot: usize) -> bool {
        self.plan.runs.get(slot).copied().unwrap_or(false)
    }

    /// IT watts of all its pods.
    pub(crate) fn watts(&self) -> i128 {
        watts_of(self.shape)
    }

    /// Accelerators of all its pods.
    pub(crate) fn accelerators(&self) -> u64 {
        u64::from(self.shape.pods) * u64::from(self.shape.accelerators_per_pod)
    }
}

/// IT watts of all pods of a job.
pub(crate) fn watts_of(shape: &JobShape) -> i128 {
    (i128::from(shape.watts_per_pod.0) * i128::from(shape.pods)).max(0)
}

impl<'a> Reading<'a> {
    pub(crate) fn new(world: &'a World, plan: &'a Plan) -> Self {
        let mut reading = Self {
            world,
            plan,
            lines: Vec::new(),
            lines_of: BTreeMap::new(),
            lines_at: BTreeMap::new(),
            jobs: Vec::new(),
            jobs_at: BTreeMap::new(),
        };
        for (id, deployment) in &world.deployments {
            let lines = lines(world, plan, id, deployment);
            for line in lines {
                let index = reading.lines.len();
                reading.lines_of.entry(id).or_default().push(index);
                reading.lines_at.entry(line.site).or_default().push(index);
                reading.lines.push(line);
            }
        }
        for placed in placed_jobs(world, plan) {
            let index = reading.jobs.len();
            let here = reading.jobs_at.entry(&placed.plan.site).or_default();
            here.push(index);
            reading.jobs.push(placed);
        }
        reading
    }

    pub(crate) fn slots(&self) -> usize {
        self.world.slots.count
    }

    /// The length of a slot in hours.
    pub(crate) fn hours(&self) -> f64 {
        f64::from(self.world.slots.seconds) / 3600.0
    }

    /// All lines, those that are only committed included.
    pub(crate) fn lines(&self) -> &[Line<'a>] {
        &self.lines
    }

    /// The lines at one site.
    pub(crate) fn lines_at(&self, site: &SiteId) -> impl Iterator<Item = &Line<'a>> {
        let here = self.lines_at.get(site).into_iter().flatten();
        here.map(|index| &self.lines[*index])
    }

    /// The lines of one deployment, site by site.
    pub(crate) fn lines_of(&self, id: &DeploymentId) -> impl Iterator<Item = &Line<'a>> {
        let its = self.lines_of.get(id).into_iter().flatten();
        its.map(|index| &self.lines[*index])
    }

    /// Jobs with a place.
    pub(crate) fn jobs(&self) -> &[PlacedJob<'a>] {
        &self.jobs
    }

    /// Jobs with a place at one site.
    pub(crate) fn jobs_at(&self, site: &SiteId) -> impl Iterator<Item = &PlacedJob<'a>> {
        let here = self.jobs_at.get(site).into_iter().flatten();
        here.map(|index| &self.jobs[*index])
    }

    /// IT watts at a site in a slot, once it has settled.
    pub(crate) fn drawn(&self, site: &SiteId, slot: usize) -> i128 {
        let serving = self.lines_at(site);
        let serving = serving.map(|line| line.watts() * i128::from(line.after(slot)));
        let batch = self.jobs_at(site).filter(|job| job.runs(slot));
        serving.sum::<i128>() + batch.map(PlacedJob::watts).sum::<i128>()
    }
}

fn lines<'a>(
    world: &'a World,
    plan: &'a Plan,
    id: &'a DeploymentId,
    deployment: &'a Deployment,
) -> Vec<Line<'a>> {
    let planned = plan.deployments.get(id).map(|decision| &decision.sites);
    let mut sites: Vec<&SiteId> = deployment.committed.keys().collect();
    sites.extend(planned.into_iter().flat_map(BTreeMap::keys));
    sites.sort_unstable();
    sites.dedup();
    let mut found = Vec::new();
    for site in sites {
        let Some((site, offer)) = world.sites.get_key_value(site) else {
            continue;
        };
        let committed = deployment.committed.get(site);
        let planned = planned.and_then(|sites| sites.get(site));
        for variant in &deployment.variants {
            let held = committed.and_then(|variants| variants.get(&variant.name));
            let committed = held.map_or(0, |held| held.replicas);
            let placement = planned.and_then(|variants| variants.get(&variant.name));
            if committed > 0 || placement.is_some() {
                found.push(Line {
                    id,
                    deployment,
                    site,
                    offer,
                    variant,
                    committed,
                    placement,
                });
            }
        }
    }
    found
}

fn placed_jobs<'a>(world: &'a World, plan: &'a Plan) -> impl Iterator<Item = PlacedJob<'a>> {
    plan.jobs.iter().filter_map(|(id, decision)| {
        let plan = decision.placed.as_ref()?;
        let job = world.jobs.get(id)?;
        let shape = job.shapes.get(&plan.product)?;
        Some(PlacedJob {
            id,
            job,
            plan,
            shape,
        })
    })
}
