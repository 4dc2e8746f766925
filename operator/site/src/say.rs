//! What the site's own objects say: statuses of signals and sites, and a word on what could not be read.

use chrono::{DateTime, Utc};
use commonwatt_api::{
    AcceleratorCount, Condition, Decimal, GridSignalStatus, Mode, Quantity, SignalAge, SiteStatus,
    Watts as ApiWatts,
    conditions::{reasons, types},
    set_condition,
};
use commonwatt_fleet::Watts;
use commonwatt_signals::State;
use commonwatt_store::{Failure, Kind, write_status};
use serde_json::json;

use crate::agent::{Agent, Cycle};
use crate::dereference::Seen;
use crate::hours::{SignalState, state_of};
use crate::model::Signals;
use crate::snapshot::Snapshot;
use crate::stage::Stage;

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
            cycle
                .failures
                .push(Failure::new(reasons::INVALID, message.clone()));
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
                write_status(self.store.as_ref(), signal.as_ref(), &status).await,
            );
        }
    }

    /// The site's own status.
    pub(crate) async fn say_site(
        &self,
        stage: &Stage<'_>,
        snapshot: &Snapshot,
        cycle: &mut Cycle,
    ) -> SiteStatus {
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
        let SiteStatus {
            mut conditions,
            hubs,
            ..
        } = site.status.clone().unwrap_or_default();
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
            hubs,
        };
        cycle.note(
            "Site status",
            write_status(self.store.as_ref(), site, &status).await,
        );
        status
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

/// The plural of one of our kinds.
fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{lower}s"),
    }
}
