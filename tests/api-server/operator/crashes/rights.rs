//! Everything that the operator may write, it was killed at.

use std::collections::BTreeSet;

use commonwatt_harness::ControlPlane;
use serde_json::Value;

use super::super::fleet::{Fleet, get};
use crate::Result;

/// Rights at whose use no crash is tried, and why.
const LEFT_OUT: [(&str, &str); 3] = [
    (
        "events",
        "a courtesy: written on the side, and again when a cause comes again",
    ),
    (
        "leases",
        "kept by the election itself, which a killed process loses by design",
    ),
    (
        "statefulsets",
        "by an adapter, with the code of deployments",
    ),
];

/// What roles allow, which cannot write what is not in them: resource, subresource included, and verb.
type Rights = BTreeSet<(String, String)>;

/// Compares the roles that the chart has installed with where the operator was killed. `places` are such as
/// `site: merge Site status`; what an agent writes at a hub it writes with the hub's account.
pub fn every_right_is_used(fleet: &Fleet, places: &BTreeSet<&str>) -> Result {
    let mut unused = Vec::new();
    let mut excused = BTreeSet::new();
    for (plane, roles) in [
        (&fleet.hub, &["hub", "site to hub"][..]),
        (fleet.site("north"), &["site"]),
    ] {
        for (resource, verb) in rights(plane)? {
            let used = places.iter().any(|place| {
                let write = place.split_once(": ");
                write.is_some_and(|(role, write)| {
                    roles.contains(&role) && uses(write, &resource, &verb)
                })
            });
            if !used && !LEFT_OUT.iter().any(|(left, _)| *left == resource) {
                unused.push(format!("{}: {verb} {resource}", roles[0]));
            } else if !used {
                excused.insert(resource);
            }
        }
    }
    assert!(
        unused.is_empty(),
        "no scenario makes use of these rights; add one, or say in LEFT_OUT why not: {unused:#?}"
    );
    let needless: Vec<_> = LEFT_OUT
        .iter()
        .filter(|(left, _)| !excused.contains(*left))
        .collect();
    assert!(
        needless.is_empty(),
        "left out and used all the same: {needless:?}"
    );
    Ok(())
}

/// What may be written by the chart's roles on an API server.
fn rights(plane: &ControlPlane) -> Result<Rights> {
    let ours = "--selector=app.kubernetes.io/instance=commonwatt";
    let roles = get(plane, &["clusterroles,roles", "--all-namespaces", ours])?;
    let words = |list: &Value| -> Vec<String> {
        let words = list.as_array().into_iter().flatten();
        words.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut all = Rights::new();
    for rule in roles["items"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|role| role["rules"].as_array().into_iter().flatten())
    {
        for resource in words(&rule["resources"]) {
            let writes = words(&rule["verbs"])
                .into_iter()
                .filter(|verb| !["get", "list", "watch"].contains(&verb.as_str()));
            all.extend(writes.map(|verb| (resource.clone(), verb)));
        }
    }
    assert!(!all.is_empty(), "the chart's roles are not found");
    Ok(all)
}

/// Whether a write such as `merge Site status` needs this right.
fn uses(write: &str, resource: &str, verb: &str) -> bool {
    let mut words = write.split(' ');
    let (did, kind) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (plural, is_status) = match resource.strip_suffix("/status") {
        Some(plural) => (plural, true),
        None => (resource, false),
    };
    let by_verb = match verb {
        "delete" => did == "delete",
        "create" => did == "apply" || did == "create",
        "patch" => did == "apply" || did == "merge",
        _ => false,
    };
    by_verb && plural_of(kind) == plural && write.ends_with(" status") == is_status
}

fn plural_of(kind: &str) -> String {
    let kind = kind.to_lowercase();
    kind.strip_suffix('y')
        .map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"))
}
