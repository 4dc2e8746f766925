//! Commonwatt as a platform team installs it on one cluster, and what a test asks of it afterwards.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use commonwatt_harness::{ControlPlane, ENGINE_IMAGE, Error, NODE_NAME, Node, eventually};
use serde_json::{Value, json};

use crate::Result;

pub const OPERATOR: &str = "app.kubernetes.io/name=commonwatt";
const REPOSITORY: &str = "localhost/commonwatt";
const VERSION: &str = env!("CARGO_PKG_VERSION");
const PRODUCT: &str = "NVIDIA-H100-80GB-HBM3";
const ACCELERATORS: &str = "8";
/// For whatever controllers do on a machine that also compiles.
const SOON: Duration = Duration::from_mins(2);

/// The operator on a node.
pub struct Installed<'a> {
    pub node: &'a Node,
    /// The folder of the claim.
    pub ledger: tempfile::TempDir,
    /// Of the two limits of the site, whether the lower one is declared.
    tightened: Cell<bool>,
}

/// A pod, and how long it may take to end.
#[derive(Debug, Clone)]
pub struct Pod {
    pub name: String,
    pub grace: Duration,
}

impl<'a> Installed<'a> {
    /// Both charts, the objects of a hub and of a site with eight accelerators, and a claim for the ledger.
    pub fn on(node: &'a Node) -> Result<Self> {
        let installed = Self {
            node,
            ledger: tempfile::Builder::new()
                .prefix("commonwatt-ledger-")
                .tempdir()?,
            tightened: Cell::new(false),
        };
        let plane = installed.plane();
        installed.add_accelerators()?;
        let definitions = checkout("charts/commonwatt-crds");
        plane
            .helm(["install", "definitions", &definitions, "--wait"])
            .ok()?;
        let folder = installed.ledger.path().display().to_string();
        plane.apply_yaml(&manifest(
            "node/manifests/claim.yaml",
            &[("$FOLDER", &folder), ("$NODE", NODE_NAME)],
        )?)?;
        plane
            .helm([
                "install",
                "commonwatt",
                &checkout("charts/commonwatt"),
                "--namespace=commonwatt-system",
                "--create-namespace",
                &format!("--set=image.repository={REPOSITORY},mode=Enforce"),
                "--set=persistence.enabled=true,persistence.storageClassName=local",
                "--wait",
                "--timeout=3m",
            ])
            .ok()
            .map_err(|error| format!("{error}\n{}", installed.told()))?;
        plane.kubectl(["create", "namespace", "models"]).ok()?;
        let profiles = checkout("deploy/profiles");
        plane
            .kubectl(["apply", "--server-side", "--kustomize", &profiles])
            .ok()?;
        plane.apply_yaml(&manifest("api-server/operator/manifests/hub.yaml", &[])?)?;
        let terms = [
            ("$SITE", "north"),
            ("$LAW", "SE"),
            ("$ZONE", "SE"),
            ("$PRICE", "30"),
            ("$CARBON", "40"),
        ];
        plane.apply_yaml(&manifest(
            "api-server/operator/manifests/site.yaml",
            &terms,
        )?)?;
        Ok(installed)
    }

    fn plane(&self) -> &ControlPlane {
        self.node.plane()
    }

    /// The node's labels and capacity, as NVIDIA's feature discovery and device plugin would report them. A kubelet keeps
    /// what others report until it starts anew.
    fn add_accelerators(&self) -> Result {
        let count = format!("nvidia.com/gpu.count={ACCELERATORS}");
        let product = format!("nvidia.com/gpu.product={PRODUCT}");
        let labels = [
            "nvidia.com/gpu.present=true",
            &count,
            &product,
            "commonwatt.dev/site=north",
        ];
        let args = ["label", "node", NODE_NAME, "--overwrite"];
        self.plane().kubectl(args.iter().chain(&labels)).ok()?;
        let accelerators = json!({"nvidia.com/gpu": ACCELERATORS});
        let status = json!({"status": {"capacity": accelerators, "allocatable": accelerators}});
        let patch = format!("--patch={status}");
        self.plane()
            .kubectl([
                "patch",
                "node",
                NODE_NAME,
                "--subresource=status",
                "--type=merge",
                &patch,
            ])
            .ok()?;
        Ok(())
    }

