//! A year of jobs, and the carbon of the grid that they run on.

use crate::{Data, DataError, Table};

/// Jobs below so many hours go into the short queue.
const SHORT: f64 = 2.0;
/// Hours that jobs of the short queue and of the long one may wait.
const MAY_WAIT: [f64; 2] = [6.0, 24.0];
/// Life cycle, as the paper's data has it.
const CARBON: &str = "Carbon Intensity gCO₂eq/kWh (LCA)";

/// A job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Job {
    /// In hours from the year's beginning.
    pub arrives: f64,
    /// How long it runs.
    pub hours: f64,
    /// Its processors: each draws a watt.
    pub watts: f64,
    /// Hours that a job of its queue runs in the mean: all that is known of it when it arrives.
    pub expected: f64,
    /// Hours that it may wait.
    pub may_wait: f64,
}

impl Job {
    /// The hour in which it arrives.
    pub(super) fn hour(&self) -> usize {
        self.arrives as usize
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    pub jobs: Vec<Job>,
    pub carbon: Carbon,
}

impl Trace {
    pub(super) fn read(data: &Data) -> Result<Self, DataError> {
        let year = |year: u32| {
            let path = format!("sites/carbon/US-CAL-CISO/US-CAL-CISO_{year}_hourly.csv");
            data.table(&path)?.numbers(CARBON)
        };
        // The last jobs run into the next year.
        let carbon = [year(2022)?, year(2023)?].concat();
        let table = data.table("gaia/pai-100k.csv")?;
        let trace = Self {
            jobs: jobs(&table)?,
            carbon: Carbon::new(carbon),
        };
        let end = trace
            .jobs
            .iter()
            .map(|job| job.arrives + job.may_wait + job.hours);
        let (end, hours) = (end.fold(0.0, f64::max), trace.carbon.hours.len());
        if end + 48.0 > hours as f64 {
            return Err(table.unexpected(format!(
                "jobs until hour {end:.0}, and carbon of {hours} hours"
            )));
        }
        Ok(trace)
    }
}

fn jobs(table: &Table) -> Result<Vec<Job>, DataError> {
    let arrives = table.numbers("arrival_time")?;
    let (hours, watts) = (table.numbers("length")?, table.numbers("cpus")?);
    let queue = |hours: f64| usize::from(hours >= SHORT);
    let expected = [0, 1].map(|of| mean(hours.iter().copied().filter(|hours| queue(*hours) == of)));
    let job = |index: usize| Job {
        arrives: arrives[index],
        hours: hours[index],
        watts: watts[index],
        expected: expected[queue(hours[index])],
        may_wait: MAY_WAIT[queue(hours[index])],
    };
    let jobs: Vec<_> = (0..hours.len()).map(job).collect();
    if jobs.iter().any(|job| job.arrives < 0.0 || job.hours <= 0.0)
        || !jobs.is_sorted_by_key(|job| job.arrives)
    {
        return Err(table
            .unexpected("jobs have to be in the order of their arrival, and to take some time"));
    }
    Ok(jobs)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Grams per kilowatt-hour, hour by hour, and constant within each.
#[derive(Debug, Clone)]
pub(super) struct Carbon {
    pub hours: Vec<f64>,
    /// The sum of all before an hour.
    before: Vec<f64>,
}

impl Carbon {
    pub(super) fn new(hours: Vec<f64>) -> Self {
        let add = |sum: &mut f64, hour: &f64| {
            let before = *sum;
            *sum += hour;
            Some(before)
        };
        let before = hours.iter().scan(0.0, add).collect();
        Self { hours, before }
    }

    /// Its integral between two times in hours: what a kilowatt emits.
    pub(super) fn between(&self, from: f64, to: f64) -> f64 {
        self.until(to) - self.until(from)
    }

    fn until(&self, time: f64) -> f64 {
        let last = self.hours.len() - 1;
        let hour = (time.floor().max(0.0) as usize).min(last);
        self.before[hour] + (time - hour as f64) * self.hours[hour]
    }
}
