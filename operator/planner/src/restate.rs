//! A plan made under a rule's prices, told again at the true ones.

use commonwatt_fleet::{Bound, CostParts, JobDecision, JobPlan, Money, Plan, World};

use crate::assemble::assemble;
use crate::batch::{job_cost, ways_at};
use crate::demand::Demand;
use crate::instance::Instance;
use crate::objective::objective;
use crate::outlook::look_ahead;
use crate::prices::{Folded, PriceRows, Prices};
use crate::rows::Rows;
use crate::schedule::{Schedule, replay};
use crate::windows::Window;

/// The same replicas and hours, priced and explained in `world`.
pub(crate) fn restate(world: &World, by_rule: &Plan) -> Plan {
    let (instance, schedule) = replayed(world, by_rule);
    let jobs = by_rule
        .jobs
        .iter()
        .map(|(id, decision)| (id.clone(), restate_job(&instance, id, decision)))
        .collect();
    let bound = Bound {
        upper: objective(&instance, &schedule, &jobs).total,
        lower: None,
    };
    assemble(&instance, &schedule, jobs, bound)
}

/// A plan's schedule at the places that it names, its rows counted again.
fn replayed<'w>(world: &'w World, plan: &Plan) -> (Instance<'w>, Schedule) {
    let rows = Rows::new(world);
    let none = PriceRows::new(&rows);
    let folded = Folded::new(&rows, &none, &Prices::none(&none));
    let mut demands = Vec::new();
    for (id, deployment) in &world.deployments {
        let mut demand = Demand::new(&rows, id, deployment);
        let named = plan
            .deployments
            .get(id)
            .into_iter()
            .flat_map(|decision| &decision.sites);
        let places =
            named.flat_map(|(site, variants)| variants.keys().map(move |name| (site, name)));
        let places: Vec<_> = places
            .filter_map(|(site, name)| {
                let site = rows.sites.iter().position(|row| row.id == site)?;
                let variant = deployment
                    .variants
                    .iter()
                    .position(|variant| variant.name == *name)?;
                Some((site, variant))
            })
            .collect();
        demand.list(&rows, places);
        look_ahead(&rows, &folded, &mut demand);
        demands.push(demand);
    }
    let instance = Instance::new(rows, demands);
    let schedule = replay(&instance, plan);
    (instance, schedule)
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
