//! Stocks that are partly used: what the horizon uses, within its part of what is left or what incumbents use anyway.

use std::collections::BTreeSet;

use commonwatt_fleet::{Metric, SiteHour, SiteId};

use crate::finding::{Finding, Rule};
use crate::reading::Reading;

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, site) in &reading.world.sites {
        if let Some(water) = &site.water {
            let over = BTreeSet::from([id.clone()]);
            let left = Left {
                remaining: water.remaining.0,
                hours: water.hours_left,
            };
            let detail = exceeded(reading, Metric::Water, &over, &left);
            findings.extend(detail.map(|detail| Finding::new(Rule::Water, detail).at(id)));
        }
    }
    for (name, stock) in &reading.world.shared.stocks {
        let left = Left {
            remaining: stock.remaining,
            hours: stock.hours_left,
        };
        let detail = exceeded(reading, stock.metric, &stock.over, &left);
        findings
            .extend(detail.map(|detail| Finding::new(Rule::Stock, format!("{name}: {detail}"))));
    }
    findings
}

/// What is left of a stock, and for how long.
struct Left {
    remaining: f64,
    hours: f64,
}

impl Left {
    /// The part of a horizon.
    fn allowance(&self, horizon: f64) -> f64 {
        let part = if self.hours > 0.0 {
            (horizon / self.hours).min(1.0)
        } else {
            1.0
        };
        (self.remaining * part).max(0.0)
    }
}

/// What one IT watt held for `hours` uses.
fn each(metric: Metric, hour: &SiteHour, hours: f64) -> f64 {
    let kwh = hours / 1000.0;
    match metric {
        Metric::Carbon => kwh * hour.pue * hour.average_carbon.0,
        Metric::Water => kwh * hour.wue.0,
        Metric::Energy => kwh * hour.pue,
    }
}

fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::Carbon => "g",
        Metric::Water => "L",
        Metric::Energy => "kWh",
    }
}

/// What the plan uses at a site over the horizon.
pub(crate) fn used(reading: &Reading<'_>, metric: Metric, site: &SiteId) -> f64 {
    let hours = reading.world.sites.get(site).map(|site| &site.hours);
    let hours = hours.into_iter().flatten().take(reading.slots());
    hours
        .enumerate()
        .map(|(slot, hour)| each(metric, hour, reading.hours()) * reading.drawn(site, slot) as f64)
        .sum()
}

/// What would be used at a site if what is committed went on unchanged.
fn incumbents(reading: &Reading<'_>, metric: Metric, site: &SiteId) -> f64 {
    let lines = reading.lines_at(site);
    let watts: i128 = lines
        .map(|line| line.watts() * i128::from(line.committed))
        .sum();
    let hours = reading.world.sites.get(site).map(|site| &site.hours);
    let hours = hours.into_iter().flatten().take(reading.slots());
    hours
        .map(|hour| each(metric, hour, reading.hours()) * watts as f64)
        .sum()
}

fn exceeded(
    reading: &Reading<'_>,
    metric: Metric,
    over: &BTreeSet<SiteId>,
    left: &Left,
) -> Option<String> {
    let allowance = left.allowance(reading.hours() * reading.slots() as f64);
    let used: f64 = over.iter().map(|site| used(reading, metric, site)).sum();
    let incumbents: f64 = over
        .iter()
        .map(|site| incumbents(reading, metric, site))
        .sum();
    let bound = allowance.max(incumbents);
    (used > bound + 1e-6 * (1.0 + bound)).then(|| {
        let unit = unit(metric);
        format!(
            "{used:.1} {unit} over the horizon, allowance {allowance:.1} {unit}, incumbents {incumbents:.1} {unit}"
        )
    })
}
