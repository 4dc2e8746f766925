//! What runs already: adopted by name, given back as it was, and left alone where somebody else steers it. Hub, agent and
//! workloads share one API server and one process here.

use commonwatt_harness::{ControlPlane, Error, eventually, skip, unavailable};
use serde_json::Value;

use super::fleet::{condition, get, manifest, one_cluster, operate};
use super::program::Started;
use crate::{Result, SOON, wait_for_field};

/// A Deployment as somebody serves with it today, and the ModelDeployment that refers to it.
pub fn served(plane: &ControlPlane, name: &str, replicas: u32) -> Result<String> {
    let words = [("$NAME", name), ("$REPLICAS", &replicas.to_string())];
    plane.apply_yaml(&manifest("served.yaml", &words)?)?;
    let words = [("$NAME", name), ("$SITE", "north")];
    manifest("adopting.yaml", &words)
}

/// Hub and agent on one cluster, in a mode, and the operator.
pub fn running(name: &str, mode: &str) -> Result<(ControlPlane, Started)> {
    let plane = one_cluster(name, mode)?;
    let operator = operate(&plane, mode)?;
    Ok((plane, operator))
}

/// Spec and generation: what nobody but us may see changed, and we neither unless we own it.
fn untouched(plane: &ControlPlane, name: &str) -> Result<(Value, Value)> {
    let object = get(plane, &["deployment", name, "--namespace=models"])?;
    Ok((
        object["spec"].clone(),
        object["metadata"]["generation"].clone(),
    ))
}

#[test]
fn what_runs_is_adopted_scaled_and_given_back_with_its_original_replicas() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let (plane, operator) = running("adoption", "Enforce")?;
    let adopting = served(&plane, "chat", 5)?;
    wait_for_field(
        &plane,
        "deployment/chat --namespace=models",
        ".status.readyReplicas",
        "5",
    )?;
    let (before, _) = untouched(&plane, "chat")?;
    plane.apply_yaml(&adopting)?;
    // 18,000 tokens/s are two replicas: only that number changes.
    wait_for_field(
        &plane,
        "deployment/chat --namespace=models",
        ".spec.replicas",
        "2",
    )?;
    let (mut during, _) = untouched(&plane, "chat")?;
    during["replicas"] = before["replicas"].clone();
    assert_eq!(
        during, before,
        "something else than the replicas was changed"
    );
    let records = get(&plane, &["admissionrecords"])?;
    assert_eq!(records["items"][0]["spec"]["originalReplicas"], 5);

    plane
        .kubectl([
            "delete",
            "cwmd",
            "chat",
            "--namespace=models",
            "--timeout=60s",
        ])
        .ok()?;
    wait_for_field(
        &plane,
        "deployment/chat --namespace=models",
        ".spec.replicas",
        "5",
    )?;
    let (after, _) = untouched(&plane, "chat")?;
    assert_eq!(after, before);
    // And nothing of ours holds the field any more.
    let object = get(
        &plane,
        &[
            "deployment",
            "chat",
            "--namespace=models",
            "--show-managed-fields",
        ],
    )?;
    let managers = object["metadata"]["managedFields"]
        .as_array()
        .ok_or("no managers")?;
    let ours: Vec<_> = managers
        .iter()
        .filter(|entry| entry["manager"] == "commonwatt" && !entry["fieldsV1"]["f:spec"].is_null())
        .collect();
    assert!(ours.is_empty(), "still ours: {ours:?}");
    operator.terminate()?;
    Ok(())
}

#[test]
fn an_operator_in_advise_says_what_it_would_do_and_touches_nothing() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let (plane, operator) = running("advise", "Advise")?;
    let adopting = served(&plane, "chat", 5)?;
    wait_for_field(
        &plane,
        "deployment/chat --namespace=models",
        ".status.readyReplicas",
        "5",
    )?;
    let before = untouched(&plane, "chat")?;
    plane.apply_yaml(&adopting)?;
    wait_for_field(
        &plane,
        "cwmd/chat --namespace=models",
        ".status.conditions[?(@.type=='Placed')].reason",
        "Advising",
    )?;
    wait_for_field(
        &plane,
        "cwmd/chat --namespace=models",
        ".status.desiredReplicas",
        "2",
    )?;
    eventually(SOON, "the site's advice", || {
        let assignments = get(&plane, &["siteassignments", "--namespace=site-north"])
            .map_err(|error| error.to_string())?;
        let admitted = condition(&assignments["items"][0], "Admitted").unwrap_or_default();
        let message = admitted["message"].as_str().unwrap_or_default();
        Ok::<_, String>(message.starts_with("would be admitted: 2").then_some(()))
    })?;
    assert_eq!(untouched(&plane, "chat")?, before);
    let records = get(&plane, &["admissionrecords"])?;
    assert_eq!(records["items"].as_array().map(Vec::len), Some(0));
    // It did not even try what its account may not do.
    let log = operator.log();
    assert!(!log.contains("forbidden"), "{log}");
    operator.terminate()?;
    Ok(())
}

