//! The first fifteen minutes: from `helm install` on a cluster that serves from a plain Deployment to the first advice, with
//! `kubectl get`, in a query of the dashboards and on the page.

use commonwatt_harness::free_ports;

use super::*;
use crate::monitoring::prometheus::{Prometheus, missing};
use crate::operator::fleet::PRODUCT;
use crate::operator::program::page;

const NAME: &str = "first";
/// Above the line that says how many commands it took and how long.
const MEASURED: &str = "<!-- measured: first -->";
/// The page's addresses of the operator's pages and of a Prometheus.
const PAGES: &str = "127.0.0.1:8080";
const PROMETHEUS: &str = "127.0.0.1:9090";

/// The line below [`MEASURED`]. Its minutes are those of one run: nobody holds another one to them.
fn measured(commands: usize, took: Duration) -> Result<String> {
    let words = ["no", "One", "Two", "Three", "Four", "Five", "Six", "Seven"];
    let number = words
        .get(commands)
        .ok_or("too many for a quarter of an hour")?;
    let minutes = took.as_secs_f64() / 60.0;
    Ok(format!(
        "{number} commands, and {minutes:.1} minutes from the first to the decision in the run that wrote this page, with the image at hand."
    ))
}

/// Runs what the pod of the chart would: its arguments, with the account that it has. Pods of this cluster have no containers.
fn as_the_pod_would(plane: &ControlPlane, followed: &mut Followed) -> Result<String> {
    let pod = [
        "get",
        "deployment/commonwatt",
        "--namespace",
        NAMESPACE,
        "--output=json",
    ];
    let pod = plane.kubectl(pod).json()?["spec"]["template"]["spec"].clone();
    let account = pod["serviceAccountName"].as_str().ok_or("no account")?;
    let account = plane.kubeconfig_for(NAMESPACE, account)?;
    let [port] = free_ports()?;
    let address = format!("127.0.0.1:{port}");
    let arguments = pod["containers"][0]["args"].as_array().ok_or("no args")?;
    let mut command = Command::new(program()?);
    for argument in arguments.iter().filter_map(Value::as_str) {
        match argument.split_once('=') {
            Some(("--listen", _)) => command.arg(format!("--listen={address}")),
            _ => command.arg(argument),
        };
    }
    command
        .env("POD_NAMESPACE", NAMESPACE)
        .env("POD_NAME", "the-pod")
        .env("KUBECONFIG", &account.path)
        .arg("--ledger")
        .arg(followed.desk.path().join("ledger"));
    let folder = followed.desk.path().to_owned();
    followed
        .running
        .push(Process::start("commonwatt", &command, &folder)?);
    Ok(address)
}

/// Every query that the page asks of Prometheus is one of the dashboards.
fn is_of_a_dashboard(command: &str) -> Result {
    let Some((_, query)) = command.split_once(PROMETHEUS) else {
        return Ok(());
    };
    let query = query.trim().trim_matches('\'');
    let asks = |board: &str| -> Result<bool> {
        let board = checkout("deploy/grafana").join(board);
        let board: Value = serde_json::from_str(&std::fs::read_to_string(board)?)?;
        let panels = board["panels"].as_array().into_iter().flatten();
        let mut targets =
            panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
        Ok(targets.any(|target| target["expr"] == query))
    };
    assert!(
        asks("fleet.json")? || asks("site.json")?,
        "no dashboard asks {query}"
    );
    Ok(())
}

/// The page says where the deployment is to run, and why.
fn is_on_the_page(address: &str, chosen: &Value) -> Result {
    let page = page(address, "/")?;
    let word = |field: &str| chosen[field].as_str().unwrap_or("?").to_owned();
    let mut rest = page
        .split_once("Where each model runs, and why")
        .ok_or("no models on the page")?
        .1;
    for part in [
        "chat",
        &word("site"),
        &word("variant"),
        &word("reason"),
        &word("detail"),
    ] {
        rest = rest
            .split_once(part)
            .ok_or(format!("{part:?} is not on the page: {rest}"))?
            .1;
    }
    Ok(())
}

#[test]
fn the_readmes_first_fifteen_minutes_lead_from_helm_install_to_advice_seen_in_three_places()
-> Result {
    if let Some(reason) = unavailable().or_else(missing) {
        skip!("{reason}");
    }
    let readme = readme()?;
    let steps = steps(&readme, NAME);
    assert!(
        steps[0].0.command.starts_with("helm install"),
        "{:?}",
        steps[0]
    );
    let plane = ControlPlane::start("first")?;
    plane.add_gpu_nodes(2, PRODUCT, 8, &[])?;
    let served = std::fs::read_to_string(checkout("deploy/examples/first/chat.yaml"))?;
    plane.apply_yaml(&served)?;
    let chat = "deployment/chat --namespace=models";
    crate::wait_for_field(&plane, chat, ".status.readyReplicas", "2")?;
    let generation = ".metadata.generation";
    crate::wait_for_field(&plane, chat, generation, "1")?;

    let mut followed = Followed::on(&plane, NAME)?;
    let mut prometheus = None;
    let mut commands = 0;
    for (step, _) in steps {
        let comes = step.command.starts_with("helm install commonwatt ");
        commands += usize::from(step.shown.is_none());
        is_of_a_dashboard(&step.command)?;
        followed.follow(step)?;
        if comes {
            let address = as_the_pod_would(&plane, &mut followed)?;
            let started = Prometheus::start(&address, &checkout("deploy/prometheus/alerts.yaml"))?;
            followed.addresses = vec![(PAGES, address), (PROMETHEUS, started.address().to_owned())];
            prometheus = Some(started);
        }
    }
    assert!(prometheus.is_some(), "the page installs no operator");
    // What serves is shown to serve, though nothing of it was admitted.
    crate::wait_for_field(
        &plane,
        "cwmd/chat --namespace=models",
        ".status.readyReplicas",
        "2",
    )?;
    let advised = decided(&plane, "chat")?;
    let (_, address) = followed.addresses[0].clone();
    is_on_the_page(&address, &advised["status"]["sites"][0])?;
    crate::wait_for_field(&plane, chat, generation, "1")?;

    let took = followed.took.ok_or("no decision is shown")?;
    let new = measured(commands, took)?;
    let place = readme.lines().position(|line| line == MEASURED);
    let place = place.ok_or("the page does not say how long it takes")? + 1;
    let old = readme.lines().nth(place).unwrap_or_default().to_owned();
    followed.judge()?;
    if is_written() {
        return rewrite(|lines| {
            for line in lines.iter_mut().filter(|line| **line == old) {
                line.clone_from(&new);
            }
        });
    }
    assert_eq!(words(&old), words(&new), "COMMONWATT_WRITE=1 writes it");
    Ok(())
}
