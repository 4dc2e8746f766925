//! A hub and sites on real control planes, set up as a platform team would: charts, accounts, kubeconfigs in Secrets.

use std::collections::BTreeMap;
use std::fs;
use std::thread;

use commonwatt_harness::{ControlPlane, Kubeconfig};
use serde_json::{Value, json};

use super::program::{Operator, Started};
use crate::{Result, checkout};

/// Where the operator lives on every cluster.
pub const NAMESPACE: &str = "commonwatt-system";
pub const PRODUCT: &str = "NVIDIA-H100-80GB-HBM3";

/// A site of the tests.
pub struct SiteTerms {
    pub name: &'static str,
    pub law: &'static str,
    pub zone: &'static str,
    /// USD/MWh.
    pub price: &'static str,
    /// g/kWh.
    pub carbon: &'static str,
}

/// Cheap and clean.
pub const NORTH: SiteTerms = SiteTerms {
    name: "north",
    law: "SE",
    zone: "SE",
    price: "30",
    carbon: "40",
};
/// Dear and dirty.
pub const SOUTH: SiteTerms = SiteTerms {
    name: "south",
    law: "PL",
    zone: "PL",
    price: "120",
    carbon: "700",
};

/// A hub, its sites, and the account that the operator has on each.
pub struct Fleet {
    pub hub: ControlPlane,
    pub account: Kubeconfig,
    pub sites: BTreeMap<&'static str, Member>,
}

/// A site's control plane and the kubeconfig that the hub has for it.
pub struct Member {
    pub plane: ControlPlane,
    pub account: Kubeconfig,
}

/// A manifest of this folder with its words filled in, the longest first so that none is taken for part of another.
pub fn manifest(file: &str, words: &[(&str, &str)]) -> Result<String> {
    let path = checkout("tests/api-server/operator/manifests").join(file);
    let mut words = words.to_vec();
    words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    let mut text = fs::read_to_string(path)?;
    for (word, value) in words {
        text = text.replace(word, value);
    }
    Ok(text)
}

/// A model that is made from a template.
pub fn deployment(name: &str, demand: &str, sites: &str) -> Result<String> {
    let words = [("$NAME", name), ("$DEMAND", demand), ("$SITES", sites)];
    manifest("deployment.yaml", &words)
}

impl Fleet {
    /// Starts a hub and these sites, each on a control plane of its own with two nodes of eight accelerators.
    pub fn start(name: &str, terms: &[SiteTerms]) -> Result<Self> {
        let (hub, sites) = thread::scope(|scope| {
            let hub = scope.spawn(|| hub(&format!("{name}-hub")));
            let sites: Vec<_> = terms
                .iter()
                .map(|terms| scope.spawn(move || site(name, terms)))
                .collect();
            let sites: Vec<_> = sites
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect();
            (hub.join(), sites)
        });
        let panicked = "starting a control plane must not panic";
        let (hub, account) = hub.expect(panicked)?;
        let mut members = BTreeMap::new();
        for (terms, member) in terms.iter().zip(sites) {
            members.insert(terms.name, member.expect(panicked)?);
        }
        let fleet = Self {
            hub,
            account,
            sites: members,
        };
        for (name, member) in &fleet.sites {
            fleet.hand_over(name, &member.account.text)?;
        }
        Ok(fleet)
    }

    /// Gives the hub a kubeconfig for a site, as a Secret.
    pub fn hand_over(&self, site: &str, kubeconfig: &str) -> Result {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": site, "namespace": NAMESPACE,
                "labels": { "commonwatt.dev/site-kubeconfig": site },
            },
            "stringData": { "kubeconfig": kubeconfig },
        });
        self.hub.apply_yaml(&secret.to_string())?;
        Ok(())
    }

    /// The operator as hub, with the account of the chart.
    pub fn operator(&self) -> Operator {
        Operator::of(&self.account).roles("hub")
    }

    /// The same, started.
    pub fn run(&self) -> Result<Started> {
        self.operator().start()
    }

    /// A site's control plane.
    pub fn site(&self, name: &str) -> &ControlPlane {
        &self.sites[name].plane
    }
}

