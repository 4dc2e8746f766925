//! What a site has refused.

use commonwatt_api::annotations;
use commonwatt_store::{Kind, Object, Store};
use serde_json::json;

use crate::fleet::{Fleet, MODEL};
use crate::steering::{Hall, model, run, served};
use crate::{Result, come_to_rest};

/// The same model, made from a template wherever it is cheapest.
fn made() -> Object {
    let mut model = model("Enforce");
    let template = served(1).0["spec"]["template"].clone();
    let mut pod = template["spec"].clone();
    pod["nodeSelector"] = json!({ "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" });
    let labels = json!({ "app": "chat" });
    model.0["spec"]["variants"][0] = json!({
        "name": "h100", "profile": "llama-3.1-8b-h100",
        "template": {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "labels": labels },
            "spec": {
                "selector": { "matchLabels": labels },
                "template": { "metadata": { "labels": labels }, "spec": pod },
            },
        },
    });
    model
}

/// The policy with moves that cost nothing: a plan goes back at once to where it would rather be.
fn restless() -> Object {
    Object(json!({
        "apiVersion": "commonwatt.dev/v1alpha1", "kind": "PlacementPolicy", "metadata": { "name": "neighbourly" },
        "spec": { "moveCost": "0", "dwellSeconds": 0 },
    }))
}

fn ours(fleet: &Fleet) -> Vec<Object> {
    let mut all = fleet.sites.all(&Kind::DEPLOYMENT);
    all.retain(|object| object.annotation(annotations::ASSIGNMENT).is_some());
    all
}

#[test]
fn a_place_that_refused_is_asked_again_when_its_offer_changes_and_not_before() -> Result {
    run(async {
        let mut free = Hall::with(vec![made(), restless()])?;
        free.turns(6).await?;
        let first = ours(&free.0).first().ok_or("not placed")?.name().to_owned();

        let mut taken = served(1);
        taken.0["metadata"]["name"] = json!(first);
        let mut hall = Hall::with(vec![made(), restless(), taken])?;
        hall.turns(6).await?;
        come_to_rest(&mut hall.0).await?;
        let models = hall.0.hub_server.all(&MODEL);
        let status = models[0].at("status").ok_or("no status")?;
        let placed: Vec<Object> = ours(&hall.0);
        assert!(
            !placed.is_empty() && placed.iter().all(|object| object.name() != first),
            "{status:#}"
        );
        let why = status["rejected"].to_string();
        assert!(
            why.contains("RefusedBySite") && why.contains("is there already and is not ours"),
            "{why}"
        );

        let mut taken = hall.0.sites.all(&Kind::DEPLOYMENT);
        taken.retain(|object| object.name() == first);
        let taken = taken.first().ok_or("it was taken away")?.at_any_version();
        hall.0.sites.delete(&Kind::DEPLOYMENT, &taken).await?;
        hall.turns(6).await?;
        come_to_rest(&mut hall.0).await?;
        assert!(
            ours(&hall.0).iter().any(|object| object.name() == first),
            "not asked again"
        );
        Ok(())
    })
}
