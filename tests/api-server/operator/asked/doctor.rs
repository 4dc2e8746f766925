//! `commonwatt doctor`: every check finds its broken case, and a healthy cluster has no finding.

use super::*;

/// A broken case: what is done to the cluster, the flags, which check finds it, and words of what it says.
struct Broken {
    what: &'static str,
    done: &'static [&'static [&'static str]],
    yaml: &'static str,
    flags: &'static [&'static str],
    check: &'static str,
    verdict: &'static str,
    says: &'static [&'static str],
}

impl Default for Broken {
    fn default() -> Self {
        Self {
            what: "",
            done: &[],
            yaml: "",
            flags: &[],
            check: "",
            verdict: "problem",
            says: &[],
        }
    }
}

fn findings(kubeconfig: &Kubeconfig, flags: &[&str]) -> Result<(Option<i32>, Vec<Value>)> {
    let mut args = vec!["doctor", "--output=json"];
    args.extend(flags);
    let said = ask(kubeconfig, &args)?;
    let code = said.code;
    let list: Vec<Value> = serde_json::from_str(&said.out)
        .map_err(|error| format!("{error}: {}{}", said.out, said.err))?;
    Ok((code, list))
}

#[test]
fn a_healthy_cluster_has_no_finding_and_each_broken_part_is_found_with_a_remedy() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let plane = one_cluster("doctor", "Advise")?;
    let _operator = operate(&plane, "Advise")?;
    crate::wait_for_field(
        &plane,
        "sites.commonwatt.dev/north",
        ".status.conditions[?(@.type=='Ready')].status",
        "True",
    )?;
    let account = plane.kubeconfig_for(NAMESPACE, "commonwatt")?;
    // Definitions are not the account's to read; what an administrator sees is all well.
    for (who, kubeconfig, allowed) in [
        ("administrator", plane.kubeconfig(), &[][..]),
        ("account", &account, &["definitions", "leases"][..]),
    ] {
        let (code, list) = findings(kubeconfig, &[])?;
        let wrong: Vec<_> = list
            .iter()
            .filter(|f| f["verdict"] != "ok")
            .filter(|f| !allowed.iter().any(|check| f["check"] == *check))
            .collect();
        assert!(wrong.is_empty(), "{who}: {wrong:#?}");
        assert_eq!(code, Some(0), "{who}");
    }
    for broken in cases() {
        for args in broken.done {
            plane.kubectl(args.iter()).ok()?;
        }
        if !broken.yaml.is_empty() {
            plane.apply_yaml(broken.yaml)?;
        }
        let kubeconfig = if broken.check == "rights" {
            &account
        } else {
            plane.kubeconfig()
        };
        let (code, list) = findings(kubeconfig, broken.flags)?;
        let found = list.iter().find(|finding| {
            let message = finding["message"].as_str().unwrap_or_default();
            finding["check"] == broken.check
                && finding["verdict"] == broken.verdict
                && broken.says.iter().all(|word| message.contains(word))
        });
        let found = found.ok_or_else(|| format!("{} is not found: {list:#?}", broken.what))?;
        assert_ne!(found["remedy"], Value::Null, "{}: no remedy", broken.what);
        if broken.verdict == "problem" {
            assert_eq!(code, Some(1), "{}", broken.what);
        }
    }
    let nowhere = plane
        .kubeconfig()
        .text
        .replace(&plane.url(), "https://127.0.0.1:1");
    let file = plane.directory().join("nowhere");
    std::fs::write(&file, &nowhere)?;
    let nowhere = Kubeconfig {
        path: file,
        text: nowhere,
    };
    let (code, list) = findings(&nowhere, &[])?;
    assert_eq!((code, list.len()), (Some(1), 1), "{list:#?}");
    assert_eq!(list[0]["check"], "api-server");
    Ok(())
}

