//! What the API servers give a client that does nothing but write: the same number of requests in flight, spread over
//! the same servers.

use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::fleet::{Fleet, api};
use crate::{IN_FLIGHT, Result};

/// Writes per second.
#[derive(Debug, Clone, Copy)]
pub struct Bare {
    pub creates: f64,
    pub applies: f64,
    pub statuses: f64,
}

impl Bare {
    /// As many of each: the mean time of one.
    pub fn mixed(&self) -> f64 {
        3.0 / (1.0 / self.creates + 1.0 / self.applies + 1.0 / self.statuses)
    }
}

#[derive(Clone, Copy)]
enum Write {
    Create,
    Apply,
    Status,
}

pub async fn measure(fleet: &Fleet, count: usize) -> Result<Bare> {
    let bare = Bare {
        creates: rate(fleet, count, Write::Create).await?,
        applies: rate(fleet, count, Write::Apply).await?,
        statuses: rate(fleet, count, Write::Status).await?,
    };
    for server in &fleet.servers {
        let all = api(
            &server.client,
            "commonwatt.dev/v1alpha1",
            "AdmissionRecord",
            "admissionrecords",
            None,
        );
        all.delete_collection(
            &DeleteParams::default(),
            &ListParams::default().labels("bench=bare"),
        )
        .await?;
    }
    Ok(bare)
}

async fn rate(fleet: &Fleet, count: usize, write: Write) -> Result<f64> {
    let begun = Instant::now();
    stream::iter(0..count)
        .map(|number| one(fleet, number, write))
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

async fn one(fleet: &Fleet, number: usize, write: Write) -> Result {
    let server = &fleet.servers[number % fleet.servers.len()];
    let records = api(
        &server.client,
        "commonwatt.dev/v1alpha1",
        "AdmissionRecord",
        "admissionrecords",
        None,
    );
    let parameters = PatchParams {
        field_manager: Some("bench".into()),
        ..PatchParams::default()
    };
    match write {
        Write::Create => {
            let object = serde_json::from_value(record(&format!("created-{number}")))?;
            records.create(&PostParams::default(), &object).await?;
        }
        Write::Apply => {
            let name = format!("applied-{number}");
            records
                .patch(
                    &name,
                    &PatchParams::apply("bench"),
                    &Patch::Apply(record(&name)),
                )
                .await?;
        }
        Write::Status => {
            let status = json!({ "status": { "readyReplicas": 1, "chargedWatts": number } });
            records
                .patch_status(
                    &format!("created-{number}"),
                    &parameters,
                    &Patch::Merge(status),
                )
                .await?;
        }
    }
    Ok(())
}

/// About 0.6 kB.
fn record(name: &str) -> Value {
    json!({
        "apiVersion": "commonwatt.dev/v1alpha1", "kind": "AdmissionRecord",
        "metadata": { "name": name, "labels": { "bench": "bare" } },
        "spec": {
            "site": "none", "hub": { "name": "bench", "uid": "0" }, "epoch": 1,
            "assignment": { "namespace": "site-none", "name": name, "uid": "0", "generation": 1 },
            "subject": { "kind": "ModelDeployment", "namespace": "models", "name": name, "uid": "0" },
            "object": { "namespace": "models", "name": name },
            "workload": { "variant": "h100", "adapter": "deployment", "product": "NVIDIA-H100-80GB-HBM3", "accelerators": 1, "watts": 991 },
            "schedule": [{ "start": "2023-06-05T00:00:00Z", "min": 0, "max": 1 }],
            "ceiling": 1, "priority": 0,
        },
    })
}
