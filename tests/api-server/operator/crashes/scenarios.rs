//! What happens to a fleet, so that every kind of write comes up.

use chrono::{TimeDelta, Utc};
use commonwatt_harness::{ControlPlane, skip, unavailable};
use serde_json::{Value, json};

use super::super::fleet::{Fleet, NORTH, SOUTH, condition, deployment, get, manifest};
use super::giving_back::giving_back;
use super::matrix::Matrix;
use super::promises::{nothing_is_left, statuses_are_true};
use super::rights::every_right_is_used;
use crate::Result;

/// The limit of each site's feeder in watts.
const FEEDER: i64 = 20_000;

fn patch(plane: &ControlPlane, object: &[&str], patch: &Value) -> Result {
    let patch = patch.to_string();
    let args = ["patch", "--type=merge", "--patch", &patch];
    plane.kubectl(args.iter().chain(object)).ok()?;
    Ok(())
}

fn demand(fleet: &Fleet, tokens: &str) -> Result {
    let wanted = json!({ "spec": { "demand": { "tokensPerSecond": tokens } } });
    patch(&fleet.hub, &["cwmd/chat", "--namespace=models"], &wanted)
}

/// Where the model may run: `SE` is north, `PL` is south.
fn law(fleet: &Fleet, laws: &[&str]) -> Result {
    let wanted = json!({ "spec": { "jurisdictions": laws } });
    patch(&fleet.hub, &["cwmd/chat", "--namespace=models"], &wanted)
}

fn feeder(fleet: &Fleet, watts: i64) -> Result {
    let limit = json!({ "spec": { "limit": watts.to_string(), "rampSeconds": 0 } });
    patch(fleet.site("north"), &["powerbudget/north-feeder"], &limit)
}

/// Batch of somebody else at the site, who allows it to be suspended; or has had it suspended by the site's agent.
pub fn local_job(suspended: bool) -> String {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "nightly", "namespace": "models",
            "annotations": { "commonwatt.dev/flexible": "true" },
        },
        "spec": {
            "suspend": suspended,
            "template": {
                "metadata": { "annotations": { "tests.commonwatt.dev/run-seconds": "900" } },
                "spec": {
                    "restartPolicy": "Never",
                    "nodeSelector": { "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" },
                    "containers": [{
                        "name": "train", "image": "models.example/train:1",
                        "resources": { "limits": { "nvidia.com/gpu": "2" } },
                    }],
                },
            },
        },
    });
    if suspended {
        job["metadata"]["annotations"]["commonwatt.dev/suspended-by-site"] = json!("north");
    }
    job.to_string()
}

pub fn local_job_runs(fleet: &Fleet) -> Result<bool> {
    let job = get(fleet.site("north"), &["job/nightly", "--namespace=models"])?;
    Ok(job["status"]["active"] == 1)
}

/// Whether a deployment runs with so many ready replicas at each of these sites and nowhere else, and the hub says so.
pub fn runs(fleet: &Fleet, name: &str, at: &[(&str, i64)]) -> Result<bool> {
    for site in fleet.sites.keys() {
        let expected = at
            .iter()
            .find(|(place, _)| place == site)
            .map(|(_, ready)| *ready);
        let workload = format!("{name}-h100");
        let args = [
            "deployment",
            &workload,
            "--namespace=models",
            "--ignore-not-found",
        ];
        let text = fleet
            .site(site)
            .kubectl(["get", "--output=json"].iter().chain(&args))
            .ok()?;
        let found: Value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text)?
        };
        let replicas = found["spec"]["replicas"].as_i64();
        if replicas != expected || found["status"]["readyReplicas"].as_i64() != expected {
            return Ok(false);
        }
    }
    let said = get(&fleet.hub, &["cwmd", name, "--namespace=models"])?;
    let ready: i64 = at.iter().map(|(_, ready)| ready).sum();
    Ok(said["status"]["readyReplicas"] == ready
        && said["status"]["observedGeneration"] == said["metadata"]["generation"]
        && statuses_are_true(fleet)?)
}

pub fn delete(fleet: &Fleet, kind: &str, name: &str) -> Result {
    fleet
        .hub
        .kubectl(["delete", kind, name, "--namespace=models", "--wait=false"])
        .ok()?;
    Ok(())
}

pub fn is_gone(plane: &ControlPlane, kind: &str, name: &str) -> Result<bool> {
    let args = [
        "get",
        kind,
        name,
        "--namespace=models",
        "--ignore-not-found",
        "--output=name",
    ];
    Ok(plane.kubectl(args).ok()?.is_empty())
}

/// Limits and a town at the site, so that there is something to say of each.
fn furnish_with_everything(fleet: &Fleet) -> Result {
    let north = fleet.site("north");
    for object in [
        json!({ "kind": "WaterBudget", "spec": { "site": "north", "basis": "Potable", "period": "Year", "cap": "1G" } }),
        json!({ "kind": "HostCommunity", "spec": { "displayName": "Here", "sites": ["north"], "totals": {}, "contact": "us" } }),
        json!({ "kind": "CommunityReport", "spec": {
            "community": "town", "start": "2023-06-05T00:00:00Z", "end": "2023-06-06T00:00:00Z" } }),
    ] {
        let mut object = object;
        object["apiVersion"] = json!("commonwatt.dev/v1alpha1");
        object["metadata"] = json!({ "name": "town" });
        north.apply_yaml(&object.to_string())?;
    }
    Ok(())
}

