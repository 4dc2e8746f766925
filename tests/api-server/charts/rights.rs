//! What is written down about rights, and what the API server says of them.

use std::fs;

use commonwatt_harness::ControlPlane;
use serde_json::{Value, json};

use crate::Result;

/// One line per right: resource, namespace (`*`: everywhere), verb, and who has it.
const RIGHTS: &str = include_str!("../../../charts/rights.txt");

/// A right: the resource as group/resource/subresource, its namespace and the verb.
pub(super) type Right<'a> = (&'a str, &'a str, &'a str);

/// The rights listed, and for each whether the roles together have it in a mode.
pub(super) fn listed(mode: &str, roles: &[&str]) -> (Vec<Right<'static>>, Vec<bool>) {
    let lines = RIGHTS.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let [resource, namespace, verb, hub, site] = words[..] else {
                panic!("five words, not {line:?}");
            };
            let has = [("hub", hub), ("site", site)].iter().any(|(role, who)| {
                let modes: &[&str] = match *who {
                    "yes" => &["Observe", "Advise", "Enforce"],
                    "advise" => &["Advise", "Enforce"],
                    "enforce" => &["Enforce"],
                    "-" => &[],
                    _ => panic!("yes, advise, enforce or -, not {who:?}"),
                };
                roles.contains(role) && modes.contains(&mode)
            });
            ((resource, namespace.trim_matches('*'), verb), has)
        })
        .unzip()
}

/// Asks the API server about many rights at once, as `kubectl auth can-i` does about one.
pub(super) fn may(plane: &ControlPlane, user: &Value, rights: &[Right]) -> Result<Vec<bool>> {
    let reviews: Vec<_> = rights
        .iter()
        .map(|(resource, namespace, verb)| {
            // Of the core group there is nothing before the resource, or `core` before one with a subresource.
            let parts: Vec<_> = resource.split('/').collect();
            let (group, resource, subresource) = match parts[..] {
                [resource] => ("", resource, ""),
                [group, resource] => (group, resource, ""),
                ["core", resource, subresource] => ("", resource, subresource),
                _ => (parts[0], parts[1], parts[2]),
            };
            let mut spec = user.clone();
            spec["resourceAttributes"] = json!({
                "group": group, "resource": resource, "subresource": subresource, "namespace": namespace, "verb": verb,
            });
            json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec})
        })
        .collect();
    let file = plane.directory().join("reviews.json");
    fs::write(
        &file,
        json!({"apiVersion": "v1", "kind": "List", "items": reviews}).to_string(),
    )?;
    let path = file.display().to_string();
    let answers = plane
        .kubectl(["create", "--output=json", "--filename", &path])
        .ok()?;
    let answers: Vec<Value> = serde_json::Deserializer::from_str(&answers)
        .into_iter()
        .collect::<std::result::Result<_, _>>()?;
    // One object each, or one list of them.
    let answers = match answers.as_slice() {
        [list] if list["items"].is_array() => list["items"].as_array().cloned().unwrap_or_default(),
        _ => answers,
    };
    assert_eq!(
        answers.len(),
        rights.len(),
        "not every question was answered"
    );
    Ok(answers
        .iter()
        .map(|answer| answer["status"]["allowed"] == true)
        .collect())
}
