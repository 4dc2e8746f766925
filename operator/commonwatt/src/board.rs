//! What hub and agents found last, for whoever looks: pages are made of it when they are asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_dashboard::{community_page, fleet_page, site_page};
use commonwatt_fleet::Slots;
use commonwatt_ledger::{Period, Record, Report};
use commonwatt_site::{Keeper, Seen, report_of};

use crate::view::{Server, fleet};

/// Pages are not made anew more often than this.
const FRESH: Duration = Duration::from_millis(700);

/// A page's content type and body.
type Page = (&'static str, Vec<u8>);

/// The last findings. Cheap to put on; pages are made by who asks for them.
#[derive(Default)]
pub struct Board {
    shown: Mutex<Shown>,
    made: Mutex<Option<(Instant, BTreeMap<String, Page>)>>,
}

#[derive(Default, Clone)]
struct Shown {
    hub: Option<Arc<commonwatt_hub::Cycle>>,
    servers: BTreeMap<String, (Arc<commonwatt_site::Cycle>, Arc<Mutex<Keeper>>)>,
    now: DateTime<Utc>,
    clock: String,
}

impl Board {
    /// What kind of clock the times go by, in words.
    pub fn clock(&self, words: String) {
        lock(&self.shown).clock = words;
    }

    /// A hub's cycle.
    pub fn hub(&self, cycle: Arc<commonwatt_hub::Cycle>, now: DateTime<Utc>) {
        let mut shown = lock(&self.shown);
        shown.hub = Some(cycle);
        shown.now = shown.now.max(now);
    }

    /// A cycle of the agent of a server, which has a name of its own.
    pub fn server(
        &self,
        name: &str,
        cycle: Arc<commonwatt_site::Cycle>,
        keeper: Arc<Mutex<Keeper>>,
        now: DateTime<Utc>,
    ) {
        let mut shown = lock(&self.shown);
        shown.servers.insert(name.to_owned(), (cycle, keeper));
        shown.now = shown.now.max(now);
    }

    /// A server whose agent does not run here any more.
    pub fn forget(&self, name: &str) {
        lock(&self.shown).servers.remove(name);
    }

    /// A page by its path.
    pub fn page(&self, path: &str) -> Option<Page> {
        let mut made = lock(&self.made);
        if made.as_ref().is_none_or(|(at, _)| at.elapsed() > FRESH) {
            *made = Some((Instant::now(), lock(&self.shown).clone().pages()));
        }
        made.as_ref()?.1.get(path).cloned()
    }
}

impl Shown {
    fn pages(self) -> BTreeMap<String, Page> {
        let mut pages = BTreeMap::new();
        let mut html = |path: String, text: String| {
            pages.insert(path, ("text/html; charset=utf-8", text.into_bytes()));
        };
        let keepers: Vec<_> = self.servers.values().map(|(_, k)| lock(k)).collect();
        let servers: Vec<Server<'_>> = self
            .servers
            .values()
            .zip(&keepers)
            .map(|((cycle, _), keeper)| Server {
                cycle,
                records: keeper.records(),
            })
            .collect();
        let view = fleet(self.hub.as_deref(), &servers, &self.clock, self.now);
        html("/".into(), fleet_page(&view));
        for site in &view.sites {
            if let Some(page) = site_page(&view, &site.name) {
                html(format!("/site/{}", site.name), page);
            }
        }
        let reports: Vec<Report> = servers
            .iter()
            .flat_map(|server| reports(server.records, &server.cycle.seen, self.now))
            .collect();
        for report in &reports {
            html(
                format!("/community/{}", report.community),
                community_page(report),
            );
        }
        for report in &reports {
            if let Ok(json) = serde_json::to_vec_pretty(report) {
                let path = format!("/community/{}.json", report.community);
                pages.insert(path, ("application/json", json));
            }
        }
        pages
    }
}

/// The report of every community: of its CommunityReport's period so far, or of the last seven days.
fn reports(records: &[Record], seen: &Seen, now: DateTime<Utc>) -> Vec<Report> {
    let begun = records.first().map_or(now, |record| record.recorded_at);
    let begun = Slots::hourly(begun, 1).start;
    seen.communities
        .iter()
        .filter_map(|community| {
            let name = community.metadata.name.as_deref()?;
            let asked = seen
                .reports
                .iter()
                .find(|report| report.spec.community == name);
            let start = asked.map_or_else(
                || begun.max(now - TimeDelta::days(7)),
                |report| report.spec.start.0,
            );
            let end = asked.map_or(now, |report| report.spec.end.0.min(now));
            // Whole hours: the one that runs has no record yet and is not missing.
            let end = Slots::hourly(end, 1).start.max(start);
            report_of(records, seen, community, Period { start, end }).ok()
        })
        .collect()
}

/// A panic while one of these was held leaves what is still worth showing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
