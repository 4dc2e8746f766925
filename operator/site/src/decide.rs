//! Step three of a cycle, pure: from what was seen to what every record shall be.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    AdmissionRecord, AdmissionRecordSpec, AssignmentIdentity, Mode, ScheduledHour, SiteAssignment,
    SubjectKind, WorkloadAdapter, WorkloadObject, conditions::reasons,
};
use commonwatt_fleet::Watts;
use commonwatt_store::Object;

use crate::admission::{Answer, Proposal, Room, admit};
use crate::inventory::{Node, accelerators_of};
use crate::ladder::{Load, Outcome, Rung, ceilings, raise_within};
use crate::model::SiteModel;
use crate::offer::FEATURES;
use crate::workload::{Observed, control_path};

/// A hub's assignment with the name that its record has or would have.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Name of the record.
    pub record: String,
    /// The hub's name.
    pub hub: String,
    /// What it asks.
    pub assignment: SiteAssignment,
}

/// A batch job that somebody else runs here and allows to be suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalJob {
    /// `namespace/name`.
    pub name: String,
    /// Rated watts of what it requests: nothing is measured, so the worst counts.
    pub watts: Watts,
    /// Whether it runs.
    pub running: bool,
    /// Whether it is us who suspended it.
    pub held: bool,
}

/// Everything a decision rests on.
pub struct Situation<'a> {
    /// The site.
    pub model: &'a SiteModel,
    /// Now.
    pub now: DateTime<Utc>,
    /// How far this agent may go here.
    pub mode: Mode,
    /// Whether more than one site lives on this API server.
    pub shared_server: bool,
    /// Records of this site by name.
    pub records: &'a BTreeMap<String, AdmissionRecord>,
    /// How the workload of each record stands.
    pub observed: &'a BTreeMap<String, Observed>,
    /// What hubs ask.
    pub asked: &'a [Asked],
    /// Nodes with what pods request.
    pub nodes: &'a BTreeMap<String, Node>,
    /// Adapters installed here.
    pub adapters: &'a BTreeMap<String, WorkloadAdapter>,
    /// Workloads by adapter.
    pub workloads: &'a BTreeMap<String, Vec<Object>>,
    /// Suspendable jobs of others.
    pub local_jobs: &'a [LocalJob],
}

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

