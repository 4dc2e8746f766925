//! Batch Jobs that are the hub's to place: what their annotations say.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{SiteAssignment, SubjectKind, annotations, conditions::reasons};
use commonwatt_fleet::{BatchJob, JobId, JobShape, Money, Product, SiteId, Watts, World};
use commonwatt_store::Object;
use serde_json::Value;

use crate::committed::refusal_of;
use crate::dereference::Seen;
use crate::problem::Problem;

const ACCELERATOR: &str = "nvidia.com/gpu";
const PRODUCT_LABEL: &str = "nvidia.com/gpu.product";

/// On a job's assignment: seconds that it has run.
pub(crate) const WORKED: &str = "commonwatt.dev/worked-seconds";

/// Reads every Job into the world. `worked` says how many seconds each has run so far.
pub fn read(
    seen: &Seen,
    world: &mut World,
    now: DateTime<Utc>,
    worked: &BTreeMap<String, f64>,
    problems: &mut Vec<Problem>,
) {
    for (name, job) in &seen.jobs {
        if is_finished(job) || job.is_being_deleted() {
            continue;
        }
        match one(
            name,
            job,
            seen,
            world,
            now,
            worked.get(name).copied().unwrap_or(0.0),
        ) {
            Ok(read) => {
                world.jobs.insert(read.id.clone(), read);
            }
            Err(message) => problems.push(Problem::new("Job", name, reasons::INVALID, message)),
        }
    }
}

fn one(
    name: &str,
    job: &Object,
    seen: &Seen,
    world: &World,
    now: DateTime<Utc>,
    worked: f64,
) -> Result<BatchJob, String> {
    let text = |key: &str| {
        job.annotation(key)
            .ok_or_else(|| format!("metadata.annotations: {key} is missing"))
    };
    let deadline: DateTime<Utc> = text(annotations::DEADLINE)?
        .parse()
        .map_err(|error| format!("metadata.annotations[{}]: {error}", annotations::DEADLINE))?;
    let hours: u32 = text(annotations::HOURS)?
        .parse()
        .map_err(|error| format!("metadata.annotations[{}]: {error}", annotations::HOURS))?;
    if hours == 0 || hours > 10_000 {
        return Err(format!(
            "metadata.annotations[{}]: {hours} must be 1 to 10000",
            annotations::HOURS
        ));
    }
    let policy = match job.annotation(annotations::POLICY) {
        Some(policy) => policy.to_owned(),
        None => world
            .policies
            .keys()
            .next()
            .cloned()
            .ok_or("there is no PlacementPolicy")?,
    };
    if !world.policies.contains_key(&policy) {
        return Err(format!(
            "metadata.annotations[{}]: there is no usable PlacementPolicy {policy}",
            annotations::POLICY
        ));
    }
    let assignment = assignment_of(seen, name);
    let slot_seconds = f64::from(world.slots.seconds);
    let left = (f64::from(hours) * 3600.0 - worked).max(0.0);
    let ready = assignment.is_some_and(|a| {
        a.status
            .as_ref()
            .is_some_and(|s| s.ready_replicas.unwrap_or(0) > 0)
    });
    let mut refusals = seen.refused.of(job.uid());
    if let Some((site, refusal)) =
        assignment.and_then(|a| Some((a.spec.site.clone(), refusal_of(a, seen)?)))
    {
        refusals.insert(SiteId::from(site), refusal);
    }
    Ok(BatchJob {
        id: JobId::from(name),
        policy,
        shapes: shapes(job, world)?,
        slots_left: ((left / slot_seconds).ceil() as u32).max(1),
        // It may use the hour that runs, which the planner counts from its start.
        release: world.slots.start.min(now),
        deadline,
        interruptible: job.annotation(annotations::FLEXIBLE) == Some("true"),
        jurisdictions: job
            .annotation(annotations::JURISDICTIONS)
            .map(|list| {
                list.split(',')
                    .map(|j| j.trim().to_owned())
                    .filter(|j| !j.is_empty())
                    .collect()
            })
            .unwrap_or_default(),
        started_at: assignment
            .filter(|_| worked > 0.0 || ready)
            .map(|a| SiteId::from(a.spec.site.as_str())),
        running: ready,
        tenant: name.split('/').next().unwrap_or_default().to_owned(),
        release_at: BTreeMap::new(),
        restart_cost: Money::ZERO,
        waiting_per_hour: Money::ZERO,
        refusals,
    })
}

/// What it takes on each product that it accepts: the one its pods select, or every one that is offered.
fn shapes(job: &Object, world: &World) -> Result<BTreeMap<Product, JobShape>, String> {
    let empty = Value::Null;
    let spec = job.at("spec.template.spec").unwrap_or(&empty);
    let containers = spec["containers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let accelerators: u64 = containers
        .iter()
        .map(|container| {
            let value = &container["resources"]["limits"][ACCELERATOR];
            value
                .as_u64()
                .or_else(|| value.as_str()?.parse().ok())
                .unwrap_or(0)
        })
        .sum();
    let accelerators = u32::try_from(accelerators).unwrap_or(0);
    if accelerators == 0 {
        return Err(format!(
            "spec.template.spec.containers: no {ACCELERATOR} limit; the hub places accelerator work only"
        ));
    }
    let pods = job.at("spec.parallelism").and_then(Value::as_u64);
    let pods =
        u32::try_from(pods.unwrap_or(1)).map_err(|error| format!("spec.parallelism: {error}"))?;
    let declared = match job.annotation(annotations::WATTS) {
        Some(text) => {
            let watts: i64 = text.parse().map_err(|error| {
                format!("metadata.annotations[{}]: {error}", annotations::WATTS)
            })?;
            Some(Watts(watts))
        }
        None => None,
    };
    let selected = spec["nodeSelector"][PRODUCT_LABEL].as_str();
    let mut shapes = BTreeMap::new();
    for (product, pool) in world.sites.values().flat_map(|site| &site.pools) {
        if selected.is_some_and(|selected| selected != product.as_str()) {
            continue;
        }
        let rated = Watts(pool.rated_watts.0 * i64::from(accelerators));
        let shape = JobShape {
            pods,
            accelerators_per_pod: accelerators,
            watts_per_pod: declared.unwrap_or(rated),
        };
        let known = shapes.entry(product.clone()).or_insert(shape);
        // Sites that rate the product differently: the worst counts.
        known.watts_per_pod = known.watts_per_pod.max(shape.watts_per_pod);
    }
    if let (true, Some(selected)) = (shapes.is_empty(), selected) {
        let watts_per_pod = declared.unwrap_or(Watts::ZERO);
        shapes.insert(
            Product::from(selected),
            JobShape {
                pods,
                accelerators_per_pod: accelerators,
                watts_per_pod,
            },
        );
    }
    Ok(shapes)
}

/// The assignment of a job that is not being given back.
pub fn assignment_of<'a>(seen: &'a Seen, name: &str) -> Option<&'a SiteAssignment> {
    let assignments = seen.assignments.values().map(AsRef::as_ref);
    assignments.into_iter().find(|assignment| {
        let subject = &assignment.spec.subject;
        subject.kind == SubjectKind::Job
            && format!("{}/{}", subject.namespace, subject.name) == name
            && assignment.spec.release.is_none()
    })
}

/// A Job with a final condition.
pub fn is_finished(job: &Object) -> bool {
    job.0["status"]["conditions"]
        .as_array()
        .is_some_and(|conditions| {
            conditions.iter().any(|c| {
                matches!(c["type"].as_str(), Some("Complete" | "Failed")) && c["status"] == "True"
            })
        })
}
