//! Events (`events.k8s.io/v1`): the same again within ten minutes is counted, not repeated.
//!
//! kube-runtime's `Recorder` counts by reason and drops the message of all but the first; here the message, which has
//! the numbers, is part of what makes two events the same.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use commonwatt_api::FIELD_MANAGER;
use commonwatt_store::{Event, EventType, Kind, Object, StoreError};
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::error::{no_answer, store_error, within_limit};
use crate::store::path;

/// How long the same event counts as the same.
const SAME: Duration = Duration::from_mins(10);
/// How often a count that goes on is written.
const COUNT_EVERY: Duration = Duration::from_secs(30);
/// The most that an event may hold up who tells of it.
const LIMIT: Duration = Duration::from_secs(3);
/// Of events that tell of nothing wrong, so many may come at once...
const BURST: f64 = 100.0;
/// ...and then so many a second. An event costs an API server as much as any write: a thousand admissions shall not wait
/// for a thousand of them, and are on their objects' statuses besides.
const A_SECOND: f64 = 5.0;
/// The most bytes of a message that an API server takes.
const LONGEST_MESSAGE: usize = 1024;
/// The most bytes of a name.
const LONGEST_NAME: usize = 253;

/// Uid, reason and message.
type Key = (String, String, String);

/// Writes events.
pub(crate) struct Events {
    client: Client,
    instance: String,
    recent: Mutex<Counts>,
}

/// The events of the last minutes, and how many more may come.
#[derive(Debug)]
struct Counts {
    events: HashMap<Key, Recent>,
    forgotten: Instant,
    allowance: f64,
    counted: Instant,
}

/// An event that was written.
#[derive(Debug, Clone)]
struct Recent {
    name: String,
    count: i32,
    told: Instant,
    written: Instant,
}

/// What is to be done about an event.
#[derive(Debug, PartialEq, Eq)]
enum Todo {
    Create,
    Count { name: String, count: i32 },
    Nothing,
}

impl Events {
    pub(crate) fn new(client: Client) -> Self {
        let instance = std::env::var("HOSTNAME")
            .ok()
            .filter(|name| !name.is_empty());
        let instance =
            shorten(&instance.unwrap_or_else(|| FIELD_MANAGER.to_owned()), 128).to_owned();
        Self {
            client,
            instance,
            recent: Mutex::new(Counts::new(Instant::now())),
        }
    }

    /// Tells of an event.
    pub(crate) async fn tell(&self, about: &Object, event: &Event) -> Result<(), StoreError> {
        match timeout(LIMIT, self.write(about, event)).await {
            Ok(result) => result,
            Err(_) => Err(no_answer(LIMIT)),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, about: &Object, event: &Event) -> Result<(), StoreError> {
        let key = (
            about.uid().to_owned(),
            event.reason.clone(),
            event.message.clone(),
        );
        let namespace = about.namespace().unwrap_or("default");
        let matters = event.type_ == EventType::Warning;
        let todo = self.counts().next(&key, matters, Instant::now());
        match todo {
            Todo::Nothing => Ok(()),
            Todo::Create => self.create(key, namespace, about, event).await,
            Todo::Count { name, count } => match self.count(namespace, &name, count).await {
                // Events live for an hour, and somebody may have cleaned up.
                Err(StoreError::NotFound(_)) => self.create(key, namespace, about, event).await,
                result => result,
            },
        }
    }

    async fn create(
        &self,
        key: Key,
        namespace: &str,
        about: &Object,
        event: &Event,
    ) -> Result<(), StoreError> {
        let name = unique_name(about.name());
        let body = self.body(&name, namespace, about, event);
        let body =
            serde_json::to_vec(&body).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let request =
            Request::new(path(&Kind::EVENT, Some(namespace))).create(&PostParams::default(), body);
        let request = request
            .map_err(kube::Error::BuildRequest)
            .map_err(store_error)?;
        within_limit(self.client.request::<Value>(request)).await?;
        self.counts().created(key, name, Instant::now());
        Ok(())
    }

    async fn count(&self, namespace: &str, name: &str, count: i32) -> Result<(), StoreError> {
        let series = json!({ "series": { "count": count, "lastObservedTime": now() } });
        let request = Request::new(path(&Kind::EVENT, Some(namespace)));
        let request = request.patch(name, &PatchParams::default(), &Patch::Merge(series));
        let request = request
            .map_err(kube::Error::BuildRequest)
            .map_err(store_error)?;
        within_limit(self.client.request::<Value>(request))
            .await
            .map(|_| ())
    }

    fn body(&self, name: &str, namespace: &str, about: &Object, event: &Event) -> Value {
        json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": { "name": name, "namespace": namespace },
            "eventTime": now(),
            "type": match event.type_ { EventType::Normal => "Normal", EventType::Warning => "Warning" },
            "reason": event.reason,
            "action": event.reason,
            "note": shorten(&event.message, LONGEST_MESSAGE),
            "reportingController": FIELD_MANAGER,
            "reportingInstance": self.instance,
            "regarding": {
                "apiVersion": about.0["apiVersion"],
                "kind": about.0["kind"],
                "namespace": about.namespace(),
                "name": about.name(),
                "uid": about.uid(),
                "resourceVersion": about.resource_version(),
            },
        })
    }
}

