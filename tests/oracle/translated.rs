//! A solver's values as a plan. Floors are as high as ceilings; of cost and reasons nothing is said.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    CostParts, Decision, JobDecision, JobPlan, Money, Plan, SitePlacement, World,
};

/// The plan of a world that the columns of its program say.
pub fn plan(world: &World, values: &BTreeMap<String, f64>) -> Plan {
    let mut plan = Plan {
        slots: Some(world.slots),
        ..Plan::default()
    };
    for id in world.deployments.keys() {
        plan.deployments.insert(id.clone(), Decision::default());
    }
    for id in world.jobs.keys() {
        plan.jobs.insert(id.clone(), JobDecision::default());
    }
    for (name, value) in values {
        let mut parts = name.split('_');
        let letter = parts.next().unwrap_or_default();
        let numbers: Vec<usize> = parts.filter_map(|part| part.parse().ok()).collect();
        match (letter, numbers.as_slice()) {
            ("n", [d, s, v, slot]) => {
                replicas(world, &mut plan, (*d, *s, *v, *slot), value.round() as u32);
            }
            ("r", [j, way, slot]) if *value > 0.5 => runs(world, &mut plan, (*j, *way, *slot)),
            ("e", [q, slot]) => on(world, &mut plan, (*q, *slot), value.round() as u32),
            ("a", [j]) if *value > 0.5 => {
                if let Some(job) = plan.jobs.values_mut().nth(*j) {
                    job.at_risk = true;
                }
            }
            _ => {}
        }
    }
    plan
}

fn replicas(
    world: &World,
    plan: &mut Plan,
    (d, s, v, slot): (usize, usize, usize, usize),
    count: u32,
) {
    let (id, deployment) = world.deployments.iter().nth(d).expect("a deployment");
    let site = world.sites.keys().nth(s).expect("a site");
    let decision = plan.deployments.entry(id.clone()).or_default();
    let variants = decision.sites.entry(site.clone()).or_default();
    let placement = variants
        .entry(deployment.variants[v].name.clone())
        .or_insert_with(|| nothing(world.slots.count));
    placement.ceiling[slot] = count;
    placement.floor[slot] = count;
}

/// No replicas in any slot, and no figures.
fn nothing(slots: usize) -> SitePlacement {
    let cost = serde_json::to_value(CostParts::default()).expect("JSON");
    let none = vec![0; slots];
    let placement = serde_json::json!({
        "ceiling": none, "floor": none, "choice": {"reason": "MinimumSites", "sites": 0},
        "watts": 0, "costPerHour": cost, "gramsPerHour": 0.0, "litersPerHour": 0.0,
    });
    serde_json::from_value(placement).expect("a placement")
}

fn runs(world: &World, plan: &mut Plan, (j, way, slot): (usize, usize, usize)) {
    let (id, job) = world.jobs.iter().nth(j).expect("a job");
    let sites = world.sites.iter().filter(|(site, what)| {
        let law = &job.jurisdictions;
        let lawful = law.is_empty() || law.contains(&what.jurisdiction);
        lawful && job.started_at.as_ref().is_none_or(|at| at == *site)
    });
    let mut ways = sites.flat_map(|(site, what)| {
        let products = job.shapes.keys();
        let here = products.filter(|product| what.pools.contains_key(*product));
        here.map(move |product| (site, product))
    });
    let (site, product) = ways.nth(way).expect("a way");
    let placed = &mut plan.jobs.entry(id.clone()).or_default().placed;
    let placed = placed.get_or_insert_with(|| JobPlan {
        site: site.clone(),
        product: product.clone(),
        runs: vec![false; world.slots.count],
        cost: CostParts::default(),
        saved_by_waiting: Money::ZERO,
    });
    placed.runs[slot] = true;
}

fn on(world: &World, plan: &mut Plan, (q, slot): (usize, usize), count: u32) {
    let mut pools = world.sites.iter().flat_map(|(site, what)| {
        let products = what.pools.keys();
        products.map(move |product| (site, product))
    });
    let (site, product) = pools.nth(q).expect("a pool");
    let site = plan.elastic.entry(site.clone()).or_default();
    let none = || vec![0; world.slots.count];
    site.entry(product.clone()).or_insert_with(none)[slot] = count;
}
