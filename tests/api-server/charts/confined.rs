//! What the operator's pods may do to their node and on the network.

use std::fmt::Write;

use commonwatt_harness::{ControlPlane, Output, control_plane};
use serde_json::{Value, json};

use super::{NAMESPACE, chart, install};
use crate::{Result, install_definitions};

/// What shapes a pod, by a name for it.
const SHAPES: [(&str, &[&str]); 8] = [
    ("plain", &[]),
    (
        "hub",
        &[r#"roles=["hub"]"#, r#"kubeconfigSecrets=["north"]"#],
    ),
    ("site", &[r#"roles=["site"]"#, "mode=\"Enforce\""]),
    ("standby", &["replicas=2"]),
    ("claim", &["persistence.enabled=true"]),
    (
        "their-claim",
        &[
            "persistence.enabled=true",
            r#"persistence.existingClaim="theirs""#,
        ],
    ),
    ("sealed-off", &["networkPolicy.enabled=true"]),
    (
        "all-of-it",
        &[
            r#"image={"repository":"registry.example/commonwatt","tag":"1","pullPolicy":"Always"}"#,
            r#"imagePullSecrets=[{"name":"pull"}]"#,
            r#"priorityClassName="system-cluster-critical""#,
            r#"podAnnotations={"a":"b"}"#,
            r#"nodeSelector={"a":"b"}"#,
            r#"tolerations=[{"operator":"Exists"}]"#,
            "resources={}",
            r#"extraArgs=["--log-level=debug"]"#,
        ],
    ),
];

/// What the chart makes with these values.
fn rendered(plane: &ControlPlane, values: &[&str]) -> Result<Vec<Value>> {
    let mut args = vec!["template".to_owned(), "commonwatt".to_owned()];
    args.push(chart("commonwatt"));
    args.push(format!("--namespace={NAMESPACE}"));
    args.extend(values.iter().map(|value| format!("--set-json={value}")));
    let text = plane.helm(args).ok()?;
    let documents: Vec<Option<Value>> = serde_saphyr::from_multiple(&text)?;
    Ok(documents.into_iter().flatten().collect())
}

/// The pods that objects make, called after their shape.
fn pods(objects: &[Value], shape: &str) -> Vec<Value> {
    let templates = objects.iter().filter_map(|object| {
        let template = &object["spec"]["template"];
        template["spec"]["containers"]
            .is_array()
            .then_some(template)
    });
    templates
        .map(|template| {
            let mut pod = template.clone();
            pod["apiVersion"] = json!("v1");
            pod["kind"] = json!("Pod");
            pod["metadata"]["name"] = json!(shape);
            pod["metadata"]["namespace"] = json!(NAMESPACE);
            pod
        })
        .collect()
}

fn documents(objects: &[Value]) -> String {
    let mut text = String::new();
    for object in objects {
        let _ = write!(text, "---\n{object}\n");
    }
    text
}

/// Judges as an API server does, and keeps nothing.
fn judged(plane: &ControlPlane, objects: &[Value]) -> Output {
    let args = [
        "create",
        "--dry-run=server",
        "--output=name",
        "--filename=-",
    ];
    plane.kubectl_with_input(args, &documents(objects))
}

#[test]
fn the_operator_is_confined_on_its_node_and_on_the_network_whatever_the_values() -> Result {
    let plane = control_plane!("confined");
    install_definitions(&plane)?;
    plane.add_gpu_nodes(1, "NVIDIA-L4", 1, &[])?;
    plane.apply_yaml(&format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}, \
         labels: {{pod-security.kubernetes.io/enforce: restricted}}}}}}"
    ))?;
    install(&plane, "commonwatt", &[]).ok()?;
    let rollout = [
        "rollout",
        "status",
        "deployment/commonwatt",
        "--timeout=60s",
    ];
    let namespace = format!("--namespace={NAMESPACE}");
    plane
        .kubectl(rollout.iter().chain(&[namespace.as_str()]))
        .ok()?;
    is_restricted(&plane)?;
    is_on_few_ways(&plane)
}

fn is_restricted(plane: &ControlPlane) -> Result {
    let mut all = Vec::new();
    for (shape, values) in SHAPES {
        let made = pods(&rendered(plane, values)?, shape);
        assert_eq!(made.len(), 1, "{shape}: as many kinds of pods as are known");
        all.extend(made);
    }
    let accepted = judged(plane, &all).ok()?;
    assert_eq!(accepted.lines().count(), SHAPES.len(), "{accepted}");

    // What a server that lets everything pass would not notice.
    let mut rooted = all[0].clone();
    rooted["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
    let refused = judged(plane, &[rooted]);
    assert!(!refused.succeeded());
    assert!(
        refused.stderr.contains("runAsNonRoot"),
        "{}",
        refused.stderr
    );
    Ok(())
}

fn is_on_few_ways(plane: &ControlPlane) -> Result {
    let of_kind = |objects: &[Value], kind: &str| {
        let found = objects.iter().find(|object| object["kind"] == kind);
        found.cloned().ok_or(format!("no {kind}"))
    };
    assert!(of_kind(&rendered(plane, &[])?, "NetworkPolicy").is_err());
    let on = "networkPolicy.enabled=true";
    let wide = rendered(plane, &[on])?;
    let prometheus = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]);
    let narrow = rendered(
        plane,
        &[
            on,
            &format!("networkPolicy.from={prometheus}"),
            r#"networkPolicy.apiServerCidrs=["10.0.0.0/24", "fd00::/64"]"#,
            "networkPolicy.apiServerPorts=[6443]",
        ],
    )?;
    let policies = [
        of_kind(&wide, "NetworkPolicy")?,
        of_kind(&narrow, "NetworkPolicy")?,
    ];
    let labels =
        json!({"app.kubernetes.io/name": "commonwatt", "app.kubernetes.io/instance": "commonwatt"});
    let spec = |ingress: Value, servers: Value| {
        json!({
            "podSelector": {"matchLabels": labels},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [ingress],
            "egress": [
                {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
                servers,
            ],
        })
    };
    let http = json!([{"port": "http", "protocol": "TCP"}]);
    let port = |port: u16| json!({"port": port, "protocol": "TCP"});
    assert_eq!(
        policies[0]["spec"],
        spec(
            json!({"ports": http}),
            json!({"ports": [port(443), port(6443)]})
        )
    );
    assert_eq!(
        policies[1]["spec"],
        spec(
            json!({"ports": http, "from": prometheus}),
            json!({
                "ports": [port(6443)],
                "to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}, {"ipBlock": {"cidr": "fd00::/64"}}],
            })
        )
    );

    // It is about the operator's pods, and lets in what a Service and a ServiceMonitor lead to.
    let pod = &of_kind(&wide, "Deployment")?["spec"]["template"];
    for (name, value) in labels.as_object().ok_or("labels")? {
        assert_eq!(&pod["metadata"]["labels"][name], value);
    }
    let ports = &pod["spec"]["containers"][0]["ports"];
    assert_eq!(ports, &json!([{"name": "http", "containerPort": 8080}]));
    let service = of_kind(&wide, "Service")?;
    assert_eq!(service["spec"]["ports"][0]["targetPort"], "http");

    judged(plane, &policies[..1]).ok()?;
    judged(plane, &policies[1..]).ok()?;
    let mut wrong = policies[1].clone();
    wrong["spec"]["egress"][1]["to"][0]["ipBlock"]["cidr"] = json!("10.0.0.0/64");
    assert!(!judged(plane, &[wrong]).succeeded());
    Ok(())
}
