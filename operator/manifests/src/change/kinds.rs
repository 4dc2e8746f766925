//! Kinds by every name that kubectl knows them by.

use std::collections::BTreeMap;

use commonwatt_store::Object;

use crate::Definitions;

/// Kinds of ours and of the objects at hand, by name in lower case.
pub(super) struct Kinds(BTreeMap<String, String>);

impl Kinds {
    pub(super) fn of(definitions: &Definitions, objects: &[Object]) -> Self {
        let mut kinds = BTreeMap::new();
        for (name, kind) in definitions.names() {
            kinds.insert(name, kind);
        }
        for object in objects {
            let kind = object.kind();
            let lower = kind.to_lowercase();
            kinds
                .entry(format!("{lower}s"))
                .or_insert_with(|| kind.to_owned());
            kinds.entry(lower).or_insert_with(|| kind.to_owned());
        }
        Self(kinds)
    }

    /// The kind of that name.
    pub(super) fn named(&self, name: &str) -> Option<&str> {
        let lower = name.to_lowercase();
        let lower = lower.split('.').next().unwrap_or(&lower);
        self.0.get(lower).map(String::as_str)
    }

    pub(super) fn remedy(&self, wrong: &str) -> String {
        let mut kinds: Vec<String> = self.0.values().map(|kind| kind.to_lowercase()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        super::remedy(&wrong.to_lowercase(), kinds.iter().map(String::as_str))
    }
}
