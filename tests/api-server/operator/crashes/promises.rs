//! What holds at any moment, read from the API servers while no operator runs.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use commonwatt_harness::ControlPlane;
use serde_json::Value;

use super::super::fleet::{Fleet, get};
use crate::Result;

const ASSIGNMENT: &str = "commonwatt.dev/assignment";
/// What each site's budget takes off for load that nobody manages, and what cooling adds, as the manifests say it.
const UNMANAGED: i64 = 1_000;
const PUE: f64 = 1.25;
/// Watts of the pod of a local job of these tests: two accelerators of a rated kilowatt.
const LOCAL_POD: i64 = 2_000;

/// Objects of a list by their kind.
struct Seen(Vec<Value>);

impl Seen {
    fn of(plane: &ControlPlane, kinds: &str) -> Result<Self> {
        let list = get(plane, &[kinds, "--all-namespaces"])?;
        Ok(Self(list["items"].as_array().cloned().unwrap_or_default()))
    }

    fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }
}

/// The hub's objects, and each site's.
struct Everything {
    hub: Seen,
    sites: BTreeMap<String, Seen>,
}

impl Everything {
    fn of(fleet: &Fleet) -> Result<Self> {
        thread::scope(|scope| {
            let hub = scope.spawn(|| Seen::of(&fleet.hub, "siteassignments,modeldeployments,jobs"));
            let sites: Vec<_> = fleet
                .sites
                .iter()
                .map(|(name, member)| {
                    let kinds = "deployments,jobs,admissionrecords,sites,powerbudgets,gridevents";
                    let seen = scope.spawn(move || Seen::of(&member.plane, kinds));
                    ((*name).to_owned(), seen)
                })
                .collect();
            let panicked = "looking must not panic";
            let sites = sites
                .into_iter()
                .map(|(name, seen)| Ok((name, seen.join().expect(panicked)?)))
                .collect::<Result<_>>()?;
            Ok(Self {
                hub: hub.join().expect(panicked)?,
                sites,
            })
        })
    }
}

/// What was charged at each site when one looked last.
#[derive(Default)]
pub struct Charges(BTreeMap<String, i64>);

impl Charges {
    /// Everything that is not as promised; nothing when all is well. A limit that has just fallen is followed in time: until
    /// it holds, no more may be charged than before.
    pub fn broken(&mut self, fleet: &Fleet) -> Result<Vec<String>> {
        let all = Everything::of(fleet)?;
        let mut wrong = broken(&all);
        for (site, seen) in &all.sites {
            let (charged, limit) = (charged(seen), limit(seen));
            let before = self.0.insert(site.clone(), charged).unwrap_or(0);
            if charged > limit.max(before) {
                wrong.push(format!(
                    "{site}: {charged} W charged of {limit} W, and {before} W before"
                ));
            }
        }
        Ok(wrong)
    }
}

fn broken(all: &Everything) -> Vec<String> {
    let mut wrong = Vec::new();
    for (site, seen) in &all.sites {
        workloads(site, seen, &mut wrong);
    }
    assignments(&all.hub, &mut wrong);
    wrong
}

/// For a failure: what is there.
pub fn told(fleet: &Fleet) -> Result<String> {
    let all = Everything::of(fleet)?;
    let line = |object: &Value| {
        format!(
            "{} {} {} {}",
            object["kind"], object["metadata"]["name"], object["spec"], object["status"]
        )
    };
    let sites = all.sites.values().flat_map(|seen| &seen.0);
    Ok(all
        .hub
        .0
        .iter()
        .chain(sites)
        .map(line)
        .collect::<Vec<_>>()
        .join("\n"))
}

/// Nothing twice, and nothing runs without a record.
fn workloads(site: &str, seen: &Seen, wrong: &mut Vec<String>) {
    let mut recorded = BTreeSet::new();
    for record in seen.all("AdmissionRecord") {
        if !recorded.insert(record["spec"]["object"]["name"].to_string()) {
            wrong.push(format!(
                "{site}: two records of {}",
                record["spec"]["object"]
            ));
        }
    }
    let mut assigned = BTreeSet::new();
    for object in seen.all("Deployment").chain(seen.all("Job")) {
        let assignment = &object["metadata"]["annotations"][ASSIGNMENT];
        let name = &object["metadata"]["name"];
        if assignment.is_null() {
            continue;
        }
        if !assigned.insert(assignment.to_string()) {
            wrong.push(format!("{site}: {assignment} has two workloads"));
        }
        if !recorded.contains(&name.to_string()) {
            wrong.push(format!("{site}: {name} runs without a record"));
        }
    }
}

