//! Who steers a workload: an autoscaler within bounds that are set, its replicas, or somebody whose hand is left alone.

use chrono::TimeDelta;
use commonwatt_store::{Kind, Object, Store};
use serde_json::{Value, json};

use crate::Result;
use crate::fleet::{ASSIGNMENT, Fleet, HEAD, MODEL, POWER_BUDGET, RECORD, SITE};

/// A Deployment that serves in London already.
pub fn served(replicas: u32) -> Object {
    let label = json!({ "app": "chat" });
    Object(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "chat", "namespace": "models" },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": label },
            "template": {
                "metadata": { "labels": label },
                "spec": {
                    "nodeSelector": {
                        "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "commonwatt.dev/site": "london",
                    },
                    "containers": [{ "name": "engine", "resources": { "limits": { "nvidia.com/gpu": "1" } } }],
                },
            },
        },
    }))
}

fn autoscaler(min: u32, max: u32) -> Object {
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "chat" });
    Object(json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "chat", "namespace": "models" },
        "spec": { "scaleTargetRef": target, "minReplicas": min, "maxReplicas": max },
    }))
}

/// 18,000 tokens/s are two replicas, and half of them one.
pub fn model(mode: &str) -> Object {
    Object(json!({
        "apiVersion": "commonwatt.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": { "name": "chat", "namespace": "models" },
        "spec": {
            "mode": mode, "policy": "neighbourly",
            "demand": { "tokensPerSecond": "18000", "floorTokensPerSecond": "9000" },
            "interTokenMilliseconds": 50, "origins": [{ "name": "eu", "maxMilliseconds": 100 }],
            "minimumSites": 1, "priority": 100,
            "variants": [{
                "name": "h100", "profile": "llama-3.1-8b-h100",
                "workloadRefs": [{ "site": "london", "name": "chat" }],
            }],
        },
    }))
}

pub struct Hall(pub Fleet);

impl Hall {
    pub fn with(given: Vec<Object>) -> Result<Self> {
        Ok(Self(Fleet::halls_with(
            "2023-06-05T09:00:00Z".parse()?,
            given,
        )?))
    }

    pub async fn turns(&mut self, turns: usize) -> Result {
        for _ in 0..turns {
            let turn = self.0.turn(TimeDelta::minutes(1)).await;
            if !turn.failures.is_empty() {
                return Err(turn.failures.join("; ").into());
            }
        }
        Ok(())
    }

    pub fn at(&self, kind: &Kind, path: &str) -> Option<Value> {
        let all = self.0.sites.all(kind);
        let found = all.iter().find(|object| object.name().contains("chat"))?;
        found.at(path).cloned()
    }

    fn at_hub(&self, kind: &Kind, path: &str) -> Option<Value> {
        let all = self.0.hub_server.all(kind);
        all.iter().find_map(|object| object.at(path).cloned())
    }

    fn bounds(&self) -> (Option<Value>, Option<Value>) {
        let at = |path| self.at(&Kind::AUTOSCALER, path);
        (at("spec.minReplicas"), at("spec.maxReplicas"))
    }

    pub fn replicas(&self) -> Option<Value> {
        self.at(&Kind::DEPLOYMENT, "spec.replicas")
    }

    pub async fn set(&self, kind: &Kind, name: &str, patch: Value) -> Result {
        let namespace = (*kind != SITE && *kind != POWER_BUDGET).then_some("models");
        let server = if *kind == MODEL {
            &self.0.hub_server
        } else {
            &self.0.sites
        };
        server.merge(kind, namespace, name, &patch).await?;
        Ok(())
    }

    pub async fn delete_model(&self) -> Result {
        let models = self.0.hub_server.all(&MODEL);
        let mut model = models.first().ok_or("no model")?.clone();
        model.0["metadata"]["resourceVersion"] = Value::Null;
        self.0.hub_server.delete(&MODEL, &model).await?;
        Ok(())
    }
}

