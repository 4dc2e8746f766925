//! Three API servers with a hundred sites.

use std::time::{Duration, Instant};

use commonwatt_harness::{ControlPlane, Kubeconfig};
use commonwatt_kubernetes::in_context;
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::servers::Counted;
use crate::{IN_FLIGHT, Result};

/// Where the operator lives.
pub const NAMESPACE: &str = "commonwatt-system";
const PRODUCT: &str = "NVIDIA-H100-80GB-HBM3";
const GPUS_PER_NODE: usize = 8;
/// Of the accelerators that a run's deployments need, so many are there.
const ROOM: f64 = 1.25;

/// An API server and two ways in.
pub struct Server {
    _plane: ControlPlane,
    /// As the administrator.
    pub client: Client,
    /// What the chart gives the operator.
    pub account: Kubeconfig,
}

/// The servers; the first is the hub's as well.
pub struct Fleet {
    pub servers: Vec<Server>,
}

impl Fleet {
    pub async fn start(servers: usize, sites: usize, deployments: usize) -> Result<Self> {
        let mut started = Vec::new();
        for number in 0..servers {
            started.push(server(number).await?);
        }
        let fleet = Self { servers: started };
        let gpus = (deployments as f64 * ROOM / sites as f64).ceil() as usize;
        let nodes = gpus.div_ceil(GPUS_PER_NODE).max(2);
        for site in 0..sites {
            let server = &fleet.servers[site % servers];
            server.apply_all(site_objects(site, nodes)).await?;
        }
        fleet.hub().apply_all(hub_objects()).await?;
        for (number, server) in fleet.servers.iter().enumerate().skip(1) {
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {
                    "name": format!("server-{number}"), "namespace": NAMESPACE,
                    "labels": { "commonwatt.dev/site-kubeconfig": site_name(number) },
                },
                "stringData": { "kubeconfig": server.account.text },
            });
            fleet.hub().apply_all(vec![secret]).await?;
        }
        Ok(fleet)
    }

    pub fn hub(&self) -> &Server {
        &self.servers[0]
    }

    pub async fn wait_for_offers(&self, sites: usize) -> Result {
        let offers = api(
            &self.hub().client,
            "commonwatt.dev/v1alpha1",
            "SiteOffer",
            "siteoffers",
            None,
        );
        let begun = Instant::now();
        loop {
            // A server that has just learnt of a kind says that it is not ready yet.
            let listed = offers.list(&kube::api::ListParams::default()).await;
            let there = listed.map_or(0, |offers| offers.items.len());
            if there >= sites {
                return Ok(());
            }
            if begun.elapsed() > Duration::from_mins(5) {
                return Err(
                    format!("{there} of {sites} sites have made an offer in five minutes").into(),
                );
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Applies them, and gives when each was accepted.
    pub async fn apply_deployments(&self, count: usize) -> Result<Vec<Instant>> {
        let deployments = &api(
            &self.hub().client,
            "commonwatt.dev/v1alpha1",
            "ModelDeployment",
            "modeldeployments",
            Some("models"),
        );
        stream::iter((0..count).map(|number| async move {
            let name = deployment_name(number);
            let parameters = PatchParams::apply("bench");
            deployments
                .patch(&name, &parameters, &Patch::Apply(&deployment(&name)))
                .await?;
            Ok(Instant::now())
        }))
        .buffered(IN_FLIGHT)
        .try_collect()
        .await
    }

    /// Waits until five seconds pass without a write, and gives how long that took.
    pub async fn wait_until_quiet(&self) -> Result<Duration> {
        let begun = Instant::now();
        let mut last = Counted::of(self).await?.writes;
        let mut still = Instant::now();
        // Longer than a round of a busy hub takes.
        while still.elapsed() < Duration::from_secs(15) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = Counted::of(self).await?.writes;
            if now > last {
                (last, still) = (now, Instant::now());
            }
            if begun.elapsed() > Duration::from_mins(10) {
                return Err("the operator still writes after ten minutes".into());
            }
        }
        Ok(still.duration_since(begun))
    }
}

async fn server(number: usize) -> Result<Server> {
    let plane = ControlPlane::start_bare(&format!("load-{number}"))?;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let definitions = format!("{root}/crds/yaml");
    plane
        .kubectl(["apply", "--server-side", "--filename", &definitions])
        .ok()?;
    plane
        .kubectl([
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "--filename",
            &definitions,
        ])
        .ok()?;
    let roles = if number == 0 {
        r#"roles=["hub","site"]"#
    } else {
        r#"roles=["site"]"#
    };
    plane
        .helm([
            "install",
            "commonwatt",
            &format!("{root}/charts/commonwatt"),
            "--namespace",
            NAMESPACE,
            "--create-namespace",
            "--set=replicas=0,mode=Enforce",
            &format!("--set-json={roles}"),
        ])
        .ok()?;
    plane.kubectl(["create", "namespace", "models"]).ok()?;
    if number == 0 {
        let profiles = format!("{root}/deploy/profiles");
        plane
            .kubectl(["apply", "--server-side", "--kustomize", &profiles])
            .ok()?;
    }
    let account = plane.kubeconfig_for(NAMESPACE, "commonwatt")?;
    let client = in_context(Some(&plane.kubeconfig().path), None).await?;
    Ok(Server {
        _plane: plane,
        client,
        account,
    })
}

impl Server {
    /// Server-side apply of objects of any kind, many at a time; a status is written as well.
    async fn apply_all(&self, objects: Vec<Value>) -> Result {
        stream::iter(objects.into_iter().map(|object| async move {
            let kind = object["kind"].as_str().unwrap_or_default().to_owned();
            let version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
            let plural = format!("{}s", kind.to_lowercase()).replace("policys", "policies");
            let name = object["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let api = api(
                &self.client,
                &version,
                &kind,
                &plural,
                object["metadata"]["namespace"].as_str(),
            );
            let parameters = PatchParams::apply("bench").force();
            api.patch(&name, &parameters, &Patch::Apply(&object))
                .await?;
            if kind == "Node" {
                api.patch_status(&name, &parameters, &Patch::Apply(&object))
                    .await?;
            }
            Ok::<_, kube::Error>(())
        }))
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<Vec<()>>()
        .await?;
        Ok(())
    }
}

/// Objects of any kind.
pub fn api(
    client: &Client,
    version: &str,
    kind: &str,
    plural: &str,
    namespace: Option<&str>,
) -> Api<DynamicObject> {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

fn site_name(number: usize) -> String {
    format!("site-{number:03}")
}

pub fn deployment_name(number: usize) -> String {
    format!("model-{number:05}")
}

/// The number in a deployment's name.
pub fn deployment_number(name: &str) -> Option<usize> {
    name.strip_prefix("model-")?.parse().ok()
}

/// A site with its signals, budget and nodes. Prices and carbon differ from site to site and from hour to hour.
fn site_objects(number: usize, nodes: usize) -> Vec<Value> {
    let site = site_name(number);
    let spread = (number * 37 % 100) as f64;
    let day = |low: f64| -> Vec<String> {
        (0..24)
            .map(|hour| {
                format!(
                    "{:.1}",
                    low * (1.0 + 0.3 * f64::from((hour + number as i32) % 24) / 24.0)
                )
            })
            .collect()
    };
    let signal = |what: &str, quantity: &str, values: Vec<String>| {
        let mut spec = json!({
            "zone": site, "quantity": quantity,
            "source": { "static": { "repeat": "Daily", "stepSeconds": 3600, "values": values } },
        });
        if quantity == "Price" {
            spec["currency"] = json!("USD");
        }
        json!({ "apiVersion": "commonwatt.dev/v1alpha1", "kind": "GridSignal", "metadata": { "name": format!("{site}-{what}") }, "spec": spec })
    };
    let kilowatts = nodes * GPUS_PER_NODE * 12 / 10 + 5;
    let mut objects = vec![
        json!({
            "apiVersion": "commonwatt.dev/v1alpha1", "kind": "Site", "metadata": { "name": site },
            "spec": {
                "mode": "Enforce",
                "location": { "place": "A hall", "jurisdiction": "SE", "timeZone": "UTC", "gridZone": site },
                "nodeSelector": { "commonwatt.dev/site": site },
                "hubs": [{ "name": "hub", "sharePercent": 100, "namespaceMap": [{ "hub": "models", "site": "models" }] }],
                "latencies": [{ "origin": "town", "p95Milliseconds": 20 }],
                "cooling": [{ "pue": "1.25", "wueLitersPerKwh": "1" }],
                "signals": { "price": format!("{site}-price"), "averageCarbon": format!("{site}-carbon") },
                "connectionWatts": format!("{}k", kilowatts * 2),
                "currency": "USD",
                "accelerators": [{ "product": PRODUCT, "hourlyPrice": "2", "ratedWatts": "1k" }],
            },
        }),
        signal("price", "Price", day(30.0 + spread)),
        signal("carbon", "AverageCarbon", day(40.0 + 5.0 * spread)),
        json!({
            "apiVersion": "commonwatt.dev/v1alpha1", "kind": "PowerBudget", "metadata": { "name": format!("{site}-feeder") },
            "spec": { "site": site, "boundary": "IT", "limit": format!("{kilowatts}k"), "unmanagedWatts": "1k" },
        }),
    ];
    objects.extend((0..nodes).map(|node| {
        let name = format!("{site}-{node:03}");
        let capacity = json!({ "cpu": "128", "memory": "1Ti", "pods": "110", "nvidia.com/gpu": GPUS_PER_NODE.to_string() });
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": { "name": name, "labels": {
                "kubernetes.io/hostname": name, "nvidia.com/gpu.product": PRODUCT, "commonwatt.dev/site": site,
            } },
            "status": {
                "capacity": capacity, "allocatable": capacity,
                "conditions": [{ "type": "Ready", "status": "True", "reason": "Bench", "message": "" }],
            },
        })
    }));
    objects
}

