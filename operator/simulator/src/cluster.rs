//! Plays the controllers, the scheduler and the kubelets of a cluster: pods follow workloads, nodes fill up, jobs end.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_store::{Kind, Object};
use serde_json::{Value, json};

use crate::server::MemoryServer;

/// Annotation on a pod template: seconds until a pod is ready.
pub const STARTUP: &str = "commonwatt.dev/startup-seconds";
/// Annotation on a Job: hours of work until it is complete.
pub const HOURS: &str = "commonwatt.dev/hours";
/// Annotation on a Job, kept by the cluster: seconds that it has worked.
const WORKED: &str = "simulator.commonwatt.dev/worked-seconds";
/// Annotation on a pod that is ending: since when.
const ENDING: &str = "simulator.commonwatt.dev/ending-since";
/// How long a pod takes to end, seconds.
const GRACE_SECONDS: i64 = 30;
const ACCELERATOR: &str = "nvidia.com/gpu";

/// A cluster around a server.
pub struct Cluster {
    server: Arc<MemoryServer>,
    last: Option<DateTime<Utc>>,
}

impl Cluster {
    /// A cluster whose API server this is.
    pub fn new(server: Arc<MemoryServer>) -> Self {
        Self { server, last: None }
    }

    /// Everything that happens until `now`.
    pub fn step(&mut self, now: DateTime<Utc>) {
        let passed = self.last.map_or(TimeDelta::zero(), |last| now - last);
        self.last = Some(now);
        let mut pods = Pods::read(&self.server);
        pods.end(&self.server, now);
        self.autoscale();
        for kind in [Kind::DEPLOYMENT, Kind::STATEFUL_SET] {
            for object in self.server.all(&kind) {
                let wanted = object
                    .at("spec.replicas")
                    .and_then(Value::as_u64)
                    .unwrap_or(1) as usize;
                pods.follow(&self.server, &object, wanted, now);
                let (all, ready) = pods.count(&object, now);
                let status = json!({ "replicas": all, "readyReplicas": ready, "observedGeneration": object.generation() });
                self.say(&kind, object, status);
            }
        }
        for object in self.server.all(&Kind::JOB) {
            self.job(&mut pods, object, passed, now);
        }
        pods.schedule(&self.server, now);
    }

    /// Autoscalers keep their targets within bounds. Without a measure of load they do nothing else, and nothing at all
    /// to what somebody has set to zero: as the real controller does.
    fn autoscale(&self) {
        for autoscaler in self.server.all(&Kind::AUTOSCALER) {
            let bound = |path| autoscaler.at(path).and_then(Value::as_u64);
            let (min, max) = (bound("spec.minReplicas"), bound("spec.maxReplicas"));
            let (min, max) = (min.unwrap_or(1), max.unwrap_or(1));
            let target = &autoscaler.0["spec"]["scaleTargetRef"];
            for kind in [Kind::DEPLOYMENT, Kind::STATEFUL_SET] {
                for mut object in self.server.all(&kind) {
                    let replicas = object.at("spec.replicas").and_then(Value::as_u64);
                    let replicas = replicas.unwrap_or(1);
                    let scaled = replicas.clamp(min.min(max), max);
                    if object.namespace() == autoscaler.namespace()
                        && target["kind"] == kind.kind.as_ref()
                        && target["name"] == object.name()
                        && replicas > 0
                        && scaled != replicas
                    {
                        object.set("spec.replicas", json!(scaled));
                        self.server.store(&kind, object);
                    }
                }
            }
        }
    }

