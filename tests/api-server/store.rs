//! The store on a real API server: what it promises to hub and agent.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use commonwatt_harness::{ControlPlane, control_plane};
use commonwatt_kubernetes::{Election, KubeStore, Metrics, from_kubeconfig};
use commonwatt_store::{Event, EventType, Kind, Object, Store, StoreError, owned};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use crate::{Result, SOON, checkout, install_definitions};

const CONFIG_MAP: Kind = Kind::new("", "v1", "ConfigMap", "configmaps");
const WATER_BUDGET: Kind = Kind::new("commonwatt.dev", "v1alpha1", "WaterBudget", "waterbudgets");
const NAMESPACE: Option<&str> = Some("default");

/// A store on a control plane. Kept in an `Arc`, as a process does.
async fn store(plane: &ControlPlane) -> Result<Arc<KubeStore>> {
    let client = from_kubeconfig(plane.kubeconfig().text.as_bytes()).await?;
    Ok(Arc::new(KubeStore::new(client, Metrics::new("0"))))
}

fn config_map(name: &str, value: &str) -> Object {
    let mut object = Object::new(&CONFIG_MAP, NAMESPACE, name);
    object.set("data.value", json!(value));
    object
}

/// The values of our config maps. The cluster has one of its own in every namespace.
async fn values(store: &KubeStore) -> Result<Vec<String>> {
    let objects = store.list(&CONFIG_MAP, NAMESPACE).await?;
    let value = |object: &Arc<Object>| {
        object
            .at("data.value")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    Ok(objects.iter().filter_map(value).collect())
}

/// Waits until the lists say so.
async fn wait_for_values(store: &KubeStore, expected: &[&str]) -> Result {
    let start = Instant::now();
    loop {
        let found = values(store).await?;
        if found == expected {
            return Ok(());
        }
        if start.elapsed() > SOON {
            return Err(format!("{expected:?} expected, {found:?} found").into());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn own_writes_are_seen_in_the_next_list_at_once() -> Result {
    let plane = control_plane!("own-writes");
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        assert_eq!(values(&store).await?, [""; 0]);
        // Many in a row: the watch is behind some of them for sure.
        for round in 0..50 {
            let value = round.to_string();
            let written = store.apply(&CONFIG_MAP, &config_map("a", &value)).await?;
            assert_eq!(values(&store).await?, [value], "after an apply");
            let patch = json!({ "data": { "value": "merged" } });
            store.merge(&CONFIG_MAP, NAMESPACE, "a", &patch).await?;
            assert_eq!(values(&store).await?, ["merged"], "after a merge");
            let mut current = written.clone();
            current.set("metadata.resourceVersion", Value::Null);
            store.delete(&CONFIG_MAP, &current).await?;
            assert_eq!(values(&store).await?, [""; 0], "after a deletion");
        }
        // What the watch tells in the end is the same.
        sleep(Duration::from_secs(1)).await;
        assert_eq!(values(&store).await?, [""; 0]);
        Ok(())
    })
}

#[test]
fn a_change_by_somebody_else_wakes_who_waits_and_is_listed_then() -> Result {
    let plane = control_plane!("changes");
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        values(&store).await?;
        // What came before the watch had settled does not count.
        sleep(Duration::from_secs(2)).await;
        let mut changed = store.changed();
        plane
            .kubectl(["create", "configmap", "b", "--from-literal=value=theirs"])
            .ok()?;
        timeout(SOON, changed.changed()).await??;
        assert_eq!(values(&store).await?, ["theirs"]);
        Ok(())
    })
}

