use std::sync::Arc;

use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Kind, Object, Store, StoreError};

/// Objects of a kind: those that could be read, and those that could not.
#[derive(Debug)]
pub struct Listed<T> {
    /// Read.
    pub objects: Vec<Arc<T>>,
    /// Not read; they stop nothing else.
    pub malformed: Vec<Malformed>,
}

/// An object that its type does not fit, and why.
#[derive(Debug, Clone)]
pub struct Malformed {
    /// The object as it is.
    pub object: Arc<Object>,
    /// What does not fit.
    pub why: String,
}

/// Lists a derived kind.
///
/// # Errors
/// Those of the store. An object that does not fit its type is no error: it is in [`Listed::malformed`].
pub async fn list<T>(store: &dyn Store, namespace: Option<&str>) -> Result<Listed<T>, StoreError>
where
    T: Resource<DynamicType = ()> + DeserializeOwned + Serialize + Send + Sync + 'static,
{
    let mut listed = Listed {
        objects: Vec::new(),
        malformed: Vec::new(),
    };
    for held in store.held(&Kind::of::<T>(), namespace).await? {
        match held.typed() {
            Ok(typed) => listed.objects.push(typed),
            Err(malformed) => listed.malformed.push(malformed),
        }
    }
    Ok(listed)
}

/// Copies of what a store goes on holding: for a command that looks once.
pub fn owned<T: Clone>(shared: Vec<Arc<T>>) -> Vec<T> {
    shared.into_iter().map(Arc::unwrap_or_clone).collect()
}

/// One object of a derived kind, as it is now.
///
/// # Errors
/// Those of the store, and [`StoreError::Invalid`] when it does not fit its type.
pub async fn get<T>(
    store: &dyn Store,
    namespace: Option<&str>,
    name: &str,
) -> Result<Option<T>, StoreError>
where
    T: Resource<DynamicType = ()> + DeserializeOwned,
{
    let Some(object) = store.get(&Kind::of::<T>(), namespace, name).await? else {
        return Ok(None);
    };
    serde_json::from_value(object.0)
        .map(Some)
        .map_err(|error| StoreError::Invalid(format!("{name}: {error}")))
}

/// A derived object as JSON, with its API version and kind.
///
/// # Errors
/// [`StoreError::Invalid`] when it cannot be written as JSON.
pub fn to_object<T>(typed: &T) -> Result<Object, StoreError>
where
    T: Resource<DynamicType = ()> + Serialize,
{
    let mut value =
        serde_json::to_value(typed).map_err(|error| StoreError::Invalid(error.to_string()))?;
    let kind = Kind::of::<T>();
    value["apiVersion"] = kind.api_version().into();
    value["kind"] = kind.kind.into();
    Ok(Object(value))
}
