//! A hub, a site that it reaches, and a site that reaches it, each with the account of the chart, and what they live through.

use std::collections::BTreeMap;
use std::thread;

use chrono::{TimeDelta, Utc};
use commonwatt_harness::{ControlPlane, Error, Request, eventually};
use serde_json::json;

use super::super::fleet::{NAMESPACE, NORTH, SOUTH, SiteTerms, deployment, furnish, get, manifest};
use super::super::program::Operator;
use crate::{Result, SOON, checkout, install_definitions, wait_for_field};

/// What a phase lives through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Everything that is said without proposing anything.
    Looks,
    /// Proposals, judged and not enacted; one of them taken back.
    Advises,
    /// A deployment that is deleted when the operator was made more cautious.
    TakesBack,
    /// Made, adopted, stopped for a while, and run once.
    Acts,
    /// Back in a cautious mode, with what a bolder one has left, some of it deleted.
    StepsBack,
    /// All of it given back.
    GivesBack,
}

/// Three control planes. The hub holds a kubeconfig of `north`; `south` holds one of the hub.
pub struct Trial {
    hub: ControlPlane,
    north: ControlPlane,
    south: ControlPlane,
}

impl Trial {
    pub fn start() -> Result<Self> {
        let begin = |name: &'static str| move || ControlPlane::start_audited(name);
        let [hub, north, south] = thread::scope(|scope| {
            ["audit-hub", "audit-north", "audit-south"]
                .map(|name| scope.spawn(begin(name)))
                .map(|thread| thread.join().expect("starting must not panic"))
        });
        let trial = Self {
            hub: hub?,
            north: north?,
            south: south?,
        };
        for plane in [&trial.hub, &trial.north, &trial.south] {
            install_definitions(plane)?;
        }
        trial.install("Observe")?;
        trial.furnish()?;
        Ok(trial)
    }

