//! What the API servers themselves count.

use std::collections::BTreeMap;

use crate::Result;
use crate::fleet::Fleet;

/// Kinds whose writes are no part of a decision: they are counted apart.
const APART: [&str; 2] = ["leases", "events"];

/// Writes and watch bytes, added up over all servers since they started.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// Of objects and their statuses.
    pub writes: f64,
    /// Of events.
    pub events: f64,
    /// Of leases.
    pub leases: f64,
    /// Sent to watches.
    pub watch_bytes: f64,
    /// Writes by resource and verb.
    pub by_resource: BTreeMap<String, f64>,
}

impl Counted {
    pub async fn of(fleet: &Fleet) -> Result<Self> {
        let mut counted = Self::default();
        for server in &fleet.servers {
            let request = http::Request::get("/metrics").body(Vec::new())?;
            let text = server.client.request_text(request).await?;
            counted.read(&text);
        }
        Ok(counted)
    }

    fn read(&mut self, text: &str) {
        for line in text.lines() {
            let Some((series, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let value: f64 = value.parse().unwrap_or(0.0);
            if let Some(labels) = series.strip_prefix("apiserver_request_total{") {
                let label = |name: &str| {
                    let at = labels.find(&format!("{name}=\""))? + name.len() + 2;
                    labels[at..].split('"').next()
                };
                let (Some(verb), Some(resource)) = (label("verb"), label("resource")) else {
                    continue;
                };
                if !matches!(verb, "POST" | "PUT" | "PATCH" | "APPLY" | "DELETE") {
                    continue;
                }
                match resource {
                    "leases" => self.leases += value,
                    "events" => self.events += value,
                    _ => self.writes += value,
                }
                if !APART.contains(&resource) {
                    let part = label("subresource").filter(|part| !part.is_empty());
                    let what = part
                        .map_or_else(|| resource.to_owned(), |part| format!("{resource}/{part}"));
                    *self
                        .by_resource
                        .entry(format!("{verb} {what}"))
                        .or_default() += value;
                }
            } else if series.starts_with("apiserver_watch_events_sizes_sum{") {
                self.watch_bytes += value;
            }
        }
    }

    pub fn since(&self, before: &Self) -> Self {
        let by_resource = self.by_resource.iter().map(|(key, value)| {
            (
                key.clone(),
                value - before.by_resource.get(key).copied().unwrap_or(0.0),
            )
        });
        Self {
            writes: self.writes - before.writes,
            events: self.events - before.events,
            leases: self.leases - before.leases,
            watch_bytes: self.watch_bytes - before.watch_bytes,
            by_resource: by_resource.filter(|(_, value)| *value > 0.0).collect(),
        }
    }
}
