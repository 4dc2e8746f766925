//! From a deployment applied at the hub to pods on sites, and the words about it.

use chrono::{DateTime, Utc};
use commonwatt_harness::{Error, eventually, skip, unavailable};
use serde_json::{Value, json};

use super::fleet::{Fleet, NORTH, SOUTH, condition, deployment, get};
use crate::{Result, SOON, wait_for_field};

/// Waits until the hub says of a deployment what a check wants to hear.
fn wait_for_deployment(
    fleet: &Fleet,
    name: &str,
    what: &str,
    check: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let mut last = Value::Null;
    let found = eventually(SOON, what, || {
        let args = ["get", "cwmd", name, "--namespace=models", "--output=json"];
        last = fleet.hub.kubectl(args).json()?;
        Ok::<_, Error>(check(&last).then(|| last.clone()))
    });
    Ok(found.map_err(|error| format!("{error}; {:#}", last["status"]))?)
}

/// The verdict on a deployment: status and reason.
fn verdict(object: &Value) -> (String, String) {
    let placed = condition(object, "Placed").unwrap_or_default();
    let word = |field: &str| placed[field].as_str().unwrap_or_default().to_owned();
    (word("status"), word("reason"))
}

fn is_ok(object: &Value) -> bool {
    verdict(object) == ("True".into(), "Ok".into())
}

#[test]
fn a_model_applied_at_the_hub_becomes_ready_on_two_real_sites_and_the_hub_says_why() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let fleet = Fleet::start("placing", &[NORTH, SOUTH])?;
    let operator = fleet.run()?;
    fleet.hub.apply_yaml(&deployment("chat", "27000", "2")?)?;
    let chat = wait_for_deployment(&fleet, "chat", "chat to be ready", is_ok)?;

    // Two where it is cheap and clean, one where it must be as well: on real clusters, with real pods.
    for (site, replicas) in [("north", 2), ("south", 1)] {
        let made = get(
            fleet.site(site),
            &["deployment", "chat-h100", "--namespace=models"],
        )?;
        assert_eq!(made["spec"]["replicas"], replicas, "{site}");
        assert_eq!(made["status"]["readyReplicas"], replicas, "{site}");
    }
    let sites = chat["status"]["sites"].as_array().ok_or("no sites")?;
    let of = |site: &str| sites.iter().find(|place| place["site"] == site);
    let (north, south) = (
        of("north").ok_or("no north")?,
        of("south").ok_or("no south")?,
    );
    assert_eq!(north["answer"], "Admitted");
    assert!(
        south["detail"]
            .as_str()
            .unwrap_or_default()
            .contains("at least 2 sites"),
        "{south:#}"
    );
    let weights: i64 = sites
        .iter()
        .filter_map(|site| site["trafficWeight"].as_i64())
        .sum();
    assert_eq!(weights, 10_000);
    assert_eq!(chat["status"]["desiredReplicas"], 3);
    // What the site has committed to, and what it says of itself.
    let records = get(fleet.site("north"), &["admissionrecords"])?;
    let record = &records["items"][0];
    assert_eq!(record["spec"]["ceiling"], 2);
    // The same for a day: where it begins, and how far it reaches.
    let schedule = record["spec"]["schedule"].as_array().ok_or("no schedule")?;
    let starts: Vec<DateTime<Utc>> = schedule
        .iter()
        .filter_map(|hour| hour["start"].as_str()?.parse().ok())
        .collect();
    assert_eq!(starts.len(), 2, "{record:#}");
    assert_eq!((starts[1] - starts[0]).num_hours(), 23);
    let site = get(fleet.site("north"), &["site", "north"])?;
    assert_eq!(site["status"]["acceleratorsFree"], 14);
    assert_eq!(
        condition(&site, "Ready").unwrap_or_default()["status"],
        "True"
    );
    let told = fleet
        .hub
        .kubectl([
            "get",
            "events",
            "--namespace=site-north",
            "--output=jsonpath={.items[*].reason}",
        ])
        .ok()?;
    assert!(told.contains("Admitted"), "{told}");

    let page = operator.page("/")?;
    for words in ["chat", "north", "south"] {
        assert!(page.contains(words), "{words} is not on the page");
    }
    assert!(operator.page("/site/north")?.contains("A hall for tests"));
    assert!(
        (operator.metric("commonwatt_site_limit_watts{site=\"north\"}")? - 19_000.0).abs() < 1.0
    );

    says_why_not(&fleet)?;
    wrong_objects_stop_nothing_else(&fleet)?;
    leaves_as_it_was_told(&fleet)?;

    // The process ends in order and leaves everything that serves.
    let (code, _) = operator.terminate()?;
    assert_eq!(code, Some(0));
    Ok(())
}

