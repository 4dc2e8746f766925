//! What two linters say of everything that the charts and the kustomization render: nothing, but for what is written down with
//! a reason in `charts/exceptions.yaml`.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;
use std::process::Command;

use commonwatt_harness::{Binaries, Progress, Tool, ensure_linters, skip, unavailable};
use serde::Deserialize;
use serde_json::Value;

use super::{MODES, NAMESPACE, chart};
use crate::{Result, checkout};

/// What a chart can bring beside what it always does.
const EVERYTHING: [&str; 9] = [
    "networkPolicy.enabled=true",
    "serviceMonitor.enabled=true",
    "prometheusRule.enabled=true",
    "dashboards.enabled=true",
    "persistence.enabled=true",
    r#"kubeconfigSecrets=["north"]"#,
    r#"siteAgents=[{"site":"a","subjects":[{"kind":"User","name":"agent-a"}]}]"#,
    r#"extraWorkloads=[{"apiGroup":"leaderworkerset.x-k8s.io","resource":"leaderworkersets"}]"#,
    r#"priorityClassName="system-cluster-critical""#,
];

/// One that leads and one that stands by.
const TWO: [&str; 2] = ["replicas=2", "networkPolicy.enabled=true"];

/// The oldest Kubernetes that the chart takes: what is outdated there is outdated everywhere.
const KUBERNETES: &str = "v1.33";

/// Something that a linter would have otherwise.
#[derive(Debug)]
struct Finding {
    rendering: String,
    linter: &'static str,
    check: String,
    says: String,
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            rendering,
            linter,
            check,
            says,
        } = self;
        write!(f, "{rendering}: {linter} {check}: {says}")
    }
}

/// What is left as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    linter: String,
    check: String,
    /// Part of what is said.
    says: String,
    reason: String,
    /// Parts of the names of renderings in which it may be said.
    #[serde(rename = "in")]
    renderings: Vec<String>,
}

impl Exception {
    fn covers(&self, finding: &Finding) -> bool {
        self.linter == finding.linter
            && self.check == finding.check
            && finding.says.contains(&self.says)
            && self
                .renderings
                .iter()
                .any(|part| finding.rendering.contains(part))
    }

    /// The parts of it that nobody needs.
    fn stale(&self, findings: &[Finding]) -> Vec<String> {
        let needed = |part: &&String| {
            let covers = |finding: &Finding| {
                self.covers(finding) && finding.rendering.contains(part.as_str())
            };
            findings.iter().any(covers)
        };
        let Self {
            linter,
            check,
            says,
            renderings,
            ..
        } = self;
        let unneeded = renderings.iter().filter(|part| !needed(part));
        unneeded
            .map(|part| format!("{linter} {check} {says:?} in {part:?}"))
            .collect()
    }
}

/// Writes `NAME.yaml` for every rendering.
fn render(tools: &Binaries, folder: &Path) -> Result {
    let ours = |name: &str, values: &[&str]| template(tools, folder, name, "commonwatt", values);
    for mode in MODES {
        for roles in ["hub", "site", "hub-site"] {
            let listed: Vec<_> = roles.split('-').collect();
            let (mode_value, roles_value) = (
                format!("mode=\"{mode}\""),
                format!("roles={}", serde_json::to_string(&listed)?),
            );
            let values = [mode_value.as_str(), roles_value.as_str()];
            ours(&format!("{mode}-{roles}-plain"), &values)?;
            let more = [&values[..], &EVERYTHING].concat();
            ours(&format!("{mode}-{roles}-everything"), &more)?;
        }
    }
    ours("two-replicas", &TWO)?;
    ours("none-of-it-runs", &["replicas=0"])?;
    template(tools, folder, "definitions", "commonwatt-crds", &[])?;
    let mut kubectl = Command::new(tools.path(Tool::Kubectl));
    kubectl
        .arg("kustomize")
        .arg(checkout("deploy/kustomize/base"));
    written(&mut kubectl, &folder.join("kustomize.yaml"))
}

fn template(
    tools: &Binaries,
    folder: &Path,
    name: &str,
    of_chart: &str,
    values: &[&str],
) -> Result {
    let mut helm = Command::new(tools.path(Tool::Helm));
    helm.args(["template", "commonwatt", &chart(of_chart)])
        .arg(format!("--namespace={NAMESPACE}"))
        .args(values.iter().map(|value| format!("--set-json={value}")));
    written(&mut helm, &folder.join(format!("{name}.yaml")))
}

fn written(command: &mut Command, file: &Path) -> Result {
    let done = command.output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
    Ok(fs::write(file, done.stdout)?)
}

