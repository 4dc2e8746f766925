//! What is put before admission: every load with what it takes, and the room there is.

use chrono::{DateTime, Utc};
use commonwatt_api::{AdmissionRecord, AdmissionRecordSpec, ScheduledHour, SubjectKind};
use commonwatt_fleet::{Slots, Watts};

use crate::admission::{Proposal, Room};
use crate::inventory::accelerators_of;
use crate::limits::InForce;
use crate::model::SiteModel;
use crate::schedule::scheduled;
use crate::situation::{Asked, Situation};

pub(crate) fn proposal(
    situation: &Situation<'_>,
    asked: &Asked,
    spec: &AdmissionRecordSpec,
) -> Proposal {
    let mut proposal = standing_of(situation, &asked.record, spec);
    let present = situation.records.get(&asked.record);
    proposal.hub.clone_from(&asked.hub);
    proposal.admitted = present.map_or_else(
        || {
            // Before an adoption it is what runs, or may come to run by itself.
            let original = spec.autoscaler.as_ref().map(|known| known.original_max);
            original
                .or(spec.original_replicas)
                .map_or(0, |n| u32::try_from(n).unwrap_or(0))
        },
        |record| u32::try_from(record.spec.ceiling).unwrap_or(0),
    );
    proposal
}

pub(crate) fn standing(
    situation: &Situation<'_>,
    name: &str,
    record: &AdmissionRecord,
) -> Proposal {
    let mut proposal = standing_of(situation, name, &record.spec);
    proposal.ceiling = u32::try_from(record.spec.ceiling).unwrap_or(0);
    proposal.admitted = proposal.ceiling;
    proposal
}

fn standing_of(situation: &Situation<'_>, name: &str, spec: &AdmissionRecordSpec) -> Proposal {
    let ceiling = u32::try_from(spec.ceiling).unwrap_or(0);
    let job = spec.subject.kind == SubjectKind::Job;
    let template = spec
        .workload
        .template
        .as_ref()
        .map(|template| &template["spec"]);
    let per_pod = template
        .map(|template| accelerators_of(&template["template"]["spec"]))
        .filter(|n| *n > 0);
    let pods = if job {
        template
            .and_then(|template| template["parallelism"].as_u64())
            .unwrap_or(1) as u32
    } else {
        1
    };
    let all = u32::try_from(spec.workload.accelerators).unwrap_or(0);
    let liters = schedule_liters(
        situation.model,
        &spec.schedule,
        spec.workload.watts,
        situation.now,
    );
    let observed = situation.observed.get(name).copied().unwrap_or_default();
    Proposal {
        record: name.to_owned(),
        hub: spec.hub.name.clone(),
        priority: spec.priority,
        ceiling,
        admitted: ceiling,
        actual: observed.actual,
        reach: observed.reach,
        watts: Watts(spec.workload.watts),
        product: spec.workload.product.clone(),
        accelerators: if job { per_pod.unwrap_or(all) } else { all },
        pods,
        liters,
    }
}

/// Litres of a whole schedule over the horizon.
fn schedule_liters(
    model: &SiteModel,
    schedule: &[ScheduledHour],
    watts: i64,
    now: DateTime<Utc>,
) -> f64 {
    let start = Slots::hourly(now, model.hours.len());
    model
        .hours
        .iter()
        .enumerate()
        .map(|(slot, hour)| {
            let (_, max) = scheduled(schedule, start.begin(slot));
            Watts(watts).times(max).over_seconds(3600.0).0 * hour.wue
        })
        .sum()
}

pub(crate) fn room(situation: &Situation<'_>, in_force: &InForce) -> Room {
    let shares = situation.model.site.spec.hubs.iter().map(|hub| {
        (
            hub.name.clone(),
            in_force.watts.scaled_down(hub.share_percent as f64 / 100.0),
        )
    });
    let horizon = situation.model.hours.len() as f64;
    Room {
        limit: in_force.watts,
        set_by: in_force.set_by.clone(),
        charged_elsewhere: situation
            .local_jobs
            .iter()
            .filter(|job| job.running)
            .map(|job| job.watts)
            .sum(),
        shares: shares.collect(),
        nodes: situation.nodes.clone(),
        water: situation.model.water.as_ref().map(|water| {
            (
                water.allowance(situation.now, horizon),
                format!("waterbudget/{}", water.name),
            )
        }),
    }
}
