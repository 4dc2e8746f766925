//! Whether accelerators can be seen and are known.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{ModelProfile, Site};
use commonwatt_site::inventory::{ACCELERATOR, PRODUCT_LABEL};
use commonwatt_store::{Kind, Object, Store, list, owned};

use super::{Examined, Finding, first};

const CHECK: &str = "accelerators";
const SLICE: Kind = Kind::new("resource.k8s.io", "v1", "ResourceSlice", "resourceslices");
/// Nodes that are named in a message.
const MOST_NAMED: usize = 4;
/// A node's clock that is ahead by more than this shows in its heartbeat.
const MOST_SECONDS_AHEAD: i64 = 10;

pub async fn check(examined: &Examined) -> Vec<Finding> {
    let nodes = match examined.list(CHECK, &Kind::NODE, None).await {
        Ok(nodes) => nodes,
        Err(finding) => return vec![finding],
    };
    let mut findings = labels(&nodes);
    // Older servers have no such kind, and not every account may read them: then there is nothing to say of them.
    let slices = owned(examined.store.list(&SLICE, None).await.unwrap_or_default());
    findings.extend(by_claims(&nodes, &slices));
    let store = examined.store.as_ref();
    let sites = list::<Site>(store, None)
        .await
        .map(|listed| owned(listed.objects));
    let profiles = list::<ModelProfile>(store, None)
        .await
        .map(|listed| owned(listed.objects));
    findings.extend(known(
        &nodes,
        &sites.unwrap_or_default(),
        &profiles.unwrap_or_default(),
    ));
    let leases = examined
        .store
        .list(&Kind::LEASE, Some("kube-node-lease"))
        .await;
    let leases = owned(leases.unwrap_or_default());
    findings.extend(heartbeats(&leases, examined.now));
    if findings.is_empty() {
        let count: u64 = nodes.iter().map(accelerators).sum();
        findings.push(Finding::ok(
            CHECK,
            format!(
                "{count} on {} nodes, all of a labelled and known product",
                nodes.len()
            ),
        ));
    }
    findings
}

/// Accelerators that pods may request on a node.
fn accelerators(node: &Object) -> u64 {
    let count = &node.0["status"]["allocatable"][ACCELERATOR];
    let number = count.as_u64().or_else(|| count.as_str()?.parse().ok());
    number.unwrap_or(0)
}

fn labels(nodes: &[Object]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let bare: Vec<&str> = nodes
        .iter()
        .filter(|node| accelerators(node) > 0 && node.label(PRODUCT_LABEL).is_none())
        .map(Object::name)
        .collect();
    if !bare.is_empty() {
        findings.push(Finding::problem(
            CHECK,
            format!(
                "{} nodes have {ACCELERATOR} and no label {PRODUCT_LABEL}, so they are not offered: {}",
                bare.len(),
                first(&bare, MOST_NAMED)
            ),
            format!(
                "run NVIDIA's gpu-feature-discovery (in the GPU operator), or: kubectl label node {} {PRODUCT_LABEL}=PRODUCT",
                bare[0]
            ),
        ));
    }
    let idle: Vec<&str> = nodes
        .iter()
        .filter(|node| accelerators(node) == 0 && node.label(PRODUCT_LABEL).is_some())
        .map(Object::name)
        .collect();
    if !idle.is_empty() {
        findings.push(Finding::warning(
            CHECK,
            format!(
                "{} nodes have the label {PRODUCT_LABEL} and no allocatable {ACCELERATOR}: {}",
                idle.len(),
                first(&idle, MOST_NAMED)
            ),
            "see whether the device plugin runs there (kubectl get pods -A -o wide)",
        ));
    }
    findings
}

