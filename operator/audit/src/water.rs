//! Litres: what the horizon uses, within the stock's allowance or what incumbents use anyway.

use commonwatt_fleet::{Site, SiteId};

use crate::finding::{Finding, Rule};
use crate::reading::Reading;

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, site) in &reading.world.sites {
        let Some(stock) = &site.water else { continue };
        let hours = reading.world.slots.hours() * reading.slots() as f64;
        let allowance = if stock.hours_left > 0.0 {
            stock.remaining.0 * (hours / stock.hours_left).min(1.0)
        } else {
            stock.remaining.0
        };
        let (used, incumbents) = litres(reading, id, site);
        let bound = allowance.max(0.0).max(incumbents);
        if used > bound + 1e-6 * (1.0 + bound) {
            let detail = format!(
                "{used:.1} L over the horizon, allowance {allowance:.1} L, incumbents {incumbents:.1} L"
            );
            findings.push(Finding::new(Rule::Water, detail).at(id));
        }
    }
    findings
}

/// Litres of the plan, and litres if what is committed went on unchanged.
fn litres(reading: &Reading<'_>, id: &SiteId, site: &Site) -> (f64, f64) {
    let (mut used, mut incumbents) = (0.0, 0.0);
    for slot in 0..reading.slots() {
        let per_kwh = site.hours.get(slot).map_or(0.0, |hour| hour.wue.0);
        let per_watt = per_kwh * reading.world.slots.hours() / 1000.0;
        for line in reading.lines_at(id) {
            let watts = line.watts() as f64 * per_watt;
            used += watts * f64::from(line.after(slot));
            incumbents += watts * f64::from(line.committed);
        }
        let jobs = reading.placed_jobs();
        used += jobs
            .filter(|job| job.plan.site == *id && job.plan.runs[slot])
            .map(|job| job.watts() as f64 * per_watt)
            .sum::<f64>();
    }
    (used, incumbents)
}
