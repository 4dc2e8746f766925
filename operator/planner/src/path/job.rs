//! What jobs do in the first slot.

use std::collections::BTreeMap;

use commonwatt_fleet::{Act, BatchJob, JobId, JobPlan, Plan, SiteId, World};

use super::room::{Load, Room};

/// One job: where it runs, and what the first slot has of it.
#[derive(Debug, Clone)]
pub(super) struct Job<'w> {
    pub id: &'w JobId,
    /// Where it runs now, and what it takes there.
    pub now: Option<(&'w SiteId, Load)>,
    /// Where it shall run, and what it takes there.
    pub to: Option<(&'w JobPlan, Load)>,
    /// Whether it runs where it shall, and may pause on the way.
    pub may_pause: bool,
    /// What a pause costs.
    pub restart_cost: f64,
    /// The last step that changed it.
    pub last: Option<usize>,
}

impl Job<'_> {
    /// Whether it runs where it shall.
    pub(super) fn stays(&self) -> bool {
        let now = self.now.as_ref();
        let to = self.to.as_ref();
        now.zip(to)
            .is_some_and(|((now, _), (to, _))| **now == to.site)
    }

    /// Going on, or starting, where it shall.
    pub(super) fn run(&self, to: &JobPlan) -> Act {
        Act::Run {
            job: self.id.clone(),
            site: to.site.clone(),
            product: to.product.clone(),
        }
    }
}

/// All jobs that run or shall. At a site that is gone nothing can be done about one.
pub(super) fn jobs<'w>(world: &'w World, plan: &'w Plan, room: &Room<'w>) -> Vec<Job<'w>> {
    let jobs = world.jobs.iter().map(|(id, job)| {
        let planned = plan
            .jobs
            .get(id)
            .and_then(|decision| decision.placed.as_ref());
        let planned = planned.filter(|placed| placed.runs.first() == Some(&true));
        let to = planned.map(|placed| {
            let shape = job.shapes.get_key_value(&placed.product);
            (placed, room.load_of_job(&placed.site, shape.into_iter()))
        });
        let mut job = Job {
            id,
            now: runs_at(world, room, job, planned),
            to,
            may_pause: job.interruptible,
            restart_cost: job.restart_cost.0,
            last: None,
        };
        job.may_pause &= job.stays();
        job
    });
    jobs.filter(|job| job.now.is_some() || job.to.is_some())
        .collect()
}

/// Where a job runs now. On which product is not known: one that goes on is on what the plan says, any other may be on each.
fn runs_at<'w>(
    world: &'w World,
    room: &Room<'w>,
    job: &'w BatchJob,
    planned: Option<&JobPlan>,
) -> Option<(&'w SiteId, Load)> {
    let started = job.started_at.as_ref().filter(|_| job.running)?;
    let (id, site) = world.sites.get_key_value(started)?;
    let goes_on = planned.filter(|placed| placed.site == *id);
    let ways: BTreeMap<_, _> = (job.shapes.iter())
        .filter(|(product, _)| match goes_on {
            Some(placed) => placed.product == **product,
            None => site.pools.contains_key(*product),
        })
        .collect();
    Some((id, room.load_of_job(id, ways.into_iter())))
}
