//! A world with its plan, wherever it comes from.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_api::conditions::reasons;
use commonwatt_audit::{Finding, audit};
use commonwatt_fleet::{Effect, Flaw, Plan, SiteId, World, check};
use commonwatt_hub::{Cycle, Problem};
use commonwatt_planner::plan;

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
