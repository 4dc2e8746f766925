use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::{Held, Kind, Object};

/// Why an API server did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The object, or its kind, is not there.
    #[error("not found: {0}")]
    NotFound(String),
    /// It is there already, or it is not the one that was meant (uid or resource version differ).
    #[error("conflict: {0}")]
    Conflict(String),
    /// Not allowed.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// The API server found it wrong.
    #[error("invalid: {0}")]
    Invalid(String),
    /// No answer, or not one that makes sense. Trying again later may help.
    #[error("unreachable: {0}")]
    Unreachable(String),
}

impl StoreError {
    /// One word for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NotFound",
            Self::Conflict(_) => "Conflict",
            Self::Forbidden(_) => "Forbidden",
            Self::Invalid(_) => "Invalid",
            Self::Unreachable(_) => "Unreachable",
        }
    }
}

/// How an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// For information.
    Normal,
    /// Something a person should look at.
    Warning,
}

/// Something that happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// How it is shown.
    pub type_: EventType,
    /// Why, in a word.
    pub reason: String,
    /// Why, with numbers.
    pub message: String,
}

/// An API server.
#[async_trait]
pub trait Store: Send + Sync {
    /// All objects of a kind, in one namespace or in all. May come from a watch that is a moment behind, but never
    /// behind this store's own writes. A kind that the server does not know is an empty list.
    async fn held(&self, kind: &Kind, namespace: Option<&str>) -> Result<Vec<Held>, StoreError>;

    /// The same as JSON.
    async fn list(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Arc<Object>>, StoreError> {
        let held = self.held(kind, namespace).await?;
        held.iter().map(Held::object).collect()
    }

    /// One object as it is now.
    async fn get(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Object>, StoreError>;

    /// Server-side apply as our field manager, taking fields over. With `metadata.uid` it updates that object only;
    /// without, it creates what is not there.
    async fn apply(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError>;

    /// Creates what is not there; a conflict where it is.
    async fn create(&self, kind: &Kind, object: &Object) -> Result<Object, StoreError>;

    /// Merge patch; with a resource version inside, only if that is still current.
    async fn merge(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError>;

    /// Merge patch of the status.
    async fn merge_status(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Object, StoreError>;

    /// Deletes this very object: its uid and resource version are preconditions.
    async fn delete(&self, kind: &Kind, object: &Object) -> Result<(), StoreError>;

    /// Records an event about an object. The same event again within a while is counted, not repeated.
    async fn event(&self, about: &Object, event: &Event) -> Result<(), StoreError>;
}