    /// Which account is where: by the end of its ClusterRole's name.
    pub fn places(&self) -> [(&'static str, &ControlPlane); 3] {
        [
            ("hub", &self.hub),
            ("site", &self.north),
            ("site-agent", &self.hub),
        ]
    }

    /// What each account has asked so far, by the API server that it asked. Both sites have the same account.
    pub fn requests(&self) -> Result<BTreeMap<(&'static str, &str), Vec<Request>>> {
        let of = |plane: &ControlPlane, user: &str| -> Result<Vec<Request>> {
            let user = format!("system:serviceaccount:{user}");
            let mut requests = plane.requests()?;
            requests.retain(|request| request.user == user);
            Ok(requests)
        };
        let own = format!("{NAMESPACE}:commonwatt");
        let mut all = BTreeMap::new();
        for (account, plane, user) in [
            ("hub", &self.hub, own.as_str()),
            ("site", &self.north, &own),
            ("site", &self.south, &own),
            ("site-agent", &self.hub, "site-south:agent"),
        ] {
            all.insert((account, plane.name()), of(plane, user)?);
        }
        Ok(all)
    }

    /// Upgrades the charts to a mode and lives through something with operators of that mode.
    pub fn run(&self, mode: &str, way: Way) -> Result {
        self.install(mode)?;
        if way == Way::TakesBack {
            // By a person, while nobody runs: it waits for the site to let it go.
            self.hub
                .kubectl([
                    "delete",
                    "siteassignments",
                    "--all",
                    "--namespace=site-south",
                    "--wait=false",
                ])
                .ok()?;
        }
        let of = |plane: &ControlPlane| plane.kubeconfig_for(NAMESPACE, "commonwatt");
        let hub = Operator::of(&of(&self.hub)?).roles("hub").mode(mode);
        let south = Operator::of(&of(&self.south)?).roles("site").mode(mode);
        let (hub, south) = (hub.start()?, south.start()?);
        match way {
            Way::Looks => self.looks()?,
            Way::Advises => self.advises()?,
            Way::TakesBack => self.takes_back()?,
            Way::Acts => self.acts()?,
            Way::StepsBack => self.steps_back()?,
            Way::GivesBack => self.gives_back()?,
        }
        // In order, so that leases are given back.
        hub.terminate()?;
        south.terminate()?;
        Ok(())
    }

    fn install(&self, mode: &str) -> Result {
        let chart = checkout("charts/commonwatt").display().to_string();
        let visitor = r#"siteAgents=[{"site":"south","subjects":[{"kind":"ServiceAccount","name":"agent","namespace":"site-south"}]}]"#;
        for (plane, role) in [
            (&self.hub, "hub"),
            (&self.north, "site"),
            (&self.south, "site"),
        ] {
            let roles = format!("roles=[\"{role}\"]");
            let mut args = vec![
                "upgrade".to_owned(),
                "--install".to_owned(),
                "commonwatt".to_owned(),
                chart.clone(),
                format!("--namespace={NAMESPACE}"),
                "--create-namespace".to_owned(),
                format!("--set=replicas=0,mode={mode}"),
                format!("--set-json={roles}"),
            ];
            if role == "hub" {
                args.push(format!("--set-json={visitor}"));
            }
            plane.helm(args).ok()?;
        }
        Ok(())
    }

    fn furnish(&self) -> Result {
        for plane in [&self.hub, &self.north, &self.south] {
            plane.kubectl(["create", "namespace", "models"]).ok()?;
        }
        let profiles = checkout("deploy/profiles").display().to_string();
        self.hub
            .kubectl(["apply", "--server-side", "--kustomize", &profiles])
            .ok()?;
        self.hub.apply_yaml(&manifest("hub.yaml", &[])?)?;
        for (plane, terms) in [(&self.north, &NORTH), (&self.south, &SOUTH)] {
            furnish_site(plane, terms)?;
        }
        // Each side's way to the other.
        self.hub.apply_yaml(&secret(
            "north",
            &self.north.kubeconfig_for(NAMESPACE, "commonwatt")?.text,
        ))?;
        self.hub
            .kubectl([
                "create",
                "serviceaccount",
                "agent",
                "--namespace=site-south",
            ])
            .ok()?;
        self.south.apply_yaml(&secret(
            "hub",
            &self.hub.kubeconfig_for("site-south", "agent")?.text,
        ))?;
        let link = json!({ "spec": { "hubs": [{
            "name": "hub", "sharePercent": 100,
            "kubeconfigSecret": { "namespace": NAMESPACE, "name": "hub" },
            "namespaceMap": [{ "hub": "models", "site": "models" }],
        }] } });
        let patch = format!("--patch={link}");
        self.south
            .kubectl(["patch", "site/south", "--type=merge", &patch])
            .ok()?;
        Ok(())
    }
}

fn furnish_site(plane: &ControlPlane, terms: &SiteTerms) -> Result {
    furnish(plane, terms)?;
    if terms.name == NORTH.name {
        // So far ahead that nothing has to make room for it yet.
        let start = (Utc::now() + TimeDelta::hours(72)).to_rfc3339();
        plane.apply_yaml(&manifest("watched.yaml", &[("$START", &start)])?)?;
        plane.apply_yaml(&manifest("audited.yaml", &[])?)?;
    }
    Ok(())
}

/// A kubeconfig for the operator, with the label by which a hub finds it.
fn secret(name: &str, kubeconfig: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": name, "namespace": NAMESPACE,
            "labels": { "commonwatt.dev/site-kubeconfig": name },
        },
        "stringData": { "kubeconfig": kubeconfig },
    })
    .to_string()
}

const CHAT: &str = "cwmd/chat --namespace=models";
const PLACED: &str = ".status.conditions[?(@.type=='Placed')].reason";

