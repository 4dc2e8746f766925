//! Batch in what serving leaves: every job its site, product and hours.

mod grade;
mod room;
mod search;

use std::collections::BTreeMap;

use commonwatt_fleet::{BatchJob, JobDecision, JobId, JobPlan, JobShape, Money, Plan, Product};

use crate::eligibility::{excludes_job, refusal_in_force};
use crate::instance::Instance;
use crate::schedule::Schedule;
use crate::windows::{Hours, Window};

pub(crate) use room::job_cost;
use room::{Room, Way};
use search::{Taken, Task, place_all};

/// Gives every job its site and hours.
pub(crate) fn place_jobs(
    instance: &Instance<'_>,
    schedule: &Schedule,
    previous: &Plan,
) -> BTreeMap<JobId, JobDecision> {
    let mut room = Room::new(instance, schedule);
    let task = |(id, job)| {
        let window = Window::new(job, &instance.world.slots);
        let running_on = running_product(job, previous.jobs.get(id));
        let ways = (0..instance.sites.len())
            .flat_map(|site| ways_at(instance, job, &window, site))
            .collect();
        Task::new((id, job), window, running_on, ways, &mut room)
    };
    let tasks: Vec<_> = instance.world.jobs.iter().map(task).collect();
    let taken = place_all(&tasks, &mut room, instance.sites.len());
    tasks
        .iter()
        .zip(taken)
        .map(|(task, taken)| (task.id.clone(), decision(instance, &mut room, task, taken)))
        .collect()
}

/// The product that a running job was given.
fn running_product<'p>(job: &BatchJob, previous: Option<&'p JobDecision>) -> Option<&'p Product> {
    let placed = previous?.placed.as_ref()?;
    let same = job.running && job.started_at.as_ref() == Some(&placed.site);
    (same && job.shapes.contains_key(&placed.product)).then_some(&placed.product)
}

/// All products on which a site could do the job.
pub(crate) fn ways_at<'i>(
    instance: &'i Instance<'_>,
    job: &'i BatchJob,
    window: &Window,
    site: usize,
) -> Vec<Way<'i>> {
    let row = &instance.sites[site];
    let here = job.running && job.started_at.as_ref() == Some(row.id);
    if excludes_job(job, row.id, row.site).is_some() || (row.past_offer == 0 && !here) {
        return Vec::new();
    }
    let window = window.at_site(job, row.id, &instance.world.slots, row.past_offer);
    let most_pods = refusal_in_force(&job.refusals, row.id, row.site)
        .map_or(u32::MAX, |refusal| refusal.most_replicas);
    let way = |(product, shape): (&'i Product, &'i JobShape)| {
        let pool = instance.pool_index.get(&(site, product)).copied()?;
        (shape.pods <= most_pods).then(|| Way {
            site,
            pool,
            product,
            shape: *shape,
            size: instance.pools[pool]
                .nodes
                .index_of(shape.accelerators_per_pod),
            window,
            tenant: instance.tenant_index(&job.tenant),
            outside_reserve: instance.pools[pool].is_outside(&job.tenant),
        })
    };
    job.shapes.iter().filter_map(way).collect()
}

/// A way with the hours that all other jobs leave it.
pub(crate) struct Offer<'t, 'i> {
    pub way: &'t Way<'i>,
    pub hours: Hours,
    /// The earliest hours.
    pub earliest: Option<Vec<usize>>,
}

impl<'t, 'i> Offer<'t, 'i> {
    fn new(room: &mut Room<'_>, job: &BatchJob, way: &'t Way<'i>) -> Self {
        let hours = room.hours(job, way);
        Self {
            earliest: hours.earliest(&way.window),
            way,
            hours,
        }
    }

    /// What the work costs if all of it goes on as in these hours.
    fn projected(&self, slots: &[usize]) -> f64 {
        self.hours.projected(&self.way.window, slots)
    }
}

/// What was decided for a job.
fn decision<'i>(
    instance: &'i Instance<'_>,
    room: &mut Room<'i>,
    task: &Task<'i>,
    taken: Option<Taken>,
) -> JobDecision {
    let chosen = taken.as_ref().map(|taken| {
        let way = &task.ways[taken.way].0;
        (way, &taken.slots[..])
    });
    if let Some((way, slots)) = chosen {
        room.give_back(way, slots);
    }
    let offers: Vec<_> = task
        .ways
        .iter()
        .map(|(way, _)| Offer::new(room, task.job, way))
        .collect();
    let place = chosen.and_then(|(way, slots)| {
        let here = |offer: &&Offer<'_, '_>| std::ptr::eq(offer.way, way);
        Some((offers.iter().find(here)?, slots))
    });
    let decision = JobDecision {
        placed: place.map(|place| job_plan(instance, task.job, place, &offers)),
        at_risk: match place {
            Some((_, slots)) => !task.window.done_in_time(slots),
            None => task.window.work > 0 && !task.window.rest_fits_beyond(0),
        },
    };
    if let Some((way, slots)) = chosen {
        room.take(way, slots);
    }
    decision
}

fn job_plan(
    instance: &Instance<'_>,
    job: &BatchJob,
    (offer, slots): (&Offer<'_, '_>, &[usize]),
    offers: &[Offer<'_, '_>],
) -> JobPlan {
    let mut runs = vec![false; instance.slots];
    for slot in slots {
        runs[*slot] = true;
    }
    // A job that has started has no other place to have run at once.
    let pool = offer.way.pool;
    let comparable = |other: &&Offer<'_, '_>| job.started_at.is_none() || other.way.pool == pool;
    let at_once = offers
        .iter()
        .filter(comparable)
        .filter_map(|other| Some(other.projected(other.earliest.as_ref()?)))
        .fold(f64::INFINITY, f64::min);
    let saved = at_once - offer.projected(slots);
    JobPlan {
        site: instance.sites[offer.way.site].id.clone(),
        product: offer.way.product.clone(),
        runs,
        cost: job_cost(instance, job, offer.way, slots),
        saved_by_waiting: Money(if saved.is_finite() { saved } else { 0.0 }),
    }
}