    /// A model from a template: its pods run and answer.
    pub fn place_chat(&self) -> Result {
        self.plane().apply_yaml(&manifest(
            "node/manifests/chat.yaml",
            &[("$IMAGE", ENGINE_IMAGE)],
        )?)?;
        self.comes_back("app=chat", 2)?;
        let placed = r#"jsonpath={.status.conditions[?(@.type=="Placed")].reason}"#;
        self.waits_for("chat to be placed", || {
            let reason = self
                .plane()
                .kubectl(["get", "cwmd", "chat", "-n=models", "-o", placed])
                .ok()?;
            Ok((reason == "Ok").then_some(()))
        })?;
        self.works_on()
    }

    /// Waits until so many pods are Ready and none beside them is left.
    pub fn comes_back(&self, label: &str, count: usize) -> Result {
        self.waits_for(
            &format!("{count} pods {label} to be Ready, and no other"),
            || {
                let pods = self.list("pods", label)?;
                let ready = pods.iter().filter(|pod| is_ready(pod)).count();
                Ok((ready == count && pods.len() == count).then_some(()))
            },
        )
    }

    /// Both replicas answer through their Service, and the operator enacts a limit that was not there before.
    pub fn works_on(&self) -> Result {
        self.comes_back("app=chat", 2)?;
        let address = self.address("chat", "models")?;
        let mut answered = BTreeSet::new();
        self.waits_for("an answer of each replica", || {
            answered.insert(self.node.get(&format!("http://{address}")).ok()?);
            Ok((answered.len() >= 2).then_some(()))
        })?;
        let tighten = !self.tightened.get();
        self.tightened.set(tighten);
        let (unmanaged, limit) = if tighten { ("2k", "18") } else { ("1k", "19") };
        let patch = json!({"spec": {"unmanagedWatts": unmanaged}});
        let patch = format!("--patch={patch}");
        self.plane()
            .kubectl([
                "patch",
                "powerbudget",
                "north-feeder",
                "--type=merge",
                &patch,
            ])
            .ok()?;
        let expected = format!("commonwatt_site_limit_watts{{site=\"north\"}} {limit}000");
        self.waits_for("the operator to enact another limit", || {
            Ok(self
                .page("/metrics")
                .ok()
                .and_then(|page| page.contains(&expected).then_some(())))
        })
    }

    /// What the operator's Service answers.
    pub fn page(&self, path: &str) -> Result<String> {
        let address = self.address("commonwatt", "commonwatt-system")?;
        Ok(self
            .node
            .get(&format!("http://{address}:8080{path}"))
            .ok()?)
    }

    fn address(&self, service: &str, namespace: &str) -> Result<String, Error> {
        let namespace = format!("--namespace={namespace}");
        let address = "--output=jsonpath={.spec.clusterIP}";
        self.plane()
            .kubectl(["get", "service", service, &namespace, address])
            .ok()
    }

    pub fn pods(&self, label: &str) -> Result<Vec<Pod>> {
        let pod = |object: &Value| Pod {
            name: text(&object["metadata"]["name"]),
            grace: Duration::from_secs(
                object["spec"]["terminationGracePeriodSeconds"]
                    .as_u64()
                    .unwrap_or_default(),
            ),
        };
        Ok(self.list("pods", label)?.iter().map(pod).collect())
    }

    /// Deletes a pod, waits until it is gone and gives how long that took.
    pub fn delete_pod(&self, pod: &Pod) -> Result<Duration> {
        let selector = format!("--field-selector=metadata.name={}", pod.name);
        let start = Instant::now();
        for namespace in ["commonwatt-system", "models"] {
            let namespace = format!("--namespace={namespace}");
            self.plane()
                .kubectl(["delete", "pod", &selector, &namespace])
                .ok()?;
        }
        Ok(start.elapsed())
    }

