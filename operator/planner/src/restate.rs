//! A plan made under a rule's prices, told again at the true ones.

use commonwatt_fleet::{CostParts, JobDecision, JobPlan, Money, Plan, World};

use crate::assemble::assemble;
use crate::batch::{job_cost, ways_at};
use crate::instance::Instance;
use crate::schedule::replay;
use crate::windows::Window;

/// The same replicas and hours, priced and explained in `world`.
pub(crate) fn restate(world: &World, by_rule: &Plan) -> Plan {
    let instance = Instance::new(world);
    let schedule = replay(&instance, by_rule);
    let jobs = by_rule
        .jobs
        .iter()
        .map(|(id, decision)| (id.clone(), restate_job(&instance, id, decision)))
        .collect();
    assemble(&instance, schedule, jobs)
}

fn restate_job(
    instance: &Instance<'_>,
    id: &commonwatt_fleet::JobId,
    decision: &JobDecision,
) -> JobDecision {
    let mut decision = decision.clone();
    let Some(job) = instance.world.jobs.get(id) else {
        return decision;
    };
    let window = Window::new(job, &instance.world.slots);
    let Some(plan) = &mut decision.placed else {
        decision.at_risk = window.work > 0 && !window.rest_fits_beyond(0);
        return decision;
    };
    let slots: Vec<_> = (0..plan.runs.len())
        .filter(|slot| plan.runs[*slot])
        .collect();
    decision.at_risk = !window.done_in_time(&slots);
    plan.cost = true_cost(instance, job, &window, plan, &slots);
    plan.saved_by_waiting = Money::ZERO;
    decision
}

fn true_cost(
    instance: &Instance<'_>,
    job: &commonwatt_fleet::BatchJob,
    window: &Window,
    plan: &JobPlan,
    slots: &[usize],
) -> CostParts {
    let site = instance.sites.iter().position(|row| *row.id == plan.site);
    let ways = site
        .into_iter()
        .flat_map(|site| ways_at(instance, job, window, site));
    let way = ways.into_iter().find(|way| *way.product == plan.product);
    way.map_or_else(CostParts::default, |way| {
        job_cost(instance, job, &way, slots)
    })
}
