use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::Kind;

/// An object as JSON, with what every object has close at hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object(pub Value);

impl Object {
    /// An object with a name and nothing else yet.
    pub fn new(kind: &Kind, namespace: Option<&str>, name: &str) -> Self {
        let mut metadata = json!({ "name": name });
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        Self(json!({ "apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata }))
    }

    fn metadata(&self, field: &str) -> &str {
        self.0["metadata"][field].as_str().unwrap_or_default()
    }

    /// Its kind's name.
    pub fn kind(&self) -> &str {
        self.0["kind"].as_str().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata("name")
    }

    /// Its namespace, if it has one.
    pub fn namespace(&self) -> Option<&str> {
        self.0["metadata"]["namespace"].as_str()
    }

    /// Its uid; empty before it was stored.
    pub fn uid(&self) -> &str {
        self.metadata("uid")
    }

    /// Its resource version.
    pub fn resource_version(&self) -> &str {
        self.metadata("resourceVersion")
    }

    /// The generation of its spec.
    pub fn generation(&self) -> Option<i64> {
        self.0["metadata"]["generation"].as_i64()
    }

    /// A label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0["metadata"]["labels"].get(key)?.as_str()
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.0["metadata"]["annotations"].get(key)?.as_str()
    }

    /// Whether somebody has asked for its deletion.
    pub fn is_being_deleted(&self) -> bool {
        !self.0["metadata"]["deletionTimestamp"].is_null()
    }

    /// Its finalizers.
    pub fn finalizers(&self) -> Vec<&str> {
        let list = self.0["metadata"]["finalizers"].as_array();
        list.map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }

    /// A patch that takes a finalizer off it as it is now: others take theirs off at the same time, and with a version no
    /// removal is undone.
    pub fn without_finalizer(&self, finalizer: &str) -> Value {
        let mut rest = self.finalizers();
        rest.retain(|name| *name != finalizer);
        json!({ "metadata": { "finalizers": rest, "resourceVersion": self.resource_version() } })
    }

    /// The same at any version: whatever changes it meanwhile, the uid alone says which object is meant.
    #[must_use]
    pub fn at_any_version(&self) -> Self {
        let mut meant = self.clone();
        if let Some(metadata) = meant.0["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        meant
    }

    /// When it was created.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        let text = self.0["metadata"]["creationTimestamp"].as_str()?;
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| at.to_utc())
    }

    /// The value at a dotted path, such as `spec.replicas`.
    pub fn at(&self, path: &str) -> Option<&Value> {
        path.split('.')
            .try_fold(&self.0, |value, part| value.get(part))
            .filter(|value| !value.is_null())
    }

    /// Sets the value at a dotted path, making what is missing on the way.
    pub fn set(&mut self, path: &str, value: Value) {
        let slot = path.split('.').fold(&mut self.0, |slot, part| {
            if !slot.is_object() {
                *slot = json!({});
            }
            &mut slot[part]
        });
        *slot = value;
    }

    /// A patch that takes our entries out of the list of field managers, so that whoever applies next is in nobody's
    /// way; nothing where there are none.
    pub fn without_our_ownership(&self) -> Option<Value> {
        let entries = self.0["metadata"]["managedFields"].as_array()?;
        let ours = |entry: &&Value| {
            entry["manager"] == commonwatt_api::FIELD_MANAGER && entry["subresource"].is_null()
        };
        if !entries.iter().any(|entry| ours(&entry)) {
            return None;
        }
        let mut rest: Vec<Value> = entries.iter().filter(|e| !ours(e)).cloned().collect();
        if rest.is_empty() {
            // An empty list means "as it was"; one empty entry means "nobody".
            rest.push(json!({}));
        }
        Some(json!({ "metadata": {
            "resourceVersion": self.resource_version(),
            "managedFields": rest,
        } }))
    }

    /// The kind and name of the object that this one is made and kept by, such as a KEDA `ScaledObject` or a KServe
    /// `InferenceService`.
    pub fn controlled_by(&self) -> Option<String> {
        let owners = self.0["metadata"]["ownerReferences"].as_array()?;
        let owner = owners.iter().find(|owner| owner["controller"] == true)?;
        Some(format!(
            "{} {}",
            owner["kind"].as_str()?,
            owner["name"].as_str()?
        ))
    }

    /// Whether we are among the field managers that own a dotted path.
    pub fn is_ours(&self, path: &str) -> bool {
        let entries = self.0["metadata"]["managedFields"].as_array();
        entries.is_some_and(|entries| {
            entries
                .iter()
                .any(|entry| entry["manager"] == commonwatt_api::FIELD_MANAGER && owns(entry, path))
        })
    }

    /// Field managers other than ours, and other than a person's hands, that own a dotted path.
    ///
    /// A person's `kubectl` or `helm` gives way; a controller (Git, another operator) does not. What an autoscaler wrote
    /// stays on record when the autoscaler is gone, so whoever asks looks for autoscalers themselves.
    pub fn foreign_managers(&self, path: &str) -> Vec<String> {
        let Some(entries) = self.0["metadata"]["managedFields"].as_array() else {
            return Vec::new();
        };
        let mut managers: Vec<String> = entries
            .iter()
            .filter(|entry| owns(entry, path) && !is_autoscalers(entry))
            .filter_map(|entry| entry["manager"].as_str())
            .filter(|manager| !gives_way(manager))
            .map(str::to_owned)
            .collect();
        managers.sort();
        managers.dedup();
        managers
    }
}

/// Whether an entry of the field managers holds a dotted path.
fn owns(entry: &Value, path: &str) -> bool {
    let fields = path
        .split('.')
        .try_fold(&entry["fieldsV1"], |fields, part| {
            fields.get(format!("f:{part}"))
        });
    fields.is_some()
}

/// The horizontal autoscaler is the only controller of Kubernetes itself that scales through the subresource.
fn is_autoscalers(entry: &Value) -> bool {
    entry["subresource"] == "scale" && entry["manager"] == "kube-controller-manager"
}

/// Tools in a person's hands, and ourselves.
fn gives_way(manager: &str) -> bool {
    manager.starts_with("kubectl")
        || manager.eq_ignore_ascii_case("helm")
        || manager == commonwatt_api::FIELD_MANAGER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_that_owns_a_field_is_named_and_a_persons_kubectl_is_not() {
        let fields = json!({ "f:spec": { "f:replicas": {} } });
        let object = Object(json!({ "metadata": { "managedFields": [
            { "manager": "kubectl-client-side-apply", "fieldsV1": fields },
            { "manager": "argocd-controller", "fieldsV1": fields },
            { "manager": "someone", "fieldsV1": { "f:spec": { "f:template": {} } } },
        ] } }));
        assert_eq!(
            object.foreign_managers("spec.replicas"),
            ["argocd-controller"]
        );
        assert!(object.foreign_managers("spec.suspend").is_empty());
    }

    #[test]
    fn what_an_autoscaler_left_behind_owns_nothing_and_another_scaler_does() {
        let fields = json!({ "f:spec": { "f:replicas": {} } });
        let scaled = |manager: &str| {
            let entry = json!({ "manager": manager, "subresource": "scale", "fieldsV1": fields });
            Object(json!({ "metadata": { "managedFields": [entry] } }))
        };
        let left = scaled("kube-controller-manager");
        assert!(left.foreign_managers("spec.replicas").is_empty());
        assert_eq!(
            scaled("knative-autoscaler").foreign_managers("spec.replicas"),
            ["knative-autoscaler"]
        );
    }

    #[test]
    fn ownership_is_given_up_for_all_operations_and_nobody_elses_is_touched() {
        let theirs = json!({ "manager": "kubectl", "operation": "Apply", "fieldsV1": {} });
        let ours = |operation| json!({ "manager": "commonwatt", "operation": operation });
        let status = json!({ "manager": "commonwatt", "subresource": "status" });
        let object = Object(
            json!({ "metadata": { "resourceVersion": "7", "managedFields": [
            theirs, ours("Apply"), ours("Update"), status,
        ] } }),
        );
        assert_eq!(
            object.without_our_ownership(),
            Some(
                json!({ "metadata": { "resourceVersion": "7", "managedFields": [theirs, status] } })
            )
        );
        let none = Object(json!({ "metadata": { "managedFields": [theirs] } }));
        assert_eq!(none.without_our_ownership(), None);
    }

    #[test]
    fn a_finalizer_is_taken_off_one_version_and_the_others_stay() {
        let object = Object(json!({ "metadata": {
            "uid": "u", "resourceVersion": "7", "finalizers": ["theirs", "ours", "orphan"],
        } }));
        assert_eq!(
            object.without_finalizer("ours"),
            json!({ "metadata": { "finalizers": ["theirs", "orphan"], "resourceVersion": "7" } })
        );
        let meant = object.at_any_version();
        assert_eq!((meant.uid(), meant.resource_version()), ("u", ""));
    }

    #[test]
    fn a_path_can_be_set_through_what_is_missing() {
        let mut object = Object::new(&Kind::JOB, Some("a"), "b");
        object.set("spec.suspend", json!(true));
        assert_eq!(object.at("spec.suspend"), Some(&json!(true)));
        assert_eq!(object.at("spec.nothing"), None);
    }
}
