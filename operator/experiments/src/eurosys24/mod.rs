//! How much carbon shifting in time and space can save at most, as a check of our accounting: Sukprasert, Souza, Bashir, Irwin
//! and Shenoy, "On the Limitations of Carbon-Aware Temporal and Spatial Workload Shifting in the Cloud", EuroSys 2024.
//!
//! A workload of one kilowatt, the carbon of 123 zones in 2022, no limits but windows: the published tables have the mean saving
//! in grams per kilowatt-hour, by group of zones. Ours are counted from what the production planner plans with carbon as the only
//! price.

mod adapter;
mod latency;
mod published;
mod spatial;
mod temporal;
mod zones;

use std::collections::BTreeMap;

use commonwatt_dashboard::{Axis, Mark, Plot, Scale, Series};

use crate::planning::Planning;
use crate::{Data, DataError, Experiment, Outcome, Progress, Row, Source};
use latency::Places;
use published::{LATENCIES, LENGTHS, Published};
use zones::{Group, Zones};

/// Hours beyond its length that a job may take.
const SLACK: usize = 24;

/// The experiment.
#[derive(Debug)]
pub struct EuroSys24;

impl Experiment for EuroSys24 {
    fn name(&self) -> &'static str {
        "eurosys24"
    }

    fn about(&self) -> &'static str {
        "What shifting in time and space saves in 123 zones of 2022: published tables, counted again from our plans"
    }

    fn source(&self) -> Source {
        Source {
            citation: "T. Sukprasert, A. Souza, N. Bashir, D. Irwin, P. Shenoy: On the Limitations of Carbon-Aware Temporal and Spatial Workload Shifting in the Cloud, EuroSys 2024",
            repository: "umassos/decarbonization-potential",
            files: "Apache-2.0; column 0 of each zone's sim_what_ifs/prediction_error/data_output/added_error as a column of \
                    eurosys24/ci_2022_123zones.csv, shared_data/name_stats.csv and gcp_latency_matrix.csv, and the tables of data_output below eurosys24/published",
        }
    }

    fn run(&self, data: &Data, progress: &dyn Progress) -> Result<Outcome, DataError> {
        let zones = Zones::read(data)?;
        let places = Places::read(data, &zones)?;
        let published = published::read(data)?;
        let planning = Planning::default();
        let mut ours = spatial::migrations(&zones, &planning, progress);
        ours.extend(latency::remaining(&places, &planning, progress));
        ours.extend(temporal::shifts(&zones, &planning, progress));
        Ok(outcome(&published, &ours, planning.note()))
    }
}

/// A published figure: which of a table, and of which group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Figure {
    /// A workload that moves once, to where the year is cleanest.
    OneMigration(Group),
    /// One that is each hour where it is cleanest.
    HourlyMigration(Group),
    /// A job of so many hours that may begin later.
    Deferred(usize, Group),
    /// What it saves beyond that if it may pause too.
    Interrupted(usize, Group),
    /// What remains of all zones' carbon when work moves once, by the percent of room that is idle and milliseconds at most.
    Remaining { idle: u32, latency: u32 },
}

impl Figure {
    /// Whether the published figure is the best there is. Where work competes for room, theirs fills zones in the order of the
    /// origins, and the best is better.
    fn is_best(self) -> bool {
        !matches!(self, Self::Remaining { idle: 50, .. })
    }

    /// Its name as a metric.
    fn metric(self) -> String {
        match self {
            Self::OneMigration(group) => format!("oneMigration{}", group.name()),
            Self::HourlyMigration(group) => format!("hourlyMigration{}", group.name()),
            Self::Deferred(hours, group) => format!("deferred{hours}h{}", group.name()),
            Self::Interrupted(hours, group) => format!("interrupted{hours}h{}", group.name()),
            Self::Remaining { idle, latency } => format!("remainingIdle{idle}Latency{latency}"),
        }
    }
}

