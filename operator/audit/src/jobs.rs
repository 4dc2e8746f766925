//! Jobs: one site, the right hours, and the truth about the deadline.

use chrono::{DateTime, Utc};
use commonwatt_fleet::{BatchJob, JobDecision, JobPlan};

use crate::finding::{Finding, Rule};
use crate::reading::Reading;

pub(crate) fn check(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, job) in &reading.world.jobs {
        let Some(decision) = reading.plan.jobs.get(id) else {
            continue;
        };
        let mut found: Vec<_> = at_risk(reading, job, decision).into_iter().collect();
        if let Some(placed) = &decision.placed {
            found.extend(place(reading, job, placed));
            found.extend(hours(reading, job, placed));
        }
        findings.extend(found.into_iter().map(|finding| finding.job(id)));
    }
    findings
}

fn place(reading: &Reading<'_>, job: &BatchJob, placed: &JobPlan) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |rule, detail: String| {
        findings.push(Finding::new(rule, detail).at(&placed.site));
    };
    let Some(site) = reading.world.sites.get(&placed.site) else {
        return findings;
    };
    if let Some(started) = job.started_at.as_ref().filter(|s| **s != placed.site) {
        find(Rule::JobSite, format!("started at {started}"));
    }
    if !job.jurisdictions.is_empty() && !job.jurisdictions.contains(&site.jurisdiction) {
        let detail = format!("in {}, allowed {:?}", site.jurisdiction, job.jurisdictions);
        find(Rule::Jurisdiction, detail);
    }
    let shape = job.shapes.get(&placed.product);
    if shape.is_none() {
        let detail = format!("it does not accept {}", placed.product);
        find(Rule::JobSite, detail);
    }
    if !site.pools.contains_key(&placed.product) {
        find(Rule::Product, format!("no {} here", placed.product));
    }
    let refusal = job.refusals.get(&placed.site);
    let refusal = refusal.filter(|refusal| refusal.offer_revision == site.offer_revision);
    if let (Some(refusal), Some(shape)) = (refusal, shape)
        && shape.pods > refusal.most_replicas
    {
        let detail = format!("{} pods, taken {}", shape.pods, refusal.most_replicas);
        find(Rule::Refusal, detail);
    }
    for slot in 0..reading.slots() {
        let expired = reading.world.slots.begin(slot) >= site.valid_until;
        if expired && begins(job, placed, slot) {
            find(Rule::OfferExpired, format!("starts in slot {slot}"));
        }
    }
    findings
}

/// Whether a run begins in a slot: before the first it runs where it is said to.
fn begins(job: &BatchJob, placed: &JobPlan, slot: usize) -> bool {
    let ran = match slot.checked_sub(1) {
        Some(last) => placed.runs[last],
        None => job.running && job.started_at.as_ref() == Some(&placed.site),
    };
    placed.runs[slot] && !ran
}

/// Runs that begin after a pause: all, unless the job has not started before.
pub(crate) fn restarts(job: &BatchJob, placed: &JobPlan) -> usize {
    let begun = (0..placed.runs.len()).filter(|slot| begins(job, placed, *slot));
    begun
        .count()
        .saturating_sub(usize::from(job.started_at.is_none()))
}

/// Hours from the horizon's start, or the release at its site if that is later, to the end of its last slot.
pub(crate) fn waited(reading: &Reading<'_>, job: &BatchJob, placed: &JobPlan) -> f64 {
    let slots = &reading.world.slots;
    let from = released(job, placed).max(slots.start);
    let last = placed.runs.iter().rposition(|runs| *runs);
    last.map_or(0.0, |last| {
        (slots.end(last) - from).as_seconds_f64().max(0.0) / 3600.0
    })
}

fn released(job: &BatchJob, placed: &JobPlan) -> DateTime<Utc> {
    let there = job.release_at.get(&placed.site);
    there.map_or(job.release, |there| job.release.max(*there))
}

fn running(placed: &JobPlan) -> Vec<usize> {
    (0..placed.runs.len())
        .filter(|slot| placed.runs[*slot])
        .collect()
}

fn hours(reading: &Reading<'_>, job: &BatchJob, placed: &JobPlan) -> Vec<Finding> {
    let slots = &reading.world.slots;
    let runs = running(placed);
    let mut findings = Vec::new();
    let mut find = |detail: String| {
        findings.push(Finding::new(Rule::JobWindow, detail).at(&placed.site));
    };
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        find("placed without an hour".into());
        return findings;
    };
    let released = released(job, placed);
    if !job.running && slots.begin(*first) < released {
        find(format!("slot {first} begins before {released}"));
    }
    let (count, left) = (runs.len(), job.slots_left);
    if count > left as usize {
        find(format!("{count} slots for {left} of work"));
    }
    if !job.interruptible {
        let one_run = last - first + 1 == count;
        let whole = count == left as usize || last + 1 == slots.count;
        if !one_run || !whole {
            find(format!("cannot pause, runs in {runs:?} for {left} slots"));
        }
    }
    findings
}

/// Whether the deadline is kept as the decision says.
fn at_risk(reading: &Reading<'_>, job: &BatchJob, decision: &JobDecision) -> Option<Finding> {
    let slots = &reading.world.slots;
    let runs = decision.placed.as_ref().map(running).unwrap_or_default();
    let after = (job.deadline - slots.begin(slots.count)).num_seconds();
    let beyond = after.div_euclid(i64::from(slots.seconds.max(1))).max(0);
    let left = i64::from(job.slots_left) - runs.len() as i64;
    let late = runs.iter().any(|slot| slots.end(*slot) > job.deadline);
    let done = left <= 0 || left <= beyond;
    let in_time = done && !late;
    let detail = || {
        format!(
            "at risk is {}, but {} of {} slots run, {beyond} are left between the horizon and the deadline {}",
            decision.at_risk,
            runs.len(),
            job.slots_left,
            job.deadline
        )
    };
    (in_time == decision.at_risk).then(|| Finding::new(Rule::JobWindow, detail()))
}