/// The same, to be taken away with its ModelDeployment.
fn drained(manifest: &str) -> String {
    manifest.replace("priority: 100", "deletionPolicy: Drain")
}

fn says_why_not(fleet: &Fleet) -> Result {
    // Nobody is near the moon, and nobody has a hundred thousand watts.
    let far = deployment("far", "9000", "1")?.replace("name: town", "name: moon");
    fleet.hub.apply_yaml(&far)?;
    let large = drained(&deployment("large", "900000", "1")?);
    fleet.hub.apply_yaml(&large)?;
    for (name, reason) in [
        ("far", "Latency: latency from moon is not declared"),
        ("large", "takes no more: Accelerators"),
    ] {
        let said = wait_for_deployment(fleet, name, "a reason for every site", |object| {
            verdict(object) == ("False".into(), "Unplaceable".into())
        })?;
        let message = condition(&said, "Placed").unwrap_or_default()["message"].clone();
        let message = message.as_str().unwrap_or_default();
        assert!(message.contains("tokens/s have no place"), "{message}");
        for site in ["north", "south"] {
            assert!(message.contains(&format!("{site} {reason}")), "{message}");
        }
    }
    fleet
        .hub
        .kubectl([
            "delete",
            "cwmd",
            "far",
            "large",
            "--namespace=models",
            "--timeout=60s",
        ])
        .ok()?;
    Ok(())
}

