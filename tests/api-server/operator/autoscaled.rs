//! Autoscalers that come to what is adopted already, and go again.

use commonwatt_harness::{eventually, skip, unavailable};

use super::adoption::{running, served};
use super::fleet::get;
use crate::{Result, SOON, wait_for_field};

#[test]
fn an_autoscaler_that_comes_is_bounded_and_one_that_goes_leaves_the_replicas_to_us() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let (plane, operator) = running("autoscaled", "Enforce")?;
    let adopting = served(&plane, "chat", 5)?;
    plane.apply_yaml(&adopting)?;
    let replicas = |value| {
        wait_for_field(
            &plane,
            "deployment/chat --namespace=models",
            ".spec.replicas",
            value,
        )
    };
    replicas("2")?;
    plane
        .kubectl([
            "autoscale",
            "deployment/chat",
            "--namespace=models",
            "--min=1",
            "--max=9",
            "--cpu=70%",
        ])
        .ok()?;
    let autoscaler = "hpa/chat --namespace=models";
    wait_for_field(&plane, autoscaler, ".spec.maxReplicas", "2")?;
    wait_for_field(&plane, autoscaler, ".spec.minReplicas", "1")?;
    // Its replicas are not ours any more, and what it makes of them stays.
    eventually(SOON, "the replicas to be let go of", || {
        let object = get(
            &plane,
            &[
                "deployment/chat",
                "--namespace=models",
                "--show-managed-fields",
            ],
        )
        .map_err(|error| error.to_string())?;
        let managers = object["metadata"]["managedFields"].to_string();
        Ok::<_, String>((!managers.contains("\"commonwatt\"")).then_some(()))
    })?;
    let scale = |to: &str| {
        plane
            .kubectl([
                "scale",
                "deployment/chat",
                "--namespace=models",
                &format!("--replicas={to}"),
            ])
            .ok()
    };
    scale("1")?;
    wait_for_field(
        &plane,
        "cwmd/chat --namespace=models",
        ".status.readyReplicas",
        "1",
    )?;
    // One is between its bounds: nothing is amiss.
    wait_for_field(
        &plane,
        "cwmd/chat --namespace=models",
        ".status.conditions[?(@.type=='Placed')].reason",
        "Ok",
    )?;
    replicas("1")?;
    plane
        .kubectl(["delete", "hpa", "chat", "--namespace=models"])
        .ok()?;
    replicas("2")?;
    operator.terminate()?;
    Ok(())
}
