//! A workload given back: as it was when it was adopted, or as the policy says of what the agent created.

use commonwatt_api::{AdmissionRecord, AdmissionRecordSpec, DeletionPolicy, annotations};
use commonwatt_store::{Failure, Kind, Object, Store, StoreError, amend, to_object};
use serde_json::json;

use crate::agent::{Agent, Cycle};
use crate::autoscaler::{Bounds, MAX, MIN};
use crate::workload::{Observed, TEMPLATE_HASH, control_value};

/// A workload that is to be given back.
pub(crate) struct Release<'a> {
    pub store: &'a dyn Store,
    pub kind: &'a Kind,
    pub record: &'a AdmissionRecord,
    /// Where its replicas are.
    pub path: &'a str,
    /// The workload, if it is there.
    pub found: Option<&'a Object>,
    /// The autoscaler on record, if it is there.
    pub autoscaler: Option<&'a Object>,
    pub observed: Observed,
}

/// How far a workload has been given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// Not: its pods are ending.
    NotYet,
    /// A step was made.
    InPart,
    /// All the way: its record can go.
    Back,
}

impl Agent {
    /// Gives a workload back. True when that is done and the record gone.
    pub(crate) async fn release(
        &self,
        release: &Release<'_>,
        policy: DeletionPolicy,
        cycle: &mut Cycle,
    ) -> bool {
        match release.give_back(policy).await {
            Ok(Given::NotYet) => false,
            Ok(Given::InPart) => {
                cycle.writes += 1;
                false
            }
            Ok(Given::Back) => {
                let deleted = delete_record(release.store, release.record).await;
                cycle.writes += 1;
                deleted.is_ok()
            }
            Err(error) => {
                let name = &release.record.spec.object.name;
                cycle
                    .failures
                    .push(Failure::of(format!("release of {name}"), &error));
                false
            }
        }
    }
}

/// Deletes a record, or finds it gone.
pub(crate) async fn delete_record(
    store: &dyn Store,
    record: &AdmissionRecord,
) -> Result<(), StoreError> {
    let kind = Kind::of::<AdmissionRecord>();
    match store.delete(&kind, &to_object(record)?).await {
        Err(StoreError::NotFound(_)) => Ok(()),
        other => other,
    }
}

impl Release<'_> {
    /// An adopted workload with what it had, a created one as the policy says.
    pub async fn give_back(&self, policy: DeletionPolicy) -> Result<Given, StoreError> {
        let adopted = self.record.spec.workload.workload_ref.is_some();
        if let Some(autoscaler) = self.autoscaler {
            self.unbind(autoscaler).await?;
        }
        match (self.found, adopted, policy) {
            (None, _, _) => Ok(Given::Back),
            (Some(found), true, _) => self.restore(found).await,
            (Some(found), false, DeletionPolicy::Drain) => self.drain(found).await,
            (Some(found), false, DeletionPolicy::Orphan) => self.leave(found).await,
        }
    }

    /// What giving back does to it, for people; what the agent created is left as it is.
    pub fn in_words(&self) -> String {
        let Some(found) = self.found else {
            return "gone already".into();
        };
        if self.record.spec.workload.workload_ref.is_none() {
            return format!("left as it is, at {}", self.observed.wanted);
        }
        if let (Some(autoscaler), Some(known)) = (self.autoscaler, &self.record.spec.autoscaler) {
            let bounds = Bounds::original(known);
            return match foreign_bounds(autoscaler).as_slice() {
                [] => format!(
                    "HorizontalPodAutoscaler {} again from {} to {}",
                    known.name, bounds.min, bounds.max
                ),
                others => format!("left to {}", others.join(", ")),
            };
        }
        match found.foreign_managers(self.path).as_slice() {
            [] => format!("{} replicas again", original(&self.record.spec)),
            others => format!("left to {}", others.join(", ")),
        }
    }

    /// What the agent created and leaves behind is no longer marked as an assignment's, nor ours.
    async fn leave(&self, found: &Object) -> Result<Given, StoreError> {
        let patch = json!({ "metadata": { "annotations": { annotations::ASSIGNMENT: null, TEMPLATE_HASH: null } } });
        self.store
            .merge(self.kind, found.namespace(), found.name(), &patch)
            .await?;
        disown(self.store, self.kind, found).await?;
        Ok(Given::Back)
    }

    /// Down to nothing first, and away once the last pod has ended: until then it is charged.
    async fn drain(&self, found: &Object) -> Result<Given, StoreError> {
        let observed = self.observed;
        if observed.wanted > 0 && !observed.finished {
            self.set_replicas(found, 0).await?;
            return Ok(Given::InPart);
        }
        if observed.actual > 0 || found.is_being_deleted() {
            return Ok(Given::NotYet);
        }
        // Its status changes while the last pods end.
        let meant = found.at_any_version();
        self.store.delete(self.kind, &meant).await?;
        Ok(Given::InPart)
    }

    /// The original replicas again, unless an autoscaler sets them, and our ownership of the field dropped.
    async fn restore(&self, found: &Object) -> Result<Given, StoreError> {
        let paused = self.observed.wanted == 0;
        let steered = self.autoscaler.is_some() && !paused;
        if !steered && found.foreign_managers(self.path).is_empty() {
            self.set_replicas(found, original(&self.record.spec))
                .await?;
        }
        disown(self.store, self.kind, found).await?;
        Ok(Given::Back)
    }

    /// The original bounds again, and our ownership of them dropped.
    async fn unbind(&self, autoscaler: &Object) -> Result<(), StoreError> {
        let ours = [MIN, MAX].iter().any(|path| autoscaler.is_ours(path));
        let foreign = foreign_bounds(autoscaler);
        let known = self.record.spec.autoscaler.as_ref();
        if let Some(known) = known.filter(|_| foreign.is_empty()) {
            let original = Bounds::original(known);
            if Bounds::of(autoscaler) != original {
                self.store
                    .merge(
                        &Kind::AUTOSCALER,
                        autoscaler.namespace(),
                        autoscaler.name(),
                        &original.patch(),
                    )
                    .await?;
            }
        }
        if ours {
            disown(self.store, &Kind::AUTOSCALER, autoscaler).await?;
        }
        Ok(())
    }

    async fn set_replicas(&self, found: &Object, replicas: u32) -> Result<(), StoreError> {
        let mut patch = Object(json!({}));
        let value = control_value(self.record.spec.subject.kind, replicas);
        patch.set(self.path, value);
        self.store
            .merge(self.kind, found.namespace(), found.name(), &patch.0)
            .await?;
        Ok(())
    }
}

/// Who else owns an autoscaler's bounds.
fn foreign_bounds(autoscaler: &Object) -> Vec<String> {
    let mut others: Vec<String> = [MIN, MAX]
        .iter()
        .flat_map(|path| autoscaler.foreign_managers(path))
        .collect();
    others.sort();
    others.dedup();
    others
}

/// Takes our entries out of an object's field managers.
pub(crate) async fn disown(
    store: &dyn Store,
    kind: &Kind,
    found: &Object,
) -> Result<(), StoreError> {
    // An apply of nothing would give up only what was applied, and take the field away where nobody else owns it.
    amend(store, kind, found, Object::without_our_ownership).await?;
    Ok(())
}

fn original(spec: &AdmissionRecordSpec) -> u32 {
    spec.original_replicas
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(0)
}
