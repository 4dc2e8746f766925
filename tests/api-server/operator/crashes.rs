//! SIGKILL between any two writes of an admission, and a start again: nothing twice, nothing lost, and true again.

use std::time::Duration;

use commonwatt_harness::{Error, eventually, skip, unavailable};

use super::fleet::{Fleet, NORTH, deployment, get};
use crate::{Result, SOON, wait_for_field};

/// More writes than one admission takes, from the offer to the last status.
const MOST_WRITES: u32 = 60;

#[test]
fn an_operator_killed_between_any_two_writes_leaves_nothing_twice_and_loses_nothing() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let fleet = Fleet::start("crashes", &[NORTH])?;
    let mut tried = Vec::new();
    for writes in 0..MOST_WRITES {
        let name = format!("chat-{writes}");
        fleet.hub.apply_yaml(&deployment(&name, "9000", "1")?)?;
        let operator = fleet.operator().halted_after(writes).start()?;
        // Either it stops where it was told to, or it is through before that.
        let halted = eventually(SOON, "a halt, or the end of the admission", || {
            if operator.is_halted() {
                return Ok::<_, Error>(Some(true));
            }
            let args = [
                "get",
                "cwmd",
                &name,
                "--namespace=models",
                "--output=jsonpath={.status.conditions[?(@.type=='Placed')].reason}",
            ];
            let reason = fleet.hub.kubectl(args).ok()?;
            Ok((reason == "Ok").then_some(false))
        })?;
        let at = operator.log().lines().find_map(|line| {
            line.split_once("halted before ")
                .map(|(_, what)| what.to_owned())
        });
        let folder = operator.kill();

        let again = fleet.operator().start_in(folder)?;
        wait_for_field(
            &fleet.hub,
            &format!("cwmd/{name} --namespace=models"),
            ".status.conditions[?(@.type=='Placed')].reason",
            "Ok",
        )
        .map_err(|error| {
            format!(
                "after {writes} writes, before {at:?}: {error}\n{}",
                again.log()
            )
        })?;
        one_of_each(&fleet, &name, writes)?;
        fleet
            .hub
            .kubectl([
                "patch",
                "cwmd",
                &name,
                "--namespace=models",
                "--type=merge",
                "--patch",
                "{\"spec\":{\"deletionPolicy\":\"Drain\"}}",
            ])
            .ok()?;
        fleet
            .hub
            .kubectl([
                "delete",
                "cwmd",
                &name,
                "--namespace=models",
                "--timeout=60s",
            ])
            .ok()?;
        nothing_left(&fleet)?;
        again.kill();
        tried.push(at);
        if !halted {
            break;
        }
        assert!(writes + 1 < MOST_WRITES, "an admission that never ends");
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("write points:");
    for (writes, at) in tried.iter().enumerate() {
        println!("  {writes:2}  {}", at.as_deref().unwrap_or("(all written)"));
    }
    assert!(
        tried.len() > 8,
        "only {} write points were tried",
        tried.len()
    );
    Ok(())
}

fn one_of_each(fleet: &Fleet, name: &str, writes: u32) -> Result {
    let north = fleet.site("north");
    let made = get(north, &["deployments", "--namespace=models"])?;
    let names: Vec<_> = made["items"]
        .as_array()
        .ok_or("no list")?
        .iter()
        .map(|object| object["metadata"]["name"].clone())
        .collect();
    assert_eq!(names, [format!("{name}-h100")], "after {writes} writes");
    assert_eq!(made["items"][0]["status"]["readyReplicas"], 1);
    let records = get(north, &["admissionrecords"])?;
    assert_eq!(records["items"].as_array().map(Vec::len), Some(1));
    let assignments = get(&fleet.hub, &["siteassignments", "--all-namespaces"])?;
    assert_eq!(assignments["items"].as_array().map(Vec::len), Some(1));
    Ok(())
}

fn nothing_left(fleet: &Fleet) -> Result {
    eventually(SOON, "all to be gone", || {
        let here = fleet
            .site("north")
            .kubectl([
                "get",
                "deployments,admissionrecords",
                "--namespace=models",
                "--output=name",
            ])
            .ok()?;
        let there = fleet
            .hub
            .kubectl([
                "get",
                "siteassignments",
                "--all-namespaces",
                "--output=name",
            ])
            .ok()?;
        Ok::<_, Error>((here.is_empty() && there.is_empty()).then_some(()))
    })?;
    Ok(())
}

#[test]
fn a_second_replica_waits_ready_and_takes_over_with_a_higher_epoch() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let fleet = Fleet::start("replicas", &[NORTH])?;
    let epoch = || -> Result<i64> {
        let head = get(&fleet.hub, &["planhead/commonwatt"])?;
        head["spec"]["epoch"].as_i64().ok_or("no epoch".into())
    };
    let first = fleet.operator().called("first").start()?;
    let second = fleet.operator().called("second").start()?;
    fleet.hub.apply_yaml(&deployment("chat", "9000", "1")?)?;
    let placed = ".status.conditions[?(@.type=='Placed')].reason";
    wait_for_field(&fleet.hub, "cwmd/chat --namespace=models", placed, "Ok")?;
    eventually(SOON, "both replicas to be ready", || {
        Ok::<_, Error>((first.is_ready() && second.is_ready()).then_some(()))
    })?;
    let lease = [
        "get",
        "lease/commonwatt-hub",
        "--namespace=commonwatt-system",
        "--output=jsonpath={.spec.holderIdentity}",
    ];
    let leader = fleet.hub.kubectl(lease).ok()?;
    let (leads, waits, other) = if leader == "first" {
        (first, second, "second")
    } else {
        (second, first, "first")
    };
    assert!(
        !waits.log().contains("planned"),
        "two led at once:\n{}",
        waits.log()
    );
    let before = epoch()?;
    leads.kill();
    eventually(SOON, "the other to lead", || {
        let holder = fleet.hub.kubectl(lease).ok()?;
        Ok::<_, Error>((holder == other).then_some(()))
    })?;
    fleet.hub.apply_yaml(&deployment("more", "9000", "1")?)?;
    wait_for_field(&fleet.hub, "cwmd/more --namespace=models", placed, "Ok")?;
    assert!(epoch()? > before);
    let made = get(fleet.site("north"), &["deployments", "--namespace=models"])?;
    assert_eq!(made["items"].as_array().map(Vec::len), Some(2));
    waits.terminate()?;
    Ok(())
}
