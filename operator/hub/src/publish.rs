//! Step three of a cycle, pure: from a plan and what sites answered to what every assignment shall say.
//!
//! Make before break: a place is given up only when what is ready without it serves as much as was ready before, or
//! all that is asked for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    AssignedWorkload, DeletionPolicy, HubIdentity, Mode, ModelDeployment, ScheduledHour,
    SiteAssignment, SiteAssignmentSpec, Subject, SubjectKind, annotations,
};
use commonwatt_fleet::{
    Decision, Deployment, DeploymentId, JobDecision, Plan, SiteId, Slots, VariantName,
};
use commonwatt_store::Object;
use serde_json::{Value, json};

use crate::committed::SINCE;
use crate::dereference::Seen;
use crate::offers::SCHEDULE;
use crate::schedule::{ceiling_at, changes, same_from, schedule};

/// Who publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// The hub.
    pub hub: HubIdentity,
    /// Its present leader.
    pub epoch: i64,
    /// The number that changed assignments get.
    pub sequence: i64,
}

/// An assignment that shall be.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Namespace on the hub.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it says.
    pub spec: SiteAssignmentSpec,
    /// Since when its deployment is at the site.
    pub since: DateTime<Utc>,
}

/// Ceilings and floors by slot.
type Place = (Vec<u32>, Vec<u32>);

/// What every assignment of a deployment shall say, but for the reason, which is worked out for what is written alone.
pub fn serving(
    publisher: &Publisher,
    seen: &Seen,
    declared: &ModelDeployment,
    read: &Deployment,
    decision: &Decision,
    slots: &Slots,
    mode: Mode,
    moving: &mut Moving,
    now: DateTime<Utc>,
) -> Vec<Wanted> {
    let mut places: BTreeMap<(SiteId, VariantName), Place> = BTreeMap::new();
    for (site, variants) in &decision.sites {
        for (variant, placement) in variants {
            places.insert(
                (site.clone(), variant.clone()),
                (placement.ceiling.clone(), placement.floor.clone()),
            );
        }
    }
    let present = assignments_of(seen, &read.id);
    let hold = held(read, decision, &present, now);
    follow_moves(moving, read, decision, &present, now);
    for key in present.keys() {
        let nothing = || (vec![0; slots.count], vec![0; slots.count]);
        places.entry(key.clone()).or_insert_with(nothing);
    }
    let mut wanted = Vec::new();
    for ((site, variant), (ceiling, floor)) in places {
        let Some(shape) = read.variants.iter().find(|shape| shape.name == variant) else {
            continue;
        };
        let Some(source) = declared
            .spec
            .variants
            .iter()
            .find(|v| v.name == variant.as_str())
        else {
            continue;
        };
        let Some(offer) = seen.offers.get(site.as_str()) else {
            continue;
        };
        let old = present.get(&(site.clone(), variant.clone())).copied();
        let current = old.map_or(0, |old| ceiling_at(&old.spec.schedule, now));
        let keep = if hold { current } else { 0 };
        let schedule = schedule(&ceiling, &floor, keep, slots);
        let nowhere = schedule.iter().all(|hour| hour.max == 0);
        let reference = source
            .workload_refs
            .iter()
            .find(|reference| reference.site == site.as_str());
        if old.is_none() && nowhere {
            continue;
        }
        // What the hub's template made is taken away once it serves nothing; what was adopted stays, at nothing.
        let release =
            (nowhere && current == 0 && reference.is_none()).then_some(DeletionPolicy::Drain);
        let workload = AssignedWorkload {
            variant: variant.to_string(),
            adapter: source.adapter.clone(),
            product: shape.product.to_string(),
            accelerators: i64::from(shape.accelerators),
            watts: shape.watts.0,
            tokens_per_second: Some(shape.tokens_per_second.0 as i64),
            workload_ref: reference.map(|reference| reference.name.clone()),
            template: source.template.clone().filter(|_| reference.is_none()),
            suspendable: false,
        };
        let spec = SiteAssignmentSpec {
            site: site.to_string(),
            hub: publisher.hub.clone(),
            epoch: publisher.epoch,
            sequence: publisher.sequence,
            offer_revision: offer.spec.revision,
            required_features: vec![SCHEDULE.into()],
            mode,
            subject: subject(SubjectKind::ModelDeployment, declared),
            priority: i64::from(read.priority),
            workload,
            schedule,
            reason: String::new(),
            moved_to: moving
                .get(&(read.id.clone(), site.clone()))
                .map(ToString::to_string),
            release,
        };
        let since = since(old, current, now);
        wanted.push(Wanted {
            namespace: format!("site-{site}"),
            name: format!("{}.{}.{variant}", read.id.namespace(), read.id.name()),
            since,
            spec,
        });
    }
    wanted
}

