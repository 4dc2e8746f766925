//! A workload given back: as it was when it was adopted, or as the policy says of what the agent created.

use commonwatt_api::{AdmissionRecord, AdmissionRecordSpec, DeletionPolicy, annotations};
use commonwatt_store::{Failure, Kind, Object, StoreError, to_object};
use serde_json::json;

use crate::agent::{Agent, Cycle};
use crate::workload::{Observed, TEMPLATE_HASH, control_value};

/// How far a workload has been given back.
enum Given {
    /// Not: its pods are ending.
    NotYet,
    /// A step was made.
    InPart,
    /// All the way: its record can go.
    Back,
}

impl Agent {
    /// Gives a workload back: an adopted one with its original replicas, a created one as the policy says.
    pub(crate) async fn release(
        &self,
        kind: &Kind,
        record: &AdmissionRecord,
        policy: DeletionPolicy,
        path: &str,
        found: Option<&Object>,
        observed: Observed,
        cycle: &mut Cycle,
    ) -> bool {
        let spec = &record.spec;
        let adopted = spec.workload.workload_ref.is_some();
        let result = match (found, adopted, policy) {
            (Some(found), true, _) => self.restore(kind, record, path, found).await,
            (Some(found), false, DeletionPolicy::Drain) => {
                self.drain(kind, record, path, found, observed).await
            }
            // What the agent created and leaves behind is no longer marked as an assignment's, nor ours.
            (Some(found), false, DeletionPolicy::Orphan) => {
                let patch = json!({ "metadata": { "annotations": { annotations::ASSIGNMENT: null, TEMPLATE_HASH: null } } });
                match self
                    .store
                    .merge(kind, found.namespace(), found.name(), &patch)
                    .await
                {
                    Ok(_) => self.disown(kind, found).await.map(|()| Given::Back),
                    Err(error) => Err(error),
                }
            }
            (None, _, _) => Ok(Given::Back),
        };
        match result {
            Ok(Given::NotYet) => false,
            Ok(Given::InPart) => {
                cycle.writes += 1;
                false
            }
            Ok(Given::Back) => match to_object(record) {
                Ok(object) => {
                    let deleted = self
                        .store
                        .delete(&Kind::of::<AdmissionRecord>(), &object)
                        .await;
                    cycle.writes += 1;
                    matches!(deleted, Ok(()) | Err(StoreError::NotFound(_)))
                }
                Err(_) => false,
            },
            Err(error) => {
                cycle.failures.push(Failure::of(
                    format!("release of {}", spec.object.name),
                    &error,
                ));
                false
            }
        }
    }

    /// Down to nothing first, and away once the last pod has ended: until then it is charged.
    async fn drain(
        &self,
        kind: &Kind,
        record: &AdmissionRecord,
        path: &str,
        found: &Object,
        observed: Observed,
    ) -> Result<Given, StoreError> {
        if observed.wanted > 0 && !observed.finished {
            let mut patch = Object(json!({}));
            patch.set(path, control_value(record.spec.subject.kind, 0));
            self.store
                .merge(kind, found.namespace(), found.name(), &patch.0)
                .await?;
            return Ok(Given::InPart);
        }
        if observed.actual > 0 || found.is_being_deleted() {
            return Ok(Given::NotYet);
        }
        // Its status changes while the last pods end; the uid alone says which object is meant.
        let mut meant = found.clone();
        if let Some(metadata) = meant.0["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        self.store.delete(kind, &meant).await?;
        Ok(Given::InPart)
    }

    /// The original replicas again, and our ownership of the field dropped.
    async fn restore(
        &self,
        kind: &Kind,
        record: &AdmissionRecord,
        path: &str,
        found: &Object,
    ) -> Result<Given, StoreError> {
        let spec = &record.spec;
        if found.foreign_managers(path).is_empty() {
            let mut patch = Object(json!({}));
            patch.set(path, control_value(spec.subject.kind, original(spec)));
            self.store
                .merge(kind, found.namespace(), found.name(), &patch.0)
                .await?;
        }
        self.disown(kind, found).await?;
        Ok(Given::Back)
    }

    /// Takes our entries out of an object's field managers.
    async fn disown(&self, kind: &Kind, found: &Object) -> Result<(), StoreError> {
        // An apply of nothing would give up only what was applied, and take the field away where nobody else owns it.
        let now = self
            .store
            .get(kind, found.namespace(), found.name())
            .await?;
        if let Some(now) = now.filter(|now| now.uid() == found.uid())
            && let Some(patch) = now.without_our_ownership()
        {
            self.store
                .merge(kind, found.namespace(), found.name(), &patch)
                .await?;
        }
        Ok(())
    }
}

fn original(spec: &AdmissionRecordSpec) -> u32 {
    spec.original_replicas
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(0)
}
