//! What a policy comes to, counted of what it did and what then was, the same way for all.

use commonwatt_audit::{Rule, audit};
use commonwatt_fleet::{Account, World};

use super::fleet::{MOVE_COST, water_budget};
use super::state::{Decision, State};
use super::trace::{DAY, DAYS};

/// What is used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// USD for energy and starts.
    pub cost: f64,
    /// Of CO2.
    pub kilograms: f64,
    /// On site.
    pub liters: f64,
    /// Replicas that start where they did not run the hour before, and jobs that go on after a pause.
    pub moves: u64,
    /// Findings of the auditor on an hour's placement: power, nodes, latency, and all the rest that limits it.
    pub limits: u64,
    /// Deployments in an hour that were not served in full or ran at too few sites.
    pub unserved: u64,
    /// Jobs that were not done by their deadline.
    pub late: u64,
    /// Seasons in which a site used more water than it had.
    pub dry: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.cost += other.cost;
        self.kilograms += other.kilograms;
        self.liters += other.liters;
        self.moves += other.moves;
        self.limits += other.limits;
        self.unserved += other.unserved;
        self.late += other.late;
        self.dry += other.dry;
    }
}

impl Tally {
    /// Everything that should not have been.
    pub fn breaches(&self) -> u64 {
        self.limits + self.unserved + self.late + self.dry
    }

    /// Adds an hour, in whose world things are as they were.
    pub(super) fn hour(&mut self, world: &World, decision: &Decision) {
        let (now, plan) = decision.of_one_hour(world);
        let used = Account::of(&now, &plan).total();
        let again = world.jobs.iter().filter(|(id, job)| {
            let goes_on = job.started_at.is_some() && !job.running;
            goes_on && decision.jobs.contains_key(*id)
        });
        let starts = used.starts + again.count() as u64;
        self.cost += used.running.energy.0 + starts as f64 * MOVE_COST;
        self.kilograms += used.carbon.0 / 1000.0;
        self.liters += used.water.0;
        self.moves += starts;
        for finding in audit(&now, &plan) {
            match finding.rule {
                Rule::Unmet => self.unserved += 1,
                rule if is_limit(rule) => self.limits += 1,
                _ => {}
            }
        }
    }

    /// Adds what is known when so many hours of a season are over.
    pub(super) fn end(&mut self, hours: usize, state: &State) {
        let late = |job: &&super::state::Progress| job.hours_left > 0 && job.of.deadline() <= hours;
        self.late += state.jobs.iter().filter(late).count() as u64;
        let sites = state.water.iter().enumerate();
        let over =
            sites.filter(|(site, used)| **used > water_budget(*site, DAYS * DAY) * (1.0 + 1e-9));
        self.dry += over.count() as u64;
    }
}

/// Rules on where and how much runs in an hour. The others are of a plan's own figures, which a decision has none of; water is
/// counted over its season and jobs at their deadlines.
fn is_limit(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::Horizon
            | Rule::Names
            | Rule::Jurisdiction
            | Rule::Latency
            | Rule::Product
            | Rule::OnlyAt
            | Rule::Power
            | Rule::Nodes
            | Rule::JobSite
    )
}
