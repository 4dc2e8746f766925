//! What was taken over or made comes back: one by one, by hand, and all at once.

use chrono::{TimeDelta, Utc};
use commonwatt_harness::ControlPlane;
use serde_json::{Value, json};

use super::super::fleet::{Fleet, NAMESPACE, condition, deployment, get, manifest};
use super::matrix::Matrix;
use super::promises::{nothing_is_left, statuses_are_true};
use super::scenarios::{delete, is_gone, local_job, runs};
use crate::Result;

/// What was adopted, and what was made and is to stay.
pub fn giving_back(matrix: &mut Matrix) -> Result {
    matrix.scenario(
        "adoption",
        |fleet| {
            let words = [("$NAME", "own"), ("$REPLICAS", "5")];
            fleet
                .site("north")
                .apply_yaml(&manifest("served.yaml", &words)?)?;
            adopt(fleet, "own")
        },
        is_adopted,
    )?;
    matrix.scenario(
        "assignment deleted by hand",
        |fleet| {
            let args = ["delete", "siteassignments", "--all", "--wait=false"];
            let args = args.iter().chain(&["--namespace=site-north"]);
            fleet.hub.kubectl(args).ok()?;
            Ok(())
        },
        |fleet| {
            let all = get(&fleet.hub, &["siteassignments", "--all-namespaces"])?;
            let anew = &all["items"][0]["metadata"];
            Ok(
                anew["uid"].is_string()
                    && anew["deletionTimestamp"].is_null()
                    && is_adopted(fleet)?,
            )
        },
    )?;
    matrix.scenario(
        "adopted, given back",
        |fleet| delete(fleet, "cwmd", "own"),
        |fleet| {
            let own = served(fleet, "deployment/own")?;
            Ok(own["spec"]["replicas"] == 5
                && !is_ours(&own)
                && is_gone(&fleet.hub, "cwmd", "own")?
                && nothing_is_left(fleet)?)
        },
    )?;
    autoscaled(matrix)?;
    created(matrix)?;
    unreachable(matrix)?;
    all_at_once(matrix)
}

/// What was made and is its owner's to keep.
fn created(matrix: &mut Matrix) -> Result {
    matrix.plainly(
        |fleet| {
            fleet.hub.apply_yaml(&deployment("kept", "9000", "1")?)?;
            Ok(())
        },
        |fleet| runs(fleet, "kept", &[("north", 1)]),
    )?;
    matrix.scenario(
        "release with Orphan",
        |fleet| delete(fleet, "cwmd", "kept"),
        |fleet| {
            let kept = get(
                fleet.site("north"),
                &["deployment/kept-h100", "--namespace=models"],
            )?;
            Ok(kept["status"]["readyReplicas"] == 1
                && is_gone(&fleet.hub, "cwmd", "kept")?
                && nothing_is_left(fleet)?)
        },
    )
}

/// What an autoscaler steers: its bounds are set, and given back.
fn autoscaled(matrix: &mut Matrix) -> Result {
    matrix.scenario(
        "adoption under an autoscaler",
        |fleet| {
            let north = fleet.site("north");
            north.apply_yaml(&manifest("scaled.yaml", &[("$NAME", "auto")])?)?;
            adopt(fleet, "auto")
        },
        |fleet| {
            let auto = served(fleet, "hpa/auto")?;
            Ok(auto["spec"]["maxReplicas"] == 2 && statuses_are_true(fleet)?)
        },
    )?;
    matrix.scenario(
        "autoscaler given back",
        |fleet| delete(fleet, "cwmd", "auto"),
        |fleet| {
            Ok(bounds_are_back(fleet)?
                && is_gone(&fleet.hub, "cwmd", "auto")?
                && nothing_is_left(fleet)?)
        },
    )
}

/// A site that has a kubeconfig and cannot be reached: the hub makes the offer that says so.
fn unreachable(matrix: &mut Matrix) -> Result {
    matrix.scenario(
        "site that cannot be reached",
        |fleet| fleet.hand_over("east", "no kubeconfig"),
        |fleet| {
            let offers = get(&fleet.hub, &["siteoffers", "--all-namespaces"])?;
            let offers = offers["items"].as_array().ok_or("no list")?;
            let east = offers.iter().find(|offer| offer["spec"]["site"] == "east");
            let reached = east.and_then(|offer| condition(offer, "Reachable"));
            Ok(reached.is_some_and(|reached| reached["status"] == "False"))
        },
    )?;
    let args = ["delete", "secret/east", "--namespace", NAMESPACE];
    matrix.fleet.hub.kubectl(args).ok()?;
    Ok(())
}

