//! Accelerators, counted from nodes and from what pods request of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use commonwatt_store::Object;
use serde_json::Value;

/// The resource that accelerators are requested by.
pub const ACCELERATOR: &str = "nvidia.com/gpu";
/// The node label that names the product.
pub const PRODUCT_LABEL: &str = "nvidia.com/gpu.product";

/// A node with accelerators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its product.
    pub product: String,
    /// Accelerators that pods may request.
    pub allocatable: u32,
    /// Requested by pods, by the workload they belong to.
    pub requested: BTreeMap<Owner, u32>,
}

/// What a pod belongs to: an admission record, or somebody else's workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Admitted work, by its record's name.
    Record(String),
    /// Everything else.
    Other,
}

/// Ready nodes of a site, by name.
pub fn nodes(all: &[Arc<Object>], selector: &BTreeMap<String, String>) -> BTreeMap<String, Node> {
    all.iter()
        .filter(|node| {
            selector
                .iter()
                .all(|(key, value)| node.label(key) == Some(value))
        })
        .filter(|node| is_ready(node) && node.0["spec"]["unschedulable"] != true)
        .filter_map(|node| {
            let product = node.label(PRODUCT_LABEL)?.to_owned();
            let allocatable = count(&node.0["status"]["allocatable"][ACCELERATOR]);
            Some((
                node.name().to_owned(),
                Node {
                    product,
                    allocatable,
                    requested: BTreeMap::new(),
                },
            ))
        })
        .collect()
}

/// A node is ready unless it says that it is not; one that says nothing yet is a plain manifest.
fn is_ready(node: &Object) -> bool {
    let conditions = node.0["status"]["conditions"].as_array();
    conditions.is_none_or(|conditions| {
        conditions
            .iter()
            .filter(|c| c["type"] == "Ready")
            .all(|c| c["status"] == "True")
    })
}

/// Charges pods to their nodes. `owner` says what a pod belongs to.
pub fn charge(
    nodes: &mut BTreeMap<String, Node>,
    pods: &[Arc<Object>],
    owner: impl Fn(&Object) -> Owner,
) {
    for pod in pods.iter().filter(|pod| is_running(pod)) {
        let Some(node) = pod.0["spec"]["nodeName"]
            .as_str()
            .and_then(|name| nodes.get_mut(name))
        else {
            continue;
        };
        let wanted = accelerators_of(&pod.0["spec"]);
        if wanted > 0 {
            *node.requested.entry(owner(pod)).or_default() += wanted;
        }
    }
}

/// A pod that holds what it requests: also one that is ending.
pub fn is_running(pod: &Object) -> bool {
    !matches!(
        pod.0["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    )
}

/// Accelerators that a pod spec requests: the containers together, or an init container alone if that is more.
pub fn accelerators_of(spec: &Value) -> u32 {
    let of = |containers: &Value| -> Vec<u32> {
        let list = containers.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter()
            .map(|container| {
                let resources = &container["resources"];
                count(&resources["limits"][ACCELERATOR])
                    .max(count(&resources["requests"][ACCELERATOR]))
            })
            .collect()
    };
    let together: u32 = of(&spec["containers"]).iter().sum();
    together.max(of(&spec["initContainers"]).into_iter().max().unwrap_or(0))
}

/// A count that may be written as text.
fn count(value: &Value) -> u32 {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

/// Whether a label selector picks an object. Only `matchLabels` is looked at; an empty selector picks nothing here.
pub fn selects(selector: &Value, object: &Object) -> bool {
    let Some(labels) = selector["matchLabels"].as_object() else {
        return false;
    };
    !labels.is_empty()
        && labels
            .iter()
            .all(|(key, value)| object.label(key) == value.as_str())
}

/// Nodes by accelerators available on each: free ones, and those of the owners that `counts_as_free` names.
pub fn available(
    nodes: &BTreeMap<String, Node>,
    product: &str,
    counts_as_free: impl Fn(&Owner) -> bool,
) -> BTreeMap<u32, u32> {
    let mut shapes = BTreeMap::new();
    for node in nodes.values().filter(|node| node.product == product) {
        let taken: u32 = node
            .requested
            .iter()
            .filter(|(owner, _)| !counts_as_free(owner))
            .map(|(_, count)| count)
            .sum();
        *shapes
            .entry(node.allocatable.saturating_sub(taken))
            .or_default() += 1;
    }
    shapes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, ready: &str) -> Arc<Object> {
        Arc::new(Object(json!({
            "metadata": { "name": name, "labels": { PRODUCT_LABEL: "H100", "site": "a" } },
            "status": { "allocatable": { ACCELERATOR: "8" }, "conditions": [{ "type": "Ready", "status": ready }] },
        })))
    }

    fn pod(node: &str, accelerators: u32, phase: &str) -> Arc<Object> {
        Arc::new(Object(json!({
            "metadata": { "name": "p" },
            "spec": { "nodeName": node, "containers": [{ "resources": { "limits": { ACCELERATOR: accelerators } } }] },
            "status": { "phase": phase },
        })))
    }

    #[test]
    fn only_ready_nodes_of_the_site_count_and_finished_pods_hold_nothing() {
        let all = [node("one", "True"), node("two", "False")];
        let mut found = nodes(&all, &[("site".to_owned(), "a".to_owned())].into());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["one"]);
        charge(
            &mut found,
            &[pod("one", 2, "Running"), pod("one", 4, "Succeeded")],
            |_| Owner::Other,
        );
        assert_eq!(available(&found, "H100", |_| false), [(6, 1)].into());
        assert_eq!(
            available(&found, "H100", |owner| *owner == Owner::Other),
            [(8, 1)].into()
        );
    }
}
