//! [`Store`] on a real API server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use commonwatt_api::FIELD_MANAGER;
use commonwatt_store::{Event, Held, Kind, Object, Store, StoreError};
use kube::Client;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Request;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::cache::{Cache, trim};
use crate::error::{store_error, within_limit};
use crate::events::Events;
use crate::metrics::Metrics;
use crate::watch::Watch;

/// How long the first list of a kind is waited for.
const FIRST_LIST: Duration = Duration::from_secs(10);

/// An API server, with a watch on each kind that was ever listed.
///
/// Must be used inside a tokio runtime. The watches end with the value.
pub struct KubeStore {
    client: Client,
    metrics: Metrics,
    events: Events,
    first_list: Duration,
    changed: watch::Sender<u64>,
    watched: Mutex<HashMap<(Kind, Option<String>), Watched>>,
}

/// A kind that is watched.
struct Watched {
    cache: Arc<Cache>,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl KubeStore {
    /// A store that counts its requests in `metrics`.
    pub fn new(client: Client, metrics: Metrics) -> Self {
        Self {
            events: Events::new(client.clone()),
            client,
            metrics,
            first_list: FIRST_LIST,
            changed: watch::Sender::new(0),
            watched: Mutex::default(),
        }
    }

    /// Waits this long for the first list of a kind, instead of ten seconds.
    #[must_use]
    pub fn with_first_list_limit(mut self, limit: Duration) -> Self {
        self.first_list = limit;
        self
    }

    /// Wakes when a watch brings news: something that this store had not written itself.
    ///
    /// A change between two looks is one change. What was there before the call does not count.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Why lists are behind the API server, if any watch is in trouble now.
    pub fn trouble(&self) -> Option<StoreError> {
        self.lock()
            .values()
            .find_map(|watched| watched.cache.trouble())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Kind, Option<String>), Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cache to list from, watched from now on.
    fn cache(&self, kind: &Kind, namespace: Option<&str>) -> Arc<Cache> {
        let mut watched = self.lock();
        // A watch of all namespaces that works knows this one too.
        if let Some(all) = watched.get(&(kind.clone(), None))
            && (namespace.is_none() || all.cache.is_synced())
        {
            return all.cache.clone();
        }
        let key = (kind.clone(), namespace.map(str::to_owned));
        let entry = watched.entry(key).or_insert_with(|| {
            let cache = Arc::new(Cache::new());
            let watch = Watch {
                client: self.client.clone(),
                kind: kind.clone(),
                path: path(kind, namespace),
                cache: cache.clone(),
                changed: self.changed.clone(),
                metrics: self.metrics.clone(),
            };
            Watched {
                cache,
                task: tokio::spawn(watch.run()).abort_handle(),
            }
        });
        entry.cache.clone()
    }

    /// Tells the caches that hold this object's kind and namespace.
    fn tell(&self, kind: &Kind, object: &Object, tell: impl Fn(&Cache)) {
        for ((watched, namespace), entry) in self.lock().iter() {
            if watched == kind
                && (namespace.is_none() || namespace.as_deref() == object.namespace())
            {
                tell(&entry.cache);
            }
        }
    }

    fn written(&self, kind: &Kind, object: &Object) {
        let mut kept = object.clone();
        trim(kind, &mut kept);
        let kept = Held::new(kept);
        self.tell(kind, object, |cache| cache.written(kept.clone()));
    }

    /// Sends a request and counts it.
    async fn send<T>(
        &self,
        verb: &str,
        kind: &Kind,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, StoreError> {
        let answer = within_limit(request).await;
        self.metrics
            .store_request(verb, &kind.kind, answer.as_ref().err());
        answer
    }

    /// Sends a patch, and keeps what comes back.
    async fn patch(
        &self,
        verb: &str,
        kind: &Kind,
        target: Target<'_>,
        parameters: &PatchParams,
        patch: Patch<&Value>,
    ) -> Result<Object, StoreError> {
        let request = Request::new(path(kind, target.namespace));
        let request = if target.is_status {
            request.patch_subresource("status", target.name, parameters, &patch)
        } else {
            request.patch(target.name, parameters, &patch)
        };
        let request = request
            .map_err(kube::Error::BuildRequest)
            .map_err(store_error)?;
        let object = Object(self.send(verb, kind, self.client.request(request)).await?);
        self.written(kind, &object);
        Ok(object)
    }
}

/// What a patch is for.
#[derive(Clone, Copy)]
struct Target<'a> {
    namespace: Option<&'a str>,
    name: &'a str,
    is_status: bool,
}

#[async_trait]
impl Store for KubeStore {
    async fn held(&self, kind: &Kind, namespace: Option<&str>) -> Result<Vec<Held>, StoreError> {
        let cache = self.cache(kind, namespace);
        cache.list(namespace, self.first_list).await
    }

