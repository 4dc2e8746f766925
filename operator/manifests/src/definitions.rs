//! The definitions of `commonwatt.dev`, and what they say of an object.

use std::collections::BTreeMap;

use commonwatt_api::{GROUP, VERSION, crdgen};
use serde_json::Value;

use crate::path::{below, nearest};
use crate::rules::Rules;
use crate::schema::Bounds;
use crate::{Finding, builtin, lists, metadata, unknown};

/// All definitions, ready to judge.
pub struct Definitions(BTreeMap<String, Definition>);

struct Definition {
    /// Singular, plural and short names.
    names: Vec<String>,
    namespaced: bool,
    schema: Value,
    bounds: Bounds,
    rules: Rules,
}

impl Definitions {
    /// The definitions of this version of the operator.
    ///
    /// # Errors
    /// When one of them is no schema, which is a defect of the definitions.
    pub fn ours() -> Result<Self, String> {
        let all = crdgen::all_json().map_err(|error| error.to_string())?;
        let mut kinds = BTreeMap::new();
        for definition in all {
            let spec = &definition["spec"];
            let kind = spec["names"]["kind"].as_str().unwrap_or_default();
            let schema = &spec["versions"][0]["schema"]["openAPIV3Schema"];
            let names = &spec["names"];
            let short = names["shortNames"].as_array().into_iter().flatten();
            let names = [&names["singular"], &names["plural"]]
                .into_iter()
                .chain(short);
            let definition = Definition {
                names: names.filter_map(Value::as_str).map(str::to_owned).collect(),
                namespaced: spec["scope"] == "Namespaced",
                schema: schema.clone(),
                bounds: Bounds::new(schema).map_err(|why| format!("{kind}: {why}"))?,
                rules: Rules::new(schema),
            };
            kinds.insert(kind.to_owned(), definition);
        }
        Ok(Self(kinds))
    }

    /// What kubectl and the API server do to an object before they judge it: `default` where a kind has namespaces and none
    /// is named, none where it has not, and no field of ours that is `null`.
    pub fn settle(&self, object: &mut Value) {
        let (api_version, kind) = kind_of(object);
        let ours = self.0.get(kind).filter(|_| group(api_version) == GROUP);
        let namespaced = ours.map_or_else(
            || builtin::is_namespaced(api_version, kind),
            |definition| Some(definition.namespaced),
        );
        if let Some(definition) = ours {
            without_nulls(&definition.schema, object);
        }
        if let (Some(metadata), Some(namespaced)) = (object["metadata"].as_object_mut(), namespaced)
        {
            if namespaced {
                metadata
                    .entry("namespace")
                    .or_insert_with(|| "default".into());
            } else {
                metadata.remove("namespace");
            }
        }
    }

    /// What an API server would say against an object, where the older one is `old`. Kinds of other groups than ours and
    /// those that Kubernetes brings are judged by their metadata alone.
    pub fn judge(&self, object: &Value, old: Option<&Value>) -> Vec<Finding> {
        let (api_version, kind) = kind_of(object);
        let served = api_version == format!("{GROUP}/{VERSION}");
        let mut findings = match self.0.get(kind).filter(|_| served) {
            Some(definition) => definition.judge(object, old),
            None if group(api_version) == GROUP => vec![self.unknown_kind(api_version, kind)],
            None => builtin::findings(api_version, kind, object).unwrap_or_default(),
        };
        for finding in metadata::findings(object) {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        findings
    }

    /// Every name of every kind of ours, with the kind.
    pub(crate) fn names(&self) -> impl Iterator<Item = (String, String)> {
        let all = self.0.iter();
        all.flat_map(|(kind, definition)| {
            let names = definition.names.iter();
            names.map(move |name| (name.to_lowercase(), kind.clone()))
        })
    }

    /// What an object of ours may say.
    pub(crate) fn schema(&self, object: &Value) -> Option<&Value> {
        let (api_version, kind) = kind_of(object);
        let ours = self.0.get(kind).filter(|_| group(api_version) == GROUP);
        ours.map(|definition| &definition.schema)
    }

    fn unknown_kind(&self, api_version: &str, kind: &str) -> Finding {
        if self.0.contains_key(kind) {
            let remedy = format!("write apiVersion: {GROUP}/{VERSION}");
            return Finding::new("apiVersion", no_matches(api_version, kind), remedy);
        }
        no_such_kind(api_version, kind, self.0.keys().map(String::as_str))
    }
}

fn kind_of(object: &Value) -> (&str, &str) {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    (text("apiVersion"), text("kind"))
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn no_matches(api_version: &str, kind: &str) -> String {
    format!("no matches for kind \"{kind}\" in version \"{api_version}\"")
}

/// A kind that its group does not have.
pub fn no_such_kind<'a>(
    api_version: &str,
    kind: &str,
    known: impl Iterator<Item = &'a str>,
) -> Finding {
    let remedy = nearest(kind, known).map_or_else(
        || "see kubectl api-resources for the kinds there are".to_owned(),
        |meant| format!("did you mean {meant}?"),
    );
    Finding::new("kind", no_matches(api_version, kind), remedy)
}

impl Definition {
    fn judge(&self, object: &Value, old: Option<&Value>) -> Vec<Finding> {
        let mut findings = Vec::new();
        unknown_fields(&self.schema, object, &mut findings);
        let object = prepared(&self.schema, object);
        let bounded = self.bounds.judge(&object);
        findings.extend(bounded.findings);
        lists::findings("", &self.schema, &object, &mut findings);
        if !bounded.blocking {
            let old = old.map(|old| prepared(&self.schema, old));
            findings.extend(self.rules.findings(&object, old.as_ref()));
        }
        findings
    }
}

/// What every object has is in no definition; metadata is judged by its own type.
fn unknown_fields(schema: &Value, object: &Value, found: &mut Vec<Finding>) {
    let mut own = object.clone();
    if let Some(fields) = own.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata"));
    }
    unknown::findings("", schema, &own, found);
}

/// An object as the API server judges it: without a status, which only the subresource takes, and with defaults.
fn prepared(schema: &Value, object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    kube_cel::apply_defaults(schema, &object)
}

/// A `null` is no value where the definition does not say that it may be one: what has a default gets it.
fn without_nulls(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                let schema = below(schema, name);
                !(value.is_null() && schema.is_object() && schema["nullable"] != true)
            });
            for (name, value) in fields {
                without_nulls(below(schema, name), value);
            }
        }
        Value::Array(items) => {
            for value in items {
                without_nulls(&schema["items"], value);
            }
        }
        _ => {}
    }
}
