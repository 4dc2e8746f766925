//! A field, or many at once, as a person types it: `spec.windows[0].limit`, `hours[*].limit`,
//! `metadata.annotations.commonwatt\.dev/deadline`.

use std::fmt;

use serde_json::{Map, Value};

use crate::path::{child, item, nearest};

/// Which fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
    /// Every item of a list, or every field of a map.
    All,
}

/// Why a field cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It is no path.
    #[error("{path:?} is no path: {why}; write it as in spec.windows[0].limit or hours[*].limit")]
    NoPath {
        /// What was typed.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something on the way has no fields or no items.
    #[error("{at} is {found} and has no {wanted}")]
    Within {
        /// Where.
        at: String,
        /// What is there.
        found: &'static str,
        /// What was looked for.
        wanted: &'static str,
    },
    /// There is no such item.
    #[error("{at} has {length} items; the first is {at}[0]")]
    NoItem {
        /// Of which list.
        at: String,
        /// How many it has.
        length: usize,
    },
    /// The value is none for the field.
    #[error("{why}")]
    Value {
        /// Why not.
        why: String,
    },
    /// There is no such field where fields are not made.
    #[error("{at} is unknown; {remedy}")]
    NoField {
        /// Where.
        at: String,
        /// What was probably meant, or what there is.
        remedy: String,
    },
}

impl Fields {
    /// Reads a path. A dot that belongs to a name is written `\.`.
    ///
    /// # Errors
    /// [`FieldError::NoPath`].
    pub fn parse(path: &str) -> Result<Self, FieldError> {
        let no_path = |why| FieldError::NoPath {
            path: path.to_owned(),
            why,
        };
        let mut steps = Vec::new();
        let mut rest = path;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) = after.split_once(']').ok_or(no_path("] is missing"))?;
                steps.push(match inside.parse() {
                    _ if inside == "*" => Step::All,
                    Ok(index) => Step::Item(index),
                    Err(_) => return Err(no_path("between [ and ] comes a number or *")),
                });
                rest = after;
                continue;
            }
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let (name, after) = name(rest);
            if name.is_empty() {
                return Err(no_path("a name is missing"));
            }
            steps.push(Step::Field(name));
            rest = after;
        }
        if steps.is_empty() {
            return Err(no_path("it is empty"));
        }
        Ok(Self(steps))
    }

    /// Sets the value in all of them; `null` takes a field out. Maps that are missing on the way are made.
    ///
    /// # Errors
    /// When what is there has no such field or item.
    pub fn set(&self, target: &mut Value, value: &Value) -> Result<(), FieldError> {
        set(&self.0, "", target, value, true)
    }

    /// As [`Self::set`], in fields that are there already.
    ///
    /// # Errors
    /// When one of them is not.
    pub fn change(&self, target: &mut Value, value: &Value) -> Result<(), FieldError> {
        set(&self.0, "", target, value, false)
    }

    /// What a schema says of the fields.
    pub(super) fn schema<'a>(&self, schema: &'a Value) -> &'a Value {
        self.0.iter().fold(schema, |schema, step| match step {
            Step::Field(name) => crate::path::below(schema, name),
            Step::Item(_) => &schema["items"],
            Step::All if schema["items"].is_object() => &schema["items"],
            Step::All => &schema["additionalProperties"],
        })
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if at == 0 => f.write_str(&name.replace('.', "\\."))?,
                Step::Field(name) => write!(f, ".{}", name.replace('.', "\\."))?,
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::All => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// A name up to the next dot or bracket, and what comes after it.
fn name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '\\' if !escaped => escaped = true,
            '.' | '[' if !escaped => return (name, &text[at..]),
            _ => {
                name.push(letter);
                escaped = false;
            }
        }
    }
    (name, "")
}

