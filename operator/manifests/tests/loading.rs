//! What a directory of manifests gives, whatever is in it.

use std::path::Path;

use commonwatt_manifests::{read_manifests, read_text};
use proptest::prelude::*;

fn said(text: &str) -> Vec<String> {
    let read = read_text(Path::new("a.yaml"), text).expect("the definitions are schemas");
    read.refusals.iter().map(ToString::to_string).collect()
}

#[test]
fn the_examples_are_accepted_whole() {
    for folder in ["examples/quickstart", "profiles", "adapters"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../deploy")
            .join(folder);
        let read = read_manifests(&path).expect("it can be read");
        assert_eq!(read.refusals, [], "{folder}");
        assert!(!read.objects.is_empty(), "{folder} is empty");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_what_is_right_is_kept() {
    let text = "\
apiVersion: v1
kind: Namespace
metadata: {name: models}
---
apiVersion: commonwatt.dev/v1alpha1
kind: PowerBudget
metadata: {name: hall}
spec: {site: a, boundary: Rack, limit: 900kW, unmanaged: 0}
---
apiVersion: [
---
apiVersion: commonwatt.dev/v1alpha1
kind: GridEvent
metadata: {name: drill}
spec: {site: a, purpose: Drill, start: '2023-06-05T17:00:00Z', durationSeconds: 60, rampSeconds: 61, targetWatts: 1k}
";
    let read = read_text(Path::new("a.yaml"), text).expect("the definitions are schemas");
    assert_eq!(read.objects.len(), 1);
    let said = said(text);
    for expected in [
        "a.yaml:5: PowerBudget/hall: spec.boundary: Unsupported value: \"Rack\": supported values: \"IT\", \"Facility\"; use one of them",
        "a.yaml:5: PowerBudget/hall: spec.unmanaged: unknown field; take it out, or look it up with kubectl explain",
        "a.yaml:5: PowerBudget/hall: spec.unmanagedWatts: Required value; add it: ",
        "a.yaml:5: PowerBudget/hall: spec.limit: Invalid value: \"900kW\": should match ",
        "a.yaml:10: document 3: no YAML: ",
        "a.yaml:12: GridEvent/drill: spec.rampSeconds: the ramp is longer than the event; shorten it",
    ] {
        assert!(
            said.iter().any(|said| said.starts_with(expected)),
            "{expected}\n{said:#?}"
        );
    }
    assert_eq!(said.len(), 6, "{said:#?}");
}

#[test]
fn every_item_of_a_list_is_an_object_of_its_own() {
    let read = read_text(
        Path::new("a.yaml"),
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Namespace, metadata: {name: a}}, 5]}",
    )
    .expect("the definitions are schemas");
    assert_eq!(read.objects.len(), 1);
    assert_eq!(read.refusals.len(), 1);
}

#[test]
fn names_of_labels_of_annotations_and_of_namespaces_are_judged_too() {
    let said = said(
        "\
{apiVersion: v1, kind: ConfigMap, metadata: {name: right, labels: {example.com/a: b}, annotations: {example.com/a_b.c: 'd e'}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a b: c}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, annotations: {a/b/c: d}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: b.c}}
",
    );
    for (index, expected) in [
        "a.yaml:3: ConfigMap/default/a: metadata.labels: Invalid value: \"a b\": name part must consist of",
        "a.yaml:5: ConfigMap/default/b: metadata.annotations: Invalid value: \"a/b/c\": ",
        "a.yaml:7: Namespace/b.c: metadata.name: Invalid value: \"b.c\": must not contain dots",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(said[index].starts_with(expected), "{said:#?}");
    }
    assert_eq!(said.len(), 3, "{said:#?}");
}

/// YAML that may mean something: names that are known, values of every type, at any depth.
fn yaml() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::{Value, json};
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[ -~]{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("900k"),
            Just("17:30"),
            Just("a"),
            Just("Price"),
            Just("2023-06-05T17:00:00Z"),
            Just("9999999999999999999999")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let name = prop_oneof![
            Just("limit"),
            Just("windows"),
            Just("start"),
            Just("end"),
            Just("hubs"),
            Just("sharePercent"),
            Just("demand"),
            Just("source"),
            Just("static"),
            Just("values"),
            Just("points"),
            Just("variants"),
            Just("name"),
            Just("epoch"),
            Just("schedule"),
            Just("template"),
            Just("spec"),
            Just("labels"),
            Just("containers"),
            Just("é.["),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..5).prop_map(|map| map
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_brings_the_reader_down(text in "\\PC{0,200}|[-:#\\[\\]{}&*!|>'\"%@`?, \na-z0-9.]{0,200}") {
        said(&text);
    }

    #[test]
    fn no_object_brings_the_judges_down(
        kind in prop_oneof![
            Just("Site"), Just("PowerBudget"), Just("GridSignal"), Just("ModelDeployment"), Just("ModelProfile"),
            Just("SiteAssignment"), Just("PlanHead"), Just("Deployment"), Just("Job"), Just("Node"),
        ],
        metadata in yaml(),
        spec in yaml(),
        again in yaml(),
    ) {
        let version = match kind { "Deployment" => "apps/v1", "Job" => "batch/v1", "Node" => "v1", _ => "commonwatt.dev/v1alpha1" };
        let object = |metadata: &serde_json::Value, spec: &serde_json::Value| {
            serde_json::json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec }).to_string()
        };
        let named = serde_json::json!({ "name": "a" });
        said(&format!("{}\n---\n{}\n---\n{}", object(&metadata, &spec), object(&named, &spec), object(&named, &again)));
    }
}

/// Bytes that are no text at all.
#[test]
fn a_file_that_is_no_text_is_refused_and_the_next_is_read() {
    let folder = std::env::temp_dir().join(format!("commonwatt-manifests-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("a.yaml"), [0xff, 0xfe, 0x00]).expect("written");
    std::fs::write(
        folder.join("b.yaml"),
        "{apiVersion: v1, kind: Namespace, metadata: {name: a}}",
    )
    .expect("written");
    let read = read_manifests(&folder);
    std::fs::remove_dir_all(&folder).expect("removed");
    let read = read.expect("it can be read");
    assert_eq!(read.objects.len(), 1);
    assert!(
        read.refusals[0].to_string().contains("save it as UTF-8"),
        "{:?}",
        read.refusals
    );
}
