//! What is read: price, carbon and weather of sixteen zones in four seasons of 2023, shapes of requests, and jobs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use commonwatt_signals::{FileSpec, Format, Series};
use serde_json::Value;

use super::fleet::{SLACK, ZONES};
use crate::{Data, DataError};

/// Hours of a day.
pub(super) const DAY: usize = 24;
/// Days that are replayed of each season.
pub(super) const DAYS: usize = 2;
/// Days known before.
pub(super) const PAST: usize = 3;
/// When each season's days begin: the eighth day of each quarter.
const BEGINS: [&str; 4] = [
    "2023-01-08T00:00:00Z",
    "2023-04-08T00:00:00Z",
    "2023-07-08T00:00:00Z",
    "2023-10-08T00:00:00Z",
];
/// When the jobs of the first season begin, those of the others right after them: a Monday from which on the trace is busy.
const JOBS_BEGIN: &str = "2017-10-23T00:00:00Z";
/// Accelerators of the jobs that are taken: half a node and a node.
const TAKEN: [u32; 2] = [4, 8];
/// Hours of work of the jobs that are taken, from and to.
const WORK: (f64, f64) = (2.0, 12.0);

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trace {
    pub(super) seasons: Vec<Season>,
    /// By service, the demand in each hour of the day over its mean.
    pub(super) shapes: Vec<Vec<f64>>,
}

/// Some days of a quarter, in all zones.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Season {
    pub(super) begin: DateTime<Utc>,
    /// In the order of [`ZONES`]; hour by hour from [`PAST`] days before it begins to a day after its end.
    pub(super) zones: Vec<Signals>,
    /// In the order of their release.
    pub(super) jobs: Vec<Job>,
}

/// What is known of a zone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Signals {
    /// USD per kilowatt-hour.
    pub(super) price: Vec<f64>,
    /// Grams per kilowatt-hour, of what is burnt in power plants.
    pub(super) carbon: Vec<f64>,
    /// Degrees Celsius.
    pub(super) wet_bulb: Vec<f64>,
}

/// A batch job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// Whole hours after the season's begin.
    pub(super) release: usize,
    /// Whole hours of work.
    pub(super) work: u32,
    /// Of the older product.
    pub(super) accelerators: u32,
    /// Where its data is, in the order of [`ZONES`].
    pub(super) home: usize,
}

impl Trace {
    /// From the repositories' files.
    pub(super) fn read(data: &Data) -> Result<Self, DataError> {
        let zones = ZONES
            .iter()
            .map(|zone| Year::read(data, zone.name))
            .collect::<Result<Vec<_>, _>>()?;
        let season = |(begin, jobs): (&&str, Vec<Job>)| {
            let begin = instant(begin);
            let zones = zones.iter().map(|year| year.signals(begin));
            let zones = zones.collect::<Result<_, DataError>>()?;
            Ok(Season { begin, zones, jobs })
        };
        let seasons = BEGINS.iter().zip(jobs(data)?).map(season);
        Ok(Self {
            seasons: seasons.collect::<Result<_, DataError>>()?,
            shapes: vec![azure(data, "code")?, azure(data, "conv")?, mooncake(data)?],
        })
    }
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_default()
}

/// A zone's year, each series with the file that it is from.
struct Year {
    price: (PathBuf, Series),
    carbon: (PathBuf, Series),
    wet_bulb: (PathBuf, Series),
}

impl Year {
    fn read(data: &Data, zone: &str) -> Result<Self, DataError> {
        let price = FileSpec {
            value_column: Some(zone.into()),
            ..FileSpec::new("sites/price/price_usd_per_mwh_2023.csv.gz", Format::Csv)
        };
        let carbon = FileSpec {
            value_column: Some("Carbon Intensity gCO₂eq/kWh (direct)".into()),
            ..FileSpec::new(
                format!("sites/carbon/{zone}/{zone}_2023_hourly.csv.gz"),
                Format::Csv,
            )
        };
        let weather = format!("sites/weather/{zone}/2023.json.gz");
        let read = |spec: FileSpec| {
            let series = data.series(&spec)?;
            Ok::<_, DataError>((spec.path, series))
        };
        Ok(Self {
            price: read(price)?,
            carbon: read(carbon)?,
            wet_bulb: read(FileSpec::new(weather, Format::OpenMeteo))?,
        })
    }

