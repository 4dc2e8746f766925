//! Money, carbon and water of what was decided, added up a second time from the formulas of DESIGN section 4.

use std::collections::BTreeMap;

use commonwatt_fleet::{CostParts, Money, Policy, Site};

use crate::finding::{Finding, Rule};
use crate::moves::moved;
use crate::reading::Reading;
use crate::serving::shortfall;

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = figures(reading);
    findings.extend(job_costs(reading));
    let parts = recount(reading);
    let objective = &reading.plan.objective;
    for ((name, ours), (_, theirs)) in parts.named().into_iter().zip(objective.parts.named()) {
        if !near(ours.0, theirs.0) {
            let detail = format!("{name} is {:.4}, declared {:.4}", ours.0, theirs.0);
            findings.push(Finding::new(Rule::Objective, detail));
        }
    }
    let sum: f64 = objective.parts.named().iter().map(|(_, part)| part.0).sum();
    if !near(sum, objective.total.0) {
        let detail = format!("parts add up to {sum:.4}, total {:.4}", objective.total.0);
        findings.push(Finding::new(Rule::Objective, detail));
    }
    findings.extend(bound(reading));
    findings
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * (1.0 + a.abs().max(b.abs()))
}

fn bound(reading: &Reading<'_>) -> Option<Finding> {
    let (objective, bound) = (&reading.plan.objective, &reading.plan.bound);
    if !near(bound.upper.0, objective.total.0) {
        let (upper, total) = (bound.upper.0, objective.total.0);
        let detail = format!("upper {upper:.4} is not the cost {total:.4}");
        return Some(Finding::new(Rule::Bound, detail));
    }
    let lower = bound.lower?;
    let above = lower.0 > bound.upper.0 && !near(lower.0, bound.upper.0);
    let detail = || format!("lower {:.4} above upper {:.4}", lower.0, bound.upper.0);
    above.then(|| Finding::new(Rule::Bound, detail()))
}

/// What workloads are charged by.
struct Load {
    watts: f64,
    accelerators: f64,
    price_per_hour: f64,
    hours: f64,
}

fn running(site: &Site, slot: usize, policy: Option<&Policy>, load: &Load) -> CostParts {
    let accelerators = Money(load.price_per_hour * load.accelerators * load.hours);
    let Some(hour) = site.hours.get(slot) else {
        return CostParts {
            accelerators,
            ..CostParts::default()
        };
    };
    let it_kwh = load.watts / 1000.0 * load.hours;
    let facility_kwh = it_kwh * hour.pue;
    let tonnes = facility_kwh * hour.average_carbon.0 / 1e6;
    let cubic_meters = it_kwh * hour.wue.0 / 1e3 * site.scarcity;
    let price = |of: fn(&Policy) -> Money| policy.map_or(0.0, |policy| of(policy).0);
    CostParts {
        energy: Money(facility_kwh * hour.price_per_kwh.0),
        accelerators,
        carbon: Money(tonnes * price(|policy| policy.carbon_per_tonne)),
        water: Money(cubic_meters * price(|policy| policy.water_per_cubic_meter)),
        ..CostParts::default()
    }
}

fn recount(reading: &Reading<'_>) -> CostParts {
    let mut parts = CostParts::default();
    let hours = reading.world.slots.hours();
    let none = BTreeMap::new();
    for (id, deployment) in &reading.world.deployments {
        let policy = reading.world.policies.get(&deployment.policy);
        for slot in 0..reading.slots() {
            for (name, site) in &reading.world.sites {
                for line in reading.lines_of(id, name) {
                    let count = f64::from(line.after(slot));
                    let pool = site.pools.get(&line.variant.product);
                    let load = Load {
                        watts: line.watts() as f64 * count,
                        accelerators: f64::from(line.variant.accelerators) * count,
                        price_per_hour: pool.map_or(0.0, |pool| pool.price_per_hour.0),
                        hours,
                    };
                    parts += running(site, slot, policy, &load);
                }
            }
            let moves = moved(reading, id, deployment, slot, &none).all;
            let each = policy.map_or(0.0, |policy| policy.move_cost.0);
            parts.moves += Money(each * moves as f64);
            if let Some(decision) = reading.plan.deployments.get(id) {
                let tokens = shortfall(deployment, decision, slot) * hours * 3600.0;
                let worth = policy.map_or(0.0, |policy| policy.unserved_per_million_tokens.0);
                parts.unserved += Money(worth * tokens / 1e6);
            }
        }
    }
    for decision in reading.plan.jobs.values() {
        if let Some(placed) = &decision.placed {
            parts += placed.cost;
        }
    }
    parts
}

fn job_costs(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for job in reading.placed_jobs() {
        let (Some(site), Some(spec)) = (
            reading.world.sites.get(&job.plan.site),
            reading.world.jobs.get(job.id),
        ) else {
            continue;
        };
        let policy = reading.world.policies.get(&spec.policy);
        let pool = site.pools.get(&job.plan.product);
        let pods = f64::from(job.shape.pods);
        let load = Load {
            watts: job.watts() as f64,
            accelerators: f64::from(job.shape.accelerators_per_pod) * pods,
            price_per_hour: pool.map_or(0.0, |pool| pool.price_per_hour.0),
            hours: reading.world.slots.hours(),
        };
        let cost: CostParts = (0..reading.slots())
            .filter(|slot| job.plan.runs[*slot])
            .map(|slot| running(site, slot, policy, &load))
            .sum();
        let (ours, theirs) = (cost.total().0, job.plan.cost.total().0);
        if !near(ours, theirs) {
            let detail = format!("its hours cost {ours:.4}, declared {theirs:.4}");
            let finding = Finding::new(Rule::Objective, detail);
            findings.push(finding.job(job.id).at(&job.plan.site));
        }
    }
    findings
}

/// Watts, money, carbon and water of the first slot, placement by placement.
fn figures(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, deployment) in &reading.world.deployments {
        let policy = reading.world.policies.get(&deployment.policy);
        for (name, site) in &reading.world.sites {
            for line in reading.lines_of(id, name) {
                let decision = reading.plan.deployments.get(id);
                let Some(placement) =
                    decision.and_then(|decision| decision.sites.get(name)?.get(&line.variant.name))
                else {
                    continue;
                };
                let count = f64::from(line.after(0));
                let watts = line.watts() as f64 * count;
                let pool = site.pools.get(&line.variant.product);
                let load = Load {
                    watts,
                    accelerators: f64::from(line.variant.accelerators) * count,
                    price_per_hour: pool.map_or(0.0, |pool| pool.price_per_hour.0),
                    hours: 1.0,
                };
                let hour = site.hours.first();
                let kwh = watts / 1000.0;
                let grams = hour.map_or(0.0, |h| kwh * h.pue * h.average_carbon.0);
                let litres = hour.map_or(0.0, |h| kwh * h.wue.0);
                let cost = running(site, 0, policy, &load).total().0;
                let pairs = [
                    ("W", watts, placement.watts.0 as f64),
                    ("money/h", cost, placement.cost_per_hour.total().0),
                    ("g/h", grams, placement.grams_per_hour.0),
                    ("L/h", litres, placement.liters_per_hour.0),
                ];
                for (unit, ours, theirs) in pairs {
                    if !near(ours, theirs) {
                        let detail = format!("{ours:.4} {unit}, declared {theirs:.4}");
                        let finding = Finding::new(Rule::Figures, detail);
                        findings.push(finding.of(id).at(name).slot(0));
                    }
                }
            }
        }
    }
    findings
}