#[test]
fn an_apply_with_a_uid_does_not_create_what_is_gone() -> Result {
    let plane = control_plane!("uid");
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        let first = store.apply(&CONFIG_MAP, &config_map("a", "1")).await?;
        let mut update = config_map("a", "2");
        update.set("metadata.uid", json!(first.uid()));
        let second = store.apply(&CONFIG_MAP, &update).await?;
        assert_eq!(second.uid(), first.uid());
        plane.kubectl(["delete", "configmap", "a"]).ok()?;
        let refused = store
            .apply(&CONFIG_MAP, &update)
            .await
            .expect_err("it is gone");
        assert_eq!(refused.reason(), "Conflict", "{refused}");
        assert_eq!(store.get(&CONFIG_MAP, NAMESPACE, "a").await?, None);
        Ok(())
    })
}

#[test]
fn a_foreign_field_manager_is_reported_from_lists_too() -> Result {
    let plane = control_plane!("managers");
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        plane
            .kubectl(["create", "deployment", "llama", "--image=llama"])
            .ok()?;
        let find = async || -> Result<Arc<Object>> {
            let found = store.list(&Kind::DEPLOYMENT, NAMESPACE).await?;
            Ok(found.into_iter().next().ok_or("no deployment")?)
        };
        assert!(
            find().await?.foreign_managers("spec.replicas").is_empty(),
            "kubectl gives way"
        );
        let patch = [
            "patch",
            "deployment",
            "llama",
            "--field-manager=argocd-controller",
        ];
        plane
            .kubectl(
                patch
                    .into_iter()
                    .chain(["--patch", "{\"spec\":{\"replicas\":3}}"]),
            )
            .ok()?;
        let start = Instant::now();
        while find().await?.foreign_managers("spec.replicas") != ["argocd-controller"] {
            assert!(start.elapsed() < SOON, "{:#}", find().await?.0["metadata"]);
            sleep(Duration::from_millis(100)).await;
        }
        // Taking the field over, as a person decides it in a policy: then it is ours.
        let mut ours = Object::new(&Kind::DEPLOYMENT, NAMESPACE, "llama");
        ours.set("spec.replicas", json!(1));
        let written = store.apply(&Kind::DEPLOYMENT, &ours).await?;
        assert!(written.foreign_managers("spec.replicas").is_empty());
        // What came from a list, field managers and all, is no reason to refuse an apply.
        ours.set(
            "metadata.managedFields",
            written.0["metadata"]["managedFields"].clone(),
        );
        store.apply(&Kind::DEPLOYMENT, &ours).await?;
        Ok(())
    })
}

#[test]
fn an_unknown_kind_is_empty_and_appears_once_its_definition_is_installed() -> Result {
    let plane = control_plane!("unknown");
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        assert!(store.list(&WATER_BUDGET, None).await?.is_empty());
        install_definitions(&plane)?;
        plane.apply_yaml(&fs::read_to_string(water())?)?;
        let start = Instant::now();
        while store.list(&WATER_BUDGET, None).await?.is_empty() {
            assert!(start.elapsed() < SOON, "the installed kind is still empty");
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    })
}

#[test]
fn lists_give_the_last_known_while_the_api_server_is_away_and_recover() -> Result {
    let plane = control_plane!("outage-store");
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        store.apply(&CONFIG_MAP, &config_map("a", "before")).await?;
        assert_eq!(values(&store).await?, ["before"]);
        plane.stop_api_server();
        assert_eq!(values(&store).await?, ["before"]);
        let refused = store.apply(&CONFIG_MAP, &config_map("a", "x")).await;
        assert_eq!(refused.expect_err("nobody there").reason(), "Unreachable");
        let unknown = store.get(&CONFIG_MAP, NAMESPACE, "a").await;
        assert_eq!(
            unknown.expect_err("unknown is not absent").reason(),
            "Unreachable"
        );
        let start = Instant::now();
        while store.trouble().is_none() {
            assert!(start.elapsed() < SOON, "no trouble is told");
            sleep(Duration::from_millis(100)).await;
        }
        // A kind that was never listed is not known to be empty.
        let begun = Instant::now();
        let never = store.list(&Kind::NODE, None).await;
        assert_eq!(never.expect_err("never seen").reason(), "Unreachable");
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert_eq!(values(&store).await?, ["before"]);

        plane.start_api_server()?;
        plane
            .kubectl(["create", "configmap", "b", "--from-literal=value=after"])
            .ok()?;
        wait_for_values(&store, &["before", "after"]).await?;
        // Each watch comes back at its own time.
        let start = Instant::now();
        while let Some(trouble) = store.trouble() {
            assert!(start.elapsed() < SOON, "still in trouble: {trouble}");
            sleep(Duration::from_millis(100)).await;
        }
        assert!(store.list(&Kind::NODE, None).await?.is_empty());
        Ok(())
    })
}

