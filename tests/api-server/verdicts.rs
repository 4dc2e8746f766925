//! The same verdict twice: what a real API server says of a wrong manifest, and what `commonwatt plan` says without one.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use commonwatt_harness::{ControlPlane, Output, control_plane};
use commonwatt_manifests::{Finding, Manifests, Refusal, read_text};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::operator::program::program;
use crate::{Result, checkout, install_definitions};

/// A row of `verdicts/wrong.yaml`, which says what the fields mean.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Case {
    name: String,
    class: String,
    kind: String,
    set: Map<String, Value>,
    remove: Vec<String>,
    then: Map<String, Value>,
    twice: bool,
    text: String,
    field: String,
    rule: String,
    remedy: String,
    accepted: bool,
    stricter: bool,
}

impl Case {
    /// What is applied first, where there is something, and what is judged.
    fn manifests(&self, right: &[Value]) -> Result<(Option<String>, String)> {
        if !self.text.is_empty() {
            return Ok((None, self.text.clone()));
        }
        let mut object = right
            .iter()
            .find(|object| object["kind"] == *self.kind)
            .ok_or_else(|| format!("{}: no {} in right.yaml", self.name, self.kind))?
            .clone();
        object["metadata"]["name"] =
            json!(self.name.to_lowercase().replace(' ', "-").replace('\'', ""));
        let before = object.clone();
        for (path, value) in self.set.iter().chain(&self.then) {
            *at(&mut object, path)? = value.clone();
        }
        for path in &self.remove {
            take(&mut object, path)?;
        }
        let first = !self.then.is_empty() || self.twice;
        Ok((first.then(|| before.to_string()), object.to_string()))
    }
}

/// The place of a dotted path; a field that is not there yet is made.
fn at<'a>(object: &'a mut Value, path: &str) -> Result<&'a mut Value> {
    let mut here = object;
    for part in path.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, Some(index.trim_end_matches(']').parse::<usize>()?)),
            None => (part, None),
        };
        here = &mut here[name];
        if let Some(index) = index {
            here = here.get_mut(index).ok_or("no such item")?;
        }
    }
    Ok(here)
}

fn take(object: &mut Value, path: &str) -> Result {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = if parent.is_empty() {
        object
    } else {
        at(object, parent)?
    };
    let taken = parent
        .as_object_mut()
        .and_then(|fields| fields.shift_remove(name));
    taken
        .map(drop)
        .ok_or_else(|| format!("{path} is not there").into())
}

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> Result<T> {
    let path = checkout("tests/api-server/verdicts").join(name);
    Ok(serde_saphyr::from_str(&fs::read_to_string(path)?)?)
}

