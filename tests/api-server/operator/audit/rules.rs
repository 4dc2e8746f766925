//! Rules and requests as sets of the same words: verb and resource.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_harness::{ControlPlane, Request};
use serde_json::Value;

use super::super::fleet::{NAMESPACE, get};
use crate::Result;

/// Rights that the run does not use, and why they stay: `account mode verb resource: reason`.
const UNSEEN: &str = include_str!("unseen.txt");

/// Each a verb and a resource, as `patch batch/jobs/status`.
pub type Pairs = BTreeSet<String>;

/// What an account is granted on a control plane.
pub fn granted(plane: &ControlPlane, account: &str) -> Result<Pairs> {
    let cluster = get(plane, &["clusterrole", &format!("commonwatt-{account}")])?;
    let mut rules = cluster["rules"].as_array().cloned().unwrap_or_default();
    if account != "site-agent" {
        let own = get(plane, &["role", "commonwatt", "--namespace", NAMESPACE])?;
        rules.extend(own["rules"].as_array().cloned().unwrap_or_default());
    }
    Ok(rules.iter().flat_map(pairs).collect())
}

/// What was asked of an API server, and not refused.
pub fn used(requests: &[Request]) -> Pairs {
    let allowed = requests
        .iter()
        .filter(|request| request.code != 403 && !request.resource.starts_with('/'));
    let verbs = |request: &Request| -> Vec<String> {
        let of = |verb| pair(verb, &request.group, &request.resource);
        let mut verbs = vec![of(&request.verb)];
        // An apply is a patch that needs the right to create as well when it finds nothing.
        if request.verb == "patch" && request.code == 201 {
            verbs.push(of("create"));
        }
        verbs
    };
    allowed.flat_map(verbs).collect()
}

/// The lines of `unseen.txt`, and their reasons.
pub fn exceptions() -> BTreeMap<String, String> {
    let lines = UNSEEN
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (right, reason) = line.split_once(": ").expect("a reason after a colon");
            (right.to_owned(), reason.to_owned())
        })
        .collect()
}

fn pairs(rule: &Value) -> Vec<String> {
    let words = |field: &str| -> Vec<String> {
        let list = rule[field].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    };
    let mut found = Vec::new();
    for group in words("apiGroups") {
        for resource in words("resources") {
            let each = words("verbs");
            found.extend(each.iter().map(|verb| pair(verb, &group, &resource)));
        }
    }
    found
}

fn pair(verb: &str, group: &str, resource: &str) -> String {
    let slash = if group.is_empty() { "" } else { "/" };
    format!("{verb} {group}{slash}{resource}")
}
