//! What comes of objects when something is changed, and what is said when it cannot be.

use std::path::Path;

use commonwatt_manifests::{ChangeError, Changing, Set, read_text};
use commonwatt_store::Object;
use serde_json::json;

const FLEET: &str = "\
apiVersion: commonwatt.dev/v1alpha1
kind: PowerBudget
metadata: {name: feeder-a}
spec: {site: hall, boundary: IT, limit: 800k, unmanagedWatts: 0}
---
apiVersion: commonwatt.dev/v1alpha1
kind: PowerBudget
metadata: {name: feeder-a.b}
spec: {site: hall, boundary: IT, limit: 700k, unmanagedWatts: 0}
---
apiVersion: v1
kind: Namespace
metadata: {name: models}
---
apiVersion: commonwatt.dev/v1alpha1
kind: PlacementPolicy
metadata: {name: standard}
spec: {currency: EUR, carbonPerTonne: '80', waterPerCubicMeter: '2', unservedPerMillionTokens: '50', moveCost: '1', dwellSeconds: 0, movesPerHour: 5}
";

fn fleet() -> Changing {
    let read = read_text(Path::new("fleet.yaml"), FLEET).expect("the definitions are schemas");
    assert_eq!(read.refusals, []);
    Changing::new(read.objects).expect("the definitions are schemas")
}

