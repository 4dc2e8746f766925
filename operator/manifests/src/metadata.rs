//! Names and labels, as every object has them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};

use crate::path::{child, shown};
use crate::{Finding, builtin};

/// What is wrong with `metadata`.
pub fn findings(object: &Value) -> Vec<Finding> {
    let metadata = &object["metadata"];
    let mut found = builtin::parsed::<ObjectMeta>("metadata", metadata);
    let text = |field: &str| metadata[field].as_str().unwrap_or_default();
    if text("name").is_empty() {
        let rule = if text("generateName").is_empty() {
            "Required value: name or generateName is required"
        } else {
            "a name that is generated differs every time"
        };
        found.push(Finding::new("metadata.name", rule, "give it a name"));
    } else if !is_subdomain(text("name")) {
        found.push(name("metadata.name", text("name")));
    }
    if !metadata["namespace"].is_null() && !is_label(text("namespace")) {
        found.push(Finding::new(
            "metadata.namespace",
            format!(
                "Invalid value: {}: a lowercase RFC 1123 label",
                shown(&metadata["namespace"])
            ),
            "use at most 63 small letters, digits and hyphens, as in models",
        ));
    }
    let labels = metadata["labels"].as_object();
    for (key, value) in labels.into_iter().flat_map(Map::iter) {
        if !value.as_str().is_some_and(is_label_value) {
            found.push(Finding::new(
                child("metadata.labels", key),
                format!(
                    "Invalid value: {}: a valid label must be an empty string or consist of alphanumeric characters",
                    shown(value)
                ),
                "use at most 63 letters, digits, '-', '_' and '.', or move it to an annotation",
            ));
        }
    }
    found
}

fn name(field: &str, name: &str) -> Finding {
    Finding::new(
        field,
        format!(
            "Invalid value: {}: a lowercase RFC 1123 subdomain",
            shown(&name.into())
        ),
        "use at most 253 small letters, digits, '-' and '.', as in north-hall",
    )
}

fn is_label(text: &str) -> bool {
    text.len() <= 63
        && !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Labels with dots between them; a part may be longer than a label alone.
fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

fn is_label_value(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().last())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