/// The names of what was rendered, and of each what both linters found.
fn judged(tools: &Binaries, folder: &Path) -> Result<(BTreeSet<String>, Vec<Finding>)> {
    let mut findings = by_trivy(tools, folder)?;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().ok_or("a file without a name")?;
        let name = name.to_string_lossy().into_owned();
        findings.extend(by_kube_score(tools, &path, &name)?);
        names.insert(name);
    }
    Ok((names, findings))
}

fn by_trivy(tools: &Binaries, folder: &Path) -> Result<Vec<Finding>> {
    let report = said(Command::new(tools.path(Tool::TrivyChecks)).arg(folder))?;
    let passed = report["passed"].as_u64().unwrap_or_default();
    assert!(passed > 1000, "it checked hardly anything: {report}");
    let found = report["findings"].as_array().into_iter().flatten();
    Ok(found
        .map(|found| Finding {
            rendering: text(&found["file"]).trim_end_matches(".yaml").to_owned(),
            linter: "trivy",
            check: text(&found["check"]),
            says: text(&found["says"]),
        })
        .collect())
}

/// Its usual checks and two more. The others that it has would have limits equal to requests.
fn by_kube_score(tools: &Binaries, file: &Path, name: &str) -> Result<Vec<Finding>> {
    let mut command = Command::new(tools.path(Tool::KubeScore));
    command
        .args(["score", "--output-format=json"])
        .arg(format!("--kubernetes-version={KUBERNETES}"))
        .arg("--enable-optional-test=container-seccomp-profile,container-ports-check")
        .arg("--disable-ignore-checks-annotations")
        .arg(file);
    let objects = said(&mut command)?;
    let mut findings = Vec::new();
    for object in objects.as_array().into_iter().flatten() {
        for judged in object["checks"].as_array().into_iter().flatten() {
            // Of ten points, and none where it does not apply.
            if judged["skipped"] == true || judged["grade"].as_u64() == Some(10) {
                continue;
            }
            let comments = judged["comments"].as_array().cloned().unwrap_or_default();
            assert!(!comments.is_empty(), "a finding without words: {judged}");
            findings.extend(comments.iter().map(|comment| {
                Finding {
                    rendering: name.to_owned(),
                    linter: "kube-score",
                    check: judged["check"]["id"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    says: format!(
                        "{}: {}",
                        text(&object["object_name"]),
                        text(&comment["summary"])
                    ),
                }
            }));
        }
    }
    Ok(findings)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a linter prints. Its exit code says only whether it found something.
fn said(command: &mut Command) -> Result<Value> {
    let done = command.output()?;
    let errors = String::from_utf8_lossy(&done.stderr);
    Ok(serde_json::from_slice(&done.stdout)
        .map_err(|error| format!("{command:?}: {error}: {errors}"))?)
}

#[test]
fn two_linters_find_nothing_in_the_charts_that_has_no_written_reason() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let tools = ensure_linters(Progress::Stderr)?;
    let folder = tempfile::tempdir()?;
    render(&tools, folder.path())?;
    let (names, findings) = judged(&tools, folder.path())?;
    let text = fs::read_to_string(checkout("charts/exceptions.yaml"))?;
    let exceptions: Vec<Exception> = serde_saphyr::from_str(&text)?;
    let unexplained: Vec<_> = findings
        .iter()
        .filter(|finding| !exceptions.iter().any(|known| known.covers(finding)))
        .map(ToString::to_string)
        .collect();
    let stale: Vec<_> = exceptions
        .iter()
        .flat_map(|known| known.stale(&findings))
        .collect();
    assert!(exceptions.iter().all(|known| known.reason.len() > 20));
    println!(
        "{} renderings, {} findings, {} exceptions",
        names.len(),
        findings.len(),
        exceptions.len()
    );
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    assert!(
        stale.is_empty(),
        "exceptions that no linter asks for any more:\n{}",
        stale.join("\n")
    );
    Ok(())
}

#[test]
fn what_both_linters_know_to_be_wrong_both_find() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let tools = ensure_linters(Progress::Stderr)?;
    let folder = tempfile::tempdir()?;
    template(&tools, folder.path(), "two-replicas", "commonwatt", &TWO)?;
    let text = fs::read_to_string(folder.path().join("two-replicas.yaml"))?;
    let wrong = text.replace(
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
    );
    assert_ne!(wrong, text);
    fs::write(folder.path().join("wrong.yaml"), wrong)?;
    let (_, findings) = judged(&tools, folder.path())?;
    for (linter, check) in [
        ("trivy", "KSV-0014"),
        (
            "kube-score",
            "container-security-context-readonlyrootfilesystem",
        ),
    ] {
        let found: Vec<_> = findings
            .iter()
            .filter(|finding| finding.linter == linter && finding.check == check)
            .map(|finding| finding.rendering.as_str())
            .collect();
        assert_eq!(found, ["wrong"], "{linter}");
    }
    Ok(())
}
