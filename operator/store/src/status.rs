use kube::Resource;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Kind, Store, StoreError, merge_diff, to_object};

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
    T: Resource<DynamicType = ()> + Serialize,
    S: Serialize + Sync,
{
    let object = to_object(about)?;
    let old = object.0.get("status").cloned().unwrap_or_else(|| json!({}));
    let new: Value =
        serde_json::to_value(status).map_err(|error| StoreError::Invalid(error.to_string()))?;
    let Some(patch) = merge_diff(&old, &new) else {
        return Ok(StatusWrite::Same);
    };
    store
        .merge_status(
            &Kind::of::<T>(),
            object.namespace(),
            object.name(),
            &json!({ "status": patch }),
        )
        .await?;
    Ok(StatusWrite::Written)
}
