//! What the hub's own objects say: statuses of deployments and the plan's head, events of jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    Condition, Decimal, Mode, ModelDeployment, ModelDeploymentStatus, PlanHead, PlanHeadStatus,
    conditions::{reasons, types},
    find_condition, set_condition,
};
use commonwatt_fleet::{DeploymentId, Explanation, JobId, SiteId};
use commonwatt_store::{
    Event, EventType, Failure, Kind, StatusWrite, StoreError, get, to_object, together,
    write_status,
};
use serde_json::json;

use crate::hub::{Cycle, HEAD, Hub};
use crate::publish::Publisher;
use crate::reasons::Reasons;
use crate::verdict::{Words, decided, leaving, placed};

/// What is to be said of one deployment.
struct Verdict {
    name: String,
    declared: Arc<ModelDeployment>,
    condition: Condition,
    status: ModelDeploymentStatus,
    /// It was proposed to a site in this round for the first time.
    just_asked: bool,
}

/// What a round says something of.
struct Round<'a, 'r> {
    cycle: &'a Cycle,
    cautious: &'a BTreeMap<SiteId, Mode>,
    reasons: &'a Reasons<'r>,
    now: DateTime<Utc>,
}

impl Round<'_, '_> {
    /// What is to be said of a deployment, in new words or the old ones.
    fn verdict(&self, name: &str, mode: Mode, words: Words<'_>) -> Verdict {
        let cycle = self.cycle;
        let declared = cycle.seen.deployments[name].clone();
        let id = DeploymentId::from(name);
        let problem = cycle.refused("ModelDeployment", name);
        let planned = cycle.planned_for(mode);
        let decision =
            planned.and_then(|(world, plan)| Some((world, plan, plan.deployments.get(&id)?)));
        let mut status = match (problem, decision) {
            (None, Some((world, plan, decision))) => decided(
                cycle,
                &declared,
                &id,
                (world, plan),
                decision,
                words,
                self.cautious,
                mode,
            ),
            _ => ModelDeploymentStatus::default(),
        };
        status.conditions = declared.status.clone().unwrap_or_default().conditions;
        let condition = if declared.metadata.deletion_timestamp.is_some() {
            leaving(cycle, &id, self.now)
        } else {
            let decision = decision.map(|(_, _, decision)| decision);
            placed(problem, decision, words, &status, mode, self.now)
        };
        set_condition(
            &mut status.conditions,
            condition
                .clone()
                .at_generation(declared.metadata.generation),
        );
        status.observed_generation = declared.metadata.generation;
        let just_asked = declared.status.is_none()
            && condition.status == "True"
            && crate::publish::assignments_of(&cycle.seen, &id).is_empty();
        Verdict {
            name: name.to_owned(),
            declared,
            condition,
            status,
            just_asked,
        }
    }
}

impl Verdict {
    fn says_as_before(&self) -> bool {
        self.declared.status.as_ref() == Some(&self.status)
    }
}

/// When one place fills up, why it is not there changes for every deployment elsewhere. So many of those that nothing
/// else happened to are written in a round; the next round goes on with the others.
const REWORDED: usize = 32;

impl Hub {
    /// Writes every status that says something new.
    pub(crate) async fn say(
        &self,
        cycle: &mut Cycle,
        publisher: &Publisher,
        published: bool,
        cautious: &BTreeMap<SiteId, Mode>,
        reasons: &Reasons<'_>,
        now: DateTime<Utc>,
    ) {
        self.say_malformed(cycle, now).await;
        self.say_deployments(cycle, cautious, reasons, now).await;
        self.say_inputs(cycle, now).await;
        self.say_jobs(cycle, reasons).await;
        self.say_head(cycle, publisher, published, now).await;
    }

