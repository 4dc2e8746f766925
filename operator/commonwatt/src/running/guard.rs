//! A store that writes only while its process may: its lease held, and no test has stopped it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use commonwatt_kubernetes::Lead;
use commonwatt_store::{Event, Kind, Object, Store, StoreError};
use serde_json::Value;

/// Stops every write after the first so many, as if time had stopped there: a test then kills the process between two
/// writes of its choice. Events are a courtesy and do not count.
#[derive(Debug)]
pub struct Halt(AtomicI64);

impl Halt {
    /// Lets so many writes through.
    pub fn after(writes: u32) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(i64::from(writes))))
    }

    async fn pass(&self, what: &str) {
        if self.0.fetch_sub(1, Ordering::SeqCst) > 0 {
            return;
        }
        tracing::warn!("halted before {what}");
        std::future::pending::<()>().await;
    }
}

/// A store under leases.
pub struct Guarded {
    store: Arc<dyn Store>,
    leads: Vec<Lead>,
    halt: Option<Arc<Halt>>,
}

impl Guarded {
    /// Writes pass only while every one of `leads` leads.
    pub fn new(store: Arc<dyn Store>, leads: Vec<Lead>, halt: Option<Arc<Halt>>) -> Arc<Self> {
        Arc::new(Self { store, leads, halt })
    }

    /// A lease does not fence by itself; asking right before each write leaves the time of one request open, which the
    /// epochs in what the hub writes close.
    async fn may_write(&self, verb: &str, kind: &Kind, name: &str) -> Result<(), StoreError> {
        if let Some(halt) = &self.halt {
            halt.pass(&format!("{verb} {kind} {name}")).await;
        }
        if self.leads.iter().all(Lead::is_leader) {
            Ok(())
        } else {
            Err(StoreError::Conflict(
                "this process does not hold the lease any more; another one leads".into(),
            ))
        }
    }
}

#[async_trait]
impl Store for Guarded {
    async fn list(&self, kind: &Kind, namespace: Option<&str>) -> Result<Vec<Object>, StoreError> {
        self.store.list(kind, namespace).await
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
        self.may_write("apply", kind, object.name()).await?;
        self.store.apply(kind, object).await
    }

    async fn create(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError> {
        self.may_write("create", kind, object.name()).await?;
        self.store.create(kind, object).await
    }

    async fn merge(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError> {
        self.may_write("merge", kind, name).await?;
        self.store.merge(kind, namespace, name, patch).await
    }

    async fn merge_status(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError> {
        self.may_write("merge status", kind, name).await?;
        self.store.merge_status(kind, namespace, name, patch).await
    }

    async fn delete(&self, kind: &Kind, object: &Object) -> Result<(), StoreError> {
        self.may_write("delete", kind, object.name()).await?;
        self.store.delete(kind, object).await
    }

    async fn event(&self, about: &Object, event: &Event) -> Result<(), StoreError> {
        self.store.event(about, event).await
    }
}
