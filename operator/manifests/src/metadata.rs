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
    } else if object["kind"] == "Namespace" && object["apiVersion"] == "v1" {
        // A namespace is a part of host names, so that its own name has no dots.
        if !is_label(text("name")) {
            found.push(label("metadata.name", &metadata["name"]));
        }
    } else if !is_subdomain(text("name")) {
        found.push(name("metadata.name", text("name")));
    }
    if !metadata["namespace"].is_null() && !is_label(text("namespace")) {
        found.push(label("metadata.namespace", &metadata["namespace"]));
    }
    for field in ["labels", "annotations"] {
        let entries = metadata[field].as_object();
        for key in entries.into_iter().flat_map(Map::keys) {
            if let Err(part) = qualified_name(key) {
                found.push(Finding::new(
                    format!("metadata.{field}"),
                    format!("Invalid value: {}: {part} must consist of", shown(&key.as_str().into())),
                    "use letters, digits, '-', '_' and '.', at most 63, with a domain and '/' before them where you like",
                ));
            }
        }
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

fn label(field: &str, name: &Value) -> Finding {
    let rule = if name.as_str().is_some_and(|name| name.contains('.')) {
        "must not contain dots"
    } else {
        "a lowercase RFC 1123 label"
    };
    Finding::new(
        field,
        format!("Invalid value: {}: {rule}", shown(name)),
        "use at most 63 small letters, digits and hyphens, as in models",
    )
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
    text.len() <= 63 && is_host_part(text)
}

/// Labels with dots between them; a part may be longer than a label alone.
fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_host_part)
}

/// A label of any length.
fn is_host_part(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The name of a label or an annotation, `tier` or `example.com/tier`, or the part of it that is wrong.
fn qualified_name(text: &str) -> Result<(), &'static str> {
    let (domain, name) = text
        .split_once('/')
        .map_or((None, text), |(domain, name)| (Some(domain), name));
    if name.contains('/') {
        return Err("a valid label key");
    }
    if !domain.is_none_or(is_subdomain) {
        return Err("prefix part a lowercase RFC 1123 subdomain");
    }
    if name.is_empty() || !is_label_value(name) {
        return Err("name part");
    }
    Ok(())
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
