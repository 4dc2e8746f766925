//! An API server in memory: what hub and agent rely on of a real one, and the faults that one has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use commonwatt_store::{
    Clock, Event, Held, Kind, Object, Store, StoreError, apply_merge, merge_diff,
};
use serde_json::{Value, json};

/// Where an object is: its kind, its namespace, its name.
pub(crate) type Key = (Kind, Option<String>, String);

/// Objects in memory, with versions, generations, finalizers and server-side apply.
pub struct MemoryServer {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Object>,
    /// What our field manager applied last: fields that it leaves out next time are removed.
    applied: BTreeMap<Key, Value>,
    version: u64,
    uids: u64,
    writes: usize,
    events: Vec<(String, Event)>,
    unreachable: bool,
    /// Writes that still succeed before the caller is as good as dead.
    writes_left: Option<usize>,
}

impl MemoryServer {
    /// An empty server that stamps by a clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts objects there as a person's `kubectl apply` would.
    pub fn load(&self, objects: Vec<Object>) {
        for object in objects {
            let key = (
                kind_of(&object),
                object.namespace().map(str::to_owned),
                object.name().to_owned(),
            );
            let mut state = self.state();
            let old = state.objects.get(&key).cloned();
            let mut merged = old.clone().unwrap_or_else(|| Object(json!({})));
            apply_merge(&mut merged.0, &object.0);
            state.put(key, old, merged, self.clock.as_ref());
        }
    }

    /// Puts objects of a kind there as another server has them: with their uids, generations and statuses.
    pub fn copy(&self, kind: &Kind, objects: Vec<Object>) {
        let mut state = self.state();
        for mut object in objects {
            object.0["apiVersion"] = json!(kind.api_version());
            object.0["kind"] = json!(kind.kind);
            let namespace = object.namespace().map(str::to_owned);
            let key = (kind.clone(), namespace, object.name().to_owned());
            state.objects.insert(key, object);
        }
    }

    /// From now on nobody gets an answer, or everybody does again.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.state().unreachable = unreachable;
    }

    /// After this many more writes every call fails, as if the caller had been killed there; `None` revives it.
    pub fn crash_after_writes(&self, writes: Option<usize>) {
        self.state().writes_left = writes;
    }

    /// Says that a controller owns a field.
    pub fn set_foreign_manager(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        manager: &str,
        path: &str,
    ) {
        let mut fields = json!({});
        let last = path.split('.').fold(&mut fields, |at, part| {
            at[format!("f:{part}")] = json!({});
            &mut at[format!("f:{part}")]
        });
        *last = json!({});
        let mut state = self.state();
        if let Some(object) = state.objects.get_mut(&key(kind, namespace, name)) {
            object.0["metadata"]["managedFields"] =
                json!([{ "manager": manager, "fieldsV1": fields }]);
        }
    }

    /// Writes so far.
    pub fn writes(&self) -> usize {
        self.state().writes
    }

    /// Events so far: `Kind/name` and what was said.
    pub fn events(&self) -> Vec<(String, Event)> {
        self.state().events.clone()
    }

    /// Every object of a kind, whatever faults are set: for whoever plays the cluster, and for tests.
    pub fn all(&self, kind: &Kind) -> Vec<Object> {
        self.state().of_kind(kind)
    }

    /// Stores an object whole, status included, as a controller of the cluster.
    pub(crate) fn store(&self, kind: &Kind, object: Object) {
        let key = key(kind, object.namespace(), object.name());
        let mut state = self.state();
        let old = state.objects.get(&key).cloned();
        state.put(key, old, object, self.clock.as_ref());
    }

    /// Removes an object, as a controller of the cluster.
    pub(crate) fn remove(&self, kind: &Kind, object: &Object) {
        self.state()
            .objects
            .remove(&key(kind, object.namespace(), object.name()));
    }
}

pub(crate) fn key(kind: &Kind, namespace: Option<&str>, name: &str) -> Key {
    (kind.clone(), namespace.map(str::to_owned), name.to_owned())
}

/// The kind of an object, with a plural made by the rule of thumb that holds for every kind here.
fn kind_of(object: &Object) -> Kind {
    let lower = object.kind().to_lowercase();
    let plural = match lower.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{lower}s"),
    };
    Kind::from_api_version(
        object.0["apiVersion"].as_str().unwrap_or_default(),
        object.kind(),
        &plural,
    )
}

impl State {
    fn of_kind(&self, kind: &Kind) -> Vec<Object> {
        let from = (kind.clone(), None, String::new());
        self.objects
            .range(from..)
            .take_while(|((k, _, _), _)| k == kind)
            .map(|(_, object)| object.clone())
            .collect()
    }

    fn answer(&self) -> Result<(), StoreError> {
        if self.unreachable || self.writes_left == Some(0) {
            return Err(StoreError::Unreachable("no answer".into()));
        }
        Ok(())
    }

    fn count_write(&mut self) -> Result<(), StoreError> {
        self.answer()?;
        self.writes += 1;
        if let Some(left) = &mut self.writes_left {
            *left -= 1;
        }
        Ok(())
    }

