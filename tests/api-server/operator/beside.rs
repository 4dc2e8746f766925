//! Beside what runs: a cluster that serves already sees Commonwatt come, look, advise, take over one deployment, give it
//! back and go, and nothing else of it is written.

mod what_runs;

use commonwatt_harness::{ControlPlane, skip, unavailable};
use serde_json::Value;

use super::asked::ask;
use super::fleet::{NAMESPACE, NORTH, declare, furnish, get, manifest, operate, uninstall};
use super::program::Started;
use crate::{Result, checkout, wait_for_field};
use what_runs::{Git, Look, SERVED, look, managers, serve};

/// A cluster that serves, with the operator's definitions and what the site and the platform declare.
fn cluster(name: &str) -> Result<(ControlPlane, Git)> {
    let plane = ControlPlane::start_audited(name)?;
    plane.kubectl(["create", "namespace", "models"]).ok()?;
    let definitions = checkout("charts/commonwatt-crds").display().to_string();
    plane
        .helm(["install", "definitions", &definitions, "--wait"])
        .ok()?;
    furnish(&plane, &NORTH)?;
    declare(&plane)?;
    let git = serve(&plane)?;
    Ok((plane, git))
}

/// The chart in a mode, and the operator with the account that it gives.
fn operator(plane: &ControlPlane, verb: &str, mode: &str) -> Result<Started> {
    let chart = checkout("charts/commonwatt").display().to_string();
    let mut args = vec![verb, "commonwatt", &chart, "--namespace", NAMESPACE];
    if verb == "install" {
        args.push("--create-namespace");
    }
    let values = format!("--set=replicas=0,mode={mode}");
    args.push(&values);
    plane.helm(args).ok()?;
    operate(plane, mode)
}

/// A ModelDeployment for each of what runs.
fn adopt(plane: &ControlPlane, name: &str, mode: &str) -> Result {
    let text = manifest("adopting.yaml", &[("$NAME", name), ("$SITE", "north")])?;
    plane.apply_yaml(&text.replace("mode: Enforce", &format!("mode: {mode}")))?;
    Ok(())
}

/// What `kubectl get` shows as the reason.
fn reasons(plane: &ControlPlane, words: &[(&str, &str)]) -> Result {
    for (name, reason) in words {
        let object = format!("cwmd/{name} --namespace=models");
        let path = ".status.conditions[?(@.type=='Placed')].reason";
        wait_for_field(plane, &object, path, reason)?;
    }
    let shown = plane.kubectl(["get", "cwmd", "--namespace=models"]).ok()?;
    eprintln!("{shown}");
    for (name, reason) in words {
        let line = shown.lines().find(|line| line.starts_with(name));
        let line = line.ok_or(format!("{name} is not shown"))?;
        assert!(line.trim_end().ends_with(reason), "{line}");
    }
    Ok(())
}

/// The operator's own count of writes to kinds that are not its own.
fn writes(operator: &Started) -> Result<Vec<String>> {
    let page = operator.page("/metrics")?;
    let lines = page.lines().filter(|line| {
        line.starts_with("commonwatt_api_requests_total")
            && [
                "Deployment",
                "HorizontalPodAutoscaler",
                "StatefulSet",
                "Job",
            ]
            .iter()
            .any(|kind| line.contains(&format!("kind=\"{kind}\"")))
            && ["apply", "merge", "merge_status", "delete"]
                .iter()
                .any(|verb| line.contains(&format!("verb=\"{verb}\"")))
            && !line.ends_with(" 0")
    });
    Ok(lines.map(str::to_owned).collect())
}

/// Whole and untouched: as it was, and nothing of ours on it.
fn untouched(plane: &ControlPlane, before: &Look) -> Result {
    assert_eq!(&look(plane)?, before);
    for name in SERVED {
        is_not_ours(plane, &format!("deployment/{name}"))?;
    }
    is_not_ours(plane, "hpa/auto")
}

/// Nothing of an object but its status is owned by us.
fn is_not_ours(plane: &ControlPlane, name: &str) -> Result {
    let managers = managers(plane, name)?;
    assert!(
        !managers.contains(&"commonwatt".to_owned()),
        "{name}: {managers:?}"
    );
    Ok(())
}

fn site_reason(plane: &ControlPlane, reason: &str) -> Result {
    let path = ".status.conditions[?(@.type=='Ready')].reason";
    wait_for_field(plane, "site/north", path, reason)
}

