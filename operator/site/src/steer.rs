//! Brings a workload to its record: its replicas or the bounds of its autoscaler, and its template.

use commonwatt_api::{AdmissionRecord, conditions::reasons};
use commonwatt_store::{Event, EventType, Failure, Kind, Object, StoreError, to_object};
use serde_json::json;

use crate::agent::{Agent, Cycle};
use crate::autoscaler::Bounds;
use crate::dereference::kind_of;
use crate::release::{Release, disown};
use crate::schedule::scheduled;
use crate::stage::Stage;
use crate::workload::{
    Observed, TEMPLATE_HASH, control_path, control_value, desired, find, fingerprint,
};

impl Agent {
    /// Brings a workload to its record. True when a release is complete and the record gone.
    pub(crate) async fn steer(
        &self,
        stage: &Stage<'_>,
        record: &AdmissionRecord,
        observed: Observed,
        cycle: &mut Cycle,
    ) -> bool {
        let spec = &record.spec;
        let Some(adapter) = stage.seen.adapters.get(&spec.workload.adapter) else {
            return false;
        };
        let Some(path) = control_path(adapter, spec.subject.kind) else {
            return false;
        };
        let kind = kind_of(adapter);
        let found = find(
            &stage.seen.workloads,
            &spec.workload.adapter,
            &spec.object.namespace,
            &spec.object.name,
        );
        let autoscaler = stage.autoscaler_of(record);
        if let Some(policy) = spec.release {
            let release = Release {
                store: self.store.as_ref(),
                kind: &kind,
                record,
                path,
                found,
                autoscaler,
                observed,
            };
            return self.release(&release, policy, cycle).await;
        }
        if observed.finished {
            return false;
        }
        if found.is_none() && spec.workload.workload_ref.is_some() {
            let message = format!("{}: what was adopted is gone", spec.object.name);
            cycle
                .failures
                .push(Failure::new(reasons::WORKLOAD_NOT_FOUND, message));
            return false;
        }
        let result = async {
            let bounded = self.bound(stage, record, autoscaler).await?;
            let set = self
                .set_replicas(&kind, path, record, found, autoscaler)
                .await?;
            Ok::<_, StoreError>(bounded + set)
        };
        match result.await {
            Ok(writes) => cycle.writes += writes,
            Err(error) => {
                let what = format!("{} {}/{}", kind, spec.object.namespace, spec.object.name);
                let failure = Failure::of(what, &error);
                self.warn(record, reasons::WRITE_FAILED, &failure.message)
                    .await;
                cycle.failures.push(failure);
            }
        }
        false
    }

    /// Sets the bounds of a workload's autoscaler, if it has one. Returns how often something was written.
    async fn bound(
        &self,
        stage: &Stage<'_>,
        record: &AdmissionRecord,
        autoscaler: Option<&Object>,
    ) -> Result<usize, StoreError> {
        let bounds = autoscaler.and_then(|found| Some((found, bounds(record, stage)?)));
        match bounds {
            Some((found, bounds)) if Bounds::of(found) != bounds => {
                let object = bounds.applied_to(found);
                self.store.apply(&Kind::AUTOSCALER, &object).await?;
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    /// Sets the replicas, or leaves them to the autoscaler; and the template of what the agent created.
    async fn set_replicas(
        &self,
        kind: &Kind,
        path: &str,
        record: &AdmissionRecord,
        found: Option<&Object>,
        autoscaler: Option<&Object>,
    ) -> Result<usize, StoreError> {
        let spec = &record.spec;
        let present = found.and_then(|found| found.at(path));
        let ceiling = u32::try_from(spec.ceiling).unwrap_or(0);
        let steered = autoscaler.is_some() && ceiling > 0;
        let replicas = match present.and_then(serde_json::Value::as_u64) {
            // Zero has paused the autoscaler: it goes on from its most, and takes back what is not needed.
            Some(running) if steered && running > 0 => running as u32,
            _ => ceiling,
        };
        let mut object = desired(kind, path, record, replicas, found.map(Object::uid));
        let same_control = present == Some(&control_value(spec.subject.kind, replicas));
        let mut same_template = true;
        let adopted = spec.workload.workload_ref.is_some();
        if let Some(template) = spec.workload.template.as_ref().filter(|_| !adopted) {
            let hash = fingerprint(&template.to_string());
            same_template = found.and_then(|found| found.annotation(TEMPLATE_HASH)) == Some(&hash);
            object.0["metadata"]["annotations"][TEMPLATE_HASH] = json!(hash);
        }
        if !(same_control && same_template) {
            self.store.apply(kind, &object).await?;
            return Ok(1);
        }
        match found {
            // From before the autoscaler came, or from when it was paused.
            Some(found) if steered && adopted && found.is_ours(path) => {
                disown(self.store.as_ref(), kind, found).await?;
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    async fn warn(&self, record: &AdmissionRecord, reason: &str, message: &str) {
        if let Ok(object) = to_object(record) {
            let event = Event {
                type_: EventType::Warning,
                reason: reason.into(),
                message: message.into(),
            };
            let _ = self.store.event(&object, &event).await;
        }
    }
}

/// The bounds that a record allows its autoscaler now; none at a ceiling of zero.
pub(crate) fn bounds(record: &AdmissionRecord, stage: &Stage<'_>) -> Option<Bounds> {
    let spec = &record.spec;
    let (floor, _) = scheduled(&spec.schedule, stage.now);
    let original = Bounds::original(spec.autoscaler.as_ref()?);
    original.within(floor, u32::try_from(spec.ceiling).unwrap_or(0))
}