pub fn run(test: impl Future<Output = Result>) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(test)
}

fn both(min: u32, max: u32) -> (Option<Value>, Option<Value>) {
    (Some(json!(min)), Some(json!(max)))
}

#[test]
fn an_autoscalers_bounds_are_set_and_given_back_and_its_replicas_never_touched() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), autoscaler(3, 6), model("Enforce")])?;
        hall.turns(12).await?;
        assert_eq!(
            hall.bounds(),
            both(2, 2),
            "a minimum of 3 is above the ceiling"
        );
        assert_eq!(
            hall.replicas(),
            Some(json!(2)),
            "the autoscaler's own doing"
        );
        let known = hall.at(&RECORD, "spec.autoscaler").ok_or("not on record")?;
        assert_eq!(
            (&known["originalMin"], &known["originalMax"]),
            (&json!(3), &json!(6))
        );
        assert_eq!(hall.at(&RECORD, "spec.originalReplicas"), Some(json!(4)));

        hall.delete_model().await?;
        hall.turns(6).await?;
        assert_eq!(hall.bounds(), both(3, 6));
        assert_eq!(hall.at(&RECORD, "spec"), None);
        assert!(hall.0.hub_server.all(&MODEL).is_empty());
        Ok(())
    })
}

#[test]
fn an_autoscaler_that_comes_is_bounded_and_one_that_goes_leaves_the_replicas_to_us() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Enforce")])?;
        hall.turns(12).await?;
        assert_eq!(hall.replicas(), Some(json!(2)));
        hall.0.sites.load(vec![autoscaler(1, 9)]);
        hall.turns(3).await?;
        assert_eq!(hall.bounds(), both(1, 2));
        // Within its bounds it does as it likes.
        hall.set(
            &Kind::DEPLOYMENT,
            "chat",
            json!({ "spec": { "replicas": 1 } }),
        )
        .await?;
        hall.turns(3).await?;
        assert_eq!(hall.replicas(), Some(json!(1)));
        let autoscalers = hall.0.sites.all(&Kind::AUTOSCALER);
        let mut gone = autoscalers.first().ok_or("no autoscaler")?.clone();
        gone.0["metadata"]["resourceVersion"] = Value::Null;
        hall.0.sites.delete(&Kind::AUTOSCALER, &gone).await?;
        hall.turns(3).await?;
        assert_eq!(hall.at(&RECORD, "spec.autoscaler"), None);
        assert_eq!(hall.replicas(), Some(json!(2)));
        Ok(())
    })
}

#[test]
fn at_a_limit_of_nothing_the_autoscaler_is_paused_and_goes_on_within_its_bounds_after() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), autoscaler(1, 6), model("Enforce")])?;
        hall.turns(12).await?;
        assert_eq!(hall.bounds(), both(1, 2));
        hall.set(
            &POWER_BUDGET,
            "london-hall",
            json!({ "spec": { "limit": "100" } }),
        )
        .await?;
        hall.turns(3).await?;
        assert_eq!(
            hall.replicas(),
            Some(json!(0)),
            "a bound of zero does not exist"
        );
        hall.set(
            &POWER_BUDGET,
            "london-hall",
            json!({ "spec": { "limit": "8500" } }),
        )
        .await?;
        hall.turns(30).await?;
        assert_eq!(
            (hall.replicas(), hall.bounds()),
            (Some(json!(2)), both(1, 2))
        );
        Ok(())
    })
}

