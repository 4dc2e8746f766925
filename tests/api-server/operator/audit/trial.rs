//! A hub, a site that it reaches, and a site that reaches it, each with the account of the chart, and what they live through.

mod ways;

use std::collections::BTreeMap;
use std::thread;

use chrono::{TimeDelta, Utc};
use commonwatt_harness::{ControlPlane, Request};
use serde_json::json;

use super::super::fleet::{NAMESPACE, NORTH, SOUTH, SiteTerms, furnish, manifest};
use super::super::program::Operator;
use crate::{Result, checkout, install_definitions};

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
    /// All of it given back, by an account that may get named Secrets and no other.
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
        trial.install("Observe", false)?;
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
        // Once with Secrets by name, where the account may not look for others.
        let named = way == Way::GivesBack;
        self.install(mode, named)?;
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
        let hub = hub.with(if named {
            &["--kubeconfig-secrets=north"]
        } else {
            &[]
        });
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

    fn install(&self, mode: &str, named: bool) -> Result {
        let chart = checkout("charts/commonwatt").display().to_string();
        let visitor = r#"siteAgents=[{"site":"south","subjects":[{"kind":"ServiceAccount","name":"agent","namespace":"site-south"}]}]"#;
        for (plane, role, secret) in [
            (&self.hub, "hub", "north"),
            (&self.north, "site", "none"),
            (&self.south, "site", "hub"),
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
            if named {
                args.push(format!("--set-json=kubeconfigSecrets=[\"{secret}\"]"));
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
