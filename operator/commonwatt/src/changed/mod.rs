//! A fleet with something changed: what `what-if` plans beside the fleet as it is.

mod world;

use std::path::PathBuf;

use anyhow::{Context, bail};
use commonwatt_manifests::{ChangeError, Changing, Set};
use commonwatt_store::Object;

use crate::commands::Given;
use crate::simulated::Source;

/// What is changed.
#[derive(Debug, Default)]
pub struct Changes {
    /// Files of objects that are merged over those that there are.
    pub files: Vec<PathBuf>,
    /// Single fields.
    pub sets: Vec<Set>,
}

impl Changes {
    /// What is given with the changes, and what changed, in words. Nothing is changed if something cannot be.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn apply(&self, given: &Given) -> anyhow::Result<(Given, Vec<String>)> {
        match given {
            Given::Manifests(source, start) => {
                let (objects, said) = self.objects(source.objects.clone())?;
                let source = Source {
                    objects,
                    ..source.clone()
                };
                Ok((Given::Manifests(source, *start), said))
            }
            Given::Cluster(copied) => {
                let (objects, said) = self.objects(copied.objects())?;
                Ok((Given::Cluster(Box::new(copied.with(objects))), said))
            }
            Given::World(saved) => {
                if let Some(file) = self.files.first() {
                    bail!(
                        "{}: a saved world has no objects to merge it over; use --set, as in \
                         site/NAME.hours[*].limit=9000, or plan the manifests themselves",
                        file.display()
                    );
                }
                let mut saved = saved.as_ref().clone();
                let errors = world::set_all(&mut saved.world, &self.sets);
                all_right(&errors)?;
                let said = self.sets.iter().map(ToString::to_string).collect();
                Ok((Given::World(Box::new(saved)), said))
            }
        }
    }

    fn objects(&self, objects: Vec<Object>) -> anyhow::Result<(Vec<Object>, Vec<String>)> {
        let mut changing = Changing::new(objects)?;
        for file in &self.files {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            changing.merge(file, &text);
        }
        for set in &self.sets {
            changing.set(set);
        }
        all_right(&changing.errors)?;
        let said = std::mem::take(&mut changing.said);
        Ok((changing.into_objects(), said))
    }
}

fn all_right(errors: &[ChangeError]) -> anyhow::Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    bail!(
        "nothing is planned, since not all can be changed:\n  {}",
        lines.join("\n  ")
    )
}
