//! Step four of a cycle: writes to assignments.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use commonwatt_api::{
    DeletionPolicy, FINALIZER, Mode, ModelDeployment, SiteAssignment, SiteAssignmentSpec,
    SubjectKind,
};
use commonwatt_fleet::{DeploymentId, JobId};
use commonwatt_store::{Event, EventType, Kind, Object, StoreError, apply_in_namespace, to_object};
use serde_json::{Value, json};

use crate::hub::{Cycle, Hub};
use crate::publish::{Moving, Publisher, Wanted, batch, says_already, serving};
use crate::world::SINCE;

/// Kind, namespace and name of what an assignment is for.
type SubjectKey = (SubjectKind, String, String);

fn subject_of(spec: &SiteAssignmentSpec) -> SubjectKey {
    let subject = &spec.subject;
    (
        subject.kind,
        subject.namespace.clone(),
        subject.name.clone(),
    )
}

/// On a job's assignment: seconds that it has run.
pub const WORKED: &str = "commonwatt.dev/worked-seconds";

impl Hub {
    /// Writes what has changed. True when anything was.
    pub(crate) async fn publish(
        &self,
        cycle: &mut Cycle,
        publisher: &Publisher,
        worked: &BTreeMap<String, f64>,
        moving: &mut Moving,
        now: DateTime<Utc>,
    ) -> bool {
        let before = cycle.writes;
        self.let_leave(cycle, now).await;
        self.clear_released(cycle).await;
        if !cycle.findings.is_empty() {
            return cycle.writes > before;
        }
        let wanted = self.wanted(cycle, publisher, moving, now);
        let unmarked = self.mark(cycle, &wanted).await;
        for wanted in wanted {
            if !unmarked.contains(&subject_of(&wanted.spec)) {
                self.put(cycle, &wanted, worked, now).await;
            }
        }
        self.finish_jobs(cycle, now).await;
        cycle.writes > before
    }

    /// Every assignment that the plan wants.
    fn wanted(
        &self,
        cycle: &Cycle,
        publisher: &Publisher,
        moving: &mut Moving,
        now: DateTime<Utc>,
    ) -> Vec<Wanted> {
        let seen = &cycle.seen;
        let mut all = Vec::new();
        for (name, declared) in &seen.deployments {
            if declared.metadata.deletion_timestamp.is_some() {
                continue;
            }
            let mode = declared.spec.mode.min(self.mode);
            let source = match (mode, &cycle.advice) {
                (Mode::Enforce, _) => Some((&cycle.world, &cycle.plan)),
                (Mode::Advise, Some((world, plan))) => Some((world, plan)),
                _ => None,
            };
            let Some((world, plan)) = source else {
                continue;
            };
            let id = DeploymentId::from(name.as_str());
            if let (Some(read), Some(decision), Some(slots)) = (
                world.deployments.get(&id),
                plan.deployments.get(&id),
                plan.slots,
            ) {
                all.extend(serving(
                    publisher, seen, declared, read, decision, &slots, mode, moving, now,
                ));
            }
        }
        for (name, job) in &seen.jobs {
            let id = JobId::from(name.as_str());
            let (Some(read), Some(decision)) =
                (cycle.world.jobs.get(&id), cycle.plan.jobs.get(&id))
            else {
                continue;
            };
            let shape = decision
                .placed
                .as_ref()
                .and_then(|placed| read.shapes.get(&placed.product));
            let Some(shape) = shape else { continue };
            let takes = (i64::from(shape.accelerators()), shape.watts().0);
            all.extend(batch(
                publisher,
                seen,
                job,
                takes,
                read.interruptible,
                decision,
                &cycle.plan,
                now,
            ));
        }
        all
    }

