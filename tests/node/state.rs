//! What is admitted, serves and is on the ledger, and must be the same after whatever happens.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::Result;
use crate::installed::Installed;

/// What must be the same after whatever happened.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    /// What the site has committed to.
    records: Vec<Value>,
    /// What serves.
    workloads: Vec<Value>,
    /// Every line of the ledger.
    ledger: Vec<String>,
}

impl Installed<'_> {
    /// What is there now.
    pub fn state(&self) -> Result<State> {
        let records = self.list("admissionrecords", "")?;
        let workloads = self.list("deployments", "app=chat")?;
        let sets = self.list("replicasets", "app=chat")?;
        let own =
            |object: &Value, field: &str| json!([object["metadata"]["uid"], object["spec"][field]]);
        Ok(State {
            records: records
                .iter()
                .map(|record| own(record, "ceiling"))
                .collect(),
            workloads: workloads
                .iter()
                .chain(&sets)
                .map(|object| own(object, "replicas"))
                .collect(),
            ledger: self.lines()?,
        })
    }

    /// Nothing is lost of what was there, and nothing is there twice.
    pub fn assert_same(&self, before: &State) -> Result {
        let now = self.state()?;
        assert_eq!(before.records.len(), 1, "{before:?}");
        assert_eq!(now.records, before.records, "{}", self.told());
        assert_eq!(now.workloads, before.workloads, "{}", self.told());
        assert!(
            now.ledger.starts_with(&before.ledger),
            "{:#?}\n{:#?}",
            before.ledger,
            now.ledger
        );
        let different: BTreeSet<_> = now.ledger.iter().collect();
        assert_eq!(different.len(), now.ledger.len(), "{:#?}", now.ledger);
        Ok(())
    }

    /// The ledger as it is on the node's disk.
    fn lines(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        files_below(self.ledger.path(), &mut files)?;
        assert!(!files.is_empty(), "no ledger in the claim");
        files.sort();
        let mut lines = Vec::new();
        for file in files {
            lines.extend(fs::read_to_string(file)?.lines().map(str::to_owned));
        }
        Ok(lines)
    }
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files_below(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
