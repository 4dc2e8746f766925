//! What a hub hears: the answer to each assignment, and the site's offer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use commonwatt_api::{
    AdmissionRecord, AssignmentRefusal, Condition, Mode, SiteAssignment, SiteAssignmentStatus,
    SiteOffer, SubjectKind,
    conditions::{reasons, types},
    find_condition, set_condition,
};
use commonwatt_store::{
    Event, EventType, Failure, Kind, apply_in_namespace, get, to_object, together, write_status,
};

use crate::admission::Answer;
use crate::agent::{Agent, Cycle, HubLink, namespace_of};
use crate::decide::Decided;
use crate::model::SiteModel;
use crate::offer::{Taken, offer, says_the_same};
use crate::running::running;
use crate::schedule::scheduled;
use crate::situation::Asked;
use crate::snapshot::Said;
use crate::stage::Stage;
use crate::steer::bounds;
use crate::workload::{Observed, find, observe};

impl Agent {
    /// Writes the answer to every assignment.
    pub(crate) async fn answer(
        &self,
        stage: &Stage<'_>,
        decided: &Decided,
        records: &BTreeMap<String, Arc<AdmissionRecord>>,
        said: &mut Said,
        cycle: &mut Cycle,
    ) {
        for hub in &self.hubs {
            let asked = stage.asked.iter().filter(|asked| asked.hub == hub.name);
            let asked: Vec<&Asked> = asked.collect();
            if asked.is_empty() || cycle.silent_hubs.contains_key(&hub.name) {
                continue;
            }
            let revision = offer_revision(stage, hub).await;
            // One that does not answer is not waited for once more for each of a thousand assignments.
            let silent = AtomicBool::new(false);
            let answers = asked.into_iter().map(|asked| {
                let record = records.get(&asked.record).map(AsRef::as_ref);
                let status = self.status_of(stage, decided, asked, record, revision);
                if let Some(answer) = find_condition(&status.conditions, types::ADMITTED) {
                    *said.answers.entry(answer.reason.clone()).or_default() += 1;
                }
                self.answer_one(hub, asked, status, &silent)
            });
            for part in together(answers.collect()).await {
                cycle.absorb(part);
            }
        }
    }

    async fn answer_one(
        &self,
        hub: &HubLink,
        asked: &Asked,
        status: SiteAssignmentStatus,
        silent: &AtomicBool,
    ) -> Cycle {
        let mut part = Cycle::default();
        if silent.load(Ordering::Relaxed) {
            return part;
        }
        let released = status.released_at.is_some();
        let written = write_status(hub.store.as_ref(), asked.assignment.as_ref(), &status).await;
        if let Err(error) = &written {
            part.hub_failed(&hub.name, "answer", error);
            silent.fetch_or(!part.silent_hubs.is_empty(), Ordering::Relaxed);
            return part;
        }
        part.note("SiteAssignment status", written);
        self.tell(hub, asked, &status).await;
        if released && asked.assignment.metadata.deletion_timestamp.is_some() {
            self.let_go(hub, &asked.assignment, &mut part).await;
        }
        part
    }

