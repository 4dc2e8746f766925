//! What is known of the objects of one kind: from the watch, and from our own writes.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use commonwatt_api::GROUP;
use commonwatt_store::{Held, Kind, Object, StoreError};
use tokio::sync::watch;

/// Namespace and name. Ordered, so that every list of the same objects is the same list.
type Key = (String, String);

/// The objects of a kind in one namespace or in all.
#[derive(Debug)]
pub(crate) struct Cache {
    objects: Mutex<Objects>,
    phase: watch::Sender<Phase>,
    started: Instant,
}

/// How far the first list has come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// No answer yet; why, if something is known.
    Waiting(Option<StoreError>),
    /// There was a first list. The error is that of the watch since, if it is in trouble.
    Synced(Option<StoreError>),
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self {
            objects: Mutex::default(),
            phase: watch::Sender::new(Phase::Waiting(None)),
            started: Instant::now(),
        }
    }

    /// The objects, as soon as there was a first list. Waits for it until `limit` after the cache's start:
    /// a caller who comes later, while the server is still away, is told at once.
    pub(crate) async fn list(
        &self,
        namespace: Option<&str>,
        limit: Duration,
    ) -> Result<Vec<Held>, StoreError> {
        let mut phase = self.phase.subscribe();
        let left = limit.saturating_sub(self.started.elapsed());
        let settled = |phase: &Phase| {
            matches!(
                phase,
                // Waiting does not help who may not read.
                Phase::Synced(_) | Phase::Waiting(Some(StoreError::Forbidden(_)))
            )
        };
        // Elapsed or not: what is known by then decides.
        let _ = tokio::time::timeout(left, phase.wait_for(settled)).await;
        match &*phase.borrow() {
            Phase::Synced(_) => Ok(self.lock().all(namespace)),
            Phase::Waiting(Some(error)) => Err(error.clone()),
            Phase::Waiting(None) => Err(crate::error::no_answer(limit)),
        }
    }

    /// Whether there was a first list.
    pub(crate) fn is_synced(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Synced(_))
    }

    /// Why the watch is behind, if it is.
    pub(crate) fn trouble(&self) -> Option<StoreError> {
        match &*self.phase.borrow() {
            Phase::Waiting(error) | Phase::Synced(error) => error.clone(),
        }
    }

    /// The watch failed. Until there was a first list, only `Forbidden` is told as itself: anything else is
    /// an API server that does not answer.
    pub(crate) fn failed(&self, error: StoreError) {
        self.phase.send_modify(|phase| match phase {
            Phase::Waiting(why) => {
                *why = Some(match error {
                    StoreError::Forbidden(_) | StoreError::Unreachable(_) => error,
                    other => StoreError::Unreachable(other.to_string()),
                });
            }
            Phase::Synced(why) => *why = Some(error),
        });
    }

    /// The watch works.
    pub(crate) fn in_touch(&self) {
        self.phase.send_if_modified(|phase| {
            let was_synced = *phase == Phase::Synced(None);
            *phase = Phase::Synced(None);
            !was_synced
        });
    }

    /// Everything that the server had at `version`.
    pub(crate) fn listed(&self, items: Vec<Held>, version: Option<u64>) -> bool {
        self.lock().listed(items, version)
    }

    /// The watch tells of an object. True if that was new.
    pub(crate) fn watched(&self, object: Held) -> bool {
        self.lock().watched(object)
    }

    /// The watch tells of an object's end. True if that was new.
    pub(crate) fn watched_end(&self, object: &Held) -> bool {
        self.lock().watched_end(object)
    }

    /// The watch has come to this version.
    pub(crate) fn passed(&self, version: Option<u64>) {
        self.lock().passed(version);
    }

    /// A write of our own returned this object.
    pub(crate) fn written(&self, object: Held) {
        self.lock().written(object);
    }

    /// A deletion of our own has ended the object.
    pub(crate) fn deleted(&self, object: &Object) {
        self.lock().deleted(object);
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The objects, and what is needed to put watch and own writes in order whichever comes first.
///
/// A kind's watch brings versions in order. So what has a version at or below `seen` is known
/// already, also when what is known is that it is gone.
#[derive(Debug, Default)]
struct Objects {
    held: BTreeMap<Key, Held>,
    /// The version up to which the watch has told everything.
    seen: u64,
    /// Written by us, and the watch has not come to them yet.
    ahead: HashSet<Key>,
    /// Uids that we deleted, and the watch has not told of it yet. A uid never comes back.
    ended: HashSet<String>,
}

impl Objects {
    fn all(&self, namespace: Option<&str>) -> Vec<Held> {
        let Some(namespace) = namespace else {
            return self.held.values().cloned().collect();
        };
        let from = (namespace.to_owned(), String::new());
        self.held
            .range(from..)
            .take_while(|((held, _), _)| held == namespace)
            .map(|(_, object)| object.clone())
            .collect()
    }

    fn listed(&mut self, items: Vec<Held>, version: Option<u64>) -> bool {
        let before = std::mem::take(&mut self.held);
        let uids: HashSet<&str> = items.iter().map(Held::uid).collect();
        self.ended.retain(|uid| uids.contains(uid.as_str()));
        for item in items {
            if !self.ended.contains(item.uid()) {
                self.held.insert(key(&item), item);
            }
        }
        // Not all that is newer than the list, only what we wrote: after a restore from a backup,
        // everything that was known is newer than the list, and wrong.
        let newer = |object: &Held| version_of(object) > version;
        self.ahead.retain(|key| before.get(key).is_some_and(newer));
        for key in &self.ahead {
            if let Some(object) = before.get(key) {
                self.held.insert(key.clone(), object.clone());
            }
        }
        self.seen = version.unwrap_or_default();
        self.held != before
    }

    fn watched(&mut self, object: Held) -> bool {
        let version = version_of(&object);
        self.passed(version);
        let key = key(&object);
        let is_old = |held: &Held| version.is_some() && version_of(held) > version;
        if self.ended.contains(object.uid()) || self.held.get(&key).is_some_and(is_old) {
            return false;
        }
        self.ahead.remove(&key);
        let is_new = self
            .held
            .get(&key)
            .is_none_or(|held| version.is_none() || version_of(held) != version);
        self.held.insert(key, object);
        is_new
    }

    fn watched_end(&mut self, object: &Held) -> bool {
        let version = version_of(object);
        self.passed(version);
        self.ended.remove(object.uid());
        let key = key(object);
        // A later object of the same name, which we wrote, stays.
        let is_this = |held: &Held| held.uid() == object.uid();
        if self.held.get(&key).is_some_and(is_this) {
            self.held.remove(&key);
            self.ahead.remove(&key);
            return true;
        }
        false
    }

    fn passed(&mut self, version: Option<u64>) {
        self.seen = self.seen.max(version.unwrap_or_default());
    }

    fn written(&mut self, object: Held) {
        let version = version_of(&object);
        let is_known = version.is_some_and(|version| version <= self.seen);
        let key = key(&object);
        let is_old = |held: &Held| version.is_some() && version_of(held) > version;
        if is_known || self.ended.contains(object.uid()) || self.held.get(&key).is_some_and(is_old)
        {
            return;
        }
        self.ahead.insert(key.clone());
        self.held.insert(key, object);
    }

    fn deleted(&mut self, object: &Object) {
        let key = (
            object.namespace().unwrap_or_default().to_owned(),
            object.name().to_owned(),
        );
        if self
            .held
            .get(&key)
            .is_some_and(|held| held.uid() == object.uid())
        {
            self.held.remove(&key);
            self.ahead.remove(&key);
            // Only what the watch has shown, or will: else nothing would ever confirm it.
            self.ended.insert(object.uid().to_owned());
        }
    }
}

fn key(object: &Held) -> Key {
    (object.namespace().to_owned(), object.name().to_owned())
}

/// An object's version as a number. Kubernetes promises since 1.35 what was always so: versions of a kind can be
/// compared.
fn version_of(object: &Held) -> Option<u64> {
    object.resource_version().parse().ok()
}

/// Drops what nobody reads from the kinds that come in thousands. Workloads and autoscalers keep their managed fields:
/// they tell whether a controller other than ours owns a field.
pub(crate) fn trim(kind: &Kind, object: &mut Object) {
    let is_ours = kind.group == GROUP;
    if *kind != Kind::POD && *kind != Kind::NODE && !is_ours {
        return;
    }
    let Some(metadata) = object
        .0
        .get_mut("metadata")
        .and_then(|metadata| metadata.as_object_mut())
    else {
        return;
    };
    metadata.remove("managedFields");
    if (*kind == Kind::POD || is_ours)
        && let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(|all| all.as_object_mut())
    {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
