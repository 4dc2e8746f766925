//! The charts, installed by Helm: what they bring, what the account may then do, and what stays when they go.

mod confined;
mod kept;
mod linted;
mod rights;

use std::fs;

use commonwatt_harness::{ControlPlane, Output, control_plane};
use serde_json::{Value, json};

use self::rights::{listed, may};
use crate::{Result, checkout, install_definitions, wait_for_field};

const NAMESPACE: &str = "commonwatt-system";
const MODES: [&str; 3] = ["Observe", "Advise", "Enforce"];

fn chart(name: &str) -> String {
    checkout("charts").join(name).display().to_string()
}

/// Installs or upgrades a release in its namespace.
fn install(plane: &ControlPlane, release: &str, values: &[String]) -> Output {
    let mut args: Vec<String> = ["upgrade", "--install", release]
        .map(str::to_owned)
        .to_vec();
    args.push(chart("commonwatt"));
    args.push(format!("--namespace={NAMESPACE}"));
    args.push("--create-namespace".to_owned());
    args.extend(values.iter().map(|value| format!("--set-json={value}")));
    plane.helm(args)
}

fn account(name: &str) -> Value {
    json!({
        "user": format!("system:serviceaccount:{NAMESPACE}:{name}"),
        "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{NAMESPACE}"), "system:authenticated"],
    })
}