/// Each breaks something more; none hides one before it.
fn cases() -> Vec<Broken> {
    vec![
        Broken {
            what: "an account of Advise that is to enforce",
            flags: &["--mode=Enforce"],
            check: "rights",
            says: &["may not patch deployments"],
            ..Broken::default()
        },
        Broken {
            what: "a Prometheus that is not there",
            flags: &["--prometheus=http://127.0.0.1:1"],
            check: "prometheus",
            says: &["does not answer"],
            ..Broken::default()
        },
        Broken {
            what: "nodes without a product",
            done: &[&["label", "node", "gpu-node-1", "nvidia.com/gpu.product-"]],
            check: "accelerators",
            says: &["gpu-node-1", "no label"],
            ..Broken::default()
        },
        Broken {
            what: "a product that no Site lists",
            done: &[&[
                "label",
                "node",
                "gpu-node-2",
                "--overwrite",
                "nvidia.com/gpu.product=NVIDIA-X",
            ]],
            check: "accelerators",
            says: &["no Site lists NVIDIA-X"],
            ..Broken::default()
        },
        Broken {
            what: "a product that no profile measures",
            check: "accelerators",
            verdict: "warning",
            says: &["no ModelProfile is of NVIDIA-X"],
            ..Broken::default()
        },
        Broken {
            what: "a time zone that is none",
            done: &[&[
                "patch",
                "sites.commonwatt.dev",
                "north",
                "--type=merge",
                "--patch={\"spec\":{\"location\":{\"timeZone\":\"Europe/Atlantis\"}}}",
            ]],
            check: "sites",
            says: &["north", "Europe/Atlantis"],
            ..Broken::default()
        },
        Broken {
            what: "a signal whose file is not there",
            yaml: "{apiVersion: commonwatt.dev/v1alpha1, kind: GridSignal, metadata: {name: lost}, spec: {zone: SE, quantity: \
                   AverageCarbon, source: {file: {path: lost.csv, timeColumn: a, valueColumn: b}}}}",
            flags: &["--data=/var/empty"],
            check: "signals",
            says: &["lost", "no file lost.csv"],
            ..Broken::default()
        },
        Broken {
            what: "a kubeconfig that is none",
            yaml: "{apiVersion: v1, kind: Secret, metadata: {name: far, namespace: commonwatt-system, labels: \
                   {commonwatt.dev/site-kubeconfig: far}}, stringData: {kubeconfig: hello}}",
            check: "kubeconfigs",
            says: &["commonwatt-system/far", "not a kubeconfig"],
            ..Broken::default()
        },
        Broken {
            what: "a Secret that a Site names and that is not there",
            done: &[&[
                "patch",
                "sites.commonwatt.dev",
                "north",
                "--type=merge",
                "--patch={\"spec\":{\"hubs\":[{\"name\":\"hub\",\"sharePercent\":100,\"namespaceMap\":[],\"kubeconfigSecret\":\
                 {\"namespace\":\"commonwatt-system\",\"name\":\"gone\"}}]}}",
            ]],
            check: "kubeconfigs",
            says: &["commonwatt-system/gone", "no such Secret"],
            ..Broken::default()
        },
        Broken {
            what: "an operator of which nobody leads",
            flags: &["--operator-namespace=default"],
            check: "leases",
            verdict: "warning",
            says: &["nobody holds"],
            ..Broken::default()
        },
        Broken {
            what: "a definition with a field of a newer version",
            done: &[&[
                "patch",
                "crd",
                "planheads.commonwatt.dev",
                "--type=json",
                "--patch=[{\"op\":\"add\",\"path\":\"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/later\",\
                 \"value\":{\"type\":\"string\"}}]",
            ]],
            check: "definitions",
            verdict: "warning",
            says: &["newer", "spec.later"],
            ..Broken::default()
        },
        Broken {
            what: "a definition that lacks a field",
            done: &[&[
                "patch",
                "crd",
                "gridevents.commonwatt.dev",
                "--type=json",
                "--patch=[{\"op\":\"remove\",\"path\":\"/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/offered\"}]",
            ]],
            check: "definitions",
            says: &["older", "status.offered"],
            ..Broken::default()
        },
        Broken {
            what: "a definition that is not installed",
            done: &[&["delete", "crd", "waterbudgets.commonwatt.dev"]],
            check: "definitions",
            says: &["waterbudgets.commonwatt.dev is not installed"],
            ..Broken::default()
        },
    ]
}
