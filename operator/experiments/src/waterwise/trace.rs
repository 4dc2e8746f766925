//! The paper's data: regions with their carbon and water hour by hour, applications as they were measured, and how many jobs of
//! each arrive in each minute.

use std::collections::BTreeMap;

use super::python::Random;
use crate::{Data, DataError};

/// Regions in the order of the paper's simulator.
pub(super) const REGIONS: [&str; 5] = ["zurich", "madrid", "oregon", "milan", "mumbai"];
/// The same in the order in which jobs are given where they come from, as places in [`REGIONS`].
const ORIGINS: [usize; 5] = [0, 3, 1, 2, 4];
/// Applications in the order in which files of arrivals are given to them.
pub(super) const APPLICATIONS: [&str; 10] = [
    "black",
    "cache",
    "canneal",
    "dedup",
    "graph",
    "memory",
    "serving",
    "media",
    "netdedup",
    "swaptions",
];
/// Power usage effectiveness, on the energy that water was used to make. The paper's carbon does not have it.
const PUE: f64 = 1.2;
/// Cycles of concentration of the cooling towers.
const CYCLES: f64 = 3.0;
/// The seed of each minute.
const SEED: u32 = 40;

/// In which order files of arrivals are given to applications: the paper's simulator takes them as its directory lists them.
pub(super) type Listing = [usize; 10];
/// By their numbers.
pub(super) const NATURAL: Listing = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/// By their letters.
pub(super) const LEXICAL: Listing = [1, 10, 2, 3, 4, 5, 6, 7, 8, 9];
/// As a directory listed them where the published scheduler was run for the figures that it has here.
pub(super) const LISTED: Listing = [10, 3, 1, 5, 2, 4, 9, 8, 7, 6];

/// One value per region.
pub(super) type ByRegion<T> = [T; REGIONS.len()];

/// An application as it was measured.
#[derive(Debug, Clone)]
pub(super) struct Application {
    /// Energy of each measured run, kilowatt-hours.
    pub kilowatt_hours: Vec<f64>,
    /// Duration of each, seconds.
    pub seconds: Vec<f64>,
    /// Seconds that its data takes from one region to another.
    pub transfer: ByRegion<ByRegion<f64>>,
}

impl Application {
    pub(super) fn mean_energy(&self) -> f64 {
        mean(&self.kilowatt_hours)
    }

    pub(super) fn mean_seconds(&self) -> f64 {
        mean(&self.seconds)
    }

    pub(super) fn longest(&self) -> f64 {
        self.seconds.iter().copied().fold(0.0, f64::max)
    }
}

/// A job that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// Index in [`APPLICATIONS`].
    pub application: usize,
    /// The region in which it arrived.
    pub home: usize,
    /// When, in minutes.
    pub arrived: usize,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    pub applications: Vec<Application>,
    /// Grams per kilowatt-hour, hour by hour.
    pub carbon: ByRegion<Vec<f64>>,
    /// Litres per kilowatt-hour times one and the region's scarcity, hour by hour: on site and where energy comes from.
    pub water: ByRegion<Vec<f64>>,
    /// Jobs per minute, by application.
    pub arrivals: Vec<Vec<f64>>,
}

impl Trace {
    pub(super) fn read(data: &Data, listing: Listing) -> Result<Self, DataError> {
        let file = |of: usize| data.column(&format!("waterwise/borg_trace/app{of}_instances.csv"));
        let arrivals: Vec<_> = listing.into_iter().map(file).collect::<Result<_, _>>()?;
        let minutes = arrivals.first().map_or(0, Vec::len);
        for (file, of) in listing.into_iter().zip(&arrivals) {
            same_length(
                data,
                &format!("borg_trace/app{file}_instances.csv"),
                of,
                minutes,
            )?;
        }
        let [carbon, water] = footprints(data, minutes / 60)?;
        Ok(Self {
            applications: applications(data)?,
            carbon,
            water,
            arrivals,
        })
    }

    pub(super) fn minutes(&self) -> usize {
        self.arrivals.first().map_or(0, Vec::len)
    }