#[test]
fn bounds_that_git_takes_over_are_left_to_it_and_charged_at_what_they_allow() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), autoscaler(1, 6), model("Enforce")])?;
        hall.turns(12).await?;
        assert_eq!(hall.bounds(), both(1, 2));
        let charged = |hall: &Hall| {
            let sites = hall.0.sites.all(&SITE);
            let london = sites.iter().find(|site| site.name() == "london");
            let charged = london.and_then(|site| site.at("status.charged")?.as_str()?.parse().ok());
            charged.unwrap_or(0_i64)
        };
        let of_two = charged(&hall);
        let taken = json!({ "spec": { "maxReplicas": 4 } });
        hall.set(&Kind::AUTOSCALER, "chat", taken).await?;
        let (git, path) = ("argocd-controller", "spec.maxReplicas");
        hall.0
            .sites
            .set_foreign_manager(&Kind::AUTOSCALER, Some("models"), "chat", git, path);
        hall.turns(4).await?;
        assert_eq!(hall.bounds(), both(1, 4), "fought over");
        assert_eq!(charged(&hall), 2 * of_two);
        let asked = hall.0.hub_server.all(&ASSIGNMENT);
        let said = asked.first().ok_or("nothing asked")?.0["status"].to_string();
        assert!(
            said.contains("spec.maxReplicas of HorizontalPodAutoscaler models/chat belongs to argocd-controller"),
            "{said}"
        );
        // Given back, they stay as Git has them.
        hall.delete_model().await?;
        hall.turns(6).await?;
        assert_eq!(hall.bounds(), both(1, 4));
        assert!(hall.0.hub_server.all(&MODEL).is_empty());
        Ok(())
    })
}

#[test]
fn what_is_only_advised_on_stays_as_it_is_also_after_a_restart_without_a_hub() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Enforce")])?;
        hall.turns(12).await?;
        assert_eq!(hall.replicas(), Some(json!(2)));
        hall.set(&MODEL, "chat", json!({ "spec": { "mode": "Advise" } }))
            .await?;
        hall.turns(3).await?;
        assert_eq!(hall.at(&RECORD, "spec.mode"), Some(json!("Advise")));
        assert_eq!(hall.replicas(), Some(json!(2)), "left as it is");
        // Somebody else's change is not undone, with a hub and without.
        hall.set(
            &Kind::DEPLOYMENT,
            "chat",
            json!({ "spec": { "replicas": 3 } }),
        )
        .await?;
        hall.turns(2).await?;
        assert_eq!(hall.replicas(), Some(json!(3)));
        hall.0.restart_agent()?;
        hall.0.hub_server.set_unreachable(true);
        let cycle = hall.0.agent_alone().await?;
        assert!(cycle.sites.contains_key("london"));
        assert_eq!(hall.replicas(), Some(json!(3)));
        hall.0.hub_server.set_unreachable(false);

        // Deleted, it is given back all the same: that is what was asked for.
        hall.delete_model().await?;
        hall.turns(6).await?;
        assert_eq!(hall.replicas(), Some(json!(4)));
        assert!(hall.0.hub_server.all(&MODEL).is_empty());
        Ok(())
    })
}

#[test]
fn a_site_that_does_not_enforce_says_why_it_gives_nothing_back() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Enforce")])?;
        hall.turns(12).await?;
        hall.set(&SITE, "london", json!({ "spec": { "mode": "Advise" } }))
            .await?;
        hall.turns(2).await?;
        hall.delete_model().await?;
        hall.turns(4).await?;
        assert_eq!(hall.replicas(), Some(json!(2)));
        let asked = hall.0.hub_server.all(&ASSIGNMENT);
        let said = asked.first().ok_or("nothing asked")?.0["status"].to_string();
        assert!(
            said.contains("only in Enforce a workload may be given back"),
            "{said}"
        );
        hall.set(&SITE, "london", json!({ "spec": { "mode": "Enforce" } }))
            .await?;
        hall.turns(4).await?;
        assert_eq!(hall.replicas(), Some(json!(4)));
        assert!(hall.0.hub_server.all(&MODEL).is_empty());
        Ok(())
    })
}