    async fn say_malformed(&self, cycle: &mut Cycle, now: DateTime<Utc>) {
        for malformed in cycle.seen.malformed.clone() {
            let object = &malformed.object;
            let message = format!("{} {}: {}", object.kind(), object.name(), malformed.why);
            let said = object.0["status"]["conditions"]
                .as_array()
                .is_some_and(|conditions| {
                    conditions.iter().any(|c| c["message"] == message.as_str())
                });
            if !said {
                let (group, version) = (commonwatt_api::GROUP, commonwatt_api::VERSION);
                let plural =
                    format!("{}s", object.kind().to_lowercase()).replace("policys", "policies");
                let kind =
                    Kind::from_api_version(&format!("{group}/{version}"), object.kind(), &plural);
                let condition =
                    Condition::new(types::READY, false, reasons::INVALID, message.clone(), now);
                let patch = json!({ "status": { "conditions": [condition] } });
                if self
                    .store
                    .merge_status(&kind, object.namespace(), object.name(), &patch)
                    .await
                    .is_ok()
                {
                    cycle.writes += 1;
                }
            }
            cycle.failures.push(Failure::new(reasons::INVALID, message));
        }
    }

    async fn say_deployments(
        &self,
        cycle: &mut Cycle,
        cautious: &BTreeMap<SiteId, Mode>,
        reasons: &Reasons<'_>,
        now: DateTime<Utc>,
    ) {
        let mut worded = self.worded();
        worded.retain(|id, _| cycle.seen.deployments.contains_key(id.as_str()));
        let mut reworded = 0;
        let asked_all = cycle.failures.is_empty();
        let mut verdicts = Vec::new();
        for name in cycle.seen.deployments.keys() {
            let round = Round {
                cycle,
                cautious,
                reasons,
                now,
            };
            let (verdict, rewords) = self.verdict(&round, name, &mut worded, reworded < REWORDED);
            // Its site answers in a moment, and then there is something to say.
            if verdict.just_asked && asked_all {
                continue;
            }
            reworded += usize::from(rewords);
            verdicts.push(verdict);
        }
        self.remember_worded(worded);
        let said = verdicts.iter().map(|verdict| self.say_verdict(verdict));
        let said = together(said.collect()).await;
        for (verdict, written) in verdicts.into_iter().zip(said) {
            cycle.note("ModelDeployment status", written);
            // Pages and metrics show what was just said, not what was said in the round before.
            if let Some(declared) = cycle.seen.deployments.get_mut(&verdict.name) {
                Arc::make_mut(declared).status = Some(verdict.status);
            }
        }
    }

    /// What is to be said of a deployment, and whether that changes words alone. Reasons are worked out where something
    /// else changes, and where they are still of an earlier plan and may be worded anew in this round.
    fn verdict(
        &self,
        round: &Round<'_, '_>,
        name: &str,
        worded: &mut BTreeMap<DeploymentId, u64>,
        may_reword: bool,
    ) -> (Verdict, bool) {
        let id = DeploymentId::from(name);
        let declared = &round.cycle.seen.deployments[name];
        let mode = declared.spec.mode.min(self.mode);
        let number = round.reasons.number(mode);
        let fresh = worded.get(&id) == Some(&number);
        let planned = round.cycle.planned_for(mode);
        let decision = planned.and_then(|(_, plan)| plan.deployments.get(&id));
        // How much has no place is said at once, and why with it.
        let unmet = decision.is_some_and(|decision| decision.unmet.is_some());
        let old = declared.status.as_ref().filter(|_| fresh || !unmet);
        let as_before = old.map(|old| round.verdict(name, mode, Words::Old(old)));
        let as_before = as_before.filter(Verdict::says_as_before);
        let same = as_before.is_some();
        if let Some(as_before) = as_before.filter(|_| fresh || !may_reword) {
            return (as_before, false);
        }
        let explained = match decision {
            Some(_) => round.reasons.deployment(mode, &id),
            None => Explanation::default(),
        };
        let verdict = round.verdict(name, mode, Words::New(&explained));
        worded.insert(id, number);
        let rewords = same && !verdict.says_as_before();
        (verdict, rewords)
    }

    async fn say_verdict(&self, verdict: &Verdict) -> Result<StatusWrite, StoreError> {
        self.tell(verdict.declared.as_ref(), &verdict.condition)
            .await;
        write_status(
            self.store.as_ref(),
            verdict.declared.as_ref(),
            &verdict.status,
        )
        .await
    }

    /// An event where the verdict on a deployment changes.
    async fn tell(&self, declared: &ModelDeployment, condition: &Condition) {
        let old = declared
            .status
            .as_ref()
            .and_then(|status| find_condition(&status.conditions, &condition.type_));
        if old.is_some_and(|old| old.status == condition.status && old.reason == condition.reason) {
            return;
        }
        let type_ = if condition.status == "True" {
            EventType::Normal
        } else {
            EventType::Warning
        };
        let event = Event {
            type_,
            reason: condition.reason.clone(),
            message: condition.message.chars().take(900).collect(),
        };
        if let Ok(object) = to_object(declared) {
            let _ = self.store.event(&object, &event).await;
        }
    }

