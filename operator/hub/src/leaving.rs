//! What comes to an end: deployments and jobs that are deleted, jobs that are done, assignments that were given back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::conditions::reasons;
use commonwatt_api::{
    DeletionPolicy, FINALIZER, Mode, ModelDeployment, SiteAssignment, SubjectKind,
};
use commonwatt_store::{
    Event, EventType, Failure, Kind, Object, StoreError, merge_diff, to_object,
};
use serde_json::{Value, json};

use crate::hub::{Cycle, Hub};
use crate::jobs::{assignment_of, is_finished};
use crate::publish::Wanted;

impl Hub {
    /// Deployments and jobs that are being deleted give back what they have. Never hangs: a site that cannot answer is
    /// not waited for once its offer has run out.
    pub(crate) async fn let_leave(&self, cycle: &mut Cycle, now: DateTime<Utc>) {
        let leaving: Vec<Arc<ModelDeployment>> = cycle
            .seen
            .deployments
            .values()
            .filter(|deployment| deployment.metadata.deletion_timestamp.is_some())
            .cloned()
            .collect();
        for deployment in leaving {
            let Ok(object) = to_object(deployment.as_ref()) else {
                continue;
            };
            let left = self
                .give_back(
                    cycle,
                    SubjectKind::ModelDeployment,
                    &object,
                    deployment.spec.deletion_policy,
                    now,
                )
                .await;
            if left == 0 {
                self.drop_finalizer(cycle, &Kind::of::<ModelDeployment>(), &object)
                    .await;
            }
        }
        let jobs: Vec<Arc<Object>> = cycle
            .seen
            .jobs
            .values()
            .filter(|job| job.is_being_deleted())
            .cloned()
            .collect();
        for job in jobs {
            let left = self
                .give_back(cycle, SubjectKind::Job, &job, DeletionPolicy::Drain, now)
                .await;
            match left {
                0 if self.may_write_jobs() => {
                    self.drop_finalizer(cycle, &Kind::JOB, &job).await;
                }
                0 => self.say_job_waits(&job).await,
                _ => {}
            }
        }
    }

    /// A Job is a workload, and elsewhere than in Enforce the account cannot write any.
    pub(crate) fn may_write_jobs(&self) -> bool {
        self.mode == Mode::Enforce
    }

    /// Says why a Job that was given back does not go: from when the hub was bolder it has our finalizer.
    async fn say_job_waits(&self, job: &Object) {
        if !job.finalizers().contains(&FINALIZER) {
            return;
        }
        let event = Event {
            type_: EventType::Warning,
            reason: reasons::ADVISING.into(),
            message: format!(
                "given back, and kept by its finalizer: a hub in {:?} writes no Job; run the hub in Enforce, or take {FINALIZER} off metadata.finalizers",
                self.mode
            ),
        };
        let _ = self.store.event(job, &event).await;
    }

    /// Asks sites to give back what belongs to an object. Returns how many assignments are left to wait for: those that
    /// were given back are being deleted in the same cycle, since a hub's own writes wake it for no other.
    async fn give_back(
        &self,
        cycle: &mut Cycle,
        kind: SubjectKind,
        object: &Object,
        policy: DeletionPolicy,
        now: DateTime<Utc>,
    ) -> usize {
        let of_object = |assignment: &&Arc<SiteAssignment>| {
            let subject = &assignment.spec.subject;
            subject.kind == kind
                && Some(subject.namespace.as_str()) == object.namespace()
                && subject.name == object.name()
                && assignment.metadata.deletion_timestamp.is_none()
                && !was_given_back(assignment)
        };
        let mine: Vec<Arc<SiteAssignment>> = cycle
            .seen
            .assignments
            .values()
            .filter(of_object)
            .cloned()
            .collect();
        for assignment in &mine {
            let reachable = cycle
                .seen
                .offers
                .get(&assignment.spec.site)
                .is_some_and(|offer| offer.spec.valid_until.0 > now);
            if !reachable {
                self.abandon(cycle, assignment).await;
            } else if assignment.spec.release != Some(policy) {
                let patch = json!({ "spec": { "release": policy } });
                self.merge(cycle, assignment, &patch).await;
            }
        }
        mine.len()
    }

    /// Deletes an assignment that nobody will answer for. The site, if it lives, keeps what it admitted.
    async fn abandon(&self, cycle: &mut Cycle, assignment: &SiteAssignment) {
        let Ok(object) = to_object(assignment) else {
            return;
        };
        let event = Event {
            type_: EventType::Warning,
            reason: "Abandoned".into(),
            message: format!(
                "site {} does not answer and its offer has run out: the assignment is dropped, the site keeps what it admitted",
                assignment.spec.site
            ),
        };
        let _ = self.store.event(&object, &event).await;
        self.drop_finalizer(cycle, &Kind::of::<SiteAssignment>(), &object)
            .await;
        self.delete(cycle, &object).await;
    }