/// Accelerators that only claims can have are not counted in this version.
fn by_claims(nodes: &[Object], slices: &[Object]) -> Option<Finding> {
    let drivers: Vec<&str> = slices
        .iter()
        .filter_map(|slice| slice.0["spec"]["driver"].as_str())
        .filter(|driver| driver.contains("gpu"))
        .collect();
    let counted = nodes.iter().any(|node| accelerators(node) > 0);
    match (drivers.first(), counted) {
        (Some(driver), false) => Some(Finding::problem(
            CHECK,
            format!(
                "accelerators are there as ResourceSlices of {driver} alone, which this version does not count"
            ),
            format!("let the device plugin offer {ACCELERATOR} too"),
        )),
        (None, false) => Some(Finding::warning(
            CHECK,
            format!("no node has {ACCELERATOR}: a site here has nothing to offer"),
            "add nodes with accelerators and NVIDIA's device plugin, or run the role hub alone",
        )),
        _ => None,
    }
}

/// Products that no Site prices, and such that no profile measures.
fn known(nodes: &[Object], sites: &[Site], profiles: &[ModelProfile]) -> Vec<Finding> {
    let mut products: BTreeMap<&str, u64> = BTreeMap::new();
    for node in nodes {
        if let Some(product) = node.label(PRODUCT_LABEL) {
            *products.entry(product).or_default() += accelerators(node);
        }
    }
    let mut findings = Vec::new();
    for (product, count) in products.iter().filter(|(_, count)| **count > 0) {
        let mut priced = sites.iter().flat_map(|site| &site.spec.accelerators);
        if !sites.is_empty() && !priced.any(|class| class.product == **product) {
            findings.push(Finding::problem(
                CHECK,
                format!("no Site lists {product}, so {count} accelerators are not offered"),
                format!("add {product} with its price and watts to spec.accelerators of its Site"),
            ));
        }
        let mut measured = profiles.iter();
        if !profiles.is_empty() && !measured.any(|profile| profile.spec.product == **product) {
            findings.push(Finding::warning(
                CHECK,
                format!("no ModelProfile is of {product}: nothing can be placed on it"),
                "apply one that was measured on it (deploy/profiles has some)",
            ));
        }
    }
    findings
}

/// A heartbeat from the future is a node's clock that is ahead.
fn heartbeats(leases: &[Object], now: DateTime<Utc>) -> Option<Finding> {
    let ahead = leases.iter().filter_map(|lease| {
        let text = lease.at("spec.renewTime")?.as_str()?;
        let seconds = (text.parse::<DateTime<Utc>>().ok()? - now).num_seconds();
        (seconds > MOST_SECONDS_AHEAD).then_some((lease.name(), seconds))
    });
    let (node, seconds) = ahead.max_by_key(|(_, seconds)| *seconds)?;
    Some(Finding::warning(
        "clock",
        format!("the heartbeat of node {node} is {seconds} s ahead of this clock"),
        "set the nodes' clocks by NTP",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn accelerators_that_only_claims_can_have_are_told_of() {
        let slice = Object(json!({ "spec": { "driver": "gpu.nvidia.com" } }));
        let counted = Object(json!({ "status": { "allocatable": { ACCELERATOR: "8" } } }));
        let only = by_claims(&[], std::slice::from_ref(&slice)).map(|f| f.message);
        assert!(only.is_some_and(|message| message.contains("gpu.nvidia.com alone")));
        assert!(by_claims(&[counted], &[slice]).is_none());
        let none = by_claims(&[], &[]).map(|f| f.message);
        assert!(none.is_some_and(|message| message.contains("nothing to offer")));
    }

    #[test]
    fn a_heartbeat_from_the_future_names_its_node() {
        let now = DateTime::UNIX_EPOCH;
        let lease = |seconds: i64| {
            let at = now + chrono::TimeDelta::seconds(seconds);
            Object(
                json!({ "metadata": { "name": "node-a" }, "spec": { "renewTime": at.to_rfc3339() } }),
            )
        };
        assert_eq!(heartbeats(&[lease(-5), lease(5)], now), None);
        let ahead = heartbeats(&[lease(60)], now).map(|f| f.message);
        assert!(ahead.is_some_and(|message| message.contains("node-a is 60 s ahead")));
    }
}
