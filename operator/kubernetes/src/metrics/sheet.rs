//! Gauges as whole sheets: what a round found replaces what the round before did, all at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;

use super::definition::Gauge;
use super::families::GAUGES;

/// Values by the values of their labels.
type Series = BTreeMap<Vec<String>, f64>;

/// Gauges of one owner. What is not on it has no series: unknown is not zero.
#[derive(Debug, Clone, Default)]
pub struct Sheet(BTreeMap<&'static str, Series>);

impl Sheet {
    /// Puts a value down.
    pub fn set<const N: usize>(&mut self, gauge: &Gauge<N>, labels: [&str; N], value: f64) {
        *self.slot(gauge, labels) = value;
    }

    /// Adds to a value, from nothing.
    pub fn add<const N: usize>(&mut self, gauge: &Gauge<N>, labels: [&str; N], value: f64) {
        *self.slot(gauge, labels) += value;
    }

    fn slot<const N: usize>(&mut self, gauge: &Gauge<N>, labels: [&str; N]) -> &mut f64 {
        let series = self.0.entry(gauge.0.name).or_default();
        series
            .entry(labels.map(str::to_owned).to_vec())
            .or_default()
    }
}

/// The sheets of all owners.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheets(Arc<RwLock<BTreeMap<String, Sheet>>>);

impl Sheets {
    pub(super) fn put(&self, owner: &str, sheet: Sheet) {
        let mut sheets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        sheets.insert(owner.to_owned(), sheet);
    }

    pub(super) fn take(&self, owner: &str) {
        let mut sheets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        sheets.remove(owner);
    }
}

impl Collector for Sheets {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let sheets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for gauge in GAUGES {
            let found = sheets.values().filter_map(|sheet| sheet.0.get(gauge.name));
            // A series of two owners would make the whole scrape fail; the later owner's counts.
            let series: BTreeMap<_, _> = found.flatten().collect();
            if series.is_empty() {
                continue;
            }
            let mut encoder =
                encoder.encode_descriptor(gauge.name, gauge.help, None, gauge.type_.into())?;
            for (values, value) in series {
                let names = gauge.labels.iter().copied();
                let labels: Vec<_> = names.zip(values.iter().map(String::as_str)).collect();
                let series = encoder.encode_family(&labels)?;
                ConstGauge::new(*value).encode(series)?;
            }
        }
        Ok(())
    }
}