/// `commonwatt release --all` on both clusters, when the operator is gone and everything is still its own.
fn all_at_once(matrix: &mut Matrix) -> Result {
    matrix.plainly(
        |fleet| {
            adopt(fleet, "own")?;
            adopt(fleet, "auto")?;
            fleet.hub.apply_yaml(&deployment("made", "9000", "1")?)?;
            let deadline = (Utc::now() + TimeDelta::hours(1) + TimeDelta::minutes(5)).to_rfc3339();
            let long = "template:\n    metadata: {annotations: {tests.commonwatt.dev/run-seconds: '900'}}\n";
            let job = manifest("job.yaml", &[("$DEADLINE", &deadline)])?.replace("template:\n", long);
            fleet.hub.apply_yaml(&job)?;
            Ok(())
        },
        |fleet| {
            let job = get(&fleet.hub, &["job/tune", "--namespace=models"])?;
            Ok(job["status"]["active"] == 1
                && served(fleet, "deployment/own")?["spec"]["replicas"] == 2
                && served(fleet, "hpa/auto")?["spec"]["maxReplicas"] == 2
                && runs(fleet, "made", &[("north", 1)])?)
        },
    )?;
    let north = matrix.fleet.site("north");
    north.apply_yaml(&local_job(true))?;
    let kubeconfig = north.kubeconfig().path.clone();
    matrix.released("release --all at the site", &kubeconfig, |fleet| {
        let own = served(fleet, "deployment/own")?;
        let made = served(fleet, "deployment/made-h100")?;
        let records = get(fleet.site("north"), &["admissionrecords"])?;
        Ok(own["spec"]["replicas"] == 5
            && !is_ours(&own)
            && bounds_are_back(fleet)?
            && made["spec"]["replicas"] == 1
            && !is_ours(&made)
            && records["items"] == json!([])
            && !is_suspended(fleet.site("north"))?)
    })?;
    let kubeconfig = matrix.fleet.hub.kubeconfig().path.clone();
    matrix.released("release --all at the hub", &kubeconfig, |fleet| {
        let all = ["modeldeployments,siteassignments,jobs", "--all-namespaces"];
        let left = get(&fleet.hub, &all)?;
        let left = left["items"].as_array().ok_or("no list")?;
        let free = |object: &Value| {
            object["kind"] != "SiteAssignment" && object["metadata"]["finalizers"].is_null()
        };
        Ok(left.len() == 4 && left.iter().all(free))
    })
}

/// Two of five replicas are enough, and on record is what it had.
fn is_adopted(fleet: &Fleet) -> Result<bool> {
    let own = served(fleet, "deployment/own")?;
    let records = get(fleet.site("north"), &["admissionrecords"])?;
    Ok(own["spec"]["replicas"] == 2
        && own["status"]["readyReplicas"] == 2
        && records["items"][0]["spec"]["originalReplicas"] == 5
        && statuses_are_true(fleet)?)
}

fn is_suspended(plane: &ControlPlane) -> Result<bool> {
    let job = get(plane, &["job/nightly", "--namespace=models"])?;
    Ok(job["spec"]["suspend"] == true)
}

fn adopt(fleet: &Fleet, name: &str) -> Result {
    let words = [("$NAME", name), ("$SITE", "north")];
    fleet.hub.apply_yaml(&manifest("adopting.yaml", &words)?)?;
    Ok(())
}

/// What serves at the site, with who owns which field.
fn served(fleet: &Fleet, what: &str) -> Result<Value> {
    let args = [what, "--namespace=models", "--show-managed-fields"];
    get(fleet.site("north"), &args)
}

fn is_ours(object: &Value) -> bool {
    let fields = object["metadata"]["managedFields"].as_array();
    fields.is_some_and(|all| all.iter().any(|entry| entry["manager"] == "commonwatt"))
}

fn bounds_are_back(fleet: &Fleet) -> Result<bool> {
    let auto = served(fleet, "hpa/auto")?;
    let spec = &auto["spec"];
    Ok(spec["minReplicas"] == 3 && spec["maxReplicas"] == 6 && !is_ours(&auto))
}
