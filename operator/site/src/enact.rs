//! Step four of a cycle: writes. The record first, then the workload, then what is said about both.

use std::collections::BTreeMap;

use commonwatt_api::{
    AdmissionRecord, AdmissionRecordSpec, AdmissionRecordStatus, Mode, conditions::reasons,
};
use commonwatt_fleet::Watts;
use commonwatt_store::{
    Event, EventType, Failure, Kind, Object, StoreError, to_object, write_status,
};
use serde_json::{Value, json};

use crate::agent::{Agent, Cycle};
use crate::decide::Decided;
use crate::dereference::kind_of;
use crate::local_jobs::SUSPENDED_BY;
use crate::model::SiteModel;
use crate::stage::Stage;
use crate::workload::{
    Observed, TEMPLATE_HASH, control_path, control_value, desired, find, fingerprint,
};

impl Agent {
    /// Writes records and workloads, what sheds most first. Returns the records as they are now.
    pub(crate) async fn enact(
        &self,
        stage: &Stage<'_>,
        model: &SiteModel,
        decided: &Decided,
        cycle: &mut Cycle,
    ) -> BTreeMap<String, AdmissionRecord> {
        let mut records = stage.records.clone();
        let enforcing = self.mode.min(stage.site.spec.mode) == Mode::Enforce;
        if !enforcing {
            return records;
        }
        let in_force = model
            .limits
            .at(stage.now, model.hours.first().map_or(1.0, |hour| hour.pue));
        self.suspend_local(stage, decided, cycle).await;
        let mut order: Vec<&String> = decided.records.keys().chain(records.keys()).collect();
        order.sort_by_key(|name| (-shed(stage, decided, name), (*name).clone()));
        order.dedup();
        for name in order.into_iter().cloned().collect::<Vec<_>>() {
            if let Some(spec) = decided.records.get(&name) {
                match self.write_record(&name, spec, cycle).await {
                    Ok(record) => {
                        self.note_decision(stage, &name, spec, &in_force, cycle);
                        records.insert(name.clone(), record);
                    }
                    Err(error) => {
                        // Without the record nothing is applied: the limit must hold through a crash.
                        cycle
                            .failures
                            .push(Failure::of(format!("AdmissionRecord {name}"), &error));
                        continue;
                    }
                }
            }
            let Some(record) = records.get(&name).cloned() else {
                continue;
            };
            let observed = stage.observed.get(&name).copied().unwrap_or_default();
            let gone = self.write_workload(stage, &record, observed, cycle).await;
            if gone {
                records.remove(&name);
            } else {
                self.write_record_status(&record, observed, cycle).await;
            }
        }
        records
    }

    async fn write_record(
        &self,
        name: &str,
        spec: &AdmissionRecordSpec,
        cycle: &mut Cycle,
    ) -> Result<AdmissionRecord, StoreError> {
        let kind = Kind::of::<AdmissionRecord>();
        let object = to_object(&AdmissionRecord::new(name, spec.clone()))?;
        let written = self.store.apply(&kind, &object).await?;
        cycle.writes += 1;
        serde_json::from_value(written.0).map_err(|error| StoreError::Invalid(error.to_string()))
    }

    async fn write_record_status(
        &self,
        record: &AdmissionRecord,
        observed: Observed,
        cycle: &mut Cycle,
    ) {
        let ceiling = u32::try_from(record.spec.ceiling).unwrap_or(0);
        let status = AdmissionRecordStatus {
            ready_replicas: Some(i64::from(observed.ready)),
            charged_watts: Some(
                Watts(record.spec.workload.watts)
                    .times(ceiling.max(observed.actual))
                    .0,
            ),
        };
        cycle.note(
            "AdmissionRecord status",
            write_status(self.store.as_ref(), record, &status).await,
        );
    }

    /// Brings a workload to its record. True when a release is complete and the record gone.
    async fn write_workload(
        &self,
        stage: &Stage<'_>,
        record: &AdmissionRecord,
        observed: Observed,
        cycle: &mut Cycle,
    ) -> bool {
        let Some(adapter) = stage.seen.adapters.get(&record.spec.workload.adapter) else {
            return false;
        };
        let spec = &record.spec;
        let kind = kind_of(adapter);
        let found = find(
            &stage.seen.workloads,
            &spec.workload.adapter,
            &spec.object.namespace,
            &spec.object.name,
        );
        let Some(path) = control_path(adapter, spec.subject.kind) else {
            return false;
        };
        if let Some(policy) = spec.release {
            return self
                .release(&kind, record, policy, path, found, observed, cycle)
                .await;
        }
        if observed.finished {
            return false;
        }
        if let Some(found) = found {
            let others = found.foreign_managers(path);
            if !others.is_empty() {
                let owners = others.join(", ");
                let message = format!("{}: {path} belongs to {owners}", spec.object.name);
                cycle
                    .failures
                    .push(Failure::new(reasons::FIELD_OWNED_BY_OTHER, message));
                return false;
            }
        }
        let Some(mut object) = desired(&kind, adapter, record, found.map(Object::uid)) else {
            return false;
        };
        let ceiling = u32::try_from(spec.ceiling).unwrap_or(0);
        let same_control = found.and_then(|found| found.at(path))
            == Some(&control_value(spec.subject.kind, ceiling));
        let mut same_template = true;
        if let Some(template) = spec
            .workload
            .template
            .as_ref()
            .filter(|_| spec.workload.workload_ref.is_none())
        {
            let hash = fingerprint(&template.to_string());
            same_template = found.and_then(|found| found.annotation(TEMPLATE_HASH)) == Some(&hash);
            object.0["metadata"]["annotations"][TEMPLATE_HASH] = json!(hash);
        }
        if found.is_some() && same_control && same_template {
            return false;
        }
        if found.is_none() && spec.workload.workload_ref.is_some() {
            let message = format!("{}: what was adopted is gone", spec.object.name);
            cycle
                .failures
                .push(Failure::new(reasons::WORKLOAD_NOT_FOUND, message));
            return false;
        }
        match self.store.apply(&kind, &object).await {
            Ok(_) => cycle.writes += 1,
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

    /// Suspends and resumes batch of others that allows it.
    async fn suspend_local(&self, stage: &Stage<'_>, decided: &Decided, cycle: &mut Cycle) {
        for (name, runs) in &decided.local_jobs {
            let Some((namespace, job)) = name.split_once('/') else {
                continue;
            };
            let mark: Value = if *runs {
                Value::Null
            } else {
                json!(stage.name())
            };
            let patch = json!({
                "metadata": { "annotations": { SUSPENDED_BY: mark } },
                "spec": { "suspend": !runs },
            });
            match self
                .store
                .merge(&Kind::JOB, Some(namespace), job, &patch)
                .await
            {
                Ok(object) => {
                    cycle.writes += 1;
                    let event = Event {
                        type_: EventType::Normal,
                        reason: if *runs { "Resumed" } else { "Suspended" }.into(),
                        message: format!(
                            "site {}: {} watts charged under the limit",
                            stage.name(),
                            decided.ladder.watts
                        ),
                    };
                    let _ = self.store.event(&object, &event).await;
                }
                Err(error) => cycle
                    .failures
                    .push(Failure::of(format!("Job {name}"), &error)),
            }
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

/// Watts that a record's write sheds; below nothing when it rises.
fn shed(stage: &Stage<'_>, decided: &Decided, name: &str) -> i64 {
    let before = stage
        .records
        .get(name)
        .map_or(0, |record| record.spec.ceiling);
    let Some(spec) = decided.records.get(name) else {
        return 0;
    };
    (before - spec.ceiling) * spec.workload.watts
}
