//! Objects with something changed: what `what-if` asks. Documents are merged over the objects that they name (RFC 7396), or
//! added, or take one out with `$patch: delete`; a [`Set`] sets one field. What comes out is judged as an API server would.

mod fields;
mod kinds;
mod set;

use std::path::Path;

use commonwatt_store::{Object, apply_merge};
use serde_json::Value;

pub use fields::{FieldError, Fields};
pub use set::Set;

use crate::path::nearest;
use crate::read::{identity, no_object, shown_name};
use crate::yaml::{Unreadable, documents};
use crate::{Definitions, Finding, Place};
use kinds::Kinds;

/// Why something cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is not of the form KIND/NAME.PATH=VALUE.
    #[error("--set {typed}: {why}; write it as in powerbudget/feeder-a.spec.limit=900k")]
    NoSet {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no such kind.
    #[error("{at}: there is no kind {kind} here; {remedy}")]
    NoKind {
        /// The change.
        at: String,
        /// The kind, as it was typed.
        kind: String,
        /// What was probably meant, or what there is.
        remedy: String,
    },
    /// There is no such object.
    #[error("{at}: there is no {kind} {name}; {remedy}")]
    NoObject {
        /// The change.
        at: String,
        /// The kind.
        kind: String,
        /// The name, as it was typed.
        name: String,
        /// What was probably meant, or what there is.
        remedy: String,
    },
    /// The field cannot be set.
    #[error("{at}: {error}")]
    Field {
        /// The change.
        at: String,
        /// Why not.
        error: FieldError,
    },
    /// What comes out would be refused.
    #[error("{at}: {object}: {finding}")]
    Refused {
        /// The change.
        at: String,
        /// The object.
        object: String,
        /// What is wrong with it.
        finding: Finding,
    },
    /// The definitions are no schemas, which is a defect of theirs.
    #[error("the definitions cannot be used: {0}")]
    Definitions(String),
}

/// Objects that are changed step by step.
pub struct Changing {
    definitions: Definitions,
    objects: Vec<Object>,
    /// What changed, in words.
    pub said: Vec<String>,
    /// All that is wrong so far.
    pub errors: Vec<ChangeError>,
}

impl Changing {
    /// Nothing changed yet.
    ///
    /// # Errors
    /// [`ChangeError::Definitions`].
    pub fn new(objects: Vec<Object>) -> Result<Self, ChangeError> {
        Ok(Self {
            definitions: Definitions::ours().map_err(ChangeError::Definitions)?,
            objects,
            said: Vec::new(),
            errors: Vec::new(),
        })
    }

    /// The objects as they are now.
    pub fn into_objects(self) -> Vec<Object> {
        self.objects
    }

    /// Takes over every document of a file.
    pub fn merge(&mut self, file: &Path, text: &str) {
        for (index, document) in documents(text).into_iter().enumerate() {
            let place = |line| Place {
                file: file.to_owned(),
                line,
            };
            let refused = |line, finding| ChangeError::Refused {
                at: place(line).to_string(),
                object: format!("document {}", index + 1),
                finding,
            };
            let result = match document.value() {
                Ok(value) => self.merge_one(&place(document.line).to_string(), value),
                Err(Unreadable { line, why }) => Err(vec![refused(
                    line,
                    Finding::new("", format!("no YAML: {why}"), "mend it"),
                )]),
            };
            self.errors.extend(result.err().into_iter().flatten());
        }
    }

    /// Sets one field.
    pub fn set(&mut self, set: &Set) {
        if let Err(errors) = self.set_one(set) {
            self.errors.extend(errors);
        }
    }

    fn merge_one(&mut self, at: &str, mut patch: Value) -> Result<(), Vec<ChangeError>> {
        if let Some(finding) = no_kind(&patch) {
            return Err(vec![refused(at, "the document", finding)]);
        }
        let directive = patch
            .as_object_mut()
            .and_then(|fields| fields.remove("$patch"));
        let known = self.known(&patch);
        let name = shown_name(&patch);
        match (directive, known) {
            (Some(Value::String(word)), Some(index)) if word == "delete" => {
                self.objects.remove(index);
                self.said.push(format!("{name} taken out"));
                Ok(())
            }
            (Some(Value::String(word)), None) if word == "delete" => {
                Err(vec![self.no_object(at, &patch)])
            }
            (Some(_), _) => {
                let finding =
                    Finding::new("$patch", "only delete is known", "write $patch: delete");
                Err(vec![refused(at, &name, finding)])
            }
            (None, Some(index)) => {
                let mut object = self.objects[index].0.clone();
                apply_merge(&mut object, &without_identity(patch));
                self.accept(at, Some(index), object)?;
                self.said.push(format!("{name} changed"));
                Ok(())
            }
            (None, None) => {
                if let Some(finding) = no_object(&patch) {
                    let finding = vec![refused(at, &name, finding)];
                    return Err(self.perhaps_meant(at, &patch, finding));
                }
                self.definitions.settle(&mut patch);
                let added = self.accept(at, None, patch.clone());
                added.map_err(|errors| self.perhaps_meant(at, &patch, errors))?;
                self.said.push(format!("{name} added"));
                Ok(())
            }
        }
    }

