//! What limits a site says of itself: statuses of budgets, events and communities.

use chrono::{DateTime, Utc};
use commonwatt_api::{
    Condition, Decimal, HostCommunity, HostCommunityStatus, Liters, PowerBoundary,
    PowerBudgetStatus, WaterBudget, WaterBudgetStatus, Watts as ApiWatts,
    conditions::{reasons, types},
    set_condition,
};
use commonwatt_fleet::Watts;
use commonwatt_ledger::{Body, DeclaredTerm, Stage as DeclaredStage};
use commonwatt_store::write_status;

use crate::agent::{Agent, Cycle};
use crate::evidence::follow;
use crate::model::{Problem, SiteModel, Water};
use crate::snapshot::{Said, Snapshot};
use crate::stage::Stage;

impl Agent {
    /// The statuses of everything that limits the site.
    pub(crate) async fn say_limits(
        &self,
        stage: &Stage<'_>,
        snapshot: &Snapshot,
        said: &mut Said,
        cycle: &mut Cycle,
    ) {
        let Some(model) = &snapshot.model else { return };
        self.say_power(stage, model, snapshot, cycle).await;
        self.say_water(stage, model, snapshot, said, cycle).await;
        self.say_events(stage, snapshot, said, cycle).await;
        for community in stage
            .seen
            .communities
            .iter()
            .filter(|c| c.spec.sites.iter().any(|s| s == stage.name()))
        {
            self.say_community(stage, community, &snapshot.problems, cycle)
                .await;
        }
    }

    async fn say_power(
        &self,
        stage: &Stage<'_>,
        model: &SiteModel,
        snapshot: &Snapshot,
        cycle: &mut Cycle,
    ) {
        let pue = model.hours.first().map_or(1.0, |hour| hour.pue);
        for object in stage
            .seen
            .power
            .iter()
            .filter(|budget| budget.spec.site == stage.name())
        {
            let name = object.metadata.name.clone().unwrap_or_default();
            let mut status = object.status.clone().unwrap_or_default();
            let condition = match model
                .limits
                .budgets
                .iter()
                .find(|budget| budget.name == name)
            {
                Some(budget) => {
                    let at_boundary = |watts: Watts| match budget.boundary {
                        PowerBoundary::It => watts,
                        PowerBoundary::Facility => watts.scaled_up(pue),
                    };
                    let limit = budget.at(stage.now, model.zone);
                    let charged = at_boundary(snapshot.charged);
                    let left = limit.saturating_sub(budget.unmanaged + charged);
                    status = PowerBudgetStatus {
                        limit: Some(ApiWatts::from_value(limit.0)),
                        draw: Some(ApiWatts::from_value(at_boundary(snapshot.draw).0)),
                        unmanaged: Some(ApiWatts::from_value(budget.unmanaged.0)),
                        headroom: Some(ApiWatts::from_value(left.0)),
                        ..status
                    };
                    let within = charged + budget.unmanaged <= limit;
                    let reason = if within {
                        reasons::OK
                    } else {
                        reasons::FALLING
                    };
                    let message = if within {
                        String::new()
                    } else {
                        format!("charged load is above {limit}")
                    };
                    Condition::new(types::WITHIN_LIMIT, within, reason, message, stage.now)
                }
                None => invalid(
                    &snapshot.problems,
                    "PowerBudget",
                    &name,
                    types::WITHIN_LIMIT,
                    stage.now,
                ),
            };
            status.observed_generation = object.metadata.generation;
            set_condition(
                &mut status.conditions,
                condition.at_generation(object.metadata.generation),
            );
            cycle.note(
                "PowerBudget status",
                write_status(self.store.as_ref(), object.as_ref(), &status).await,
            );
        }
    }

    async fn say_water(
        &self,
        stage: &Stage<'_>,
        model: &SiteModel,
        snapshot: &Snapshot,
        said: &mut Said,
        cycle: &mut Cycle,
    ) {
        let wue =
            model.hours.iter().map(|hour| hour.wue).sum::<f64>() / model.hours.len().max(1) as f64;
        for object in stage
            .seen
            .water
            .iter()
            .filter(|budget| budget.spec.site == stage.name())
        {
            let name = object.metadata.name.clone().unwrap_or_default();
            let mut status = object.status.clone().unwrap_or_default();
            let condition = match model.waters.iter().find(|water| water.name == name) {
                Some(water) => {
                    let to_come =
                        snapshot.charged.over_seconds(3600.0).0 * wue * water.hours_left(stage.now);
                    // To about a thousandth of the cap: a status is no meter, and every digit more is a write more.
                    status = WaterBudgetStatus {
                        cap: Some(Liters::from_value(water.cap)),
                        used: Some(Liters::from_value(rounded(water.used, water.cap))),
                        projected: Some(Liters::from_value(rounded(
                            water.used + to_come,
                            water.cap,
                        ))),
                        stage: Some(
                            water
                                .stage
                                .as_ref()
                                .map_or("none".into(), |(stage, _, _)| stage.clone()),
                        ),
                        coverage_percent: Decimal::from_value(water.coverage.floor(), 0),
                        ..status
                    };
                    self.note_stage(stage, object, water, cycle);
                    water_verdict(water, water.used + to_come, stage.now)
                }
                None => invalid(
                    &snapshot.problems,
                    "WaterBudget",
                    &name,
                    types::WITHIN_LIMIT,
                    stage.now,
                ),
            };
            status.observed_generation = object.metadata.generation;
            set_condition(
                &mut status.conditions,
                condition.at_generation(object.metadata.generation),
            );
            cycle.note(
                "WaterBudget status",
                write_status(self.store.as_ref(), object.as_ref(), &status).await,
            );
            said.water.insert(name, status);
        }
    }