    fn job(&self, pods: &mut Pods, mut job: Object, passed: TimeDelta, now: DateTime<Utc>) {
        let managed = job.at("spec.managedBy").is_some();
        if managed || is_complete(&job) {
            return;
        }
        let parallelism = job
            .at("spec.parallelism")
            .and_then(Value::as_u64)
            .unwrap_or(1) as usize;
        let suspended = job.at("spec.suspend") == Some(&json!(true));
        if job.at("spec.selector").is_none() {
            let label = json!({ "batch.kubernetes.io/job-name": job.name() });
            job.0["spec"]["selector"] = json!({ "matchLabels": label });
            let mut labels = job.0["spec"]["template"]["metadata"]["labels"].clone();
            commonwatt_store::apply_merge(&mut labels, &label);
            job.0["spec"]["template"]["metadata"]["labels"] = labels;
        }
        let (_, ready) = pods.count(&job, now);
        let number = |job: &Object, key: &str| {
            job.annotation(key)
                .and_then(|text| text.parse::<f64>().ok())
        };
        let mut worked = number(&job, WORKED).unwrap_or(0.0);
        if ready >= parallelism && ready > 0 {
            worked += passed.as_seconds_f64();
        }
        job.0["metadata"]["annotations"][WORKED] = json!(format!("{worked:.0}"));
        let complete = worked >= number(&job, HOURS).unwrap_or(1.0) * 3600.0;
        pods.follow(
            &self.server,
            &job,
            if suspended || complete {
                0
            } else {
                parallelism
            },
            now,
        );
        let (all, ready) = pods.count(&job, now);
        let mut status = json!({ "active": all, "ready": ready });
        if complete {
            let done = |type_: &str| json!({ "type": type_, "status": "True", "lastTransitionTime": now.to_rfc3339() });
            status = json!({
                "active": 0, "ready": 0, "succeeded": parallelism,
                "conditions": [done("SuccessCriteriaMet"), done("Complete")], "completionTime": now.to_rfc3339(),
            });
        }
        self.say(&Kind::JOB, job, status);
    }

    fn say(&self, kind: &Kind, mut object: Object, status: Value) {
        object.0["status"] = status;
        let key = (
            object.namespace().map(str::to_owned),
            object.name().to_owned(),
        );
        let present = self
            .server
            .all(kind)
            .into_iter()
            .find(|o| (o.namespace().map(str::to_owned), o.name().to_owned()) == key);
        if present.as_ref() != Some(&object) {
            self.server.store(kind, object);
        }
    }
}

fn is_complete(job: &Object) -> bool {
    job.0["status"]["conditions"]
        .as_array()
        .is_some_and(|list| list.iter().any(|c| c["type"] == "Complete"))
}

/// Pods of the cluster by the uid of what owns them.
struct Pods {
    by_owner: BTreeMap<String, Vec<Object>>,
    serial: usize,
}

impl Pods {
    fn read(server: &MemoryServer) -> Self {
        let mut by_owner: BTreeMap<String, Vec<Object>> = BTreeMap::new();
        for pod in server.all(&Kind::POD) {
            by_owner.entry(owner_of(&pod)).or_default().push(pod);
        }
        Self {
            by_owner,
            serial: 0,
        }
    }

    /// Pods whose time to end is over, and those whose owner is gone, are gone.
    fn end(&mut self, server: &MemoryServer, now: DateTime<Utc>) {
        let owners: Vec<String> = [Kind::DEPLOYMENT, Kind::STATEFUL_SET, Kind::JOB]
            .iter()
            .flat_map(|kind| server.all(kind))
            .map(|object| object.uid().to_owned())
            .collect();
        for (owner, pods) in &mut self.by_owner {
            let alive = owner.is_empty() || owners.contains(owner);
            pods.retain(|pod| {
                let over = ending_since(pod)
                    .is_some_and(|since| (now - since).num_seconds() >= GRACE_SECONDS);
                if over || !alive {
                    server.remove(&Kind::POD, pod);
                }
                !over && alive
            });
        }
    }