    /// The ids of all containers.
    pub fn containers(&self) -> Result<BTreeSet<String>> {
        let mut ids = BTreeSet::new();
        for label in [OPERATOR, "app=chat"] {
            for pod in self.list("pods", label)? {
                ids.insert(text(&pod["status"]["containerStatuses"][0]["containerID"]));
            }
        }
        Ok(ids)
    }

    /// Waits until the node's new kubelet reports, and reports its accelerators again, as their plugin does then.
    pub fn node_comes_back(&self) -> Result {
        let renewed = || {
            let time = "--output=jsonpath={.spec.renewTime}";
            self.plane()
                .kubectl([
                    "get",
                    "lease",
                    NODE_NAME,
                    "--namespace=kube-node-lease",
                    time,
                ])
                .ok()
        };
        let before = renewed()?;
        self.waits_for("the node's lease to be renewed", || {
            Ok((renewed()? != before).then_some(()))
        })?;
        self.add_accelerators()?;
        self.plane()
            .kubectl([
                "wait",
                "node",
                NODE_NAME,
                "--for=condition=Ready",
                "--timeout=120s",
            ])
            .ok()?;
        Ok(())
    }

    /// Upgrades the release to another tag of the same image.
    pub fn upgrade(&self, tag: &str, values: &[&str]) -> Result {
        let name = |tag: &str| format!("{REPOSITORY}:{tag}");
        // It may have been given before.
        let _ = self.node.tag(&name(VERSION), &name(tag));
        let (chart, set) = (
            checkout("charts/commonwatt"),
            format!("--set=image.tag={tag}"),
        );
        let args = [
            "upgrade",
            "commonwatt",
            &chart,
            "--namespace=commonwatt-system",
        ];
        let rest = ["--reuse-values", &set, "--wait", "--timeout=3m"];
        self.plane()
            .helm(args.iter().chain(&rest).chain(values))
            .ok()
            .map_err(|error| format!("{error}\n{}", self.told()))?;
        self.comes_back(OPERATOR, 1)?;
        for pod in self.list("pods", OPERATOR)? {
            assert_eq!(pod["spec"]["containers"][0]["image"], name(tag));
        }
        Ok(())
    }

    pub fn list(&self, kind: &str, label: &str) -> Result<Vec<Value>, Error> {
        let label = format!("--selector={label}");
        let mut list = self
            .plane()
            .kubectl(["get", kind, "-A", &label, "--output=json"])
            .json()?;
        Ok(list["items"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default())
    }

    fn waits_for<T>(
        &self,
        what: &str,
        attempt: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<T> {
        Ok(eventually(SOON, what, attempt).map_err(|error| format!("{error}\n{}", self.told()))?)
    }

    /// What a person would look at next.
    pub fn told(&self) -> String {
        let asked: [&[&str]; 4] = [
            &["get", "pods", "-A", "-o", "wide"],
            &["get", "cwmd,siteassignments,admissionrecords", "-A"],
            &["get", "events", "-A", "--sort-by=.lastTimestamp"],
            &[
                "logs",
                "-n",
                "commonwatt-system",
                "-l",
                OPERATOR,
                "--tail=30",
            ],
        ];
        let said = asked.map(|args| {
            let said = self.plane().kubectl(args);
            format!("$ {}\n{}{}\n", said.command, said.stdout, said.stderr)
        });
        said.concat()
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|one| one["type"] == "Ready" && one["status"] == "True")
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn checkout(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join(path).display().to_string()
}

/// A manifest of the tests with its words filled in.
fn manifest(file: &str, words: &[(&str, &str)]) -> Result<String> {
    let mut text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))?;
    for (word, value) in words {
        text = text.replace(word, value);
    }
    Ok(text)
}