    /// Assignments whose release was acknowledged are deleted.
    pub(crate) async fn clear_released(&self, cycle: &mut Cycle) {
        let released: Vec<Arc<SiteAssignment>> = cycle
            .seen
            .assignments
            .values()
            .filter(|assignment| was_given_back(assignment))
            .filter(|a| a.metadata.deletion_timestamp.is_none())
            .cloned()
            .collect();
        for assignment in released {
            let Ok(object) = to_object(assignment.as_ref()) else {
                continue;
            };
            self.drop_finalizer(cycle, &Kind::of::<SiteAssignment>(), &object)
                .await;
            self.delete(cycle, &object).await;
        }
    }

    /// A job's status at its site is the hub's Job's status, where the hub may write it; a finished one gives its place back.
    pub(crate) async fn finish_jobs(&self, cycle: &mut Cycle, _: DateTime<Utc>) {
        let jobs: Vec<(String, Arc<Object>)> = cycle
            .seen
            .jobs
            .iter()
            .map(|(n, j)| (n.clone(), j.clone()))
            .collect();
        for (name, job) in jobs {
            let Some(assignment) = assignment_of(&cycle.seen, &name).cloned() else {
                continue;
            };
            let Some(status) = assignment
                .status
                .as_ref()
                .and_then(|status| status.job.clone())
            else {
                continue;
            };
            let empty = json!({});
            let old = job.at("status").unwrap_or(&empty);
            if let Some(patch) = merge_diff(old, &status).filter(|_| self.may_write_jobs()) {
                let patch = json!({ "status": patch });
                match self
                    .store
                    .merge_status(&Kind::JOB, job.namespace(), job.name(), &patch)
                    .await
                {
                    Ok(_) => cycle.writes += 1,
                    Err(error) => cycle
                        .failures
                        .push(Failure::of(format!("status of Job {name}"), &error)),
                }
            }
            let finished = is_finished(&Object(json!({ "status": status })));
            if finished && assignment.spec.release.is_none() {
                self.merge(
                    cycle,
                    &assignment,
                    &json!({ "spec": { "release": DeletionPolicy::Drain } }),
                )
                .await;
            }
        }
    }

    /// Whether another site still has a job. It runs at one site at most, so it leaves before it arrives: the other site
    /// is asked to give it back, and until it has said so nothing new is proposed.
    pub(crate) async fn is_still_elsewhere(&self, cycle: &mut Cycle, wanted: &Wanted) -> bool {
        let others: Vec<Arc<SiteAssignment>> = cycle
            .seen
            .assignments
            .values()
            .filter(|other| {
                other.spec.subject == wanted.spec.subject && other.spec.site != wanted.spec.site
            })
            .cloned()
            .collect();
        for other in &others {
            let asked = other.spec.release.is_some() || other.metadata.deletion_timestamp.is_some();
            if !asked {
                let patch = json!({ "spec": { "release": DeletionPolicy::Drain } });
                self.merge(cycle, other, &patch).await;
            }
        }
        !others.is_empty()
    }

    async fn merge(&self, cycle: &mut Cycle, assignment: &SiteAssignment, patch: &Value) {
        let (namespace, name) = (
            assignment.metadata.namespace.as_deref(),
            assignment.metadata.name.clone(),
        );
        let name = name.unwrap_or_default();
        match self
            .store
            .merge(&Kind::of::<SiteAssignment>(), namespace, &name, patch)
            .await
        {
            Ok(_) => cycle.writes += 1,
            Err(error) => cycle
                .failures
                .push(Failure::of(format!("SiteAssignment {name}"), &error)),
        }
    }

    async fn delete(&self, cycle: &mut Cycle, object: &Object) {
        let kind = Kind::of::<SiteAssignment>();
        // The finalizer's removal has changed it.
        match self.store.delete(&kind, &object.at_any_version()).await {
            Ok(()) => cycle.writes += 1,
            Err(StoreError::NotFound(_)) => {}
            Err(error) => cycle.failures.push(Failure::of(
                format!("SiteAssignment {}", object.name()),
                &error,
            )),
        }
    }

    async fn drop_finalizer(&self, cycle: &mut Cycle, kind: &Kind, object: &Object) {
        if !object.finalizers().contains(&FINALIZER) {
            return;
        }
        let patch = object.without_finalizer(FINALIZER);
        match self
            .store
            .merge(kind, object.namespace(), object.name(), &patch)
            .await
        {
            Ok(_) => cycle.writes += 1,
            // Who was faster may have put a finalizer on; what it is now comes with the next round.
            Err(StoreError::Conflict(_) | StoreError::NotFound(_)) => {}
            Err(error) => cycle.failures.push(Failure::of(
                format!("finalizer of {kind} {}", object.name()),
                &error,
            )),
        }
    }
}

/// Whether its site has acknowledged a release.
fn was_given_back(assignment: &SiteAssignment) -> bool {
    let status = assignment.status.as_ref();
    assignment.spec.release.is_some() && status.is_some_and(|status| status.released_at.is_some())
}