/// The objects of `right.yaml`, which are accepted as they stand.
fn right() -> Result<Vec<Value>> {
    let file = checkout("tests/api-server/verdicts/right.yaml");
    let Manifests { objects, refusals } = read_text(&file, &fs::read_to_string(&file)?)?;
    assert!(refusals.is_empty(), "{refusals:#?}");
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// What the API server says; nothing when it accepts.
fn served(
    plane: &ControlPlane,
    case: &Case,
    first: Option<&str>,
    manifest: &str,
) -> Result<String> {
    if let Some(first) = first {
        plane
            .kubectl_with_input(["apply", "--filename=-"], first)
            .ok()?;
    }
    // The same object twice is one only to what makes objects.
    let verb = if case.twice { "create" } else { "apply" };
    let Output { code, stderr, .. } = plane.kubectl_with_input([verb, "--filename=-"], manifest);
    Ok(if code == Some(0) {
        String::new()
    } else {
        stderr
    })
}

/// What is said offline; nothing when it is accepted.
fn offline(first: Option<&str>, manifest: &str) -> Result<Vec<Refusal>> {
    let text = first.map_or(manifest.to_owned(), |first| {
        format!("{first}\n---\n{manifest}")
    });
    Ok(read_text(Path::new("wrong.yaml"), &text)?.refusals)
}

/// How what was said differs from what had to be said.
fn differences(case: &Case, served: &str, offline: &[Refusal]) -> Vec<String> {
    if case.accepted {
        let served = Some(served.to_owned()).filter(|said| !said.is_empty());
        let offline = offline.iter().map(ToString::to_string);
        return served.into_iter().chain(offline).collect();
    }
    let mut wrong = Vec::new();
    if served.is_empty() != case.stricter {
        let verdict = if case.stricter { "refuses" } else { "accepts" };
        wrong.push(format!("the API server {verdict} it"));
    }
    // kubectl names no field where there is no object, or where it reads the text itself.
    let fields = !matches!(case.class.as_str(), "yaml" | "kind") && case.kind != "Namespace";
    let server_says_field =
        served.contains(&case.field) || !fields || case.name == "no name" || case.twice;
    if !case.stricter && (!server_says_field || !served.contains(&case.rule)) {
        wrong.push(format!("the API server says: {served}"));
    }
    if case.class == "cel" || case.class == "transition" {
        let said = served.contains(&case.remedy);
        wrong.extend((!said).then(|| format!("no remedy from the API server: {served}")));
    }
    let ours = offline.iter().any(|refusal| {
        let Finding {
            field,
            rule,
            remedy,
        } = &refusal.finding;
        let field_is_said = *field == case.field || field.starts_with(&format!("{}.", case.field));
        field_is_said && rule.contains(&case.rule) && remedy.contains(&case.remedy)
    });
    if !ours {
        wrong.push(format!("offline says: {offline:#?}"));
    }
    wrong
}

#[test]
fn each_wrong_manifest_has_the_same_verdict_from_an_api_server_and_without_one() -> Result {
    let plane = control_plane!("verdicts");
    install_definitions(&plane)?;
    let right = right()?;
    for object in &right {
        plane.apply_yaml(&object.to_string())?;
    }
    let cases: Vec<Case> = read("wrong.yaml")?;
    let (mut wrong, mut page) = (Vec::new(), String::from(PAGE));
    for case in &cases {
        let (first, manifest) = case.manifests(&right)?;
        let served = served(&plane, case, first.as_deref(), &manifest)?;
        let offline = offline(first.as_deref(), &manifest)?;
        let differences = differences(case, &served, &offline);
        wrong.extend(
            differences
                .iter()
                .map(|said| format!("{}: {said}", case.name)),
        );
        row(&mut page, case, &served, &offline);
    }
    println!("{page}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let refused = cases.iter().filter(|case| !case.accepted).count();
    assert!(refused >= 60, "only {refused} wrong manifests");
    let kinds: BTreeSet<_> = cases.iter().map(|case| case.kind.as_str()).collect();
    let ours = right
        .iter()
        .filter(|object| object["apiVersion"] == "commonwatt.dev/v1alpha1");
    let missing: Vec<_> = ours
        .filter_map(|object| object["kind"].as_str())
        .filter(|kind| !kinds.contains(kind))
        .collect();
    assert!(missing.is_empty(), "nothing wrong is tried of {missing:?}");
    committed(&page)
}

const PAGE: &str = "# Verdicts\n\n\
What a real API server and `commonwatt plan` say of the manifests in [wrong.yaml](api-server/verdicts/wrong.yaml), side by side. \
Offline, each begins with the place and the object, as in `sites.yaml:12: Site/paris: ` or `ModelDeployment/models/chat: `. Written by the test `each_wrong_manifest_has_the_same_verdict_from_an_api_server_and_without_one` with `COMMONWATT_WRITE=1`.\n\n\
| Manifest | Kind | Class | API server | Offline |\n|---|---|---|---|---|\n";

fn row(page: &mut String, case: &Case, served: &str, offline: &[Refusal]) {
    let offline: Vec<_> = offline
        .iter()
        .map(|refusal| refusal.finding.to_string())
        .collect();
    let cell = |text: &str| {
        let text = text.replace('|', "\\|");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let verdict = |said: &str| {
        if said.is_empty() {
            "accepted".to_owned()
        } else {
            format!("refused: {}", cell(said))
        }
    };
    let _ = writeln!(
        page,
        "| {} | {} | {} | {} | {} |",
        case.name,
        if case.kind.is_empty() {
            "-"
        } else {
            &case.kind
        },
        case.class,
        verdict(&said_by_server(served)),
        verdict(&offline.join(" / ")),
    );
}

/// Without the words that kubectl puts before what the server says.
fn said_by_server(served: &str) -> String {
    let lines = served.lines().filter(|line| {
        !line.starts_with("Warning") && !line.contains("some validation rules were not checked")
    });
    let said = lines.collect::<Vec<_>>().join(" ");
    let said = said
        .split_once("is invalid: ")
        .map_or(said.as_str(), |(_, said)| said);
    // The server walks fields in no order.
    let mut all: Vec<_> = said.trim().trim_start_matches("* ").split(" * ").collect();
    all.sort_unstable();
    all.join(" / ")
}

fn committed(page: &str) -> Result {
    let file = checkout("tests/VERDICTS.md");
    if std::env::var_os("COMMONWATT_WRITE").is_some() {
        fs::write(&file, page)?;
    }
    assert!(
        fs::read_to_string(&file)? == page,
        "verdicts have changed: run this test once with COMMONWATT_WRITE=1"
    );
    Ok(())
}

#[test]
fn plan_says_all_that_is_refused_plans_the_rest_and_ends_with_1() -> Result {
    let folder = tempfile::tempdir()?;
    let wrong = folder.path().join("wrong.yaml");
    fs::write(
        &wrong,
        "{apiVersion: commonwatt.dev/v1alpha1, kind: PowerBudget, metadata: {name: hall}, spec: {site: london, \
         boundary: Rack, limit: 900kW, unmanagedWatts: 0}}\n---\napiVersion: [\n---\n\
         {apiVersion: commonwatt.dev/v1alpha1, kind: ModelDeployment, metadata: {name: lost, namespace: models}, spec: \
         {policy: nowhere, demand: {tokensPerSecond: '10', floorTokensPerSecond: '5'}, \
         variants: [{name: a, profile: p, template: {}}]}}\n",
    )?;
    for file in fs::read_dir(checkout("deploy/examples/quickstart"))? {
        let file = file?.path();
        if file.is_file() {
            fs::copy(
                &file,
                folder.path().join(file.file_name().ok_or("no name")?),
            )?;
        }
    }
    fs::create_dir(folder.path().join("nodes"))?;
    for file in fs::read_dir(checkout("deploy/examples/quickstart/nodes"))? {
        let file = file?.path();
        fs::copy(
            &file,
            folder
                .path()
                .join("nodes")
                .join(file.file_name().ok_or("no name")?),
        )?;
    }
    let plan = std::process::Command::new(program()?)
        .args(["plan", "--start", "2023-06-05T12:00:00Z"])
        .arg(folder.path())
        .output()?;
    let (out, err) = (
        String::from_utf8(plan.stdout)?,
        String::from_utf8(plan.stderr)?,
    );
    assert_eq!(plan.status.code(), Some(1), "{err}");
    assert!(
        out.contains("models/assistant"),
        "the rest is not planned: {out}"
    );
    for said in [
        "wrong.yaml:1: PowerBudget/hall: spec.boundary: Unsupported value",
        "wrong.yaml:1: PowerBudget/hall: spec.limit: Invalid value: \"900kW\"",
        "wrong.yaml:3: document 2: no YAML",
        "refused: 2 of ",
        "ModelDeployment models/lost: NotFound: spec.policy: there is no PlacementPolicy nowhere",
    ] {
        assert!(err.contains(said), "{said:?} is not in: {err}");
    }
    Ok(())
}
