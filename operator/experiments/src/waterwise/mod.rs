//! Jobs that run in one of five regions, for little carbon and little water at once: Jiang, Basu Roy, Kanakagiri and Tiwari,
//! "WaterWise: Co-optimizing Carbon- and Water-Footprint Toward Environmentally Sustainable Cloud Computing", PPoPP 2025.
//!
//! 234,765 jobs of the Borg trace arrive within ten days, in any region, and run in any that they reach in time: a job may
//! take half as long again as its application takes in the mean, with the transfer of its data and all waiting. Each region has 35
//! nodes, and a job has one. What is saved is counted against running at home.

mod adapter;
mod baselines;
mod fleet;
mod python;
mod replay;
mod trace;

use commonwatt_dashboard::{Axis, Mark, Plot, Series};

use crate::planning::Planning;
use crate::side_by_side::side_by_side;
use crate::{Data, DataError, Experiment, Outcome, Progress, Row, Source};
use adapter::Prices;
use fleet::Footprint;
use replay::replay;
use trace::{LEXICAL, LISTED, NATURAL, Trace};

/// What carbon weighs in our row, and water the rest: water counts twice.
const WEIGHT: f64 = 1.0 / 3.0;
/// Other weights of carbon, for the frontier.
const WEIGHTS: [f64; 4] = [0.0, 0.2, 0.5, 1.0];

/// The experiment.
#[derive(Debug)]
pub struct WaterWise;

impl Experiment for WaterWise {
    fn name(&self) -> &'static str {
        "waterwise"
    }

    fn about(&self) -> &'static str {
        "Jobs of ten days over five regions, for little carbon and little water at once and none of them late"
    }

    fn source(&self) -> Source {
        Source {
            citation: "Y. Jiang, R. Basu Roy, R. Kanakagiri, D. Tiwari: WaterWise: Co-optimizing Carbon- and Water-Footprint Toward Environmentally Sustainable Cloud Computing, PPoPP 2025",
            repository: "LukeJYK/PPoPP25_WaterWise",
            files: "Apache-2.0; its borg_trace/, profile_data/ and what is in data/ below waterwise/",
        }
    }

    fn run(&self, data: &Data, progress: &dyn Progress) -> Result<Outcome, DataError> {
        let read = |listing| Trace::read(data, listing);
        Ok(outcome(
            &[read(NATURAL)?, read(LISTED)?, read(LEXICAL)?],
            progress,
        ))
    }
}

/// A row that is ours.
struct Ours {
    policy: String,
    about: &'static str,
    /// Which order of the files.
    listing: usize,
    weight: f64,
}

fn ours() -> Vec<Ours> {
    let orders = [
        (
            "commonwatt",
            "water counts twice as much as carbon, each in multiples of its first hour's mean",
        ),
        (
            "commonwatt, files as listed",
            "the same, with files in the order of the published run's directory",
        ),
        (
            "commonwatt, files by letter",
            "the same, with files in the order of their letters",
        ),
    ];
    let at_orders = orders
        .into_iter()
        .enumerate()
        .map(|(listing, (policy, about))| Ours {
            policy: policy.into(),
            about,
            listing,
            weight: WEIGHT,
        });
    let at_weights = WEIGHTS.into_iter().map(|weight| Ours {
        policy: format!("commonwatt, carbon {weight}"),
        about: "carbon at this weight and water at the rest of one",
        listing: 0,
        weight,
    });
    at_orders.chain(at_weights).collect()
}

