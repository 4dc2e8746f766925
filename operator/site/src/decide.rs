//! Step three of a cycle, pure: from what was seen to what every record shall be.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_api::{AdmissionRecordSpec, Mode, SubjectKind};
use commonwatt_fleet::Watts;

use crate::admission::{Answer, admit};
use crate::autoscaler::{Foreign, on_record};
use crate::candidate::{candidate, owned_by_other};
use crate::hands::{hand_on, is_leaving, mode_of};
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
    /// Records whose workloads are left as they are: only advised on, or steered by somebody else.
    pub still: BTreeSet<String>,
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
    let foreign = find_still(situation, &mut decided.still);
    let mut proposals = Vec::new();
    let mut candidates = BTreeMap::new();
    for asked in situation.asked {
        match candidate(situation, asked) {
            Ok(Some(spec)) => {
                proposals.push(proposal(situation, asked, &spec));
                candidates.insert(asked.record.clone(), spec);
            }
            Ok(None) => {
                if let Some(foreign) = foreign.get(&asked.record) {
                    let answer = owned_by_other(foreign.clone());
                    decided.answers.insert(asked.record.clone(), answer);
                }
            }
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
        if answer == Answer::Yes && acts(situation, &decided, &name) {
            specs.insert(name.clone(), spec);
        }
        decided.answers.insert(name, answer);
    }
    follow_autoscalers(situation, &mut specs);
    climb(
        situation,
        &in_force.set_by,
        in_force.watts,
        &mut specs,
        &mut decided,
    );
    let mut written: BTreeMap<String, AdmissionRecordSpec> = specs
        .into_iter()
        .filter(|(name, spec)| {
            situation
                .records
                .get(name)
                .is_none_or(|record| record.spec != *spec)
        })
        .filter(|(name, _)| acts(situation, &decided, name))
        .collect();
    written.extend(less_far(situation));
    decided.records = written;
    decided
}

/// Whether a record and its workload may be written.
fn acts(situation: &Situation<'_>, decided: &Decided, record: &str) -> bool {
    situation.mode == Mode::Enforce
        && mode_of(situation, record) == Mode::Enforce
        && !decided.still.contains(record)
}

/// Finds records whose workloads are left as they are. Returns of those that somebody else steers who it is.
fn find_still(
    situation: &Situation<'_>,
    still: &mut BTreeSet<String>,
) -> BTreeMap<String, Foreign> {
    let mut foreign = BTreeMap::new();
    for (name, record) in situation.records {
        if mode_of(situation, name) < Mode::Enforce {
            still.insert(name.clone());
        }
        // What is given back gives back what it can.
        if !is_leaving(situation, name)
            && let Err(other) = hand_on(situation, &record.spec)
        {
            still.insert(name.clone());
            foreign.insert(name.clone(), other);
        }
    }
    foreign
}

/// Records of deployments that go less far than when they were admitted: that alone is written, so that an agent that
/// starts again without a hub knows it.
fn less_far<'a>(
    situation: &'a Situation<'_>,
) -> impl Iterator<Item = (String, AdmissionRecordSpec)> + 'a {
    let enforced = |mode: Option<Mode>| mode.unwrap_or(Mode::Enforce);
    situation.records.iter().filter_map(move |(name, record)| {
        let mode = mode_of(situation, name);
        let news = mode < Mode::Enforce && mode != enforced(record.spec.mode);
        news.then(|| {
            let mode = Some(mode);
            (
                name.clone(),
                AdmissionRecordSpec {
                    mode,
                    ..record.spec.clone()
                },
            )
        })
    })
}

/// An autoscaler that has come goes on record with its bounds before they are set, and one that is gone leaves it.
fn follow_autoscalers(
    situation: &Situation<'_>,
    specs: &mut BTreeMap<String, AdmissionRecordSpec>,
) {
    for spec in specs.values_mut().filter(|spec| spec.release.is_none()) {
        if let Ok(Some(hand)) = hand_on(situation, spec) {
            spec.autoscaler = hand
                .autoscaler
                .map(|found| on_record(found, spec.autoscaler.as_ref()));
        }
    }
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
        let untouchable = !acts(situation, decided, name);
        // What is being given back keeps its place until it is gone; it does not rise.
        let wanted = if untouchable {
            before
        } else if done && !observed.finished {
            before.min(max)
        } else {
            max
        };
        let floor = if job { 0 } else { min };
        let load = Load {
            watts: Watts(spec.workload.watts),
            wanted: if observed.finished { 0 } else { wanted },
            floor,
            suspendable: job && spec.workload.suspendable && !untouchable,
            fixed: untouchable,
            priority: spec.priority,
            actual: observed.charged(0),
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
                fixed: false,
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
