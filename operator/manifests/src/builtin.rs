//! Kinds that Kubernetes brings: they are read into its own types, and a field that comes out of them no more is unknown.
//! Their own rules (a Deployment's selector, a Job's completions) are the API server's alone.

use k8s_openapi::api::{
    apps::v1 as apps, batch::v1 as batch, core::v1 as core, scheduling::v1 as scheduling,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Finding;
use crate::path::{child, item, nearest};

/// What is wrong with an object of a group that Kubernetes brings; `None` for other groups.
pub fn findings(api_version: &str, kind: &str, object: &Value) -> Option<Vec<Finding>> {
    macro_rules! kinds {
        ($($api:literal: $($module:ident::$kind:ident),+;)+) => {
            match api_version {
                $($api => match kind {
                    $(stringify!($kind) => parsed::<$module::$kind>("", object),)+
                    _ => vec![crate::definitions::no_such_kind(
                        api_version, kind, [$(stringify!($kind)),+].into_iter(),
                    )],
                },)+
                _ => return None,
            }
        };
    }
    Some(kinds! {
        "v1": core::ConfigMap, core::Endpoints, core::Event, core::LimitRange, core::Namespace, core::Node,
            core::PersistentVolume, core::PersistentVolumeClaim, core::Pod, core::PodTemplate,
            core::ReplicationController, core::ResourceQuota, core::Secret, core::Service, core::ServiceAccount;
        "apps/v1": apps::ControllerRevision, apps::DaemonSet, apps::Deployment, apps::ReplicaSet, apps::StatefulSet;
        "batch/v1": batch::CronJob, batch::Job;
        "scheduling.k8s.io/v1": scheduling::PriorityClass;
    })
}

/// Whether a kind that Kubernetes brings lives in namespaces; `None` for other groups.
pub fn is_namespaced(api_version: &str, kind: &str) -> Option<bool> {
    match (api_version, kind) {
        ("v1", "Namespace" | "Node" | "PersistentVolume") | ("scheduling.k8s.io/v1", _) => {
            Some(false)
        }
        ("v1" | "apps/v1" | "batch/v1", _) => Some(true),
        _ => None,
    }
}

/// What is wrong with a value as one of Kubernetes' types.
pub fn parsed<T: DeserializeOwned + Serialize>(path: &str, value: &Value) -> Vec<Finding> {
    match serde_path_to_error::deserialize::<_, T>(value) {
        Err(error) => {
            let below = error.path().to_string();
            let field = if below == "." {
                path.to_owned()
            } else {
                child(path, &below)
            };
            vec![Finding::new(
                field,
                error.inner().to_string(),
                "write it as Kubernetes' reference says",
            )]
        }
        Ok(typed) => {
            let mut found = Vec::new();
            let known = serde_json::to_value(typed).unwrap_or_default();
            missing(path, value, &known, &mut found);
            found
        }
    }
}

/// Fields that were written and are in no type.
fn missing(path: &str, written: &Value, known: &Value, found: &mut Vec<Finding>) {
    match (written, known) {
        (Value::Object(written), Value::Object(known)) => {
            for (name, value) in written {
                let here = child(path, name);
                match known.get(name) {
                    Some(known) => missing(&here, value, known, found),
                    None if says_nothing(value) => {}
                    None => {
                        let meant = nearest(name, known.keys().map(String::as_str));
                        found.push(crate::unknown::finding(&here, meant));
                    }
                }
            }
        }
        (Value::Array(written), Value::Array(known)) => {
            for (index, (value, known)) in written.iter().zip(known).enumerate() {
                missing(&item(path, index), value, known, found);
            }
        }
        _ => {}
    }
}

/// What a type may leave out when it is written again.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}
