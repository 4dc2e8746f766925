//! Why things are where they are: worked out when somebody asks, from one count per plan that all who ask share.

use std::sync::{Arc, OnceLock};

use commonwatt_api::Mode;
use commonwatt_fleet::{DeploymentId, Explanation, Plan, SiteId, World};
use commonwatt_planner::Explainer;

use crate::hub::Cycle;

/// A plan with its world.
struct Made {
    world: Arc<World>,
    plan: Arc<Plan>,
    number: u64,
}

/// The plans of a cycle: what is enforced, and what only advises.
pub(crate) struct Plans {
    enforced: Made,
    advised: Option<Made>,
}

impl Plans {
    pub(crate) fn of(cycle: &Cycle, [enforced, advised]: [u64; 2]) -> Self {
        let made = |world: &Arc<World>, plan: &Arc<Plan>, number| Made {
            world: world.clone(),
            plan: plan.clone(),
            number,
        };
        let advice = cycle.advice.as_ref();
        Self {
            enforced: made(&cycle.world, &cycle.plan, enforced),
            advised: advice.map(|(world, plan)| made(world, plan, advised)),
        }
    }

    /// What explains them.
    pub(crate) fn reasons(&self) -> Reasons<'_> {
        Reasons {
            enforced: Reason::of(&self.enforced),
            advised: self.advised.as_ref().map(Reason::of),
        }
    }
}

struct Reason<'a> {
    of: &'a Made,
    explainer: OnceLock<Explainer<'a>>,
}

impl<'a> Reason<'a> {
    fn of(of: &'a Made) -> Self {
        Self {
            of,
            explainer: OnceLock::new(),
        }
    }
}

/// Explains what is planned.
pub(crate) struct Reasons<'a> {
    enforced: Reason<'a>,
    advised: Option<Reason<'a>>,
}

impl<'a> Reasons<'a> {
    /// What explains the plan that counts in a mode.
    pub(crate) fn in_mode(&self, mode: Mode) -> Option<&Explainer<'a>> {
        let reason = self.reason(mode)?;
        let explainer = || Explainer::new(&reason.of.world, &reason.of.plan);
        Some(reason.explainer.get_or_init(explainer))
    }

    /// The number of the plan that counts in a mode: reasons that are worded by it stay true until there is another.
    pub(crate) fn number(&self, mode: Mode) -> u64 {
        self.reason(mode).map_or(0, |reason| reason.of.number)
    }

    fn reason(&self, mode: Mode) -> Option<&Reason<'a>> {
        match mode {
            Mode::Enforce => Some(&self.enforced),
            Mode::Advise => self.advised.as_ref(),
            Mode::Observe => None,
        }
    }

    /// Why a deployment is where it is.
    pub(crate) fn deployment(&self, mode: Mode, id: &DeploymentId) -> Explanation {
        let explained = self
            .in_mode(mode)
            .and_then(|explainer| explainer.deployment(id));
        explained.unwrap_or_default()
    }

    /// What an assignment says of why it is there.
    pub(crate) fn of_assignment(&self, mode: Mode, id: &DeploymentId, site: &SiteId) -> String {
        let explained = self.deployment(mode, id);
        let choice = explained.chosen.get(site);
        choice.map_or_else(
            || "no longer the place for it".to_owned(),
            commonwatt_fleet::Choice::detail,
        )
    }
}
