//! Sites that cannot be reached: said on their offer, tried again, and mended without a restart.

use commonwatt_harness::{eventually, skip, unavailable};

use super::fleet::{Fleet, NORTH, condition, deployment, get};
use crate::{Result, SOON, wait_for_field};

fn wait_for_reach(fleet: &Fleet, status: &str, reason: &str, words: &str) -> Result {
    let mut last = String::new();
    let found = eventually(SOON, &format!("Reachable={status}, {reason}"), || {
        let offer = get(&fleet.hub, &["siteoffer/north", "--namespace=site-north"])
            .map_err(|error| error.to_string())?;
        let said = condition(&offer, "Reachable").unwrap_or_default();
        last = said.to_string();
        let message = said["message"].as_str().unwrap_or_default();
        let holds = said["status"] == status && said["reason"] == reason && message.contains(words);
        Ok::<_, String>(holds.then_some(()))
    });
    Ok(found.map_err(|error| format!("{error}; {last}"))?)
}

#[test]
fn a_kubeconfig_that_does_not_work_shows_on_the_offer_and_recovers_when_it_is_mended() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let fleet = Fleet::start("reaching", &[NORTH])?;
    let right = fleet.sites["north"].account.text.clone();
    fleet.hand_over("north", "certainly: {not: a kubeconfig")?;
    let operator = fleet.run()?;
    wait_for_reach(&fleet, "False", "KubeconfigInvalid", "not a kubeconfig")?;
    let offer = get(&fleet.hub, &["siteoffer/north", "--namespace=site-north"])?;
    assert_eq!(offer["spec"]["hours"].as_array().map(Vec::len), Some(0));

    // A token that nobody gave.
    let token = right
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"token\": \""))
        .and_then(|rest| rest.split('"').next())
        .ok_or("no token in the kubeconfig")?
        .to_owned();
    fleet.hand_over("north", &right.replace(&token, "made-up"))?;
    wait_for_reach(&fleet, "False", "KubeconfigInvalid", "401")?;

    // A right one: offers, and all that follows, without a restart.
    fleet.hand_over("north", &right)?;
    wait_for_reach(&fleet, "True", "Ok", "")?;
    fleet.hub.apply_yaml(&deployment("chat", "9000", "1")?)?;
    wait_for_field(
        fleet.site("north"),
        "deployment/chat-h100 --namespace=models",
        ".status.readyReplicas",
        "1",
    )?;

    // The site's API server goes away and comes back.
    fleet.site("north").stop_api_server();
    wait_for_reach(&fleet, "False", "Unreachable", "")?;
    fleet.site("north").start_api_server()?;
    wait_for_reach(&fleet, "True", "Ok", "")?;

    // A label that names no site of that server.
    fleet
        .hub
        .kubectl([
            "label",
            "secret",
            "north",
            "--namespace=commonwatt-system",
            "--overwrite",
            "commonwatt.dev/site-kubeconfig=nroth",
        ])
        .ok()?;
    wait_for_field(
        &fleet.hub,
        "siteoffer/nroth --namespace=site-nroth",
        ".status.conditions[?(@.type=='Reachable')].reason",
        "NotFound",
    )?;
    let running = get(
        fleet.site("north"),
        &["deployment/chat-h100", "--namespace=models"],
    )?;
    assert_eq!(running["status"]["readyReplicas"], 1);
    operator.terminate()?;
    Ok(())
}
