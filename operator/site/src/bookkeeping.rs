//! What a cycle writes into the ledger: what was drawn, what was decided, what was declared.

use chrono::{DateTime, Utc};
use commonwatt_api::{AdmissionRecordSpec, SubjectKind, WaterBasis};
use commonwatt_fleet::{SiteId, Watts};
use commonwatt_ledger::{Body, Decision, DecisionKind, Limit, WaterCategory, Workload};
use commonwatt_store::Failure;

use crate::agent::{Agent, Cycle};
use crate::breaches::against;
use crate::draw::Draw;
use crate::limits::InForce;
use crate::snapshot::Snapshot;
use crate::stage::Stage;

impl Agent {
    /// Takes note of the draw for the ledger.
    pub(crate) fn keep(
        &self,
        name: &str,
        snapshot: &mut Snapshot,
        now: DateTime<Utc>,
        cycle: &mut Cycle,
    ) {
        let Some(model) = &snapshot.model else { return };
        let Some(hour) = model.hours.first() else {
            return;
        };
        let category = match model.waters.first().map(|water| water.basis) {
            Some(WaterBasis::Potable) => WaterCategory::Potable,
            Some(WaterBasis::Reclaimed) => WaterCategory::Reclaimed,
            _ => WaterCategory::Unstated,
        };
        let unmanaged = model.limits.unmanaged_facility(hour.pue);
        let draw = Draw {
            it: snapshot.draw,
            facility: snapshot.facility.drawn,
            wue: hour.wue,
            average_carbon: hour.average_carbon,
            marginal_carbon: hour.marginal_carbon,
            category,
            limit: Limit {
                value: (snapshot.limit.scaled_up(hour.pue) + unmanaged).0 as f64,
                set_by: snapshot.set_by.clone(),
            },
        };
        let kept = self
            .keeper
            .lock()
            .map_err(|_| "the ledger is broken".to_owned());
        let limits = against(snapshot, model, hour.pue, unmanaged);
        let kept = kept.and_then(|mut keeper| {
            keeper.look(name, now, draw)?;
            keeper.watch(name, now, limits)?;
            snapshot.said.breaches = keeper.open_breaches(name);
            snapshot.said.missing_hours = keeper.missing_hours(name, now);
            Ok(())
        });
        if let Err(error) = kept {
            cycle.failures.push(Failure::new(
                Failure::LEDGER,
                format!("ledger of {name}: {error}"),
            ));
        }
    }

    /// Writes a change of ceiling into the ledger: one line per decision that a limit or a plan caused.
    pub(crate) fn note_decision(
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
            cycle.failures.push(Failure::new(
                Failure::LEDGER,
                format!("ledger of {site}: {error}"),
            ));
        }
    }

    pub(crate) fn write_body(&self, site: &str, now: DateTime<Utc>, body: Body, cycle: &mut Cycle) {
        let kept = self
            .keeper
            .lock()
            .map_err(|_| "the ledger is broken".to_owned());
        if let Err(error) = kept.and_then(|mut keeper| keeper.write(site, now, body)) {
            cycle.failures.push(Failure::new(
                Failure::LEDGER,
                format!("ledger of {site}: {error}"),
            ));
        }
    }
}

fn kind_of_decision(before: Option<i64>, spec: &AdmissionRecordSpec) -> Option<DecisionKind> {
    let job = spec.subject.kind == SubjectKind::Job;
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
