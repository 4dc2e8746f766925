//! What the hub and its sites live through in a phase.

use chrono::{TimeDelta, Utc};
use commonwatt_harness::{ControlPlane, Error, eventually};
use serde_json::json;

use super::super::super::fleet::{deployment, get, manifest};
use super::Trial;
use crate::{Result, SOON, wait_for_field};

const CHAT: &str = "cwmd/chat --namespace=models";
const PLACED: &str = ".status.conditions[?(@.type=='Placed')].reason";

impl Trial {
    pub(super) fn looks(&self) -> Result {
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

    pub(super) fn advises(&self) -> Result {
        wait_for_field(&self.hub, CHAT, PLACED, "Advising")?;
        for site in ["north", "south"] {
            self.wait_for_answers(site, "would be admitted")?;
        }
        self.hub.apply_yaml(&deployment("brief", "9000", "1")?)?;
        let brief = "cwmd/brief --namespace=models";
        wait_for_field(&self.hub, brief, PLACED, "Advising")?;
        self.delete("cwmd/brief")
    }

    pub(super) fn takes_back(&self) -> Result {
        eventually(SOON, "the site to let its assignment go", || {
            let left = get(&self.hub, &["siteassignments", "--namespace=site-south"])
                .map_err(|error| error.to_string())?;
            let none = left["items"].as_array().is_some_and(Vec::is_empty);
            Ok::<_, String>(none.then_some(()))
        })?;
        self.delete("cwmd/chat")
    }

    pub(super) fn acts(&self) -> Result {
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

    pub(super) fn steps_back(&self) -> Result {
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

    pub(super) fn gives_back(&self) -> Result {
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