    /// A Job has no condition of ours; what is wrong with it, or that it is at risk, is an event.
    async fn say_jobs(&self, cycle: &mut Cycle, reasons: &Reasons<'_>) {
        for (name, job) in &cycle.seen.jobs {
            let problem = cycle.refused("Job", name);
            let id = JobId::from(name.as_str());
            let decision = cycle.plan.jobs.get(&id);
            let event = match (problem, decision) {
                (Some(problem), _) => (problem.reason.clone(), problem.message.clone()),
                (None, Some(decision)) if decision.at_risk => {
                    let explainer = reasons.in_mode(Mode::Enforce);
                    let explained = explainer.and_then(|explainer| explainer.job(&id));
                    let rejected = explained.unwrap_or_default().rejected.into_iter();
                    let rejected = rejected.map(|(site, why)| format!("{site}: {}", why.detail()));
                    let noted = cycle.noted("Job", name).map(|noted| noted.message.clone());
                    let why: Vec<String> = noted.chain(rejected).collect();
                    (
                        reasons::AT_RISK.into(),
                        format!("will not be done by its deadline; {}", why.join("; ")),
                    )
                }
                _ => continue,
            };
            let event = Event {
                type_: EventType::Warning,
                reason: event.0,
                message: event.1.chars().take(900).collect(),
            };
            let _ = self.store.event(job, &event).await;
        }
    }

    async fn say_head(
        &self,
        cycle: &mut Cycle,
        publisher: &Publisher,
        published: bool,
        now: DateTime<Utc>,
    ) {
        let Ok(Some(head)) = get::<PlanHead>(self.store.as_ref(), None, HEAD).await else {
            return;
        };
        if published && head.spec.epoch == publisher.epoch {
            let patch = json!({ "spec": { "sequence": publisher.sequence } });
            match self
                .store
                .merge(&Kind::of::<PlanHead>(), None, HEAD, &patch)
                .await
            {
                Ok(_) => cycle.writes += 1,
                Err(error) => cycle.failures.push(Failure::of("PlanHead", &error)),
            }
        }
        let plan = &cycle.plan;
        let mut conditions = head.status.clone().unwrap_or_default().conditions;
        let condition = match cycle.findings.first() {
            None => Condition::new(types::READY, true, reasons::OK, "", now),
            Some(first) => {
                let message = format!(
                    "the audit found {}; the first: {first}; nothing is published",
                    cycle.findings.len()
                );
                Condition::new(types::READY, false, reasons::INVALID, message, now)
            }
        };
        set_condition(&mut conditions, condition);
        let mut status = PlanHeadStatus {
            conditions,
            planned_at: head.status.as_ref().and_then(|status| status.planned_at),
            cost: Decimal::from_value(plan.bound.upper.0, 2),
            lower_bound: plan
                .bound
                .lower
                .and_then(|lower| Decimal::from_value(lower.0, 2)),
            currency: Some(cycle.world.currency.clone()),
            findings: Some(cycle.findings.len() as i64),
        };
        if head.status.as_ref() != Some(&status) {
            status.planned_at = Some(now.into());
        }
        cycle.note(
            "PlanHead status",
            write_status(self.store.as_ref(), &head, &status).await,
        );
    }
}

impl Cycle {
    /// Counts writes, and keeps those that failed.
    pub(crate) fn wrote(&mut self, results: impl IntoIterator<Item = Result<(), Failure>>) {
        for result in results {
            match result {
                Ok(()) => self.writes += 1,
                Err(failure) => self.failures.push(failure),
            }
        }
    }

    pub(crate) fn note(&mut self, what: &str, result: Result<StatusWrite, StoreError>) {
        match result {
            Ok(StatusWrite::Written) => self.writes += 1,
            // Gone meanwhile: there is nobody left to tell.
            Ok(StatusWrite::Same) | Err(StoreError::NotFound(_)) => {}
            Err(error) => self.failures.push(Failure::of(what, &error)),
        }
    }
}