#[test]
fn it_looks_advises_takes_over_one_deployment_and_goes_and_nothing_else_is_ever_written() -> Result
{
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let (plane, git) = cluster("beside")?;
    let before = look(&plane)?;

    let started = operator(&plane, "install", "Observe")?;
    for name in SERVED {
        adopt(&plane, name, "Advise")?;
    }
    site_reason(&plane, "Observing")?;
    reasons(&plane, &SERVED.map(|name| (name, "Observing")))?;
    untouched(&plane, &before)?;
    assert_eq!(writes(&started)?, Vec::<String>::new());
    started.terminate()?;

    let started = operator(&plane, "upgrade", "Advise")?;
    site_reason(&plane, "Advising")?;
    let advice = [
        ("plain", "Advising"),
        ("auto", "Advising"),
        ("tool", "Advising"),
        ("git", "FieldOwnedByOther"),
    ];
    reasons(&plane, &advice)?;
    untouched(&plane, &before)?;
    assert_eq!(writes(&started)?, Vec::<String>::new());
    started.terminate()?;

    let started = operator(&plane, "upgrade", "Enforce")?;
    site_reason(&plane, "Ok")?;
    // Git's is asked to be enforced as well: asking is not having.
    adopt(&plane, "git", "Enforce")?;
    adopt(&plane, "auto", "Enforce")?;
    one_is_taken_over(&plane, &before)?;
    let turns = git.turns();
    gits_hand_is_left_alone(&plane, &before, &git, turns)?;
    let written = writes(&started)?;
    assert!(
        written.len() == 1 && written[0].contains("HorizontalPodAutoscaler"),
        "{written:?}"
    );
    assert!(
        written[0].ends_with(" 1"),
        "more than one write: {written:?}"
    );

    for name in ["auto", "git", "plain", "tool"] {
        plane
            .kubectl([
                "delete",
                "cwmd",
                name,
                "--namespace=models",
                "--timeout=60s",
            ])
            .ok()?;
    }
    as_before(&plane, &before)?;
    started.terminate()?;
    // Hub and site with one account, in every mode; `audit` has them apart.
    let mut refused = plane.requests()?;
    refused.retain(|request| request.code == 403 && request.user.ends_with(":commonwatt"));
    assert!(refused.is_empty(), "{refused:?}");

    uninstall(&plane)?;
    plane.helm(["uninstall", "definitions", "--wait"]).ok()?;
    remove_definitions(&plane)?;
    as_before(&plane, &before)
}

/// Bounds, and nothing but the bounds; the replicas are the autoscaler's doing.
fn one_is_taken_over(plane: &ControlPlane, before: &Look) -> Result {
    let hpa = "hpa/auto --namespace=models";
    wait_for_field(plane, hpa, ".spec.maxReplicas", "2")?;
    reasons(
        plane,
        &[("auto", "Ok"), ("plain", "Advising"), ("tool", "Advising")],
    )?;
    wait_for_field(
        plane,
        "deployment/auto --namespace=models",
        ".spec.replicas",
        "2",
    )?;
    let now = look(plane)?;
    let (was, is) = (before.of("hpa/auto"), now.of("hpa/auto"));
    let (was, is) = (was.ok_or("no autoscaler")?, is.ok_or("no autoscaler")?);
    let mut expected = was["spec"].clone();
    expected["minReplicas"] = 2.into();
    expected["maxReplicas"] = 2.into();
    assert_eq!(is["spec"], expected, "something else than the bounds");
    let touched = ["hpa/auto", "deployment/auto"];
    assert_eq!(now.without(&touched), before.without(&touched));
    is_not_ours(plane, "deployment/auto")?;
    let record = get(plane, &["admissionrecords"])?["items"][0]["spec"].clone();
    let known = &record["autoscaler"];
    assert_eq!(
        (
            &known["originalMin"],
            &known["originalMax"],
            &record["mode"]
        ),
        (&3.into(), &6.into(), &"Enforce".into())
    );
    Ok(())
}

fn gits_hand_is_left_alone(plane: &ControlPlane, before: &Look, git: &Git, turns: usize) -> Result {
    reasons(plane, &[("git", "FieldOwnedByOther")])?;
    let message = get(plane, &["cwmd", "git", "--namespace=models"])?;
    let message = message["status"]["conditions"][0]["message"].to_string();
    assert!(
        message.contains("spec.replicas of Deployment models/git belongs to argocd-controller"),
        "{message}"
    );
    // It has its turns, and finds its manifest there.
    commonwatt_harness::eventually(crate::SOON, "Git's turns", || {
        Ok::<_, commonwatt_harness::Error>((git.turns() >= turns + 5).then_some(()))
    })?;
    let now = look(plane)?;
    assert_eq!(now.of("deployment/git"), before.of("deployment/git"));
    is_not_ours(plane, "deployment/git")
}