#[test]
fn the_operator_killed_before_and_after_every_write_loses_nothing_and_does_nothing_twice() -> Result
{
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let fleet = Fleet::start("crashes", &[NORTH, SOUTH])?;
    furnish_with_everything(&fleet)?;
    let mut matrix = Matrix::new(fleet)?;
    serving(&mut matrix)?;
    limits(&mut matrix)?;
    batch(&mut matrix)?;
    giving_back(&mut matrix)?;
    let head = get(&matrix.fleet.hub, &["planhead/commonwatt"])?;
    assert!(
        head["spec"]["epoch"].as_i64() > Some(10),
        "each leader raises the epoch: {head:#}"
    );
    println!("{} kills", matrix.kills);
    every_right_is_used(&matrix.fleet, &matrix.places_passed())?;
    matrix.committed()
}

/// Admission, growth, shrinking, and a move between two API servers.
fn serving(matrix: &mut Matrix) -> Result {
    matrix.scenario(
        "admission",
        |fleet| {
            let chat = deployment("chat", "9000", "1")?
                .replace("spec:\n  mode", "spec:\n  deletionPolicy: Drain\n  mode");
            fleet.hub.apply_yaml(&chat)?;
            Ok(())
        },
        |fleet| runs(fleet, "chat", &[("north", 1)]),
    )?;
    matrix.scenario(
        "growth",
        |fleet| demand(fleet, "27000"),
        |fleet| runs(fleet, "chat", &[("north", 3)]),
    )?;
    matrix.scenario(
        "shrinking",
        |fleet| demand(fleet, "18000"),
        |fleet| runs(fleet, "chat", &[("north", 2)]),
    )?;
    matrix.scenario(
        "move to another API server",
        |fleet| law(fleet, &["PL"]),
        |fleet| runs(fleet, "chat", &[("south", 2)]),
    )?;
    matrix.plainly(
        |fleet| law(fleet, &["SE"]),
        |fleet| runs(fleet, "chat", &[("north", 2)]),
    )
}

/// A limit that falls, and a call of the grid.
fn limits(matrix: &mut Matrix) -> Result {
    matrix.scenario(
        "limit lowered",
        |fleet| {
            law(fleet, &["PL", "SE"])?;
            feeder(fleet, 2_500)
        },
        |fleet| runs(fleet, "chat", &[("north", 1), ("south", 1)]),
    )?;
    // By itself the plan would wait for the next hour.
    matrix.plainly(
        |fleet| {
            law(fleet, &["SE"])?;
            feeder(fleet, FEEDER)
        },
        |fleet| runs(fleet, "chat", &[("north", 2)]),
    )?;
    matrix.plainly(
        |fleet| {
            fleet.site("north").apply_yaml(&local_job(false))?;
            Ok(())
        },
        |fleet| Ok(local_job_runs(fleet)? && runs(fleet, "chat", &[("north", 2)])?),
    )?;
    matrix.scenario(
        "grid event",
        |fleet| {
            let event = json!({
                "apiVersion": "commonwatt.dev/v1alpha1", "kind": "GridEvent", "metadata": { "name": "call" },
                "spec": {
                    "site": "north", "purpose": "Emergency", "start": Utc::now().to_rfc3339(),
                    "durationSeconds": 7200, "rampSeconds": 0, "targetWatts": "3k",
                },
            });
            fleet.site("north").apply_yaml(&event.to_string())?;
            Ok(())
        },
        |fleet| {
            let event = get(fleet.site("north"), &["gridevent/call"])?;
            Ok(event["status"]["acknowledgedAt"].is_string()
                && !local_job_runs(fleet)?
                && runs(fleet, "chat", &[("north", 1)])?)
        },
    )?;
    matrix.scenario(
        "grid event over",
        |fleet| {
            let args = ["delete", "gridevent/call"];
            fleet.site("north").kubectl(args).ok()?;
            Ok(())
        },
        |fleet| Ok(local_job_runs(fleet)? && runs(fleet, "chat", &[("north", 2)])?),
    )?;
    let args = ["delete", "job/nightly", "--namespace=models", "--wait=true"];
    matrix.fleet.site("north").kubectl(args).ok()?;
    matrix.scenario(
        "release with Drain",
        |fleet| delete(fleet, "cwmd", "chat"),
        |fleet| {
            Ok(is_gone(&fleet.hub, "cwmd", "chat")?
                && nothing_is_left(fleet)?
                && statuses_are_true(fleet)?)
        },
    )
}

/// A job that is given a place, runs and is done.
fn batch(matrix: &mut Matrix) -> Result {
    matrix.scenario(
        "job placed and finished",
        |fleet| {
            let deadline = (Utc::now() + TimeDelta::hours(1) + TimeDelta::minutes(5)).to_rfc3339();
            fleet
                .hub
                .apply_yaml(&manifest("job.yaml", &[("$DEADLINE", &deadline)])?)?;
            Ok(())
        },
        |fleet| {
            let job = get(&fleet.hub, &["job/tune", "--namespace=models"])?;
            let complete = condition(&job, "Complete").is_some_and(|done| done["status"] == "True");
            Ok(complete && nothing_is_left(fleet)?)
        },
    )?;
    matrix.scenario(
        "finished job deleted",
        |fleet| delete(fleet, "job", "tune"),
        |fleet| is_gone(&fleet.hub, "job", "tune"),
    )
}
