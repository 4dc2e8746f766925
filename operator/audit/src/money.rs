//! What a plan costs, added up a second time from the formulas of DESIGN section 4.

use commonwatt_fleet::{CostParts, Money, Policy, Product, Site};

use crate::charges;
use crate::finding::{Finding, Rule};
use crate::jobs::{restarts, waited};
use crate::moves::started;
use crate::reading::{Line, PlacedJob, Reading};
use crate::serving::shortfall;

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = figures(reading);
    findings.extend(job_costs(reading));
    let parts = recount(reading);
    let objective = &reading.plan.objective;
    for detail in differences(&parts, &objective.parts) {
        findings.push(Finding::new(Rule::Objective, detail));
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

fn differences(ours: &CostParts, theirs: &CostParts) -> Vec<String> {
    let pairs = ours.named().into_iter().zip(theirs.named());
    pairs
        .filter(|((_, ours), (_, theirs))| !near(ours.0, theirs.0))
        .map(|((name, ours), (_, theirs))| format!("{name} is {ours:.4}, declared {theirs:.4}"))
        .collect()
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

/// What runs: so many watts on so many accelerators of a product, under a policy.
struct Load<'a> {
    product: &'a Product,
    policy: Option<&'a Policy>,
    watts: f64,
    accelerators: f64,
}

impl<'a> Load<'a> {
    fn serving(reading: &Reading<'a>, line: &Line<'a>, slot: usize) -> Self {
        let count = f64::from(line.after(slot));
        Self {
            product: &line.variant.product,
            policy: reading.world.policies.get(&line.deployment.policy),
            watts: line.watts() as f64 * count,
            accelerators: f64::from(line.variant.accelerators) * count,
        }
    }

    fn batch(reading: &Reading<'a>, job: &PlacedJob<'a>) -> Self {
        Self {
            product: &job.plan.product,
            policy: reading.world.policies.get(&job.job.policy),
            watts: job.watts() as f64,
            accelerators: job.accelerators() as f64,
        }
    }

    /// What running costs at a site in a slot.
    fn cost(&self, site: &Site, slot: usize, hours: f64) -> CostParts {
        let pool = site.pools.get(self.product);
        let each = pool.map_or(0.0, |pool| pool.price_per_hour.0);
        let accelerators = Money(each * self.accelerators * hours);
        let Some(hour) = site.hours.get(slot) else {
            return CostParts {
                accelerators,
                ..CostParts::default()
            };
        };
        let it_kwh = self.watts / 1000.0 * hours;
        let facility_kwh = it_kwh * hour.pue;
        let tonnes = facility_kwh * hour.average_carbon.0 / 1e6;
        let cubic_meters = it_kwh * hour.wue.0 / 1e3 * site.scarcity;
        let price = |of: fn(&Policy) -> Money| self.policy.map_or(0.0, |policy| of(policy).0);
        CostParts {
            energy: Money(facility_kwh * hour.price_per_kwh.0),
            accelerators,
            carbon: Money(tonnes * price(|policy| policy.carbon_per_tonne)),
            water: Money(cubic_meters * price(|policy| policy.water_per_cubic_meter)),
            ..CostParts::default()
        }
    }
}

fn recount(reading: &Reading<'_>) -> CostParts {
    let hours = reading.hours();
    let mut parts = charges::all(reading);
    for line in reading.lines() {
        for slot in (0..reading.slots()).filter(|slot| line.after(*slot) > 0) {
            parts += Load::serving(reading, line, slot).cost(line.offer, slot, hours);
        }
    }
    for (id, deployment) in &reading.world.deployments {
        let policy = reading.world.policies.get(&deployment.policy);
        let each = policy.map_or(0.0, |policy| policy.move_cost.0);
        let worth = policy.map_or(0.0, |policy| policy.unserved_per_million_tokens.0);
        for slot in 0..reading.slots() {
            let starts = started(reading, id, deployment, slot);
            parts.moves += Money(each * starts as f64);
            let tokens = shortfall(reading, id, deployment, slot) * hours * 3600.0;
            parts.unserved += Money(worth * tokens / 1e6);
        }
    }
    for job in reading.jobs() {
        parts += job_cost(reading, job);
    }
    parts
}

/// What a job's hours cost, its starts after a pause and its owner's time with them.
fn job_cost(reading: &Reading<'_>, placed: &PlacedJob<'_>) -> CostParts {
    let (job, plan) = (placed.job, placed.plan);
    let mut parts = CostParts {
        moves: Money(job.restart_cost.0 * restarts(job, plan) as f64),
        waiting: Money(job.waiting_per_hour.0 * waited(reading, job, plan)),
        ..CostParts::default()
    };
    if let Some(site) = reading.world.sites.get(&plan.site) {
        let load = Load::batch(reading, placed);
        let slots = (0..reading.slots()).filter(|slot| placed.runs(*slot));
        let hours = slots.map(|slot| load.cost(site, slot, reading.hours()));
        parts += hours.sum();
    }
    parts
}

fn job_costs(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for job in reading.jobs() {
        for detail in differences(&job_cost(reading, job), &job.plan.cost) {
            let finding = Finding::new(Rule::Objective, detail);
            findings.push(finding.job(job.id).at(&job.plan.site));
        }
    }
    findings
}

/// Watts, money, carbon and water of the first slot, placement by placement.
fn figures(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in reading.lines() {
        let Some(placement) = line.placement else {
            continue;
        };
        let load = Load::serving(reading, line, 0);
        let hour = line.offer.hours.first();
        let kwh = load.watts / 1000.0;
        let grams = hour.map_or(0.0, |h| kwh * h.pue * h.average_carbon.0);
        let litres = hour.map_or(0.0, |h| kwh * h.wue.0);
        let cost = load.cost(line.offer, 0, 1.0).total().0;
        let pairs = [
            ("W", load.watts, placement.watts.0 as f64),
            ("money/h", cost, placement.cost_per_hour.total().0),
            ("g/h", grams, placement.grams_per_hour.0),
            ("L/h", litres, placement.liters_per_hour.0),
        ];
        for (unit, ours, theirs) in pairs {
            if !near(ours, theirs) {
                let detail = format!("{ours:.4} {unit}, declared {theirs:.4}");
                let finding = Finding::new(Rule::Figures, detail);
                findings.push(finding.of(line.id).at(line.site).slot(0));
            }
        }
    }
    findings
}
