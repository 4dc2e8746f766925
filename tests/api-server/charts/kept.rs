//! What people have written stays, whatever Helm does with the charts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use commonwatt_harness::{ControlPlane, control_plane};
use serde_json::Value;

use super::{NAMESPACE, chart, install};
use crate::operator::fleet::manifest;
use crate::{Result, checkout};

/// The definitions' chart as it was before Sites had `spec.latencies`.
fn write_older_chart(folder: &Path) -> Result {
    let today = checkout("charts/commonwatt-crds");
    fs::create_dir(folder.join("templates"))?;
    for name in ["Chart.yaml", "values.yaml", "values.schema.json"] {
        fs::copy(today.join(name), folder.join(name))?;
    }
    for entry in fs::read_dir(today.join("templates"))? {
        let path = entry?.path();
        let mut definition: Value = serde_saphyr::from_str(&fs::read_to_string(&path)?)?;
        if definition["spec"]["names"]["kind"] == "Site" {
            let spec =
                "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties".to_owned();
            let fields = definition.pointer_mut(&spec).and_then(Value::as_object_mut);
            let latencies = fields.and_then(|fields| fields.remove("latencies"));
            assert!(latencies.is_some(), "the definition has changed");
        }
        let name = path.file_name().ok_or("a file without a name")?;
        fs::write(folder.join("templates").join(name), definition.to_string())?;
    }
    Ok(())
}

/// Every object of ours that people write, and the Deployment that serves: who it is and what it says.
fn objects(plane: &ControlPlane) -> Result<BTreeMap<String, [Value; 3]>> {
    let kinds = ["get", "commonwatt,deployments", "--all-namespaces"];
    let all = plane
        .kubectl(kinds.iter().chain(&["--output=json"]))
        .json()?;
    let items = all["items"].as_array().cloned().unwrap_or_default();
    // Adapters are data without which nothing is touched; they come and go with the operator, as its own Deployment does.
    let kept = items.iter().filter(|object| {
        object["kind"] != "WorkloadAdapter" && object["metadata"]["namespace"] != NAMESPACE
    });
    Ok(kept
        .map(|object| {
            let metadata = &object["metadata"];
            let says = [&metadata["uid"], &metadata["generation"], &object["spec"]];
            (
                format!("{} {}", object["kind"], metadata["name"]),
                says.map(Value::clone),
            )
        })
        .collect())
}

#[test]
fn objects_and_what_serves_outlive_an_upgrade_of_the_charts_their_uninstallation_and_the_next_installation()
-> Result {
    let plane = control_plane!("kept");
    let older = tempfile::tempdir()?;
    write_older_chart(older.path())?;
    let definitions = |verb: &str, path: &str| plane.helm([verb, "definitions", path, "--wait"]);
    definitions("install", &older.path().display().to_string()).ok()?;
    install(&plane, "commonwatt", &["replicas=0".to_owned()]).ok()?;

    let words = [("$SITE", "north"), ("$LAW", "SE"), ("$ZONE", "SE")];
    let words = [&words[..], &[("$PRICE", "30"), ("$CARBON", "40")]].concat();
    let site = manifest("site.yaml", &words)?;
    let newer = "  latencies: [{origin: town, p95Milliseconds: 20}]\n";
    let without = site.replace(newer, "");
    assert_ne!(site, without, "the manifest has changed");
    plane.apply_yaml(&without)?;
    let refused = plane.apply_yaml(&site).err().map(|error| error.to_string());
    assert!(
        refused.is_some_and(|error| error.contains("latencies")),
        "the older definition knows the field"
    );
    let profile = checkout("deploy/profiles/llama-3.1-8b-h100.yaml");
    plane.apply_yaml(&fs::read_to_string(profile)?)?;
    let serving = [
        "create",
        "deployment",
        "chat",
        "--image=chat",
        "--replicas=0",
    ];
    plane.kubectl(serving).ok()?;
    let before = objects(&plane)?;
    assert_eq!(before.len(), 6, "{:?}", before.keys());

    definitions("upgrade", &chart("commonwatt-crds")).ok()?;
    install(&plane, "commonwatt", &["replicas=0".to_owned()]).ok()?;
    assert_eq!(objects(&plane)?, before);
    plane.apply_yaml(&site)?;
    let before = objects(&plane)?;
    assert!(before["\"Site\" \"north\""][2]["latencies"].is_array());

    let operator = [
        "uninstall",
        "commonwatt",
        "--namespace",
        NAMESPACE,
        "--wait",
    ];
    plane.helm(operator).ok()?;
    let adapters = plane
        .kubectl(["get", "workloadadapters", "--output=name"])
        .ok()?;
    assert_eq!(adapters, "");
    let said = plane.helm(["uninstall", "definitions", "--wait"]).ok()?;
    assert!(said.contains("kept"), "{said}");
    let left = plane
        .kubectl(["get", "customresourcedefinitions", "--output=name"])
        .ok()?;
    assert_eq!(left.lines().count(), 15, "{left}");
    assert_eq!(objects(&plane)?, before);

    definitions("install", &chart("commonwatt-crds")).ok()?;
    install(&plane, "commonwatt", &["replicas=0".to_owned()]).ok()?;
    assert_eq!(objects(&plane)?, before);
    Ok(())
}
