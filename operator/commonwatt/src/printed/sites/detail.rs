//! One site: what it offers in the next hours, what its signals and budgets say, and what is admitted there.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use commonwatt_api::{Condition, conditions::types, find_condition};
use commonwatt_hub::Seen as HubSeen;
use commonwatt_site::Seen as SiteSeen;
use serde::Serialize;

use super::super::{Tone, ago, cell, table};
use super::{SiteRow, or_dash, rounded};

/// Hours that people see; documents have all of them.
const HOURS_SHOWN: usize = 12;

/// One site.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteDetail {
    #[serde(flatten)]
    pub site: SiteRow,
    pub at: DateTime<Utc>,
    pub hours: Vec<commonwatt_api::OfferedHour>,
    pub signals: Vec<Signal>,
    pub budgets: Vec<Budget>,
    pub admitted: Vec<Admitted>,
    pub running: Vec<commonwatt_api::RunningWorkload>,
}

/// A signal that holds there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    pub name: String,
    pub quantity: String,
    pub value: Option<f64>,
    pub unit: Option<String>,
    pub observed_at: Option<DateTime<Utc>>,
    pub fresh: Option<Condition>,
}

/// A budget or an event that limits it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    pub name: String,
    pub limit: String,
    pub within_limit: Option<Condition>,
}

/// What is admitted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Admitted {
    pub subject: String,
    pub workload: String,
    pub ceiling: i64,
    pub ready: Option<i64>,
    pub charged_watts: Option<i64>,
    pub held_by: Option<String>,
}

/// All that is known of a site here.
pub fn detail(site: SiteRow, hub: &HubSeen, seen: &SiteSeen, now: DateTime<Utc>) -> SiteDetail {
    let offer = hub.offers.get(&site.name);
    let hours = offer.map(|offer| {
        let hours = offer.spec.hours.iter();
        let ahead = hours.filter(|hour| hour.start.0 + chrono::TimeDelta::hours(1) > now);
        ahead.cloned().collect()
    });
    let records = seen.records.iter();
    let admitted = records
        .filter(|record| record.spec.site == site.name)
        .map(|record| {
            let spec = &record.spec;
            let status = record.status.clone().unwrap_or_default();
            Admitted {
                subject: format!(
                    "{:?} {}/{}",
                    spec.subject.kind, spec.subject.namespace, spec.subject.name
                ),
                workload: format!("{}/{}", spec.object.namespace, spec.object.name),
                ceiling: spec.ceiling,
                ready: status.ready_replicas,
                charged_watts: status.charged_watts,
                held_by: spec.held_by.clone(),
            }
        })
        .collect();
    SiteDetail {
        at: now,
        hours: hours.unwrap_or_default(),
        signals: signals(&site.name, seen),
        budgets: budgets(&site.name, seen),
        admitted,
        running: offer.map_or_else(Vec::new, |offer| offer.spec.running.clone()),
        site,
    }
}

fn signals(site: &str, seen: &SiteSeen) -> Vec<Signal> {
    let declared = seen
        .sites
        .iter()
        .find(|declared| declared.metadata.name.as_deref() == Some(site));
    let names = declared.map(|declared| {
        let signals = &declared.spec.signals;
        let mut names = vec![signals.price.clone(), signals.average_carbon.clone()];
        names.extend(signals.marginal_carbon.clone());
        names.extend(signals.wet_bulb.clone());
        names
    });
    let of = |name: String| {
        let signal = seen.signals.get(&name);
        let status = signal.and_then(|signal| signal.status.clone());
        let status = status.unwrap_or_default();
        Signal {
            quantity: signal.map_or("there is no such GridSignal".into(), |signal| {
                format!("{:?}", signal.spec.quantity)
            }),
            value: status.value.as_ref().and_then(|value| value.value().ok()),
            unit: status.unit,
            observed_at: status.observed_at.map(|at| at.0),
            fresh: find_condition(&status.conditions, types::SIGNAL_FRESH).cloned(),
            name,
        }
    };
    names.unwrap_or_default().into_iter().map(of).collect()
}

fn budgets(site: &str, seen: &SiteSeen) -> Vec<Budget> {
    let named = |kind: &str, name: &Option<String>| {
        format!("{kind}/{}", name.as_deref().unwrap_or_default())
    };
    let within = |conditions: Option<&Vec<Condition>>| {
        find_condition(conditions?, types::WITHIN_LIMIT).cloned()
    };
    let power = seen.power.iter().filter(|budget| budget.spec.site == site);
    let power = power.map(|budget| Budget {
        name: named("powerbudget", &budget.metadata.name),
        limit: format!("{} W {:?}", shown(&budget.spec.limit), budget.spec.boundary),
        within_limit: within(budget.status.as_ref().map(|status| &status.conditions)),
    });
    let water = seen.water.iter().filter(|budget| budget.spec.site == site);
    let water = water.map(|budget| Budget {
        name: named("waterbudget", &budget.metadata.name),
        limit: format!("{} L per {:?}", shown(&budget.spec.cap), budget.spec.period),
        within_limit: within(budget.status.as_ref().map(|status| &status.conditions)),
    });
    let events = seen.events.iter().filter(|event| event.spec.site == site);
    let events = events.map(|event| Budget {
        name: named("gridevent", &event.metadata.name),
        limit: format!(
            "{} W from {} for {} min",
            shown(&event.spec.target_watts),
            event.spec.start.0.format("%m-%d %H:%M UTC"),
            event.spec.duration_seconds / 60
        ),
        within_limit: within(event.status.as_ref().map(|status| &status.conditions)),
    });
    power.chain(water).chain(events).collect()
}