#[test]
fn a_deletion_of_what_is_not_the_same_any_more_conflicts() -> Result {
    let plane = control_plane!("deletions");
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        let old = store.apply(&CONFIG_MAP, &config_map("a", "1")).await?;
        let newer = store.apply(&CONFIG_MAP, &config_map("a", "2")).await?;
        let refused = store
            .delete(&CONFIG_MAP, &old)
            .await
            .expect_err("a stale version");
        assert_eq!(refused.reason(), "Conflict", "{refused}");
        store.delete(&CONFIG_MAP, &newer).await?;
        store.apply(&CONFIG_MAP, &config_map("a", "3")).await?;
        let refused = store
            .delete(&CONFIG_MAP, &newer)
            .await
            .expect_err("a stale uid");
        assert_eq!(refused.reason(), "Conflict", "{refused}");
        assert_eq!(values(&store).await?, ["3"]);

        // What a finalizer holds goes on being listed, as on its way out.
        let mut held = config_map("a", "4");
        held.set("metadata.finalizers", json!(["commonwatt.dev/release"]));
        let held = store.apply(&CONFIG_MAP, &held).await?;
        store.delete(&CONFIG_MAP, &held).await?;
        let listed = store.list(&CONFIG_MAP, NAMESPACE).await?;
        assert!(
            listed
                .iter()
                .any(|object| object.name() == "a" && object.is_being_deleted())
        );
        let free = json!({ "metadata": { "finalizers": null } });
        store.merge(&CONFIG_MAP, NAMESPACE, "a", &free).await?;
        wait_for_values(&store, &[]).await
    })
}

#[test]
fn a_status_patch_changes_the_status_and_nothing_else() -> Result {
    let plane = control_plane!("status");
    install_definitions(&plane)?;
    plane.apply_yaml(&fs::read_to_string(water())?)?;
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        let before = store
            .list(&WATER_BUDGET, None)
            .await?
            .into_iter()
            .next()
            .ok_or("no budget")?;
        let patch = json!({ "spec": { "cap": "1" }, "status": { "observedGeneration": 1 } });
        let after = store
            .merge_status(&WATER_BUDGET, before.namespace(), before.name(), &patch)
            .await?;
        assert_eq!(after.at("status.observedGeneration"), Some(&json!(1)));
        assert_eq!(after.at("spec"), before.at("spec"));
        // Who wrote which field is not kept of our own kinds.
        let mut kept = after;
        kept.set("metadata.managedFields", Value::Null);
        let mut listed = owned(store.list(&WATER_BUDGET, None).await?);
        let listed = listed.first_mut().ok_or("not in the list")?;
        listed.set("metadata.managedFields", Value::Null);
        assert_eq!(*listed, kept);
        let missing = store
            .merge_status(&WATER_BUDGET, before.namespace(), "none", &patch)
            .await;
        assert_eq!(missing.expect_err("no such object").reason(), "NotFound");
        let wrong = json!({ "spec": { "cap": "much" } });
        let refused = store
            .merge(&WATER_BUDGET, before.namespace(), before.name(), &wrong)
            .await;
        assert_eq!(refused.expect_err("not a quantity").reason(), "Invalid");
        Ok(())
    })
}