#[test]
fn a_field_that_git_owns_is_never_fought_over() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let (plane, operator) = running("foreign", "Enforce")?;
    let adopting = served(&plane, "chat", 5)?;
    plane
        .kubectl([
            "patch",
            "deployment/chat",
            "--namespace=models",
            "--field-manager=argocd-controller",
            "--patch",
            "{\"spec\":{\"replicas\":4}}",
        ])
        .ok()?;
    let before = untouched(&plane, "chat")?;
    plane.apply_yaml(&adopting)?;
    wait_for_field(
        &plane,
        "cwmd/chat --namespace=models",
        ".status.conditions[?(@.type=='Placed')].reason",
        "FieldOwnedByOther",
    )?;
    // A while longer, and it is still as Git wants it.
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(untouched(&plane, "chat")?, before);
    // What the alert asks for says the same as the condition.
    for metric in ["commonwatt_hub_site_answers", "commonwatt_site_assignments"] {
        let series = format!("{metric}{{site=\"north\",answer=\"FieldOwnedByOther\"}}");
        assert!((operator.metric(&series)? - 1.0).abs() < 0.1, "{series}");
    }
    let refused = get(&plane, &["siteassignments", "--namespace=site-north"])?;
    let detail = refused["items"][0]["status"]["refusal"]["detail"].clone();
    let detail = detail.as_str().unwrap_or_default();
    assert!(
        detail.contains("argocd-controller") && detail.contains("spec.replicas"),
        "{detail}"
    );

    // Git lets go of it: from then on it is ours to steer.
    plane
        .kubectl([
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=kubectl",
            "--filename",
            &written(&manifest(
                "served.yaml",
                &[("$NAME", "chat"), ("$REPLICAS", "4")],
            )?)?,
        ])
        .ok()?;
    plane
        .kubectl([
            "patch",
            "deployment/chat",
            "--namespace=models",
            "--type=json",
            "--patch",
            &without_manager(&plane, "argocd-controller")?,
        ])
        .ok()?;
    wait_for_field(
        &plane,
        "deployment/chat --namespace=models",
        ".spec.replicas",
        "2",
    )?;
    operator.terminate()?;
    Ok(())
}

/// A JSON patch that takes a manager's entry out, as `kubectl` users do when a tool is retired.
fn without_manager(plane: &ControlPlane, manager: &str) -> Result<String> {
    let object = plane
        .kubectl([
            "get",
            "deployment/chat",
            "--namespace=models",
            "--show-managed-fields",
            "--output=json",
        ])
        .json()?;
    let managers = object["metadata"]["managedFields"]
        .as_array()
        .ok_or("no managers")?;
    let paths: Vec<String> = managers
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry["manager"] == manager)
        .map(|(index, _)| {
            format!("{{\"op\":\"remove\",\"path\":\"/metadata/managedFields/{index}\"}}")
        })
        .collect();
    Ok(format!("[{}]", paths.join(",")))
}

/// A manifest in a file of its own.
fn written(text: &str) -> Result<String> {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
    std::fs::write(file.path(), text)?;
    let (_, path) = file.keep()?;
    Ok(path.display().to_string())
}

#[test]
fn a_job_of_the_hub_runs_at_a_site_as_another_object_and_its_end_is_told() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let (plane, operator) = running("batch", "Enforce")?;
    plane.set_job_seconds(3)?;
    let deadline = plane
        .kubectl([
            "get",
            "namespace",
            "models",
            "--output=jsonpath={.metadata.creationTimestamp}",
        ])
        .ok()?;
    // Two hours are left for an hour of work: it has to begin.
    let deadline: chrono::DateTime<chrono::Utc> = deadline.parse()?;
    let deadline = (deadline + chrono::TimeDelta::hours(2)).to_rfc3339();
    plane.apply_yaml(&manifest("job.yaml", &[("$DEADLINE", &deadline)])?)?;
    eventually(SOON, "the site's copy of the Job", || {
        let jobs = plane
            .kubectl(["get", "jobs", "--namespace=models", "--output=json"])
            .json()?;
        let jobs = jobs["items"].as_array().cloned().unwrap_or_default();
        let copy = jobs.iter().find(|job| job["spec"]["managedBy"].is_null());
        let mine = copy.is_some_and(|job| {
            !job["metadata"]["annotations"]["commonwatt.dev/assignment"].is_null()
        });
        Ok::<_, Error>(mine.then_some(()))
    })?;
    // The hub's own Job never ran a pod, and says how the copy ended.
    wait_for_field(
        &plane,
        "job/tune --namespace=models",
        ".status.conditions[?(@.type=='Complete')].status",
        "True",
    )?;
    let pods = get(
        &plane,
        &["pods", "--namespace=models", "--selector=job-name=tune"],
    )?;
    assert_eq!(pods["items"].as_array().map(Vec::len), Some(0));
    // Finished, its place is given back.
    eventually(SOON, "the assignment to go", || {
        let left = plane
            .kubectl([
                "get",
                "siteassignments,admissionrecords",
                "--all-namespaces",
                "--output=name",
            ])
            .ok()?;
        Ok::<_, Error>(left.is_empty().then_some(()))
    })?;
    plane
        .kubectl([
            "delete",
            "job",
            "tune",
            "--namespace=models",
            "--timeout=60s",
        ])
        .ok()?;
    operator.terminate()?;
    Ok(())
}
