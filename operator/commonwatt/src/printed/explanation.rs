//! Why a deployment runs where it does, and what would change it, in the order in which a person asks: what the hub wrote into its
//! status, and what planning the fleet again says.

use std::collections::BTreeMap;
use std::fmt::Write;

use commonwatt_api::{
    Condition, Decimal, ModelDeployment, RejectedSite, SiteDecision, Timestamp,
    conditions::{reasons, types},
    find_condition,
};
use commonwatt_fleet::{
    CostParts, Decision, DeploymentId, Explanation as Explained, Rejection, RunnerUp, SiteId,
    Unmet, VariantName,
};
use serde::Serialize;

use super::answers::Answered;
use super::{Tone, cell, table};
use crate::planned::Planned;

/// The explanation of one deployment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub namespace: String,
    pub name: String,
    /// How far the hub may go; none of a saved world, which does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    pub tokens_per_second: String,
    /// The status is of an older generation of the object.
    pub outdated: bool,
    /// The hub would decide otherwise now.
    pub overtaken: bool,
    /// Whether all demand has a place.
    pub placed: Verdict,
    pub chosen: Vec<Chosen>,
    /// The best place that was not taken.
    pub runner_up: Option<Next>,
    /// Limits but for which it would run elsewhere.
    pub binding: Vec<RejectedSite>,
    /// Every site that does not run it.
    pub rejected: Vec<RejectedSite>,
    /// What would change it, each planned again.
    pub would_change: Vec<Answered>,
}

/// A condition's word.
#[derive(Debug, Serialize)]
pub struct Verdict {
    pub status: String,
    pub reason: String,
    pub message: String,
}

/// A place that runs it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    pub site: String,
    pub variant: String,
    pub desired: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<i64>,
    pub cost_per_hour: Decimal,
    pub grams_per_hour: Decimal,
    pub liters_per_hour: Decimal,
    pub reason: String,
    pub detail: String,
    /// What its site says; nothing of what is only planned.
    #[serde(flatten)]
    pub there: Option<There>,
}

/// What a site says of a placement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct There {
    pub ready: i64,
    pub traffic_weight: i64,
    pub answer: String,
    pub valid_until: Timestamp,
}

/// The runner-up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    #[serde(flatten)]
    pub why: RejectedSite,
    /// In which way it would be served there.
    pub variant: VariantName,
    pub replicas: u32,
    /// What that costs more per hour, by part.
    pub more_per_hour: CostParts,
}

impl Explanation {
    /// What a deployment's status says.
    pub fn of_status(key: &str, deployment: &ModelDeployment) -> Self {
        let (namespace, name) = key.split_once('/').unwrap_or(("", key));
        let status = deployment.status.clone().unwrap_or_default();
        Self {
            namespace: namespace.into(),
            name: name.into(),
            mode: Some(format!("{:?}", deployment.spec.mode)),
            tokens_per_second: deployment.spec.demand.tokens_per_second.0.clone(),
            outdated: status.observed_generation.is_some()
                && status.observed_generation != deployment.metadata.generation,
            overtaken: false,
            placed: verdict(&status.conditions),
            chosen: status.sites.into_iter().map(Chosen::from).collect(),
            runner_up: None,
            binding: Vec::new(),
            rejected: status.rejected,
            would_change: Vec::new(),
        }
    }

    /// What a plan says of a deployment; none where it does not know it.
    pub fn of_plan(id: &DeploymentId, planned: &Planned) -> Option<Self> {
        let deployment = planned.world.deployments.get(id)?;
        let decision = planned.plan.deployments.get(id)?;
        let explained = planned.explained(id)?;
        let mut explanation = Self {
            namespace: id.namespace().into(),
            name: id.name().into(),
            mode: None,
            tokens_per_second: format!("{}", deployment.demand_in(0).0),
            outdated: false,
            overtaken: false,
            placed: planned_verdict(decision),
            chosen: chosen(decision, &explained),
            runner_up: None,
            binding: Vec::new(),
            rejected: Vec::new(),
            would_change: Vec::new(),
        };
        explanation.add(&explained);
        Some(explanation)
    }

