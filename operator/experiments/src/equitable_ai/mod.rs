//! Load that is spread over ten data centers so that none bears much more of the carbon and the water than the others: Li, Yang,
//! Wierman and Ren, "Towards Environmentally Equitable AI via Geographical Load Balancing", e-Energy 2024.
//!
//! Each hour's load has to be served in that hour, by any of the ten, which hold 1 MW each. The objective is the cost of
//! energy plus 60 for each cubic metre of the data center that uses most and 1500 for each tonne of the one that emits most.

mod adapter;
mod baselines;
mod replay;
mod trace;

use commonwatt_dashboard::{Axis, Mark, Plot, Series};

use crate::planning::Planning;
use crate::side_by_side::side_by_side;
use crate::{Data, DataError, Experiment, Outcome, Progress, Row, Source};
use replay::{Knowledge, perfect, replay};
use trace::{Trace, Use};

/// The weight of the worst data center's carbon, per tonne: the notebook's `mu_carbon`.
const CARBON_WEIGHT: f64 = 1500.0;
/// The weight of the worst data center's water, per cubic metre: the notebook's `mu_water`.
const WATER_WEIGHT: f64 = 60.0;
/// Hours by which the trace is turned, its end put before its beginning.
const STARTS: [usize; 4] = [0, 120, 240, 360];

/// The experiment.
#[derive(Debug)]
pub struct EquitableAi;

impl Experiment for EquitableAi {
    fn name(&self) -> &'static str {
        "equitable-ai"
    }

    fn about(&self) -> &'static str {
        "Load over ten data centers for 457 hours, so that none bears much more carbon and water than the others"
    }

    fn source(&self) -> Source {
        Source {
            citation: "P. Li, J. Yang, A. Wierman, S. Ren: Towards Environmentally Equitable AI via Geographical Load Balancing, e-Energy 2024",
            repository: "Ren-Research/Environmentally-Equitable-AI",
            files: "MIT; its data/ as equitable-ai/",
        }
    }

    fn run(&self, data: &Data, progress: &dyn Progress) -> Result<Outcome, DataError> {
        Ok(outcome(&Trace::read(data)?, progress))
    }
}

/// A row that is ours.
struct Ours {
    policy: String,
    about: &'static str,
    start: usize,
    knowledge: Knowledge,
}

fn ours() -> Vec<Ours> {
    let at = |start: usize| Ours {
        policy: match start {
            0 => "commonwatt".into(),
            _ => format!("commonwatt start {start}"),
        },
        about: match start {
            0 => "knows the hour; later ones as the mean of the same hour of three days",
            _ => "the same, with the trace turned",
        },
        start,
        knowledge: Knowledge::SEASONAL,
    };
    let mut all: Vec<_> = STARTS.into_iter().map(at).collect();
    let variants = [
        (
            "commonwatt prices a day ahead",
            "the same, with prices known a day ahead, as they are published",
            Knowledge::PRICES_A_DAY_AHEAD,
        ),
        (
            "commonwatt persistence",
            "the same, with the hour going on for ever as forecast",
            Knowledge::PERSISTENCE,
        ),
    ];
    all.extend(variants.map(|(policy, about, knowledge)| Ours {
        policy: policy.into(),
        about,
        start: 0,
        knowledge,
    }));
    all
}