    /// Makes or ends pods until as many as wanted are left.
    fn follow(&mut self, server: &MemoryServer, owner: &Object, wanted: usize, now: DateTime<Utc>) {
        let pods = self.by_owner.entry(owner.uid().to_owned()).or_default();
        let mut alive: Vec<usize> = (0..pods.len())
            .filter(|index| ending_since(&pods[*index]).is_none())
            .collect();
        while alive.len() > wanted {
            // The youngest goes first.
            let Some(index) = alive.pop() else { break };
            pods[index].0["metadata"]["annotations"][ENDING] = json!(now.to_rfc3339());
            server.store(&Kind::POD, pods[index].clone());
        }
        for _ in alive.len()..wanted {
            self.serial += 1;
            let name = format!("{}-{}-{}", owner.name(), now.timestamp(), self.serial);
            let mut pod = Object::new(&Kind::POD, owner.namespace(), &name);
            let template = owner
                .at("spec.template")
                .cloned()
                .unwrap_or_else(|| json!({}));
            pod.0["spec"] = template["spec"].clone();
            for section in ["labels", "annotations"] {
                if !template["metadata"][section].is_null() {
                    pod.0["metadata"][section] = template["metadata"][section].clone();
                }
            }
            pod.0["metadata"]["ownerReferences"] = json!([{ "kind": owner.kind(), "name": owner.name(), "uid": owner.uid(), "controller": true }]);
            pod.0["status"] = json!({ "phase": "Pending" });
            server.store(&Kind::POD, pod.clone());
            pods.push(pod);
        }
    }

    /// All pods of an owner, ending ones included, and the ready ones.
    fn count(&self, owner: &Object, now: DateTime<Utc>) -> (usize, usize) {
        let pods = self
            .by_owner
            .get(owner.uid())
            .map(Vec::as_slice)
            .unwrap_or_default();
        let ready = pods
            .iter()
            .filter(|pod| ending_since(pod).is_none() && is_ready(pod, now))
            .count();
        (pods.len(), ready)
    }

    /// Gives every pending pod the fullest node that has room.
    fn schedule(&mut self, server: &MemoryServer, now: DateTime<Utc>) {
        let nodes = server.all(&Kind::NODE);
        let mut free: BTreeMap<String, i64> = nodes
            .iter()
            .map(|node| {
                (
                    node.name().to_owned(),
                    number(&node.0["status"]["allocatable"][ACCELERATOR]),
                )
            })
            .collect();
        for pod in self.by_owner.values().flatten() {
            if let Some(room) = pod.0["spec"]["nodeName"]
                .as_str()
                .and_then(|node| free.get_mut(node))
            {
                *room -= wants(pod);
            }
        }
        for pod in self.by_owner.values_mut().flatten() {
            if !pod.0["spec"]["nodeName"].is_null() || ending_since(pod).is_some() {
                continue;
            }
            let selector = pod.0["spec"]["nodeSelector"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let fits = |node: &&Object| {
                let labels = selector
                    .iter()
                    .all(|(key, value)| node.label(key) == value.as_str());
                labels && free.get(node.name()).copied().unwrap_or(0) >= wants(pod)
            };
            let chosen = nodes
                .iter()
                .filter(fits)
                .min_by_key(|node| (free[node.name()], node.name().to_owned()));
            if let Some(node) = chosen {
                *free.entry(node.name().to_owned()).or_default() -= wants(pod);
                pod.0["spec"]["nodeName"] = json!(node.name());
                pod.0["status"] = json!({ "phase": "Running", "startTime": now.to_rfc3339() });
                server.store(&Kind::POD, pod.clone());
            }
        }
    }
}

fn owner_of(pod: &Object) -> String {
    pod.0["metadata"]["ownerReferences"][0]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?)
        .ok()
        .map(|at| at.to_utc())
}

fn ending_since(pod: &Object) -> Option<DateTime<Utc>> {
    time(&pod.0["metadata"]["annotations"][ENDING])
}

fn is_ready(pod: &Object, now: DateTime<Utc>) -> bool {
    let startup = pod
        .annotation(STARTUP)
        .and_then(|text| text.parse::<i64>().ok())
        .unwrap_or(120);
    time(&pod.0["status"]["startTime"]).is_some_and(|start| (now - start).num_seconds() >= startup)
}

fn wants(pod: &Object) -> i64 {
    let containers = pod.0["spec"]["containers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    containers
        .iter()
        .map(|container| number(&container["resources"]["limits"][ACCELERATOR]))
        .sum()
}

fn number(value: &Value) -> i64 {
    value
        .as_i64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or(0)
}
