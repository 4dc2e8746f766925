//! Autoscalers: where one steers a workload its bounds are set, and never the replicas that it sets itself.
//!
//! A bound of zero does not exist. Zero replicas pause an autoscaler, as Kubernetes documents it, so a workload that is
//! drained is set to zero itself, and set to its ceiling again when it may come back.

use std::sync::Arc;

use commonwatt_api::{AdmittedAutoscaler, WorkloadAdapter, WorkloadObject};
use commonwatt_store::{Kind, Object};
use serde_json::{Value, json};

/// Where an autoscaler's bounds are.
pub(crate) const MIN: &str = "spec.minReplicas";
pub(crate) const MAX: &str = "spec.maxReplicas";

/// Replicas between which an autoscaler moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub min: u32,
    pub max: u32,
}

impl Bounds {
    /// Those of an autoscaler as it is. The API server fills in a minimum of 1.
    pub fn of(autoscaler: &Object) -> Self {
        let number = |path| autoscaler.at(path).and_then(Value::as_u64);
        Self {
            min: number(MIN).map_or(1, |n| n as u32),
            max: number(MAX).map_or(0, |n| n as u32),
        }
    }

    /// Those that it had before we came.
    pub fn original(admitted: &AdmittedAutoscaler) -> Self {
        let replicas = |n: i64| u32::try_from(n).unwrap_or(0);
        Self {
            min: replicas(admitted.original_min),
            max: replicas(admitted.original_max),
        }
    }

    /// Those under a ceiling and over a floor: its owner's minimum stays where both allow it. None at a ceiling of zero.
    pub fn within(self, floor: u32, ceiling: u32) -> Option<Self> {
        (ceiling > 0).then(|| Self {
            min: self.min.max(floor).min(ceiling),
            max: ceiling,
        })
    }

    /// An object with these bounds and nothing else, to apply: both, since one that is left out would be taken away.
    pub fn applied_to(self, autoscaler: &Object) -> Object {
        let mut object = Object::new(&Kind::AUTOSCALER, autoscaler.namespace(), autoscaler.name());
        object.0["metadata"]["uid"] = json!(autoscaler.uid());
        object.set(MIN, json!(self.min));
        object.set(MAX, json!(self.max));
        object
    }

    /// A merge patch to these bounds, for that very autoscaler.
    pub fn patch(self) -> Value {
        let mut patch = Object(json!({}));
        patch.set(MIN, json!(self.min));
        patch.set(MAX, json!(self.max));
        patch.0
    }
}

/// An autoscaler as it goes on record: with the bounds that it had when it was first seen here.
pub(crate) fn on_record(
    autoscaler: &Object,
    known: Option<&AdmittedAutoscaler>,
) -> AdmittedAutoscaler {
    if let Some(known) = known.filter(|known| known.uid == autoscaler.uid()) {
        return known.clone();
    }
    let bounds = Bounds::of(autoscaler);
    AdmittedAutoscaler {
        name: autoscaler.name().to_owned(),
        uid: autoscaler.uid().to_owned(),
        original_min: i64::from(bounds.min),
        original_max: i64::from(bounds.max),
    }
}

/// Autoscalers that name a workload as what they scale.
pub(crate) fn targeting<'a>(
    autoscalers: &'a [Arc<Object>],
    adapter: &WorkloadAdapter,
    object: &WorkloadObject,
) -> Vec<&'a Object> {
    let group = |api_version: &str| match api_version.split_once('/') {
        Some((group, _)) => group.to_owned(),
        None => String::new(),
    };
    autoscalers
        .iter()
        .filter(|autoscaler| {
            let target = &autoscaler.0["spec"]["scaleTargetRef"];
            autoscaler.namespace() == Some(object.namespace.as_str())
                && target["kind"] == adapter.spec.kind.as_str()
                && target["name"] == object.name.as_str()
                && group(target["apiVersion"].as_str().unwrap_or_default())
                    == group(&adapter.spec.api_version)
        })
        .map(AsRef::as_ref)
        .collect()
}