#[test]
fn a_leader_that_was_replaced_is_not_heard_though_nothing_is_admitted_any_more() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Enforce")])?;
        hall.turns(12).await?;
        let heads = hall.0.hub_server.all(&HEAD);
        let head = heads.first().ok_or("no head")?.clone();
        let said = |hall: &Hall| {
            let sites = hall.0.sites.all(&SITE);
            let london = sites.iter().find(|site| site.name() == "london");
            london.and_then(|site| site.at("status.hubs").cloned())
        };
        let epoch = head.at("spec.epoch").cloned();
        let hubs = said(&hall).ok_or("no epochs")?;
        assert_eq!(Some(&hubs[0]["epoch"]), epoch.as_ref());
        // Given back, nothing of the hub's is on record; an agent that starts anew still knows.
        hall.delete_model().await?;
        hall.turns(6).await?;
        assert!(hall.0.sites.all(&RECORD).is_empty());
        hall.0.restart_agent()?;
        // It has heard a later leader meanwhile.
        let mut later = hubs;
        later[0]["epoch"] = json!(40);
        let patch = json!({ "status": { "hubs": later } });
        hall.0
            .sites
            .merge_status(&SITE, None, "london", &patch)
            .await?;
        hall.0.hub_server.load(vec![model("Enforce")]);
        for _ in 0..6 {
            hall.0.turn(TimeDelta::minutes(1)).await;
        }
        assert!(
            hall.0.sites.all(&RECORD).is_empty(),
            "an old leader was heard"
        );
        let asked = hall.0.hub_server.all(&ASSIGNMENT);
        let said = asked.first().ok_or("nothing asked")?.0["status"].to_string();
        assert!(
            said.contains("StaleEpoch") && said.contains("epoch 40 is known here"),
            "{said}"
        );
        Ok(())
    })
}

/// What a hub writes itself is no news to it: what it left for the next turn would wait for half a minute.
#[test]
fn a_model_that_is_deleted_goes_in_the_turn_in_which_its_last_place_was_given_back() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Enforce")])?;
        hall.turns(12).await?;
        hall.delete_model().await?;
        for _ in 0..12 {
            hall.turns(1).await?;
            let gone = hall.0.hub_server.all(&MODEL).is_empty();
            assert_eq!(hall.0.hub_server.all(&ASSIGNMENT).is_empty(), gone);
        }
        assert!(hall.0.hub_server.all(&MODEL).is_empty());
        Ok(())
    })
}

#[test]
fn what_serves_is_shown_to_serve_in_advise_and_holds_no_advice_where_it_is_not_wanted_any_more()
-> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Advise")])?;
        hall.turns(12).await?;
        assert_eq!(
            hall.at_hub(&MODEL, "status.readyReplicas"),
            Some(json!(4)),
            "four serve, whoever owns them"
        );
        let advised = |hall: &Hall| {
            let schedule = hall.at_hub(&ASSIGNMENT, "spec.schedule")?;
            schedule[0]["max"].as_u64()
        };
        assert_eq!(advised(&hall), Some(2));
        // Made before broken would be forever: nothing comes up elsewhere by advice.
        let elsewhere = json!({ "spec": { "jurisdictions": ["JP"] } });
        hall.set(&MODEL, "chat", elsewhere).await?;
        hall.turns(12).await?;
        assert_eq!(advised(&hall), Some(0), "advice for an excluded place");
        assert_eq!(hall.replicas(), Some(json!(4)));
        Ok(())
    })
}

#[test]
fn what_serves_is_ready_all_the_while_when_it_goes_from_advise_to_enforce() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Advise")])?;
        hall.turns(6).await?;
        let ready = |hall: &Hall| {
            let models = hall.0.hub_server.all(&MODEL);
            models.first()?.at("status.readyReplicas")?.as_i64()
        };
        assert_eq!(ready(&hall), Some(4));
        hall.set(&MODEL, "chat", json!({ "spec": { "mode": "Enforce" } }))
            .await?;
        let mut seen = Vec::new();
        for _ in 0..8 {
            hall.turns(1).await?;
            seen.extend(ready(&hall));
        }
        assert!(!seen.contains(&0), "{seen:?}");
        assert_eq!(seen.last(), Some(&2), "{seen:?}");
        Ok(())
    })
}
