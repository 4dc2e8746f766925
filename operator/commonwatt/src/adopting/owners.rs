//! Who else decides over a workload, and what that means for adopting it.

use commonwatt_store::Object;

/// Sentences for the head of the YAML; none where nobody else decides.
pub fn sentences(workload: &Object, autoscalers: &[Object]) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(autoscaler) = scaled_by(workload, autoscalers) {
        let bound = |field: &str| {
            let bound = autoscaler.0["spec"][field].as_i64();
            bound.map_or("1".into(), |bound| bound.to_string())
        };
        let enforced = match autoscaler.controlled_by() {
            Some(owner) => format!(
                "{owner} made it and would set its bounds back: in Enforce this would stay advice (FieldOwnedByOther)."
            ),
            None => "In Enforce these bounds are set and never the replicas; deleted, this gives them back.".into(),
        };
        said.push(format!(
            "The HorizontalPodAutoscaler {} scales it between {} and {} replicas. {enforced}",
            autoscaler.name(),
            bound("minReplicas"),
            bound("maxReplicas"),
        ));
    }
    if let Some((tool, name)) = git(workload) {
        said.push(format!(
            "{tool} ({name}) applies it. While it sets spec.replicas, it would put back what is written there: take replicas out \
             of that manifest (or let {tool} ignore the field) before Enforce. In Advise nothing is written."
        ));
    }
    if let Some(release) = workload.annotation("meta.helm.sh/release-name") {
        said.push(format!(
            "Helm's release {release} made it. An upgrade that sets replicas would take them back: leave them out of the chart's \
             values before Enforce."
        ));
    }
    let managers = workload.foreign_managers("spec.replicas");
    if !managers.is_empty() {
        said.push(format!(
            "The field spec.replicas is owned by {} (metadata.managedFields). In Enforce this would stay advice \
             (FieldOwnedByOther) until that gives the field up.",
            managers.join(", ")
        ));
    }
    said
}

/// The autoscaler that names it as its target.
pub fn scaled_by<'a>(workload: &Object, autoscalers: &'a [Object]) -> Option<&'a Object> {
    autoscalers.iter().find(|autoscaler| {
        let target = &autoscaler.0["spec"]["scaleTargetRef"];
        target["kind"] == workload.kind() && target["name"] == workload.name()
    })
}

/// The tool that applies it from Git, and what it calls it.
fn git(workload: &Object) -> Option<(&'static str, String)> {
    let labels = [
        ("Argo CD", "argocd.argoproj.io/instance"),
        ("Flux", "kustomize.toolkit.fluxcd.io/name"),
        ("Flux", "helm.toolkit.fluxcd.io/name"),
    ];
    let by_label = labels
        .iter()
        .find_map(|(tool, label)| Some((*tool, workload.label(label)?.to_owned())));
    by_label.or_else(|| {
        let tracked = workload.annotation("argocd.argoproj.io/tracking-id")?;
        let name = tracked.split(':').next().unwrap_or_default();
        Some(("Argo CD", name.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn said(metadata: Value, autoscalers: &[Object]) -> String {
        let workload = Object(json!({ "kind": "Deployment", "metadata": metadata }));
        sentences(&workload, autoscalers).join("\n")
    }

    #[test]
    fn whoever_else_decides_over_replicas_is_named_with_what_it_means() {
        let mut autoscaler = Object(json!({
            "metadata": { "name": "chat-scaler" },
            "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "chat" }, "minReplicas": 2, "maxReplicas": 9 },
        }));
        let scaled = said(json!({ "name": "chat" }), std::slice::from_ref(&autoscaler));
        assert!(scaled.contains("chat-scaler") && scaled.contains("between 2 and 9"));
        assert!(scaled.contains("these bounds are set"), "{scaled}");
        assert_eq!(
            said(
                json!({ "name": "other" }),
                std::slice::from_ref(&autoscaler)
            ),
            ""
        );
        autoscaler.0["metadata"]["ownerReferences"] =
            json!([{ "kind": "ScaledObject", "name": "chat", "controller": true }]);
        let of_keda = said(json!({ "name": "chat" }), &[autoscaler]);
        assert!(of_keda.contains("ScaledObject chat made it"), "{of_keda}");
        let labelled =
            |label: &str| said(json!({ "name": "chat", "labels": { label: "web" } }), &[]);
        assert!(labelled("argocd.argoproj.io/instance").contains("Argo CD (web)"));
        assert!(labelled("kustomize.toolkit.fluxcd.io/name").contains("Flux (web)"));
        let annotated = |key: &str, value: &str| {
            said(
                json!({ "name": "chat", "annotations": { key: value } }),
                &[],
            )
        };
        let tracked = annotated(
            "argocd.argoproj.io/tracking-id",
            "web:apps/Deployment:models/chat",
        );
        assert!(tracked.contains("Argo CD (web)"), "{tracked}");
        assert!(annotated("meta.helm.sh/release-name", "rel").contains("Helm's release rel"));
        let managed = said(
            json!({ "name": "chat", "managedFields": [
                { "manager": "argocd-controller", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
            ] }),
            &[],
        );
        assert!(managed.contains("owned by argocd-controller"), "{managed}");
    }
}
