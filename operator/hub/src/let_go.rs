//! Everything let go of at once, without a hub: for whoever takes the operator away.

use commonwatt_api::{FINALIZER, ModelDeployment, SiteAssignment};
use commonwatt_store::{GivenBack, Kind, Object, Store, StoreError, amend};

/// Takes our finalizer off every ModelDeployment and Job of a hub's API server, so that they can be deleted without a
/// hub, and deletes its assignments. With `really` false nothing is written.
///
/// # Errors
/// When objects cannot be listed. What cannot be written is said of its object, and stops nothing else.
pub async fn let_everything_go(
    store: &dyn Store,
    really: bool,
) -> Result<Vec<GivenBack>, StoreError> {
    let mut all = Vec::new();
    let kinds = [
        (Kind::of::<SiteAssignment>(), true),
        (Kind::of::<ModelDeployment>(), false),
        (Kind::JOB, false),
    ];
    for (kind, ends) in kinds {
        for object in store.list(&kind, None).await? {
            if !ends && !object.finalizers().contains(&FINALIZER) {
                continue;
            }
            let done = match (ends, object.is_being_deleted()) {
                (true, _) => "deleted",
                (false, true) => "let go, and so deleted",
                (false, false) => "let go: it can be deleted without a hub",
            };
            let written = if really {
                let_go(store, &kind, &object, ends).await
            } else {
                Ok(())
            };
            all.push(GivenBack {
                object: format!(
                    "{kind} {}/{}",
                    object.namespace().unwrap_or_default(),
                    object.name()
                ),
                done: done.into(),
                failed: written.err().map(|error| error.to_string()),
            });
        }
    }
    Ok(all)
}

async fn let_go(
    store: &dyn Store,
    kind: &Kind,
    object: &Object,
    ends: bool,
) -> Result<(), StoreError> {
    let gone = |result| match result {
        Err(StoreError::NotFound(_)) => Ok(()),
        other => other,
    };
    let finalized = |now: &Object| {
        let ours = now.finalizers().contains(&FINALIZER);
        ours.then(|| now.without_finalizer(FINALIZER))
    };
    gone(amend(store, kind, object, finalized).await.map(drop))?;
    if !ends || object.is_being_deleted() {
        return Ok(());
    }
    // The finalizer's removal has changed it.
    gone(store.delete(kind, &object.at_any_version()).await)
}
