//! A plan beside its world, and whether the one can be read with the other at all.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    Deployment, DeploymentId, JobId, JobPlan, JobShape, Plan, Site, SiteId, SitePlacement, Variant,
    World,
};

use crate::finding::{Finding, Rule};

/// A plan whose names and vectors fit its world.
pub(crate) struct Reading<'a> {
    pub world: &'a World,
    pub plan: &'a Plan,
    lines: BTreeMap<&'a SiteId, BTreeMap<&'a DeploymentId, Vec<Line<'a>>>>,
}

/// One line of a plan or of what is committed: a variant of a deployment at a site.
pub(crate) struct Line<'a> {
    pub id: &'a DeploymentId,
    pub deployment: &'a Deployment,
    pub site: &'a SiteId,
    pub variant: &'a Variant,
    /// Replicas before the first slot.
    pub committed: u32,
    /// Replicas in each slot; empty where the plan has none.
    pub ceiling: &'a [u32],
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
        self.ceiling.get(slot).copied().unwrap_or(0)
    }

    /// IT watts of one replica.
    pub(crate) fn watts(&self) -> i128 {
        i128::from(self.variant.watts.0.max(0))
    }
}

/// A job that the plan placed.
pub(crate) struct PlacedJob<'a> {
    pub id: &'a JobId,
    pub plan: &'a JobPlan,
    pub shape: &'a JobShape,
}

impl PlacedJob<'_> {
    pub(crate) fn watts(&self) -> i128 {
        (i128::from(self.shape.watts_per_pod.0) * i128::from(self.shape.pods)).max(0)
    }
}

impl<'a> Reading<'a> {
    pub(crate) fn new(world: &'a World, plan: &'a Plan) -> Self {
        let mut lines: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for site in world.sites.keys() {
            let here: &mut BTreeMap<_, _> = lines.entry(site).or_default();
            for (id, deployment) in &world.deployments {
                let found = lines_of(plan, id, deployment, site);
                if !found.is_empty() {
                    here.insert(id, found);
                }
            }
        }
        Self { world, plan, lines }
    }

    pub(crate) fn slots(&self) -> usize {
        self.world.slots.count
    }

    /// All lines at one site, those that are only committed included.
    pub(crate) fn lines_at(&self, site: &SiteId) -> impl Iterator<Item = &Line<'a>> {
        let here = self.lines.get(site).into_iter();
        here.flat_map(BTreeMap::values).flatten()
    }

    /// The lines of one deployment at one site.
    pub(crate) fn lines_of(
        &self,
        id: &DeploymentId,
        site: &SiteId,
    ) -> impl Iterator<Item = &Line<'a>> {
        let here = self.lines.get(site).and_then(|here| here.get(id));
        here.into_iter().flatten()
    }

    /// Jobs with a place.
    pub(crate) fn placed_jobs(&self) -> impl Iterator<Item = PlacedJob<'a>> + '_ {
        self.plan.jobs.iter().filter_map(|(id, decision)| {
            let plan = decision.placed.as_ref()?;
            let shape = self.world.jobs.get(id)?.shapes.get(&plan.product)?;
            Some(PlacedJob { id, plan, shape })
        })
    }
}

fn lines_of<'a>(
    plan: &'a Plan,
    id: &'a DeploymentId,
    deployment: &'a Deployment,
    site: &'a SiteId,
) -> Vec<Line<'a>> {
    let committed = deployment.committed.get(site);
    let planned = plan.deployments.get(id);
    let planned = planned.and_then(|decision| decision.sites.get(site));
    if committed.is_none() && planned.is_none() {
        return Vec::new();
    }
    let line = |variant: &'a Variant| {
        let committed = committed
            .and_then(|variants| variants.get(&variant.name))
            .map_or(0, |held| held.replicas);
        let placement: Option<&SitePlacement> =
            planned.and_then(|variants| variants.get(&variant.name));
        (committed > 0 || placement.is_some()).then_some(Line {
            id,
            deployment,
            site,
            variant,
            committed,
            ceiling: placement.map_or(&[], |placement| &placement.ceiling),
        })
    };
    deployment.variants.iter().filter_map(line).collect()
}

/// The limit of a slot in watts: none declared is no power.
pub(crate) fn limit(site: &Site, slot: usize) -> i128 {
    site.hours
        .get(slot)
        .map_or(0, |hour| i128::from(hour.limit.0.max(0)))
}

/// Whether the plan is for this horizon, names what the world has, and has one value per slot everywhere.
pub(crate) fn shape(world: &World, plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    if plan.slots != Some(world.slots) {
        let detail = format!("planned {:?}, world {:?}", plan.slots, world.slots);
        findings.push(Finding::new(Rule::Horizon, detail));
    }
    for id in world.deployments.keys() {
        if !plan.deployments.contains_key(id) {
            findings.push(Finding::new(Rule::Names, "no decision").of(id));
        }
    }
    for id in world.jobs.keys() {
        if !plan.jobs.contains_key(id) {
            findings.push(Finding::new(Rule::Names, "no decision").job(id));
        }
    }
    for (id, decision) in &plan.deployments {
        let Some(deployment) = world.deployments.get(id) else {
            findings.push(Finding::new(Rule::Names, "not in the world").of(id));
            continue;
        };
        for (site, variants) in &decision.sites {
            deployment_shape(world, (id, deployment), site, variants, &mut findings);
        }
    }
    for (id, decision) in &plan.jobs {
        if !world.jobs.contains_key(id) {
            findings.push(Finding::new(Rule::Names, "not in the world").job(id));
        }
        if let Some(placed) = &decision.placed {
            job_shape(world, id, placed, &mut findings);
        }
    }
    findings
}

fn deployment_shape(
    world: &World,
    (id, deployment): (&DeploymentId, &Deployment),
    site: &SiteId,
    variants: &BTreeMap<commonwatt_fleet::VariantName, SitePlacement>,
    findings: &mut Vec<Finding>,
) {
    if !world.sites.contains_key(site) {
        findings.push(Finding::new(Rule::Names, "no such site").of(id).at(site));
    }
    for (name, placement) in variants {
        if !deployment.variants.iter().any(|v| v.name == *name) {
            let detail = format!("no variant {name}");
            findings.push(Finding::new(Rule::Names, detail).of(id).at(site));
        }
        let (ceilings, floors) = (placement.ceiling.len(), placement.floor.len());
        if ceilings != world.slots.count || floors != world.slots.count {
            let slots = world.slots.count;
            let detail = format!("{ceilings} ceilings and {floors} floors for {slots} slots");
            findings.push(Finding::new(Rule::Horizon, detail).of(id).at(site));
        }
    }
}

fn job_shape(world: &World, id: &JobId, placed: &JobPlan, findings: &mut Vec<Finding>) {
    if !world.sites.contains_key(&placed.site) {
        let finding = Finding::new(Rule::Names, "no such site");
        findings.push(finding.job(id).at(&placed.site));
    }
    if placed.runs.len() != world.slots.count {
        let detail = format!(
            "{} values for {} slots",
            placed.runs.len(),
            world.slots.count
        );
        let finding = Finding::new(Rule::Horizon, detail);
        findings.push(finding.job(id).at(&placed.site));
    }
}
