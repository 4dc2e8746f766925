//! What runs before Commonwatt comes, and after it has gone: four ways to serve, and how each is on the API server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use commonwatt_harness::ControlPlane;
use serde_json::Value;

use crate::operator::fleet::{get, manifest};
use crate::{Result, checkout, wait_for_field};

/// Deployments by who steers them: a person, an autoscaler, Git, Helm.
pub const SERVED: [&str; 4] = ["plain", "auto", "git", "tool"];

/// Everything that must be as it was.
#[derive(Debug, PartialEq)]
pub struct Look {
    objects: Vec<(String, Value)>,
}

impl Look {
    /// How an object was; nothing where it is not among those that were looked at.
    pub fn of(&self, name: &str) -> Option<&Value> {
        let found = self.objects.iter().find(|(object, _)| object == name);
        found.map(|(_, value)| value)
    }

    /// The same without some objects.
    pub fn without(&self, names: &[&str]) -> Vec<&(String, Value)> {
        let rest = self.objects.iter();
        rest.filter(|(name, _)| !names.contains(&name.as_str()))
            .collect()
    }
}

/// Whole objects without what the API server counts by itself: a generation that is the same says that no spec was
/// written, not even for a moment.
pub fn look(plane: &ControlPlane) -> Result<Look> {
    let mut objects = Vec::new();
    for name in SERVED.map(|name| format!("deployment/{name}")) {
        objects.push((name.clone(), seen(plane, &name)?));
    }
    let autoscaler = "hpa/auto".to_owned();
    let value = seen(plane, &autoscaler)?;
    objects.push((autoscaler, value));
    Ok(Look { objects })
}

fn seen(plane: &ControlPlane, name: &str) -> Result<Value> {
    let mut object = get(plane, &[name, "--namespace=models"])?;
    if let Some(whole) = object.as_object_mut() {
        whole.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
        metadata.remove("managedFields");
    }
    Ok(object)
}

/// Managers that own anything of an object but its status.
pub fn managers(plane: &ControlPlane, name: &str) -> Result<Vec<String>> {
    let object = get(
        plane,
        &[name, "--namespace=models", "--show-managed-fields"],
    )?;
    let entries = object["metadata"]["managedFields"].as_array().cloned();
    let entries = entries.unwrap_or_default().into_iter();
    Ok(entries
        .filter(|entry| entry["subresource"] != "status")
        .filter_map(|entry| entry["manager"].as_str().map(str::to_owned))
        .collect())
}

/// Serves in four ways, and waits until all of them do.
pub fn serve(plane: &ControlPlane) -> Result<Git> {
    let by_hand = |file: &str, words: &[(&str, &str)]| -> Result {
        // As most people do: client-side, with the whole manifest in an annotation.
        let path = plane.directory().join(file);
        std::fs::write(&path, manifest(file, words)?)?;
        let path = path.display().to_string();
        plane.kubectl(["apply", "--filename", &path]).ok()?;
        Ok(())
    };
    by_hand("served.yaml", &[("$NAME", "plain"), ("$REPLICAS", "4")])?;
    by_hand("scaled.yaml", &[("$NAME", "auto")])?;
    let chart = checkout("tests/api-server/operator/manifests/tool");
    let chart = chart.display().to_string();
    plane
        .helm(["install", "tool", &chart, "--namespace", "models"])
        .ok()?;
    let git = Git::heal(plane)?;
    for (name, replicas) in [("plain", "4"), ("auto", "3"), ("git", "2"), ("tool", "2")] {
        let object = format!("deployment/{name} --namespace=models");
        wait_for_field(plane, &object, ".status.readyReplicas", replicas)?;
    }
    Ok(git)
}

/// A controller that puts its manifest back each second, as Argo CD's self-heal does.
pub struct Git {
    stop: Arc<AtomicBool>,
    turns: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Git {
    fn heal(plane: &ControlPlane) -> Result<Self> {
        let path = plane.directory().join("git.yaml");
        let text = manifest("served.yaml", &[("$NAME", "git"), ("$REPLICAS", "2")])?;
        std::fs::write(&path, text)?;
        let path = path.display().to_string();
        let kubectl = plane.kubectl_command([
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=argocd-controller",
            "--filename",
            &path,
        ]);
        let stop = Arc::new(AtomicBool::new(false));
        let turns = Arc::new(AtomicUsize::new(0));
        let (stopped, turned) = (stop.clone(), turns.clone());
        let mut kubectl = kubectl;
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if kubectl.output().is_ok_and(|done| done.status.success()) {
                    turned.fetch_add(1, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        Ok(Self {
            stop,
            turns,
            thread: Some(thread),
        })
    }

    /// How often it has put its manifest there.
    pub fn turns(&self) -> usize {
        self.turns.load(Ordering::Relaxed)
    }
}

impl Drop for Git {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