impl Counts {
    fn new(now: Instant) -> Self {
        Self {
            events: HashMap::new(),
            forgotten: now,
            allowance: BURST,
            counted: now,
        }
    }

    /// Counts an event, and says whether to write that. One that `matters` is never left out for its number.
    fn next(&mut self, key: &Key, matters: bool, now: Instant) -> Todo {
        self.forget(now);
        let Some(event) = self.events.get_mut(key) else {
            return if matters || self.may_create(now) {
                Todo::Create
            } else {
                Todo::Nothing
            };
        };
        if now.duration_since(event.told) >= SAME {
            self.events.remove(key);
            return self.next(key, matters, now);
        }
        event.count = event.count.saturating_add(1);
        event.told = now;
        // The second at once, so that one sees that it goes on.
        if event.count > 2 && now.duration_since(event.written) < COUNT_EVERY {
            return Todo::Nothing;
        }
        event.written = now;
        Todo::Count {
            name: event.name.clone(),
            count: event.count,
        }
    }

    /// Now and then, not at every event of thousands.
    fn forget(&mut self, now: Instant) {
        if now.duration_since(self.forgotten) >= SAME {
            self.events
                .retain(|_, event| now.duration_since(event.told) < SAME);
            self.forgotten = now;
        }
    }

    fn may_create(&mut self, now: Instant) -> bool {
        let since = now.duration_since(self.counted).as_secs_f64();
        self.counted = now;
        self.allowance = (self.allowance + since * A_SECOND).min(BURST);
        let may = self.allowance >= 1.0;
        if may {
            self.allowance -= 1.0;
        }
        may
    }

    fn created(&mut self, key: Key, name: String, now: Instant) {
        self.events.insert(
            key,
            Recent {
                name,
                count: 1,
                told: now,
                written: now,
            },
        );
    }
}

/// Real time, whatever clock the roles go by: the API server deletes events by it.
fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn unique_name(about: &str) -> String {
    let suffix = format!(
        ".{:x}",
        Utc::now().timestamp_nanos_opt().unwrap_or_default()
    );
    format!("{}{suffix}", shorten(about, LONGEST_NAME - suffix.len()))
}

/// At most so many bytes, without cutting a character in two.
fn shorten(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(message: &str) -> Key {
        ("uid".to_owned(), "Refused".to_owned(), message.to_owned())
    }

    #[test]
    fn of_a_flood_of_good_news_some_is_left_out_and_of_bad_news_none() {
        let start = Instant::now();
        let mut counts = Counts::new(start);
        let mut told = |matters, now| {
            let all = (0..1000).map(|number| key(&number.to_string()));
            all.filter(|key| counts.next(key, matters, now) == Todo::Create)
                .count()
        };
        assert_eq!(told(false, start), 100);
        assert_eq!(told(true, start), 1000);
        assert_eq!(told(false, start + Duration::from_secs(4)), 20);
    }

    #[test]
    fn the_same_event_is_counted_for_ten_minutes_and_not_written_every_time() {
        let start = Instant::now();
        let mut counts = Counts::new(start);
        let key = key("900 W over");
        assert_eq!(counts.next(&key, true, start), Todo::Create);
        counts.created(key.clone(), "a.1".to_owned(), start);
        let count = |count| Todo::Count {
            name: "a.1".to_owned(),
            count,
        };
        assert_eq!(counts.next(&key, true, start), count(2));
        assert_eq!(counts.next(&key, true, start), Todo::Nothing);
        assert_eq!(counts.next(&key, true, start + COUNT_EVERY), count(4));
        assert_eq!(
            counts.next(&key, true, start + COUNT_EVERY + SAME),
            Todo::Create
        );
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        assert_eq!(shorten("ääää", 3), "ä");
        assert_eq!(shorten("abc", 1024), "abc");
    }
}