    /// Hours around a season.
    fn signals(&self, begin: DateTime<Utc>) -> Result<Signals, DataError> {
        let of = |(path, series): &(PathBuf, Series), scale: f64| {
            let hour = |hour: usize| {
                let at = begin + TimeDelta::hours(hour as i64) - TimeDelta::days(PAST as i64);
                // In a gap the last value goes on, as it would for whoever has to decide then.
                let value = series.latest(at).map(|(_, value)| value * scale);
                value.ok_or_else(|| DataError::Unexpected {
                    path: path.clone(),
                    what: format!("nothing is known at {at}"),
                })
            };
            (0..(PAST + DAYS + 1) * DAY)
                .map(hour)
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Signals {
            price: of(&self.price, 1e-3)?,
            carbon: of(&self.carbon, 1.0)?,
            wet_bulb: of(&self.wet_bulb, 1.0)?,
        })
    }
}

/// Jobs season by season, each of as many days. Those that could not be over by the season's end are left out.
fn jobs(data: &Data) -> Result<Vec<Vec<Job>>, DataError> {
    let table = data.table("gpu-jobs/philly/philly.csv")?;
    let seconds = table.numbers("duration")?;
    let accelerators = table.numbers("num_gpus")?;
    let begin = instant(JOBS_BEGIN);
    let mut found: BTreeMap<(DateTime<Utc>, usize), (u32, u32)> = BTreeMap::new();
    for (row, text) in table.texts("timestamp")?.iter().enumerate() {
        let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S");
        let at = at.map_err(|_| {
            table.unexpected(format!("timestamp {text:?} is no YYYY-MM-DD HH:MM:SS"))
        })?;
        let (hours, size) = (seconds[row] / 3600.0, accelerators[row] as u32);
        if at.and_utc() >= begin && TAKEN.contains(&size) && (WORK.0..=WORK.1).contains(&hours) {
            found.insert((at.and_utc(), row), (hours.ceil() as u32, size));
        }
    }
    let mut seasons = vec![Vec::new(); BEGINS.len()];
    for (number, ((at, _), (work, accelerators))) in found.into_iter().enumerate() {
        let hour = ((at - begin).num_seconds() as usize).div_ceil(3600);
        let (season, release) = (hour / (DAYS * DAY), hour % (DAYS * DAY));
        let end = release + (work + SLACK) as usize;
        if let Some(jobs) = seasons.get_mut(season).filter(|_| end <= DAYS * DAY) {
            jobs.push(Job {
                release,
                work,
                accelerators,
                home: number % ZONES.len(),
            });
        }
    }
    Ok(seasons)
}

/// Splitwise's traces of Azure.
fn azure(data: &Data, kind: &str) -> Result<Vec<f64>, DataError> {
    let table = data.table(&format!(
        "requests/azure-2023/AzureLLMInferenceTrace_{kind}.csv"
    ))?;
    let tokens = table.numbers("GeneratedTokens")?;
    let mut requests = Vec::new();
    for (text, tokens) in table.texts("TIMESTAMP")?.iter().zip(tokens) {
        let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f");
        let at = at.map_err(|_| table.unexpected(format!("TIMESTAMP {text:?} is no time")))?;
        requests.push((at.and_utc().timestamp_micros() as f64 / 1e6, tokens));
    }
    Ok(shape(&requests))
}

/// Mooncake's conversations.
fn mooncake(data: &Data) -> Result<Vec<f64>, DataError> {
    let lines = data.lines("requests/mooncake/traces/conversation_trace.jsonl")?;
    let mut requests = Vec::new();
    for line in &lines {
        let number = |name: &str| line.get(name).and_then(Value::as_f64);
        if let (Some(at), Some(tokens)) = (number("timestamp"), number("output_length")) {
            requests.push((at / 1e3, tokens));
        }
    }
    Ok(shape(&requests))
}

/// A trace of about an hour as a day: cut into as many equal parts as a day has hours, the tokens that are generated for the
/// requests of each over their mean.
fn shape(requests: &[(f64, f64)]) -> Vec<f64> {
    let times = || requests.iter().map(|(at, _)| *at);
    let first = times().fold(f64::INFINITY, f64::min);
    let length = times().fold(f64::NEG_INFINITY, f64::max) - first;
    let mut parts = [0.0; DAY];
    for (at, tokens) in requests {
        let part = ((at - first) / length * DAY as f64) as usize;
        parts[part.min(DAY - 1)] += tokens;
    }
    let mean = parts.iter().sum::<f64>() / DAY as f64;
    parts.iter().map(|part| part / mean).collect()
}
