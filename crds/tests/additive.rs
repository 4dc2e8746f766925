//! What `crds/API-CHANGES.md` promises: whatever the baseline accepts is accepted still, and means the same.

use std::fs;
use std::path::Path;

use commonwatt_api::crdgen::all_json;
use serde_json::{Map, Value, json};

/// Words and columns, which no stored object depends on; and whether the managers of an object own its fields one by one,
/// which is changed of kinds with one writer alone (`crdgen`).
const FREE: [&str; 4] = ["description", "title", "example", "x-kubernetes-map-type"];
/// Bounds that may fall, and bounds that may rise.
const LOWER: [&str; 4] = ["minimum", "minLength", "minItems", "minProperties"];
const UPPER: [&str; 4] = ["maximum", "maxLength", "maxItems", "maxProperties"];

#[test]
fn what_the_baseline_accepts_is_accepted_still() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline/v1alpha1.json");
    let baseline: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(!baseline.is_empty());
    let today = all_json().unwrap();
    let wrong: Vec<String> = baseline
        .iter()
        .flat_map(|old| {
            let name = old["metadata"]["name"].as_str().unwrap();
            match today.iter().find(|new| new["metadata"]["name"] == name) {
                Some(new) => definition(name, old, new),
                None => vec![format!("{name}: removed")],
            }
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "not additive, see crds/API-CHANGES.md:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_change_that_refuses_stored_objects_is_found_and_an_addition_is_not() {
    let old = json!({"type": "object", "required": ["a"], "properties": {
        "a": {"type": "string", "enum": ["x", "y"], "maxLength": 9},
        "b": {"type": "integer", "minimum": 1.0, "nullable": true},
    }});
    let cases = [
        ("/properties/b", None, "b: removed"),
        ("/properties/a/type", Some(json!("integer")), "type"),
        ("/properties/a/enum", Some(json!(["x"])), "enum"),
        ("/properties/a/enum", Some(json!(["x", "y", "z"])), ""),
        ("/properties/a/maxLength", Some(json!(8)), "maxLength"),
        ("/properties/a/maxLength", Some(json!(10)), ""),
        ("/properties/a/maxLength", None, ""),
        ("/properties/a/pattern", Some(json!("^x")), "pattern"),
        ("/properties/b/minimum", Some(json!(2)), "minimum"),
        ("/properties/b/minimum", Some(json!(0)), ""),
        ("/properties/b/maximum", Some(json!(7)), "maximum"),
        ("/properties/b/nullable", None, "nullable"),
        ("/properties/b/default", Some(json!(1)), "default"),
        ("/properties/c", Some(json!({"type": "string"})), ""),
        ("/required", Some(json!(["a", "c"])), "required"),
        ("/required", None, ""),
        (
            "/x-kubernetes-validations",
            Some(json!([{"rule": "self.b > 1"}])),
            "x-kubernetes-validations",
        ),
    ];
    for (pointer, value, said) in cases {
        let mut new = old.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = new.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match &value {
            Some(value) => parent.insert(key.to_owned(), value.clone()),
            None => parent.remove(key),
        };
        let mut wrong = Vec::new();
        schema("", &old, &new, &mut wrong);
        let wrong = wrong.join("\n");
        assert_eq!(
            wrong.is_empty(),
            said.is_empty(),
            "{pointer} {value:?}: {wrong}"
        );
        assert!(wrong.contains(said), "{pointer} {value:?}: {wrong}");
    }
}

fn definition(name: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for part in [
        "/spec/group",
        "/spec/scope",
        "/spec/names/kind",
        "/spec/names/plural",
    ] {
        if old.pointer(part) != new.pointer(part) {
            wrong.push(format!("{name}{part}: changed"));
        }
    }
    let versions = |definition: &Value| definition["spec"]["versions"].as_array().cloned();
    let today = versions(new).unwrap_or_default();
    for before in versions(old).unwrap_or_default() {
        let Some(after) = today.iter().find(|after| after["name"] == before["name"]) else {
            wrong.push(format!("{name}: the version {} is removed", before["name"]));
            continue;
        };
        for part in ["served", "storage", "subresources"] {
            if before[part] != after[part] {
                wrong.push(format!("{name} {part}: changed"));
            }
        }
        let root = |version: &Value| version["schema"]["openAPIV3Schema"].clone();
        schema(name, &root(&before), &root(after), &mut wrong);
    }
    wrong
}

/// Anything that is not known to be harmless is wrong: a keyword that is new here is looked at by a person.
fn schema(path: &str, old: &Value, new: &Value, wrong: &mut Vec<String>) {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        if old != new {
            wrong.push(format!("{path}: changed"));
        }
        return;
    };
    fields(path, old, new, wrong);
    for part in ["items", "additionalProperties"] {
        match (old.get(part), new.get(part)) {
            (Some(before), Some(after)) => schema(&format!("{path}[]"), before, after, wrong),
            (None, None) => {}
            _ => wrong.push(format!("{path} {part}: changed")),
        }
    }
    let keywords = old
        .keys()
        .chain(new.keys().filter(|key| !old.contains_key(*key)));
    for key in keywords {
        let walked = ["properties", "items", "additionalProperties"].contains(&key.as_str());
        if !walked && !harmless(key, old.get(key), new.get(key)) {
            wrong.push(format!("{path} {key}: changed or tightened"));
        }
    }
}

fn fields(path: &str, old: &Map<String, Value>, new: &Map<String, Value>, wrong: &mut Vec<String>) {
    let before = old.get("properties").and_then(Value::as_object);
    for (name, field) in before.into_iter().flatten() {
        let here = format!("{path}.{name}");
        match new.get("properties").and_then(|fields| fields.get(name)) {
            Some(after) => schema(&here, field, after, wrong),
            None => wrong.push(format!("{here}: removed")),
        }
    }
}

fn harmless(key: &str, old: Option<&Value>, new: Option<&Value>) -> bool {
    let numbers = || Some((old?.as_f64()?, new?.as_f64()?));
    if old == new || FREE.contains(&key) {
        true
    } else if LOWER.contains(&key) {
        new.is_none() || numbers().is_some_and(|(old, new)| new <= old)
    } else if UPPER.contains(&key) {
        new.is_none() || numbers().is_some_and(|(old, new)| new >= old)
    } else if key == "enum" {
        new.is_none() || old.is_some() && within(old, new)
    } else if ["required", "x-kubernetes-validations"].contains(&key) {
        within(new, old)
    } else if key == "nullable" {
        new == Some(&Value::Bool(true))
    } else {
        key == "pattern" && new.is_none()
    }
}

/// Whether the other list has all of this one. Of a rule only what it asks counts, not how it words a refusal.
fn within(list: Option<&Value>, other: Option<&Value>) -> bool {
    let items = |list: Option<&Value>| -> Vec<Value> {
        let list = list.and_then(Value::as_array).cloned().unwrap_or_default();
        list.into_iter()
            .map(|item| item.get("rule").cloned().unwrap_or(item))
            .collect()
    };
    let other = items(other);
    items(list).iter().all(|item| other.contains(item))
}