#[test]
fn in_each_mode_and_role_the_account_may_do_what_is_listed_and_nothing_else_of_it() -> Result {
    let plane = control_plane!("rights");
    install_definitions(&plane)?;
    let mut wrong = Vec::new();
    for mode in MODES {
        for roles in [&["hub"][..], &["site"], &["hub", "site"]] {
            let release = format!("commonwatt-{}", roles.join("-"));
            let values = [
                format!("mode={}", json!(mode)),
                format!("roles={}", json!(roles)),
                "installAdapters=false".to_owned(),
                "replicas=0".to_owned(),
            ];
            install(&plane, &release, &values).ok()?;
            let (rights, expected) = listed(mode, roles);
            let allowed = may(&plane, &account(&release), &rights)?;
            let answers = rights.iter().zip(allowed).zip(expected);
            for (((resource, namespace, verb), allowed), expected) in answers {
                if allowed != expected {
                    let instead = if allowed { "may" } else { "may not" };
                    wrong.push(format!(
                        "{mode} {roles:?} {instead} {verb} {resource} in {namespace:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The same answer by the way that a person would ask.
    let asked = plane.kubectl([
        "auth",
        "can-i",
        "patch",
        "deployments.apps",
        "--namespace=models",
        &format!("--as=system:serviceaccount:{NAMESPACE}:commonwatt-hub"),
    ]);
    assert_eq!(asked.stdout.trim(), "no");
    Ok(())
}

#[test]
fn an_adapter_that_is_off_is_neither_installed_nor_may_its_kind_be_touched() -> Result {
    let plane = control_plane!("adapters-off");
    install_definitions(&plane)?;
    let values = [
        "mode=\"Enforce\"".to_owned(),
        "replicas=0".to_owned(),
        "adapters.statefulset=false".to_owned(),
        r#"extraWorkloads=[{"apiGroup":"leaderworkerset.x-k8s.io","resource":"leaderworkersets"}]"#
            .to_owned(),
    ];
    install(&plane, "commonwatt", &values).ok()?;
    let adapters = plane
        .kubectl(["get", "workloadadapters", "--output=name"])
        .ok()?;
    assert_eq!(
        adapters.lines().collect::<Vec<_>>(),
        [
            "workloadadapter.commonwatt.dev/deployment",
            "workloadadapter.commonwatt.dev/job"
        ]
    );
    let rights = [
        ("apps/statefulsets", "models", "list"),
        ("apps/statefulsets", "models", "patch"),
        (
            "leaderworkerset.x-k8s.io/leaderworkersets",
            "models",
            "patch",
        ),
    ];
    assert_eq!(
        may(&plane, &account("commonwatt"), &rights)?,
        [false, false, true]
    );
    Ok(())
}

#[test]
fn the_agent_of_a_site_writes_its_own_offer_and_answers_and_nobody_elses() -> Result {
    let plane = control_plane!("site-agents");
    install_definitions(&plane)?;
    // One of the namespaces is there already, as a hub has made it.
    plane.kubectl(["create", "namespace", "site-a"]).ok()?;
    let agents = r#"siteAgents=[{"site":"a","subjects":[{"kind":"User","name":"agent-a"}]},
        {"site":"b","subjects":[{"kind":"ServiceAccount","name":"agent","namespace":"elsewhere"}]}]"#;
    let values = [
        "roles=[\"hub\"]".to_owned(),
        "replicas=0".to_owned(),
        agents.to_owned(),
    ];
    install(&plane, "commonwatt", &values).ok()?;
    install(&plane, "commonwatt", &values).ok()?;
    let rights = |site| {
        [
            ("commonwatt.dev/siteoffers", site, "create"),
            ("commonwatt.dev/siteoffers", site, "patch"),
            ("commonwatt.dev/siteassignments", site, "watch"),
            ("commonwatt.dev/siteassignments/status", site, "patch"),
            ("commonwatt.dev/siteassignments", site, "patch"),
            ("commonwatt.dev/siteassignments", site, "delete"),
            ("commonwatt.dev/modeldeployments", "models", "list"),
        ]
    };
    let own = [true, true, true, true, true, false, false];
    let agent = json!({"user": "agent-a", "groups": ["system:authenticated"]});
    assert_eq!(may(&plane, &agent, &rights("site-a"))?, own);
    assert_eq!(may(&plane, &agent, &rights("site-b"))?, [false; 7]);
    let agent = json!({"user": "system:serviceaccount:elsewhere:agent"});
    assert_eq!(may(&plane, &agent, &rights("site-b"))?, own);
    plane
        .helm(["uninstall", "commonwatt", "--namespace", NAMESPACE])
        .ok()?;
    plane
        .kubectl(["get", "namespace", "site-a", "site-b"])
        .ok()?;
    Ok(())
}

#[test]
fn helm_refuses_values_that_mean_nothing() -> Result {
    let plane = control_plane!("values");
    for (value, said) in [
        (r#"mode="enforce""#, "/mode"),
        ("roles=[]", "/roles"),
        (r#"roles=["hubs"]"#, "/roles/0"),
        (r#"rolez=["hub"]"#, "rolez"),
        ("adapters.daemonset=true", "daemonset"),
        (r#"replicas="two""#, "/replicas"),
        (r#"extraArgs=["run"]"#, "/extraArgs/0"),
        (
            r#"siteAgents=[{"site":"A_B","subjects":[]}]"#,
            "/siteAgents/0",
        ),
    ] {
        let refused = install(&plane, "commonwatt", &[value.to_owned()]);
        assert!(!refused.succeeded(), "{value} was taken");
        assert!(refused.stderr.contains(said), "{value}: {}", refused.stderr);
    }
    let lint = plane.helm([
        "lint".to_owned(),
        "--strict".to_owned(),
        chart("commonwatt"),
        chart("commonwatt-crds"),
    ]);
    assert!(lint.succeeded(), "{}{}", lint.stdout, lint.stderr);
    Ok(())
}

#[test]
fn the_kustomization_is_what_the_chart_renders_and_is_accepted_whole() -> Result {
    let plane = control_plane!("kustomize");
    let rendered = plane
        .helm([
            "template",
            "commonwatt",
            &chart("commonwatt"),
            "--namespace",
            NAMESPACE,
            "--set=installAdapters=false",
        ])
        .ok()?;
    let ours: String = rendered
        .lines()
        .filter(|line| {
            ![
                "# Source:",
                "helm.sh/chart:",
                "app.kubernetes.io/managed-by:",
            ]
            .iter()
            .any(|helm| line.trim_start().starts_with(helm))
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let file = checkout("deploy/kustomize/base/operator.yaml");
    if std::env::var_os("COMMONWATT_WRITE").is_some() {
        fs::write(&file, &ours)?;
    }
    assert!(
        fs::read_to_string(&file)? == ours,
        "the chart has changed: run this test once with COMMONWATT_WRITE=1"
    );
    for name in ["deployment", "statefulset", "job"] {
        let copies = ["deploy/adapters", "charts/commonwatt/adapters"]
            .map(|folder| fs::read_to_string(checkout(folder).join(format!("{name}.yaml"))));
        let [one, other] = copies;
        assert_eq!(
            one?, other?,
            "the adapter {name} differs between deploy/ and charts/"
        );
    }
    // The definitions first: adapters are refused until theirs is established.
    install_definitions(&plane)?;
    let base = checkout("deploy/kustomize/base").display().to_string();
    plane
        .kubectl([
            "apply",
            "--server-side",
            "--force-conflicts",
            "--kustomize",
            &base,
        ])
        .ok()?;
    plane.add_gpu_nodes(1, "NVIDIA-L4", 1, &[])?;
    plane
        .kubectl([
            "rollout",
            "status",
            "deployment/commonwatt",
            "--timeout=60s",
            &format!("--namespace={NAMESPACE}"),
        ])
        .ok()?;
    wait_for_field(
        &plane,
        "workloadadapter/job",
        ".spec.suspendPath",
        "spec.suspend",
    )
}
