//! A site's hours: price, carbon, PUE and WUE from its signals, with the age and source of each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use commonwatt_api::{self as api, GridSignal, Site};
use commonwatt_fleet::Slots;
use commonwatt_signals::{
    FileSpec, Format, Future, HourProvenance, HourValue, Quantity, Reading, Repeat, Series, Shape,
    Source, Spec, forecast, load, reading,
};

/// Reads the files that signals name, each once.
#[derive(Debug, Default)]
pub struct DataFolder {
    root: Option<PathBuf>,
    loaded: Mutex<BTreeMap<String, Result<Arc<Series>, String>>>,
}

impl DataFolder {
    /// Files below a folder, or none at all.
    pub fn new(root: Option<PathBuf>) -> Self {
        Self {
            root,
            loaded: Mutex::default(),
        }
    }

    fn series(&self, file: &api::SeriesFile) -> Result<Arc<Series>, String> {
        let Some(root) = &self.root else {
            return Err("source.file needs a data folder: start the agent with --data DIR".into());
        };
        let key = format!("{file:?}");
        let mut loaded = self
            .loaded
            .lock()
            .map_err(|_| "the file cache is broken".to_owned())?;
        let entry = loaded.entry(key).or_insert_with(|| {
            let format = match file.format {
                api::FileFormat::Csv => Format::Csv,
                api::FileFormat::OpenMeteo => Format::OpenMeteo,
            };
            let mut spec = FileSpec::new(&file.path, format);
            spec.time_column.clone_from(&file.time_column);
            spec.value_column.clone_from(&file.value_column);
            load(root, &spec)
                .map(Arc::new)
                .map_err(|error| error.to_string())
        });
        entry.clone()
    }
}

/// One hour of a site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hour {
    /// Per kWh, in the site's currency.
    pub price: f64,
    /// gCO2e/kWh.
    pub average_carbon: f64,
    /// gCO2e/kWh.
    pub marginal_carbon: Option<f64>,
    /// Facility energy over IT energy.
    pub pue: f64,
    /// Litres per kWh of IT energy.
    pub wue: f64,
}

/// How a signal stands, for its status.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalState {
    /// It says something.
    Said(Reading),
    /// It says nothing that counts, and why.
    Silent(String),
}

/// A `GridSignal` as a series with its rules.
///
/// # Errors
/// In words, with the field.
pub fn read_signal(signal: &GridSignal, data: &DataFolder) -> Result<Spec, String> {
    let name = signal.metadata.name.clone().unwrap_or_default();
    let spec = &signal.spec;
    let decimal = |field: &str, value: &api::Decimal| {
        value
            .value()
            .map_err(|error| format!("spec.{field}: {error}"))
    };
    let (source, future) = match (&spec.source.static_, &spec.source.file) {
        (Some(declared), None) => (Source::Static(shape(declared)?), Future::Known),
        (None, Some(file)) => {
            let series = data
                .series(file)
                .map_err(|error| format!("spec.source.file: {error}"))?;
            let future = match file.future {
                api::Future::Known => Future::Known,
                api::Future::Seasonal => Future::Seasonal,
            };
            (Source::File(series.as_ref().clone()), future)
        }
        _ => return Err("spec.source: name exactly one of static and file".into()),
    };
    let quantity = match spec.quantity {
        api::Quantity::AverageCarbon => Quantity::AverageCarbon,
        api::Quantity::MarginalCarbon => Quantity::MarginalCarbon,
        api::Quantity::Price => Quantity::Price,
        api::Quantity::WetBulb => Quantity::WetBulb,
    };
    let fallback = spec
        .fallback
        .as_ref()
        .map(|value| decimal("fallback", value))
        .transpose()?;
    let max_age = u32::try_from(spec.max_age_seconds)
        .map_err(|_| "spec.maxAgeSeconds: out of range".to_owned())?;
    Spec::new(&name, quantity, source, max_age, fallback, future).map_err(|error| error.to_string())
}

fn shape(declared: &api::StaticSeries) -> Result<Shape, String> {
    let values: Result<Vec<f64>, String> = declared
        .values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            value
                .value()
                .map_err(|error| format!("spec.source.static.values[{index}]: {error}"))
        })
        .collect();
    let time_zone: Tz = declared.time_zone.parse().map_err(|_| {
        format!(
            "spec.source.static.timeZone: {:?} is no IANA time zone",
            declared.time_zone
        )
    })?;
    Ok(Shape {
        start: declared.start.map(|start| start.0),
        step_seconds: u32::try_from(declared.step_seconds)
            .map_err(|_| "spec.source.static.stepSeconds".to_owned())?,
        values: values?,
        repeat: match declared.repeat {
            api::Repeat::None => Repeat::None,
            api::Repeat::Daily => Repeat::Daily,
            api::Repeat::Weekly => Repeat::Weekly,
        },
        time_zone,
    })
}

/// What a signal says now.
pub fn state_of(signal: Result<&Spec, &String>, now: DateTime<Utc>) -> SignalState {
    match signal {
        Ok(spec) => match reading(spec, now) {
            Ok(reading) => SignalState::Said(reading),
            Err(error) => SignalState::Silent(error.to_string()),
        },
        Err(why) => SignalState::Silent(why.clone()),
    }
}