#[test]
fn two_candidates_never_lead_at_once_and_the_second_takes_over() -> Result {
    let plane = control_plane!("lease");
    Runtime::new()?.block_on(async {
        let client = from_kubeconfig(plane.kubeconfig().text.as_bytes()).await?;
        let candidate =
            |identity| Election::new(client.clone(), "default", "commonwatt-hub", identity).start();
        let (a, b) = (candidate("a"), candidate("b"));
        let start = Instant::now();
        while !a.is_leader() && !b.is_leader() {
            assert!(start.elapsed() < SOON, "nobody leads");
            sleep(Duration::from_millis(20)).await;
        }
        // Across some renewals.
        for _ in 0..600 {
            assert!(!(a.is_leader() && b.is_leader()), "both lead");
            sleep(Duration::from_millis(20)).await;
        }
        let (first, second) = if a.is_leader() { (a, b) } else { (b, a) };
        assert!(first.is_leader() && !second.is_leader());

        // One that ends without a word: the other waits until the lease has run out.
        let mut changes = second.changes();
        let gone = Instant::now();
        drop(first);
        timeout(SOON, changes.wait_for(|leads| *leads)).await??;
        assert!(second.is_leader());
        assert!(
            gone.elapsed() > Duration::from_secs(9),
            "taken over after {:?}",
            gone.elapsed()
        );

        // One that resigns: the other need not wait.
        let third = candidate("c");
        sleep(Duration::from_secs(1)).await;
        assert!(!third.is_leader());
        let mut changes = third.changes();
        let gone = Instant::now();
        second.resign().await;
        timeout(SOON, changes.wait_for(|leads| *leads)).await??;
        assert!(
            gone.elapsed() < Duration::from_secs(10),
            "taken over after {:?}",
            gone.elapsed()
        );

        // A leader that reaches nobody stops before the lease has run out, and is told.
        let mut changes = third.changes();
        plane.stop_api_server();
        let alone = Instant::now();
        timeout(SOON, changes.wait_for(|leads| !*leads)).await??;
        assert!(
            alone.elapsed() < Duration::from_secs(13),
            "led alone for {:?}",
            alone.elapsed()
        );
        assert!(!third.is_leader());
        Ok(())
    })
}

#[test]
fn an_event_that_is_repeated_is_counted() -> Result {
    let plane = control_plane!("events");
    Runtime::new()?.block_on(async {
        let store = store(&plane).await?;
        let about = store.apply(&CONFIG_MAP, &config_map("a", "1")).await?;
        let event = Event {
            type_: EventType::Warning,
            reason: "Refused".to_owned(),
            message: "900 W over the limit".to_owned(),
        };
        store.event(&about, &event).await?;
        store.event(&about, &event).await?;
        let other = Event {
            message: "800 W over the limit".to_owned(),
            ..event
        };
        store.event(&about, &other).await?;
        let events = plane
            .kubectl(["get", "events.v1.events.k8s.io", "--output", "json"])
            .json()?;
        let events = events["items"].as_array().ok_or("no list of events")?;
        let mut ours: Vec<_> = events
            .iter()
            .filter(|event| event["reason"] == "Refused")
            .map(|event| (event["note"].as_str(), event["series"]["count"].as_i64()))
            .collect();
        ours.sort_unstable();
        assert_eq!(
            ours,
            [
                (Some("800 W over the limit"), None),
                (Some("900 W over the limit"), Some(2))
            ]
        );
        let shown = plane.kubectl(["describe", "configmap", "a"]).ok()?;
        assert!(shown.contains("900 W over the limit"), "{shown}");

        // Telling stops nobody's work.
        plane.stop_api_server();
        let lost = Event {
            message: "nobody hears this".to_owned(),
            ..other
        };
        assert_eq!(store.event(&about, &lost).await, Ok::<(), StoreError>(()));
        Ok(())
    })
}

fn water() -> std::path::PathBuf {
    checkout("deploy/examples/quickstart/41-water.yaml")
}
