//! What an account must not do, tried with its own token by real requests that change nothing: rights are asked before anything
//! else is. The administrator tries first; what would fail for another reason than rights says nothing.

use std::time::Duration;

use commonwatt_harness::{ControlPlane, control_plane};
use commonwatt_kubernetes::from_kubeconfig;
use kube::Client;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::super::fleet::{NAMESPACE, NORTH, furnish};
use crate::{Result, checkout, install_definitions};

/// A request, and in which mode which role may make it.
struct Attempt {
    allowed: Option<(&'static str, &'static [&'static str])>,
    /// Method and path.
    request: &'static str,
    body: &'static str,
}

const fn never(request: &'static str, body: &'static str) -> Attempt {
    Attempt {
        allowed: None,
        request,
        body,
    }
}

/// In Enforce an agent may do this.
const fn enforcing(request: &'static str, body: &'static str) -> Attempt {
    in_enforce(&["site"], request, body)
}

const fn in_enforce(
    roles: &'static [&'static str],
    request: &'static str,
    body: &'static str,
) -> Attempt {
    Attempt {
        allowed: Some(("Enforce", roles)),
        request,
        body,
    }
}

const LABEL: &str = r#"{"metadata":{"labels":{"a":"b"}}}"#;
const POD: &str =
    r#"{"metadata":{"name":"other"},"spec":{"containers":[{"name":"a","image":"a"}]}}"#;

const ATTEMPTS: &[Attempt] = &[
    // What serves.
    enforcing(
        "PATCH /apis/apps/v1/namespaces/models/deployments/chat",
        r#"{"spec":{"replicas":3}}"#,
    ),
    enforcing(
        "DELETE /apis/apps/v1/namespaces/models/deployments/chat",
        "",
    ),
    enforcing(
        "PATCH /apis/apps/v1/namespaces/models/statefulsets/store",
        r#"{"spec":{"replicas":3}}"#,
    ),
    enforcing("DELETE /apis/batch/v1/namespaces/models/jobs/idle", ""),
    in_enforce(
        &["hub", "site"],
        "PATCH /apis/batch/v1/namespaces/models/jobs/idle",
        LABEL,
    ),
    in_enforce(
        &["hub"],
        "PATCH /apis/batch/v1/namespaces/models/jobs/idle/status",
        r#"{"status":{"terminating":0}}"#,
    ),
    enforcing(
        "PATCH /apis/autoscaling/v2/namespaces/models/horizontalpodautoscalers/chat",
        r#"{"spec":{"maxReplicas":3}}"#,
    ),
    never(
        "PATCH /apis/apps/v1/namespaces/models/deployments/chat/scale",
        r#"{"spec":{"replicas":3}}"#,
    ),
    never(
        "PUT /apis/apps/v1/namespaces/models/deployments/chat/scale",
        r#"{"metadata":{"name":"chat","namespace":"models"},"spec":{"replicas":3}}"#,
    ),
    never(
        "DELETE /apis/autoscaling/v2/namespaces/models/horizontalpodautoscalers/chat",
        "",
    ),
    never(
        "PATCH /apis/apps/v1/namespaces/models/daemonsets/agent",
        LABEL,
    ),
    never("DELETE /api/v1/namespaces/models/pods/alone", ""),
    never("POST /api/v1/namespaces/models/pods", POD),
    never(
        "POST /api/v1/namespaces/models/pods/alone/eviction",
        r#"{"metadata":{"name":"alone","namespace":"models"}}"#,
    ),
    never(
        "POST /api/v1/namespaces/models/pods/alone/exec?command=true",
        "",
    ),
    never(
        "PATCH /api/v1/namespaces/models/pods/alone/ephemeralcontainers",
        r#"{"spec":{"ephemeralContainers":[{"name":"b","image":"b"}]}}"#,
    ),
    // What is secret.
    never("GET /api/v1/namespaces/models/secrets/token", ""),
    never("GET /api/v1/namespaces/models/secrets", ""),
    never("GET /api/v1/secrets", ""),
    never("GET /api/v1/namespaces/models/configmaps", ""),
    never(
        "POST /api/v1/namespaces/commonwatt-system/secrets",
        r#"{"metadata":{"name":"other"}}"#,
    ),
    never(
        "PATCH /api/v1/namespaces/commonwatt-system/secrets/kubeconfig",
        LABEL,
    ),
    never(
        "DELETE /api/v1/namespaces/commonwatt-system/secrets/kubeconfig",
        "",
    ),
    never(
        "POST /api/v1/namespaces/kube-system/serviceaccounts/default/token",
        r#"{"spec":{"audiences":[]}}"#,
    ),
    // Ways to more rights.
    never(
        "POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        r#"{"metadata":{"name":"other"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[]}"#,
    ),
    never(
        "POST /apis/rbac.authorization.k8s.io/v1/namespaces/commonwatt-system/rolebindings",
        r#"{"metadata":{"name":"other"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"},"subjects":[]}"#,
    ),
    never(
        "POST /apis/rbac.authorization.k8s.io/v1/clusterroles",
        r#"{"metadata":{"name":"other"},"rules":[{"apiGroups":[""],"resources":["nodes"],"verbs":["list"]}]}"#,
    ),
    never(
        "PATCH /apis/rbac.authorization.k8s.io/v1/clusterroles/view",
        LABEL,
    ),
    never(
        "POST /api/v1/namespaces/commonwatt-system/serviceaccounts",
        r#"{"metadata":{"name":"other"}}"#,
    ),
    never(
        "POST /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        r#"{"metadata":{"name":"other"}}"#,
    ),
    never("AS-ADMIN /api/v1/nodes", ""),
    // What belongs to those who run the cluster, the site or the grid.
    never(
        "PATCH /api/v1/nodes/gpu-node-1",
        r#"{"spec":{"unschedulable":true}}"#,
    ),
    never(
        "PATCH /api/v1/namespaces/models",
        r#"{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}"#,
    ),
    never("DELETE /api/v1/namespaces/models", ""),
    never(
        "DELETE /api/v1/namespaces/commonwatt-system/persistentvolumeclaims/ledger",
        "",
    ),
    never(
        "PATCH /apis/apiextensions.k8s.io/v1/customresourcedefinitions/sites.commonwatt.dev",
        LABEL,
    ),
    never(
        "DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/sites.commonwatt.dev",
        "",
    ),
    never(
        "PATCH /apis/commonwatt.dev/v1alpha1/powerbudgets/north-feeder",
        r#"{"spec":{"limit":"90k"}}"#,
    ),
    never(
        "DELETE /apis/commonwatt.dev/v1alpha1/powerbudgets/north-feeder",
        "",
    ),
    never(
        "PATCH /apis/commonwatt.dev/v1alpha1/sites/north",
        r#"{"spec":{"mode":"Advise"}}"#,
    ),
    never(
        "PATCH /apis/commonwatt.dev/v1alpha1/gridsignals/north-price",
        LABEL,
    ),
    never(
        "DELETE /apis/commonwatt.dev/v1alpha1/workloadadapters/deployment",
        "",
    ),
    never(
        "POST /apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
        r#"{"metadata":{"name":"other"}}"#,
    ),
];

/// What an agent that comes to the hub's cluster for `site-a` must not do there.
const OF_VISITOR: &[Attempt] = &[
    never(
        "PATCH /apis/commonwatt.dev/v1alpha1/namespaces/site-b/siteoffers/b",
        LABEL,
    ),
    never(
        "PATCH /apis/commonwatt.dev/v1alpha1/namespaces/site-b/siteoffers/b/status",
        LABEL,
    ),
    never(
        "GET /apis/commonwatt.dev/v1alpha1/namespaces/site-b/siteoffers/b",
        "",
    ),
    never("GET /apis/commonwatt.dev/v1alpha1/siteoffers", ""),
    never("GET /apis/commonwatt.dev/v1alpha1/siteassignments", ""),
    never(
        "DELETE /apis/commonwatt.dev/v1alpha1/namespaces/site-a/siteoffers/a",
        "",
    ),
    never("GET /apis/commonwatt.dev/v1alpha1/modeldeployments", ""),
    never("GET /api/v1/namespaces/site-a/secrets", ""),
    never("GET /api/v1/namespaces/commonwatt-system/secrets", ""),
    never("GET /api/v1/namespaces/site-b/pods", ""),
];

/// What there must be for the administrator to succeed.
const OBJECTS: &str = "
{apiVersion: v1, kind: List, items: [
  {apiVersion: apps/v1, kind: Deployment, metadata: {name: chat, namespace: models}, spec: {replicas: 0,
    selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}}},
  {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: store, namespace: models}, spec: {replicas: 0, serviceName: a,
    selector: {matchLabels: {app: b}}, template: {metadata: {labels: {app: b}}, spec: {containers: [{name: a, image: a}]}}}},
  {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, namespace: models}, spec: {
    selector: {matchLabels: {app: c}}, template: {metadata: {labels: {app: c}}, spec: {containers: [{name: a, image: a}]}}}},
  {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: chat, namespace: models},
    spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: chat}, maxReplicas: 2}},
  {apiVersion: v1, kind: Pod, metadata: {name: alone, namespace: models}, spec: {containers: [{name: a, image: a}]}},
  {apiVersion: batch/v1, kind: Job, metadata: {name: idle, namespace: models}, spec: {suspend: true,
    template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}},
  {apiVersion: v1, kind: Secret, metadata: {name: token, namespace: models}},
  {apiVersion: v1, kind: Secret, metadata: {name: kubeconfig, namespace: commonwatt-system}},
  {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: ledger, namespace: commonwatt-system},
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}},
]}";

