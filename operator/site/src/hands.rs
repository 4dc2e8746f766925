//! Whose hand is on a workload, and how far ours may go.

use commonwatt_api::{AdmissionRecordSpec, Mode};
use commonwatt_store::Object;

use crate::autoscaler::{Foreign, steering};
use crate::situation::{Asked, Situation};
use crate::workload::{control_path, find, observe};

/// What steers a workload that is ours to steer.
pub(crate) struct Hand<'a> {
    /// Its autoscaler; none where its replicas steer it.
    pub autoscaler: Option<&'a Object>,
}

/// What steers the workload of a record; nothing where there is no workload.
///
/// # Errors
/// With who else steers it.
pub(crate) fn hand_on<'a>(
    situation: &Situation<'a>,
    spec: &AdmissionRecordSpec,
) -> Result<Option<Hand<'a>>, Foreign> {
    let at = &spec.object;
    let found = find(
        situation.workloads,
        &spec.workload.adapter,
        &at.namespace,
        &at.name,
    );
    let adapter = situation.adapters.get(&spec.workload.adapter);
    let path = adapter.and_then(|adapter| control_path(adapter, spec.subject.kind));
    let (Some(found), Some(adapter), Some(path)) = (found, adapter, path) else {
        return Ok(None);
    };
    let replicas = observe(adapter, found, &[], false).wanted;
    let autoscaler = steering(situation.autoscalers, adapter, at, found, path, replicas)?;
    Ok(Some(Hand { autoscaler }))
}

/// Whether the workload of a record is given back, or is to be.
pub(crate) fn is_leaving(situation: &Situation<'_>, name: &str) -> bool {
    let record = situation.records.get(name);
    let asked = situation.asked.iter().find(|asked| asked.record == name);
    record.is_some_and(|record| record.spec.release.is_some())
        || asked.is_some_and(Asked::is_to_be_released)
}

/// How far the assignment of a record goes: as its hub says, or as the record does where the hub is not heard. A release
/// goes all the way where the site enforces, since somebody asked for it: it ends what Advise only leaves as it is.
pub(crate) fn mode_of(situation: &Situation<'_>, name: &str) -> Mode {
    if is_leaving(situation, name) {
        return Mode::Enforce;
    }
    let asked = situation.asked.iter().find(|asked| asked.record == name);
    let record = situation.records.get(name);
    asked
        .map(|asked| asked.assignment.spec.mode)
        .or_else(|| record?.spec.mode)
        .unwrap_or(Mode::Enforce)
}
