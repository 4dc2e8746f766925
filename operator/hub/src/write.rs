//! Step four of a cycle: writes to assignments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::{FINALIZER, ModelDeployment, SiteAssignment, SiteAssignmentSpec, SubjectKind};
use commonwatt_fleet::{DeploymentId, JobId, SiteId};
use commonwatt_store::{Failure, Kind, Object, apply_in_namespace, to_object, together};
use serde_json::json;

use crate::committed::SINCE;
use crate::dereference::Seen;
use crate::hub::{Cycle, Hub};
use crate::jobs::WORKED;
use crate::publish::{Moving, Publisher, Wanted, batch, clip, says_already, serving};
use crate::reasons::Reasons;

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

impl Hub {
    /// Writes what has changed. True when anything was.
    pub(crate) async fn publish(
        &self,
        cycle: &mut Cycle,
        publisher: &Publisher,
        worked: &BTreeMap<String, f64>,
        moving: &mut Moving,
        reasons: &Reasons<'_>,
        now: DateTime<Utc>,
    ) -> bool {
        let before = cycle.writes;
        self.clear_released(cycle).await;
        self.let_leave(cycle, now).await;
        if !cycle.findings.is_empty() {
            return cycle.writes > before;
        }
        let wanted = self.wanted(cycle, publisher, moving, now);
        let unmarked = self.mark(cycle, &wanted).await;
        let mut puts = Vec::new();
        for wanted in &wanted {
            let is_job = wanted.spec.subject.kind == SubjectKind::Job;
            if unmarked.contains(&subject_of(&wanted.spec))
                || (is_job && self.is_still_elsewhere(cycle, wanted).await)
            {
                continue;
            }
            puts.extend(put(&cycle.seen, wanted, worked, now));
        }
        for assignment in &mut puts {
            give_reason(&mut assignment.spec, reasons);
        }
        let written = puts.iter().map(|assignment| self.write(assignment));
        let written = together(written.collect()).await;
        cycle.wrote(written);
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
        let offers = seen.offers.keys().map(String::as_str);
        let unread: BTreeSet<&str> = offers
            .filter(|name| cycle.refused("SiteOffer", name).is_some())
            .collect();
        let mut all = Vec::new();
        for (name, declared) in &seen.deployments {
            if declared.metadata.deletion_timestamp.is_some() {
                continue;
            }
            let mode = declared.spec.mode.min(self.mode);
            let Some((world, plan)) = cycle.planned_for(mode) else {
                continue;
            };
            let id = DeploymentId::from(name.as_str());
            if let (Some(read), Some(decision), Some(slots)) = (
                world.deployments.get(&id),
                plan.deployments.get(&id),
                plan.slots,
            ) {
                let places = serving(
                    publisher, seen, declared, read, decision, &slots, mode, moving, now,
                );
                // Of a site whose offer cannot be read nothing is known: what it has been told stays.
                all.extend(
                    places
                        .into_iter()
                        .filter(|place| !unread.contains(place.spec.site.as_str())),
                );
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

    /// Our finalizer on what has or shall have assignments, so that a deletion is seen before it is done. Returns those
    /// that could not be marked: they get no assignment, which would outlive them.
    async fn mark(&self, cycle: &mut Cycle, wanted: &[Wanted]) -> BTreeSet<SubjectKey> {
        let present = cycle.seen.assignments.values().map(|a| &a.spec);
        let with: BTreeSet<SubjectKey> = present
            .chain(wanted.iter().map(|wanted| &wanted.spec))
            .map(subject_of)
            .collect();
        let mut unmarked = BTreeSet::new();
        let unmarked_yet = |deployment: &&Arc<ModelDeployment>| {
            let finalizers = deployment.metadata.finalizers.as_deref();
            !finalizers.is_some_and(|all| all.iter().any(|one| one == FINALIZER))
        };
        let deployments = cycle.seen.deployments.values().filter(unmarked_yet);
        let deployments =
            deployments.filter_map(|deployment| to_object(deployment.as_ref()).ok().map(Arc::new));
        let jobs = cycle.seen.jobs.values();
        let jobs = jobs.filter(|_| self.may_write_jobs()).cloned();
        let of = |kind: SubjectKind| move |object| (kind, object);
        let all: Vec<(SubjectKind, Arc<Object>)> = deployments
            .map(of(SubjectKind::ModelDeployment))
            .chain(jobs.map(of(SubjectKind::Job)))
            .collect();
        let marks = all.iter().filter_map(|(subject, object)| {
            let key = (
                *subject,
                object.namespace().unwrap_or_default().to_owned(),
                object.name().to_owned(),
            );
            let needs = !object.is_being_deleted()
                && !object.finalizers().contains(&FINALIZER)
                && with.contains(&key);
            needs.then_some(async move { (key, self.mark_one(*subject, object).await) })
        });
        for (key, marked) in together(marks.collect()).await {
            if marked.is_err() {
                unmarked.insert(key);
            }
            cycle.wrote([marked]);
        }
        unmarked
    }

    async fn mark_one(&self, subject: SubjectKind, object: &Object) -> Result<(), Failure> {
        let mut finalizers = object.finalizers();
        finalizers.push(FINALIZER);
        let patch = json!({ "metadata": { "finalizers": finalizers, "resourceVersion": object.resource_version() } });
        let kind = match subject {
            SubjectKind::ModelDeployment => Kind::of::<ModelDeployment>(),
            SubjectKind::Job => Kind::JOB,
        };
        let merged = self
            .store
            .merge(&kind, object.namespace(), object.name(), &patch)
            .await;
        merged
            .map(|_| ())
            .map_err(|error| Failure::of(format!("finalizer of {kind} {}", object.name()), &error))
    }

    async fn write(&self, assignment: &SiteAssignment) -> Result<(), Failure> {
        let kind = Kind::of::<SiteAssignment>();
        let written = match to_object(assignment) {
            Ok(object) => apply_in_namespace(self.store.as_ref(), &kind, &object).await,
            Err(error) => Err(error),
        };
        written.map(|_| ()).map_err(|error| {
            let metadata = &assignment.metadata;
            let (namespace, name) = (&metadata.namespace, &metadata.name);
            let key = [namespace, name].map(|part| part.as_deref().unwrap_or_default());
            Failure::of(format!("SiteAssignment {}", key.join("/")), &error)
        })
    }
}

/// Why a deployment's assignment is there. That of a job says it already.
fn give_reason(spec: &mut SiteAssignmentSpec, reasons: &Reasons<'_>) {
    if spec.subject.kind == SubjectKind::ModelDeployment {
        let id = DeploymentId::new(&spec.subject.namespace, &spec.subject.name);
        let site = SiteId::from(spec.site.as_str());
        spec.reason = clip(&reasons.of_assignment(spec.mode, &id, &site));
    }
}

/// The assignment to write so that it says what it shall; none where it does already.
fn put(
    seen: &Seen,
    wanted: &Wanted,
    worked: &BTreeMap<String, f64>,
    now: DateTime<Utc>,
) -> Option<SiteAssignment> {
    let key = format!("{}/{}", wanted.namespace, wanted.name);
    let is_done = |old: &Arc<SiteAssignment>| {
        old.metadata.deletion_timestamp.is_some() || says_already(old, wanted, now)
    };
    if seen.assignments.get(&key).is_some_and(is_done) {
        return None;
    }
    let mut assignment = SiteAssignment::new(&wanted.name, wanted.spec.clone());
    assignment.metadata.namespace = Some(wanted.namespace.clone());
    assignment.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    let since = wanted
        .since
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let mut marks: BTreeMap<String, String> = [(SINCE.to_owned(), since)].into();
    let subject = &wanted.spec.subject;
    if let Some(seconds) = worked.get(&format!("{}/{}", subject.namespace, subject.name)) {
        marks.insert(WORKED.to_owned(), format!("{seconds:.0}"));
    }
    assignment.metadata.annotations = Some(marks);
    Some(assignment)
}
