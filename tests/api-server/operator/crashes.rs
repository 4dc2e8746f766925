//! SIGKILL before and after every kind of write of hub and agent, on real API servers, and a second replica.

mod giving_back;
mod matrix;
mod promises;
mod rights;
mod scenarios;

use commonwatt_harness::{Error, eventually, skip, unavailable};

use super::fleet::{Fleet, NORTH, deployment, get};
use crate::{Result, SOON, wait_for_field};

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
