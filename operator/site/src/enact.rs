//! Step four of a cycle: writes. The record first, then the workload, then what is said about both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use commonwatt_api::{AdmissionRecord, AdmissionRecordSpec, AdmissionRecordStatus, Mode};
use commonwatt_fleet::Watts;
use commonwatt_store::{
    Event, EventType, Failure, Kind, StoreError, to_object, together, write_status,
};
use serde_json::{Value, json};

use crate::agent::{Agent, Cycle};
use crate::decide::Decided;
use crate::limits::InForce;
use crate::local_jobs::SUSPENDED_BY;
use crate::model::SiteModel;
use crate::stage::Stage;
use crate::workload::Observed;

impl Agent {
    /// Writes records and workloads, what sheds most first. Returns the records as they are now.
    pub(crate) async fn enact(
        &self,
        stage: &Stage<'_>,
        model: &SiteModel,
        decided: &Decided,
        cycle: &mut Cycle,
    ) -> BTreeMap<String, Arc<AdmissionRecord>> {
        let mut records = stage.records.clone();
        let enforcing = self.mode.min(stage.site.spec.mode) == Mode::Enforce;
        if !enforcing {
            return records;
        }
        let in_force = model
            .limits
            .at(stage.now, model.hours.first().map_or(1.0, |hour| hour.pue));
        self.suspend_local(stage, decided, cycle).await;
        let names: BTreeSet<&String> = decided.records.keys().chain(records.keys()).collect();
        let mut order: Vec<(i64, String)> = names
            .into_iter()
            .map(|name| (-shed(stage, decided, name), name.clone()))
            .collect();
        order.sort();
        // What sheds is done before anything else begins: what grows counts on it.
        let (falling, others): (Vec<_>, Vec<_>) =
            order.into_iter().partition(|(sheds, _)| *sheds < 0);
        for names in [falling, others] {
            let brought = names
                .iter()
                .map(|(_, name)| self.bring(stage, decided, &in_force, name));
            let brought = together(brought.collect()).await;
            for ((_, name), (record, part)) in names.into_iter().zip(brought) {
                cycle.absorb(part);
                match record {
                    Some(record) => records.insert(name, record),
                    None => records.remove(&name),
                };
            }
        }
        records
    }

    /// Writes one record and brings its workload to it. Returns the record as it is now, if there is one.
    async fn bring(
        &self,
        stage: &Stage<'_>,
        decided: &Decided,
        in_force: &InForce,
        name: &str,
    ) -> (Option<Arc<AdmissionRecord>>, Cycle) {
        let mut part = Cycle::default();
        let before = stage.records.get(name).cloned();
        let record = match decided.records.get(name) {
            None => before,
            Some(spec) => match self.write_record(name, spec, &mut part).await {
                Ok(record) => {
                    self.note_decision(stage, name, spec, in_force, &mut part);
                    Some(Arc::new(record))
                }
                Err(error) => {
                    // Without the record nothing is applied: the limit must hold through a crash.
                    part.failures
                        .push(Failure::of(format!("AdmissionRecord {name}"), &error));
                    return (before, part);
                }
            },
        };
        let Some(record) = record else {
            return (None, part);
        };
        let observed = stage.observed.get(name).copied().unwrap_or_default();
        let still = decided.still.contains(name);
        if !still && self.steer(stage, &record, observed, &mut part).await {
            return (None, part);
        }
        self.write_record_status(&record, observed, &mut part).await;
        (Some(record), part)
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
        // Until something runs there is nothing to say that the record itself does not.
        if record.status.is_none() && observed.ready == 0 && observed.actual == 0 {
            return;
        }
        let ceiling = u32::try_from(record.spec.ceiling).unwrap_or(0);
        let status = AdmissionRecordStatus {
            ready_replicas: Some(i64::from(observed.ready)),
            charged_watts: Some(
                Watts(record.spec.workload.watts)
                    .times(observed.charged(ceiling))
                    .0,
            ),
        };
        cycle.note(
            "AdmissionRecord status",
            write_status(self.store.as_ref(), record, &status).await,
        );
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
