//! What the protocol promises (DESIGN section 10), looked at from outside.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_store::{Kind, Object};
use serde_json::Value;

use crate::fleet::{ASSIGNMENT, Fleet, HEAD, MODEL, RECORD, Turn};

const MARK: &str = "commonwatt.dev/assignment";
/// Turns that load may take to fall under a limit: pods get half a minute to end, a look comes every five.
const FALL_TURNS: u32 = 3;

/// What was seen before, to compare with.
#[derive(Default)]
pub struct Promises {
    epochs: BTreeMap<String, i64>,
    generations: BTreeMap<String, i64>,
    over: BTreeMap<String, u32>,
}

type Kept = Result<(), String>;

fn number(object: &Object, path: &str) -> i64 {
    object.at(path).and_then(Value::as_i64).unwrap_or(0)
}

impl Promises {
    pub fn look(&mut self, fleet: &Fleet, turn: &Turn) -> Kept {
        self.charged_load_is_under_its_limit_or_falling(turn)?;
        self.nothing_goes_back(fleet)?;
        what_runs_is_on_record_once(fleet)?;
        a_job_runs_at_one_site(fleet)?;
        weights_are_whole(fleet)
    }

    /// 1. Charged watts are under the limit of every site, or have not been over it for longer than they may take to fall.
    fn charged_load_is_under_its_limit_or_falling(&mut self, turn: &Turn) -> Kept {
        let Some(sites) = &turn.sites else {
            return Ok(());
        };
        for (name, site) in &sites.sites {
            if site.charged <= site.limit {
                self.over.remove(name);
                continue;
            }
            let turns = self.over.entry(name.clone()).or_default();
            *turns += 1;
            if *turns > FALL_TURNS {
                return Err(format!(
                    "{name} is charged {} over {} set by {} for {turns} turns",
                    site.charged, site.limit, site.set_by
                ));
            }
        }
        Ok(())
    }

    /// 6. Neither an epoch of the hub nor the generation of an admitted assignment ever goes back.
    fn nothing_goes_back(&mut self, fleet: &Fleet) -> Kept {
        let heads = fleet.hub_server.all(&HEAD);
        let assignments = fleet.hub_server.all(&ASSIGNMENT);
        let records = fleet.sites.all(&RECORD);
        for object in heads.iter().chain(&assignments).chain(&records) {
            let epoch = number(object, "spec.epoch");
            let key = format!("{} {}", object.kind(), object.uid());
            let known = self.epochs.entry(key).or_insert(epoch);
            if epoch < *known {
                return Err(format!(
                    "{} {}: epoch {epoch} after {known}",
                    object.kind(),
                    object.name()
                ));
            }
            *known = epoch;
        }
        for record in &records {
            let uid = record.at("spec.assignment.uid").and_then(Value::as_str);
            let key = format!("{} {}", record.uid(), uid.unwrap_or_default());
            let generation = number(record, "spec.assignment.generation");
            let known = self.generations.entry(key).or_insert(generation);
            if generation < *known {
                return Err(format!(
                    "{}: generation {generation} after {known}",
                    record.name()
                ));
            }
            *known = generation;
        }
        Ok(())
    }
}

/// 7. An object that is ours has exactly one record, and no two records speak of one object.
fn what_runs_is_on_record_once(fleet: &Fleet) -> Kept {
    let mut recorded = BTreeSet::new();
    for record in fleet.sites.all(&RECORD) {
        let part = |path: &str| record.at(path).and_then(Value::as_str).map(str::to_owned);
        let object = (
            part("spec.workload.adapter"),
            part("spec.object.namespace"),
            part("spec.object.name"),
        );
        if !recorded.insert(object.clone()) {
            return Err(format!("two records speak of {object:?}"));
        }
    }
    let workloads = [(Kind::DEPLOYMENT, "deployment"), (Kind::JOB, "job")];
    for (kind, adapter) in workloads {
        for object in fleet.sites.all(&kind) {
            let key = (
                Some(adapter.to_owned()),
                object.namespace().map(str::to_owned),
                Some(object.name().to_owned()),
            );
            if object.annotation(MARK).is_some() && !recorded.contains(&key) {
                return Err(format!("{kind} {} runs without a record", object.name()));
            }
        }
    }
    Ok(())
}

/// 10. Of all copies of one Job at most one has pods.
fn a_job_runs_at_one_site(fleet: &Fleet) -> Kept {
    let mut running: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in fleet.sites.all(&RECORD) {
        let is_job = record.at("spec.subject.kind").and_then(Value::as_str) == Some("Job");
        let name = record.at("spec.object.name").and_then(Value::as_str);
        let subject = record.at("spec.subject.uid").and_then(Value::as_str);
        let (true, Some(name), Some(subject)) = (is_job, name, subject) else {
            continue;
        };
        let pods = fleet.sites.all(&Kind::POD);
        let active = pods.iter().any(|pod| {
            let phase = pod.at("status.phase").and_then(Value::as_str);
            pod.name().starts_with(name) && matches!(phase, Some("Running" | "Pending"))
        });
        if active {
            running
                .entry(subject.to_owned())
                .or_default()
                .push(name.to_owned());
        }
    }
    match running.values().find(|copies| copies.len() > 1) {
        Some(copies) => Err(format!("one Job runs as {}", copies.join(" and as "))),
        None => Ok(()),
    }
}

/// 15. Traffic weights of a deployment add up to 10,000 or to nothing, and only what is ready has one.
fn weights_are_whole(fleet: &Fleet) -> Kept {
    for deployment in fleet.hub_server.all(&MODEL) {
        let empty = Vec::new();
        let sites = deployment.at("status.sites").and_then(Value::as_array);
        let sites = sites.unwrap_or(&empty);
        let sum: i64 = sites
            .iter()
            .filter_map(|site| site["trafficWeight"].as_i64())
            .sum();
        if sum != 0 && sum != 10_000 {
            return Err(format!("weights of {} add up to {sum}", deployment.name()));
        }
        let idle = |site: &&Value| site["trafficWeight"].as_i64() > Some(0) && site["ready"] == 0;
        if let Some(site) = sites.iter().find(idle) {
            return Err(format!("{} sends traffic to {site}", deployment.name()));
        }
    }
    Ok(())
}
