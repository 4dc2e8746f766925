//! What the site's own objects say: statuses of signals, sites, budgets, events and communities.

use chrono::{DateTime, Utc};
use commonwatt_api::{
    AcceleratorCount, Condition, Decimal, GridSignalStatus, HostCommunity, HostCommunityStatus,
    Liters, Mode, PowerBoundary, PowerBudgetStatus, Quantity, SignalAge, SiteStatus,
    WaterBudgetStatus, Watts as ApiWatts,
    conditions::{reasons, types},
    set_condition,
};
use commonwatt_fleet::Watts;
use commonwatt_ledger::{Body, DeclaredTerm, Stage as DeclaredStage};
use commonwatt_signals::State;
use commonwatt_store::{Kind, write_status};
use serde_json::json;

use crate::agent::{Agent, Cycle, Snapshot, Stage};
use crate::dereference::Seen;
use crate::evidence::follow;
use crate::hours::{SignalState, state_of};
use crate::model::{Problem, Signals, SiteModel, Water};

impl Agent {
    /// A condition on every object that its type does not fit. They stop nothing else.
    pub(crate) async fn say_malformed(&self, seen: &Seen, now: DateTime<Utc>, cycle: &mut Cycle) {
        for malformed in &seen.malformed {
            let object = &malformed.object;
            let message = format!("{} {}: {}", object.kind(), object.name(), malformed.why);
            let said = object.0["status"]["conditions"]
                .as_array()
                .is_some_and(|conditions| {
                    conditions
                        .iter()
                        .any(|condition| condition["message"] == message.as_str())
                });
            cycle.failures.push(message.clone());
            if said {
                continue;
            }
            let kind = Kind::new("commonwatt.dev", "v1alpha1", "", "");
            let kind = Kind {
                kind: object.kind().to_owned().into(),
                plural: plural(object.kind()).into(),
                ..kind
            };
            let condition = Condition::new(types::READY, false, reasons::INVALID, message, now);
            let patch = json!({ "status": { "conditions": [condition] } });
            let written = self
                .store
                .merge_status(&kind, object.namespace(), object.name(), &patch)
                .await;
            if written.is_ok() {
                cycle.writes += 1;
            }
        }
    }

    /// The value and age of every signal.
    pub(crate) async fn say_signals(
        &self,
        signals: &Signals,
        now: DateTime<Utc>,
        cycle: &mut Cycle,
    ) {
        for (signal, spec) in signals.values() {
            let mut status = signal.status.clone().unwrap_or_default();
            status.observed_generation = signal.metadata.generation;
            let condition = match state_of(spec.as_ref(), now) {
                SignalState::Said(reading) => {
                    let places = if signal.spec.quantity == Quantity::Price {
                        2
                    } else {
                        1
                    };
                    status.value = Decimal::from_value(reading.value, places);
                    status.observed_at = reading.observed_at.map(Into::into);
                    let fresh = reading.state == State::Fresh;
                    let reason = match reading.state {
                        State::Fresh => reasons::OK,
                        State::Stale => reasons::SIGNAL_STALE,
                        State::Missing => reasons::SIGNAL_MISSING,
                    };
                    // The age in words would be a write a minute; the stamp says it once.
                    let message = if fresh {
                        String::new()
                    } else {
                        stable(&reading.reason)
                    };
                    Condition::new(types::SIGNAL_FRESH, fresh, reason, message, now)
                }
                SignalState::Silent(why) => {
                    status = GridSignalStatus {
                        conditions: status.conditions,
                        ..GridSignalStatus::default()
                    };
                    Condition::new(
                        types::SIGNAL_FRESH,
                        false,
                        reasons::SIGNAL_MISSING,
                        why,
                        now,
                    )
                }
            };
            status.unit = Some(match (signal.spec.quantity, &signal.spec.currency) {
                (Quantity::AverageCarbon | Quantity::MarginalCarbon, _) => "gCO2e/kWh".into(),
                (Quantity::Price, currency) => {
                    format!("{}/MWh", currency.clone().unwrap_or_default())
                }
                (Quantity::WetBulb, _) => "Celsius".into(),
            });
            set_condition(
                &mut status.conditions,
                condition.at_generation(signal.metadata.generation),
            );
            cycle.note(
                "GridSignal status",
                write_status(self.store.as_ref(), signal, &status).await,
            );
        }
    }

