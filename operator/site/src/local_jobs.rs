//! Batch jobs that somebody else runs on a site's nodes and allows to be suspended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use commonwatt_api::{Site, annotations};
use commonwatt_fleet::Watts;
use commonwatt_store::Object;

use crate::dereference::Seen;
use crate::inventory::{self, Node, accelerators_of};
use crate::workload::is_finished;

/// Annotation on a local job that this site's agent has suspended, so that it resumes no other.
pub(crate) const SUSPENDED_BY: &str = "commonwatt.dev/suspended-by-site";

/// A batch job that somebody else runs here and allows to be suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalJob {
    /// `namespace/name`.
    pub name: String,
    /// Rated watts of what it requests: nothing is measured, so the worst counts.
    pub watts: Watts,
    /// Whether it runs.
    pub running: bool,
    /// Whether it is us who suspended it.
    pub held: bool,
}

/// How a local job is called among the loads.
pub(crate) fn local_key(name: &str) -> String {
    format!("local-job/{name}")
}

/// Jobs that somebody else runs on this site's nodes and allows to be suspended.
pub(crate) fn local_jobs(
    seen: &Seen,
    site: &Site,
    nodes: &BTreeMap<String, Node>,
) -> Vec<LocalJob> {
    let name = site.metadata.name.clone().unwrap_or_default();
    let rated: BTreeMap<&str, i64> = site
        .spec
        .accelerators
        .iter()
        .filter_map(|class| Some((class.product.as_str(), class.rated_watts.value().ok()?)))
        .collect();
    let jobs = seen
        .workloads
        .get("job")
        .map(Vec::as_slice)
        .unwrap_or_default();
    jobs.iter()
        .filter(|job| job.annotation(annotations::FLEXIBLE) == Some("true"))
        .filter(|job| {
            job.annotation(annotations::ASSIGNMENT).is_none() && job.at("spec.managedBy").is_none()
        })
        .filter(|job| !is_finished(job))
        .filter_map(|job| local_job(job, &name, seen, nodes, &rated))
        .collect()
}

fn local_job(
    job: &Object,
    site: &str,
    seen: &Seen,
    nodes: &BTreeMap<String, Node>,
    rated: &BTreeMap<&str, i64>,
) -> Option<LocalJob> {
    let selector = job.at("spec.selector")?;
    let pods: Vec<&Arc<Object>> = seen
        .pods
        .iter()
        .filter(|pod| {
            pod.namespace() == job.namespace()
                && inventory::is_running(pod)
                && inventory::selects(selector, pod)
        })
        .collect();
    let here: BTreeSet<&str> = pods
        .iter()
        .filter_map(|pod| pod.0["spec"]["nodeName"].as_str())
        .collect();
    let held = job.annotation(SUSPENDED_BY) == Some(site);
    let runs_here = here.iter().any(|node| nodes.contains_key(*node));
    if !held && !runs_here {
        return None;
    }
    let spec = job.at("spec.template.spec")?;
    let product = spec["nodeSelector"][inventory::PRODUCT_LABEL].as_str();
    let worst = rated.values().copied().max().unwrap_or(0);
    let per = product
        .and_then(|product| rated.get(product).copied())
        .unwrap_or(worst);
    let pods_at_once = job
        .at("spec.parallelism")
        .and_then(serde_json::Value::as_i64)
        .unwrap_or(1);
    let watts = Watts(per * i64::from(accelerators_of(spec)) * pods_at_once);
    Some(LocalJob {
        name: format!("{}/{}", job.namespace().unwrap_or_default(), job.name()),
        watts,
        running: runs_here,
        held: held && job.at("spec.suspend") == Some(&serde_json::json!(true)),
    })
}