impl Trial {
    fn looks(&self) -> Result {
        self.hub.apply_yaml(&deployment("chat", "27000", "2")?)?;
        wait_for_field(&self.hub, CHAT, PLACED, "Observing")?;
        for (plane, site) in [(&self.north, "site/north"), (&self.south, "site/south")] {
            wait_for_field(
                plane,
                site,
                ".status.conditions[?(@.type=='Ready')].status",
                "True",
            )?;
        }
        for site in ["north", "south"] {
            let offer = format!("siteoffer/{site} --namespace=site-{site}");
            wait_for_field(&self.hub, &offer, ".spec.site", site)?;
        }
        for object in [
            "waterbudget/north-river",
            "gridevent/north-evening",
            "hostcommunity/town",
            "communityreport/first-days",
        ] {
            wait_for_status(&self.north, object)?;
        }
        for object in ["placementpolicy/neighbourly", "planhead/commonwatt"] {
            wait_for_status(&self.hub, object)?;
        }
        wait_for_status(&self.hub, "modelprofile/llama-3.1-8b-h100")
    }

    fn advises(&self) -> Result {
        wait_for_field(&self.hub, CHAT, PLACED, "Advising")?;
        for site in ["north", "south"] {
            self.wait_for_answers(site, "would be admitted")?;
        }
        self.hub.apply_yaml(&deployment("brief", "9000", "1")?)?;
        let brief = "cwmd/brief --namespace=models";
        wait_for_field(&self.hub, brief, PLACED, "Advising")?;
        self.delete("cwmd/brief")
    }

    fn takes_back(&self) -> Result {
        eventually(SOON, "the site to let its assignment go", || {
            let left = get(&self.hub, &["siteassignments", "--namespace=site-south"])
                .map_err(|error| error.to_string())?;
            let none = left["items"].as_array().is_some_and(Vec::is_empty);
            Ok::<_, String>(none.then_some(()))
        })?;
        self.delete("cwmd/chat")
    }

