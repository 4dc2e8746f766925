//! What an adapter's paths say about a workload, and the objects that are applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use commonwatt_api::{
    AdmissionRecord, AssignedWorkload, SubjectKind, WorkloadAdapter, annotations,
};
use commonwatt_store::{Kind, Object};
use serde_json::{Value, json};

use crate::inventory::{is_running, selects};

/// Annotation on what the agent creates: which template it was made from.
pub(crate) const TEMPLATE_HASH: &str = "commonwatt.dev/template-hash";

/// How a workload stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observed {
    /// Whether its object is there.
    pub exists: bool,
    /// Replicas that its spec asks for; for a job 1 when it is not suspended.
    pub wanted: u32,
    /// Replicas that are ready.
    pub ready: u32,
    /// Replicas that still run, ready or ending.
    pub actual: u32,
    /// Replicas that an autoscaler may come to by itself; 0 where none steers it, or its own is paused.
    pub reach: u32,
    /// A job that has ended.
    pub finished: bool,
}

impl Observed {
    /// Replicas that are charged under a ceiling: also what still runs, and what an autoscaler may still come to.
    pub fn charged(self, ceiling: u32) -> u32 {
        ceiling.max(self.actual).max(self.reach)
    }
}

/// Looks at a workload and its pods.
pub fn observe(
    adapter: &WorkloadAdapter,
    object: &Object,
    pods: &[Arc<Object>],
    is_job: bool,
) -> Observed {
    let number = |path: &Option<String>| {
        path.as_deref()
            .and_then(|path| object.at(path))
            .and_then(Value::as_u64)
            .unwrap_or(0) as u32
    };
    let empty = Value::Null;
    let selector = object.at(&adapter.spec.selector_path).unwrap_or(&empty);
    let running = pods
        .iter()
        .filter(|pod| {
            pod.namespace() == object.namespace() && is_running(pod) && selects(selector, pod)
        })
        .count() as u32;
    let ready = number(&Some(adapter.spec.ready_path.clone()));
    if is_job {
        let suspended = adapter
            .spec
            .suspend_path
            .as_deref()
            .and_then(|path| object.at(path))
            == Some(&json!(true));
        let finished = is_finished(object);
        return Observed {
            exists: true,
            wanted: u32::from(!suspended && !finished),
            ready: u32::from(running > 0 && ready > 0),
            actual: u32::from(running > 0),
            reach: 0,
            finished,
        };
    }
    // Without a replica count in its spec a workload runs one.
    let wanted = adapter.spec.replicas_path.as_deref().map_or(1, |path| {
        object
            .at(path)
            .and_then(Value::as_u64)
            .map_or(1, |n| n as u32)
    });
    Observed {
        exists: true,
        wanted,
        ready,
        actual: running.max(ready),
        reach: 0,
        finished: false,
    }
}

/// A Job with a final condition.
pub fn is_finished(object: &Object) -> bool {
    let conditions = object.0["status"]["conditions"].as_array();
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|c| {
            matches!(c["type"].as_str(), Some("Complete" | "Failed")) && c["status"] == "True"
        })
    })
}

/// The path that says how much of it runs.
pub fn control_path(adapter: &WorkloadAdapter, kind: SubjectKind) -> Option<&str> {
    match kind {
        SubjectKind::ModelDeployment => adapter.spec.replicas_path.as_deref(),
        SubjectKind::Job => adapter.spec.suspend_path.as_deref(),
    }
}

/// The value at that path for a ceiling.
pub fn control_value(kind: SubjectKind, ceiling: u32) -> Value {
    match kind {
        SubjectKind::ModelDeployment => json!(ceiling),
        SubjectKind::Job => json!(ceiling == 0),
    }
}

/// The object to apply so that a record holds: for an adopted workload its one field, at `path`, for a created one all
/// of it.
pub fn desired(
    kind: &Kind,
    path: &str,
    record: &AdmissionRecord,
    replicas: u32,
    uid: Option<&str>,
) -> Object {
    let spec = &record.spec;
    let mut object = match (&spec.workload.workload_ref, &spec.workload.template) {
        (None, Some(template)) => created(kind, record, &spec.workload, template),
        _ => Object::new(kind, Some(&spec.object.namespace), &spec.object.name),
    };
    // With the uid an apply never creates what somebody has deleted and made anew.
    if let Some(uid) = uid {
        object.0["metadata"]["uid"] = json!(uid);
    }
    object.set(path, control_value(spec.subject.kind, replicas));
    object
}

