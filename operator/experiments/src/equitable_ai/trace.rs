//! The trace, and what a policy uses of it.

use super::{CARBON_WEIGHT, WATER_WEIGHT};
use crate::{Data, DataError};

/// Data centers as the repository's notebook lists and spells them.
pub(super) const SITES: [&str; 10] = [
    "Texas",
    "Virginia",
    "Georgia",
    "Nevada",
    "Germany",
    "Belguim",
    "Netherlands",
    "Denmark",
    "Japan",
    "Singapore",
];
/// Watts of the cluster that the workload was measured on, at which one of its ten gateways fills a data center.
const FULL_WATTS: f64 = 2708.0;

/// Hours of ten data centers. Hour by hour, in the order of the names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trace {
    /// Data centers.
    pub(super) sites: Vec<Site>,
    /// Megawatts that have to be served, from all gateways together: each data center may serve each of them.
    pub(super) load: Vec<f64>,
}

/// One data center's hours.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Site {
    pub(super) name: &'static str,
    /// USD per megawatt-hour.
    pub(super) price: Vec<f64>,
    /// Tonnes per megawatt-hour.
    pub(super) carbon: Vec<f64>,
    /// Cubic metres per megawatt-hour.
    pub(super) water: Vec<f64>,
}

impl Trace {
    /// From the repository's files.
    pub(super) fn read(data: &Data) -> Result<Self, DataError> {
        let workload = data.table("equitable-ai/AI_workload.csv")?;
        let watts = workload.numbers("Power (Watt)")?;
        let hours = watts.len();
        if hours == 0 {
            return Err(workload.unexpected("it has no hours"));
        }
        let column = |folder: &str, name: &str, column: &str| {
            let table = data.table(&format!("equitable-ai/{folder}/{name}.csv"))?;
            let mut values = table.numbers(column)?;
            if values.len() < hours {
                return Err(
                    table.unexpected(format!("{} hours, the workload has {hours}", values.len()))
                );
            }
            // Some go on for a day more.
            values.truncate(hours);
            Ok(values)
        };
        let site = |name: &'static str| {
            Ok(Site {
                name,
                price: column("price", &format!("{name}_Price"), "Price (USD/MWh)")?,
                carbon: column("carbon", &format!("{name}_carbon"), "Carbon (kg/kWh)")?,
                water: column("water", &format!("{name}_water"), "WUE (L/kWh)")?,
            })
        };
        Ok(Self {
            sites: SITES
                .into_iter()
                .map(site)
                .collect::<Result<_, DataError>>()?,
            load: watts
                .iter()
                .map(|watts| watts / FULL_WATTS * SITES.len() as f64)
                .collect(),
        })
    }

    pub(super) fn hours(&self) -> usize {
        self.load.len()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.sites.iter().map(|site| site.name)
    }

    /// Every series through a function.
    pub(super) fn mapped(
        &self,
        price: impl Fn(&[f64]) -> Vec<f64>,
        other: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Self {
        let site = |site: &Site| Site {
            name: site.name,
            price: price(&site.price),
            carbon: other(&site.carbon),
            water: other(&site.water),
        };
        Self {
            sites: self.sites.iter().map(site).collect(),
            load: other(&self.load),
        }
    }

    /// Begun at another hour, with what lies before it put at the end.
    pub(super) fn turned(&self, start: usize) -> Self {
        let start = start % self.hours();
        let turn = |series: &[f64]| [&series[start..], &series[..start]].concat();
        self.mapped(turn, turn)
    }
}

/// What a policy has used.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Use {
    /// USD for energy.
    pub(super) price: f64,
    /// Tonnes, by data center.
    pub(super) carbon: Vec<f64>,
    /// Cubic metres, by data center.
    pub(super) water: Vec<f64>,
    /// Megawatt-hours that found no place.
    pub(super) unserved: f64,
}

impl Use {
    pub(super) fn nothing(sites: usize) -> Self {
        Self {
            carbon: vec![0.0; sites],
            water: vec![0.0; sites],
            ..Self::default()
        }
    }

    /// Adds an hour in which each data center serves so many megawatts.
    pub(super) fn add(&mut self, trace: &Trace, hour: usize, served: &[f64]) {
        for (index, (site, megawatts)) in trace.sites.iter().zip(served).enumerate() {
            self.price += site.price[hour] * megawatts;
            self.carbon[index] += site.carbon[hour] * megawatts;
            self.water[index] += site.water[hour] * megawatts;
        }
        self.unserved += (trace.load[hour] - served.iter().sum::<f64>()).max(0.0);
    }

    pub(super) fn worst_carbon(&self) -> f64 {
        self.carbon.iter().copied().fold(0.0, f64::max)
    }

    pub(super) fn worst_water(&self) -> f64 {
        self.water.iter().copied().fold(0.0, f64::max)
    }

    pub(super) fn objective(&self) -> f64 {
        self.price + CARBON_WEIGHT * self.worst_carbon() + WATER_WEIGHT * self.worst_water()
    }
}
