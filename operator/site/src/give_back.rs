//! Everything given back at once, without an agent: for whoever takes the operator away.

use std::collections::BTreeMap;

use commonwatt_api::{AdmissionRecord, DeletionPolicy, SubjectKind, WorkloadAdapter};
use commonwatt_store::{GivenBack, Kind, Object, Store, StoreError, list, owned};
use serde_json::json;

use crate::dereference::kind_of;
use crate::local_jobs::SUSPENDED_BY;
use crate::release::{Release, delete_record};
use crate::workload::{control_path, observe};

/// Gives back whatever is on record on a site's API server, and resumes what was suspended there. Adopted workloads get
/// back what they had; what the agent created is left as it is. `shipped` are adapters for records whose own is gone, as
/// after an uninstallation of the chart. With `really` false nothing is written.
///
/// # Errors
/// When the records cannot be read. What cannot be written is said of its object, and stops nothing else.
pub async fn give_everything_back(
    store: &dyn Store,
    shipped: &[WorkloadAdapter],
    really: bool,
) -> Result<Vec<GivenBack>, StoreError> {
    let mut adapters: BTreeMap<String, WorkloadAdapter> = BTreeMap::new();
    let installed = owned(list::<WorkloadAdapter>(store, None).await?.objects);
    for adapter in shipped.iter().cloned().chain(installed) {
        adapters.insert(adapter.metadata.name.clone().unwrap_or_default(), adapter);
    }
    let mut given = Vec::new();
    for record in list::<AdmissionRecord>(store, None).await?.objects {
        given.push(give_back(store, &adapters, &record, really).await);
    }
    for job in store.list(&Kind::JOB, None).await? {
        if job.annotation(SUSPENDED_BY).is_some() {
            given.push(resume(store, &job, really).await);
        }
    }
    Ok(given)
}

async fn give_back(
    store: &dyn Store,
    adapters: &BTreeMap<String, WorkloadAdapter>,
    record: &AdmissionRecord,
    really: bool,
) -> GivenBack {
    let spec = &record.spec;
    let at = &spec.object;
    let mut given = GivenBack {
        object: format!("{} {}/{}", spec.workload.adapter, at.namespace, at.name),
        done: String::new(),
        failed: None,
    };
    let adapter = adapters.get(&spec.workload.adapter);
    let path = adapter.and_then(|adapter| control_path(adapter, spec.subject.kind));
    let (Some(adapter), Some(path)) = (adapter, path) else {
        let name = &spec.workload.adapter;
        given.failed = Some(format!(
            "WorkloadAdapter {name} says where its replicas are and is gone: apply it again"
        ));
        return given;
    };
    let kind = kind_of(adapter);
    given.object = format!("{kind} {}/{}", at.namespace, at.name);
    let result = async {
        let found = store.get(&kind, Some(&at.namespace), &at.name).await?;
        let autoscaler = match &spec.autoscaler {
            Some(known) => store
                .get(&Kind::AUTOSCALER, Some(&at.namespace), &known.name)
                .await?
                .filter(|found| found.uid() == known.uid),
            None => None,
        };
        let job = spec.subject.kind == SubjectKind::Job;
        let observed = found
            .as_ref()
            .map(|found| observe(adapter, found, &[], job));
        let release = Release {
            store,
            kind: &kind,
            record,
            path,
            found: found.as_ref(),
            autoscaler: autoscaler.as_ref(),
            observed: observed.unwrap_or_default(),
        };
        let done = release.in_words();
        if really {
            release.give_back(DeletionPolicy::Orphan).await?;
            delete_record(store, record).await?;
        }
        Ok::<_, StoreError>(done)
    };
    match result.await {
        Ok(done) => given.done = done,
        Err(error) => given.failed = Some(error.to_string()),
    }
    given
}

async fn resume(store: &dyn Store, job: &Object, really: bool) -> GivenBack {
    let patch = json!({
        "metadata": { "annotations": { SUSPENDED_BY: null } }, "spec": { "suspend": false },
    });
    let written = if really {
        store
            .merge(&Kind::JOB, job.namespace(), job.name(), &patch)
            .await
            .map(drop)
    } else {
        Ok(())
    };
    GivenBack {
        object: format!("Job {}/{}", job.namespace().unwrap_or_default(), job.name()),
        done: "resumed".into(),
        failed: written.err().map(|error| error.to_string()),
    }
}
