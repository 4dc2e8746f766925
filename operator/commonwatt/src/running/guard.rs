//! A store that writes only while its process may: its lease held, and no test has stopped it.

use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use commonwatt_kubernetes::Lead;
use commonwatt_store::{Event, Held, Kind, Object, Store, StoreError};
use serde_json::{Map, Value};

use super::halt::Halt;

/// A store under leases.
pub struct Guarded {
    role: &'static str,
    store: Arc<dyn Store>,
    leads: Vec<Lead>,
    halt: Option<Arc<Halt>>,
}

impl Guarded {
    /// Writes pass only while every one of `leads` leads. The role says who writes, where time is stopped.
    pub fn new(
        role: &'static str,
        store: Arc<dyn Store>,
        leads: Vec<Lead>,
        halt: Option<Arc<Halt>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            role,
            store,
            leads,
            halt,
        })
    }

    /// A lease does not fence by itself; asking right before each write leaves the time of one request open, which the
    /// epochs in what the hub writes close.
    async fn write<T>(
        &self,
        what: &str,
        writing: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if let Some(halt) = &self.halt {
            halt.pass(format!("before {}: {what}", self.role)).await;
        }
        if !self.leads.iter().all(Lead::is_leader) {
            return Err(StoreError::Conflict(
                "this process does not hold the lease any more; another one leads".into(),
            ));
        }
        let written = writing.await;
        if let Some(halt) = self.halt.as_ref().filter(|_| written.is_ok()) {
            halt.pass(format!("after {}: {what}", self.role)).await;
        }
        written
    }
}

/// The fields that a merge patch is about, two levels deep.
fn fields(patch: &Value) -> String {
    let mut all = String::new();
    for (name, below) in patch.as_object().into_iter().flat_map(Map::iter) {
        for field in below.as_object().into_iter().flat_map(Map::keys) {
            // Preconditions, not changes.
            if field != "resourceVersion" && field != "uid" {
                let _ = write!(all, " {name}.{field}");
            }
        }
    }
    all
}

#[async_trait]
impl Store for Guarded {
    async fn held(&self, kind: &Kind, namespace: Option<&str>) -> Result<Vec<Held>, StoreError> {
        self.store.held(kind, namespace).await
    }

    async fn get(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Object>, StoreError> {
        self.store.get(kind, namespace, name).await
    }

    async fn apply(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError> {
        let writing = self.store.apply(kind, object);
        self.write(&format!("apply {kind}"), writing).await
    }

    async fn create(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError> {
        let writing = self.store.create(kind, object);
        self.write(&format!("create {kind}"), writing).await
    }

    async fn merge(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError> {
        let writing = self.store.merge(kind, namespace, name, patch);
        self.write(&format!("merge {kind}{}", fields(patch)), writing)
            .await
    }

    async fn merge_status(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError> {
        let writing = self.store.merge_status(kind, namespace, name, patch);
        self.write(&format!("merge {kind} status"), writing).await
    }

    async fn delete(&self, kind: &Kind, object: &Object) -> Result<(), StoreError> {
        let writing = self.store.delete(kind, object);
        self.write(&format!("delete {kind}"), writing).await
    }

    async fn event(&self, about: &Object, event: &Event) -> Result<(), StoreError> {
        self.store.event(about, event).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Mutex;

    use commonwatt_simulator::{MemoryServer, StepClock};
    use tokio::sync::oneshot;
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    /// A write of each of these, side by side; what has left is noted, and each is answered when its sender says so.
    struct Writes {
        guarded: Arc<Guarded>,
        left: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Writes {
        fn begin(&self, name: &'static str) -> (oneshot::Sender<()>, JoinHandle<()>) {
            let (answer, answered) = oneshot::channel();
            let (guarded, left) = (self.guarded.clone(), self.left.clone());
            let writing = async move {
                left.lock().unwrap().push(name);
                let _ = answered.await;
                Ok(())
            };
            let whole = async move { guarded.write(name, writing).await.unwrap() };
            (answer, tokio::spawn(whole))
        }

        fn left(&self) -> Vec<&'static str> {
            self.left.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn once_time_has_stopped_no_write_leaves_and_no_answer_is_heard_whatever_was_in_flight() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        let known = "before hub: create A\nbefore hub: create B\nafter hub: create B\nbefore hub: create C\n";
        fs::write(&list, known).unwrap();
        let server = Arc::new(MemoryServer::new(Arc::new(StepClock::new(
            chrono::DateTime::default(),
        ))));
        let halt = Some(Halt::with(&list).unwrap());
        let writes = Writes {
            guarded: Guarded::new("hub", server, Vec::new(), halt),
            left: Arc::default(),
        };
        let (answer_a, a) = writes.begin("create A");
        let (answer_b, b) = writes.begin("create B");
        yield_now().await;
        assert_eq!(writes.left(), ["create A", "create B"]);

        answer_a.send(()).unwrap();
        yield_now().await;
        let (_answer_c, c) = writes.begin("create C");
        answer_b.send(()).unwrap();
        for _ in 0..10 {
            yield_now().await;
        }
        assert_eq!(
            fs::read_to_string(&list).unwrap(),
            format!("{known}after hub: create A\n")
        );
        assert_eq!(
            writes.left(),
            ["create A", "create B"],
            "C has left after the halt"
        );
        assert!(
            !a.is_finished() && !b.is_finished() && !c.is_finished(),
            "an answer was heard"
        );
    }

    #[test]
    fn a_merge_is_known_by_its_fields_without_its_preconditions() {
        let patch = serde_json::json!({
            "metadata": { "resourceVersion": "7", "uid": "u", "finalizers": [] }, "spec": { "release": "Drain" },
        });
        assert_eq!(fields(&patch), " metadata.finalizers spec.release");
    }
}