    /// A stage that was declared is written into the ledger once.
    fn note_stage(
        &self,
        stage: &Stage<'_>,
        object: &WaterBudget,
        water: &Water,
        cycle: &mut Cycle,
    ) {
        let (Some(declared), Some((name, authority, fraction))) =
            (&object.spec.declared, &water.stage)
        else {
            return;
        };
        let before = object
            .status
            .as_ref()
            .and_then(|status| status.stage.as_deref());
        if before == Some(name) {
            return;
        }
        let body = Body::Stage(DeclaredStage {
            term: DeclaredTerm::Water,
            authority: authority.clone(),
            stage: name.clone(),
            fraction: *fraction,
            from: declared.since.0,
            evidence: declared.evidence.clone(),
        });
        self.write_body(stage.name(), stage.now, body, cycle);
    }

    async fn say_events(
        &self,
        stage: &Stage<'_>,
        snapshot: &Snapshot,
        said: &mut Said,
        cycle: &mut Cycle,
    ) {
        for event in stage
            .seen
            .events
            .iter()
            .filter(|event| event.spec.site == stage.name())
        {
            let Ok(target) = event.spec.target_watts.value() else {
                continue;
            };
            let (status, stages) = follow(event, Watts(target), snapshot.facility, stage.now);
            let written = write_status(self.store.as_ref(), event.as_ref(), &status).await;
            let ok = written.is_ok();
            cycle.note("GridEvent status", written);
            let name = event.metadata.name.clone().unwrap_or_default();
            said.events.insert(name, (target, status));
            // The ledger speaks of what the status has taken; a failed write is tried again with its stages.
            for body in stages.into_iter().filter(|_| ok) {
                self.write_body(stage.name(), stage.now, body, cycle);
            }
        }
    }

    async fn say_community(
        &self,
        stage: &Stage<'_>,
        community: &HostCommunity,
        problems: &[Problem],
        cycle: &mut Cycle,
    ) {
        let name = community.metadata.name.clone().unwrap_or_default();
        let problem = problems
            .iter()
            .find(|problem| problem.kind == "HostCommunity" && problem.name == name);
        let condition = match problem {
            Some(problem) => Condition::new(
                types::READY,
                false,
                problem.reason,
                problem.message.clone(),
                stage.now,
            ),
            None => Condition::new(types::READY, true, reasons::OK, "", stage.now),
        };
        let mut conditions = community.status.clone().unwrap_or_default().conditions;
        set_condition(
            &mut conditions,
            condition.at_generation(community.metadata.generation),
        );
        let status = HostCommunityStatus {
            observed_generation: community.metadata.generation,
            conditions,
        };
        cycle.note(
            "HostCommunity status",
            write_status(self.store.as_ref(), community, &status).await,
        );
    }
}

fn water_verdict(water: &Water, projected: f64, now: DateTime<Utc>) -> Condition {
    let (ok, reason, message) = if water.used > water.cap {
        let message = format!(
            "{:.0} L used of {:.0} L: nothing grows here in this period",
            water.used, water.cap
        );
        (false, reasons::OVER_LIMIT, message)
    } else if projected > water.cap {
        (
            false,
            reasons::WATER,
            "as charged now the cap would be passed; growth is refused".to_owned(),
        )
    } else {
        (true, reasons::OK, String::new())
    };
    Condition::new(types::WITHIN_LIMIT, ok, reason, message, now)
}

fn invalid(
    problems: &[Problem],
    kind: &str,
    name: &str,
    type_: &str,
    now: DateTime<Utc>,
) -> Condition {
    let message = problems
        .iter()
        .find(|problem| problem.kind == kind && problem.name == name)
        .map_or("cannot be read", |problem| problem.message.as_str());
    Condition::new(
        type_,
        false,
        reasons::INVALID,
        format!("{message}; until it is mended nothing grows here"),
        now,
    )
}

/// A volume to about a thousandth of its cap.
fn rounded(liters: f64, cap: f64) -> f64 {
    let unit = 10_f64.powf(cap.max(1.0).log10().floor() - 3.0);
    (liters.max(0.0) / unit).round() * unit
}
