//! What the hub's own objects say: statuses of deployments and the plan's head, events of jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    Condition, Decimal, Mode, ModelDeployment, ModelDeploymentStatus, PlanHead, PlanHeadStatus,
    conditions::{reasons, types},
    find_condition, set_condition,
};
use commonwatt_fleet::{DeploymentId, SiteId};
use commonwatt_store::{
    Event, EventType, Failure, Kind, StatusWrite, StoreError, get, to_object, together,
    write_status,
};
use serde_json::json;

use crate::hub::{Cycle, HEAD, Hub};
use crate::publish::Publisher;
use crate::verdict::{decided, leaving, placed};

/// What is to be said of one deployment.
struct Verdict {
    name: String,
    declared: Arc<ModelDeployment>,
    condition: Condition,
    status: ModelDeploymentStatus,
    /// It was proposed to a site in this round for the first time.
    just_asked: bool,
}

impl Verdict {
    /// Whether nothing changed but why it is not elsewhere.
    fn only_rewords(&self) -> bool {
        let Some(old) = &self.declared.status else {
            return false;
        };
        // Most say the same in most rounds, and what follows copies a status.
        if old.rejected == self.status.rejected {
            return false;
        }
        let rejected = self.status.rejected.clone();
        let reworded = ModelDeploymentStatus {
            rejected,
            ..old.clone()
        };
        reworded == self.status
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
        now: DateTime<Utc>,
    ) {
        self.say_malformed(cycle, now).await;
        self.say_deployments(cycle, cautious, now).await;
        self.say_inputs(cycle, now).await;
        self.say_jobs(cycle).await;
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
        now: DateTime<Utc>,
    ) {
        let verdicts: Vec<Verdict> = cycle
            .seen
            .deployments
            .keys()
            .map(|name| self.verdict(cycle, name, cautious, now))
            .collect();
        let mut refreshed = 0;
        let asked_all = cycle.failures.is_empty();
        let due = |verdict: &Verdict| {
            // Its site answers in a moment, and then there is something to say.
            if verdict.just_asked && asked_all {
                return false;
            }
            let due = !verdict.only_rewords() || refreshed < REWORDED;
            refreshed += usize::from(due && verdict.only_rewords());
            due
        };
        let verdicts: Vec<Verdict> = verdicts.into_iter().filter(due).collect();
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

    fn verdict(
        &self,
        cycle: &Cycle,
        name: &str,
        cautious: &BTreeMap<SiteId, Mode>,
        now: DateTime<Utc>,
    ) -> Verdict {
        let declared = cycle.seen.deployments[name].clone();
        let id = DeploymentId::from(name);
        let mode = declared.spec.mode.min(self.mode);
        let problem = cycle
            .problems
            .iter()
            .find(|p| p.kind == "ModelDeployment" && p.name == name);
        let planned = cycle.planned_for(mode);
        let decision =
            planned.and_then(|(world, plan)| Some((world, plan, plan.deployments.get(&id)?)));
        let mut status = match (problem, decision) {
            (None, Some((world, plan, decision))) => {
                decided(cycle, &declared, &id, world, plan, decision, cautious, mode)
            }
            _ => ModelDeploymentStatus::default(),
        };
        status.conditions = declared.status.clone().unwrap_or_default().conditions;
        let condition = if declared.metadata.deletion_timestamp.is_some() {
            leaving(cycle, &id, now)
        } else {
            placed(
                problem,
                decision.map(|(_, _, decision)| decision),
                &status,
                mode,
                now,
            )
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
    async fn say_jobs(&self, cycle: &mut Cycle) {
        for (name, job) in &cycle.seen.jobs {
            let problem = cycle
                .problems
                .iter()
                .find(|p| p.kind == "Job" && p.name == *name);
            let decision = cycle
                .plan
                .jobs
                .get(&commonwatt_fleet::JobId::from(name.as_str()));
            let event = match (problem, decision) {
                (Some(problem), _) => (problem.reason.clone(), problem.message.clone()),
                (None, Some(decision)) if decision.at_risk => {
                    let why: Vec<String> = decision
                        .rejected
                        .iter()
                        .map(|(site, why)| format!("{site}: {}", why.detail()))
                        .collect();
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
