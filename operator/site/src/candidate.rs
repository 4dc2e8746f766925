//! The record that an assignment would have, or why it can have none.

use commonwatt_api::{
    AdmissionRecordSpec, AssignmentIdentity, DeletionPolicy, SubjectKind, WorkloadObject,
    annotations, conditions::reasons,
};
use commonwatt_store::Object;

use crate::admission::Answer;
use crate::autoscaler::{Foreign, on_record, steering};
use crate::offer::FEATURES;
use crate::schedule::scheduled;
use crate::situation::{Asked, Situation};
use crate::workload::{control_path, find, observe};

/// The record that an assignment would have, if nothing about it is wrong and it is news.
pub(crate) fn candidate(
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
            .then(DeletionPolicy::default)
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
    // Also when the assignment was made anew: what we have scaled since is nobody's original.
    let adopted = present.filter(|record| record.spec.object == object);
    let original = match (adopted, &workload.workload_ref, &existing) {
        (Some(record), _, _) => record.spec.original_replicas,
        (None, Some(_), Some(existing)) => Some(i64::from(existing.replicas)),
        _ => None,
    };
    let known = adopted.and_then(|record| record.spec.autoscaler.as_ref());
    let autoscaler = existing.and_then(|existing| existing.autoscaler);
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
        autoscaler: autoscaler.map(|found| on_record(found, known)),
        mode: Some(spec.mode),
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
    let highest = situation.epochs.of(&spec.hub);
    if spec.epoch < highest {
        let detail = format!(
            "epoch {} of a leader that was replaced: epoch {highest} is known here. A hub that comes from a backup \
             needs spec.epoch of its PlanHead above that",
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

/// An object that is there already.
struct Existing<'a> {
    replicas: u32,
    autoscaler: Option<&'a Object>,
}

/// Can the agent work with the object? Says how it stands if it is there.
fn usable<'a>(
    situation: &Situation<'a>,
    asked: &Asked,
    object: &WorkloadObject,
) -> Result<Option<Existing<'a>>, Answer> {
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
    let found = find(
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
    let replicas = observe(adapter, found, &[], false).wanted;
    let autoscaler = steering(
        situation.autoscalers,
        adapter,
        object,
        found,
        path,
        replicas,
    )
    .map_err(owned_by_other)?;
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
    let ours = found.annotation(annotations::ASSIGNMENT) == Some(&mark);
    if spec.workload.workload_ref.is_none() && !ours {
        return Err(refuse(
            reasons::FIELD_OWNED_BY_OTHER,
            format!(
                "{} {}/{} is there already and is not ours",
                adapter.spec.kind, object.namespace, object.name
            ),
        ));
    }
    Ok(Some(Existing {
        replicas,
        autoscaler,
    }))
}

/// The answer where somebody else's hand is on a workload.
pub(crate) fn owned_by_other(foreign: Foreign) -> Answer {
    Answer::No {
        reason: reasons::FIELD_OWNED_BY_OTHER,
        detail: foreign.detail,
        most: foreign.most,
    }
}

/// Pods of a created workload run on this site's nodes only.
fn pin_to_site(template: &mut serde_json::Value, situation: &Situation<'_>) {
    for (key, value) in &situation.model.site.spec.node_selector {
        template["spec"]["template"]["spec"]["nodeSelector"][key] = value.clone().into();
    }
}