fn outcome(published: &Published, ours: &BTreeMap<Figure, f64>, planned: String) -> Outcome {
    let row = |policy: &str, about: &str, value: &dyn Fn(&Figure) -> Option<f64>| {
        let metrics = published
            .keys()
            .filter_map(|figure| Some((figure.metric(), value(figure)?)));
        Row::new(policy, about, metrics)
    };
    let difference = |figure: &Figure| Some(relative(*ours.get(figure)?, published[figure]));
    let differences = |best: bool| {
        let figures = published
            .keys()
            .filter(move |figure| figure.is_best() == best);
        figures.filter_map(difference)
    };
    let worst = differences(true).map(f64::abs).fold(0.0, f64::max);
    let least = differences(false).fold(f64::INFINITY, f64::min);
    let most = differences(false).fold(f64::NEG_INFINITY, f64::max);
    Outcome {
        rows: vec![
            row("published", "the tables of the repository", &|figure| published.get(figure).copied()),
            row("commonwatt", "counted from our plans", &|figure| ours.get(figure).copied()),
            row("relative difference", "ours against theirs", &difference),
        ],
        notes: vec![
            "Grams of CO2e saved per kilowatt-hour, mean over the zones of a group: one migration and hourly migration against staying \
             at home, deferred against running at once, interrupted beyond deferred. Slack is 24 hours; everything is known ahead.".into(),
            format!("Largest relative difference of {} figures: {worst:.1e}.", published.keys().filter(|figure| figure.is_best()).count()),
            format!(
                "Where work competes for room (remaining, 50 % idle) the published figures fill zones in the order of origins, which is not \
                 the best that can be done: ours are {:.2} to {:.2} % different.", 100.0 * least, 100.0 * most
            ),
            "The published row of 168 hours has been made without the zone SE-SE1; so is ours.".into(),
            planned,
        ],
        plots: plots(published, ours),
    }
}

fn relative(ours: f64, published: f64) -> f64 {
    match published {
        0.0 => ours,
        _ => (ours - published) / published,
    }
}

fn plots(published: &Published, ours: &BTreeMap<Figure, f64>) -> Vec<Plot> {
    let latencies = LATENCIES.map(|latency| latency as usize);
    let groups = Group::ALL.map(|group| (group.name().to_owned(), group));
    let idles = [99, 50, 0].map(|idle| (format!("{idle} % idle"), idle));
    let hours = Axis {
        scale: Scale::Logarithmic,
        names: LENGTHS
            .map(|hours| (hours as f64, hours.to_string()))
            .into(),
        ..Axis::new("hours of the job")
    };
    let both = |title: &str, x: Axis, y: &str, lines: Vec<(String, Points, Points)>| {
        let theirs = lines
            .iter()
            .flat_map(|(_, _, theirs)| theirs.clone())
            .collect();
        let ours = lines
            .into_iter()
            .map(|(name, ours, _)| Series::new(name, Mark::Joined, ours));
        Plot {
            title: title.into(),
            caption: "Dots are ours, the rings around them are the published figures.".into(),
            x,
            y: Axis {
                from_zero: true,
                ..Axis::new(y)
            },
            series: ours
                .chain([Series::new("published", Mark::Rings, theirs)])
                .collect(),
        }
    };
    let in_time = |title: &str, figure: fn(usize, Group) -> Figure| {
        let lines = groups.clone().map(|(name, group)| {
            let of = |of| points(of, LENGTHS, |hours| figure(hours, group));
            (name, of(ours), of(published))
        });
        both(
            title,
            hours.clone(),
            "grams of CO2e saved per kilowatt-hour",
            lines.into(),
        )
    };
    let in_space = idles.map(|(name, idle)| {
        let figure = |latency: usize| Figure::Remaining {
            idle,
            latency: latency as u32,
        };
        (
            name,
            points(ours, latencies, figure),
            points(published, latencies, figure),
        )
    });
    vec![
        in_time("What beginning up to a day later saves", Figure::Deferred),
        in_time("What pausing saves beyond that", Figure::Interrupted),
        both(
            "What remains when work moves once, as far as latency allows",
            Axis::new("milliseconds from the origin at most"),
            "grams of CO2e per kilowatt-hour",
            in_space.into(),
        ),
    ]
}

/// Points of a plot.
type Points = Vec<(f64, f64)>;

/// What is known of figures along an axis.
fn points<const N: usize>(
    of: &BTreeMap<Figure, f64>,
    along: [usize; N],
    figure: impl Fn(usize) -> Figure,
) -> Points {
    let point = |at: usize| Some((at as f64, *of.get(&figure(at))?));
    along.into_iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests;