/// All as it was; of what an autoscaler steers only the replicas are its own affair, and within its bounds again.
fn as_before(plane: &ControlPlane, before: &Look) -> Result {
    wait_for_field(
        plane,
        "deployment/auto --namespace=models",
        ".spec.replicas",
        "3",
    )?;
    let now = look(plane)?;
    let counted = ["hpa/auto", "deployment/auto"];
    assert_eq!(now.without(&counted), before.without(&counted));
    for name in counted {
        let without = |look: &Look| -> Value {
            let mut object = look.of(name).cloned().unwrap_or_default();
            object["metadata"]["generation"] = Value::Null;
            object
        };
        assert_eq!(without(&now), without(before));
        is_not_ours(plane, name)?;
    }
    Ok(())
}

/// As the README says it, and it does not wait for a finalizer.
fn remove_definitions(plane: &ControlPlane) -> Result {
    let folder = checkout("crds/yaml").display().to_string();
    plane
        .kubectl(["delete", "--filename", &folder, "--timeout=60s"])
        .ok()?;
    Ok(())
}

#[test]
fn uninstalled_first_and_released_afterwards_everything_is_as_it_was() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let (plane, _git) = cluster("left-behind")?;
    let before = look(&plane)?;
    let started = operator(&plane, "install", "Enforce")?;
    for name in ["plain", "auto"] {
        adopt(&plane, name, "Enforce")?;
    }
    wait_for_field(
        &plane,
        "deployment/plain --namespace=models",
        ".spec.replicas",
        "2",
    )?;
    wait_for_field(
        &plane,
        "hpa/auto --namespace=models",
        ".spec.maxReplicas",
        "2",
    )?;

    let account = plane.kubeconfig();
    let refused = ask(account, &["release", "--all"])?;
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(
        refused
            .err
            .contains("an operator runs here: it has the lease commonwatt-system/commonwatt-hub"),
        "{}",
        refused.err
    );

    // As it should not be done: the operator goes while workloads are its own.
    started.terminate()?;
    uninstall(&plane)?;
    plane
        .kubectl([
            "delete",
            "cwmd",
            "plain",
            "--namespace=models",
            "--wait=false",
        ])
        .ok()?;
    let shown = ask(account, &["release", "--all", "--dry-run"])?;
    eprintln!("{}{}", shown.out, shown.err);
    assert!(
        shown.out.contains("Deployment models/plain")
            && shown.out.contains("4 replicas again")
            && shown
                .out
                .contains("HorizontalPodAutoscaler auto again from 3 to 6"),
        "{}",
        shown.out
    );
    let records = get(&plane, &["admissionrecords"])?;
    assert_eq!(
        records["items"].as_array().map(Vec::len),
        Some(2),
        "a dry run wrote"
    );
    let done = ask(account, &["release", "--all", "-o", "json"])?;
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    let rows: Value = serde_json::from_str(&done.out)?;
    assert!(
        rows.as_array().is_some_and(|rows| rows.len() >= 4),
        "{rows}"
    );
    assert_eq!(
        ask(account, &["release", "--all"])?.code,
        Some(0),
        "a second time there is nothing to do"
    );
    plane.helm(["uninstall", "definitions", "--wait"]).ok()?;
    remove_definitions(&plane)?;

    wait_for_field(
        &plane,
        "deployment/plain --namespace=models",
        ".spec.replicas",
        "4",
    )?;
    wait_for_field(
        &plane,
        "deployment/auto --namespace=models",
        ".spec.replicas",
        "3",
    )?;
    let now = look(&plane)?;
    for name in ["deployment/plain", "deployment/auto", "hpa/auto"] {
        let spec = |look: &Look| look.of(name).map(|object| object["spec"].clone());
        assert_eq!(spec(&now), spec(&before), "{name}");
        is_not_ours(&plane, name)?;
    }
    let touched = ["deployment/plain", "deployment/auto", "hpa/auto"];
    assert_eq!(now.without(&touched), before.without(&touched));
    Ok(())
}
