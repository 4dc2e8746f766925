//! What people ask of a cluster: `commonwatt` and `kubectl commonwatt` against a real API server.

mod adopt;
mod doctor;
mod readme;

use std::os::unix::fs::symlink;
use std::process::Command;

use commonwatt_harness::{
    ControlPlane, Error, Kubeconfig, Progress, Tool, ensure, eventually, skip, unavailable,
};
use serde_json::Value;

use super::fleet::{NAMESPACE, deployment, one_cluster, operate};
use super::program::{Started, program};
use crate::{Result, SOON, checkout};

/// What a command said.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(command: &mut Command) -> Result<Self> {
        let done = command.output()?;
        Ok(Self {
            code: done.status.code(),
            out: String::from_utf8_lossy(&done.stdout).into_owned(),
            err: String::from_utf8_lossy(&done.stderr).into_owned(),
        })
    }

    /// Its output, where it ended as it should.
    fn ending_with(self, code: i32) -> Result<String> {
        if self.code == Some(code) {
            return Ok(self.out);
        }
        Err(format!("ended with {:?}: {}{}", self.code, self.out, self.err).into())
    }

    fn json(self, code: i32) -> Result<Value> {
        Ok(serde_json::from_str(&self.ending_with(code)?)?)
    }
}

/// Asks the program with a kubeconfig.
pub fn ask(kubeconfig: &Kubeconfig, args: &[&str]) -> Result<Said> {
    let mut command = Command::new(program()?);
    command
        .args(args)
        .env("KUBECONFIG", &kubeconfig.path)
        .env_remove("COMMONWATT_DATA");
    Said::of(&mut command)
}

/// A community whose report nobody can compute yet: no hour is over.
const TOWN: &str = "
{apiVersion: commonwatt.dev/v1alpha1, kind: HostCommunity, metadata: {name: town}, spec: {displayName: The Town, sites: [north],
 totals: {}, commitments: [{name: peak, metric: PeakImport, limit: '90', remedy: none}], contact: clerk@town.example}}
---
{apiVersion: commonwatt.dev/v1alpha1, kind: CommunityReport, metadata: {name: june}, spec: {community: town,
 start: '2026-06-01T00:00:00Z', end: '2099-07-01T00:00:00Z'}}
";

/// The report as it is published, and computed again from the ledger as text and as the page.
fn reported(plane: &ControlPlane, operator: &Started) -> Result {
    crate::wait_for_field(
        plane,
        "communityreports/june",
        ".status.conditions[0].reason",
        "Progressing",
    )?;
    let published = ask(plane.kubeconfig(), &["report", "town"])?.ending_with(0)?;
    assert!(published.contains("facilityEnergy"), "{published}");
    let ledger = operator.folder.path().join("ledger").display().to_string();
    let of_ledger = |form: &str| {
        let args = ["report", "town", "--ledger", &ledger, "-o", form];
        let said = ask(plane.kubeconfig(), &args)?;
        assert!(matches!(said.code, Some(0 | 2)), "{}", said.err);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(said.out)
    };
    assert!(of_ledger("text")?.contains("commitment peak"));
    assert!(of_ledger("html")?.contains("<title>"));
    let json: Value = serde_json::from_str(&of_ledger("json")?)?;
    assert_eq!(json["displayName"], "The Town");
    Ok(())
}

/// Waits until a deployment has a word from the hub.
fn decided(plane: &ControlPlane, name: &str) -> Result<Value> {
    Ok(eventually(SOON, "a decision", || {
        let args = ["get", "cwmd", name, "--namespace=models", "--output=json"];
        let object = plane.kubectl(args).json()?;
        let is_decided = object["status"]["sites"][0]["site"].is_string();
        Ok::<_, Error>(is_decided.then_some(object))
    })?)
}

