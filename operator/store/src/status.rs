use kube::Resource;
use kube::core::object::HasStatus;
use serde::Serialize;
use serde_json::json;

use crate::{Kind, Store, StoreError, merge_diff};

/// What became of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusWrite {
    /// It says the same already: nothing was written.
    Same,
    /// It was written.
    Written,
}

/// Writes the difference between an object's status and `status`, in one patch, or nothing.
///
/// # Errors
/// Those of the store.
pub async fn write_status<T, S>(
    store: &dyn Store,
    about: &T,
    status: &S,
) -> Result<StatusWrite, StoreError>
where
    T: Resource<DynamicType = ()> + HasStatus<Status = S>,
    S: Serialize + Sync,
{
    let json = |status: &S| {
        serde_json::to_value(status).map_err(|error| StoreError::Invalid(error.to_string()))
    };
    let old = about.status().map_or_else(|| Ok(json!({})), json)?;
    let new = json(status)?;
    let Some(patch) = merge_diff(&old, &new) else {
        return Ok(StatusWrite::Same);
    };
    store
        .merge_status(
            &Kind::of::<T>(),
            about.meta().namespace.as_deref(),
            about.meta().name.as_deref().unwrap_or_default(),
            &json!({ "status": patch }),
        )
        .await?;
    Ok(StatusWrite::Written)
}
