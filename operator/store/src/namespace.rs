use crate::{Kind, Object, Store, StoreError};

/// Applies an object, making its namespace first where that is not there yet. The namespace is created and not applied:
/// an account that may patch namespaces could loosen what guards any of them.
///
/// # Errors
/// Those of the store. Where the namespace is missing and may not be made, that is what the error says.
pub async fn apply_in_namespace(
    store: &dyn Store,
    kind: &Kind,
    object: &Object,
) -> Result<Object, StoreError> {
    let missing = match store.apply(kind, object).await {
        Err(StoreError::NotFound(missing)) => missing,
        other => return other,
    };
    let name = object.namespace().unwrap_or_default();
    let namespace = Object::new(&Kind::NAMESPACE, None, name);
    match store.create(&Kind::NAMESPACE, &namespace).await {
        // A conflict: somebody else was faster.
        Ok(_) | Err(StoreError::Conflict(_)) => store.apply(kind, object).await,
        Err(StoreError::Forbidden(why)) => Err(StoreError::NotFound(format!(
            "{missing}, and it may not be made: {why}; who runs that cluster has to create it"
        ))),
        Err(error) => Err(error),
    }
}
