//! The policies that are followed.

use commonwatt_fleet::{Plan, World};

use super::account::Tally;
use super::greedy::Rule;
use super::sample::{Knowledge, Sample, View};
use super::state::Decision;
use crate::Progress;
use crate::planning::Planning;
use crate::side_by_side::side_by_side;

/// Prices of carbon, USD per tonne: none, and times four from a quarter of ours to where little but carbon counts.
const PRICES: [f64; 5] = [0.0, 25.0, 100.0, 400.0, 1600.0];
/// Ours where no other is said.
const PRICE: f64 = 100.0;

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Policy {
    /// The production planner, at a price of carbon.
    Planner(Knowledge, f64),
    /// A baseline, at a price of carbon that one of them counts.
    Greedy(Rule, f64),
    /// Another solver of the planner's worlds, with the same forecasts and price of carbon as ours.
    Solver,
}

/// Another solver of the same worlds.
pub trait Solver: Sync {
    /// Decides the hours of a season, one after another.
    fn season(&self) -> Box<dyn FnMut(&World) -> Decision + '_>;
}

/// Those who make plans.
#[derive(Clone, Copy)]
pub(super) struct Solvers<'s> {
    pub(super) planning: &'s Planning,
    pub(super) other: Option<&'s dyn Solver>,
}

/// A policy and what it came to.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub(super) policy: Policy,
    pub(super) tally: Tally,
}

/// All, in the order of their rows.
pub(super) fn all(other: Option<&dyn Solver>) -> Vec<Policy> {
    let others = PRICES.into_iter().filter(|price| *price != PRICE);
    let ours = [PRICE]
        .into_iter()
        .chain(others)
        .map(|price| Policy::Planner(Knowledge::Seasonal, price));
    let knowing = [Knowledge::Persistence, Knowledge::Perfect]
        .map(|knowledge| Policy::Planner(knowledge, PRICE));
    let single = [Rule::Home, Rule::Cheapest, Rule::Cleanest];
    ours.chain(knowing)
        .chain(single.map(|rule| Policy::Greedy(rule, 0.0)))
        .chain(PRICES.map(|price| Policy::Greedy(Rule::Objective, price)))
        .chain(other.map(|_| Policy::Solver))
        .collect()
}

/// Follows policies through all seasons.
pub(super) fn follow(
    sample: &Sample,
    policies: &[Policy],
    solvers: Solvers<'_>,
    progress: &dyn Progress,
) -> Vec<Followed> {
    let seasons = 0..sample.seasons();
    let work: Vec<_> = policies
        .iter()
        .flat_map(|policy| seasons.clone().map(move |season| (*policy, season)))
        .collect();
    progress.begin("deciding hour by hour", work.len() * sample.hours());
    let tallies = side_by_side(&work, |(policy, season)| {
        policy.follow(sample, *season, solvers, progress)
    });
    let of = |(policy, seasons): (&Policy, &[Tally])| {
        let mut tally = Tally::default();
        for season in seasons {
            tally += *season;
        }
        Followed {
            policy: *policy,
            tally,
        }
    };
    policies
        .iter()
        .zip(tallies.chunks(sample.seasons().max(1)))
        .map(of)
        .collect()
}

impl Policy {
    fn follow(
        self,
        sample: &Sample,
        season: usize,
        solvers: Solvers<'_>,
        progress: &dyn Progress,
    ) -> Tally {
        match self {
            Self::Planner(knowledge, carbon_price) => {
                let mut previous = Plan::default();
                let view = View {
                    knowledge,
                    carbon_price,
                };
                sample.follow(season, view, |world| {
                    previous = solvers.planning.plan(world, &previous);
                    progress.step();
                    Decision::first_hour(&previous)
                })
            }
            Self::Greedy(rule, carbon_price) => {
                let view = View {
                    knowledge: Knowledge::Persistence,
                    carbon_price,
                };
                sample.follow(season, view, |world| {
                    progress.step();
                    rule.decide(world)
                })
            }
            Self::Solver => {
                let Some(mut decide) = solvers.other.map(Solver::season) else {
                    return Tally::default();
                };
                let view = View {
                    knowledge: Knowledge::Seasonal,
                    carbon_price: PRICE,
                };
                sample.follow(season, view, |world| {
                    progress.step();
                    decide(world)
                })
            }
        }
    }

    /// Ours, with forecasts that were to be had.
    pub(super) fn is_ours(self) -> bool {
        matches!(self, Self::Planner(Knowledge::Seasonal, _))
    }

    pub(super) fn is_baseline(self) -> bool {
        matches!(self, Self::Greedy(..) | Self::Solver)
    }

    /// The baseline that counts a price of carbon.
    pub(super) fn is_priced_baseline(self) -> bool {
        matches!(self, Self::Greedy(Rule::Objective, _))
    }

    /// The name of its row.
    pub(super) fn name(self) -> String {
        match self {
            Self::Planner(Knowledge::Seasonal, price) if price == PRICE => "commonwatt".into(),
            Self::Planner(Knowledge::Seasonal, price) => format!("commonwatt {price} USD/t"),
            Self::Planner(Knowledge::Persistence, _) => "commonwatt persistence".into(),
            Self::Planner(Knowledge::Perfect, _) => "commonwatt perfect forecast".into(),
            Self::Greedy(Rule::Home, _) => "home".into(),
            Self::Greedy(Rule::Cheapest, _) => "cheapest".into(),
            Self::Greedy(Rule::Cleanest, _) => "cleanest".into(),
            Self::Greedy(Rule::Objective, price) => format!("greedy {price} USD/t"),
            Self::Solver => "highs".into(),
        }
    }

    /// What it is.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Planner(Knowledge::Seasonal, price) if price == PRICE => {
                "a day ahead, hours to come as the mean of the same hour of three days; carbon at 100 USD/t"
            }
            Self::Planner(Knowledge::Seasonal, _) => "the same at another price of carbon",
            Self::Planner(Knowledge::Persistence, _) => {
                "the same at 100 USD/t, with the hour going on as forecast"
            }
            Self::Planner(Knowledge::Perfect, _) => {
                "the same at 100 USD/t, with the day to come known"
            }
            Self::Greedy(Rule::Home, _) => "near its users or its data, at once",
            Self::Greedy(Rule::Cheapest, _) => "where energy is cheapest in the hour, at once",
            Self::Greedy(Rule::Cleanest, _) => "where carbon is least in the hour, at once",
            Self::Greedy(Rule::Objective, _) => {
                "where energy, carbon and starts are cheapest in the hour, at once"
            }
            Self::Solver => {
                "the same worlds as ours, each solved as a program as far as the time goes"
            }
        }
    }
}
