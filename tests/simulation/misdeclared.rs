//! A declaration that cannot be read says nothing: what it was about stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_store::{Kind, Object, Store};
use serde_json::json;

use crate::Result;
use crate::fleet::{ASSIGNMENT, MODEL, OFFER, PROFILE, SIGNAL, SITE};
use crate::steering::{Hall, model, run, served};

/// Where both replicas serve.
fn serving(hall: &Hall) -> BTreeSet<String> {
    let asked = hall.0.hub_server.all(&ASSIGNMENT);
    let ready = |one: &&Object| one.at("status.readyReplicas") == Some(&json!(2));
    let sites = asked.iter().filter(ready).filter_map(|one| {
        let site = one.at("spec.site")?.as_str()?;
        Some(site.to_owned())
    });
    sites.collect()
}

#[test]
fn a_site_whose_offer_cannot_be_read_keeps_what_runs_there_though_others_have_room() -> Result {
    run(async {
        let mut chat = model("Enforce");
        chat.0["spec"]["origins"] = json!([]);
        let variant = &mut chat.0["spec"]["variants"][0];
        variant["workloadRefs"] = json!([]);
        variant["template"] = served(1).0["spec"]["template"].clone();
        let mut hall = Hall::with(vec![chat])?;
        hall.turns(40).await?;
        let site = serving(&hall).pop_first().ok_or("it is nowhere")?;

        // No policy has a rate for it.
        let crowns = json!({ "spec": { "currency": "SEK" } });
        let price = format!("{site}-price");
        for (kind, name) in [(SITE, &site), (SIGNAL, &price)] {
            hall.0.sites.merge(&kind, None, name, &crowns).await?;
        }
        hall.turns(40).await?;
        let now = serving(&hall);
        assert!(now.contains(&site), "{site} was left for {now:?}");
        Ok(())
    })
}

/// A model of a name, served anywhere by a template.
fn model_at(name: &str, profile: &str, tokens: &str) -> Object {
    let mut model = model("Enforce");
    model.0["metadata"]["name"] = json!(name);
    model.0["spec"]["demand"] = json!({ "tokensPerSecond": tokens, "floorTokensPerSecond": "0" });
    model.0["spec"]["origins"] = json!([]);
    let variant = &mut model.0["spec"]["variants"][0];
    variant["profile"] = json!(profile);
    variant["workloadRefs"] = json!([]);
    variant["template"] = served(1).0["spec"]["template"].clone();
    model
}

/// A profile of one replica on one H100 with points of concurrency, tokens per second and milliseconds.
fn profile(name: &str, points: &[(u32, &str, &str)]) -> Object {
    let point = |(concurrency, tokens, gap): &(u32, &str, &str)| {
        json!({
            "concurrency": concurrency, "tokensPerSecond": tokens, "watts": "700", "interTokenMilliseconds": gap,
        })
    };
    Object(json!({
        "apiVersion": "commonwatt.dev/v1alpha1", "kind": "ModelProfile", "metadata": { "name": name },
        "spec": {
            "model": "m", "product": "NVIDIA-H100-80GB-HBM3", "accelerators": 1, "boundary": "Node",
            "points": points.iter().map(point).collect::<Vec<_>>(), "source": "a test", "licence": "CC0-1.0",
        },
    }))
}

/// The reason and the message of an object's condition at the hub.
fn said(hall: &Hall, kind: &Kind, name: &str, type_: &str) -> Option<(String, String)> {
    let all = hall.0.hub_server.all(kind);
    let object = all.iter().find(|object| object.name() == name)?;
    let conditions = object.at("status.conditions")?.as_array()?;
    let condition = conditions
        .iter()
        .find(|condition| condition["type"] == type_)?;
    let text = |key: &str| condition[key].as_str().map(ToOwned::to_owned);
    Some((text("reason")?, text("message")?))
}

#[test]
fn what_is_wrong_with_a_profile_is_said_of_it_and_the_rest_is_placed() -> Result {
    run(async {
        let one = profile("one", &[(8, "9000", "20")]);
        let falls = profile("falls", &[(1, "90", "11"), (64, "25", "40")]);
        let full = profile(
            "full",
            &[(1, "900", "5"), (64, "9000", "20"), (128, "8000", "40")],
        );
        let mut hall = Hall::with(vec![
            one,
            falls,
            full,
            model_at("chat", "one", "18000"),
            model_at("other", "falls", "18000"),
            model_at("third", "full", "8000"),
        ])?;
        hall.turns(20).await?;
        let profile = |name| said(&hall, &PROFILE, name, "Ready").ok_or("no condition");
        assert_eq!(profile("one")?.0, "OnePoint");
        assert_eq!(profile("full")?.0, "ThroughputDips");
        let (reason, message) = profile("falls")?;
        assert_eq!(reason, "ProfileUnusable");
        assert!(
            message.contains("falls from 90 at concurrency 1 to 25"),
            "{message}"
        );

        let model = |name| said(&hall, &MODEL, name, "Placed").ok_or("no condition");
        assert_eq!(model("other")?.0, "ProfileUnusable");
        assert_eq!(
            (model("chat")?.0, model("third")?.0),
            ("Ok".into(), "Ok".into())
        );
        Ok(())
    })
}

/// IT watts that every site is asked for, all assignments of this moment together, and that it offers.
fn asked_and_offered(hall: &Hall) -> BTreeMap<String, (i64, i64)> {
    let mut sites: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for offer in hall.0.hub_server.all(&OFFER) {
        let watts = offer.0["spec"]["hours"][0]["watts"].as_i64().unwrap_or(0);
        sites.entry(offer.name().to_owned()).or_default().1 = watts;
    }
    for asked in hall.0.hub_server.all(&ASSIGNMENT) {
        let spec = &asked.0["spec"];
        let site = spec["site"].as_str().unwrap_or_default();
        let replicas = spec["schedule"][0]["max"].as_i64().unwrap_or(0);
        let watts = spec["workload"]["watts"].as_i64().unwrap_or(0);
        sites.entry(site.to_owned()).or_default().0 += replicas * watts;
    }
    sites
}

#[test]
fn what_cannot_be_read_any_more_keeps_its_room() -> Result {
    run(async {
        let late = model_at("late", "llama-3.1-8b-h100", "1");
        let chat = model_at("chat", "llama-3.1-8b-h100", "120000");
        let mut hall = Hall::with(vec![chat, late])?;
        hall.turns(20).await?;
        let gone = json!({ "spec": { "policy": "gone" } });
        hall.set(&MODEL, "chat", gone).await?;
        // More than all halls together have room for.
        let more = json!({ "spec": { "demand": { "tokensPerSecond": "900000" } } });
        hall.set(&MODEL, "late", more).await?;
        hall.turns(1).await?;
        let placed = said(&hall, &MODEL, "chat", "Placed").ok_or("no condition")?;
        assert_eq!(placed.0, "NotFound", "{}", placed.1);
        for (site, (asked, offered)) in asked_and_offered(&hall) {
            assert!(asked <= offered, "{site}: {asked} W of {offered} W");
        }
        Ok(())
    })
}
