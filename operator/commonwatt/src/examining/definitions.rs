//! Whether our definitions are installed, and are this program's.

use std::collections::BTreeSet;

use commonwatt_api::crdgen;
use commonwatt_store::{Kind, Store};
use serde_json::Value;

use super::{Examined, Finding, first};

const CHECK: &str = "definitions";
const DEFINITION: Kind = Kind::new(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
);
const INSTALL: &str = "helm upgrade --install definitions charts/commonwatt-crds, or: commonwatt crd | kubectl apply --server-side -f -";
/// Fields that are named in a message.
const MOST_NAMED: usize = 6;

pub async fn check(examined: &Examined) -> Vec<Finding> {
    let wanted = match crdgen::all_json() {
        Ok(wanted) => wanted,
        Err(error) => {
            return vec![Finding::problem(
                CHECK,
                error.to_string(),
                "report this: it is a defect",
            )];
        }
    };
    let mut findings = Vec::new();
    for wanted in &wanted {
        let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
        match examined.store.get(&DEFINITION, None, name).await {
            Ok(Some(present)) => findings.extend(compare(name, wanted, &present.0)),
            Ok(None) => findings.push(Finding::problem(
                CHECK,
                format!("{name} is not installed"),
                INSTALL,
            )),
            Err(error) => {
                // One word for all: an account that may not read one may read none.
                findings.push(Finding::warning(
                    CHECK,
                    format!("definitions cannot be read, so their version is not known: {error}"),
                    "ask with an account that may get customresourcedefinitions",
                ));
                return findings;
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            format!("all {} are installed and this version's", wanted.len()),
        ));
    }
    findings
}

/// What differs between our definition and the one that is installed.
pub fn compare(name: &str, wanted: &Value, present: &Value) -> Option<Finding> {
    let established = present["status"]["conditions"]
        .as_array()
        .is_some_and(|conditions| {
            let mut conditions = conditions.iter();
            conditions.any(|c| c["type"] == "Established" && c["status"] == "True")
        });
    if !established {
        let message = format!("{name} is there and not established");
        return Some(Finding::problem(
            CHECK,
            message,
            format!("kubectl describe crd {name} says why"),
        ));
    }
    let (ours, theirs) = (fields(wanted), fields(present));
    let (older, newer): (Vec<_>, Vec<_>) = (
        ours.difference(&theirs).map(String::as_str).collect(),
        theirs.difference(&ours).map(String::as_str).collect(),
    );
    match (older.as_slice(), newer.as_slice()) {
        ([], []) if rules(wanted) == rules(present) => None,
        ([], []) => Some(Finding::warning(
            CHECK,
            format!("{name} has other rules than this version's"),
            INSTALL,
        )),
        (older, []) => Some(Finding::problem(
            CHECK,
            format!(
                "{name} is older than this program: it lacks {}",
                first(older, MOST_NAMED)
            ),
            INSTALL,
        )),
        ([], newer) => Some(Finding::warning(
            CHECK,
            format!(
                "{name} is newer than this program: it also has {}",
                first(newer, MOST_NAMED)
            ),
            "use the program of the version that is installed",
        )),
        (older, newer) => Some(Finding::problem(
            CHECK,
            format!(
                "{name} is another version: it lacks {} and also has {}",
                first(older, MOST_NAMED),
                first(newer, MOST_NAMED)
            ),
            INSTALL,
        )),
    }
}

fn schema(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

/// Every field's path.
fn fields(definition: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in ["spec", "status"] {
        collect(part, &schema(definition)["properties"][part], &mut found);
    }
    found
}

fn collect(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let here = format!("{path}.{name}");
        collect(&here, field, found);
        collect(&format!("{here}[]"), &field["items"], found);
        found.insert(here);
    }
}

/// The rules, in their order, and what bounds a value; descriptions do not count.
fn rules(definition: &Value) -> Vec<String> {
    let mut found = Vec::new();
    bounds(schema(definition), &mut found);
    found.sort();
    found
}

fn bounds(schema: &Value, found: &mut Vec<String>) {
    let rules = schema["x-kubernetes-validations"].as_array();
    for rule in rules.into_iter().flatten() {
        found.push(format!("rule {}", rule["rule"]));
    }
    for key in ["enum", "required", "pattern", "maximum", "minimum"] {
        match &schema[key] {
            Value::Null | Value::Object(_) => {}
            // Numbers come back as the API server writes them.
            Value::Number(number) => {
                found.push(format!("{key} {}", number.as_f64().unwrap_or(0.0)));
            }
            value => found.push(format!("{key} {value}")),
        }
    }
    for field in schema["properties"].as_object().into_iter().flatten() {
        bounds(field.1, found);
    }
    if schema["items"].is_object() {
        bounds(&schema["items"], found);
    }
}
