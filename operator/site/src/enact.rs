//! Step four of a cycle: writes. The record first, then the workload, then what is said about both.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    AdmissionRecord, AdmissionRecordSpec, AdmissionRecordStatus, DeletionPolicy, Mode, annotations,
};
use commonwatt_fleet::{SiteId, Watts};
use commonwatt_ledger::{Decision, DecisionKind, Limit, Workload};
use commonwatt_store::{Event, EventType, Kind, Object, StoreError, to_object, write_status};
use serde_json::{Value, json};

use crate::agent::{Agent, Cycle, SUSPENDED_BY, Stage};
use crate::decide::Decided;
use crate::dereference::kind_of;
use crate::limits::InForce;
use crate::model::SiteModel;
use crate::workload::{Observed, control_path, control_value, desired, find};

/// Annotation on what the agent creates: which template it was made from.
const TEMPLATE_HASH: &str = "commonwatt.dev/template-hash";

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
                            .push(format!("AdmissionRecord {name}: {error}"));
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
                cycle.failures.push(format!(
                    "{}: {path} belongs to {}",
                    spec.object.name,
                    others.join(", ")
                ));
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
            let hash = fingerprint(template);
            same_template = found.and_then(|found| found.annotation(TEMPLATE_HASH)) == Some(&hash);
            object.0["metadata"]["annotations"][TEMPLATE_HASH] = json!(hash);
        }
        if found.is_some() && same_control && same_template {
            return false;
        }
        if found.is_none() && spec.workload.workload_ref.is_some() {
            cycle
                .failures
                .push(format!("{}: what was adopted is gone", spec.object.name));
            return false;
        }
        match self.store.apply(&kind, &object).await {
            Ok(_) => cycle.writes += 1,
            Err(error) => {
                let message = format!(
                    "{} {}/{}: {error}",
                    kind, spec.object.namespace, spec.object.name
                );
                self.warn(record, "WriteFailed", &message).await;
                cycle.failures.push(message);
            }
        }
        false
    }

    /// Gives a workload back: an adopted one with its original replicas, a created one as the policy says.
    async fn release(
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
                Err(error) => cycle.failures.push(format!("Job {name}: {error}")),
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

    /// Writes a change of ceiling into the ledger: one line per decision that a limit or a plan caused.
    fn note_decision(
        &self,
        stage: &Stage<'_>,
        name: &str,
        spec: &AdmissionRecordSpec,
        in_force: &InForce,
        cycle: &mut Cycle,
    ) {
        let before = stage.records.get(name).map(|record| record.spec.ceiling);
        let Some(what) = kind_of_decision(before, spec) else {
            return;
        };
        let replicas = |n: i64| u32::try_from(n).unwrap_or(0);
        let before = replicas(before.unwrap_or(0));
        let after = replicas(spec.ceiling);
        let watts = Watts(spec.workload.watts);
        let asked = stage.asked.iter().find(|asked| asked.record == name);
        let asked = asked.map(|asked| &asked.assignment.spec);
        let moved_to = asked
            .and_then(|spec| spec.moved_to.as_deref())
            .filter(|_| what == DecisionKind::CeilingLowered && spec.held_by.is_none())
            .map(SiteId::from);
        let reason = asked.map(|spec| spec.reason.clone());
        let decision = Decision {
            what: if moved_to.is_some() {
                DecisionKind::Moved
            } else {
                what
            },
            workload: Workload::Open(format!("{}/{}", spec.subject.namespace, spec.subject.name)),
            replicas_before: before,
            replicas_after: after,
            watts_before: watts.times(before),
            watts_after: watts.times(after),
            reason: if spec.held_by.is_some() {
                "Limit".into()
            } else {
                "Plan".into()
            },
            detail: spec.held_by.clone().or(reason).unwrap_or_default(),
            limit: spec.held_by.is_some().then(|| Limit {
                value: in_force.watts.0 as f64,
                set_by: in_force.set_by.clone(),
            }),
            moved_to,
        };
        self.write_decision(stage.name(), stage.now, decision, cycle);
    }

    fn write_decision(
        &self,
        site: &str,
        now: DateTime<Utc>,
        decision: Decision,
        cycle: &mut Cycle,
    ) {
        let kept = self
            .keeper
            .lock()
            .map_err(|_| "the ledger is broken".to_owned());
        if let Err(error) = kept.and_then(|mut keeper| keeper.decide(site, now, decision)) {
            cycle.failures.push(format!("ledger of {site}: {error}"));
        }
    }
}

impl Cycle {
    /// Counts a status write, or keeps its failure.
    pub(crate) fn note(
        &mut self,
        what: &str,
        result: Result<commonwatt_store::StatusWrite, StoreError>,
    ) {
        match result {
            Ok(commonwatt_store::StatusWrite::Written) => self.writes += 1,
            // Gone meanwhile: there is nobody left to tell.
            Ok(commonwatt_store::StatusWrite::Same) | Err(StoreError::NotFound(_)) => {}
            Err(error) => self.failures.push(format!("{what}: {error}")),
        }
    }
}

fn original(spec: &AdmissionRecordSpec) -> u32 {
    spec.original_replicas
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(0)
}

fn kind_of_decision(before: Option<i64>, spec: &AdmissionRecordSpec) -> Option<DecisionKind> {
    let job = spec.subject.kind == commonwatt_api::SubjectKind::Job;
    // Admitted for a later hour, or given back after it had gone: nothing is here, and nothing was.
    if before.unwrap_or(0) == 0 && spec.ceiling == 0 {
        return None;
    }
    if spec.release.is_some() {
        return Some(DecisionKind::Released);
    }
    match before {
        None => Some(DecisionKind::Placed),
        Some(before) if spec.ceiling < before => Some(if job {
            DecisionKind::Suspended
        } else {
            DecisionKind::CeilingLowered
        }),
        Some(before) if spec.ceiling > before => Some(if job {
            DecisionKind::Resumed
        } else {
            DecisionKind::CeilingRaised
        }),
        Some(_) => None,
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

/// A short fingerprint of a template (FNV-1a): to see that it changed, not to prove anything.
fn fingerprint(template: &Value) -> String {
    let hash = template
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}
