//! Jobs that wait for cleaner hours: Hanafy, Liang, Bashir, Souza, Irwin and Shenoy, "Going Green for Less Green: Optimizing the Cost
//! of Reducing Cloud Carbon Emissions" (GAIA), ASPLOS 2024.
//!
//! 99,998 jobs of Alibaba's PAI trace arrive over 2022 in California and draw a watt for each processor. Short jobs may wait 6 hours
//! and long ones 24; which of the two a job is, is known when it arrives, and how long it runs only to those that say so. There is
//! room for all, so that jobs do not meet.

mod adapter;
mod policies;
mod trace;

use commonwatt_dashboard::{Axis, Mark, Plot, Series};
use commonwatt_fleet::Plan;

use crate::forecast::seasonal;
use crate::planning::Planning;
use crate::side_by_side::side_by_side;
use crate::{Data, DataError, Experiment, Outcome, Progress, Row, Source};
use adapter::{Terms, runs, world};
use policies::{Policy, Runs, View};
use trace::{Carbon, Job, Trace};

/// What an hour of waiting is worth in our row: as much as an hour on one processor at ten grams per kilowatt-hour less.
const WAITING: f64 = 10.0;
/// Other worths of waiting, for the frontier.
const WAITINGS: [f64; 4] = [0.0, 25.0, 60.0, 150.0];
/// Days of which the same hour's mean is the forecast.
const DAYS: usize = 3;

/// The experiment.
#[derive(Debug)]
pub struct Gaia;

impl Experiment for Gaia {
    fn name(&self) -> &'static str {
        "gaia"
    }

    fn about(&self) -> &'static str {
        "A year of jobs in California that wait for cleaner hours, and how long it takes them"
    }

    fn source(&self) -> Source {
        Source {
            citation: "W. A. Hanafy, Q. Liang, N. Bashir, A. Souza, D. Irwin, P. Shenoy: Going Green for Less Green: Optimizing the Cost of Reducing Cloud Carbon Emissions, ASPLOS 2024",
            repository: "umassos/GAIA",
            files: "MIT; src/cluster_traces/pai-100k.csv as gaia/pai-100k.csv, and US-CAL-CISO of HewlettPackard/sustain-cluster (MIT), \
                    data/carbon_intensity, 2022 and 2023, below sites/carbon/US-CAL-CISO",
        }
    }

    fn run(&self, data: &Data, progress: &dyn Progress) -> Result<Outcome, DataError> {
        Ok(outcome(&Trace::read(data)?, progress))
    }
}

/// What is known of carbon in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// What has been, and of what comes the same hour's mean.
    Seasonal,
    /// All of it.
    Perfect,
}

impl Knowledge {
    const BOTH: [Self; 2] = [Self::Seasonal, Self::Perfect];

    /// Carbon from an hour on, as it is expected then.
    fn ahead(self, carbon: &Carbon, hour: usize, hours: usize) -> Carbon {
        let ahead = match self {
            Self::Perfect => carbon.hours[hour..(hour + hours).min(carbon.hours.len())].to_vec(),
            Self::Seasonal => {
                let known = &carbon.hours[..=hour];
                [&known[hour..], &seasonal(known, hours - 1, 24, DAYS)].concat()
            }
        };
        Carbon::new(ahead)
    }

    fn name(self, policy: &str) -> String {
        match self {
            Self::Seasonal => policy.into(),
            Self::Perfect => format!("{policy} perfect forecast"),
        }
    }
}

/// What all jobs of a policy come to.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    /// Milligrams.
    carbon: f64,
    /// Hours from arrival to end.
    hours: f64,
}

impl Total {
    fn add(&mut self, trace: &Trace, job: &Job, runs: &Runs) {
        let emitted = runs
            .iter()
            .map(|(from, to)| trace.carbon.between(job.arrives + from, job.arrives + to));
        self.carbon += job.watts * emitted.sum::<f64>();
        self.hours += runs.last().map_or(0.0, |(_, end)| *end);
    }
}

/// Jobs by the hour in which they arrive.
fn hourly(trace: &Trace) -> impl Iterator<Item = (usize, &[Job])> {
    let jobs = trace.jobs.chunk_by(|a, b| a.hour() == b.hour());
    jobs.map(|jobs| (jobs[0].hour(), jobs))
}

/// Hours after which the last of some jobs has ended, a day at least.
fn horizon(jobs: &[Job]) -> usize {
    let end = jobs
        .iter()
        .map(|job| job.may_wait + job.hours.max(job.expected));
    (end.fold(24.0, f64::max) + 3.0) as usize
}

/// What one of the paper's policies does.
fn replayed(trace: &Trace, policy: Policy, knowledge: Knowledge) -> Total {
    let mut total = Total::default();
    for (hour, jobs) in hourly(trace) {
        let view = View {
            expected: knowledge.ahead(&trace.carbon, hour, horizon(jobs)),
            real: &trace.carbon,
            hour,
        };
        for job in jobs {
            total.add(trace, job, &policy(job, &view));
        }
    }
    total
}

