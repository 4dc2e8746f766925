use serde_json::Value;

use crate::{Kind, Object, Store, StoreError};

/// How often an object is read again when others are faster.
const TRIES: usize = 5;

/// Patches an object by what it is now: `change` gives a patch that carries the version it was made for, or nothing when
/// there is nothing to change. Somebody else's write in between is no failure: the object is read again. True when it was
/// written.
///
/// # Errors
/// Those of the store; a conflict only when others were faster time after time.
pub async fn amend(
    store: &dyn Store,
    kind: &Kind,
    object: &Object,
    change: impl Fn(&Object) -> Option<Value>,
) -> Result<bool, StoreError> {
    let (namespace, name) = (object.namespace(), object.name());
    let mut tries = 0;
    loop {
        let now = store.get(kind, namespace, name).await?;
        let now = now.filter(|now| now.uid() == object.uid());
        let Some(patch) = now.as_ref().and_then(&change) else {
            return Ok(false);
        };
        tries += 1;
        match store.merge(kind, namespace, name, &patch).await {
            Err(StoreError::Conflict(_)) if tries < TRIES => {}
            written => return written.map(|_| true),
        }
    }
}