    fn status_of(
        &self,
        stage: &Stage<'_>,
        decided: &Decided,
        asked: &Asked,
        record: Option<&AdmissionRecord>,
        offer_revision: i64,
    ) -> SiteAssignmentStatus {
        let spec = &asked.assignment.spec;
        let generation = asked.assignment.metadata.generation;
        let mut status = asked.assignment.status.clone().unwrap_or_default();
        let site_mode = self.mode.min(stage.site.spec.mode);
        let mode = site_mode.min(spec.mode);
        // What is only advised, or was admitted in this very round, serves as it did before.
        let shown = (mode < Mode::Enforce || record.is_some()).then(|| serving(stage, asked));
        let admitted = stage.observed.get(&asked.record).copied();
        let observed = admitted.or(shown.flatten()).unwrap_or_default();
        status.observed_generation = generation;
        status.ceiling = record.map(|record| record.spec.ceiling);
        status.ready_replicas = Some(i64::from(observed.ready));
        status.floor = record
            .and_then(|record| bounds(record, stage))
            .map(|bounds| i64::from(bounds.min));
        let wants_release = asked.is_to_be_released();
        if wants_release && record.is_none() {
            status.released_at = status.released_at.or(Some(stage.now.into()));
        }
        let answer = decided.answers.get(&asked.record);
        let condition = match (mode, answer) {
            _ if wants_release && record.is_some() && site_mode < Mode::Enforce => Condition::new(
                types::ADMITTED,
                false,
                reasons::ADVISING,
                "only in Enforce a workload may be given back: set the site and its agent to Enforce, or run \
                 `commonwatt release --all`",
                stage.now,
            ),
            _ if wants_release => Condition::new(
                types::ADMITTED,
                false,
                reasons::RELEASED,
                "given back as it was asked for",
                stage.now,
            ),
            (Mode::Observe, _) => Condition::new(
                types::ADMITTED,
                false,
                reasons::OBSERVING,
                "only observing: nothing is done",
                stage.now,
            ),
            (_, Some(Answer::No { reason, detail, .. })) => {
                Condition::new(types::ADMITTED, false, reason, detail.clone(), stage.now)
            }
            (Mode::Advise, _) => {
                let (_, max) = scheduled(&spec.schedule, stage.now);
                let message = format!(
                    "would be admitted: {max} × {} ({})",
                    spec.workload.variant, spec.reason
                );
                Condition::new(
                    types::ADMITTED,
                    false,
                    reasons::ADVISING,
                    message,
                    stage.now,
                )
            }
            (Mode::Enforce, _) => {
                let held = record.and_then(|record| record.spec.held_by.clone());
                let message = held.unwrap_or_else(|| "admitted as asked".into());
                Condition::new(
                    types::ADMITTED,
                    record.is_some(),
                    reasons::OK,
                    message,
                    stage.now,
                )
            }
        };
        set_condition(&mut status.conditions, condition.at_generation(generation));
        status.refusal = match answer {
            Some(Answer::No {
                reason,
                detail,
                most,
            }) => Some(AssignmentRefusal {
                reason: (*reason).to_owned(),
                detail: detail.chars().take(1000).collect(),
                most_replicas: i64::from(*most),
                offer_revision,
            }),
            _ => None,
        };
        if let Some(record) = record {
            let enough = status.floor.unwrap_or(record.spec.ceiling);
            let applied = observed.exists && i64::from(observed.ready) >= enough;
            let reason = if applied {
                reasons::OK
            } else {
                reasons::PROGRESSING
            };
            let message = match &record.spec.autoscaler {
                Some(autoscaler) if status.floor.is_some() => format!(
                    "{} ready; HorizontalPodAutoscaler {} moves between {enough} and {}",
                    observed.ready, autoscaler.name, record.spec.ceiling
                ),
                _ => format!("{} of {} ready", observed.ready, record.spec.ceiling),
            };
            set_condition(
                &mut status.conditions,
                Condition::new(types::APPLIED, applied, reason, message, stage.now),
            );
            if spec.subject.kind == SubjectKind::Job {
                let at = &record.spec.object;
                let object = find(
                    &stage.seen.workloads,
                    &record.spec.workload.adapter,
                    &at.namespace,
                    &at.name,
                );
                status.job = object.and_then(|object| object.at("status")).cloned();
            }
        }
        status
    }

    /// An event where the answer changes.
    async fn tell(&self, hub: &HubLink, asked: &Asked, status: &SiteAssignmentStatus) {
        let admitted = |conditions: &[Condition]| {
            find_condition(conditions, types::ADMITTED).map(|condition| {
                (
                    condition.status.clone(),
                    condition.reason.clone(),
                    condition.message.clone(),
                )
            })
        };
        let before = asked
            .assignment
            .status
            .as_ref()
            .and_then(|status| admitted(&status.conditions));
        let Some(now) = admitted(&status.conditions) else {
            return;
        };
        if before
            .as_ref()
            .is_some_and(|before| (&before.0, &before.1) == (&now.0, &now.1))
        {
            return;
        }
        let fine =
            now.0 == "True" || matches!(now.1.as_str(), "Advising" | "Observing" | "Released");
        let event = Event {
            type_: if fine {
                EventType::Normal
            } else {
                EventType::Warning
            },
            reason: if now.0 == "True" {
                "Admitted".into()
            } else {
                now.1
            },
            message: now.2,
        };
        if let Ok(object) = to_object(asked.assignment.as_ref()) {
            let _ = hub.store.event(&object, &event).await;
        }
    }

