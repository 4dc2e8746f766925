//! Limits at a site whose agent runs in its own cluster: lowered by kubectl, called by the grid, staged by the water
//! authority, and all of it with the hub gone as well.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use commonwatt_harness::{ControlPlane, Error, eventually, skip, unavailable};
use serde_json::{Value, json};

use super::fleet::{Fleet, NAMESPACE, NORTH, deployment, get};
use super::program::{Operator, Started};
use crate::{Result, SOON, wait_for_field};

/// Watts of one replica: what its profile measured at the point that meets 50 ms, with its part of the host.
const REPLICA: i64 = 991;

/// The hub on its cluster, and the agent on its own, which reaches the hub with a kubeconfig that may do no more than the
/// chart allows a site's agent.
fn apart(name: &str) -> Result<(Fleet, Started, Started)> {
    let fleet = Fleet::start(name, &[NORTH])?;
    // The hub holds no kubeconfig of this site.
    fleet
        .hub
        .kubectl(["delete", "secret", "north", "--namespace", NAMESPACE])
        .ok()?;
    fleet
        .hub
        .kubectl(["create", "namespace", "site-north"])
        .ok()?;
    fleet
        .hub
        .kubectl([
            "create",
            "serviceaccount",
            "agent",
            "--namespace=site-north",
        ])
        .ok()?;
    fleet
        .hub
        .kubectl([
            "create",
            "rolebinding",
            "agent",
            "--namespace=site-north",
            "--clusterrole=commonwatt-site-agent",
            "--serviceaccount=site-north:agent",
        ])
        .ok()?;
    let way = fleet.hub.kubeconfig_for("site-north", "agent")?;
    let member = &fleet.sites["north"];
    let north = &member.plane;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "hub", "namespace": NAMESPACE },
        "stringData": { "kubeconfig": way.text },
    });
    north.apply_yaml(&secret.to_string())?;
    let link = json!({ "spec": { "hubs": [{
        "name": "hub", "sharePercent": 100,
        "kubeconfigSecret": { "namespace": NAMESPACE, "name": "hub" },
        "namespaceMap": [{ "hub": "models", "site": "models" }],
    }] } });
    patch(north, "site/north", &link)?;
    let hub = fleet.run()?;
    let site = Operator::of(&member.account).roles("site").start()?;
    Ok((fleet, hub, site))
}

fn patch(plane: &ControlPlane, object: &str, patch: &Value) -> Result {
    let patch = patch.to_string();
    plane
        .kubectl(["patch", object, "--type=merge", "--patch", &patch])
        .ok()?;
    Ok(())
}

fn replicas(plane: &ControlPlane, count: &str) -> Result {
    wait_for_field(
        plane,
        "deployment/chat-h100 --namespace=models",
        ".status.readyReplicas",
        count,
    )
}

/// Watts charged at the site, by its own word.
fn charged(plane: &ControlPlane) -> Result<i64> {
    let site = get(plane, &["site", "north"])?;
    let text = site["status"]["charged"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let number = text.trim_end_matches('k').parse::<f64>()?;
    Ok((number * if text.ends_with('k') { 1000.0 } else { 1.0 }) as i64)
}

fn wait_for_charge(plane: &ControlPlane, what: &str, holds: impl Fn(i64) -> bool) -> Result {
    let mut last = 0;
    let waited = eventually(SOON, what, || {
        last = charged(plane).map_err(|error| error.to_string())?;
        Ok::<_, String>(holds(last).then_some(()))
    });
    Ok(waited.map_err(|error| format!("{error}; {last} W are charged"))?)
}

#[test]
fn a_budget_an_event_and_a_stage_are_obeyed_and_still_are_when_the_hub_is_gone() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let (fleet, hub, site) = apart("limits")?;
    let north = fleet.site("north");
    // Four replicas with a floor of one.
    fleet.hub.apply_yaml(&deployment("chat", "36000", "1")?)?;
    replicas(north, "4")?;
    wait_for_charge(north, "four replicas charged", |watts| watts == 4 * REPLICA)?;

    // A budget lowered by kubectl: 1 kW unmanaged, room for two replicas.
    let lowered = Instant::now();
    patch(
        north,
        "powerbudget/north-feeder",
        &json!({ "spec": { "limit": "3k" } }),
    )?;
    wait_for_charge(north, "the charge to fall under the budget", |watts| {
        watts <= 2000
    })?;
    println!("obeyed after {:?}", lowered.elapsed());
    replicas(north, "2")?;
    wait_for_field(
        north,
        "powerbudget/north-feeder",
        ".status.conditions[?(@.type=='WithinLimit')].status",
        "True",
    )?;
    wait_for_field(
        &fleet.hub,
        "cwmd/chat --namespace=models",
        ".status.conditions[?(@.type=='Placed')].reason",
        "Unplaceable",
    )?;
    patch(
        north,
        "powerbudget/north-feeder",
        &json!({ "spec": { "limit": "20k" } }),
    )?;
    replicas(north, "4")?;

    water_stops_growth(&fleet)?;
    event(north, "with-hub")?;

    // The hub is gone, process and API server: the site keeps what it admitted, and its limits.
    drop(hub);
    fleet.hub.stop_api_server();
    wait_for_field(
        north,
        "site/north",
        ".status.conditions[?(@.type=='HubsReachable')].status",
        "False",
    )?;
    replicas(north, "4")?;
    patch(
        north,
        "powerbudget/north-feeder",
        &json!({ "spec": { "limit": "4k" } }),
    )?;
    wait_for_charge(north, "the charge to fall without a hub", |watts| {
        watts <= 3000
    })?;
    patch(
        north,
        "powerbudget/north-feeder",
        &json!({ "spec": { "limit": "20k" } }),
    )?;
    replicas(north, "4")?;
    event(north, "without-hub")?;

    // And when it returns, nothing was lost.
    fleet.hub.start_api_server()?;
    let hub = fleet.run()?;
    wait_for_field(
        north,
        "site/north",
        ".status.conditions[?(@.type=='HubsReachable')].status",
        "True",
    )?;
    wait_for_field(
        &fleet.hub,
        "cwmd/chat --namespace=models",
        ".status.readyReplicas",
        "4",
    )?;
    hub.terminate()?;
    site.terminate()?;
    Ok(())
}

