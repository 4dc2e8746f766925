//! `commonwatt events`: what happened: Kubernetes events of our kinds, grid events, and what is admitted.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use commonwatt_api::{GROUP, GridEvent};
use commonwatt_store::{Kind, Object, Store, list, owned};
use serde::Serialize;

use super::access::Access;
use super::fleet::wait_for;
use crate::printed::{Output, Tone, ago, cell, table};

/// How often `--watch` looks again.
const LOOK: Duration = Duration::from_secs(2);

/// Show what happened to sites, deployments and limits, newest last
#[derive(Debug, Args)]
#[command(
    after_help = "Kubernetes keeps events for an hour; the ledger keeps decisions for good.\n\n\
                        Examples:\n  commonwatt events\n  commonwatt events --site frankfurt --since 15m\n  \
                        commonwatt events --deployment models/assistant --watch\n  \
                        commonwatt events -o json | jq '.[] | select(.type == \"Warning\")'"
)]
pub struct Events {
    /// Of this site alone
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Of this deployment alone: NAME or NAMESPACE/NAME
    #[arg(long, value_name = "NAME")]
    deployment: Option<String>,
    /// Not older than this, as 30m, 2h or 1d
    #[arg(long, default_value = "2h", value_parser = duration, value_name = "TIME")]
    since: TimeDelta,
    /// Go on, and print what happens
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    access: Access,
    /// How to print it; wide shows times instead of ages
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Happened {
    at: DateTime<Utc>,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    type_: String,
    kind: String,
    /// `namespace/name`, or the name of a cluster-wide object.
    name: String,
    reason: String,
    message: String,
}

fn duration(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("{text:?} is no time such as 30m, 2h or 1d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| wrong())?;
    Ok(TimeDelta::seconds(i64::from(count) * seconds))
}

impl Events {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        wait_for(async {
            let store = self.access.cluster().await?.store;
            let mut known = self.happened(store.as_ref()).await?;
            self.output.print(&known, |wide| text(&known, true, wide))?;
            if !self.watch {
                return Ok(ExitCode::SUCCESS);
            }
            loop {
                tokio::time::sleep(LOOK).await;
                let found = self.happened(store.as_ref()).await?;
                let new: Vec<_> = found
                    .iter()
                    .filter(|h| !known.contains(h))
                    .cloned()
                    .collect();
                if !new.is_empty() {
                    self.output.print(&new, |wide| text(&new, false, wide))?;
                }
                // What is too old to be found again cannot come again.
                known = found;
            }
        })
    }

    async fn happened(&self, store: &dyn Store) -> anyhow::Result<Vec<Happened>> {
        let events = store.list(&Kind::EVENT, None).await;
        let events = owned(events.context("events cannot be read")?);
        let calls = owned(list::<GridEvent>(store, None).await?.objects);
        let mut all: Vec<_> = events.iter().filter_map(of_event).collect();
        all.extend(calls.iter().flat_map(of_call));
        let since = Utc::now() - self.since;
        all.retain(|happened| happened.at >= since && self.asks_for(happened));
        all.sort();
        Ok(all)
    }

    fn asks_for(&self, happened: &Happened) -> bool {
        let about = |name: &str| {
            happened.name == name
                || happened.name.rsplit('/').next() == Some(name)
                || happened
                    .message
                    .split(|c: char| !(c.is_alphanumeric() || "-/".contains(c)))
                    .any(|word| word == name)
        };
        let of_site = self
            .site
            .as_deref()
            .is_none_or(|site| about(site) || happened.name.starts_with(&format!("site-{site}/")));
        let namespace = self.access.namespace.as_deref();
        of_site
            && self.deployment.as_deref().is_none_or(about)
            && namespace.is_none_or(|namespace| {
                happened
                    .name
                    .split_once('/')
                    .is_none_or(|(of, _)| of == namespace)
            })
    }
}

/// An event about one of our kinds, or of ours about another.
fn of_event(event: &Object) -> Option<Happened> {
    let about = &event.0["regarding"];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let is_ours = text(&about["apiVersion"]).starts_with(GROUP)
        || text(&event.0["reportingController"]).starts_with("commonwatt");
    if !is_ours {
        return None;
    }
    let times = [
        "/series/lastObservedTime",
        "/eventTime",
        "/metadata/creationTimestamp",
    ];
    let at = times
        .iter()
        .find_map(|path| event.0.pointer(path)?.as_str()?.parse().ok())?;
    let name = text(&about["name"]);
    Some(Happened {
        at,
        type_: text(&event.0["type"]),
        kind: text(&about["kind"]),
        name: match about["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        },
        reason: text(&event.0["reason"]),
        message: text(&event.0["note"]),
    })
}

/// The stages of a grid event, from its evidence.
fn of_call(call: &GridEvent) -> Vec<Happened> {
    let Some(status) = &call.status else {
        return Vec::new();
    };
    let name = call.metadata.name.clone().unwrap_or_default();
    let site = &call.spec.site;
    let stages = [
        (status.received_at, "Received", "seen by the agent"),
        (
            status.acknowledged_at,
            "Acknowledged",
            "answered with what can be shed",
        ),
        (
            status.reached_at,
            "Reached",
            "charged watts are at or under the target",
        ),
        (status.released_at, "ReleasedLoad", "load is let back"),
    ];
    stages
        .into_iter()
        .filter_map(|(at, reason, words)| {
            Some(Happened {
                at: at?.0,
                type_: "Normal".into(),
                kind: "GridEvent".into(),
                name: name.clone(),
                reason: reason.into(),
                message: format!("{site}: {words}"),
            })
        })
        .collect()
}

fn text(happened: &[Happened], with_header: bool, wide: bool) -> String {
    let when = if wide { "TIME" } else { "AGE" };
    let mut table = table(&[when, "TYPE", "OBJECT", "REASON", "MESSAGE"]);
    let now = Utc::now();
    let when = |at: DateTime<Utc>| {
        if wide {
            at.to_rfc3339_opts(SecondsFormat::Secs, true)
        } else {
            ago(now - at)
        }
    };
    for one in happened {
        let tone = if one.type_ == "Warning" {
            Tone::Caution
        } else {
            Tone::Plain
        };
        table.add_row([
            cell(when(one.at), Tone::Plain),
            cell(&one.type_, tone),
            cell(format!("{} {}", one.kind, one.name), Tone::Plain),
            cell(&one.reason, tone),
            cell(&one.message, Tone::Plain),
        ]);
    }
    let text = format!("{table}\n");
    if with_header {
        return text;
    }
    text.split_once('\n')
        .map_or(String::new(), |(_, rest)| rest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(TimeDelta::seconds(90)));
        assert_eq!(duration("2h"), Ok(TimeDelta::hours(2)));
        for wrong in ["", "2", "h", "-1h", "2 weeks", "1é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
