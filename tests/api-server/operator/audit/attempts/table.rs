//! What is tried, by whom it may be done all the same, and the objects on which it is tried.

/// A request, and in which mode which role may make it.
pub struct Attempt {
    pub allowed: Option<(&'static str, &'static [&'static str])>,
    /// Method and path.
    pub request: &'static str,
    pub body: &'static str,
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

pub const LABEL: &str = r#"{"metadata":{"labels":{"a":"b"}}}"#;
const POD: &str =
    r#"{"metadata":{"name":"other"},"spec":{"containers":[{"name":"a","image":"a"}]}}"#;

pub const ATTEMPTS: &[Attempt] = &[
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
        r#"{"metadata":{"name":"new"}}"#,
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
pub const OF_VISITOR: &[Attempt] = &[
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
pub const OBJECTS: &str = "
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
  {apiVersion: v1, kind: Secret, metadata: {name: other, namespace: commonwatt-system}},
  {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: ledger, namespace: commonwatt-system},
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}},
]}";

/// What is there of two sites at a hub.
pub const OFFERS: &str = "
{apiVersion: v1, kind: List, items: [
  {apiVersion: v1, kind: Namespace, metadata: {name: site-b}},
  {apiVersion: commonwatt.dev/v1alpha1, kind: SiteOffer, metadata: {name: a, namespace: site-a}, spec: $OFFER},
  {apiVersion: commonwatt.dev/v1alpha1, kind: SiteOffer, metadata: {name: b, namespace: site-b}, spec: $OFFER},
]}";

pub const OFFER: &str = r#"{site: a, revision: 1, validUntil: "2030-01-01T00:00:00Z", mode: Advise, place: A, jurisdiction: SE,
  gridZone: SE, currency: USD, accelerators: [], features: [], hours: [], waterScarcityFactor: "1"}"#;
