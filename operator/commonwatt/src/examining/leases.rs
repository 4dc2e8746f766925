//! Whether an operator leads, and who it is.

use chrono::{DateTime, Utc};
use commonwatt_store::{Kind, Object, Store};

use super::{Examined, Finding, Terms};
use crate::running::{AGENT_LEASE, HUB_LEASE, Role};

const CHECK: &str = "leases";

pub async fn check(examined: &Examined, terms: &Terms) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (role, name) in [(Role::Hub, HUB_LEASE), (Role::Site, AGENT_LEASE)] {
        if !terms.roles.contains(&role) {
            continue;
        }
        let lease = examined
            .store
            .get(&Kind::LEASE, Some(&terms.namespace), name)
            .await;
        findings.push(match lease {
            Ok(lease) => held(name, lease.as_ref(), &terms.namespace, examined.now),
            Err(error) => Finding::warning(
                CHECK,
                format!("Lease {}/{name} cannot be read: {error}", terms.namespace),
                "ask with an account that may get leases there",
            ),
        });
    }
    findings
}

fn held(name: &str, lease: Option<&Object>, namespace: &str, now: DateTime<Utc>) -> Finding {
    let holder = lease.and_then(|lease| {
        let holder = lease.at("spec.holderIdentity")?.as_str()?;
        (!holder.is_empty()).then_some((lease, holder))
    });
    let Some((lease, holder)) = holder else {
        return Finding::warning(
            CHECK,
            format!("nobody holds the Lease {namespace}/{name}: no operator leads there"),
            format!("kubectl get pods -n {namespace}; or run `commonwatt run`"),
        );
    };
    let renewed: Option<DateTime<Utc>> = lease
        .at("spec.renewTime")
        .and_then(|time| time.as_str()?.parse().ok());
    let lasts = lease
        .at("spec.leaseDurationSeconds")
        .and_then(serde_json::Value::as_i64);
    let age = renewed.map_or(i64::MAX, |renewed| (now - renewed).num_seconds());
    if age > lasts.unwrap_or(15) {
        let since = renewed.map_or("ever".into(), |renewed| renewed.to_rfc3339());
        return Finding::warning(
            CHECK,
            format!(
                "{holder} held the Lease {namespace}/{name} and has not renewed it since {since}"
            ),
            format!("kubectl get pods -n {namespace}: see why {holder} ended"),
        );
    }
    Finding::ok(CHECK, format!("{name} is held by {holder}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::examining::Verdict;

    #[test]
    fn a_lease_that_is_not_renewed_names_who_held_it() {
        let now: DateTime<Utc> = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1);
        let lease = |age: i64| {
            Object(json!({ "spec": {
                "holderIdentity": "pod-a", "leaseDurationSeconds": 15,
                "renewTime": (now - chrono::TimeDelta::seconds(age)).to_rfc3339(),
            } }))
        };
        assert_eq!(
            held("hub", Some(&lease(3)), "own", now).verdict,
            Verdict::Ok
        );
        let old = held("hub", Some(&lease(60)), "own", now);
        assert_eq!(old.verdict, Verdict::Warning);
        assert!(old.message.contains("pod-a") && old.remedy.contains("pod-a"));
        assert!(
            held("hub", None, "own", now)
                .message
                .contains("nobody holds")
        );
    }
}