    /// Adds what planning says now to what the status said.
    pub fn with_plan(mut self, id: &DeploymentId, planned: &Planned) -> Self {
        let Some(explained) = planned.explained(id) else {
            return self;
        };
        let mut said: BTreeMap<SiteId, BTreeMap<VariantName, u32>> = BTreeMap::new();
        for place in self.chosen.iter().filter(|place| place.desired > 0) {
            let here = said.entry(place.site.as_str().into()).or_default();
            let desired = u32::try_from(place.desired).unwrap_or(u32::MAX);
            here.insert(place.variant.as_str().into(), desired);
        }
        self.overtaken = said != planned.first_slot(id);
        self.add(&explained);
        self
    }

    fn add(&mut self, explained: &Explained) {
        self.runner_up = explained.runner_up.as_ref().map(Next::from);
        self.binding = rejected(explained.binding.iter());
        // A status names the most telling of them; the others are as true.
        let known = |site: &SiteId| {
            let chosen = self.chosen.iter().map(|place| &place.site);
            let rejected = self.rejected.iter().map(|one| &one.site);
            chosen.chain(rejected).any(|known| known == site.as_str())
        };
        let others = explained.rejected.iter();
        let others = rejected(others.filter(|(site, _)| !known(site)));
        self.rejected.extend(others);
        self.rejected.sort_by(|a, b| a.site.cmp(&b.site));
    }

    /// For people.
    pub fn text(&self, wide: bool) -> String {
        let mode = self.mode.as_ref().map(|mode| format!(", mode {mode}"));
        let mut text = format!(
            "{}/{}: {} tokens/s{}\n",
            self.namespace,
            self.name,
            self.tokens_per_second,
            mode.unwrap_or_default()
        );
        if self.outdated {
            text.push_str(
                "The hub has not looked at its last change yet; this is of the one before.\n",
            );
        }
        let placed = &self.placed;
        if placed.reason != reasons::OK && !placed.message.is_empty() {
            let _ = writeln!(text, "{}: {}", placed.reason, placed.message);
        }
        self.places(&mut text, wide);
        if self.overtaken {
            text.push_str(
                "\nNow the hub would decide otherwise; `commonwatt plan` says how. What follows is of that plan.\n",
            );
        }
        if let Some(next) = &self.runner_up {
            let _ = writeln!(
                text,
                "\nRunner-up: {} × {} at {}, {}",
                next.replicas, next.variant, next.why.site, next.why.detail
            );
        }
        if !self.binding.is_empty() {
            text.push_str("\nWhat binds\n");
            for site in &self.binding {
                let _ = writeln!(text, "  {} {}: {}", site.site, site.reason, site.detail);
            }
        }
        if !self.would_change.is_empty() {
            text.push_str("\nWhat would change it\n");
            for answered in &self.would_change {
                let _ = writeln!(text, "  {answered}");
            }
        }
        text
    }

    fn places(&self, text: &mut String, wide: bool) {
        if !self.chosen.is_empty() {
            let there = self.chosen.iter().all(|place| place.there.is_some());
            let mut header = vec!["SITE", "VARIANT", "REPLICAS"];
            header.extend(there.then_some("READY"));
            header.extend(["COST/H", "KG/H"]);
            header.extend(wide.then_some("L/H"));
            if wide && there {
                header.extend(["WEIGHT", "ANSWER", "VALID-UNTIL"]);
            }
            let mut table = table(&header);
            for place in &self.chosen {
                table.add_row(place.numbers(wide));
            }
            let _ = writeln!(text, "\n{table}");
        }
        if self.chosen.is_empty() && self.rejected.is_empty() {
            return;
        }
        let mut table = table(&["SITE", "REASON", "WHY"]);
        let mut row = |site: &str, reason: &str, tone, detail: &str| {
            let site = cell(site, Tone::Plain);
            table.add_row([site, cell(reason, tone), cell(detail, Tone::Plain)]);
        };
        for place in &self.chosen {
            row(&place.site, &place.reason, Tone::Good, &place.detail);
        }
        for site in &self.rejected {
            row(&site.site, &site.reason, Tone::Caution, &site.detail);
        }
        let _ = writeln!(text, "\n{table}");
    }
}

impl From<SiteDecision> for Chosen {
    fn from(said: SiteDecision) -> Self {
        Self {
            site: said.site,
            variant: said.variant,
            desired: said.desired,
            floor: said.floor,
            cost_per_hour: said.cost_per_hour,
            grams_per_hour: said.grams_per_hour,
            liters_per_hour: said.liters_per_hour,
            reason: said.reason,
            detail: said.detail,
            there: Some(There {
                ready: said.ready,
                traffic_weight: said.traffic_weight,
                answer: said.answer,
                valid_until: said.valid_until,
            }),
        }
    }
}