/// What is there of two sites at a hub.
const OFFERS: &str = "
{apiVersion: v1, kind: List, items: [
  {apiVersion: v1, kind: Namespace, metadata: {name: site-b}},
  {apiVersion: commonwatt.dev/v1alpha1, kind: SiteOffer, metadata: {name: a, namespace: site-a}, spec: $OFFER},
  {apiVersion: commonwatt.dev/v1alpha1, kind: SiteOffer, metadata: {name: b, namespace: site-b}, spec: $OFFER},
]}";

const OFFER: &str = r#"{site: a, revision: 1, validUntil: "2030-01-01T00:00:00Z", mode: Advise, place: A, jurisdiction: SE,
  gridZone: SE, currency: USD, accelerators: [], features: [], hours: [], waterScarcityFactor: "1"}"#;

fn install(plane: &ControlPlane, release: &str, values: &[String]) -> Result {
    let mut args: Vec<String> = ["upgrade", "--install", release]
        .map(str::to_owned)
        .to_vec();
    args.push(checkout("charts/commonwatt").display().to_string());
    args.push(format!("--namespace={NAMESPACE}"));
    args.push("--create-namespace".to_owned());
    args.push("--set=replicas=0".to_owned());
    args.extend(values.iter().map(|value| format!("--set-json={value}")));
    plane.helm(args).ok()?;
    Ok(())
}