/// What runs or may run, in watts.
fn charged(seen: &Seen) -> i64 {
    let admitted = seen.all("AdmissionRecord").map(|record| {
        let spec = &record["spec"];
        let runs = seen
            .all("Deployment")
            .find(|object| object["metadata"]["name"] == spec["object"]["name"])
            .and_then(|object| object["status"]["replicas"].as_i64());
        let ceiling = spec["ceiling"].as_i64().unwrap_or(0);
        ceiling.max(runs.unwrap_or(0)) * spec["workload"]["watts"].as_i64().unwrap_or(0)
    });
    admitted.sum::<i64>() + local(seen)
}

/// Watts of batch that is not the hub's.
fn local(seen: &Seen) -> i64 {
    let jobs = seen.all("Job").filter(|job| {
        let annotations = &job["metadata"]["annotations"];
        annotations["commonwatt.dev/flexible"] == "true" && annotations[ASSIGNMENT].is_null()
    });
    let pods = jobs.filter_map(|job| job["status"]["active"].as_i64());
    pods.sum::<i64>() * LOCAL_POD
}

/// What budgets and events leave, reckoned from the declared objects alone. The tests' events are on from the start.
fn limit(seen: &Seen) -> i64 {
    let budgets = seen
        .all("PowerBudget")
        .map(|budget| watts(&budget["spec"]["limit"]) - UNMANAGED);
    let events = seen.all("GridEvent").map(|event| {
        let target = watts(&event["spec"]["targetWatts"]) as f64;
        (target / PUE) as i64 - UNMANAGED
    });
    budgets.chain(events).min().unwrap_or(0)
}

/// One assignment per subject, variant and site, a job at one site, and no assignment whose subject could vanish unseen.
fn assignments(hub: &Seen, wrong: &mut Vec<String>) {
    let (mut places, mut jobs) = (BTreeSet::new(), BTreeMap::new());
    for assignment in hub.all("SiteAssignment") {
        let spec = &assignment["spec"];
        let subject = &spec["subject"];
        let place = format!(
            "{} {} {}",
            subject["uid"], spec["workload"]["variant"], spec["site"]
        );
        if !places.insert(place.clone()) {
            wrong.push(format!("two assignments for {place}"));
        }
        if subject["kind"] == "Job"
            && jobs
                .insert(subject["uid"].to_string(), spec["site"].clone())
                .is_some()
        {
            wrong.push(format!("{subject} is assigned to two sites"));
        }
        let kind = subject["kind"].as_str().unwrap_or_default();
        let held = hub
            .all(kind)
            .filter(|object| object["metadata"]["uid"] == subject["uid"])
            .any(|object| {
                object["metadata"]["finalizers"]
                    .to_string()
                    .contains("commonwatt.dev/release")
            });
        if !held {
            wrong.push(format!("{subject} is assigned and not held by a finalizer"));
        }
    }
}

/// Whether each site's own word on its charge, and each record's, is what its records add up to, and every assignment is admitted.
pub fn statuses_are_true(fleet: &Fleet) -> Result<bool> {
    let all = Everything::of(fleet)?;
    let sites = all.sites.values().all(|seen| {
        let mut sum = local(seen);
        let records = seen.all("AdmissionRecord").all(|record| {
            let watts = record["spec"]["workload"]["watts"].as_i64().unwrap_or(0);
            let due = record["spec"]["ceiling"].as_i64().unwrap_or(0) * watts;
            sum += due;
            record["status"]["chargedWatts"] == due
        });
        let said = seen
            .all("Site")
            .next()
            .map(|site| watts(&site["status"]["charged"]));
        records && said == Some(sum)
    });
    let admitted = all.hub.all("SiteAssignment").all(|assignment| {
        let conditions = assignment["status"]["conditions"].as_array();
        conditions.is_some_and(|all| {
            all.iter()
                .any(|condition| condition["type"] == "Admitted" && condition["status"] == "True")
        })
    });
    Ok(sites && admitted && broken(&all).is_empty())
}

/// Whole watts of `2` or `1982` or `3k`.
fn watts(quantity: &Value) -> i64 {
    let text = quantity.as_str().unwrap_or("0");
    let number: f64 = text.trim_end_matches('k').parse().unwrap_or(-1.0);
    (number * if text.ends_with('k') { 1000.0 } else { 1.0 }) as i64
}

/// Whether nothing of ours is anywhere: no assignment, record, or workload that an assignment made.
pub fn nothing_is_left(fleet: &Fleet) -> Result<bool> {
    let all = Everything::of(fleet)?;
    let sites = all.sites.values().all(|seen| {
        let made = seen.all("Deployment").chain(seen.all("Job"));
        seen.all("AdmissionRecord").next().is_none()
            && made
                .into_iter()
                .all(|object| object["metadata"]["annotations"][ASSIGNMENT].is_null())
    });
    Ok(sites && all.hub.all("SiteAssignment").next().is_none())
}
