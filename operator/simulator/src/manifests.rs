//! YAML manifests from a directory.

use std::fs;
use std::path::{Path, PathBuf};

use commonwatt_store::Object;
use serde_json::Value;

/// A document that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: document {document}: {why}", file.display())]
pub struct ManifestError {
    /// In which file.
    pub file: PathBuf,
    /// Which document of it, from 1.
    pub document: usize,
    /// What is wrong.
    pub why: String,
}

/// Reads every `.yaml` and `.yml` below a directory, or one file, in the order of their names. A document that is wrong
/// loses only itself.
///
/// # Errors
/// When the directory or a file cannot be read at all.
pub fn read_manifests(path: &Path) -> std::io::Result<(Vec<Object>, Vec<ManifestError>)> {
    let mut files = Vec::new();
    collect(path, &mut files)?;
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let text = fs::read_to_string(&file)?;
        for (index, document) in documents(&text).into_iter().enumerate() {
            match read(&document) {
                Ok(found) => objects.extend(found),
                Err(why) => problems.push(ManifestError {
                    file: file.clone(),
                    document: index + 1,
                    why,
                }),
            }
        }
    }
    Ok((objects, problems))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
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

/// Documents between lines of `---`.
fn documents(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            all.push(String::new());
        } else if let Some(last) = all.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    all.retain(|document| {
        document
            .lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    });
    all
}

fn read(document: &str) -> Result<Vec<Object>, String> {
    let value: Value = serde_saphyr::from_str(document).map_err(|error| error.to_string())?;
    if value["kind"]
        .as_str()
        .is_some_and(|kind| kind.ends_with("List"))
    {
        let items = value["items"].as_array().cloned().unwrap_or_default();
        return Ok(items.into_iter().map(Object).collect());
    }
    let object = Object(value);
    if object.kind().is_empty() || object.name().is_empty() || object.0["apiVersion"].is_null() {
        return Err("needs apiVersion, kind and metadata.name".into());
    }
    Ok(vec![object])
}