    /// The site's own status.
    pub(crate) async fn say_site(&self, stage: &Stage<'_>, snapshot: &Snapshot, cycle: &mut Cycle) {
        let site = stage.site;
        let own = snapshot
            .problems
            .iter()
            .find(|problem| problem.kind == "Site");
        let stale = snapshot.signals.iter().find(|(_, state)| match state {
            SignalState::Said(reading) => reading.state != State::Fresh,
            SignalState::Silent(_) => true,
        });
        let condition = match (own, stale, self.mode.min(site.spec.mode)) {
            (Some(problem), _, _) => Condition::new(
                types::READY,
                false,
                problem.reason,
                problem.message.clone(),
                stage.now,
            ),
            (None, Some((name, _)), _) => {
                let message = format!("GridSignal {name} is stale or missing; its fallback counts");
                Condition::new(
                    types::READY,
                    true,
                    reasons::SIGNAL_STALE,
                    message,
                    stage.now,
                )
            }
            (None, None, Mode::Observe) => {
                Condition::new(types::READY, true, reasons::OBSERVING, "", stage.now)
            }
            (None, None, Mode::Advise) => {
                Condition::new(types::READY, true, reasons::ADVISING, "", stage.now)
            }
            (None, None, Mode::Enforce) => {
                Condition::new(types::READY, true, reasons::OK, "", stage.now)
            }
        };
        let mut conditions = site.status.clone().unwrap_or_default().conditions;
        set_condition(
            &mut conditions,
            condition.at_generation(site.metadata.generation),
        );
        if let Some(condition) = self.hubs_reachable(stage, cycle) {
            set_condition(
                &mut conditions,
                condition.at_generation(site.metadata.generation),
            );
        }
        let watts = |watts: Watts| Some(ApiWatts::from_value(watts.0));
        let counts = snapshot
            .accelerators
            .iter()
            .map(|(product, (total, used))| AcceleratorCount {
                product: product.clone(),
                total: i64::from(*total),
                free: i64::from(total - used),
            });
        let accelerators: Vec<AcceleratorCount> = counts.collect();
        let readable = snapshot.model.is_some();
        let status = SiteStatus {
            observed_generation: site.metadata.generation,
            conditions,
            accelerators_total: Some(accelerators.iter().map(|count| count.total).sum()),
            accelerators_free: Some(accelerators.iter().map(|count| count.free).sum()),
            accelerators,
            draw: watts(snapshot.draw),
            charged: watts(snapshot.charged),
            limit: watts(snapshot.limit).filter(|_| readable),
            limit_set_by: Some(snapshot.set_by.clone()).filter(|_| readable),
            signals: snapshot
                .signals
                .iter()
                .map(|(name, state)| signal_age(name, state))
                .collect(),
        };
        cycle.note(
            "Site status",
            write_status(self.store.as_ref(), site, &status).await,
        );
    }

    /// Whether every hub that the site lists can be spoken to. Nothing is said where none of them is this agent's.
    fn hubs_reachable(&self, stage: &Stage<'_>, cycle: &Cycle) -> Option<Condition> {
        let why = |name: &str| {
            self.unlinked
                .get(name)
                .or_else(|| cycle.silent_hubs.get(name))
        };
        let listed: Vec<&str> = stage
            .site
            .spec
            .hubs
            .iter()
            .map(|hub| hub.name.as_str())
            .filter(|name| why(name).is_some() || self.hubs.iter().any(|hub| hub.name == *name))
            .collect();
        let silent: Vec<String> = listed
            .iter()
            .filter_map(|name| Some(format!("hub {name}: {}", why(name)?)))
            .collect();
        if listed.is_empty() {
            return None;
        }
        let message = if silent.is_empty() {
            String::new()
        } else {
            format!(
                "{}; what was admitted goes on, limits hold",
                silent.join("; ")
            )
        };
        let reason = if silent.is_empty() {
            reasons::OK
        } else {
            reasons::UNREACHABLE
        };
        Some(Condition::new(
            types::HUBS_REACHABLE,
            silent.is_empty(),
            reason,
            message,
            stage.now,
        ))
    }

    /// The statuses of everything that limits the site.
    pub(crate) async fn say_limits(
        &self,
        stage: &Stage<'_>,
        snapshot: &Snapshot,
        cycle: &mut Cycle,
    ) {
        let Some(model) = &snapshot.model else { return };
        self.say_power(stage, model, snapshot, cycle).await;
        self.say_water(stage, model, snapshot, cycle).await;
        self.say_events(stage, snapshot, cycle).await;
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
                write_status(self.store.as_ref(), object, &status).await,
            );
        }
    }

    async fn say_water(
        &self,
        stage: &Stage<'_>,
        model: &SiteModel,
        snapshot: &Snapshot,
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
                    // To three figures: a status is no meter, and every digit more is a write more.
                    status = WaterBudgetStatus {
                        cap: Some(Liters::from_value(water.cap)),
                        used: Some(Liters::from_value(figures(water.used))),
                        projected: Some(Liters::from_value(figures(water.used + to_come))),
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
                write_status(self.store.as_ref(), object, &status).await,
            );
        }
    }

    /// A stage that was declared is written into the ledger once.
    fn note_stage(
        &self,
        stage: &Stage<'_>,
        object: &commonwatt_api::WaterBudget,
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

    async fn say_events(&self, stage: &Stage<'_>, snapshot: &Snapshot, cycle: &mut Cycle) {
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
            let written = write_status(self.store.as_ref(), event, &status).await;
            let ok = written.is_ok();
            cycle.note("GridEvent status", written);
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

    pub(crate) fn write_body(&self, site: &str, now: DateTime<Utc>, body: Body, cycle: &mut Cycle) {
        let kept = self
            .keeper
            .lock()
            .map_err(|_| "the ledger is broken".to_owned());
        if let Err(error) = kept.and_then(|mut keeper| keeper.write(site, now, body)) {
            cycle.failures.push(format!("ledger of {site}: {error}"));
        }
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

fn signal_age(name: &str, state: &SignalState) -> SignalAge {
    match state {
        SignalState::Said(reading) => SignalAge {
            name: name.to_owned(),
            observed_at: reading.observed_at.map(Into::into),
            state: format!("{:?}", reading.state),
        },
        SignalState::Silent(_) => SignalAge {
            name: name.to_owned(),
            observed_at: None,
            state: "Missing".into(),
        },
    }
}

/// A reason without the part that changes every second.
fn stable(reason: &str) -> String {
    reason
        .chars()
        .filter(|c| !c.is_ascii_digit())
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Three figures of a volume.
fn figures(liters: f64) -> f64 {
    if liters <= 0.0 {
        return 0.0;
    }
    let unit = 10_f64.powf(liters.log10().floor() - 2.0).max(1e-3);
    (liters / unit).round() * unit
}

/// The plural of one of our kinds.
fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{lower}s"),
    }
}