#[test]
fn as_a_plugin_of_kubectl_it_is_found_completes_and_answers_from_the_cluster() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let plane = one_cluster("plugin", "Enforce")?;
    plane.apply_yaml(&deployment("assistant", "18000", "1")?)?;
    plane.apply_yaml(TOWN)?;
    let operator = operate(&plane, "Enforce")?;
    decided(&plane, "assistant")?;

    let folder = tempfile::tempdir()?;
    for name in ["kubectl-commonwatt", "kubectl_complete-commonwatt"] {
        symlink(program()?, folder.path().join(name))?;
    }
    let kubectl = ensure(Progress::Stderr)?.path(Tool::Kubectl).to_owned();
    let kubectl = |args: &[&str]| {
        let mut command = Command::new(&kubectl);
        command
            .args(args)
            .env("KUBECONFIG", &plane.kubeconfig().path)
            .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
        Said::of(&mut command)
    };
    let listed = kubectl(&["plugin", "list"])?.ending_with(0)?;
    assert!(listed.contains("kubectl-commonwatt"), "{listed}");
    let completed = kubectl(&["__complete", "commonwatt", "ex"])?.ending_with(0)?;
    assert!(completed.starts_with("explain"), "{completed}");

    let sites = kubectl(&["commonwatt", "sites", "-o", "json"])?.json(0)?;
    assert_eq!(sites[0]["name"], "north");
    assert_eq!(sites[0]["ready"], "True");
    assert_eq!(sites[0]["accelerators"], 16);
    assert_eq!(sites[0]["carbon"]["value"], 40.0);
    let detail = kubectl(&["commonwatt", "sites", "north"])?.ending_with(0)?;
    for part in [
        "Hours ahead",
        "powerbudget/north-feeder",
        "models/assistant",
    ] {
        assert!(detail.contains(part), "{part} is not in:\n{detail}");
    }

    let explained = kubectl(&["commonwatt", "explain", "assistant", "-n", "models"])?;
    let explained = explained.ending_with(0)?;
    assert!(explained.contains("cheapest"), "{explained}");
    let missing = kubectl(&["commonwatt", "explain", "other", "-n", "models"])?;
    assert!(
        missing.err.contains("there are: models/assistant"),
        "{}",
        missing.err
    );

    let of_site = [
        "commonwatt",
        "events",
        "-o",
        "json",
        "--deployment",
        "assistant",
    ];
    eventually(SOON, "an event about the deployment", || {
        let events = kubectl(&of_site).and_then(|said| said.json(0)).ok();
        let found = events.is_some_and(|events| events[0]["reason"].is_string());
        Ok::<_, Error>(found.then_some(()))
    })?;
    let long_ago = [&of_site[..], &["--since", "0s"]].concat();
    assert_eq!(kubectl(&long_ago)?.json(0)?, serde_json::json!([]));
    reported(&plane, &operator)?;

    // What the hub decided is what a dry run says, and a dry run writes nothing.
    let versions = || {
        plane
            .kubectl([
                "get",
                "planhead,siteassignment,cwmd",
                "-A",
                "-o=jsonpath={.items[*].metadata.generation}",
            ])
            .ok()
    };
    let before = versions()?;
    let plan = kubectl(&["commonwatt", "plan", "-o", "json"])?.json(0)?;
    assert_eq!(plan["deployments"][0]["sites"][0]["site"], "north");
    assert_eq!(plan["deployments"][0]["sites"][0]["replicas"], 2);
    assert_eq!(versions()?, before);
    let empty = kubectl(&["commonwatt", "plan", "-n", "default", "-o", "json"])?.json(0)?;
    assert_eq!(empty["deployments"], serde_json::json!([]));

    // The world of the cluster, saved and planned elsewhere, gives the same plan.
    let world = folder.path().join("fleet.json");
    std::fs::write(&world, kubectl(&["commonwatt", "world"])?.ending_with(0)?)?;
    let world = world.to_string_lossy();
    let replayed = kubectl(&["commonwatt", "plan", "--world", &world, "-o", "json"])?.json(0)?;
    for part in ["deployments", "objective", "bound", "sites"] {
        assert_eq!(replayed[part], plan[part], "{part}");
    }

    // What the status says, what planning again says, and what is said of the saved world agree.
    let explain = [
        "commonwatt",
        "explain",
        "assistant",
        "-n",
        "models",
        "-o",
        "json",
    ];
    let live = kubectl(&explain)?.json(0)?;
    assert_eq!(live["overtaken"], false, "{live}");
    assert_eq!(live["wouldChange"][0]["relief"]["of"], "Demand", "{live}");
    let of_world = [&explain[..], &["--world", &world]].concat();
    let of_world = kubectl(&of_world)?.json(0)?;
    for part in ["rejected", "binding", "runnerUp", "wouldChange"] {
        assert_eq!(of_world[part], live[part], "{part}");
    }

    // A limit of the site reaches the hub through its agent's offer, in memory alone: one replica has no place any more.
    let less = "powerbudget/north-feeder.spec.limit=2k";
    let what_if = kubectl(&["commonwatt", "what-if", "--set", less, "-o", "json"])?.json(2)?;
    let places = &what_if["deployments"][0]["places"];
    assert!(places["before"]["north"].is_object(), "{places}");
    assert!(
        what_if["unservedTokens"]["after"].as_f64() > what_if["unservedTokens"]["before"].as_f64()
    );
    assert_eq!(what_if["money"]["before"], plan["objective"]["total"]);
    let wrong = kubectl(&[
        "commonwatt",
        "what-if",
        "--set",
        "powerbudget/nort.spec.limit=1",
    ])?;
    assert!(
        wrong.err.contains("there is no PowerBudget nort"),
        "{}",
        wrong.err
    );
    assert_eq!(versions()?, before);
    let limit = plane
        .kubectl([
            "get",
            "powerbudget",
            "north-feeder",
            "-o=jsonpath={.spec.limit}",
        ])
        .ok()?;
    assert_ne!(limit, "2k");
    Ok(())
}
