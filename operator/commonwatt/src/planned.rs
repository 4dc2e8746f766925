//! A world with its plan, wherever it comes from.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_api::conditions::reasons;
use commonwatt_audit::{Finding, audit};
use commonwatt_fleet::{
    Answer, DeploymentId, Effect, Explanation, Flaw, Plan, SiteId, VariantName, World, check, sound,
};
use commonwatt_hub::{Cycle, Problem};
use commonwatt_planner::{Explainer, plan, would_change};

use crate::printed::first_slot;
use crate::saved::Saved;

/// A world, what was planned before, and what is planned now.
#[derive(Debug, Clone)]
pub struct Planned {
    pub world: World,
    pub previous: Plan,
    pub plan: Plan,
    /// What the audit found.
    pub findings: Vec<Finding>,
    /// What could not be used.
    pub problems: Vec<Problem>,
    /// Sites by the community beside them.
    pub communities: BTreeMap<String, BTreeSet<SiteId>>,
}

impl Planned {
    /// What a hub found and planned: the world with everything in it.
    pub fn by_hub(cycle: &Cycle, communities: BTreeMap<String, BTreeSet<SiteId>>) -> Self {
        let (world, plan) = cycle.whole();
        Self {
            findings: audit(world, plan),
            world: world.clone(),
            previous: Plan::default(),
            plan: plan.clone(),
            problems: cycle.problems.clone(),
            communities,
        }
    }

    /// Plans a world that was saved.
    pub fn of_saved(Saved { world, previous }: Saved) -> Self {
        let plan = plan(&world, &previous);
        let flaws = check(&world);
        let communities = world.shared.communities.iter();
        Self {
            findings: audit(&world, &plan),
            communities: communities
                .map(|(name, community)| (name.clone(), community.sites.clone()))
                .collect(),
            problems: flaws.iter().map(problem).collect(),
            world,
            previous,
            plan,
        }
    }

    /// What a hub found and planned for a deployment: what is enforced, or what advises if that is all it wants.
    pub fn of_deployment(cycle: &Cycle, id: &DeploymentId) -> Self {
        if !cycle.plan.deployments.contains_key(id) {
            return Self::by_hub(cycle, BTreeMap::new());
        }
        Self {
            world: cycle.world.as_ref().clone(),
            previous: Plan::default(),
            plan: cycle.plan.as_ref().clone(),
            findings: cycle.findings.clone(),
            problems: cycle.problems.clone(),
            communities: BTreeMap::new(),
        }
    }

    /// Why a deployment is where it is; none where nothing is planned of it.
    pub fn explained(&self, id: &DeploymentId) -> Option<Explanation> {
        let (world, _) = sound(&self.world);
        Explainer::new(&world, &self.plan).deployment(id)
    }

    /// Where a deployment runs in the first slot.
    pub fn first_slot(&self, id: &DeploymentId) -> BTreeMap<SiteId, BTreeMap<VariantName, u32>> {
        first_slot(&self.world, &self.plan, id)
    }

    /// What would change where a deployment runs: the fleet planned again, a few times.
    pub fn would_change(&self, id: &DeploymentId) -> Vec<Answer> {
        let (world, _) = sound(&self.world);
        self.explained(id).map_or_else(Vec::new, |explained| {
            would_change(&world, &self.previous, &self.plan, id, &explained)
        })
    }

    /// Whether all demand has a place, every job is in time, and nothing is wrong.
    pub fn is_clean(&self) -> bool {
        let unmet = self
            .plan
            .deployments
            .values()
            .any(|decision| decision.unmet.is_some());
        let late = self.plan.jobs.values().any(|decision| decision.at_risk);
        !unmet
            && !late
            && self.findings.is_empty()
            && self.problems.iter().all(|problem| problem.noted)
    }
}

fn problem(flaw: &Flaw) -> Problem {
    let object = &flaw.object;
    let problem = Problem::new(
        object.kind(),
        object.name(),
        reasons::INVALID,
        flaw.message(),
    );
    match flaw.effect {
        Effect::LeftOut => problem,
        Effect::Noted => problem.noted(),
    }
}
