//! What the API server takes and what it refuses, by the rules of the definitions alone.

use commonwatt_harness::{ControlPlane, control_plane};
use commonwatt_manifests::read_manifests;

use crate::{Result, checkout, install_definitions};

#[test]
fn the_quickstart_and_the_profiles_are_accepted_whole_and_applying_them_again_changes_nothing()
-> Result {
    let plane = control_plane!("quickstart");
    install_definitions(&plane)?;
    for folder in ["deploy/examples/quickstart", "deploy/profiles"] {
        let path = checkout(folder).display().to_string();
        let apply = [
            "apply",
            "--server-side",
            "--recursive",
            "--filename",
            &path,
            "--output",
            "name",
        ];
        assert_eq!(read_manifests(&checkout(folder))?.refusals, [], "{folder}");
        let kustomized = ["apply", "--server-side", "--kustomize", &path];
        if checkout(folder).join("kustomization.yaml").exists() {
            plane.kubectl(kustomized).ok()?;
            continue;
        }
        let applied = plane.kubectl(apply).ok()?;
        let generations = generations(&plane)?;
        assert_eq!(plane.kubectl(apply).ok()?, applied);
        assert_eq!(
            self::generations(&plane)?,
            generations,
            "applying {folder} again changed something"
        );
        for (kind, count) in [
            ("sites", 5),
            ("gridsignals", 15),
            ("powerbudgets", 5),
            ("waterbudgets", 2),
            ("modeldeployments", 2),
            ("modelprofiles", 4),
            ("workloadadapters", 3),
            ("nodes", 12),
        ] {
            let names = plane
                .kubectl(["get", kind, "--all-namespaces", "--output", "name"])
                .ok()?;
            assert_eq!(names.lines().count(), count, "{kind}:\n{names}");
        }
    }
    Ok(())
}

/// Every object of ours and its generation.
fn generations(plane: &ControlPlane) -> Result<String> {
    let columns = "custom-columns=KIND:.kind,NAME:.metadata.name,GENERATION:.metadata.generation";
    Ok(plane
        .kubectl(["get", "commonwatt", "--all-namespaces", "--output", columns])
        .ok()?)
}

#[test]
fn an_epoch_never_goes_back_neither_by_force_nor_by_taking_the_spec_away() -> Result {
    let plane = control_plane!("epochs");
    install_definitions(&plane)?;
    plane.apply_yaml(&assignment("u", 5))?;
    plane.apply_yaml(&assignment("u", 5))?;
    plane.apply_yaml(&assignment("u", 6))?;
    for (manifest, said) in [
        (assignment("u", 5), "spec.epoch: Invalid value"),
        (assignment("u", 5), "the epoch never goes back"),
        (assignment("another", 7), "an assignment stays with its hub"),
    ] {
        let refusal = plane.apply_yaml(&manifest).expect_err("was accepted");
        assert!(refusal.to_string().contains(said), "{said:?}: {refusal}");
    }
    let patch = |patch: &str| {
        plane.kubectl([
            "patch",
            "siteassignment/chat",
            "--namespace=default",
            "--type=json",
            "--patch",
            patch,
        ])
    };
    let forced = patch(r#"[{"op": "replace", "path": "/spec/epoch", "value": 4}]"#);
    assert!(forced.stderr.contains("never goes back"), "{forced:?}");
    let emptied = patch(r#"[{"op": "remove", "path": "/spec"}]"#);
    assert!(
        emptied.stderr.contains("spec: Required value"),
        "{emptied:?}"
    );

    let head = |uid: &str, epoch: i64| {
        format!(
            "{{apiVersion: commonwatt.dev/v1alpha1, kind: PlanHead, metadata: {{name: hub}}, \
             spec: {{hubUid: {uid}, epoch: {epoch}, sequence: 0}}}}"
        )
    };
    plane.apply_yaml(&head("u", 3))?;
    for (manifest, said) in [
        (head("u", 2), "the epoch never goes back"),
        (head("v", 3), "a hub's uid never changes"),
    ] {
        let refusal = plane.apply_yaml(&manifest).expect_err("was accepted");
        assert!(refusal.to_string().contains(said), "{said:?}: {refusal}");
    }
    Ok(())
}

fn assignment(hub: &str, epoch: i64) -> String {
    format!(
        "
apiVersion: commonwatt.dev/v1alpha1
kind: SiteAssignment
metadata: {{name: chat, namespace: default}}
spec:
  site: a
  hub: {{name: hub, uid: {hub}}}
  epoch: {epoch}
  sequence: 1
  offerRevision: 1
  mode: Advise
  subject: {{kind: Job, namespace: models, name: j, uid: k}}
  priority: 0
  workload: {{variant: v, adapter: job, product: p, accelerators: 1, watts: 1}}
  schedule: [{{start: '2023-06-05T00:00:00Z', min: 0, max: 1}}]
  reason: because
"
    )
}

#[test]
fn every_kind_and_field_explains_itself_and_has_a_bound() -> Result {
    let plane = control_plane!("explain");
    install_definitions(&plane)?;
    let names = plane
        .kubectl([
            "api-resources",
            "--api-group=commonwatt.dev",
            "--output=name",
        ])
        .ok()?;
    assert_eq!(names.lines().count(), 15, "{names}");
    for name in names.lines() {
        let explained = plane
            .kubectl([
                "explain",
                &format!("{name}.spec").replace(".commonwatt.dev", ""),
            ])
            .ok()?;
        assert!(!explained.contains("<empty>"), "{explained}");
    }
    let definitions = plane
        .kubectl(["get", "customresourcedefinitions", "--output=json"])
        .json()?;
    let mut wrong = Vec::new();
    for definition in definitions["items"].as_array().ok_or("no list")? {
        let kind = definition["spec"]["names"]["kind"]
            .as_str()
            .unwrap_or_default();
        let schema =
            &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        unbounded(&format!("{kind}.spec"), schema, &mut wrong);
    }
    assert!(wrong.is_empty(), "without a bound or a word: {wrong:#?}");
    Ok(())
}

/// Strings, lists and maps without a bound, and fields without a description.
fn unbounded(path: &str, schema: &serde_json::Value, wrong: &mut Vec<String>) {
    let bound = match schema["type"].as_str() {
        Some("string") if schema["enum"].is_null() => "maxLength",
        Some("array") => "maxItems",
        Some("object") if !schema["additionalProperties"].is_null() => "maxProperties",
        _ => "type",
    };
    let free = schema["x-kubernetes-int-or-string"] == true;
    if schema[bound].is_null() && !free {
        wrong.push(format!("{path}: {bound}"));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if field["description"].is_null() {
            wrong.push(format!("{path}: description"));
        }
        unbounded(&path, field, wrong);
    }
    for part in ["items", "additionalProperties"] {
        if schema[part].is_object() {
            unbounded(&format!("{path}[]"), &schema[part], wrong);
        }
    }
}