fn wrong_objects_stop_nothing_else(fleet: &Fleet) -> Result {
    let lost = deployment("lost", "9000", "1")?.replace("llama-3.1-8b-h100", "nobody-measured");
    let unpaid = deployment("unpaid", "9000", "1")?.replace("neighbourly", "nowhere");
    fleet.hub.apply_yaml(&lost)?;
    fleet.hub.apply_yaml(&unpaid)?;
    for (name, reason, field) in [
        ("lost", "ProfileUnusable", "spec.variants[h100].profile"),
        ("unpaid", "NotFound", "spec.policy"),
    ] {
        let said = wait_for_deployment(fleet, name, reason, |object| verdict(object).1 == reason)?;
        let message = condition(&said, "Placed").unwrap_or_default()["message"].clone();
        assert!(
            message.as_str().unwrap_or_default().contains(field),
            "{message}"
        );
    }
    // A currency without a rate is the offer's trouble, and takes that site out of the plan; a zone that is not one is
    // the site's.
    let south = fleet.site("south");
    let patch = |object: &str, patch: Value| {
        let patch = patch.to_string();
        south.kubectl(["patch", object, "--type=merge", "--patch", &patch])
    };
    let crowns = json!({ "spec": { "currency": "SEK" } });
    let dollars = json!({ "spec": { "currency": "USD" } });
    patch("gridsignal/south-price", crowns.clone()).ok()?;
    patch("site/south", crowns).ok()?;
    wait_for_field(
        &fleet.hub,
        "siteoffer/south --namespace=site-south",
        ".status.conditions[?(@.type=='Ready')].reason",
        "CurrencyWithoutRate",
    )?;
    patch("gridsignal/south-price", dollars.clone()).ok()?;
    patch("site/south", dollars).ok()?;
    let zone = |zone: &str| json!({ "spec": { "location": { "timeZone": zone } } });
    patch("site/south", zone("Mars/Olympus")).ok()?;
    wait_for_field(
        south,
        "site/south",
        ".status.conditions[?(@.type=='Ready')].reason",
        "Invalid",
    )?;
    // What runs there goes on meanwhile.
    let running = get(south, &["deployment", "chat-h100", "--namespace=models"])?;
    assert_eq!(running["status"]["readyReplicas"], 1);
    patch("site/south", zone("UTC")).ok()?;
    // More watts than a number holds: the budget says so, and until it is mended nothing grows there.
    let limit = |limit: &str| json!({ "spec": { "limit": limit } });
    patch("powerbudget/south-feeder", limit("999999999999999T")).ok()?;
    wait_for_field(
        south,
        "powerbudget/south-feeder",
        ".status.conditions[?(@.type=='WithinLimit')].reason",
        "Invalid",
    )?;
    wait_for_field(
        south,
        "site/south",
        ".status.limitSetBy",
        "powerbudget/south-feeder (invalid)",
    )?;
    patch("powerbudget/south-feeder", limit("20k")).ok()?;
    // A series that has ended: its fallback counts, and everybody is told.
    let ended = json!({ "spec": { "fallback": "650", "source": { "static": {
        "repeat": "None", "start": "2020-01-01T00:00:00Z", "stepSeconds": 3600, "values": ["700"],
    } } } });
    patch("gridsignal/south-carbon", ended).ok()?;
    wait_for_field(
        south,
        "gridsignal/south-carbon",
        ".status.conditions[?(@.type=='SignalFresh')].reason",
        "SignalStale",
    )?;
    wait_for_field(
        south,
        "site/south",
        ".status.conditions[?(@.type=='Ready')].reason",
        "SignalStale",
    )?;
    wait_for_field(south, "gridsignal/south-carbon", ".status.value", "650")?;
    wait_for_deployment(fleet, "chat", "chat to be as it was", is_ok)?;
    fleet
        .hub
        .kubectl([
            "delete",
            "cwmd",
            "lost",
            "unpaid",
            "--namespace=models",
            "--timeout=60s",
        ])
        .ok()?;
    Ok(())
}

fn leaves_as_it_was_told(fleet: &Fleet) -> Result {
    fleet
        .hub
        .apply_yaml(&drained(&deployment("gone", "9000", "1")?))?;
    wait_for_deployment(fleet, "gone", "gone to be ready", is_ok)?;
    for name in ["gone", "chat"] {
        fleet
            .hub
            .kubectl([
                "delete",
                "cwmd",
                name,
                "--namespace=models",
                "--timeout=60s",
            ])
            .ok()?;
    }
    // Drained: taken away. Orphaned, as is the default: goes on, and is nobody's.
    let north = fleet.site("north");
    eventually(SOON, "the drained workload to go", || {
        let list = north
            .kubectl(["get", "deployments", "--namespace=models", "--output=name"])
            .ok()?;
        Ok::<_, Error>((list.trim() == "deployment.apps/chat-h100").then_some(()))
    })?;
    let orphan = get(north, &["deployment", "chat-h100", "--namespace=models"])?;
    assert_eq!(orphan["status"]["readyReplicas"], 2);
    assert!(orphan["metadata"]["annotations"]["commonwatt.dev/assignment"].is_null());
    let records = get(north, &["admissionrecords"])?;
    assert_eq!(records["items"].as_array().map(Vec::len), Some(0));
    let left = fleet
        .hub
        .kubectl([
            "get",
            "siteassignments",
            "--all-namespaces",
            "--output=name",
        ])
        .ok()?;
    assert_eq!(left, "");
    Ok(())
}
