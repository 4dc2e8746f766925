//! The walls between the rooms: what the pure crates may know, and which way dependencies point.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Crates that take time, randomness and I/O from outside.
const PURE: [&str; 4] = [
    "commonwatt-fleet",
    "commonwatt-planner",
    "commonwatt-audit",
    "commonwatt-ledger",
];

/// The rooms in the order in which they may depend on each other.
const ORDER: [&str; 16] = [
    "commonwatt-api",
    "commonwatt-fleet",
    "commonwatt-planner",
    "commonwatt-audit",
    "commonwatt-families",
    "commonwatt-signals",
    "commonwatt-ledger",
    "commonwatt-store",
    "commonwatt-manifests",
    "commonwatt-hub",
    "commonwatt-site",
    "commonwatt-kubernetes",
    "commonwatt-simulator",
    "commonwatt-dashboard",
    "commonwatt-experiments",
    "commonwatt",
];

fn packages() -> BTreeMap<String, Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let list = metadata["packages"].as_array().expect("packages").clone();
    list.into_iter()
        .map(|package| {
            (
                package["name"].as_str().expect("a name").to_owned(),
                package,
            )
        })
        .collect()
}

/// What a crate needs to build, development aside.
fn needs(package: &Value) -> Vec<&Value> {
    let all = package["dependencies"].as_array().expect("dependencies");
    all.iter()
        .filter(|dependency| dependency["kind"].is_null())
        .collect()
}

/// Everything below a crate that is not optional.
fn reached(packages: &BTreeMap<String, Value>, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        let Some(package) = packages.get(&name) else {
            continue;
        };
        for dependency in needs(package)
            .into_iter()
            .filter(|dependency| dependency["optional"] != true)
        {
            let name = dependency["name"].as_str().expect("a name").to_owned();
            if found.insert(name.clone()) {
                open.push(name);
            }
        }
    }
    found
}

#[test]
fn the_pure_crates_know_no_kubernetes_no_async_and_no_network() {
    let packages = packages();
    for pure in PURE {
        let reached = reached(&packages, pure);
        for foreign in [
            "kube",
            "k8s-openapi",
            "tokio",
            "async-trait",
            "futures",
            "hyper",
            "reqwest",
            "rand",
            "getrandom",
        ] {
            assert!(!reached.contains(foreign), "{pure} reaches {foreign}");
        }
    }
}

#[test]
fn the_pure_crates_cannot_read_a_clock() {
    let packages = packages();
    for pure in PURE {
        for chrono in needs(&packages[pure])
            .into_iter()
            .filter(|dependency| dependency["name"] == "chrono")
        {
            let clock = chrono["features"]
                .as_array()
                .expect("features")
                .iter()
                .any(|f| f == "clock" || f == "now");
            assert!(
                !clock && chrono["uses_default_features"] == false,
                "{pure} asks for chrono's clock"
            );
        }
    }
}

#[test]
fn every_room_depends_only_on_rooms_above_it() {
    let packages = packages();
    for (place, room) in ORDER.iter().enumerate() {
        let Some(package) = packages.get(*room) else {
            continue;
        };
        for dependency in needs(package) {
            let name = dependency["name"].as_str().expect("a name");
            let above = ORDER
                .iter()
                .position(|other| *other == name)
                .is_none_or(|other| other < place);
            assert!(above, "{room} depends on {name}, which stands below it");
        }
    }
    let audit = reached(&packages, "commonwatt-audit");
    assert!(
        !audit.contains("commonwatt-planner"),
        "the audit must not take the planner's word"
    );
}