fn said(errors: &[ChangeError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

/// The objects after settings, or what is wrong.
fn with(sets: &[&str]) -> Result<Vec<Object>, Vec<String>> {
    let mut changing = fleet();
    for typed in sets {
        match typed.parse::<Set>() {
            Ok(set) => changing.set(&set),
            Err(error) => changing.errors.push(error),
        }
    }
    match changing.errors.as_slice() {
        [] => Ok(changing.into_objects()),
        errors => Err(said(errors)),
    }
}

fn patched(text: &str) -> Result<Vec<Object>, Vec<String>> {
    let mut changing = fleet();
    changing.merge(Path::new("patch.yaml"), text);
    match changing.errors.as_slice() {
        [] => Ok(changing.into_objects()),
        errors => Err(said(errors)),
    }
}

#[test]
fn one_field_is_set_under_any_name_that_kubectl_knows_the_kind_by() {
    for kind in [
        "powerbudget",
        "PowerBudget",
        "powerbudgets",
        "powerbudgets.commonwatt.dev",
    ] {
        let set = format!("{kind}/feeder-a.spec.limit=900k");
        let objects = with(&[&set]).expect(&set);
        assert_eq!(objects[0].at("spec.limit"), Some(&json!("900k")), "{kind}");
        assert_eq!(objects[1].at("spec.limit"), Some(&json!("700k")), "{kind}");
    }
}

#[test]
fn of_names_with_dots_the_longest_is_meant() {
    let objects = with(&["powerbudget/feeder-a.b.spec.limit=900k"]).expect("set");
    assert_eq!(objects[0].at("spec.limit"), Some(&json!("800k")));
    assert_eq!(objects[1].at("spec.limit"), Some(&json!("900k")));
}

#[test]
fn values_are_read_as_kubectl_reads_them_and_are_text_where_the_field_is() {
    let objects = with(&[
        "powerbudget/feeder-a.spec.limit=900000",
        "powerbudget/feeder-a.spec.rampSeconds=60",
        "placementpolicy/standard.spec.carbonPerTonne=150",
        "placementpolicy/standard.spec.moveCost='2'",
        r"namespace/models.metadata.labels.team\.dev/owner=a",
    ])
    .expect("set");
    assert_eq!(objects[0].at("spec.limit"), Some(&json!(900_000)));
    assert_eq!(objects[0].at("spec.rampSeconds"), Some(&json!(60)));
    assert_eq!(objects[3].at("spec.carbonPerTonne"), Some(&json!("150")));
    assert_eq!(objects[3].at("spec.moveCost"), Some(&json!("2")));
    assert_eq!(objects[2].label("team.dev/owner"), Some("a"));
}

#[test]
fn what_cannot_be_set_names_what_was_probably_meant_and_all_of_it_is_said_at_once() {
    let errors = with(&[
        "powerbudget/feeder-a.spec.limits=900k",
        "powerbudget/feder-a.spec.limit=900k",
        "powerbudgt/feeder-a.spec.limit=900k",
        "gridevent/drill.spec.targetWatts=1k",
        "powerbudget/feeder-a.spec.limit=900kW",
        "powerbudget/feeder-a.spec.windows[0].limit=1k",
        "powerbudget/feeder-a.spec.limit",
        "powerbudget/feeder-a.spec.limit=",
        "powerbudget.spec.limit=1",
    ])
    .expect_err("wrong");
    for (said, expected) in errors.iter().zip([
        "--set powerbudget/feeder-a.spec.limits=900k: PowerBudget/feeder-a: spec.limits: unknown field; did you mean limit?",
        "--set powerbudget/feder-a.spec.limit=900k: there is no PowerBudget feder-a; did you mean feeder-a?",
        "--set powerbudgt/feeder-a.spec.limit=900k: there is no kind powerbudgt here; did you mean powerbudget?",
        "--set gridevent/drill.spec.targetWatts=1k: there is no GridEvent drill; there is none at all",
        "--set powerbudget/feeder-a.spec.limit=900kW: PowerBudget/feeder-a: spec.limit: Invalid value: \"900kW\"",
        "--set powerbudget/feeder-a.spec.windows[0].limit=1k: spec.windows is not there and has no items",
        "--set powerbudget/feeder-a.spec.limit: = is missing",
        "--set powerbudget/feeder-a.spec.limit=: the value is missing",
        "--set powerbudget.spec.limit=1: / is missing",
    ]) {
        assert!(said.starts_with(expected), "{expected}\n{said}");
    }
    assert_eq!(errors.len(), 9, "{errors:#?}");
}

#[test]
fn documents_change_add_and_take_out_objects() {
    let objects = patched(
        "\
kind: PowerBudget
metadata: {name: feeder-a}
spec: {limit: 900k, unmanagedWatts: 5k}
---
kind: PowerBudget
metadata: {name: feeder-a.b}
$patch: delete
---
apiVersion: commonwatt.dev/v1alpha1
kind: PowerBudget
metadata: {name: hall}
spec: {site: hall, boundary: IT, limit: 1M, unmanagedWatts: 0}
",
    )
    .expect("changed");
    let names: Vec<_> = objects.iter().map(Object::name).collect();
    assert_eq!(names, ["feeder-a", "models", "standard", "hall"]);
    assert_eq!(
        objects[0].at("spec"),
        Some(&json!({ "site": "hall", "boundary": "IT", "limit": "900k", "unmanagedWatts": "5k" }))
    );
}

#[test]
fn a_document_that_fits_nothing_says_where_it_stands_and_what_was_meant() {
    let errors = patched(
        "\
kind: PowerBudget
metadata: {name: feder-a}
spec: {limit: 900k}
---
kind: PowerBudget
metadata: {name: other}
$patch: delete
---
kind: PowerBudget
metadata: {name: feeder-a}
$patch: replace
---
metadata: {name: feeder-a}
---
a: [
",
    )
    .expect_err("wrong");
    for (said, expected) in errors.iter().zip([
        "patch.yaml:1: there is no PowerBudget feder-a; did you mean feeder-a?",
        "patch.yaml:5: there is no PowerBudget other; there are: feeder-a, feeder-a.b",
        "patch.yaml:9: PowerBudget/feeder-a: $patch: only delete is known; write $patch: delete",
        "patch.yaml:13: the document: kind: kind not set; say which object is meant",
        "patch.yaml:15: document 5: no YAML: ",
    ]) {
        assert!(said.starts_with(expected), "{expected}\n{said}");
    }
    assert_eq!(errors.len(), 5, "{errors:#?}");
}
