//! The operator's image, installed by its chart on a real node: kubelet, containerd, runc and kube-proxy.

mod installed;
mod state;

use std::error::Error as AnyError;
use std::path::{Path, PathBuf};
use std::process::Command;

use commonwatt_harness::{Node, no_node, skip};

use self::installed::{Installed, OPERATOR};

/// What a test returns.
type Result<T = (), E = Box<dyn AnyError + Send + Sync>> = std::result::Result<T, E>;

/// One test, since a machine has one such node at a time and each step begins with what the one before has left.
#[test]
fn what_is_admitted_serves_on_through_lost_pods_a_lost_node_and_upgrades() -> Result {
    if let Some(reason) = no_node() {
        skip!("{reason}");
    }
    let archive = operator_image()?;
    let node = Node::start("node")?;
    node.import(&archive)?;
    let installed = Installed::on(&node)?;
    installed.place_chat()?;

    answers_at_its_service(&installed)?;
    a_lost_operator(&installed)?;
    a_lost_replica(&installed)?;
    lost_agents_of_the_node(&installed)?;
    a_power_cut(&installed)?;
    an_upgrade(&installed)?;
    an_upgrade_that_rolls(&installed)
}

/// The image, built as a person would.
fn operator_image() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let archive = Path::new(env!("CARGO_TARGET_TMPDIR")).join("commonwatt-image.tar");
    let status = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            "image",
            "--output",
        ])
        .arg(&archive)
        .current_dir(root)
        .status()?;
    assert!(status.success(), "cargo xtask image ended with {status}");
    Ok(archive)
}

fn answers_at_its_service(installed: &Installed) -> Result {
    let page = installed.page("/")?;
    assert!(page.contains("chat"), "chat is not on the page:\n{page}");
    let metrics = installed.page("/metrics")?;
    assert!(
        metrics.contains("commonwatt_site_limit_watts{site=\"north\"}"),
        "{metrics}"
    );
    // What Kubernetes' own probes ask.
    for probe in ["/healthz", "/readyz"] {
        installed.page(probe)?;
    }
    Ok(())
}

fn a_lost_operator(installed: &Installed) -> Result {
    let before = installed.state()?;
    let [pod] = installed
        .pods(OPERATOR)?
        .try_into()
        .map_err(|pods| format!("{pods:?}"))?;
    let took = installed.delete_pod(&pod)?;
    // A process that does not hear SIGTERM, as PID 1 by itself does not, is killed after all of it.
    let grace = pod.grace;
    assert!(took * 2 < grace, "it ended after {took:?} of {grace:?}");
    installed.comes_back(OPERATOR, 1)?;
    installed.works_on()?;
    installed.assert_same(&before)
}

fn a_lost_replica(installed: &Installed) -> Result {
    let before = installed.state()?;
    let pods = installed.pods("app=chat")?;
    assert_eq!(pods.len(), 2, "{pods:?}");
    installed.delete_pod(&pods[0])?;
    installed.comes_back("app=chat", 2)?;
    installed.works_on()?;
    installed.assert_same(&before)
}

fn lost_agents_of_the_node(installed: &Installed) -> Result {
    let before = (installed.state()?, installed.containers()?);
    installed.node.restart_agents()?;
    installed.node_comes_back()?;
    installed.works_on()?;
    assert_eq!(
        installed.containers()?,
        before.1,
        "containers did not live on"
    );
    installed.assert_same(&before.0)
}

fn a_power_cut(installed: &Installed) -> Result {
    let before = (installed.state()?, installed.containers()?);
    installed.node.power_cut()?;
    installed.node_comes_back()?;
    installed.comes_back(OPERATOR, 1)?;
    installed.works_on()?;
    let after = installed.containers()?;
    assert!(
        before.1.iter().all(|container| !after.contains(container)),
        "containers outlived a power cut: {after:?}"
    );
    installed.assert_same(&before.0)
}

fn an_upgrade(installed: &Installed) -> Result {
    let before = installed.state()?;
    installed.upgrade("0.1.1", &[])?;
    installed.works_on()?;
    installed.assert_same(&before)
}

/// Without a claim the new pod stands by until the old one gives the lease back.
fn an_upgrade_that_rolls(installed: &Installed) -> Result {
    let before = installed.state()?;
    installed.upgrade("0.1.1", &["--set=persistence.enabled=false"])?;
    installed.upgrade("0.1.2", &["--set=persistence.enabled=false"])?;
    installed.works_on()?;
    installed.assert_same(&before)
}