/// PUE and WUE over wet-bulb temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct Cooling(pub Vec<(f64, f64, f64)>);

impl Cooling {
    /// Reads the declared points.
    ///
    /// # Errors
    /// In words, with the field.
    pub fn read(points: &[api::CoolingPoint]) -> Result<Self, String> {
        let mut read = Vec::new();
        for (index, point) in points.iter().enumerate() {
            let field = |name: &str| format!("spec.cooling[{index}].{name}");
            let pue = point
                .pue
                .value()
                .map_err(|error| format!("{}: {error}", field("pue")))?;
            let wue = point
                .wue_liters_per_kwh
                .value()
                .map_err(|error| format!("{}: {error}", field("wueLitersPerKwh")))?;
            if !(1.0..=5.0).contains(&pue) || !(0.0..=20.0).contains(&wue) {
                return Err(format!("{}: PUE is 1 to 5 and WUE 0 to 20", field("pue")));
            }
            let celsius = point.wet_bulb_celsius.map_or(0.0, |celsius| celsius as f64);
            if read.last().is_some_and(|(last, _, _)| *last >= celsius) {
                return Err(format!("{}: points must rise", field("wetBulbCelsius")));
            }
            read.push((celsius, pue, wue));
        }
        if read.is_empty() {
            Err("spec.cooling: needs a point".into())
        } else {
            Ok(Self(read))
        }
    }

    /// PUE and WUE at a wet-bulb temperature: linear between points, the end points beyond them.
    pub fn at(&self, celsius: f64) -> (f64, f64) {
        let after = self.0.iter().position(|(at, _, _)| *at >= celsius);
        match after {
            Some(0) => (self.0[0].1, self.0[0].2),
            None => self.0.last().map_or((1.0, 0.0), |last| (last.1, last.2)),
            Some(index) => {
                let (low, high) = (self.0[index - 1], self.0[index]);
                let part = (celsius - low.0) / (high.0 - low.0);
                (
                    low.1 + part * (high.1 - low.1),
                    low.2 + part * (high.2 - low.2),
                )
            }
        }
    }

    /// The worst WUE of the curve: what hours without a record count at.
    pub fn worst_wue(&self) -> f64 {
        self.0.iter().map(|point| point.2).fold(0.0, f64::max)
    }
}

/// The hours of a site, from the signals it names.
///
/// # Errors
/// In words: which signal is missing or says nothing.
pub fn hours(
    site: &Site,
    cooling: &Cooling,
    signals: &BTreeMap<String, (Arc<GridSignal>, Result<Spec, String>)>,
    now: DateTime<Utc>,
    slots: &Slots,
) -> Result<Vec<Hour>, String> {
    let named = &site.spec.signals;
    let series = |name: &str, quantity: api::Quantity| -> Result<Vec<HourValue>, String> {
        let (signal, spec) = signals
            .get(name)
            .ok_or_else(|| format!("spec.signals: there is no GridSignal {name}"))?;
        if signal.spec.quantity != quantity {
            return Err(format!(
                "spec.signals: {name} is {:?}, not {quantity:?}",
                signal.spec.quantity
            ));
        }
        if quantity != api::Quantity::WetBulb && signal.spec.zone != site.spec.location.grid_zone {
            return Err(format!(
                "spec.signals: {name} is of zone {}, the site is in {}; a signal of another zone is refused",
                signal.spec.zone, site.spec.location.grid_zone
            ));
        }
        if quantity == api::Quantity::Price
            && signal.spec.currency.as_deref() != Some(&site.spec.currency)
        {
            return Err(format!(
                "spec.signals: {name} is not in the site's currency {}",
                site.spec.currency
            ));
        }
        let spec = spec
            .as_ref()
            .map_err(|why| format!("GridSignal {name}: {why}"))?;
        forecast(spec, now, slots).map_err(|error| error.to_string())
    };
    let price = series(&named.price, api::Quantity::Price)?;
    let average = series(&named.average_carbon, api::Quantity::AverageCarbon)?;
    let marginal = named
        .marginal_carbon
        .as_deref()
        .map(|name| series(name, api::Quantity::MarginalCarbon))
        .transpose()?;
    let wet_bulb = match (&named.wet_bulb, cooling.0.len()) {
        (Some(name), _) => Some(series(name, api::Quantity::WetBulb)?),
        (None, 1) => None,
        (None, _) => {
            return Err("spec.signals.wetBulb: cooling with several points needs it".into());
        }
    };
    Ok((0..slots.count)
        .map(|slot| {
            let celsius = wet_bulb
                .as_ref()
                .map_or(cooling.0[0].0, |values| values[slot].value);
            let (pue, wue) = cooling.at(celsius);
            Hour {
                price: price[slot].value / 1000.0,
                average_carbon: average[slot].value,
                marginal_carbon: marginal.as_ref().map(|values| values[slot].value),
                pue,
                wue,
            }
        })
        .collect())
}

/// Whether a value is in the word of its source.
pub fn is_own_word(value: &HourValue) -> bool {
    value.provenance != HourProvenance::Fallback
}
