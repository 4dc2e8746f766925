//! What runs at a site and could be adopted.

use commonwatt_api::RunningWorkload;
use commonwatt_store::Object;

use crate::inventory::{PRODUCT_LABEL, accelerators_of};
use crate::stage::Stage;
use crate::workload::observe;

/// Accelerator workloads in namespaces mapped to a hub that are not admitted: what could be adopted.
pub(crate) fn running(stage: &Stage<'_>, hub: &str) -> Vec<RunningWorkload> {
    let Some(share) = stage.site.spec.hubs.iter().find(|share| share.name == hub) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, adapter) in &stage.seen.adapters {
        let Some(template_path) =
            Some(&adapter.spec.pod_template_path).filter(|_| adapter.spec.replicas_path.is_some())
        else {
            continue;
        };
        for object in stage
            .seen
            .workloads
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
        {
            let pair = share
                .namespace_map
                .iter()
                .find(|pair| Some(pair.site.as_str()) == object.namespace());
            let Some(pair) = pair.filter(|_| !is_admitted(stage, object)) else {
                continue;
            };
            let Some(spec) = object.at(template_path).map(|template| &template["spec"]) else {
                continue;
            };
            let accelerators = accelerators_of(spec);
            let Some(product) = spec["nodeSelector"][PRODUCT_LABEL]
                .as_str()
                .filter(|_| accelerators > 0)
            else {
                continue;
            };
            found.push(RunningWorkload {
                adapter: name.clone(),
                namespace: pair.hub.clone(),
                name: object.name().to_owned(),
                replicas: i64::from(observe(adapter, object, &[], false).wanted),
                product: product.to_owned(),
                accelerators: i64::from(accelerators),
            });
        }
    }
    found.truncate(256);
    found
}

fn is_admitted(stage: &Stage<'_>, object: &Object) -> bool {
    stage.records.values().any(|record| {
        let at = &record.spec.object;
        Some(at.namespace.as_str()) == object.namespace() && at.name == object.name()
    })
}