    /// Jobs that arrive in a minute, and the generator after it has drawn where they come from.
    pub(super) fn arriving(&self, minute: usize) -> (Vec<Job>, Random) {
        let mut random = Random::seed(SEED);
        let count = |of: &Vec<f64>| of.get(minute).map_or(0, |count| *count as usize);
        let counts: Vec<_> = self.arrivals.iter().map(count).collect();
        let all: usize = counts.iter().sum();
        let even = all / ORIGINS.len();
        let mut homes: Vec<_> = ORIGINS
            .into_iter()
            .flat_map(|home| std::iter::repeat_n(home, even))
            .collect();
        homes.resize(all, ORIGINS[ORIGINS.len() - 1]);
        random.shuffle(&mut homes);
        let applications = counts
            .into_iter()
            .enumerate()
            .flat_map(|(of, count)| std::iter::repeat_n(of, count));
        // The simulator takes homes from the list's end.
        let jobs = applications.zip(homes.into_iter().rev());
        let jobs = jobs.map(|(application, home)| Job {
            application,
            home,
            arrived: minute,
        });
        (jobs.collect(), random)
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn applications(data: &Data) -> Result<Vec<Application>, DataError> {
    type Transfer = BTreeMap<String, BTreeMap<String, BTreeMap<String, f64>>>;
    let path = "waterwise/transfer.json";
    let transfer: Transfer = data.json(path)?;
    let seconds = |name: &str, from: usize, to: usize| {
        let found = transfer
            .get(name)
            .and_then(|of| of.get(REGIONS[from])?.get(REGIONS[to]));
        found.copied().ok_or_else(|| {
            data.unexpected(
                path,
                format!("no {name} from {} to {}", REGIONS[from], REGIONS[to]),
            )
        })
    };
    let application = |name: &str| {
        let joules: Vec<f64> = data.json(&format!("waterwise/profile_data/{name}_energy.json"))?;
        let measured: Vec<f64> = data.json(&format!("waterwise/profile_data/{name}_time.json"))?;
        same_length(
            data,
            &format!("profile_data/{name}_time.json"),
            &measured,
            joules.len(),
        )?;
        let mut between = ByRegion::<ByRegion<f64>>::default();
        for (from, row) in between.iter_mut().enumerate() {
            for (to, cell) in row.iter_mut().enumerate() {
                *cell = seconds(name, from, to)?;
            }
        }
        Ok(Application {
            kilowatt_hours: joules.iter().map(|joules| joules / 3.6e6).collect(),
            seconds: measured,
            transfer: between,
        })
    };
    APPLICATIONS.into_iter().map(application).collect()
}

/// Carbon and water of a kilowatt-hour by region and hour.
fn footprints(data: &Data, hours: usize) -> Result<[ByRegion<Vec<f64>>; 2], DataError> {
    let path = "waterwise/region_mix_2023.json";
    let known: BTreeMap<String, BTreeMap<String, f64>> = data.json(path)?;
    let (mut carbon, mut water) = (ByRegion::default(), ByRegion::default());
    for (index, region) in REGIONS.into_iter().enumerate() {
        let scarcity = known.get(region).and_then(|of| of.get("wsf"));
        let scarcity =
            scarcity.ok_or_else(|| data.unexpected(path, format!("no wsf of {region}")))?;
        let series = |of: &str| data.column(&format!("waterwise/{of}/{region}.txt"));
        carbon[index] = series("ci")?;
        let energy = series("ewif")?;
        // Some regions have a value for every third hour.
        let bulb = series("wet_bulb")?;
        let every = hours / bulb.len().max(1);
        let bulb: Vec<_> = bulb
            .into_iter()
            .flat_map(|celsius| std::iter::repeat_n(celsius, every))
            .collect();
        for (of, values) in [
            ("ci", &carbon[index]),
            ("ewif", &energy),
            ("wet_bulb", &bulb),
        ] {
            same_length(data, &format!("{of}/{region}.txt"), values, hours)?;
        }
        let liters =
            |(bulb, energy): (&f64, &f64)| (on_site(*bulb) + PUE * energy) * (1.0 + scarcity);
        water[index] = bulb.iter().zip(&energy).map(liters).collect();
    }
    Ok([carbon, water])
}

/// Litres per kilowatt-hour that cooling towers take at a wet-bulb temperature in degrees Celsius.
fn on_site(celsius: f64) -> f64 {
    let fahrenheit = celsius * 9.0 / 5.0 + 32.0;
    let polynomial =
        6e-5 * fahrenheit.powi(3) - 0.01 * fahrenheit.powi(2) + 0.61 * fahrenheit - 10.4;
    CYCLES / (CYCLES - 1.0) * polynomial
}

fn same_length(data: &Data, path: &str, values: &[f64], expected: usize) -> Result<(), DataError> {
    if values.len() == expected {
        return Ok(());
    }
    Err(data.unexpected(
        &format!("waterwise/{path}"),
        format!("{} values where {expected} were expected", values.len()),
    ))
}
