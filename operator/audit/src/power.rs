//! Watts: the larger of before and after, and batch, within each slot's limit.

use commonwatt_fleet::{Site, SiteId};

use crate::finding::{Finding, Rule};
use crate::reading::{Reading, limit};

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let sites = reading.world.sites.iter();
    sites
        .flat_map(|(id, site)| {
            (0..reading.slots()).flat_map(|slot| slot_at(reading, id, site, slot))
        })
        .collect()
}

/// Watts of everything that ran at a site before a slot.
pub(crate) fn watts_before(reading: &Reading<'_>, id: &SiteId, slot: usize) -> i128 {
    let lines = reading.lines_at(id);
    lines
        .map(|line| line.watts() * i128::from(line.before(slot)))
        .sum()
}

fn slot_at(reading: &Reading<'_>, id: &SiteId, site: &Site, slot: usize) -> Vec<Finding> {
    let most = limit(site, slot);
    let jobs: i128 = reading
        .placed_jobs()
        .filter(|job| job.plan.site == *id && job.plan.runs[slot])
        .map(|job| job.watts())
        .sum();
    let over = slot == 0 && watts_before(reading, id, 0) > most;
    let mut findings = Vec::new();
    let mut charged = jobs;
    for line in reading.lines_at(id) {
        let (before, after) = (line.before(slot), line.after(slot));
        // Where what ran before is alone above the limit, only its fall can be asked for.
        charged += line.watts() * i128::from(if over { after } else { after.max(before) });
        if over && after > before {
            let detail = format!("grows from {before} to {after} while the site is above {most} W");
            let finding = Finding::new(Rule::Power, detail);
            findings.push(finding.of(line.id).at(id).slot(slot));
        }
    }
    let batch = reading
        .placed_jobs()
        .find(|job| over && job.plan.site == *id && job.plan.runs[slot]);
    if let Some(job) = batch {
        let detail = format!("runs while the site is above {most} W");
        findings.push(
            Finding::new(Rule::Power, detail)
                .job(job.id)
                .at(id)
                .slot(slot),
        );
    }
    if charged > most {
        let detail = format!("{charged} W charged, {jobs} W of them batch; limit {most} W");
        findings.push(Finding::new(Rule::Power, detail).at(id).slot(slot));
    }
    findings
}