/// What the planner does, each hour with what has arrived.
fn planned(trace: &Trace, ours: &Ours, planning: &Planning, progress: &dyn Progress) -> Total {
    let mut total = Total::default();
    for (hour, jobs) in hourly(trace) {
        let expected = ours.knowledge.ahead(&trace.carbon, hour, horizon(jobs));
        let plan = planning.plan(&world(&expected, hour, jobs, ours.terms), &Plan::default());
        for (index, job) in jobs.iter().enumerate() {
            total.add(trace, job, &runs(&plan, index, job, hour, ours.terms));
        }
        progress.step();
    }
    total
}

/// A row that is ours.
struct Ours {
    policy: String,
    about: String,
    knowledge: Knowledge,
    terms: Terms,
}

fn ours() -> Vec<Ours> {
    let mut all = Vec::new();
    for knowledge in Knowledge::BOTH {
        let mut add = |name: &str, about: String, waiting: f64, pausing: bool| {
            all.push(Ours {
                policy: knowledge.name(name),
                about,
                knowledge,
                terms: Terms { waiting, pausing },
            });
        };
        add(
            "commonwatt",
            "knows what carbon-time knows; an hour of waiting has a price".into(),
            WAITING,
            false,
        );
        add(
            "commonwatt pausing",
            "may pause and knows how long jobs run, as wait awhile does".into(),
            WAITING,
            true,
        );
        for waiting in WAITINGS {
            add(
                &format!("commonwatt waiting {waiting}"),
                format!("the first with waiting at {waiting} and not {WAITING}"),
                waiting,
                false,
            );
        }
    }
    all
}

fn outcome(trace: &Trace, progress: &dyn Progress) -> Outcome {
    let planning = Planning::default();
    let ours = ours();
    progress.begin("planning hour by hour", ours.len() * hourly(trace).count());
    let totals = side_by_side(&ours, |row| planned(trace, row, &planning, progress));
    let now = replayed(trace, policies::ALL[0].2, Knowledge::Perfect);
    let mut rows: Vec<_> = ours
        .iter()
        .zip(&totals)
        .map(|(row, total)| metrics(trace, &row.policy, &row.about, total, &now))
        .collect();
    for knowledge in Knowledge::BOTH {
        for (name, about, policy) in policies::ALL {
            let total = replayed(trace, policy, knowledge);
            rows.push(metrics(trace, &knowledge.name(name), about, &total, &now));
        }
    }
    // It knows nothing.
    rows.retain(|row| row.policy != Knowledge::Perfect.name("run now"));
    Outcome {
        plots: vec![frontier(&ours, &rows)],
        notes: vec![
            "carbonRelative is carbon against running at once; meanCompletionHours is from arrival to end, in the mean over all jobs.".into(),
            format!(
                "Rows without more in their name know carbon until the hour of arrival and expect the mean of the same hour of {DAYS} days; those with a perfect forecast know the year."
            ),
            format!(
                "An hour of waiting is worth as much as an hour on one processor at {WAITING} grams per kilowatt-hour less. How dear waiting is, is a choice; the plot has other prices. \
                 Nothing else is chosen."
            ),
            "The planner starts jobs on quarters of an hour, and all jobs of an hour are one plan; the paper's policies start them to the second.".into(),
            planning.note(),
        ],
        rows,
    }
}

fn metrics(trace: &Trace, policy: &str, about: &str, of: &Total, now: &Total) -> Row {
    let metrics = [
        ("carbonRelative", of.carbon / now.carbon),
        ("meanCompletionHours", of.hours / trace.jobs.len() as f64),
    ];
    Row::new(policy, about, metrics)
}

fn frontier(ours: &[Ours], rows: &[Row]) -> Plot {
    let point = |row: &Row| {
        Some((
            row.metric("meanCompletionHours")?,
            row.metric("carbonRelative")?,
        ))
    };
    let line = |knowledge: Knowledge| {
        let same = ours
            .iter()
            .zip(rows)
            .filter(|(of, _)| of.knowledge == knowledge && !of.terms.pausing);
        let mut same: Vec<_> = same.collect();
        same.sort_by(|(a, _), (b, _)| a.terms.waiting.total_cmp(&b.terms.waiting));
        let points = same.iter().filter_map(|(_, row)| point(row)).collect();
        Series::new(
            knowledge.name("commonwatt, waiting at prices"),
            Mark::Joined,
            points,
        )
    };
    let others = rows
        .iter()
        .filter(|row| !row.policy.starts_with("commonwatt waiting"));
    let dots = others.filter_map(|row| {
        Some(Series::new(
            row.policy.clone(),
            Mark::Dots,
            vec![point(row)?],
        ))
    });
    Plot {
        title: "What waiting saves".into(),
        caption: "Down and to the left is better: less carbon, and sooner done.".into(),
        x: Axis::new("hours from arrival to end, mean"),
        y: Axis::new("carbon against running at once"),
        series: Knowledge::BOTH.map(line).into_iter().chain(dots).collect(),
    }
}

#[cfg(test)]
mod tests;
