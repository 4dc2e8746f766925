//! `commonwatt adopt`, from what runs to the first advice.

use serde_json::json;

use super::*;

const PRODUCT: &str = "NVIDIA-H100-80GB-HBM3";
const MODEL: &str = "meta-llama/Llama-3.1-8B-Instruct";

/// A workload as people run it, with or without the model in its arguments.
fn served(kind: &str, name: &str, args: &[&str]) -> String {
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": { "name": name, "namespace": "models" },
        "spec": {
            "replicas": 2, "serviceName": name,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": {
                    "nodeSelector": { "nvidia.com/gpu.product": PRODUCT },
                    "containers": [{
                        "name": "engine", "image": "models.example/vllm:1", "args": args,
                        "resources": { "limits": { "nvidia.com/gpu": "1" } },
                    }],
                },
            },
        },
    })
    .to_string()
    .replace(
        &format!("\"serviceName\":\"{name}\","),
        if kind == "Deployment" {
            ""
        } else {
            "\"serviceName\":\"models\","
        },
    )
}

#[test]
fn what_adopt_prints_applies_unchanged_and_leads_to_advice_that_touches_nothing() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let plane = one_cluster("adopting", "Advise")?;
    let begun = std::time::Instant::now();
    plane.apply_yaml(&served("Deployment", "chat", &["--model", MODEL]))?;
    plane.apply_yaml(&served("StatefulSet", "search", &["serve", MODEL]))?;
    for name in ["deployment/chat", "statefulset/search"] {
        let object = format!("{name} --namespace=models");
        crate::wait_for_field(&plane, &object, ".status.readyReplicas", "2")?;
    }
    let generation = || {
        plane
            .kubectl([
                "get",
                "deployment,statefulset",
                "--namespace=models",
                "--output=jsonpath={range .items[*]}{.metadata.generation} {.spec.replicas} {end}",
            ])
            .ok()
    };
    let before = generation()?;
    for workload in ["deploy/chat", "sts/search"] {
        let yaml = ask(plane.kubeconfig(), &["adopt", workload, "-n", "models"])?.ending_with(0)?;
        assert!(yaml.contains("profile: llama-3.1-8b-h100"), "{yaml}");
        assert!(!yaml.contains("FILL IN"), "{yaml}");
        plane.apply_yaml(&yaml)?;
    }
    let _operator = operate(&plane, "Advise")?;
    for name in ["chat", "search"] {
        let advised = decided(&plane, name)?;
        assert_eq!(advised["status"]["sites"][0]["site"], "north");
        assert_eq!(
            advised["status"]["desiredReplicas"], 2,
            "what runs is what is asked for"
        );
    }
    println!(
        "from two running workloads to both advised: {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    assert_eq!(generation()?, before, "Advise has written to a workload");
    Ok(())
}

#[test]
fn what_adopt_cannot_know_is_refused_by_the_api_server_until_it_is_filled_in() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let plane = one_cluster("unknown", "Advise")?;
    plane.apply_yaml(&served(
        "Deployment",
        "other",
        &["--model", "somebody/else-13b"],
    ))?;
    let yaml = ask(
        plane.kubeconfig(),
        &["adopt", "deploy/other", "-n", "models"],
    )?
    .ending_with(2)?;
    assert!(yaml.contains("profile: \"\"   # FILL IN"), "{yaml}");
    let refused = plane.apply_yaml(&yaml).err().map(|error| error.to_string());
    let refused = refused.unwrap_or_default();
    assert!(refused.contains("spec.variants[0].profile"), "{refused}");

    // A Job is made anew for the hub; its deadline is nobody's to guess.
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "train", "namespace": "models" },
        "spec": { "template": { "spec": {
            "restartPolicy": "Never",
            "containers": [{ "name": "a", "image": "models.example/train:1", "resources": { "limits": { "nvidia.com/gpu": "1" } } }],
        } } },
    });
    plane.apply_yaml(&job.to_string())?;
    let yaml = ask(plane.kubeconfig(), &["adopt", "job/train", "-n", "models"])?.ending_with(2)?;
    assert!(plane.apply_yaml(&yaml).is_err(), "{yaml}");
    let filled = yaml
        .replace(
            "commonwatt.dev/deadline: {}",
            "commonwatt.dev/deadline: \"2099-01-01T00:00:00Z\"",
        )
        .replace("commonwatt.dev/hours: {}", "commonwatt.dev/hours: \"2\"");
    plane.apply_yaml(&filled)?;
    let manager = [
        "get",
        "job",
        "train-placed",
        "--namespace=models",
        "--output=jsonpath={.spec.managedBy}",
    ];
    assert_eq!(plane.kubectl(manager).ok()?, "commonwatt.dev/hub");
    Ok(())
}