/// A created object: the template with our name, namespace and marks. What the template says of itself otherwise stays.
fn created(
    kind: &Kind,
    record: &AdmissionRecord,
    workload: &AssignedWorkload,
    template: &Value,
) -> Object {
    let spec = &record.spec;
    let mut object = Object::new(kind, Some(&spec.object.namespace), &spec.object.name);
    object.0["spec"] = template["spec"].clone();
    for section in ["labels", "annotations"] {
        if let Some(given) = template["metadata"][section].as_object() {
            object.0["metadata"][section] = json!(given);
        }
    }
    let mark = format!("{}/{}", spec.assignment.namespace, spec.assignment.name);
    object.0["metadata"]["annotations"][annotations::ASSIGNMENT] = json!(mark);
    object.0["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("commonwatt");
    if spec.subject.kind == SubjectKind::Job {
        // The hub's Job is managed by the hub and never runs; this copy is an ordinary one.
        if let Some(map) = object.0["spec"].as_object_mut() {
            for owned in [
                "managedBy",
                "suspend",
                "selector",
                "manualSelector",
                "ttlSecondsAfterFinished",
            ] {
                map.remove(owned);
            }
        }
        let labels = object.0["spec"]["template"]["metadata"]["labels"].as_object_mut();
        if let Some(labels) = labels {
            // The hub's API server has put its own Job's name and uid there.
            for defaulted in [
                "controller-uid",
                "job-name",
                "batch.kubernetes.io/controller-uid",
                "batch.kubernetes.io/job-name",
            ] {
                labels.remove(defaulted);
            }
        }
        return object;
    }
    // A selector of its own, so that two variants of one template never share pods.
    let own = json!({ "commonwatt.dev/workload": short_label(&spec.object.name), "commonwatt.dev/variant": workload.variant });
    object.0["spec"]["selector"] = json!({ "matchLabels": own });
    for (key, value) in own.as_object().into_iter().flatten() {
        object.0["spec"]["template"]["metadata"]["labels"][key] = value.clone();
    }
    object
}

/// A label's value holds 63 characters. Two long names that begin alike must not share pods.
fn short_label(name: &str) -> String {
    if name.len() <= 63 {
        return name.to_owned();
    }
    format!(
        "{}-{}",
        &name[..name.floor_char_boundary(46)],
        fingerprint(name)
    )
}

/// A short fingerprint of a text (FNV-1a): to see that it differs, not to prove anything.
pub(crate) fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// A workload by adapter, namespace and name.
pub fn find<'a>(
    workloads: &'a BTreeMap<String, Vec<Arc<Object>>>,
    adapter: &str,
    namespace: &str,
    name: &str,
) -> Option<&'a Object> {
    let all = workloads.get(adapter)?;
    let is_it =
        |object: &&Arc<Object>| object.namespace() == Some(namespace) && object.name() == name;
    Some(all.iter().find(is_it)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_long_names_that_begin_alike_differ() {
        let long = "a".repeat(80);
        let (one, other) = (
            short_label(&format!("{long}1")),
            short_label(&format!("{long}2")),
        );
        assert_ne!(one, other);
        assert_eq!(
            (one.len(), short_label("chat-h100").as_str()),
            (63, "chat-h100")
        );
    }

    #[test]
    fn the_copy_of_a_job_has_nothing_of_what_the_hubs_server_put_into_its_own() {
        let record: AdmissionRecord = serde_json::from_value(json!({
            "apiVersion": "commonwatt.dev/v1alpha1", "kind": "AdmissionRecord",
            "metadata": { "name": "north.hub.models.tune.job" },
            "spec": {
                "site": "north", "hub": { "name": "hub", "uid": "u" },
                "assignment": { "namespace": "site-north", "name": "models.tune.job", "uid": "a", "generation": 1 },
                "epoch": 1,
                "subject": { "kind": "Job", "namespace": "models", "name": "tune", "uid": "j" },
                "priority": 0,
                "workload": {
                    "variant": "job", "adapter": "job", "product": "L4", "accelerators": 4, "watts": 4000,
                    "suspendable": true,
                    "template": { "spec": {
                        "managedBy": "commonwatt.dev/hub", "suspend": false, "parallelism": 1,
                        "selector": { "matchLabels": { "batch.kubernetes.io/controller-uid": "x" } },
                        "template": { "metadata": { "labels": {
                            "app": "tune", "controller-uid": "x", "job-name": "tune",
                            "batch.kubernetes.io/controller-uid": "x", "batch.kubernetes.io/job-name": "tune",
                        } } },
                    } },
                },
                "object": { "namespace": "models", "name": "tune-north" },
                "schedule": [], "ceiling": 1,
            },
        }))
        .expect("a record");
        let made = desired(&Kind::JOB, "spec.suspend", &record, 1, None);
        assert_eq!(
            made.0["spec"],
            json!({
                "parallelism": 1, "suspend": false,
                "template": { "metadata": { "labels": { "app": "tune" } } },
            })
        );
    }
}