    async fn put(
        &self,
        cycle: &mut Cycle,
        wanted: &Wanted,
        worked: &BTreeMap<String, f64>,
        now: DateTime<Utc>,
    ) {
        let key = format!("{}/{}", wanted.namespace, wanted.name);
        let old = cycle.seen.assignments.get(&key);
        if old.is_some_and(|old| {
            old.metadata.deletion_timestamp.is_some() || says_already(old, wanted, now)
        }) {
            return;
        }
        let mut assignment = SiteAssignment::new(&wanted.name, wanted.spec.clone());
        assignment.metadata.namespace = Some(wanted.namespace.clone());
        assignment.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
        let mut marks: BTreeMap<String, String> = [(
            SINCE.to_owned(),
            wanted
                .since
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        )]
        .into();
        let subject = &wanted.spec.subject;
        if let Some(seconds) = worked.get(&format!("{}/{}", subject.namespace, subject.name)) {
            marks.insert(WORKED.to_owned(), format!("{seconds:.0}"));
        }
        assignment.metadata.annotations = Some(marks);
        let result = match to_object(&assignment) {
            Ok(object) => {
                let kind = Kind::of::<SiteAssignment>();
                apply_in_namespace(self.store.as_ref(), &kind, &object).await
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(_) => cycle.writes += 1,
            Err(error) => cycle
                .failures
                .push(format!("SiteAssignment {key}: {error}")),
        }
    }

    /// Deployments and jobs that are being deleted give back what they have. Never hangs: a site that cannot answer is
    /// not waited for once its offer has run out.
    async fn let_leave(&self, cycle: &mut Cycle, now: DateTime<Utc>) {
        let leaving: Vec<ModelDeployment> = cycle
            .seen
            .deployments
            .values()
            .filter(|deployment| deployment.metadata.deletion_timestamp.is_some())
            .cloned()
            .collect();
        for deployment in leaving {
            let Ok(object) = to_object(&deployment) else {
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
        let jobs: Vec<Object> = cycle
            .seen
            .jobs
            .values()
            .filter(|job| job.is_being_deleted())
            .cloned()
            .collect();
        for job in jobs {
            if self
                .give_back(cycle, SubjectKind::Job, &job, DeletionPolicy::Drain, now)
                .await
                == 0
            {
                self.drop_finalizer(cycle, &Kind::JOB, &job).await;
            }
        }
    }

    /// Asks sites to give back what belongs to an object. Returns how many assignments are left.
    async fn give_back(
        &self,
        cycle: &mut Cycle,
        kind: SubjectKind,
        object: &Object,
        policy: DeletionPolicy,
        now: DateTime<Utc>,
    ) -> usize {
        let of_object = |assignment: &&SiteAssignment| {
            let subject = &assignment.spec.subject;
            subject.kind == kind
                && Some(subject.namespace.as_str()) == object.namespace()
                && subject.name == object.name()
                && assignment.metadata.deletion_timestamp.is_none()
        };
        let mine: Vec<SiteAssignment> = cycle
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
    async fn clear_released(&self, cycle: &mut Cycle) {
        let released: Vec<SiteAssignment> = cycle
            .seen
            .assignments
            .values()
            .filter(|a| {
                a.spec.release.is_some()
                    && a.status.as_ref().is_some_and(|s| s.released_at.is_some())
            })
            .filter(|a| a.metadata.deletion_timestamp.is_none())
            .cloned()
            .collect();
        for assignment in released {
            let Ok(object) = to_object(&assignment) else {
                continue;
            };
            self.drop_finalizer(cycle, &Kind::of::<SiteAssignment>(), &object)
                .await;
            self.delete(cycle, &object).await;
        }
    }

    async fn delete(&self, cycle: &mut Cycle, object: &Object) {
        let mut meant = object.clone();
        // The finalizer's removal has changed the version; the uid still says which object is meant.
        if let Some(metadata) = meant.0["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        match self
            .store
            .delete(&Kind::of::<SiteAssignment>(), &meant)
            .await
        {
            Ok(()) => cycle.writes += 1,
            Err(StoreError::NotFound(_)) => {}
            Err(error) => cycle
                .failures
                .push(format!("SiteAssignment {}: {error}", object.name())),
        }
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
                .push(format!("SiteAssignment {name}: {error}")),
        }
    }

    async fn drop_finalizer(&self, cycle: &mut Cycle, kind: &Kind, object: &Object) {
        if !object.finalizers().contains(&FINALIZER) {
            return;
        }
        let rest: Vec<&str> = object
            .finalizers()
            .into_iter()
            .filter(|name| *name != FINALIZER)
            .collect();
        let patch = json!({ "metadata": { "finalizers": rest } });
        match self
            .store
            .merge(kind, object.namespace(), object.name(), &patch)
            .await
        {
            Ok(_) => cycle.writes += 1,
            Err(StoreError::NotFound(_)) => {}
            Err(error) => cycle
                .failures
                .push(format!("finalizer of {kind} {}: {error}", object.name())),
        }
    }

    /// Our finalizer on what has or shall have assignments, so that a deletion is seen before it is done. Returns those
    /// that could not be marked: they get no assignment, which would outlive them.
    async fn mark(&self, cycle: &mut Cycle, wanted: &[Wanted]) -> BTreeSet<SubjectKey> {
        let present = cycle.seen.assignments.values().map(|a| &a.spec);
        let with: BTreeSet<SubjectKey> = present
            .chain(wanted.iter().map(|wanted| &wanted.spec))
            .map(subject_of)
            .collect();
        let mut unmarked = BTreeSet::new();
        let deployments = cycle
            .seen
            .deployments
            .values()
            .filter_map(|deployment| to_object(deployment).ok());
        // Elsewhere than in Enforce the account may not write a Job.
        let enforces = self.mode == Mode::Enforce;
        let jobs = cycle.seen.jobs.values().filter(|_| enforces).cloned();
        let of = |kind: SubjectKind| move |object| (kind, object);
        let all: Vec<(SubjectKind, Object)> = deployments
            .map(of(SubjectKind::ModelDeployment))
            .chain(jobs.map(of(SubjectKind::Job)))
            .collect();
        for (subject, object) in all {
            let key = (
                subject,
                object.namespace().unwrap_or_default().to_owned(),
                object.name().to_owned(),
            );
            if object.is_being_deleted()
                || object.finalizers().contains(&FINALIZER)
                || !with.contains(&key)
            {
                continue;
            }
            let mut finalizers = object.finalizers();
            finalizers.push(FINALIZER);
            let patch = json!({ "metadata": { "finalizers": finalizers, "resourceVersion": object.resource_version() } });
            let kind = match subject {
                SubjectKind::ModelDeployment => Kind::of::<ModelDeployment>(),
                SubjectKind::Job => Kind::JOB,
            };
            match self
                .store
                .merge(&kind, object.namespace(), object.name(), &patch)
                .await
            {
                Ok(_) => cycle.writes += 1,
                Err(error) => {
                    cycle
                        .failures
                        .push(format!("finalizer of {kind} {}: {error}", object.name()));
                    unmarked.insert(key);
                }
            }
        }
        unmarked
    }

    /// A job's status at its site is the hub's Job's status; a finished one gives its place back.
    async fn finish_jobs(&self, cycle: &mut Cycle, _: DateTime<Utc>) {
        let jobs: Vec<(String, Object)> = cycle
            .seen
            .jobs
            .iter()
            .map(|(n, j)| (n.clone(), j.clone()))
            .collect();
        for (name, job) in jobs {
            let Some(assignment) = crate::jobs::assignment_of(&cycle.seen, &name).cloned() else {
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
            if let Some(patch) = commonwatt_store::merge_diff(old, &status) {
                let patch = json!({ "status": patch });
                match self
                    .store
                    .merge_status(&Kind::JOB, job.namespace(), job.name(), &patch)
                    .await
                {
                    Ok(_) => cycle.writes += 1,
                    Err(error) => cycle
                        .failures
                        .push(format!("status of Job {name}: {error}")),
                }
            }
            let finished = crate::jobs::is_finished(&Object(json!({ "status": status })));
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
}
