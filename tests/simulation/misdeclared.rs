//! A declaration that cannot be read says nothing: what it was about stays as it is.

use std::collections::BTreeSet;

use commonwatt_store::{Object, Store};
use serde_json::json;

use crate::Result;
use crate::fleet::{ASSIGNMENT, SIGNAL, SITE};
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