impl Chosen {
    fn numbers(&self, wide: bool) -> Vec<String> {
        let rounded = |value: Result<f64, _>| {
            value.map_or_else(
                |_: commonwatt_api::ValueError| "-".into(),
                |value| format!("{value:.2}"),
            )
        };
        let grams = self.grams_per_hour.value();
        let mut row = vec![
            self.site.clone(),
            self.variant.clone(),
            self.desired.to_string(),
        ];
        row.extend(self.there.as_ref().map(|there| there.ready.to_string()));
        row.push(rounded(self.cost_per_hour.value()));
        row.push(rounded(grams.map(|grams| grams / 1000.0)));
        row.extend(wide.then(|| rounded(self.liters_per_hour.value())));
        if let Some(there) = self.there.as_ref().filter(|_| wide) {
            row.extend([
                there.traffic_weight.to_string(),
                there.answer.clone(),
                there.valid_until.0.format("%m-%d %H:%M UTC").to_string(),
            ]);
        }
        row
    }
}

impl From<&RunnerUp> for Next {
    fn from(next: &RunnerUp) -> Self {
        let why = Rejection::Dearer {
            per_hour: next.more_per_hour.total(),
            parts: next.more_per_hour,
        };
        Self {
            why: RejectedSite {
                site: next.site.to_string(),
                reason: why.reason().into(),
                detail: why.detail(),
            },
            variant: next.variant.clone(),
            replicas: next.replicas,
            more_per_hour: next.more_per_hour,
        }
    }
}

fn rejected<'a>(all: impl Iterator<Item = (&'a SiteId, &'a Rejection)>) -> Vec<RejectedSite> {
    all.map(|(site, why)| RejectedSite {
        site: site.to_string(),
        reason: why.reason().into(),
        detail: why.detail(),
    })
    .collect()
}

fn chosen(decision: &Decision, explained: &Explained) -> Vec<Chosen> {
    let number =
        |value: f64, places| Decimal::from_value(value, places).unwrap_or_else(|| "0".into());
    let mut chosen = Vec::new();
    for (site, variants) in &decision.sites {
        let why = explained.chosen.get(site);
        for (variant, placed) in variants {
            let first = |counts: &[u32]| counts.first().map_or(0, |count| i64::from(*count));
            chosen.push(Chosen {
                site: site.to_string(),
                variant: variant.to_string(),
                desired: first(&placed.ceiling),
                floor: Some(first(&placed.floor)),
                cost_per_hour: number(placed.cost_per_hour.total().0, 4),
                grams_per_hour: number(placed.grams_per_hour.0, 1),
                liters_per_hour: number(placed.liters_per_hour.0, 2),
                reason: why.map_or_else(String::new, |why| why.reason().into()),
                detail: why.map_or_else(String::new, commonwatt_fleet::Choice::detail),
                there: None,
            });
        }
    }
    chosen.retain(|place| place.desired > 0);
    chosen
}

fn planned_verdict(decision: &Decision) -> Verdict {
    let (status, reason, message) = match &decision.unmet {
        None => ("True", "Planned", String::new()),
        Some(unmet) => ("False", reasons::UNPLACEABLE, lacking(unmet)),
    };
    Verdict {
        status: status.into(),
        reason: reason.into(),
        message,
    }
}

/// How much has no place.
fn lacking(unmet: &Unmet) -> String {
    let tokens = unmet.tokens_per_second.0;
    let tokens = (tokens > 0.0).then(|| format!("{tokens:.0} tokens/s have no place"));
    let sites = (unmet.sites_missing > 0).then(|| format!("{} sites too few", unmet.sites_missing));
    tokens
        .into_iter()
        .chain(sites)
        .collect::<Vec<_>>()
        .join("; ")
}

fn verdict(conditions: &[Condition]) -> Verdict {
    find_condition(conditions, types::PLACED).map_or_else(
        || Verdict {
            status: "Unknown".into(),
            reason: "NotSeenYet".into(),
            message: "no hub has looked at it; is one running? `commonwatt doctor` says".into(),
        },
        |condition| Verdict {
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        },
    )
}
