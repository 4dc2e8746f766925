//! Whether a plan can be read with its world at all: the same horizon, names that exist, one value per slot.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    Deployment, DeploymentId, JobId, JobPlan, Plan, SiteId, SitePlacement, VariantName, World,
};

use crate::finding::{Finding, Rule};

/// What keeps the plan from being read.
pub(crate) fn check(world: &World, plan: &Plan) -> Vec<Finding> {
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
            of_deployment(world, (id, deployment), site, variants, &mut findings);
        }
    }
    for (id, decision) in &plan.jobs {
        if !world.jobs.contains_key(id) {
            findings.push(Finding::new(Rule::Names, "not in the world").job(id));
        }
        if let Some(placed) = &decision.placed {
            of_job(world, id, placed, &mut findings);
        }
    }
    of_elastic(world, plan, &mut findings);
    findings
}

fn of_deployment(
    world: &World,
    (id, deployment): (&DeploymentId, &Deployment),
    site: &SiteId,
    variants: &BTreeMap<VariantName, SitePlacement>,
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

fn of_job(world: &World, id: &JobId, placed: &JobPlan, findings: &mut Vec<Finding>) {
    if !world.sites.contains_key(&placed.site) {
        let finding = Finding::new(Rule::Names, "no such site");
        findings.push(finding.job(id).at(&placed.site));
    }
    let (values, slots) = (placed.runs.len(), world.slots.count);
    if values != slots {
        let finding = Finding::new(Rule::Horizon, format!("{values} values for {slots} slots"));
        findings.push(finding.job(id).at(&placed.site));
    }
}

fn of_elastic(world: &World, plan: &Plan, findings: &mut Vec<Finding>) {
    for (site, products) in &plan.elastic {
        for (product, nodes) in products {
            let offer = world.sites.get(site);
            if !offer.is_some_and(|offer| offer.pools.contains_key(product)) {
                let detail = format!("nodes of {product}, of which there is no pool");
                findings.push(Finding::new(Rule::Names, detail).at(site));
            }
            let (values, slots) = (nodes.len(), world.slots.count);
            if values != slots {
                let detail = format!("{values} values of {product} nodes for {slots} slots");
                findings.push(Finding::new(Rule::Horizon, detail).at(site));
            }
        }
    }
}