/// The status of the answer to a request that changes nothing.
async fn answer(client: &Client, attempt: &Attempt) -> Result<u16> {
    let (method, path) = attempt
        .request
        .split_once(' ')
        .ok_or("a method and a path")?;
    let mut request = http::Request::builder();
    let mut method = method;
    if method == "AS-ADMIN" {
        method = "GET";
        request = request
            .header("Impersonate-User", "somebody")
            .header("Impersonate-Group", "system:masters");
    }
    let mark = if path.contains('?') { '&' } else { '?' };
    let path = match method {
        "GET" => path.to_owned(),
        _ => format!("{path}{mark}dryRun=All"),
    };
    let content = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = request
        .method(method)
        .uri(path)
        .header("Content-Type", content)
        .body(attempt.body.as_bytes().to_vec())?;
    match client.request_text(request).await {
        Ok(_) => Ok(200),
        Err(kube::Error::Api(status)) => Ok(status.code),
        Err(error) => Err(error.into()),
    }
}

async fn client(text: &str) -> Result<Client> {
    Ok(from_kubeconfig(text.as_bytes()).await?)
}

/// Each attempt has an answer for the administrator that is not about rights, and not that nothing is there.
async fn make_sense(plane: &ControlPlane, attempts: &[Attempt]) -> Result {
    let admin = client(&plane.kubeconfig().text).await?;
    for attempt in attempts {
        let mut code = answer(&admin, attempt).await?;
        while code == 429 {
            // Of a kind that has just been defined: not yet.
            sleep(Duration::from_millis(200)).await;
            code = answer(&admin, attempt).await?;
        }
        // Only a kubelet can run a command: the way to it is open, and there is none.
        let open = code == 200 || (attempt.request.contains("/exec") && code != 403);
        assert!(open, "{} says {code} to an administrator", attempt.request);
    }
    Ok(())
}

