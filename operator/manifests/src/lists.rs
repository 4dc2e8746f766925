//! Lists that are sets or maps: no item and no key twice.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::Finding;
use crate::path::{below, child, item, shown};

/// Items that are there twice.
pub fn findings(path: &str, schema: &Value, value: &Value, found: &mut Vec<Finding>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                findings(&child(path, name), below(schema, name), value, found);
            }
        }
        Value::Array(items) => {
            let mut seen = BTreeSet::new();
            for (index, value) in items.iter().enumerate() {
                let here = item(path, index);
                if let Some(key) = key(schema, value).filter(|key| !seen.insert(key.to_string())) {
                    found.push(Finding::new(
                        &here,
                        format!("Duplicate value: {}", shown(&key)),
                        "keep one of the two",
                    ));
                }
                findings(&here, &schema["items"], value, found);
            }
        }
        _ => {}
    }
}

/// What an item of a list must not share with another.
fn key(schema: &Value, item: &Value) -> Option<Value> {
    match schema["x-kubernetes-list-type"].as_str()? {
        "set" => Some(item.clone()),
        "map" => {
            let names = schema["x-kubernetes-list-map-keys"].as_array()?;
            let key: Map<_, _> = names
                .iter()
                .filter_map(Value::as_str)
                .map(|name| (name.to_owned(), item[name].clone()))
                .collect();
            Some(Value::Object(key))
        }
        _ => None,
    }
}