/// Whose hand is on a workload, if it is not to be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// Who, over what, and what to do about it.
    pub detail: String,
    /// Replicas that it has, or may come to, as long as it is not ours.
    pub most: u32,
}

/// The autoscaler that steers a workload, or none where its own replicas do. `path` is where those are.
///
/// # Errors
/// With who else steers it: another manager, another owner, or more than one autoscaler.
pub(crate) fn steering<'a>(
    autoscalers: &'a [Arc<Object>],
    adapter: &WorkloadAdapter,
    at: &WorkloadObject,
    workload: &Object,
    path: &str,
    replicas: u32,
) -> Result<Option<&'a Object>, Foreign> {
    let place = format!("{}/{}", at.namespace, at.name);
    let foreign = |detail: String, most| Err(Foreign { detail, most });
    if let Some(owner) = workload.controlled_by() {
        let detail = format!(
            "{} {place} is made by {owner}, which would set it back; it stays as it is, at {replicas}",
            adapter.spec.kind
        );
        return foreign(detail, replicas);
    }
    let others = workload.foreign_managers(path);
    if !others.is_empty() {
        let detail = format!(
            "{path} of {} {place} belongs to {}; it stays as it is, at {replicas}. To hand it over, take {path} out of \
             what that manager applies",
            adapter.spec.kind,
            others.join(", ")
        );
        return foreign(detail, replicas);
    }
    let found = targeting(autoscalers, adapter, at);
    let autoscaler = match found.as_slice() {
        [] => return Ok(None),
        [one] => *one,
        many => {
            let names: Vec<&str> = many.iter().map(|one| one.name()).collect();
            let most = many.iter().map(|one| Bounds::of(one).max).max();
            let detail = format!(
                "more than one HorizontalPodAutoscaler scales {} {place}: {}; leave one",
                adapter.spec.kind,
                names.join(", ")
            );
            return foreign(detail, most.unwrap_or(replicas));
        }
    };
    let bounds = Bounds::of(autoscaler);
    let what = format!(
        "HorizontalPodAutoscaler {}/{}",
        at.namespace,
        autoscaler.name()
    );
    if let Some(owner) = autoscaler.controlled_by() {
        let detail = format!(
            "{what} is made by {owner}, which would set its bounds back; it stays as it is, at {} to {}. Set the bounds \
             in {owner}, or take it away to have the replicas placed",
            bounds.min, bounds.max
        );
        return foreign(detail, bounds.max);
    }
    for path in [MAX, MIN] {
        let others = autoscaler.foreign_managers(path);
        if !others.is_empty() {
            let detail = format!(
                "{path} of {what} belongs to {}; it stays as it is, at {} to {}. To hand it over, take {path} out of \
                 what that manager applies",
                others.join(", "),
                bounds.min,
                bounds.max
            );
            return foreign(detail, bounds.max);
        }
    }
    Ok(Some(autoscaler))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter() -> WorkloadAdapter {
        serde_json::from_value(json!({
            "apiVersion": "commonwatt.dev/v1alpha1", "kind": "WorkloadAdapter", "metadata": { "name": "deployment" },
            "spec": {
                "apiVersion": "apps/v1", "kind": "Deployment", "resource": "deployments", "replicasPath": "spec.replicas",
                "readyPath": "status.readyReplicas", "selectorPath": "spec.selector", "podTemplatePath": "spec.template",
            },
        }))
        .expect("an adapter")
    }

    fn autoscaler(name: &str, target: &str) -> Object {
        Object(json!({
            "metadata": { "namespace": "models", "name": name, "uid": format!("uid-{name}") },
            "spec": {
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": target },
                "minReplicas": 2, "maxReplicas": 8,
            },
        }))
    }

    fn steered(autoscalers: &[Object], workload: &Value) -> Result<Option<String>, Foreign> {
        let autoscalers: Vec<_> = autoscalers.iter().cloned().map(Arc::new).collect();
        let at = WorkloadObject {
            namespace: "models".into(),
            name: "chat".into(),
        };
        let workload = Object(workload.clone());
        steering(&autoscalers, &adapter(), &at, &workload, "spec.replicas", 3)
            .map(|found| found.map(|found| found.name().to_owned()))
    }

    #[test]
    fn the_owners_minimum_stays_where_floor_and_ceiling_allow_it() {
        let original = Bounds { min: 2, max: 8 };
        let within = |floor, ceiling| {
            original
                .within(floor, ceiling)
                .map(|bounds| (bounds.min, bounds.max))
        };
        assert_eq!(within(1, 5), Some((2, 5)));
        assert_eq!(within(3, 5), Some((3, 5)), "no lower than the floor");
        assert_eq!(within(0, 1), Some((1, 1)), "never above the ceiling");
        assert_eq!(within(3, 12), Some((3, 12)));
        assert_eq!(within(0, 0), None, "zero is no bound");
    }

    #[test]
    fn original_bounds_are_those_of_the_first_look_unless_the_autoscaler_was_made_anew() {
        let first = on_record(&autoscaler("chat", "chat"), None);
        let mut later = autoscaler("chat", "chat");
        later.set(MAX, json!(3));
        assert_eq!(on_record(&later, Some(&first)), first);
        later.0["metadata"]["uid"] = json!("another");
        assert_eq!(on_record(&later, Some(&first)).original_max, 3);
    }

    #[test]
    fn the_autoscaler_that_names_a_workload_steers_it_and_no_other_does() {
        let all = [autoscaler("other", "draft"), autoscaler("mine", "chat")];
        assert_eq!(steered(&all, &json!({})), Ok(Some("mine".into())));
        assert_eq!(steered(&all[..1], &json!({})), Ok(None));
        let mut replica_set = autoscaler("mine", "chat");
        replica_set.0["spec"]["scaleTargetRef"]["kind"] = json!("ReplicaSet");
        assert_eq!(steered(&[replica_set], &json!({})), Ok(None));
    }

    #[test]
    fn what_keda_or_git_owns_is_named_with_what_to_do() {
        let owner = json!([{ "kind": "ScaledObject", "name": "chat", "controller": true }]);
        let mut of_keda = autoscaler("keda-hpa-chat", "chat");
        of_keda.0["metadata"]["ownerReferences"] = owner;
        let foreign = steered(&[of_keda], &json!({})).expect_err("not ours");
        assert_eq!(foreign.most, 8);
        assert!(
            foreign
                .detail
                .contains("made by ScaledObject chat, which would set its bounds back"),
            "{}",
            foreign.detail
        );
        let mut of_git = autoscaler("chat", "chat");
        of_git.0["metadata"]["managedFields"] = json!([
            { "manager": "argocd-controller", "fieldsV1": { "f:spec": { "f:maxReplicas": {} } } },
        ]);
        let foreign = steered(&[of_git], &json!({})).expect_err("not ours");
        assert!(
            foreign.detail.starts_with(
                "spec.maxReplicas of HorizontalPodAutoscaler models/chat belongs to argocd-controller"
            ),
            "{}",
            foreign.detail
        );
        let two = [autoscaler("a", "chat"), autoscaler("b", "chat")];
        let foreign = steered(&two, &json!({})).expect_err("not ours");
        assert!(
            foreign.detail.ends_with("a, b; leave one"),
            "{}",
            foreign.detail
        );
        let made = json!({ "metadata": { "ownerReferences": [
            { "kind": "InferenceService", "name": "chat", "controller": true },
        ] } });
        let foreign = steered(&[], &made).expect_err("not ours");
        assert!(
            foreign.detail.contains("made by InferenceService chat"),
            "{}",
            foreign.detail
        );
    }
}