#[test]
fn in_no_mode_and_role_may_an_account_do_what_it_must_not() -> Result {
    let plane = control_plane!("attempts");
    install_definitions(&plane)?;
    install(&plane, "commonwatt", &[])?;
    plane.kubectl(["create", "namespace", "models"]).ok()?;
    furnish(&plane, &NORTH)?;
    plane.apply_yaml(OBJECTS)?;
    let runtime = Runtime::new()?;
    runtime.block_on(make_sense(&plane, ATTEMPTS))?;
    let mut wrong = Vec::new();
    for mode in super::MODES {
        for roles in [&["hub"][..], &["site"], &["hub", "site"]] {
            let release = format!("commonwatt-{}", roles.join("-"));
            let values = [
                format!("mode={mode:?}"),
                format!("roles={roles:?}"),
                "installAdapters=false".to_owned(),
            ];
            install(&plane, &release, &values)?;
            let account = plane.kubeconfig_for(NAMESPACE, &release)?;
            runtime.block_on(async {
                let client = client(&account.text).await?;
                for attempt in ATTEMPTS {
                    let allowed = attempt.allowed.is_some_and(|(in_mode, of)| {
                        in_mode == mode && roles.iter().any(|role| of.contains(role))
                    });
                    let code = answer(&client, attempt).await?;
                    if code != if allowed { 200 } else { 403 } {
                        wrong.push(format!("{mode} {roles:?}: {} says {code}", attempt.request));
                    }
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })?;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    visit(&plane, &runtime)
}

/// An agent that comes from `site-a`, whose namespace another site's is beside.
fn visit(plane: &ControlPlane, runtime: &Runtime) -> Result {
    let agents = r#"siteAgents=[{"site":"a","subjects":[{"kind":"ServiceAccount","name":"agent","namespace":"site-a"}]}]"#;
    let values = ["roles=[\"hub\"]".to_owned(), agents.to_owned()];
    install(plane, "commonwatt", &values)?;
    plane.apply_yaml(&OFFERS.replace("$OFFER", OFFER))?;
    plane
        .kubectl(["create", "serviceaccount", "agent", "--namespace=site-a"])
        .ok()?;
    let account = plane.kubeconfig_for("site-a", "agent")?;
    runtime.block_on(async {
        make_sense(plane, OF_VISITOR).await?;
        let client = client(&account.text).await?;
        for attempt in OF_VISITOR {
            assert_eq!(answer(&client, attempt).await?, 403, "{}", attempt.request);
        }
        // Its own, for the sake of the test: a token that does not work would be refused everything.
        let own = never(
            "PATCH /apis/commonwatt.dev/v1alpha1/namespaces/site-a/siteoffers/a",
            LABEL,
        );
        assert_eq!(answer(&client, &own).await?, 200);
        Ok(())
    })
}