/// An hour's worth of water is left: what is there may stay, and nothing may be added.
fn water_stops_growth(fleet: &Fleet) -> Result {
    let north = fleet.site("north");
    let budget = json!({
        "apiVersion": "commonwatt.dev/v1alpha1", "kind": "WaterBudget",
        "metadata": { "name": "north-river" },
        "spec": {
            "site": "north", "basis": "Withdrawal", "period": "Day", "cap": "1k",
            "stages": [{ "name": "Stage 3", "remainingPercent": 0 }],
        },
    });
    north.apply_yaml(&budget.to_string())?;
    wait_for_field(north, "waterbudget/north-river", ".status.stage", "none")?;
    let declared = json!({ "spec": { "declared": {
        "stage": "Stage 3", "authority": "River board", "since": "2020-01-01T00:00:00Z",
        "evidence": "https://river.example/stage-3",
    } } });
    patch(north, "waterbudget/north-river", &declared)?;
    wait_for_field(north, "waterbudget/north-river", ".status.stage", "Stage 3")?;
    // Six replicas are asked for now.
    fleet.hub.apply_yaml(&deployment("chat", "54000", "1")?)?;
    let message = eventually(SOON, "the reason why it does not grow", || {
        let args = ["get", "cwmd/chat", "--namespace=models", "--output=json"];
        let chat = fleet.hub.kubectl(args).json()?;
        let placed = super::fleet::condition(&chat, "Placed").unwrap_or_default();
        let message = placed["message"].as_str().unwrap_or_default().to_owned();
        Ok::<_, Error>(message.contains("Water").then_some(message))
    })?;
    println!("{message}");
    let made = get(north, &["deployment/chat-h100", "--namespace=models"])?;
    assert!(
        made["spec"]["replicas"].as_i64().unwrap_or(9) <= 4,
        "grew without water: {}",
        made["spec"]["replicas"]
    );
    north.kubectl(["delete", "waterbudget/north-river"]).ok()?;
    fleet.hub.apply_yaml(&deployment("chat", "36000", "1")?)?;
    replicas(north, "4")
}

/// A grid event, created with kubectl: flexible Jobs stop, ceilings fall to floors, in time; and all comes back slowly.
fn event(north: &ControlPlane, name: &str) -> Result {
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": name, "namespace": "models",
            "annotations": { "commonwatt.dev/flexible": "true" },
        },
        "spec": { "template": {
            "metadata": { "annotations": { "tests.commonwatt.dev/run-seconds": "600" } },
            "spec": {
                "restartPolicy": "Never",
                "nodeSelector": { "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" },
                "containers": [{
                    "name": "train", "image": "models.example/train:1",
                    "resources": { "limits": { "nvidia.com/gpu": "2" } },
                }],
            },
        } },
    });
    north.apply_yaml(&job.to_string())?;
    let job = format!("job/{name} --namespace=models");
    wait_for_field(north, &job, ".status.active", "1")?;
    wait_for_charge(north, "the Job to be charged", |watts| {
        watts == 4 * REPLICA + 2000
    })?;
    // Facility watts at a PUE of 1.25 and 1.25 kW unmanaged: room for two replicas, and not for the Job.
    let start = Utc::now() + TimeDelta::seconds(3);
    let event = json!({
        "apiVersion": "commonwatt.dev/v1alpha1", "kind": "GridEvent",
        "metadata": { "name": name },
        "spec": {
            "site": "north", "purpose": "Drill", "start": start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "durationSeconds": 60, "rampSeconds": 20, "targetWatts": "4k",
        },
    });
    north.apply_yaml(&event.to_string())?;
    wait_for_charge(north, "the charge to fall under the target", |watts| {
        watts <= 2200
    })?;
    let late = (Utc::now() - start).num_seconds();
    assert!(late <= 5, "under the target only {late} s after the start");
    wait_for_field(north, &job, ".spec.suspend", "true")?;
    replicas(north, "2")?;
    // Held to the end, and back, but not at once: the ramp of 20 s is climbed.
    let left = (start + TimeDelta::seconds(60) - Utc::now()).to_std();
    std::thread::sleep(
        left.unwrap_or_default()
            .saturating_sub(Duration::from_secs(2)),
    );
    assert!(
        charged(north)? <= 2200,
        "the target was not held to the end"
    );
    wait_for_charge(north, "the load to come back", |watts| {
        watts == 4 * REPLICA + 2000
    })?;
    // From 2.2 kW to 19 kW in 20 s: what ran before fits again after 4.5 s.
    let back = Utc::now() - start;
    assert!(
        back >= TimeDelta::seconds(60 + 4),
        "all was back {back} after the start, before the ramp can have been climbed"
    );
    let done = get(north, &["gridevent", name])?;
    println!("{}: {}", name, done["status"]);
    north
        .kubectl(["delete", "job", name, "--namespace=models", "--wait=true"])
        .ok()?;
    std::thread::sleep(Duration::from_secs(1));
    Ok(())
}