fn set(
    steps: &[Step],
    path: &str,
    target: &mut Value,
    value: &Value,
    make: bool,
) -> Result<(), FieldError> {
    let Some((step, rest)) = steps.split_first() else {
        *target = value.clone();
        return Ok(());
    };
    match step {
        Step::Field(name) => {
            if make && target.is_null() {
                *target = Value::Object(Map::new());
            }
            let fields = match target {
                Value::Object(fields) => fields,
                other => return Err(within(path, other, "fields")),
            };
            let here = child(path, name);
            if !make && !fields.contains_key(name) {
                return Err(no_field(here, name, fields));
            }
            if rest.is_empty() && value.is_null() {
                fields.remove(name);
                return Ok(());
            }
            set(
                rest,
                &here,
                fields.entry(name.as_str()).or_insert(Value::Null),
                value,
                make,
            )
        }
        Step::Item(index) => match target {
            Value::Array(items) => {
                let length = items.len();
                let item_at = items.get_mut(*index).ok_or_else(|| FieldError::NoItem {
                    at: path.to_owned(),
                    length,
                })?;
                set(rest, &item(path, *index), item_at, value, make)
            }
            other => Err(within(path, other, "items")),
        },
        Step::All => match target {
            Value::Array(items) => items
                .iter_mut()
                .enumerate()
                .try_for_each(|(index, one)| set(rest, &item(path, index), one, value, make)),
            Value::Object(fields) => fields
                .iter_mut()
                .try_for_each(|(name, one)| set(rest, &child(path, name), one, value, make)),
            other => Err(within(path, other, "items")),
        },
    }
}

fn within(path: &str, found: &Value, wanted: &'static str) -> FieldError {
    FieldError::Within {
        at: if path.is_empty() { "it" } else { path }.to_owned(),
        found: match found {
            Value::Null => "not there",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        },
        wanted,
    }
}

fn no_field(at: String, name: &str, fields: &Map<String, Value>) -> FieldError {
    let known = || fields.keys().map(String::as_str);
    let remedy = nearest(name, known()).map_or_else(
        || format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
        |meant| format!("did you mean {meant}?"),
    );
    FieldError::NoField { at, remedy }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn after(path: &str, value: Value) -> Result<Value, String> {
        let mut target =
            json!({ "a": [{ "b": 1 }, { "b": 2 }], "m": { "x.y": 1, "z": 2 }, "t": "text" });
        let fields = Fields::parse(path).map_err(|error| error.to_string())?;
        assert_eq!(Fields::parse(&fields.to_string()), Ok(fields.clone()));
        let set = fields.set(&mut target, &value);
        set.map(|()| target).map_err(|error| error.to_string())
    }

    #[test]
    fn one_field_all_items_and_fields_that_are_not_there_yet_are_set() {
        assert_eq!(
            after("a[1].b", json!(7)).map(|after| after["a"][1]["b"].clone()),
            Ok(json!(7))
        );
        assert_eq!(
            after("a[*].b", json!(7)).map(|after| after["a"].clone()),
            Ok(json!([{ "b": 7 }, { "b": 7 }]))
        );
        assert_eq!(
            after("m[*]", json!(0)).map(|after| after["m"].clone()),
            Ok(json!({ "x.y": 0, "z": 0 }))
        );
        assert_eq!(
            after("n.o.p", json!(true)).map(|after| after["n"].clone()),
            Ok(json!({ "o": { "p": true } }))
        );
        assert_eq!(
            after(r"m.x\.y", Value::Null).map(|after| after["m"].clone()),
            Ok(json!({ "z": 2 }))
        );
    }

    #[test]
    fn what_is_not_there_says_what_is() {
        for (path, said) in [
            ("a[2].b", "a has 2 items; the first is a[0]"),
            ("t.u", "t is text and has no fields"),
            ("m[0]", "m is a map and has no items"),
            ("a.b", "a is a list and has no fields"),
        ] {
            assert_eq!(after(path, json!(1)), Err(said.to_owned()), "{path}");
        }
        let mut target = json!({ "limit": 1, "pue": 1.1 });
        let change = |target: &mut Value, path| {
            let fields = Fields::parse(path).expect("a path");
            fields
                .change(target, &json!(2))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            change(&mut target, "limits"),
            Err("limits is unknown; did you mean limit?".into())
        );
        assert_eq!(
            change(&mut target, "x"),
            Err("x is unknown; there are: limit, pue".into())
        );
        assert_eq!(change(&mut target, "limit"), Ok(()));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "a..b", "a[", "a[x]", "a[-1]", "a."] {
            assert!(
                matches!(Fields::parse(path), Err(FieldError::NoPath { .. })),
                "{path}"
            );
        }
    }
}
