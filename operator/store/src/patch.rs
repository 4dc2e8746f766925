//! JSON merge patches (RFC 7396).

use serde_json::{Map, Value};

/// The smallest merge patch that makes `new` of `old`, or nothing when they are equal. Lists are replaced whole.
pub fn merge_diff(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            Some(old) => {
                if let Some(inner) = merge_diff(old, value) {
                    patch.insert(key.clone(), inner);
                }
            }
            None if value.is_null() => {}
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Applies a merge patch.
pub fn apply_merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.remove(key);
        } else {
            apply_merge(map.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_difference_applied_to_the_old_gives_the_new() {
        let old = json!({ "a": 1, "b": { "c": [1, 2], "d": "x" }, "e": true });
        let new = json!({ "a": 1, "b": { "c": [2] }, "f": { "g": 1 } });
        let patch = merge_diff(&old, &new).expect("they differ");
        assert_eq!(
            patch,
            json!({ "b": { "c": [2], "d": null }, "f": { "g": 1 }, "e": null })
        );
        let mut patched = old;
        apply_merge(&mut patched, &patch);
        assert_eq!(patched, new);
        assert_eq!(merge_diff(&new, &new), None);
    }
}
