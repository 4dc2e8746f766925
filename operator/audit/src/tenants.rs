//! What is kept for some tenants, and the most that each may hold: at the end of each slot, or what is committed already.

use std::collections::BTreeMap;

use commonwatt_fleet::Reserve;

use crate::finding::{Finding, Rule};
use crate::nodes::{Here, pools};
use crate::reading::{PlacedJob, Reading};

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let reserved = pools(reading).flat_map(|here| {
        let reserve = here.pool.reserve.as_ref();
        reserve.map_or_else(Vec::new, |reserve| beside(&here, reserve))
    });
    reserved.chain(caps(reading)).collect()
}

/// What all who have no part in a reserve hold of its pool.
fn beside(here: &Here<'_, '_>, reserve: &Reserve) -> Vec<Finding> {
    let (reading, product) = (here.reading, here.product);
    let lines = || {
        let lines = reading.lines_at(here.site);
        lines.filter(|line| {
            line.variant.product == *product && !reserve.tenants.contains(&line.deployment.tenant)
        })
    };
    let each = |count: u32, accelerators: u32| u64::from(count) * u64::from(accelerators);
    let committed: u64 = lines()
        .map(|line| each(line.committed, line.variant.accelerators))
        .sum();
    let total: u64 = here
        .pool
        .nodes
        .iter()
        .map(|(free, n)| each(*free, *n))
        .sum();
    let left = total.saturating_sub(u64::from(reserve.accelerators));
    let most = left.max(committed);
    let mut findings = Vec::new();
    for slot in 0..reading.slots() {
        let serving: u64 = lines()
            .map(|line| each(line.after(slot), line.variant.accelerators))
            .sum();
        let jobs = reading.jobs_at(here.site).filter(|job| {
            job.plan.product == *product
                && job.runs(slot)
                && !reserve.tenants.contains(&job.job.tenant)
        });
        let held = serving + jobs.map(PlacedJob::accelerators).sum::<u64>();
        if held > most {
            let detail = format!(
                "{held} of {total} {product} are held by others, {} are reserved by {}, {committed} were held already",
                reserve.accelerators, reserve.set_by
            );
            let finding = Finding::new(Rule::Reserve, detail);
            findings.push(finding.at(here.site).slot(slot));
        }
    }
    findings
}

/// Accelerators and watts of one tenant over all sites.
#[derive(Clone, Copy, Default)]
struct Held {
    accelerators: u128,
    watts: i128,
}

impl Held {
    fn add(&mut self, count: u64, accelerators: u32, watts: i128) {
        self.accelerators += u128::from(count) * u128::from(accelerators);
        self.watts += i128::from(count) * watts;
    }
}

fn caps(reading: &Reading<'_>) -> Vec<Finding> {
    let caps = &reading.world.shared.tenants;
    let slots = reading.slots();
    // What is committed, then what each slot holds.
    let mut held: BTreeMap<&str, Vec<Held>> = caps
        .keys()
        .map(|tenant| (tenant.as_str(), vec![Held::default(); slots + 1]))
        .collect();
    for line in reading.lines() {
        if let Some(held) = held.get_mut(line.deployment.tenant.as_str()) {
            for (column, held) in held.iter_mut().enumerate() {
                let count = u64::from(line.before(column));
                held.add(count, line.variant.accelerators, line.watts());
            }
        }
    }
    for job in reading.jobs() {
        if let Some(held) = held.get_mut(job.job.tenant.as_str()) {
            for slot in (0..slots).filter(|slot| job.runs(*slot)) {
                held[slot + 1].accelerators += u128::from(job.accelerators());
                held[slot + 1].watts += job.watts();
            }
        }
    }
    let mut findings = Vec::new();
    for (tenant, cap) in caps {
        let (committed, by_slot) = held[tenant.as_str()]
            .split_first()
            .map_or((Held::default(), &[][..]), |(first, rest)| (*first, rest));
        for (slot, held) in by_slot.iter().enumerate() {
            let mut find = |detail: String| {
                findings.push(Finding::new(Rule::Tenant, detail).slot(slot));
            };
            let most = cap.accelerators.map(u128::from);
            if let Some(most) =
                most.filter(|most| held.accelerators > committed.accelerators.max(*most))
            {
                let (has, had) = (held.accelerators, committed.accelerators);
                find(format!(
                    "{tenant} holds {has} accelerators, cap {most}, {had} before"
                ));
            }
            let most = cap.watts.map(|watts| i128::from(watts.0.max(0)));
            if let Some(most) = most.filter(|most| held.watts > committed.watts.max(*most)) {
                let (has, had) = (held.watts, committed.watts);
                find(format!(
                    "{tenant} holds {has} W, cap {most} W, {had} W before"
                ));
            }
        }
    }
    findings
}
