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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::planned::Planned;
    use crate::printed::Comparison;
    use crate::saved::Saved;

    fn quickstart() -> Given {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/examples/quickstart");
        let source = Source::read(&folder, None).expect("the quickstart");
        Given::Manifests(source, "2023-06-05T12:00:00Z".parse().expect("a time"))
    }

    fn set(typed: &str) -> Changes {
        Changes {
            files: Vec::new(),
            sets: vec![typed.parse().expect("a setting")],
        }
    }

    async fn compared(given: &Given, changes: &Changes) -> Comparison {
        let (changed, said) = changes.apply(given).expect("changed");
        let before = given.planned().await.expect("planned");
        Comparison::of(&before, &changed.planned().await.expect("planned"), said)
    }

    #[tokio::test]
    async fn a_limit_of_a_site_reaches_the_plan_through_its_agents_offer() {
        let given = quickstart();
        let less = compared(&given, &set("powerbudget/toronto-feeder.spec.limit=3k")).await;
        assert!(less.is_worse());
        assert!(less.unserved_tokens.after > less.unserved_tokens.before);
        let toronto = &less.sites[&"toronto".into()];
        assert!(toronto.kilowatt_hours.after < toronto.kilowatt_hours.before);
        assert!(
            less.deployments
                .iter()
                .any(|moved| moved.name == "assistant")
        );
        assert!(less.communities.contains_key("niederrode"));
        let text = less.text(false);
        for part in [
            "powerbudget/toronto-feeder.spec.limit=3k",
            "not served",
            "models/assistant: ",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }

    #[tokio::test]
    async fn what_changes_nothing_differs_in_nothing() {
        let given = quickstart();
        let same = compared(
            &given,
            &set("gridevent/frankfurt-first-evening.metadata.labels.a=b"),
        )
        .await;
        assert!(!same.is_worse() && same.deployments.is_empty());
        assert!((same.money.before - same.money.after).abs() < 1e-9);
        assert!(
            same.text(false)
                .contains("runs in the first hour where it would without the change")
        );
    }

    #[tokio::test]
    async fn a_patch_file_takes_a_deployment_out_and_a_saved_world_takes_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("patch.yaml");
        let patch = "kind: ModelDeployment\nmetadata: {name: advisor}\n$patch: delete\n";
        std::fs::write(&file, patch).expect("written");
        let changes = Changes {
            files: vec![file],
            sets: Vec::new(),
        };
        let given = quickstart();
        let without = compared(&given, &changes).await;
        assert!(without.money.after < without.money.before);
        let Planned {
            world, previous, ..
        } = given.planned().await.expect("planned");
        let saved = Given::World(Box::new(Saved { world, previous }));
        let error = changes.apply(&saved).err().expect("refused").to_string();
        assert!(error.contains("a saved world has no objects"), "{error}");
        let less = compared(&saved, &set("site/toronto.hours[*].limit=3k")).await;
        assert!(less.is_worse());
    }

    #[tokio::test]
    async fn nothing_is_planned_when_not_all_can_be_changed() {
        let error = set("powerbudget/toronto-feder.spec.limit=3k")
            .apply(&quickstart())
            .err();
        let error = error.expect("refused").to_string();
        assert!(error.contains("did you mean toronto-feeder?"), "{error}");
    }
}