fn hub_objects() -> Vec<Value> {
    vec![json!({
        "apiVersion": "commonwatt.dev/v1alpha1", "kind": "PlacementPolicy", "metadata": { "name": "load" },
        "spec": {
            "currency": "USD", "carbonPerTonne": "100", "waterPerCubicMeter": "2", "unservedPerMillionTokens": "20",
            "moveCost": "0.05", "dwellSeconds": 3600, "movesPerHour": 100, "namespaces": ["models"],
        },
    })]
}

/// One replica on one accelerator, made from a template.
pub fn deployment(name: &str) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": "commonwatt.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": { "name": name, "namespace": "models" },
        "spec": {
            "mode": "Enforce", "policy": "load",
            "demand": { "tokensPerSecond": "8000", "floorTokensPerSecond": "8000" },
            "interTokenMilliseconds": 50,
            "origins": [{ "name": "town", "maxMilliseconds": 100 }],
            "minimumSites": 1, "priority": 100,
            "variants": [{ "name": "h100", "profile": "llama-3.1-8b-h100", "template": {
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "labels": labels },
                "spec": { "selector": { "matchLabels": labels }, "template": {
                    "metadata": { "labels": labels },
                    "spec": {
                        "nodeSelector": { "nvidia.com/gpu.product": PRODUCT },
                        "containers": [{ "name": "engine", "image": "models.example/vllm:1", "resources": { "limits": { "nvidia.com/gpu": "1" } } }],
                    },
                } },
            } }],
        },
    })
}