/// The hour of a schedule that counts at an instant: the last that has begun, or the first.
pub fn scheduled(schedule: &[ScheduledHour], now: DateTime<Utc>) -> (u32, u32) {
    let hour = schedule
        .iter()
        .rev()
        .find(|hour| hour.start.0 <= now)
        .or(schedule.first());
    let number = |n: i64| u32::try_from(n).unwrap_or(0);
    hour.map_or((0, 0), |hour| (number(hour.min), number(hour.max)))
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

/// The record that an assignment would have, if nothing about it is wrong and it is news.
fn candidate(
    situation: &Situation<'_>,
    asked: &Asked,
) -> Result<Option<AdmissionRecordSpec>, Answer> {
    let spec = &asked.assignment.spec;
    let generation = asked.assignment.metadata.generation.unwrap_or(0);
    let uid = asked.assignment.metadata.uid.clone().unwrap_or_default();
    let present = situation.records.get(&asked.record);
    let release = spec.release.or_else(|| {
        // A deletion that was seen: the workload is given back as the deployment would have wished.
        asked
            .assignment
            .metadata
            .deletion_timestamp
            .is_some()
            .then(commonwatt_api::DeletionPolicy::default)
    });
    if release.is_some() {
        return Ok(present.map(|record| AdmissionRecordSpec {
            release,
            ..record.spec.clone()
        }));
    }
    let known = present.filter(|record| record.spec.assignment.uid == uid);
    if known.is_some_and(|record| record.spec.assignment.generation == generation) {
        return Ok(None);
    }
    fence(situation, asked)?;
    let namespace = mapped_namespace(situation, asked)?;
    let object = object_name(situation, asked, &namespace);
    let existing = usable(situation, asked, &object)?;
    let mut workload = spec.workload.clone();
    if let Some(template) = &mut workload.template {
        pin_to_site(template, situation);
    }
    let original = match (known, &workload.workload_ref, existing) {
        (Some(record), _, _) => record.spec.original_replicas,
        (None, Some(_), Some(replicas)) => Some(i64::from(replicas)),
        _ => None,
    };
    Ok(Some(AdmissionRecordSpec {
        site: spec.site.clone(),
        hub: spec.hub.clone(),
        assignment: AssignmentIdentity {
            namespace: asked
                .assignment
                .metadata
                .namespace
                .clone()
                .unwrap_or_default(),
            name: asked.assignment.metadata.name.clone().unwrap_or_default(),
            uid,
            generation,
        },
        epoch: spec.epoch,
        subject: spec.subject.clone(),
        priority: spec.priority,
        workload,
        object,
        schedule: spec.schedule.clone(),
        ceiling: i64::from(scheduled(&spec.schedule, situation.now).1),
        held_by: None,
        original_replicas: original,
        release: None,
    }))
}

fn refuse(reason: &'static str, detail: String) -> Answer {
    Answer::No {
        reason,
        detail,
        most: 0,
    }
}

/// Is it from a hub that we serve, from its present leader, and in words that we know?
fn fence(situation: &Situation<'_>, asked: &Asked) -> Result<(), Answer> {
    let spec = &asked.assignment.spec;
    if !situation
        .model
        .site
        .spec
        .hubs
        .iter()
        .any(|hub| hub.name == spec.hub.name && hub.name == asked.hub)
    {
        return Err(refuse(
            reasons::HUB_UNKNOWN,
            format!("the site does not list the hub {}", spec.hub.name),
        ));
    }
    let highest = situation
        .records
        .values()
        .filter(|record| record.spec.hub == spec.hub)
        .map(|record| record.spec.epoch)
        .max()
        .unwrap_or(0);
    if spec.epoch < highest {
        let detail = format!(
            "epoch {} of a leader that was replaced; epoch {highest} is known here",
            spec.epoch
        );
        return Err(refuse(reasons::STALE_EPOCH, detail));
    }
    match spec
        .required_features
        .iter()
        .find(|feature| !FEATURES.contains(&feature.as_str()))
    {
        Some(feature) => Err(refuse(
            reasons::FEATURE_UNKNOWN,
            format!("this agent does not know {feature}; upgrade it"),
        )),
        None => Ok(()),
    }
}

fn mapped_namespace(situation: &Situation<'_>, asked: &Asked) -> Result<String, Answer> {
    let wanted = &asked.assignment.spec.subject.namespace;
    let hub = situation
        .model
        .site
        .spec
        .hubs
        .iter()
        .find(|hub| hub.name == asked.hub);
    let pair = hub.and_then(|hub| hub.namespace_map.iter().find(|pair| pair.hub == *wanted));
    pair.map(|pair| pair.site.clone()).ok_or_else(|| {
        refuse(
            reasons::NAMESPACE_NOT_MAPPED,
            format!(
                "namespace {wanted} of hub {} is not in the site's namespaceMap",
                asked.hub
            ),
        )
    })
}

/// The object's name at the site: what is referred to, or one that no other site and no hub on this server uses.
fn object_name(situation: &Situation<'_>, asked: &Asked, namespace: &str) -> WorkloadObject {
    let spec = &asked.assignment.spec;
    let name = if let Some(name) = &spec.workload.workload_ref {
        name.clone()
    } else {
        let mut parts = vec![spec.subject.name.as_str()];
        if spec.subject.kind == SubjectKind::ModelDeployment {
            parts.push(&spec.workload.variant);
        }
        if situation.shared_server || spec.subject.kind == SubjectKind::Job {
            parts.push(situation.model.name());
        }
        parts.join("-").chars().take(200).collect()
    };
    WorkloadObject {
        namespace: namespace.to_owned(),
        name,
    }
}

/// Can the agent work with the object? Says how many replicas it has if it is there.
fn usable(
    situation: &Situation<'_>,
    asked: &Asked,
    object: &WorkloadObject,
) -> Result<Option<u32>, Answer> {
    let spec = &asked.assignment.spec;
    let adapter = situation
        .adapters
        .get(&spec.workload.adapter)
        .ok_or_else(|| {
            let detail = format!(
                "WorkloadAdapter {} is not installed at this site",
                spec.workload.adapter
            );
            refuse(reasons::ADAPTER_NOT_INSTALLED, detail)
        })?;
    let path = control_path(adapter, spec.subject.kind).ok_or_else(|| {
        let detail = format!(
            "WorkloadAdapter {} has no path for a {:?}",
            spec.workload.adapter, spec.subject.kind
        );
        refuse(reasons::ADAPTER_NOT_INSTALLED, detail)
    })?;
    let found = crate::workload::find(
        situation.workloads,
        &spec.workload.adapter,
        &object.namespace,
        &object.name,
    );
    let Some(found) = found else {
        return match &spec.workload.workload_ref {
            Some(name) => Err(refuse(
                reasons::WORKLOAD_NOT_FOUND,
                format!(
                    "there is no {} {}/{name} to adopt",
                    adapter.spec.kind, object.namespace
                ),
            )),
            None => Ok(None),
        };
    };
    let replicas = crate::workload::observe(adapter, found, &[], false).wanted;
    let others = found.foreign_managers(path);
    if !others.is_empty() {
        return Err(Answer::No {
            reason: reasons::FIELD_OWNED_BY_OTHER,
            detail: format!(
                "{path} of {} {}/{} belongs to {}; it stays as it is, at {replicas}",
                adapter.spec.kind,
                object.namespace,
                object.name,
                others.join(", ")
            ),
            most: replicas,
        });
    }
    let mark = format!(
        "{}/{}",
        asked
            .assignment
            .metadata
            .namespace
            .clone()
            .unwrap_or_default(),
        asked.assignment.metadata.name.clone().unwrap_or_default()
    );
    let ours = found.annotation(commonwatt_api::annotations::ASSIGNMENT) == Some(&mark);
    if spec.workload.workload_ref.is_none() && !ours {
        return Err(refuse(
            reasons::FIELD_OWNED_BY_OTHER,
            format!(
                "{} {}/{} is there already and is not ours",
                adapter.spec.kind, object.namespace, object.name
            ),
        ));
    }
    Ok(Some(replicas))
}

/// Pods of a created workload run on this site's nodes only.
fn pin_to_site(template: &mut serde_json::Value, situation: &Situation<'_>) {
    for (key, value) in &situation.model.site.spec.node_selector {
        template["spec"]["template"]["spec"]["nodeSelector"][key] = value.clone().into();
    }
}

/// Litres of a whole schedule over the horizon.
fn schedule_liters(
    model: &SiteModel,
    schedule: &[ScheduledHour],
    watts: i64,
    now: DateTime<Utc>,
) -> f64 {
    let start = commonwatt_fleet::Slots::hourly(now, model.hours.len());
    model
        .hours
        .iter()
        .enumerate()
        .map(|(slot, hour)| {
            let (_, max) = scheduled(schedule, start.begin(slot));
            Watts(watts).times(max).over_seconds(3600.0).0 * hour.wue
        })
        .sum()
}

fn proposal(situation: &Situation<'_>, asked: &Asked, spec: &AdmissionRecordSpec) -> Proposal {
    let mut proposal = standing_of(situation, &asked.record, spec);
    let present = situation.records.get(&asked.record);
    proposal.hub.clone_from(&asked.hub);
    proposal.admitted = present.map_or_else(
        || {
            spec.original_replicas
                .map_or(0, |n| u32::try_from(n).unwrap_or(0))
        },
        |record| u32::try_from(record.spec.ceiling).unwrap_or(0),
    );
    proposal
}

fn standing(situation: &Situation<'_>, name: &str, record: &AdmissionRecord) -> Proposal {
    let mut proposal = standing_of(situation, name, &record.spec);
    proposal.ceiling = u32::try_from(record.spec.ceiling).unwrap_or(0);
    proposal.admitted = proposal.ceiling;
    proposal
}

fn standing_of(situation: &Situation<'_>, name: &str, spec: &AdmissionRecordSpec) -> Proposal {
    let ceiling = u32::try_from(spec.ceiling).unwrap_or(0);
    let job = spec.subject.kind == SubjectKind::Job;
    let template = spec
        .workload
        .template
        .as_ref()
        .map(|template| &template["spec"]);
    let per_pod = template
        .map(|template| accelerators_of(&template["template"]["spec"]))
        .filter(|n| *n > 0);
    let pods = if job {
        template
            .and_then(|template| template["parallelism"].as_u64())
            .unwrap_or(1) as u32
    } else {
        1
    };
    let all = u32::try_from(spec.workload.accelerators).unwrap_or(0);
    let liters = schedule_liters(
        situation.model,
        &spec.schedule,
        spec.workload.watts,
        situation.now,
    );
    Proposal {
        record: name.to_owned(),
        hub: spec.hub.name.clone(),
        priority: spec.priority,
        ceiling,
        admitted: ceiling,
        actual: situation
            .observed
            .get(name)
            .map_or(0, |observed| observed.actual),
        watts: Watts(spec.workload.watts),
        product: spec.workload.product.clone(),
        accelerators: if job { per_pod.unwrap_or(all) } else { all },
        pods,
        liters: liters / f64::from(ceiling.max(1)),
    }
}

fn room(situation: &Situation<'_>, in_force: &crate::limits::InForce) -> Room {
    let shares = situation.model.site.spec.hubs.iter().map(|hub| {
        (
            hub.name.clone(),
            in_force.watts.scaled_down(hub.share_percent as f64 / 100.0),
        )
    });
    let horizon = situation.model.hours.len() as f64;
    Room {
        limit: in_force.watts,
        set_by: in_force.set_by.clone(),
        charged_elsewhere: situation
            .local_jobs
            .iter()
            .filter(|job| job.running)
            .map(|job| job.watts)
            .sum(),
        shares: shares.collect(),
        nodes: situation.nodes.clone(),
        water: situation.model.water.as_ref().map(|water| {
            (
                water.allowance(situation.now, horizon),
                format!("waterbudget/{}", water.name),
            )
        }),
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
        // What is being given back keeps its place until it is gone; it does not rise.
        let wanted = if done && !observed.finished {
            before.min(max)
        } else {
            max
        };
        let load = Load {
            watts: Watts(spec.workload.watts),
            wanted: if observed.finished { 0 } else { wanted },
            floor: if job { 0 } else { min },
            suspendable: job && spec.workload.suspendable,
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

/// How a local job is called among the loads.
pub fn local_key(name: &str) -> String {
    format!("local-job/{name}")
}

fn held_by(rung: Rung, set_by: &str) -> String {
    match rung {
        Rung::Suspended => format!("suspended by {set_by}"),
        Rung::Floor => format!("lowered by {set_by}"),
        Rung::Drained => format!("drained by {set_by}"),
    }
}
