//! GPU nodes that every scheduler believes in.

use std::sync::PoisonError;

use serde_json::json;

use super::ControlPlane;
use crate::Result;

impl ControlPlane {
    /// Adds nodes as NVIDIA's device plugin and feature discovery would show them, and waits until
    /// they are Ready. Gives their names, which are new with each call.
    pub fn add_gpu_nodes(
        &self,
        count: usize,
        product: &str,
        gpus_per_node: u32,
        extra_labels: &[(&str, &str)],
    ) -> Result<Vec<String>> {
        let names = self.new_names(count);
        let nodes: Vec<_> = names
            .iter()
            .map(|name| node(name, product, gpus_per_node, extra_labels))
            .collect();
        if nodes.is_empty() {
            return Ok(names);
        }
        self.apply_yaml(&json!({"apiVersion": "v1", "kind": "List", "items": nodes}).to_string())?;
        let mut wait = vec!["wait", "--for=condition=Ready", "--timeout=60s", "node"];
        wait.extend(names.iter().map(String::as_str));
        self.kubectl(wait).ok()?;
        Ok(names)
    }

    fn new_names(&self, count: usize) -> Vec<String> {
        let mut last = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *last + 1;
        *last += count;
        (first..=*last)
            .map(|number| format!("gpu-node-{number}"))
            .collect()
    }
}

fn node(name: &str, product: &str, gpus: u32, extra_labels: &[(&str, &str)]) -> serde_json::Value {
    let mut labels = json!({
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": product,
        "nvidia.com/gpu.count": gpus.to_string(),
    });
    for (key, value) in extra_labels {
        labels[*key] = json!(value);
    }
    // Enough beside the accelerators that they are what runs out.
    let capacity = json!({
        "cpu": (16 * gpus.max(1)).to_string(),
        "memory": format!("{}Gi", 128 * gpus.max(1)),
        "ephemeral-storage": "1Ti",
        "pods": "110",
        "nvidia.com/gpu": gpus.to_string(),
    });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "status": {"capacity": capacity, "allocatable": capacity},
    })
}
