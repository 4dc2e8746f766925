//! The harness keeps its promises: what every other test here stands on.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use commonwatt_harness::{ControlPlane, RUN_SECONDS_ANNOTATION, control_plane, skip, unavailable};

use crate::{Result, wait_for_field};

const PRODUCT: &str = "NVIDIA-H100-80GB-HBM3";

#[test]
fn three_control_planes_run_at_once_and_each_refuses_an_unprivileged_token() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let planes = thread::scope(|scope| {
        let starting =
            ["hub", "site-a", "site-b"].map(|name| scope.spawn(move || ControlPlane::start(name)));
        starting.map(|plane| {
            plane
                .join()
                .expect("starting a control plane must not panic")
        })
    });
    for plane in planes {
        let plane = plane?;
        plane.apply_yaml(
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: nobody, namespace: default}}",
        )?;
        let token = plane.token_for("default", "nobody")?;
        let nobody = plane.kubeconfig_for_token(&token)?;
        let refused = plane.kubectl_as(&nobody, ["get", "nodes"]);
        assert!(
            !refused.succeeded(),
            "nobody may read nodes of {}",
            plane.name()
        );
        assert!(
            refused.stderr.contains("Forbidden"),
            "not an RBAC refusal: {}",
            refused.stderr
        );
        assert!(
            plane.kubectl(["get", "nodes"]).succeeded(),
            "the administrator may not"
        );
    }
    Ok(())
}

#[test]
fn a_deployment_that_asks_for_gpus_of_a_product_becomes_ready_on_nodes_that_have_it() -> Result {
    let plane = control_plane!("gpus");
    plane.add_gpu_nodes(1, "NVIDIA-L4", 8, &[])?;
    let wanted = plane.add_gpu_nodes(2, PRODUCT, 8, &[("topology.kubernetes.io/zone", "a")])?;
    plane.apply_yaml(&format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: llama, namespace: default}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: llama}}}}
  template:
    metadata: {{labels: {{app: llama}}}}
    spec:
      nodeSelector: {{nvidia.com/gpu.product: {PRODUCT}, topology.kubernetes.io/zone: a}}
      containers:
      - name: server
        image: models.example/llama:1
        resources: {{limits: {{nvidia.com/gpu: 4}}}}
"
    ))?;
    wait_for_field(&plane, "deployment/llama", ".status.readyReplicas", "3")?;
    let pods = plane.kubectl(["get", "pods", "--output", "json"]).json()?;
    for pod in pods["items"].as_array().ok_or("no list of pods")? {
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        assert!(
            wanted.iter().any(|name| name == node),
            "a replica runs on {node:?}"
        );
    }
    // Sixteen GPUs hold four replicas of four; a fifth must not fit.
    plane
        .kubectl(["scale", "deployment/llama", "--replicas=5"])
        .ok()?;
    wait_for_field(&plane, "deployment/llama", ".status.readyReplicas", "4")?;
    wait_for_field(
        &plane,
        "deployment/llama",
        ".status.unavailableReplicas",
        "1",
    )
}

#[test]
fn a_job_runs_as_long_as_its_annotation_or_the_control_plane_says_and_then_is_complete() -> Result {
    let plane = control_plane!("jobs");
    plane.add_gpu_nodes(1, PRODUCT, 8, &[])?;
    plane.set_job_seconds(2)?;
    let start = Instant::now();
    plane.apply_yaml(&job("short", ""))?;
    plane.apply_yaml(&job(
        "long",
        &format!("annotations: {{{RUN_SECONDS_ANNOTATION}: '9'}}"),
    ))?;
    for (name, seconds) in [("short", 2), ("long", 9)] {
        wait_for_field(&plane, &format!("job/{name}"), ".status.succeeded", "1")?;
        wait_for_field(
            &plane,
            &format!("job/{name}"),
            ".status.conditions[?(@.type=='Complete')].status",
            "True",
        )?;
        let took = start.elapsed();
        assert!(
            took >= Duration::from_secs(seconds),
            "{name} took only {took:?}"
        );
    }
    Ok(())
}

fn job(name: &str, metadata: &str) -> String {
    format!(
        "
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, namespace: default}}
spec:
  template:
    metadata: {{{metadata}}}
    spec:
      restartPolicy: Never
      containers: [{{name: train, image: models.example/train:1, resources: {{limits: {{nvidia.com/gpu: 1}}}}}}]
"
    )
}

#[test]
fn an_api_server_comes_back_from_an_outage_at_the_same_address_with_what_it_knew() -> Result {
    let plane = control_plane!("outage");
    plane.kubectl(["create", "namespace", "kept"]).ok()?;
    plane.stop_api_server();
    assert!(
        !plane.kubectl(["get", "namespaces"]).succeeded(),
        "the API server still answers"
    );
    // Long enough for the controllers to lose their connections.
    thread::sleep(Duration::from_secs(2));
    plane.start_api_server()?;
    plane.kubectl(["get", "namespace", "kept"]).ok()?;
    // The controllers are still there and found it again.
    plane.kubectl(["create", "namespace", "new"]).ok()?;
    wait_for_field(&plane, "namespace/new", ".status.phase", "Active")?;
    plane
        .kubectl([
            "create",
            "deployment",
            "echo",
            "--image=echo",
            "--replicas=1",
        ])
        .ok()?;
    wait_for_field(&plane, "deployment/echo", ".status.replicas", "1")
}

#[test]
fn helm_installs_a_chart() -> Result {
    let plane = control_plane!("helm");
    let chart = tempfile::tempdir()?;
    std::fs::create_dir(chart.path().join("templates"))?;
    std::fs::write(
        chart.path().join("Chart.yaml"),
        "{apiVersion: v2, name: note, version: 0.1.0}",
    )?;
    std::fs::write(
        chart.path().join("templates/note.yaml"),
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: note}, data: {by: '{{ .Release.Name }}'}}",
    )?;
    let path = chart.path().display().to_string();
    plane.helm(["install", "first", &path, "--wait"]).ok()?;
    wait_for_field(&plane, "configmap/note", ".data.by", "first")
}

#[test]
fn stop_leaves_no_process_and_no_directory_behind() -> Result {
    let plane = control_plane!("stopped");
    let pids = plane.pids();
    let directory = plane.directory().to_owned();
    assert_eq!(
        pids.len(),
        5,
        "etcd, API server, controllers, scheduler, kwok: {pids:?}"
    );
    assert!(
        pids.iter().all(|pid| is_alive(*pid)),
        "a process had ended before: {pids:?}"
    );
    plane.stop();
    let left: Vec<_> = pids.into_iter().filter(|pid| is_alive(*pid)).collect();
    assert!(left.is_empty(), "still alive: {left:?}");
    assert!(
        !directory.exists(),
        "{} is still there",
        directory.display()
    );
    Ok(())
}

fn is_alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}