/// A quantity as it is declared.
fn shown(quantity: &impl Serialize) -> String {
    let value = serde_json::to_value(quantity).unwrap_or_default();
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

impl SiteDetail {
    /// For people.
    pub fn text(&self, wide: bool) -> String {
        let site = &self.site;
        let mut text = super::text(std::slice::from_ref(site), wide);
        let _ = writeln!(
            text,
            "\n{}, grid zone {}; the limit is set by {}",
            site.place,
            site.grid_zone,
            or_dash(site.limit_set_by.clone())
        );
        if !site.message.is_empty() {
            let _ = writeln!(text, "{}", site.message);
        }
        self.hours(&mut text, if wide { usize::MAX } else { HOURS_SHOWN });
        self.limits(&mut text);
        self.work(&mut text);
        text
    }

    fn hours(&self, text: &mut String, most: usize) {
        if self.hours.is_empty() {
            text.push_str("\nNo offer of it is here: its hours ahead are not known.\n");
            return;
        }
        text.push_str("\nHours ahead, as offered\n");
        let mut table = table(&["FROM", "LIMIT", "G/KWH", "PRICE/KWH", "PUE", "SET-BY"]);
        for hour in self.hours.iter().take(most) {
            table.add_row([
                hour.start.0.format("%m-%d %H:%M").to_string(),
                hour.watts.to_string(),
                rounded(hour.average_carbon.value().ok(), 0),
                rounded(hour.price_per_kwh.value().ok(), 4),
                rounded(hour.pue.value().ok(), 2),
                hour.set_by.clone(),
            ]);
        }
        let _ = writeln!(text, "{table}");
        if self.hours.len() > most {
            let _ = writeln!(text, "and {} more (-o wide)", self.hours.len() - most);
        }
    }

    fn limits(&self, text: &mut String) {
        if !self.signals.is_empty() {
            text.push_str("\nSignals\n");
            let mut table = table(&["SIGNAL", "QUANTITY", "VALUE", "AGE", "STATE", "MESSAGE"]);
            for signal in &self.signals {
                let (state, tone, message) = said(signal.fresh.as_ref());
                table.add_row([
                    cell(&signal.name, Tone::Plain),
                    cell(&signal.quantity, Tone::Plain),
                    cell(
                        format!(
                            "{} {}",
                            or_dash(signal.value),
                            signal.unit.as_deref().unwrap_or_default()
                        ),
                        Tone::Plain,
                    ),
                    cell(
                        signal
                            .observed_at
                            .map_or("-".into(), |at| ago(self.at - at)),
                        Tone::Plain,
                    ),
                    cell(state, tone),
                    cell(message, Tone::Plain),
                ]);
            }
            let _ = writeln!(text, "{table}");
        }
        if !self.budgets.is_empty() {
            text.push_str("\nBudgets and events\n");
            let mut table = table(&["NAME", "ALLOWS", "STATE", "MESSAGE"]);
            for budget in &self.budgets {
                let (state, tone, message) = said(budget.within_limit.as_ref());
                table.add_row([
                    cell(&budget.name, Tone::Plain),
                    cell(&budget.limit, Tone::Plain),
                    cell(state, tone),
                    cell(message, Tone::Plain),
                ]);
            }
            let _ = writeln!(text, "{table}");
        }
    }

    fn work(&self, text: &mut String) {
        if self.admitted.is_empty() {
            text.push_str("\nNothing is admitted here.\n");
        } else {
            text.push_str("\nAdmitted\n");
            let mut table = table(&["FOR", "WORKLOAD", "CEILING", "READY", "WATTS", "HELD-BY"]);
            for admitted in &self.admitted {
                table.add_row([
                    admitted.subject.clone(),
                    admitted.workload.clone(),
                    admitted.ceiling.to_string(),
                    or_dash(admitted.ready),
                    or_dash(admitted.charged_watts),
                    or_dash(admitted.held_by.clone()),
                ]);
            }
            let _ = writeln!(text, "{table}");
        }
        for running in &self.running {
            let _ = writeln!(
                text,
                "{}/{} runs {} x {} {} and is not ours; `commonwatt adopt {}/{} -n {}` writes what would adopt it",
                running.namespace,
                running.name,
                running.replicas,
                running.accelerators,
                running.product,
                running.adapter,
                running.name,
                running.namespace
            );
        }
    }
}

fn said(condition: Option<&Condition>) -> (String, Tone, String) {
    condition.map_or(
        ("not seen yet".into(), Tone::Caution, String::new()),
        |condition| {
            (
                condition.reason.clone(),
                Tone::of_status(&condition.status),
                condition.message.clone(),
            )
        },
    )
}
