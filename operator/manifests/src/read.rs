//! A directory of manifests: every document of every file, judged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use commonwatt_store::Object;
use serde_json::Value;

use crate::yaml::{Unreadable, documents};
use crate::{Definitions, Finding, Place, Refusal};

/// What a directory says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifests {
    /// Objects that are accepted, in the order in which they were read.
    pub objects: Vec<Object>,
    /// Everything that is wrong with the others.
    pub refusals: Vec<Refusal>,
}

/// Reads every `.yaml` and `.yml` below a directory, or one file, in the order of their names. What is wrong loses only
/// itself.
///
/// # Errors
/// When the directory or a file cannot be read at all.
pub fn read_manifests(path: &Path) -> io::Result<Manifests> {
    let mut files = Vec::new();
    collect(path, &mut files)?;
    let mut reader = Reader::new().map_err(io::Error::other)?;
    for file in files {
        let bytes = fs::read(&file).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", file.display()))
        })?;
        match String::from_utf8(bytes) {
            Ok(text) => reader.read(&file, &text),
            Err(error) => reader.refuse(
                Place { file, line: 1 },
                "the file".into(),
                Finding::new("", error.to_string(), "save it as UTF-8"),
            ),
        }
    }
    Ok(reader.manifests)
}

/// Reads one text as if it were a file.
///
/// # Errors
/// When a definition is no schema, which is a defect of the definitions.
pub fn read_text(file: &Path, text: &str) -> Result<Manifests, String> {
    let mut reader = Reader::new()?;
    reader.read(file, text);
    Ok(reader.manifests)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        let yaml = entry
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        let skipped = entry
            .file_name()
            .is_some_and(|name| name == "kustomization.yaml" || name == "Chart.yaml");
        if entry.is_dir() || (yaml && !skipped) {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

/// What tells objects apart: group, kind, namespace and name.
pub(crate) type Identity = [String; 4];

struct Reader {
    definitions: Definitions,
    seen: BTreeMap<Identity, (Place, Value)>,
    manifests: Manifests,
}

impl Reader {
    fn new() -> Result<Self, String> {
        Ok(Self {
            definitions: Definitions::ours()?,
            seen: BTreeMap::new(),
            manifests: Manifests::default(),
        })
    }

    fn refuse(&mut self, place: Place, object: String, finding: Finding) {
        self.manifests.refusals.push(Refusal {
            place,
            object,
            finding,
        });
    }

    fn read(&mut self, file: &Path, text: &str) {
        for (index, read) in documents(text).into_iter().enumerate() {
            let place = Place {
                file: file.to_owned(),
                line: read.line,
            };
            let document = format!("document {}", index + 1);
            let found = match read.value() {
                Ok(found) => found,
                Err(Unreadable { line, why }) => {
                    let rule = format!("no YAML: {why}");
                    let finding = Finding::new("", rule, "mend it, then all else is judged");
                    self.refuse(Place { line, ..place }, document, finding);
                    continue;
                }
            };
            let is_list = found["kind"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("List"));
            match found["items"].as_array().filter(|_| is_list) {
                Some(items) => {
                    for item in items {
                        self.judge(&place, &document, item.clone());
                    }
                }
                None => self.judge(&place, &document, found),
            }
        }
    }

    fn judge(&mut self, place: &Place, document: &str, mut object: Value) {
        if let Some(finding) = no_object(&object) {
            return self.refuse(place.clone(), document.to_owned(), finding);
        }
        self.definitions.settle(&mut object);
        let identity = identity(&object);
        let before = self.seen.get(&identity);
        let mut findings = self.definitions.judge(&object, before.map(|(_, old)| old));
        if let Some((first, _)) = before {
            findings.push(Finding::new(
                "metadata.name",
                "already exists",
                format!("it is at {first}: take one of the two out, or give it another name"),
            ));
        }
        if findings.is_empty() {
            self.seen.insert(identity, (place.clone(), object.clone()));
            self.manifests.objects.push(Object(object));
            return;
        }
        let name = shown_name(&object);
        for finding in findings {
            self.refuse(place.clone(), name.clone(), finding);
        }
    }
}

/// Why a value is no object at all.
pub(crate) fn no_object(value: &Value) -> Option<Finding> {
    if !value.is_object() {
        return Some(Finding::new(
            "",
            "no object",
            "write apiVersion, kind, metadata and spec",
        ));
    }
    ["apiVersion", "kind"]
        .into_iter()
        .find(|field| value[*field].as_str().is_none_or(str::is_empty))
        .map(|field| Finding::new(field, format!("{field} not set"), "add it"))
}

pub(crate) fn identity(object: &Value) -> Identity {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let group = text(&object["apiVersion"]);
    let group = group.rsplit_once('/').map_or("", |(group, _)| group);
    let metadata = &object["metadata"];
    [
        group.to_owned(),
        text(&object["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"]),
    ]
}

/// `Site/paris` or `ModelDeployment/models/chat`.
pub(crate) fn shown_name(object: &Value) -> String {
    let [_, kind, namespace, name] = identity(object);
    let name = if name.is_empty() { "(no name)" } else { &name };
    if namespace.is_empty() {
        format!("{kind}/{name}")
    } else {
        format!("{kind}/{namespace}/{name}")
    }
}
