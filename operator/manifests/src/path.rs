//! Paths as Kubernetes writes them: `spec.windows[0].limit`.

use serde_json::Value;

/// A field below a path.
pub fn child(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// An item below a path.
pub fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The schema of a field, one that is declared or one of a map.
pub fn below<'a>(schema: &'a Value, name: &str) -> &'a Value {
    let declared = schema["properties"].get(name);
    declared.unwrap_or(&schema["additionalProperties"])
}

/// A value as messages show it: short, in JSON.
pub fn shown(value: &Value) -> String {
    const MOST: usize = 80;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let begin: String = text.chars().take(MOST).collect();
    format!("{begin}...")
}

/// The name that was probably meant.
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 5)
        .min()
        .map(|(_, name)| name)
}
