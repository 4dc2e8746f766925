//! When each deployment was admitted, as a watch on the hub's assignments tells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{StreamExt, pin_mut};
use kube::api::{WatchEvent, WatchParams};
use kube::core::Request;
use serde::Deserialize;
use tokio::task::AbortHandle;

use crate::Result;
use crate::fleet::{Fleet, deployment_number};

/// How long the last admission may be behind the one before.
const STUCK: Duration = Duration::from_mins(5);

/// Only what is looked at.
#[derive(Clone, Deserialize)]
struct Assignment {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    resource_version: String,
}

#[derive(Clone, Default, Deserialize)]
struct Spec {
    #[serde(default)]
    subject: Subject,
}

#[derive(Clone, Default, Deserialize)]
struct Subject {
    #[serde(default)]
    name: String,
}

#[derive(Clone, Default, Deserialize)]
struct Status {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Clone, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    type_: String,
    status: String,
}

type Seen = Arc<Mutex<HashMap<usize, Instant>>>;

/// A running watch.
pub struct Admissions {
    seen: Seen,
    expected: usize,
    task: AbortHandle,
}

/// From an apply that was accepted to its admission.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub p50: Duration,
    pub p99: Duration,
    /// From the first apply to the last admission.
    pub last: Duration,
}

impl Admissions {
    pub fn watch(fleet: &Fleet, expected: usize) -> Self {
        let seen = Seen::default();
        let client = fleet.hub().client.clone();
        let kept = seen.clone();
        let task = tokio::spawn(async move {
            let mut version = "0".to_owned();
            loop {
                let request = Request::new("/apis/commonwatt.dev/v1alpha1/siteassignments");
                let Ok(request) = request.watch(&WatchParams::default().timeout(290), &version)
                else {
                    return;
                };
                let Ok(events) = client.request_events::<Assignment>(request).await else {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                };
                pin_mut!(events);
                while let Some(Ok(event)) = events.next().await {
                    if let WatchEvent::Added(found) | WatchEvent::Modified(found) = event {
                        version.clone_from(&found.metadata.resource_version);
                        note(&kept, &found);
                    }
                }
            }
        });
        Self {
            seen,
            expected,
            task: task.abort_handle(),
        }
    }

    /// Waits until every deployment is admitted. `tell` hears how many are, now and then.
    pub async fn all(
        self,
        applied: &[Instant],
        begun: Instant,
        tell: impl Fn(usize),
    ) -> Result<Latency> {
        let mut last = (0, Instant::now());
        loop {
            let admitted = self
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .len();
            if admitted >= self.expected {
                break;
            }
            if admitted > last.0 {
                last = (admitted, Instant::now());
            }
            if last.1.elapsed() > STUCK {
                return Err(format!(
                    "{admitted} of {} were admitted, and no more came in five minutes",
                    self.expected
                )
                .into());
            }
            tell(admitted);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        self.task.abort();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waits: Vec<Duration> = applied
            .iter()
            .enumerate()
            .filter_map(|(number, applied)| {
                Some(seen.get(&number)?.saturating_duration_since(*applied))
            })
            .collect();
        waits.sort();
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share).round() as usize];
        let end = seen.values().max().copied().unwrap_or(begun);
        Ok(Latency {
            p50: at(0.5),
            p99: at(0.99),
            last: end.duration_since(begun),
        })
    }
}

fn note(seen: &Seen, found: &Assignment) {
    let admitted = found
        .status
        .conditions
        .iter()
        .any(|condition| condition.type_ == "Admitted" && condition.status == "True");
    if admitted && let Some(number) = deployment_number(&found.spec.subject.name) {
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(number)
            .or_insert_with(Instant::now);
    }
}
