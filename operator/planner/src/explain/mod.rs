//! Why a plan has everything where it has it, worked out when somebody asks: a plan itself says only what, so that it stays
//! small and its reasons cost nothing where nobody reads them.
//!
//! It counts the rows again from the plan and shares nothing with the search but the law, distance and hardware of
//! [`crate::eligibility`], the nodes of [`crate::packing`] and the hours of [`crate::windows`]: any plan of a world can be
//! explained, a baseline's or one from a file too.

mod jobs;
mod limits;
mod restraint;
mod rows;
mod serving;
mod subject;

use commonwatt_fleet::{DeploymentId, Explanation, JobExplanation, JobId, Plan, World};

use restraint::Restraint;
use rows::Rows;
use subject::Subject;

/// Explains a plan of a world. What all explanations share is counted once.
pub struct Explainer<'a> {
    world: &'a World,
    plan: &'a Plan,
    rows: Rows<'a>,
    restraint: Restraint,
}

impl<'a> Explainer<'a> {
    /// Counts what the plan takes of everything. The world is a [`commonwatt_fleet::sound`] one: what is left out of that has no
    /// decision and no reason.
    pub fn new(world: &'a World, plan: &'a Plan) -> Self {
        Self {
            world,
            plan,
            rows: Rows::new(world, plan),
            restraint: Restraint::new(world, plan),
        }
    }

    /// Why a deployment is where it is; none where world or plan does not know it, or nothing is planned at all.
    pub fn deployment(&self, id: &DeploymentId) -> Option<Explanation> {
        let deployment = self.world.deployments.get(id)?;
        let decision = self.plan.deployments.get(id)?;
        if self.rows.slots == 0 {
            return None;
        }
        let subject = Subject::new(&self.rows, deployment, decision);
        Some(serving::explain(&subject, &self.restraint))
    }

    /// Why a job has its site and hours; none where world or plan does not know it.
    pub fn job(&self, id: &JobId) -> Option<JobExplanation> {
        let job = self.world.jobs.get(id)?;
        let decision = self.plan.jobs.get(id)?;
        Some(jobs::explain(&self.rows, job, decision))
    }
}