    async fn get(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Object>, StoreError> {
        let request = Request::new(path(kind, namespace)).get(name, &GetParams::default());
        let request = request
            .map_err(kube::Error::BuildRequest)
            .map_err(store_error)?;
        match self.send("get", kind, self.client.request(request)).await {
            Ok(value) => Ok(Some(Object(value))),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn apply(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError> {
        let mut body = object.0.clone();
        // An object that was read before is refused with them.
        if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        let target = Target {
            namespace: object.namespace(),
            name: object.name(),
            is_status: false,
        };
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        self.patch("apply", kind, target, &parameters, Patch::Apply(&body))
            .await
    }

    async fn create(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError> {
        let body = serde_json::to_vec(&object.0)
            .map_err(|error| StoreError::Invalid(error.to_string()))?;
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let request = Request::new(path(kind, object.namespace())).create(&parameters, body);
        let request = request
            .map_err(kube::Error::BuildRequest)
            .map_err(store_error)?;
        let created = Object(
            self.send("create", kind, self.client.request(request))
                .await?,
        );
        self.written(kind, &created);
        Ok(created)
    }

    async fn merge(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError> {
        let target = Target {
            namespace,
            name,
            is_status: false,
        };
        self.patch("merge", kind, target, &as_manager(), Patch::Merge(patch))
            .await
    }

    async fn merge_status(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError> {
        let target = Target {
            namespace,
            name,
            is_status: true,
        };
        self.patch(
            "merge_status",
            kind,
            target,
            &as_manager(),
            Patch::Merge(patch),
        )
        .await
    }

    async fn delete(&self, kind: &Kind, object: &Object) -> Result<(), StoreError> {
        let present = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let parameters = DeleteParams::background().preconditions(Preconditions {
            uid: present(object.uid()),
            resource_version: present(object.resource_version()),
        });
        let request =
            Request::new(path(kind, object.namespace())).delete(object.name(), &parameters);
        let request = request
            .map_err(kube::Error::BuildRequest)
            .map_err(store_error)?;
        let answer = self
            .send("delete", kind, self.client.request_status::<Value>(request))
            .await?;
        // The server answers with the object if it is still there, for its finalizers or a pod's grace, or with a
        // mere "Success".
        match answer.left().map(Object).filter(is_still_there) {
            Some(object) => self.written(kind, &object),
            None => self.tell(kind, object, |cache| cache.deleted(object)),
        }
        Ok(())
    }

    async fn event(&self, about: &Object, event: &Event) -> Result<(), StoreError> {
        let told = self.events.tell(about, event).await;
        self.metrics
            .store_request("event", about.kind(), told.as_ref().err());
        // An event is a courtesy: whoever tells of something has other work to do.
        if let Err(error) = told {
            tracing::debug!(%error, reason = event.reason, about = about.name(), "an event could not be written");
        }
        Ok(())
    }
}

fn as_manager() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

/// Whether a deletion's answer shows an object that goes on existing for a while.
fn is_still_there(object: &Object) -> bool {
    let waits_for = |path: &str| {
        object
            .at(path)
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
    };
    let has_grace = object
        .at("metadata.deletionGracePeriodSeconds")
        .and_then(Value::as_i64)
        > Some(0);
    object.is_being_deleted()
        && (has_grace || waits_for("metadata.finalizers") || waits_for("spec.finalizers"))
}

/// Where a kind's objects are.
pub(crate) fn path(kind: &Kind, namespace: Option<&str>) -> String {
    let root = if kind.group.is_empty() {
        "/api"
    } else {
        "/apis"
    };
    let version = kind.api_version();
    match namespace {
        Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{}", kind.plural),
        None => format!("{root}/{version}/{}", kind.plural),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        assert_eq!(path(&Kind::POD, Some("a")), "/api/v1/namespaces/a/pods");
        assert_eq!(path(&Kind::NODE, None), "/api/v1/nodes");
        assert_eq!(path(&Kind::JOB, None), "/apis/batch/v1/jobs");
    }

    #[test]
    fn a_deleted_object_is_still_there_while_something_holds_it() {
        let object = |metadata| Object(json!({ "metadata": metadata }));
        let at = "2026-11-23T00:00:00Z";
        assert!(!is_still_there(&object(
            json!({ "deletionTimestamp": at, "deletionGracePeriodSeconds": 0 })
        )));
        assert!(is_still_there(&object(
            json!({ "deletionTimestamp": at, "deletionGracePeriodSeconds": 30 })
        )));
        assert!(is_still_there(&object(
            json!({ "deletionTimestamp": at, "finalizers": ["a/b"] })
        )));
        assert!(!is_still_there(&object(json!({ "finalizers": ["a/b"] }))));
    }
}