    fn set_one(&mut self, set: &Set) -> Result<(), Vec<ChangeError>> {
        let at = format!("--set {set}");
        let kinds = Kinds::of(&self.definitions, &self.objects);
        let Some(kind) = kinds.named(&set.kind) else {
            return Err(vec![ChangeError::NoKind {
                remedy: kinds.remedy(&set.kind),
                kind: set.kind.clone(),
                at,
            }]);
        };
        let kind = kind.to_owned();
        let names = self.names(&kind);
        let (name, below) = set
            .split(names.iter().map(|(name, _)| name.as_str()))
            .map_err(|name| {
                vec![ChangeError::NoObject {
                    at: at.clone(),
                    kind: kind.clone(),
                    remedy: remedy(name, names.iter().map(|(name, _)| name.as_str())),
                    name: name.to_owned(),
                }]
            })?;
        let same: Vec<_> = names.iter().filter(|(known, _)| known == name).collect();
        let [(_, index)] = same[..] else {
            let all = names
                .iter()
                .filter(|(known, _)| known.ends_with(&format!("/{name}")));
            let all: Vec<_> = all.map(|(known, _)| known.as_str()).collect();
            return Err(vec![ChangeError::NoObject {
                at,
                kind,
                name: name.to_owned(),
                remedy: format!("there are several, say which: {}", all.join(", ")),
            }]);
        };
        let index = *index;
        let fields = set.fields(below).map_err(|error| vec![error])?;
        let schema = self.definitions.schema(&self.objects[index].0);
        let is_text = schema.is_some_and(|schema| fields.schema(schema)["type"] == "string");
        let value = set.value(is_text).map_err(|error| vec![error])?;
        let mut object = self.objects[index].0.clone();
        fields.set(&mut object, &value).map_err(|error| {
            vec![ChangeError::Field {
                at: at.clone(),
                error,
            }]
        })?;
        self.accept(&at, Some(index), object)?;
        self.said.push(set.to_string());
        Ok(())
    }

    /// Puts an object in the place of another, or at the end, if an API server would take it.
    fn accept(
        &mut self,
        at: &str,
        index: Option<usize>,
        object: Value,
    ) -> Result<(), Vec<ChangeError>> {
        // Not as an update of the old one: what cannot be changed on a cluster can be asked about.
        let findings = self.definitions.judge(&object, None);
        if !findings.is_empty() {
            let name = shown_name(&object);
            let refuse = |finding| refused(at, &name, finding);
            return Err(findings.into_iter().map(refuse).collect());
        }
        match index {
            Some(index) => self.objects[index] = Object(object),
            None => self.objects.push(Object(object)),
        }
        Ok(())
    }

    /// The object that a document names. Without a namespace it may be in any, if there is one of the name alone.
    fn known(&self, patch: &Value) -> Option<usize> {
        let [group, kind, namespace, name] = identity(patch);
        let same = |object: &Object| {
            let [other_group, other_kind, _, other_name] = identity(&object.0);
            let group = group.is_empty() || group == other_group;
            group && kind == other_kind && name == other_name
        };
        let all: Vec<_> = (0..self.objects.len())
            .filter(|index| same(&self.objects[*index]))
            .collect();
        let here = |index: &&usize| {
            let found = self.objects[**index].namespace().unwrap_or_default();
            found == namespace || (namespace.is_empty() && all.len() == 1)
        };
        all.iter().find(here).copied()
    }

    /// Names of a kind's objects, with their namespace and, where it is the only one of that name, without.
    fn names(&self, kind: &str) -> Vec<(String, usize)> {
        let objects = self.objects.iter().enumerate();
        let of_kind = objects.filter(|(_, object)| object.kind() == kind);
        let mut names = Vec::new();
        for (index, object) in of_kind {
            names.push((object.name().to_owned(), index));
            if let Some(namespace) = object.namespace() {
                names.push((format!("{namespace}/{}", object.name()), index));
            }
        }
        names
    }

    fn no_object(&self, at: &str, patch: &Value) -> ChangeError {
        let [_, kind, _, name] = identity(patch);
        let names = self.names(&kind);
        ChangeError::NoObject {
            at: at.to_owned(),
            remedy: remedy(&name, names.iter().map(|(name, _)| name.as_str())),
            kind,
            name,
        }
    }

    /// A document that is no whole object was meant for one that is there.
    fn perhaps_meant(&self, at: &str, patch: &Value, errors: Vec<ChangeError>) -> Vec<ChangeError> {
        let [_, kind, _, name] = identity(patch);
        let names = self.names(&kind);
        let near = nearest(&name, names.iter().map(|(name, _)| name.as_str())).is_some();
        if near || patch["apiVersion"].is_null() {
            vec![self.no_object(at, patch)]
        } else {
            errors
        }
    }
}

fn refused(at: &str, object: &str, finding: Finding) -> ChangeError {
    ChangeError::Refused {
        at: at.to_owned(),
        object: object.to_owned(),
        finding,
    }
}

/// A patch has a kind and a name, whatever else it leaves out.
fn no_kind(patch: &Value) -> Option<Finding> {
    let missing = |field: &'static str, value: &Value| {
        let empty = value.as_str().is_none_or(str::is_empty);
        empty.then(|| {
            Finding::new(
                field,
                format!("{field} not set"),
                "say which object is meant",
            )
        })
    };
    missing("kind", &patch["kind"]).or_else(|| missing("metadata.name", &patch["metadata"]["name"]))
}

/// What a patch says of the object it is for.
fn without_identity(mut patch: Value) -> Value {
    if let Some(fields) = patch.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    if let Some(metadata) = patch["metadata"].as_object_mut() {
        metadata.remove("name");
        metadata.remove("namespace");
    }
    patch
}

/// What was probably meant, or what there is.
pub fn remedy<'a>(wrong: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    const MOST: usize = 12;
    if let Some(meant) = nearest(wrong, known.clone()) {
        return format!("did you mean {meant}?");
    }
    let mut all: Vec<_> = known.collect();
    all.sort_unstable();
    all.dedup();
    let rest = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    match (all.is_empty(), rest) {
        (true, _) => "there is none at all".into(),
        (false, 0) => format!("there are: {}", all.join(", ")),
        (false, rest) => format!("there are: {} and {rest} more", all.join(", ")),
    }
}