    fn acts(&self) -> Result {
        self.makes()?;
        self.adopts()?;
        self.sheds()?;
        let deadline = (Utc::now() + TimeDelta::hours(12)).to_rfc3339();
        self.hub
            .apply_yaml(&manifest("job.yaml", &[("$DEADLINE", &deadline)])?)?;
        wait_for_field(
            &self.hub,
            "job/tune --namespace=models",
            ".status.conditions[?(@.type=='Complete')].status",
            "True",
        )?;
        eventually(SOON, "the place of the Job to be given back", || {
            let all = get(&self.hub, &["siteassignments", "--all-namespaces"])
                .map_err(|error| error.to_string())?;
            let left = all["items"].to_string().contains(r#""name":"tune""#);
            Ok::<_, String>((!left).then_some(()))
        })?;
        Ok(())
    }

    fn steps_back(&self) -> Result {
        for object in ["job/tune", "cwmd/old"] {
            let args = ["delete", object, "--namespace=models", "--wait=false"];
            self.hub.kubectl(args).ok()?;
        }
        wait_for_field(&self.hub, CHAT, PLACED, "Advising")?;
        // What was adopted is the site's to give back, and the Job the hub's to let go: neither may.
        wait_for_field(&self.hub, "cwmd/old --namespace=models", PLACED, "Released")?;
        eventually(SOON, "word of the Job that waits", || {
            let events = get(&self.hub, &["events.events.k8s.io", "--namespace=models"])
                .map_err(|error| error.to_string())?;
            let events = events["items"].as_array().cloned().unwrap_or_default();
            let told = events
                .iter()
                .any(|event| event["regarding"]["name"] == "tune" && event["reason"] == "Advising");
            Ok::<_, String>(told.then_some(()))
        })?;
        Ok(())
    }

    fn gives_back(&self) -> Result {
        for object in ["job/tune", "cwmd/old", "cwmd/scaled", "cwmd/chat"] {
            self.delete(object)?;
        }
        let old = "deployment/old --namespace=models";
        wait_for_field(&self.north, old, ".spec.replicas", "5")?;
        let bounds = "horizontalpodautoscaler/scaled --namespace=models";
        wait_for_field(&self.north, bounds, ".spec.minReplicas", "3")?;
        for plane in [&self.north, &self.south] {
            eventually(SOON, "what was made to go", || {
                let made = ["get", "deployment/chat-h100", "--namespace=models"];
                Ok::<_, Error>((!plane.kubectl(made).succeeded()).then_some(()))
            })?;
        }
        Ok(())
    }

    /// From a template, at both sites.
    fn makes(&self) -> Result {
        let chat = deployment("chat", "18000", "2")?;
        let mode = "\n  mode: Enforce\n";
        assert!(chat.contains(mode), "the manifest has changed");
        let drained = chat.replace(mode, &format!("{mode}  deletionPolicy: Drain\n"));
        self.hub.apply_yaml(&drained)?;
        wait_for_field(&self.hub, CHAT, PLACED, "Ok")
    }

    /// A Deployment, and one that an autoscaler steers.
    fn adopts(&self) -> Result {
        // The autoscaler has three replicas at least.
        for (name, served, runs) in [("old", "served.yaml", "5"), ("scaled", "scaled.yaml", "3")] {
            let words = [("$NAME", name), ("$REPLICAS", "5")];
            self.north.apply_yaml(&manifest(served, &words)?)?;
            let served = format!("deployment/{name} --namespace=models");
            wait_for_field(&self.north, &served, ".status.readyReplicas", runs)?;
            let words = [("$NAME", name), ("$SITE", "north")];
            self.hub.apply_yaml(&manifest("adopting.yaml", &words)?)?;
        }
        let old = "deployment/old --namespace=models";
        wait_for_field(&self.north, old, ".spec.replicas", "2")?;
        let bounds = "horizontalpodautoscaler/scaled --namespace=models";
        wait_for_field(&self.north, bounds, ".spec.minReplicas", "2")
    }

    /// A Job of the site's own that may be stopped, under a limit that falls for a while.
    fn sheds(&self) -> Result {
        let job = manifest("job.yaml", &[("$DEADLINE", "")])?
            .replace("name: tune", "name: idle")
            .replace("  managedBy: commonwatt.dev/hub\n", "");
        self.north.apply_yaml(&job)?;
        let limit = |watts: &str| {
            let patch = format!("--patch={}", json!({ "spec": { "limit": watts } }));
            self.north
                .kubectl(["patch", "powerbudget/north-feeder", "--type=merge", &patch])
                .ok()
        };
        limit("2k")?;
        let idle = "job/idle --namespace=models";
        wait_for_field(&self.north, idle, ".spec.suspend", "true")?;
        limit("20k")?;
        wait_for_field(&self.north, idle, ".spec.suspend", "false")
    }

    fn delete(&self, object: &str) -> Result {
        self.hub
            .kubectl([
                "delete",
                object,
                "--namespace=models",
                "--ignore-not-found",
                "--timeout=90s",
            ])
            .ok()?;
        Ok(())
    }

    fn wait_for_answers(&self, site: &str, words: &str) -> Result {
        let namespace = format!("--namespace=site-{site}");
        eventually(SOON, &format!("the answer of {site}"), || {
            let all = get(&self.hub, &["siteassignments", &namespace])
                .map_err(|error| error.to_string())?;
            Ok::<_, String>(all.to_string().contains(words).then_some(()))
        })?;
        Ok(())
    }
}

fn wait_for_status(plane: &ControlPlane, object: &str) -> Result {
    eventually(SOON, &format!("a status of {object}"), || {
        let object = get(plane, &[object]).map_err(|error| error.to_string())?;
        let said = object["status"]
            .as_object()
            .is_some_and(|status| !status.is_empty());
        Ok::<_, String>(said.then_some(()))
    })?;
    Ok(())
}