    /// Takes our finalizer off an assignment whose workload has been given back.
    async fn let_go(&self, hub: &HubLink, assignment: &SiteAssignment, cycle: &mut Cycle) {
        let Ok(object) = to_object(assignment) else {
            return;
        };
        let patch = object.without_finalizer(commonwatt_api::FINALIZER);
        let kind = Kind::of::<SiteAssignment>();
        match hub
            .store
            .merge(&kind, object.namespace(), object.name(), &patch)
            .await
        {
            Ok(_) => cycle.writes += 1,
            Err(error) => cycle.failures.push(Failure::of(
                format!("finalizer of {}", object.name()),
                &error,
            )),
        }
    }

    /// Publishes the offer to every hub that the site serves, if it says something new or is about to run out.
    pub(crate) async fn offer(&self, stage: &Stage<'_>, model: &SiteModel, cycle: &mut Cycle) {
        let charged_to = |hub: &str| {
            let of_hub = stage
                .records
                .values()
                .filter(|record| record.spec.hub.name == hub);
            of_hub
                .map(|record| record.spec.ceiling * record.spec.workload.watts)
                .sum::<i64>()
        };
        for share in &stage.site.spec.hubs {
            let Some(hub) = self.hubs.iter().find(|hub| hub.name == share.name) else {
                continue;
            };
            if cycle.silent_hubs.contains_key(&hub.name) {
                continue;
            }
            let taken = Taken {
                watts_of_others: (stage.charged().0 - charged_to(&hub.name)).max(0),
            };
            let own = |record: &str| {
                stage
                    .records
                    .get(record)
                    .is_some_and(|record| record.spec.hub.name == share.name)
            };
            let present = match get::<SiteOffer>(
                hub.store.as_ref(),
                Some(&namespace_of(stage.name())),
                stage.name(),
            )
            .await
            {
                Ok(present) => present,
                Err(error) => {
                    cycle.hub_failed(&hub.name, "its offer", &error);
                    continue;
                }
            };
            let old = present.as_ref().map(|offer| &offer.spec);
            let revision = old.map_or(0, |old| old.revision);
            let running = running(stage, &hub.name);
            let mut new = offer(
                model,
                &stage.slots,
                stage.now,
                share.share_percent,
                &stage.nodes,
                own,
                &taken,
                running,
                revision,
            );
            let same = old.is_some_and(|old| says_the_same(old, &new));
            let fresh = old.is_some_and(|old| {
                (old.valid_until.0 - stage.now).num_seconds() > crate::offer::VALID_SECONDS / 2
            });
            if same && fresh {
                continue;
            }
            if !same {
                new.revision = revision + 1;
            }
            let mut object = SiteOffer::new(stage.name(), new);
            object.metadata.namespace = Some(namespace_of(stage.name()));
            let written = match to_object(&object) {
                Ok(object) => {
                    let kind = Kind::of::<SiteOffer>();
                    apply_in_namespace(hub.store.as_ref(), &kind, &object).await
                }
                Err(error) => Err(error),
            };
            match written {
                Ok(_) => cycle.writes += 1,
                Err(error) => cycle.hub_failed(&hub.name, "its offer", &error),
            }
        }
    }
}

/// How what is only advised on stands: it serves, though nothing of it was admitted.
fn serving(stage: &Stage<'_>, asked: &Asked) -> Option<Observed> {
    let spec = &asked.assignment.spec;
    let name = spec.workload.workload_ref.as_deref()?;
    let mut hubs = stage.site.spec.hubs.iter();
    let share = hubs.find(|share| share.name == asked.hub)?;
    let mut pairs = share.namespace_map.iter();
    let pair = pairs.find(|pair| pair.hub == spec.subject.namespace)?;
    let adapter = &spec.workload.adapter;
    let object = find(&stage.seen.workloads, adapter, &pair.site, name)?;
    let adapter = stage.seen.adapters.get(adapter)?;
    Some(observe(adapter, object, &stage.seen.pods, false))
}

/// The revision of the offer that a hub has now.
async fn offer_revision(stage: &Stage<'_>, hub: &HubLink) -> i64 {
    let offers = hub
        .store
        .list(&Kind::of::<SiteOffer>(), Some(&namespace_of(stage.name())))
        .await;
    let offers = offers.unwrap_or_default();
    let own = offers.iter().find(|offer| offer.name() == stage.name());
    own.and_then(|offer| offer.at("spec.revision"))
        .and_then(serde_json::Value::as_i64)
        .unwrap_or(0)
}
