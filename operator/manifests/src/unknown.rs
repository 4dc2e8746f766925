//! Fields that no schema knows. An API server that is not strict drops them without a word.

use serde_json::Value;

use crate::Finding;
use crate::path::{child, item, nearest};

/// Fields of a value that its schema does not know.
pub fn findings(path: &str, schema: &Value, value: &Value, found: &mut Vec<Finding>) {
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    match value {
        Value::Object(fields) => {
            let Some(known) = schema["properties"].as_object() else {
                for (name, value) in fields {
                    let here = child(path, name);
                    findings(&here, &schema["additionalProperties"], value, found);
                }
                return;
            };
            for (name, value) in fields {
                let here = child(path, name);
                if let Some(schema) = known.get(name) {
                    findings(&here, schema, value, found);
                } else {
                    let meant = nearest(name, known.keys().map(String::as_str));
                    found.push(finding(&here, meant));
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                findings(&item(path, index), &schema["items"], value, found);
            }
        }
        _ => {}
    }
}

/// An unknown field, and what was probably meant.
pub fn finding(path: &str, meant: Option<&str>) -> Finding {
    let remedy = meant.map_or_else(
        || "take it out, or look it up with kubectl explain".to_owned(),
        |meant| format!("did you mean {meant}?"),
    );
    Finding::new(path, "unknown field", remedy)
}
