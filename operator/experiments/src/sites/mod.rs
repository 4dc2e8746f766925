//! Sixteen real sites in 2023: prices, carbon and weather of sixteen grids, requests and jobs of published traces, and a declared fleet
//! over them. Ours beside policies that look at one hour and one work at a time, all within the same limits.
//!
//! Two days of each quarter are replayed. Each hour is decided when it begins, on what is known then.

mod account;
mod adapter;
mod fleet;
mod frontier;
mod greedy;
mod policies;
mod room;
mod sample;
mod state;
mod trace;

use commonwatt_dashboard::{Axis, Mark, Plot, Series};

use crate::planning::Planning;
use crate::{Data, DataError, Experiment, Outcome, Progress, Row, Source};
pub use account::Tally;
pub use policies::Solver;
pub use sample::{Knowledge, Sample, View};
pub use state::{Decision, Replicas};

use frontier::{Frontier, Point};
use policies::{Followed, Solvers, all, follow};

/// The experiment.
#[derive(Debug)]
pub struct Sites;

impl Experiment for Sites {
    fn name(&self) -> &'static str {
        "sites"
    }

    fn about(&self) -> &'static str {
        "Sixteen sites on eight days of 2023: cost, carbon and water of serving and batch, hour by hour"
    }

    fn source(&self) -> Source {
        Source {
            citation: "Prices, carbon and weather: HPE SustainCluster (Electricity Maps, grid operators, Open-Meteo). Requests: Patel et al., Splitwise, ISCA 2024; \
                       Qin et al., Mooncake, FAST 2025. Jobs: Jeon et al., Philly, ATC 2019, as Sia (SOSP 2023) has them",
            repository: "HewlettPackard/sustain-cluster",
            files: "MIT; carbon_intensity, weather and prices as sites/; also Azure/AzurePublicDataset and kvcache-ai/Mooncake as requests/, \
                    siasosp23/artifacts as gpu-jobs/philly/",
        }
    }

    fn run(&self, data: &Data, progress: &dyn Progress) -> Result<Outcome, DataError> {
        Ok(beside(&Sample::read(data, trace::DAYS)?, None, progress))
    }
}

/// What the policies come to on a sample, and another solver if there is one.
pub fn beside(sample: &Sample, other: Option<&dyn Solver>, progress: &dyn Progress) -> Outcome {
    let planning = Planning::default();
    let solvers = Solvers {
        planning: &planning,
        other,
    };
    let followed = follow(sample, &all(other), solvers, progress);
    let ours = frontier(&followed);
    Outcome {
        rows: followed.iter().map(|of| row(of, &ours)).collect(),
        notes: notes(sample, &followed, &planning),
        plots: vec![costs(&followed)],
    }
}

/// Ours at all prices of carbon, with forecasts that were to be had.
fn frontier(followed: &[Followed]) -> Frontier {
    let ours = followed.iter().filter(|of| of.policy.is_ours());
    Frontier::new(ours.map(|of| point(&of.tally)).collect())
}

fn point(tally: &Tally) -> Point {
    Point {
        cost: tally.cost,
        kilograms: tally.kilograms,
    }
}

/// A row; a baseline's says how much cheaper ours is with as much carbon, and how much cleaner at the same cost.
fn row(of: &Followed, ours: &Frontier) -> Row {
    let tally = &of.tally;
    let mut metrics = vec![
        ("cost", tally.cost),
        ("kilograms", tally.kilograms),
        ("litres", tally.liters),
        ("moves", tally.moves as f64),
        ("breaches", tally.breaches() as f64),
    ];
    if of.policy.is_baseline() {
        let less = |ours: f64, theirs: f64| 100.0 * (1.0 - ours / theirs);
        let cheaper = ours.cost_at(tally.kilograms);
        let cleaner = ours.kilograms_at(tally.cost);
        metrics.extend(cheaper.map(|cost| ("oursCheaperPercent", less(cost, tally.cost))));
        metrics.extend(cleaner.map(|grams| ("oursCleanerPercent", less(grams, tally.kilograms))));
    }
    Row::new(of.policy.name(), of.policy.about(), metrics)
}

fn notes(sample: &Sample, followed: &[Followed], planning: &Planning) -> Vec<String> {
    let mut notes = vec![
        format!(
            "{} seasons, which begin on the eighth of January, April, July and October: {} hours of each, {} jobs of Philly. A trace of requests of about an hour, \
             cut into 24 parts, is the shape of a day by the sun of its users.",
            sample.seasons(), sample.hours(), sample.jobs(),
        ),
        "cost is energy and starts in USD; carbon is paid by nobody and has a price in the planner alone. Accelerators draw what was measured of them, times the \
         site's PUE; carbon is direct, average and location-based; water is on site.".into(),
        "oursCheaperPercent: what ours saves with as much carbon; oursCleanerPercent: with as much cost. Between two prices of carbon ours is taken to follow each for \
         a part of the time."
            .into(),
        "breaches: findings of the auditor on each hour as it turned out, deployments not served in full, jobs late, sites that used more water in a season than they had."
            .into(),
        planning.note(),
    ];
    for of in followed.iter().filter(|of| of.tally.breaches() > 0) {
        let Tally {
            limits,
            unserved,
            late,
            dry,
            ..
        } = of.tally;
        notes.push(format!(
            "Breaches of {}: {limits} of limits, {unserved} deployment-hours not served in full, {late} late jobs, {dry} sites that used too much water.",
            of.policy.name(),
        ));
    }
    notes
}

fn costs(followed: &[Followed]) -> Plot {
    let place = |of: &Followed| (of.tally.cost, of.tally.kilograms / 1000.0);
    let line = |name: &str, belongs: &dyn Fn(&Followed) -> bool| {
        let points = followed.iter().filter(|of| belongs(of)).map(place);
        Series::new(name, Mark::Joined, points.collect())
    };
    let mut series = vec![
        line("commonwatt", &|of| of.policy.is_ours()),
        line("objective, hour by hour", &|of| {
            of.policy.is_priced_baseline()
        }),
    ];
    let others = followed
        .iter()
        .filter(|of| !of.policy.is_ours() && !of.policy.is_priced_baseline());
    series.extend(others.map(|of| Series::new(of.policy.name(), Mark::Dots, vec![place(of)])));
    Plot {
        title: "Cost and carbon".into(),
        caption: "Down and to the left is better. Each line goes through prices of carbon, from none on the left.".into(),
        x: Axis::new("cost of energy and starts, USD"),
        y: Axis::new("tonnes of CO2"),
        series,
    }
}

#[cfg(test)]
mod tests;
