//! Watts: the larger of before and after, and batch, within each slot's limit, for every site and every shared cap.

use commonwatt_fleet::{SiteId, Watts};

use crate::finding::{Finding, Rule};
use crate::reading::{Line, PlacedJob, Reading};

/// A power limit and what draws its power under it.
pub(crate) struct Row<'r, 'a> {
    /// The site whose own limit it is, if it is one's.
    site: Option<&'a SiteId>,
    /// A shared cap's name; a site's own limit needs none.
    name: &'a str,
    limit: Vec<i128>,
    lines: Vec<&'r Line<'a>>,
    jobs: Vec<&'r PlacedJob<'a>>,
}

/// The limit of each slot, none declared is no power.
fn limits(slots: usize, limit: impl Fn(usize) -> Option<Watts>) -> Vec<i128> {
    let watts = |slot| limit(slot).map_or(0, |watts| i128::from(watts.0.max(0)));
    (0..slots).map(watts).collect()
}

/// Every power row of the world.
pub(crate) fn rows<'r, 'a>(reading: &'r Reading<'a>) -> Vec<Row<'r, 'a>> {
    let slots = reading.slots();
    let own = reading.world.sites.iter().map(|(id, site)| Row {
        site: Some(id),
        name: "",
        limit: limits(slots, |slot| site.hours.get(slot).map(|hour| hour.limit)),
        lines: reading.lines_at(id).collect(),
        jobs: reading.jobs_at(id).collect(),
    });
    let shared = reading.world.shared.caps.iter().map(|(name, cap)| {
        let lines = cap.over.iter().flat_map(|(site, products)| {
            let under = move |line: &&Line<'_>| {
                let products = products.as_ref();
                products.is_none_or(|products| products.contains(&line.variant.product))
            };
            reading.lines_at(site).filter(under)
        });
        let jobs = cap.over.iter().flat_map(|(site, products)| {
            let under = move |job: &&PlacedJob<'_>| {
                let products = products.as_ref();
                products.is_none_or(|products| products.contains(&job.plan.product))
            };
            reading.jobs_at(site).filter(under)
        });
        Row {
            site: None,
            name,
            limit: limits(slots, |slot| cap.limit.get(slot).copied()),
            lines: lines.collect(),
            jobs: jobs.collect(),
        }
    });
    own.chain(shared).collect()
}

impl<'a> Row<'_, 'a> {
    /// Watts of everything that served under it before a slot.
    fn before(&self, slot: usize) -> i128 {
        let lines = self.lines.iter();
        lines
            .map(|line| line.watts() * i128::from(line.before(slot)))
            .sum()
    }

    /// Sites that cannot keep all that they served before a slot: this one falls in it or right after.
    pub(crate) fn pressed(&self, slot: usize) -> impl Iterator<Item = &'a SiteId> {
        let next = self.limit.get(slot + 1).copied().unwrap_or(i128::MAX);
        let over = self.before(slot) > self.limit[slot].min(next);
        let lines = self.lines.iter().filter(move |_| over);
        lines.map(|line| line.site)
    }

    fn finding(&self, detail: String, slot: usize) -> Finding {
        let named = if self.name.is_empty() {
            detail
        } else {
            format!("{}: {detail}", self.name)
        };
        let finding = Finding::new(Rule::Power, named).slot(slot);
        match self.site {
            Some(site) => finding.at(site),
            None => finding,
        }
    }

    fn check(&self, slot: usize) -> Vec<Finding> {
        let most = self.limit[slot];
        let running = self.jobs.iter().filter(|job| job.runs(slot));
        let batch: i128 = running.clone().map(|job| job.watts()).sum();
        let over = slot == 0 && self.before(0) > most;
        let mut findings = Vec::new();
        let mut charged = batch;
        for line in &self.lines {
            let (before, after) = (line.before(slot), line.after(slot));
            // Where what ran before is alone above the limit, only its fall can be asked for.
            charged += line.watts() * i128::from(if over { after } else { after.max(before) });
            if over && after > before {
                let detail = format!("grows from {before} to {after} while above {most} W");
                let finding = self.finding(detail, slot);
                findings.push(finding.of(line.id).at(line.site));
            }
        }
        if let Some(job) = running.clone().next().filter(|_| over) {
            let finding = self.finding(format!("runs while above {most} W"), slot);
            findings.push(finding.job(job.id).at(&job.plan.site));
        }
        if charged > most {
            let detail = format!("{charged} W charged, {batch} W of them batch; limit {most} W");
            findings.push(self.finding(detail, slot));
        }
        findings
    }
}

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let rows = rows(reading);
    let found = rows
        .iter()
        .flat_map(|row| (0..reading.slots()).flat_map(|slot| row.check(slot)));
    found.collect()
}
