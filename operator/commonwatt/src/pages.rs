//! The pages as they were last rendered, for whoever serves them.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use axum::Router;
use axum::http::{StatusCode, Uri, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use commonwatt_dashboard::{community_page, fleet_page, site_page, view::FleetView};
use commonwatt_ledger::{Period, Report};
use commonwatt_site::{Agent, Seen};
use tokio::net::TcpListener;

/// Pages by path.
#[derive(Debug, Clone, Default)]
pub struct Pages(Arc<RwLock<BTreeMap<String, (String, String)>>>);

impl Pages {
    /// A page's content type and body.
    pub fn get(&self, path: &str) -> Option<(String, String)> {
        self.0.read().ok()?.get(path).cloned()
    }

    fn put(&self, path: String, type_: &str, body: String) {
        if let Ok(mut pages) = self.0.write() {
            pages.insert(path, (type_.to_owned(), body));
        }
    }

    /// Renders everything anew.
    pub fn render(&self, view: &FleetView, reports: &[Report]) {
        self.put("/".into(), "text/html; charset=utf-8", fleet_page(view));
        for site in &view.sites {
            if let Some(page) = site_page(view, &site.name) {
                self.put(
                    format!("/site/{}", site.name),
                    "text/html; charset=utf-8",
                    page,
                );
            }
        }
        for report in reports {
            let path = format!("/community/{}", report.community);
            self.put(
                path.clone(),
                "text/html; charset=utf-8",
                community_page(report),
            );
            if let Ok(json) = serde_json::to_string_pretty(report) {
                self.put(format!("{path}.json"), "application/json", json);
            }
        }
    }
}

/// The report of every community: of its CommunityReport's period so far, or of the last seven days.
pub fn reports(
    agent: &Agent,
    seen: &Seen,
    begun: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<Report> {
    seen.communities
        .iter()
        .filter_map(|community| {
            let name = community.metadata.name.as_deref()?;
            let asked = seen
                .reports
                .iter()
                .find(|report| report.spec.community == name);
            let start = asked.map_or_else(
                || begun.max(now - chrono::TimeDelta::days(7)),
                |report| report.spec.start.0,
            );
            let end = asked.map_or(now, |report| report.spec.end.0.min(now));
            // Whole hours: the one that runs has no record yet and is not missing.
            let end = commonwatt_fleet::Slots::hourly(end, 1).start;
            agent
                .report_of(
                    seen,
                    community,
                    Period {
                        start,
                        end: end.max(start),
                    },
                )
                .ok()
        })
        .collect()
}

/// Serves pages until the process ends.
pub async fn serve(listener: TcpListener, pages: Pages) -> std::io::Result<()> {
    let answer = move |uri: Uri| {
        let page = pages.get(uri.path());
        async move { respond(page) }
    };
    axum::serve(listener, Router::new().fallback(answer)).await
}

fn respond(page: Option<(String, String)>) -> Response {
    match page {
        Some((type_, body)) => ([(CONTENT_TYPE, type_)], body).into_response(),
        None => (StatusCode::NOT_FOUND, "no such page; the fleet is at /\n").into_response(),
    }
}