fn hub(name: &str) -> Result<(ControlPlane, Kubeconfig)> {
    let plane = ControlPlane::start(name)?;
    install(&plane, "hub", "Enforce")?;
    declare(&plane)?;
    let account = plane.kubeconfig_for(NAMESPACE, "commonwatt")?;
    Ok((plane, account))
}

/// Hub and site on one API server, with the account that the chart gives them in a mode; nothing runs yet.
pub fn one_cluster(name: &str, mode: &str) -> Result<ControlPlane> {
    let plane = ControlPlane::start(name)?;
    install(&plane, "hub,site", mode)?;
    furnish(&plane, &NORTH)?;
    declare(&plane)?;
    Ok(plane)
}

/// The operator with the chart's account, in a mode.
pub fn operate(plane: &ControlPlane, mode: &str) -> Result<Started> {
    let account = plane.kubeconfig_for(NAMESPACE, "commonwatt")?;
    Operator::of(&account).mode(mode).start()
}

/// What a platform team declares on a hub: profiles and a policy.
pub fn declare(plane: &ControlPlane) -> Result {
    let profiles = checkout("deploy/profiles").display().to_string();
    plane
        .kubectl(["apply", "--server-side", "--kustomize", &profiles])
        .ok()?;
    plane.apply_yaml(&manifest("hub.yaml", &[])?)?;
    Ok(())
}

fn site(fleet: &str, terms: &SiteTerms) -> Result<Member> {
    let plane = ControlPlane::start(&format!("{fleet}-{}", terms.name))?;
    install(&plane, "site", "Enforce")?;
    furnish(&plane, terms)?;
    let account = plane.kubeconfig_for(NAMESPACE, "commonwatt")?;
    Ok(Member { plane, account })
}

/// Nodes and the objects of a site.
pub fn furnish(plane: &ControlPlane, terms: &SiteTerms) -> Result {
    plane.add_gpu_nodes(2, PRODUCT, 8, &[("commonwatt.dev/site", terms.name)])?;
    let words = [
        ("$SITE", terms.name),
        ("$LAW", terms.law),
        ("$ZONE", terms.zone),
        ("$PRICE", terms.price),
        ("$CARBON", terms.carbon),
    ];
    plane.apply_yaml(&manifest("site.yaml", &words)?)?;
    Ok(())
}

/// Both charts as Helm installs them, with the account and without a pod: the test runs the program itself.
pub fn install(plane: &ControlPlane, roles: &str, mode: &str) -> Result {
    crate::install_definitions(plane)?;
    let chart = checkout("charts/commonwatt").display().to_string();
    let roles: Vec<&str> = roles.split(',').collect();
    plane
        .helm([
            "install",
            "commonwatt",
            &chart,
            "--namespace",
            NAMESPACE,
            "--create-namespace",
            &format!("--set=replicas=0,mode={mode}"),
            &format!("--set-json=roles={}", json!(roles)),
        ])
        .ok()?;
    plane.kubectl(["create", "namespace", "models"]).ok()?;
    Ok(())
}

/// Takes the operator's chart away. What it served stays.
pub fn uninstall(plane: &ControlPlane) -> Result {
    let args = ["uninstall", "commonwatt", "--namespace", NAMESPACE];
    plane.helm(args.iter().chain(&["--wait"])).ok()?;
    Ok(())
}

/// An object as JSON.
pub fn get(plane: &ControlPlane, args: &[&str]) -> Result<Value> {
    let args = ["get", "--output", "json"].iter().chain(args);
    Ok(plane.kubectl(args).json()?)
}

/// A condition of an object.
pub fn condition(object: &Value, type_: &str) -> Option<Value> {
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == type_)
        .cloned()
}
