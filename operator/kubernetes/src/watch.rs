//! Keeps a [`Cache`] in step with the API server: list, then watch, then again.
//!
//! kube-runtime's `watcher` does the same, but tells neither the version of its lists nor its bookmarks. Without them
//! nobody can say whether an object that we wrote and a list lacks is newer than that list, or gone.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use commonwatt_store::{Held, Kind, Object, StoreError};
use futures::TryStreamExt;
use kube::Client;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::{ObjectList, Request};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::cache::{Cache, trim};
use crate::error::{no_answer, store_error, within_limit};
use crate::metrics::Metrics;

/// Objects per page of a list.
const PAGE: u32 = 500;
/// How long one watch request lasts. Short, since a connection that died without a word is only noticed by silence.
const WATCH_SECONDS: u32 = 60;
/// Silence after which a watch is given up.
const SILENCE: Duration = Duration::from_secs(75);
/// The first pause after a failure; each further one is twice as long...
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// ...up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// "No such kind" so often in a row is believed of a kind that was there. Once may be a server that is just starting.
const BELIEVED: u32 = 3;

/// What one watched kind needs.
pub(crate) struct Watch {
    pub(crate) client: Client,
    pub(crate) kind: Kind,
    pub(crate) path: String,
    pub(crate) cache: Arc<Cache>,
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) metrics: Metrics,
}

/// Why one watch request is over.
enum End {
    /// Its time was up: go on from the last version.
    Due,
    /// The connection broke: go on from the last version, after a pause.
    Lost(StoreError),
    /// The server does not know that version any more, or refuses: list anew.
    Outdated(StoreError),
}

impl Watch {
    /// Runs until it is dropped.
    pub(crate) async fn run(self) {
        let mut pause = Pause::default();
        let mut missing = 0;
        loop {
            match self.list().await {
                Ok(version) => {
                    missing = 0;
                    self.follow(version, &mut pause).await;
                }
                Err(StoreError::NotFound(_)) => {
                    missing += 1;
                    self.kind_is_unknown(missing);
                }
                Err(error) => self.trouble(error),
            }
            pause.wait().await;
        }
    }

    /// Takes over everything that is there, and gives the version to watch from.
    async fn list(&self) -> Result<String, StoreError> {
        let pages = self.pages().await;
        self.metrics
            .store_request("list", &self.kind.kind, pages.as_ref().err());
        let (items, version) = pages?;
        if self.cache.listed(items, version.parse().ok()) {
            self.wake();
        }
        self.cache.in_touch();
        Ok(version)
    }

    async fn pages(&self) -> Result<(Vec<Held>, String), StoreError> {
        let mut parameters = ListParams::default().limit(PAGE);
        let mut items = Vec::new();
        loop {
            let request = Request::new(&self.path)
                .list(&parameters)
                .map_err(kube::Error::BuildRequest);
            let request = request.map_err(store_error)?;
            let page: ObjectList<Value> = within_limit(self.client.request(request)).await?;
            items.extend(page.items.into_iter().map(|item| self.object(item)));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                // All pages are of one version.
                None => return Ok((items, page.metadata.resource_version.unwrap_or_default())),
            }
        }
    }

    /// Watches from a version on until a new list is needed.
    async fn follow(&self, mut version: String, pause: &mut Pause) {
        loop {
            let end = self.watch(&mut version, pause).await;
            let error = match &end {
                End::Due => None,
                End::Lost(error) | End::Outdated(error) => Some(error),
            };
            self.metrics.store_request("watch", &self.kind.kind, error);
            match end {
                End::Due => *pause = Pause::default(),
                End::Lost(error) => {
                    self.trouble(error);
                    pause.wait().await;
                }
                // Who may list and not watch would never see a change.
                End::Outdated(error @ StoreError::Forbidden(_)) => return self.trouble(error),
                // Else the new list tells.
                End::Outdated(error) => {
                    tracing::debug!(kind = %self.kind, %error, "watch is outdated");
                    return;
                }
            }
        }
    }

    /// One watch request.
    async fn watch(&self, version: &mut String, pause: &mut Pause) -> End {
        let parameters = WatchParams::default().timeout(WATCH_SECONDS);
        let request = match Request::new(&self.path).watch(&parameters, version) {
            Ok(request) => request,
            Err(error) => return End::Outdated(StoreError::Invalid(error.to_string())),
        };
        let started = tokio::time::Instant::now();
        let events = match timeout(SILENCE, self.client.request_events::<Value>(request)).await {
            Ok(Ok(events)) => events,
            Ok(Err(error @ kube::Error::Api(_))) => return End::Outdated(store_error(error)),
            Ok(Err(error)) => return End::Lost(store_error(error)),
            Err(_) => return End::Lost(no_answer(SILENCE)),
        };
        self.cache.in_touch();
        let mut events = pin!(events);
        loop {
            match timeout(SILENCE, events.try_next()).await {
                Ok(Ok(Some(WatchEvent::Error(status)))) => {
                    return End::Outdated(store_error(kube::Error::Api(status)));
                }
                Ok(Ok(Some(event))) => {
                    *pause = Pause::default();
                    self.take(event, version);
                }
                // A server that ends every watch at once must not be asked in a tight loop.
                Ok(Ok(None)) if started.elapsed() < FIRST_PAUSE => {
                    return End::Lost(StoreError::Unreachable("watch ended at once".to_owned()));
                }
                Ok(Ok(None)) => return End::Due,
                Ok(Err(error)) => return End::Lost(store_error(error)),
                Err(_) => return End::Lost(no_answer(SILENCE)),
            }
        }
    }

    fn take(&self, event: WatchEvent<Value>, version: &mut String) {
        let is_new = match event {
            WatchEvent::Added(value) | WatchEvent::Modified(value) => {
                let object = self.object(value);
                object.resource_version().clone_into(version);
                self.cache.watched(object)
            }
            WatchEvent::Deleted(value) => {
                let object = self.object(value);
                object.resource_version().clone_into(version);
                self.cache.watched_end(&object)
            }
            WatchEvent::Bookmark(bookmark) => {
                *version = bookmark.metadata.resource_version;
                self.cache.passed(version.parse().ok());
                false
            }
            WatchEvent::Error(_) => false,
        };
        if is_new {
            self.wake();
        }
    }

    /// The items of a list of a built-in kind do not say what they are.
    fn object(&self, value: Value) -> Held {
        let mut object = Object(value);
        object.0["apiVersion"] = self.kind.api_version().into();
        object.0["kind"] = self.kind.kind.as_ref().into();
        trim(&self.kind, &mut object);
        Held::new(object)
    }

    fn kind_is_unknown(&self, times: u32) {
        if times < BELIEVED && self.cache.is_synced() {
            return;
        }
        if self.cache.listed(Vec::new(), None) {
            self.wake();
        }
        self.cache.in_touch();
    }

    fn trouble(&self, error: StoreError) {
        if self.cache.trouble().is_none() {
            tracing::warn!(kind = %self.kind, %error, "the API server cannot be read; going on with what is known");
        }
        self.cache.failed(error);
    }

    fn wake(&self) {
        self.changed
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Ever longer pauses.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pause {
    async fn wait(&mut self) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // Up to half as long again, so that a hundred watches do not come back in the same moment.
        let jitter = self
            .0
            .mul_f64(f64::from(now.subsec_nanos() % 1000) / 2000.0);
        sleep(self.0 + jitter).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}