/// What came of traces that differ in the order of their files.
fn outcome(traces: &[Trace; 3], progress: &dyn Progress) -> Outcome {
    let homes = side_by_side(traces, baselines::home);
    let planning = Planning::default();
    let ours = ours();
    progress.begin(
        "planning minute by minute",
        ours.len() * traces[0].minutes(),
    );
    let replayed = side_by_side(&ours, |row| {
        let trace = &traces[row.listing];
        replay(
            trace,
            Prices::weighing(trace, row.weight),
            &planning,
            progress,
        )
    });
    let mut rows: Vec<_> = ours
        .iter()
        .zip(&replayed)
        .map(|(row, of)| metrics(&row.policy, row.about, of, &homes[row.listing]))
        .collect();
    let [natural, ..] = traces;
    let baselines = [
        ("home", "each job where it arrives", homes[0]),
        (
            "carbon-greedy",
            "each in turn where and when carbon is least, which it knows ahead",
            baselines::greedy(natural, &natural.carbon),
        ),
        (
            "water-greedy",
            "the same with water",
            baselines::greedy(natural, &natural.water),
        ),
    ];
    rows.extend(
        baselines
            .iter()
            .map(|(policy, about, of)| metrics(policy, about, of, &homes[0])),
    );
    rows.push(published());
    Outcome {
        plots: vec![frontier(&ours, &rows)],
        notes: vec![
            "Percent of what running at home emits and uses; water is weighted with scarcity, and both have what making the nodes took.".into(),
            "The paper's simulator gives its ten files of arrivals to its ten applications in the order in which a directory lists them: each order is another trace, with a \
             home of its own to compare with.".into(),
            "A plan knows who waits, what runs, the hour's own carbon and water and how long an application was ever measured to take. Where it would have jobs late, the minute is \
             planned again with those that may wait kept near their homes.".into(),
            "Which weights to take is a choice between carbon and water and no forecast: at these both savings are above what was published, and the plot has others.".into(),
            format!("Late of {} jobs, in the order of the rows: {}.", homes[0].jobs, replayed.iter().map(|of| of.late.to_string()).collect::<Vec<_>>().join(", ")),
            planning.note(),
        ],
        rows,
    }
}

/// The paper's own scheduler, a mixed-integer program each minute.
fn published() -> Row {
    let metrics = [
        ("carbonSavedPercent", 26.66),
        ("waterSavedPercent", 17.78),
        ("lateJobsPercent", 0.0),
    ];
    Row::new(
        "waterwise (published code)",
        "its program each minute, with files as listed",
        metrics,
    )
}

fn metrics(policy: &str, about: &str, of: &Footprint, home: &Footprint) -> Row {
    let saved = |of: f64, home: f64| 100.0 * (1.0 - of / home);
    let metrics = [
        ("carbonSavedPercent", saved(of.carbon, home.carbon)),
        ("waterSavedPercent", saved(of.water, home.water)),
        (
            "lateJobsPercent",
            100.0 * of.late as f64 / of.jobs.max(1) as f64,
        ),
    ];
    Row::new(policy, about, metrics)
}

fn frontier(ours: &[Ours], rows: &[Row]) -> Plot {
    let point = |row: &Row| {
        Some((
            row.metric("waterSavedPercent")?,
            row.metric("carbonSavedPercent")?,
        ))
    };
    let mut weighed: Vec<_> = ours
        .iter()
        .zip(rows)
        .filter(|(of, _)| of.listing == 0)
        .collect();
    weighed.sort_by(|(a, _), (b, _)| a.weight.total_cmp(&b.weight));
    let points = weighed.iter().filter_map(|(_, row)| point(row)).collect();
    let alone = |row: &Row| {
        Some(Series::new(
            row.policy.clone(),
            Mark::Dots,
            vec![point(row)?],
        ))
    };
    let others = rows
        .iter()
        .filter(|row| !row.policy.starts_with("commonwatt, carbon"))
        .filter_map(alone);
    let line = Series::new(
        "commonwatt, carbon at weights from 0 to 1",
        Mark::Joined,
        points,
    );
    Plot {
        title: "Carbon and water that are saved at once".into(),
        caption:
            "Up and to the right is better. The greedy ones know the future, and run jobs late."
                .into(),
        x: Axis::new("water saved, percent"),
        y: Axis::new("carbon saved, percent"),
        series: std::iter::once(line).chain(others).collect(),
    }
}

#[cfg(test)]
mod tests;