/// Assignments of a deployment by place, those being given back excluded.
pub fn assignments_of<'a>(
    seen: &'a Seen,
    id: &DeploymentId,
) -> BTreeMap<(SiteId, VariantName), &'a SiteAssignment> {
    seen.assignments_for(id)
        .filter(|assignment| assignment.metadata.deletion_timestamp.is_none())
        .map(|assignment| {
            let spec = &assignment.spec;
            (
                (
                    SiteId::from(spec.site.as_str()),
                    VariantName::from(spec.workload.variant.as_str()),
                ),
                assignment,
            )
        })
        .collect()
}

/// Where the load of a deployment goes that is leaving a site. A leader remembers it while the move lasts.
pub type Moving = BTreeMap<(DeploymentId, SiteId), SiteId>;

/// Notes which site takes over from which: one that is left, and one whose replicas are still coming up.
fn follow_moves(
    moving: &mut Moving,
    read: &Deployment,
    decision: &Decision,
    present: &BTreeMap<(SiteId, VariantName), &SiteAssignment>,
    now: DateTime<Utc>,
) {
    // Tokens per second by site: planned for this hour, allowed now, ready now.
    let mut sites: BTreeMap<&SiteId, (f64, f64, f64)> = BTreeMap::new();
    let tokens = |variant: &VariantName| {
        let shape = read.variants.iter().find(|shape| shape.name == *variant);
        shape.map_or(0.0, |shape| shape.tokens_per_second.0)
    };
    for (site, variants) in &decision.sites {
        for (variant, placement) in variants {
            let planned = placement.ceiling.first().copied().unwrap_or(0);
            sites.entry(site).or_default().0 += f64::from(planned) * tokens(variant);
        }
    }
    for ((site, variant), assignment) in present {
        let entry = sites.entry(site).or_default();
        entry.1 += f64::from(ceiling_at(&assignment.spec.schedule, now)) * tokens(variant);
        entry.2 += ready_of(assignment) * tokens(variant);
    }
    let coming = sites
        .iter()
        .map(|(site, (planned, _, ready))| (*site, planned - ready))
        .filter(|(_, more)| *more > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1));
    for (site, (planned, allowed, _)) in &sites {
        let key = (read.id.clone(), (*site).clone());
        if planned >= allowed {
            moving.remove(&key);
        } else if let Some((other, _)) = coming.filter(|(other, _)| other != site) {
            moving.insert(key, other.clone());
        }
    }
}

/// What is ready of what was admitted. What is only advised on may be ready too, and moves nothing.
fn ready_of(assignment: &SiteAssignment) -> f64 {
    let status = assignment.status.as_ref();
    let admitted = status.filter(|status| status.ceiling.is_some());
    let ready = admitted.and_then(|status| status.ready_replicas);
    ready.unwrap_or(0).max(0) as f64
}

/// Whether places must be held until others are ready.
fn held(
    read: &Deployment,
    decision: &Decision,
    present: &BTreeMap<(SiteId, VariantName), &SiteAssignment>,
    now: DateTime<Utc>,
) -> bool {
    let mut ready_now = 0.0;
    let mut ready_after = 0.0;
    let mut gives_up = false;
    for ((site, variant), assignment) in present {
        let Some(shape) = read.variants.iter().find(|shape| shape.name == *variant) else {
            continue;
        };
        let ready = ready_of(assignment);
        let planned = decision
            .sites
            .get(site)
            .and_then(|variants| variants.get(variant));
        let wanted = planned
            .and_then(|placement| placement.ceiling.first().copied())
            .unwrap_or(0);
        gives_up |= wanted < ceiling_at(&assignment.spec.schedule, now);
        ready_now += ready * shape.tokens_per_second.0;
        ready_after += ready.min(f64::from(wanted)) * shape.tokens_per_second.0;
    }
    gives_up && ready_after + 1e-6 < ready_now.min(read.demand.0)
}

