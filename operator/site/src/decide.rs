//! Step three of a cycle, pure: from what was seen to what every record shall be.

use std::collections::BTreeMap;

use commonwatt_api::{AdmissionRecordSpec, Mode, SubjectKind};
use commonwatt_fleet::Watts;

use crate::admission::{Answer, admit};
use crate::candidate::candidate;
use crate::ladder::{Load, Outcome, Rung, ceilings, raise_within};
use crate::local_jobs::local_key;
use crate::proposals::{proposal, room, standing};
use crate::schedule::scheduled;
use crate::situation::Situation;

/// What shall be.
#[derive(Debug, Default)]
pub struct Decided {
    /// Specs of records that shall be written, by name.
    pub records: BTreeMap<String, AdmissionRecordSpec>,
    /// The answer to each assignment, by record name.
    pub answers: BTreeMap<String, Answer>,
    /// What the ladder does.
    pub ladder: Outcome,
    /// Local jobs that shall run (`true`) or be suspended (`false`).
    pub local_jobs: BTreeMap<String, bool>,
}

/// Decides everything at once, so that no order of events lets a limit be passed.
pub fn decide(situation: &Situation<'_>) -> Decided {
    let mut decided = Decided::default();
    let in_force = situation.model.limits.at(
        situation.now,
        situation.model.hours.first().map_or(1.0, |h| h.pue),
    );
    let mut proposals = Vec::new();
    let mut candidates = BTreeMap::new();
    for asked in situation.asked {
        match candidate(situation, asked) {
            Ok(Some(spec)) => {
                proposals.push(proposal(situation, asked, &spec));
                candidates.insert(asked.record.clone(), spec);
            }
            Ok(None) => {}
            Err(answer) => {
                decided.answers.insert(asked.record.clone(), answer);
            }
        }
    }
    for (name, record) in situation
        .records
        .iter()
        .filter(|(name, _)| !candidates.contains_key(*name))
    {
        proposals.push(standing(situation, name, record));
    }
    let answers = admit(&proposals, &room(situation, &in_force));
    let mut specs: BTreeMap<String, AdmissionRecordSpec> = situation
        .records
        .iter()
        .map(|(name, record)| (name.clone(), record.spec.clone()))
        .collect();
    for (name, spec) in candidates {
        let answer = answers.get(&name).cloned().unwrap_or(Answer::Yes);
        if answer == Answer::Yes && acts(situation, &name) {
            specs.insert(name.clone(), spec);
        }
        decided.answers.insert(name, answer);
    }
    climb(
        situation,
        &in_force.set_by,
        in_force.watts,
        &mut specs,
        &mut decided,
    );
    decided.records = specs
        .into_iter()
        .filter(|(name, spec)| {
            situation
                .records
                .get(name)
                .is_none_or(|record| record.spec != *spec)
        })
        .filter(|(name, _)| acts(situation, name))
        .collect();
    decided
}

/// Whether an assignment's record may be written: site, agent and deployment all enforce.
fn acts(situation: &Situation<'_>, record: &str) -> bool {
    let asked = situation.asked.iter().find(|asked| asked.record == record);
    let mode = asked.map_or(Mode::Enforce, |asked| asked.assignment.spec.mode);
    situation.mode.min(mode) == Mode::Enforce
}

/// Brings all ceilings under the limit in force, and lets back what fits.
fn climb(
    situation: &Situation<'_>,
    set_by: &str,
    limit: Watts,
    specs: &mut BTreeMap<String, AdmissionRecordSpec>,
    decided: &mut Decided,
) {
    let mut loads = BTreeMap::new();
    let mut current = BTreeMap::new();
    for (name, spec) in specs.iter() {
        let observed = situation.observed.get(name).copied().unwrap_or_default();
        let (min, max) = scheduled(&spec.schedule, situation.now);
        let done = observed.finished || spec.release.is_some();
        let job = spec.subject.kind == SubjectKind::Job;
        let before = situation
            .records
            .get(name)
            .map_or(0, |record| u32::try_from(record.spec.ceiling).unwrap_or(0));
        // What may not be touched is as it is, and others have to make room for it.
        let untouchable = !acts(situation, name);
        // What is being given back keeps its place until it is gone; it does not rise.
        let wanted = if untouchable {
            before
        } else if done && !observed.finished {
            before.min(max)
        } else {
            max
        };
        let floor = if untouchable {
            before
        } else if job {
            0
        } else {
            min
        };
        let load = Load {
            watts: Watts(spec.workload.watts),
            wanted: if observed.finished { 0 } else { wanted },
            floor,
            suspendable: job && spec.workload.suspendable && !untouchable,
            priority: spec.priority,
            actual: observed.actual,
        };
        loads.insert(name.clone(), load);
        current.insert(name.clone(), before);
    }
    for job in situation
        .local_jobs
        .iter()
        .filter(|job| job.running || job.held)
    {
        let key = local_key(&job.name);
        loads.insert(
            key.clone(),
            Load {
                watts: job.watts,
                wanted: 1,
                floor: 0,
                suspendable: true,
                priority: i64::MIN,
                actual: u32::from(job.running),
            },
        );
        current.insert(key, u32::from(job.running));
    }
    let mut outcome = ceilings(&loads, limit);
    raise_within(&loads, &current, &mut outcome, limit);
    for (name, spec) in specs.iter_mut() {
        let ceiling = outcome.ceilings.get(name).copied().unwrap_or(0);
        spec.ceiling = i64::from(ceiling);
        spec.held_by = outcome.held.get(name).map(|rung| held_by(*rung, set_by));
    }
    if situation.mode == Mode::Enforce {
        for job in situation
            .local_jobs
            .iter()
            .filter(|job| job.running || job.held)
        {
            let runs = outcome.ceilings.get(&local_key(&job.name)) == Some(&1);
            if runs != job.running {
                decided.local_jobs.insert(job.name.clone(), runs);
            }
        }
    }
    decided.ladder = outcome;
}

fn held_by(rung: Rung, set_by: &str) -> String {
    match rung {
        Rung::Suspended => format!("suspended by {set_by}"),
        Rung::Floor => format!("lowered by {set_by}"),
        Rung::Drained => format!("drained by {set_by}"),
    }
}
