//! A workload given back: as it was when it was adopted, or as the policy says of what the agent created.

use commonwatt_api::{AdmissionRecord, AdmissionRecordSpec, DeletionPolicy, annotations};
use commonwatt_store::{Kind, Object, StoreError, to_object};
use serde_json::json;

use crate::agent::{Agent, Cycle};
use crate::workload::{Observed, TEMPLATE_HASH, control_value};

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
                self.store.delete(kind, found).await.map(|()| false)
            }
            // What the agent created and leaves behind is no longer marked as an assignment's.
            (Some(found), false, DeletionPolicy::Orphan) => {
                let patch = json!({ "metadata": { "annotations": { annotations::ASSIGNMENT: null, TEMPLATE_HASH: null } } });
                self.store
                    .merge(kind, found.namespace(), found.name(), &patch)
                    .await
                    .map(|_| true)
            }
            // Still charged while pods are ending.
            (None, _, _) => Ok(observed.actual == 0),
        };
        match result {
            Ok(false) => {
                cycle.writes += 1;
                false
            }
            Ok(true) => match to_object(record) {
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
                cycle
                    .failures
                    .push(format!("release of {}: {error}", spec.object.name));
                false
            }
        }
    }

    /// The original replicas again, and our ownership of the field dropped.
    async fn restore(
        &self,
        kind: &Kind,
        record: &AdmissionRecord,
        path: &str,
        found: &Object,
    ) -> Result<bool, StoreError> {
        let spec = &record.spec;
        if found.foreign_managers(path).is_empty() {
            let mut patch = Object(json!({}));
            patch.set(path, control_value(spec.subject.kind, original(spec)));
            self.store
                .merge(kind, found.namespace(), found.name(), &patch.0)
                .await?;
        }
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
        Ok(true)
    }
}

fn original(spec: &AdmissionRecordSpec) -> u32 {
    spec.original_replicas
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(0)
}