fn since(old: Option<&SiteAssignment>, current: u32, now: DateTime<Utc>) -> DateTime<Utc> {
    let known = old
        .filter(|_| current > 0)
        .and_then(|old| old.metadata.annotations.as_ref()?.get(SINCE)?.parse().ok());
    known.unwrap_or(now)
}

fn subject(kind: SubjectKind, declared: &ModelDeployment) -> Subject {
    Subject {
        kind,
        namespace: declared.metadata.namespace.clone().unwrap_or_default(),
        name: declared.metadata.name.clone().unwrap_or_default(),
        uid: declared.metadata.uid.clone().unwrap_or_default(),
    }
}

/// Words that fit where the API server bounds them.
pub(crate) fn clip(text: &str) -> String {
    text.chars().take(1000).collect()
}

/// What a job's assignment shall say, if the plan has a place for it.
pub fn batch(
    publisher: &Publisher,
    seen: &Seen,
    job: &Object,
    shape_watts: (i64, i64),
    suspendable: bool,
    decision: &JobDecision,
    plan: &Plan,
    now: DateTime<Utc>,
) -> Option<Wanted> {
    let (placed, slots) = (decision.placed.as_ref()?, plan.slots?);
    let offer = seen.offers.get(placed.site.as_str())?;
    let namespace = job.namespace().unwrap_or_default().to_owned();
    let hours = placed
        .runs
        .iter()
        .enumerate()
        .map(|(slot, runs)| ScheduledHour {
            start: slots.begin(slot).into(),
            min: 0,
            max: i64::from(*runs),
        });
    let mut template = job.0.clone();
    template["status"] = Value::Null;
    let kept = json!({ "spec": template["spec"], "metadata": { "labels": template["metadata"]["labels"], "annotations": kept_annotations(job) } });
    let spec = SiteAssignmentSpec {
        site: placed.site.to_string(),
        hub: publisher.hub.clone(),
        epoch: publisher.epoch,
        sequence: publisher.sequence,
        offer_revision: offer.spec.revision,
        required_features: vec![SCHEDULE.into(), "job-suspend".into()],
        mode: Mode::Enforce,
        subject: Subject {
            kind: SubjectKind::Job,
            namespace: namespace.clone(),
            name: job.name().to_owned(),
            uid: job.uid().to_owned(),
        },
        priority: 0,
        workload: AssignedWorkload {
            variant: "job".into(),
            adapter: "job".into(),
            product: placed.product.to_string(),
            accelerators: shape_watts.0,
            watts: shape_watts.1,
            tokens_per_second: None,
            workload_ref: None,
            template: Some(without_nulls(kept)),
            suspendable,
        },
        schedule: changes(hours.collect()),
        reason: clip(&format!(
            "waiting saves {:.2} against starting at once",
            placed.saved_by_waiting.0
        )),
        moved_to: None,
        release: None,
    };
    Some(Wanted {
        namespace: format!("site-{}", placed.site),
        name: format!("{namespace}.{}.job", job.name()),
        spec,
        since: now,
    })
}

/// Annotations of a Job that its copy keeps.
fn kept_annotations(job: &Object) -> Value {
    let keys = [
        annotations::HOURS,
        annotations::DEADLINE,
        annotations::FLEXIBLE,
    ];
    keys.into_iter()
        .filter_map(|key| Some((key.to_owned(), json!(job.annotation(key)?))))
        .collect()
}

/// An object without nulls: an API server takes them for orders to delete.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        other => other,
    }
}

/// Whether an assignment says already what it shall, apart from words and numbers that change every hour.
pub fn says_already(old: &SiteAssignment, wanted: &Wanted, now: DateTime<Utc>) -> bool {
    let mut spec = wanted.spec.clone();
    spec.sequence = old.spec.sequence;
    spec.reason.clone_from(&old.spec.reason);
    spec.moved_to.clone_from(&old.spec.moved_to);
    spec.offer_revision = old.spec.offer_revision;
    let same = same_from(&old.spec.schedule, &spec.schedule, now);
    spec.schedule.clone_from(&old.spec.schedule);
    // A refusal that no longer holds is asked again at the new offer.
    let refused = old
        .status
        .as_ref()
        .and_then(|status| status.refusal.as_ref());
    let ask_again =
        refused.is_some_and(|refusal| refusal.offer_revision != wanted.spec.offer_revision);
    same && spec == old.spec && !ask_again
}