fn outcome(trace: &Trace, progress: &dyn Progress) -> Outcome {
    let planning = Planning::default();
    let ours = ours();
    progress.begin("planning hour by hour", trace.hours() * ours.len());
    let replayed = side_by_side(&ours, |row| {
        replay(&trace.turned(row.start), row.knowledge, &planning, progress)
    });
    progress.begin("planning with all of it known", 1);
    let known = perfect(trace, &planning);
    progress.step();

    let online: Vec<_> = ours
        .iter()
        .zip(&replayed)
        .map(|(row, of)| metrics(&row.policy, row.about, of))
        .collect();
    let (starts, variants) = online.split_at(STARTS.len());
    let mut rows = starts.to_vec();
    rows.push(mean(
        "commonwatt mean of starts",
        "the mean of the four above",
        starts,
    ));
    rows.extend(variants.iter().cloned());
    rows.push(metrics(
        "commonwatt perfect forecast",
        "one plan that knows all 457 hours",
        &known,
    ));
    let baselines = baselines::all(trace);
    rows.extend(
        baselines
            .iter()
            .map(|(policy, about, of)| metrics(policy, about, of)),
    );
    rows.push(Row::new(
        "offline optimum (published)",
        "the notebook's LP that knows all 457 hours",
        [("objective", 623_661.352_476_429_9)],
    ));

    let mut drawn = vec![("commonwatt", &replayed[0])];
    drawn.extend(baselines.iter().map(|(policy, _, of)| (*policy, of)));
    let unserved: f64 = replayed
        .iter()
        .map(|of| of.unserved)
        .fold(known.unserved, f64::max);
    Outcome {
        plots: vec![frontier(&rows), shares(trace, &drawn, "Carbon that each data center bears", "tonnes of CO2", |of| &of.carbon),
            shares(trace, &drawn, "Water that each data center uses", "cubic metres", |of| &of.water)],
        notes: vec![
            "objective = price + 60 · waterMax + 1500 · carbonMax, in USD, cubic metres and tonnes; the two maxima are over data centers.".into(),
            "Each step plans to the trace's end and the first hour is kept. The rule was fixed before it was run and nothing in it was fitted to this trace.".into(),
            format!("Load is served in replicas of {} W; what rounding up adds is not charged. Most that any row left unserved: {unserved:.3} MWh.", adapter::REPLICA.0),
            planning.note(),
        ],
        rows,
    }
}

fn metrics(policy: &str, about: &str, of: &Use) -> Row {
    let values = [
        ("objective", of.objective()),
        ("price", of.price),
        ("waterMax", of.worst_water()),
        ("carbonMax", of.worst_carbon()),
    ];
    Row::new(policy, about, values)
}

fn mean(policy: &str, about: &str, rows: &[Row]) -> Row {
    let names = rows.first().map_or(&[][..], |row| &row.metrics);
    let of = |name: &str| {
        let values: Vec<_> = rows.iter().filter_map(|row| row.metric(name)).collect();
        (
            name.to_owned(),
            values.iter().sum::<f64>() / values.len() as f64,
        )
    };
    Row::new(policy, about, names.iter().map(|(name, _)| of(name)))
}

fn frontier(rows: &[Row]) -> Plot {
    let point = |row: &Row| Some((row.metric("price")?, row.metric("carbonMax")?));
    let dots = |row: &Row| {
        Some(Series::new(
            row.policy.clone(),
            Mark::Dots,
            vec![point(row)?],
        ))
    };
    Plot {
        title: "What sharing the burden costs".into(),
        caption:
            "Down and to the left is better: less for energy, and less for whoever bears most."
                .into(),
        x: Axis::new("cost of energy, USD"),
        y: Axis::new("carbon of the data center that emits most, tonnes"),
        series: rows
            .iter()
            .filter(|row| !row.policy.contains("start"))
            .filter_map(dots)
            .collect(),
    }
}

fn shares(
    trace: &Trace,
    policies: &[(&str, &Use)],
    title: &str,
    unit: &str,
    of: fn(&Use) -> &Vec<f64>,
) -> Plot {
    let dots = |(policy, used): &(&str, &Use)| {
        let values = of(used).iter().enumerate();
        Series::new(
            *policy,
            Mark::Dots,
            values.map(|(site, value)| (*value, site as f64)).collect(),
        )
    };
    Plot {
        title: title.into(),
        caption: "The one furthest to the right counts.".into(),
        x: Axis {
            from_zero: true,
            ..Axis::new(unit)
        },
        y: Axis::of_names(trace.names()),
        series: policies.iter().map(dots).collect(),
    }
}

#[cfg(test)]
mod tests;