    /// Stores an object with its version, and its generation where the spec has changed.
    fn put(
        &mut self,
        key: Key,
        old: Option<Object>,
        mut object: Object,
        clock: &dyn Clock,
    ) -> Object {
        self.version += 1;
        match &old {
            None => {
                self.uids += 1;
                object.0["metadata"]["uid"] = json!(format!("sim-{:06}", self.uids));
                object.0["metadata"]["creationTimestamp"] = json!(clock.now().to_rfc3339());
                object.0["metadata"]["generation"] = json!(1);
            }
            Some(old) => {
                let generation = old.generation().unwrap_or(1);
                let changed = old.0.get("spec") != object.0.get("spec");
                object.0["metadata"]["generation"] = json!(generation + i64::from(changed));
                for field in ["uid", "creationTimestamp"] {
                    object.0["metadata"][field] = old.0["metadata"][field].clone();
                }
            }
        }
        object.0["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object.is_being_deleted() && object.finalizers().is_empty() {
            self.objects.remove(&key);
            self.applied.remove(&key);
        } else {
            self.objects.insert(key, object.clone());
        }
        object
    }

    fn existing(&self, key: &Key) -> Result<Object, StoreError> {
        self.objects
            .get(key)
            .cloned()
            .ok_or_else(|| StoreError::NotFound(format!("{} {}", key.0, key.2)))
    }
}

/// Refuses a write that means another object, or an older version of it.
fn check(old: &Object, metadata: &Value) -> Result<(), StoreError> {
    for (field, now) in [
        ("uid", old.uid()),
        ("resourceVersion", old.resource_version()),
    ] {
        if metadata[field]
            .as_str()
            .is_some_and(|meant| !meant.is_empty() && meant != now)
        {
            return Err(StoreError::Conflict(format!(
                "{}: {field} differs",
                old.name()
            )));
        }
    }
    Ok(())
}

#[async_trait]
impl Store for MemoryServer {
    async fn held(&self, kind: &Kind, namespace: Option<&str>) -> Result<Vec<Held>, StoreError> {
        let state = self.state();
        state.answer()?;
        let all = state.of_kind(kind);
        Ok(all
            .into_iter()
            .filter(|object| namespace.is_none() || object.namespace() == namespace)
            .map(Held::new)
            .collect())
    }

    async fn get(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Object>, StoreError> {
        let state = self.state();
        state.answer()?;
        Ok(state.objects.get(&key(kind, namespace, name)).cloned())
    }

    async fn apply(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError> {
        let mut state = self.state();
        state.answer()?;
        let key = key(kind, object.namespace(), object.name());
        let old = state.objects.get(&key).cloned();
        let meant = &object.0["metadata"];
        match &old {
            Some(old) => check(old, &json!({ "uid": meant["uid"] }))?,
            None if !meant["uid"].is_null() => {
                return Err(StoreError::Conflict(format!(
                    "{}: uid mismatch, nothing is there",
                    object.name()
                )));
            }
            None => {}
        }
        let mut wanted = object.0.clone();
        if let Some(map) = wanted.as_object_mut() {
            map.remove("status");
            if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
                for owned in [
                    "uid",
                    "resourceVersion",
                    "generation",
                    "creationTimestamp",
                    "managedFields",
                ] {
                    metadata.remove(owned);
                }
            }
        }
        let before = state
            .applied
            .get(&key)
            .cloned()
            .unwrap_or_else(|| json!({}));
        let mut merged = old.clone().unwrap_or_else(|| Object(json!({})));
        if let Some(patch) = merge_diff(&before, &wanted) {
            apply_merge(&mut merged.0, &patch);
        }
        apply_merge(&mut merged.0, &wanted);
        state.applied.insert(key.clone(), wanted);
        if old.as_ref() == Some(&merged) {
            return Ok(merged);
        }
        state.count_write()?;
        Ok(state.put(key, old, merged, self.clock.as_ref()))
    }

    async fn create(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError> {
        let key = key(kind, object.namespace(), object.name());
        if self.state().objects.contains_key(&key) {
            return Err(StoreError::Conflict(format!(
                "{} exists already",
                object.name()
            )));
        }
        self.apply(kind, object).await
    }

    async fn merge(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError> {
        let mut state = self.state();
        state.count_write()?;
        let key = key(kind, namespace, name);
        let old = state.existing(&key)?;
        check(&old, &patch["metadata"])?;
        let mut patch = patch.clone();
        if let Some(map) = patch.as_object_mut() {
            map.remove("status");
        }
        let mut merged = old.clone();
        apply_merge(&mut merged.0, &patch);
        Ok(state.put(key, Some(old), merged, self.clock.as_ref()))
    }

    async fn merge_status(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError> {
        let mut state = self.state();
        state.count_write()?;
        let key = key(kind, namespace, name);
        let old = state.existing(&key)?;
        let mut merged = old.clone();
        apply_merge(&mut merged.0["status"], &patch["status"]);
        Ok(state.put(key, Some(old), merged, self.clock.as_ref()))
    }

    async fn delete(&self, kind: &Kind, object: &Object) -> Result<(), StoreError> {
        let mut state = self.state();
        state.count_write()?;
        let key = key(kind, object.namespace(), object.name());
        let old = state.existing(&key)?;
        check(&old, &object.0["metadata"])?;
        if old.finalizers().is_empty() {
            state.objects.remove(&key);
            state.applied.remove(&key);
            return Ok(());
        }
        let mut marked = old.clone();
        marked.0["metadata"]["deletionTimestamp"] = json!(self.clock.now().to_rfc3339());
        state.put(key, Some(old), marked, self.clock.as_ref());
        Ok(())
    }

    async fn event(&self, about: &Object, event: &Event) -> Result<(), StoreError> {
        let mut state = self.state();
        state.answer()?;
        let entry = (format!("{}/{}", about.kind(), about.name()), event.clone());
        if state.events.last() != Some(&entry) && state.events.len() < 10_000 {
            state.events.push(entry);
        }
        Ok(())
    }
}
