//! What a site draws, and the hour in the making that it adds up to.

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::Watts;
use commonwatt_ledger::{Limit, MeterHour, MeterId, Quality, Quantity, Source, WaterCategory};

/// What a site draws at a moment: modelled, as this version reads no meter.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// IT watts of governed work that is ready.
    pub it: Watts,
    /// Facility watts, the unmanaged load included.
    pub facility: Watts,
    /// Litres per kWh of IT energy.
    pub wue: f64,
    /// gCO2e/kWh.
    pub average_carbon: f64,
    /// gCO2e/kWh.
    pub marginal_carbon: Option<f64>,
    /// What kind of water comes in.
    pub category: WaterCategory,
    /// Facility limit in force.
    pub limit: Limit,
}

/// An hour in the making.
#[derive(Debug, Clone)]
pub(crate) struct Hour {
    pub(crate) start: DateTime<Utc>,
    pub(crate) covered: f64,
    it: f64,
    facility: f64,
    pub(crate) water: f64,
    average: f64,
    marginal: Option<f64>,
    /// Watt-seconds and seconds by quarter of the hour: the peak is the highest quarter's mean.
    quarters: [(f64, f64); 4],
    pub(crate) last: Draw,
}

impl Hour {
    pub(crate) fn new(start: DateTime<Utc>, last: Draw) -> Self {
        let marginal = last.marginal_carbon.map(|_| 0.0);
        Self {
            start,
            covered: 0.0,
            it: 0.0,
            facility: 0.0,
            water: 0.0,
            average: 0.0,
            marginal,
            quarters: [(0.0, 0.0); 4],
            last,
        }
    }

    /// The end of the quarter that an instant of the hour is in.
    pub(crate) fn quarter_after(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let quarter = (at - self.start).num_seconds().div_euclid(900) + 1;
        self.start + TimeDelta::seconds(quarter * 900)
    }

    /// Adds what was drawn from one instant to another, both in one quarter.
    pub(crate) fn integrate(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) {
        let seconds = (to - from).as_seconds_f64();
        let it = self.last.it.over_seconds(seconds).0;
        let facility = self.last.facility.over_seconds(seconds).0;
        self.covered += seconds;
        self.it += it;
        self.facility += facility;
        self.water += it * self.last.wue;
        self.average += facility * self.last.average_carbon;
        // An hour in which the signal was silent for a while has no marginal figure: a part would look like the whole.
        self.marginal = match (self.marginal, self.last.marginal_carbon) {
            (Some(sum), Some(intensity)) => Some(sum + facility * intensity),
            _ => None,
        };
        let quarter = usize::try_from((from - self.start).num_seconds() / 900)
            .unwrap_or(3)
            .min(3);
        self.quarters[quarter].0 += self.last.facility.0 as f64 * seconds;
        self.quarters[quarter].1 += seconds;
    }

    pub(crate) fn records(&self) -> Vec<MeterHour> {
        let peak = self
            .quarters
            .iter()
            .filter(|(_, s)| *s > 0.0)
            .map(|(ws, s)| ws / s)
            .fold(0.0, f64::max);
        let of = |meter: MeterId, value: f64, method: &str, limit: Option<Limit>| MeterHour {
            unit: meter.quantity.unit().to_owned(),
            meter,
            hour: self.start,
            seconds: 3600,
            value: Some(value),
            source: Source::Modelled,
            coverage_percent: (self.covered / 36.0).min(100.0),
            quality: Quality::Ok,
            method: method.to_owned(),
            limit,
            restates: None,
        };
        let mut records = vec![
            of(
                MeterId::of(Quantity::ItEnergy),
                self.it,
                "Σ ready replicas × watts of their profile",
                None,
            ),
            of(
                MeterId::of(Quantity::FacilityEnergy),
                self.facility,
                "IT energy × PUE + declared unmanaged load",
                None,
            ),
            of(
                MeterId::of(Quantity::PeakImport),
                peak,
                "highest quarter-hour mean of facility power",
                Some(self.last.limit.clone()),
            ),
            of(
                MeterId::water_input(self.last.category),
                self.water,
                "IT energy × WUE at the hour's wet bulb",
                None,
            ),
            of(
                MeterId::of(Quantity::CarbonAverage),
                self.average,
                "facility energy × average intensity",
                None,
            ),
        ];
        if let Some(marginal) = self.marginal {
            records.push(of(
                MeterId::of(Quantity::CarbonMarginal),
                marginal,
                "facility energy × marginal intensity",
                None,
            ));
        }
        records
    }
}
