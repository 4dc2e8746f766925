//! Two plans side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{DateTime, Utc};
use commonwatt_fleet::{
    Account, Breach, CostParts, DeploymentId, Figures, Plan, SiteId, VariantName, World,
};
use serde::Serialize;

use super::table;
use crate::planned::Planned;

/// A number without and with the change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Two<T> {
    pub before: T,
    pub after: T,
}

/// What is used at some sites over the horizon.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Used {
    /// What running costs there.
    pub cost: Two<f64>,
    pub kilowatt_hours: Two<f64>,
    pub kilograms: Two<f64>,
    pub liters: Two<f64>,
    /// Replicas that start.
    pub moves: Two<u64>,
}

/// Replicas in the first slot, by site and variant.
type Places = BTreeMap<SiteId, BTreeMap<VariantName, u32>>;

/// A deployment that would run otherwise in the first slot.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    pub namespace: String,
    pub name: String,
    pub places: Two<Places>,
}

/// The comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// What was changed.
    pub changes: Vec<String>,
    pub at: DateTime<Utc>,
    pub hours: f64,
    pub currency: String,
    /// Money over the horizon, all of it and by part.
    pub money: Two<f64>,
    pub parts: BTreeMap<&'static str, Two<f64>>,
    /// What no plan can cost less than.
    pub bound: Two<Option<f64>>,
    #[serde(flatten)]
    pub used: Used,
    pub unserved_tokens: Two<f64>,
    pub sites_missing: Two<u64>,
    pub jobs_at_risk: Two<usize>,
    /// Slots in which more is charged than a limit gives.
    pub breaches: Two<Vec<Breach>>,
    /// Findings of the audit.
    pub findings: Two<usize>,
    pub sites: BTreeMap<SiteId, Used>,
    pub communities: BTreeMap<String, Used>,
    pub deployments: Vec<Moved>,
}

impl Comparison {
    /// Compares two plans.
    pub fn of(before: &Planned, after: &Planned, changes: Vec<String>) -> Self {
        let accounts = Two {
            before: Account::of(&before.world, &before.plan),
            after: Account::of(&after.world, &after.plan),
        };
        let two = |number: fn(&Account) -> f64| accounts.map(number);
        let named = |planned: &Planned| planned.plan.objective.parts.named();
        let parts = named(before).into_iter().zip(named(after));
        let slots = after.world.slots;
        Self {
            changes,
            at: slots.start,
            hours: slots.hours() * slots.count as f64,
            currency: after.world.currency.clone(),
            money: Two {
                before: before.plan.objective.total.0,
                after: after.plan.objective.total.0,
            },
            parts: parts
                .map(|((name, before), (_, after))| {
                    let (before, after) = (before.0, after.0);
                    (name, Two { before, after })
                })
                .collect(),
            bound: Two {
                before: before.plan.bound.lower.map(|lower| lower.0),
                after: after.plan.bound.lower.map(|lower| lower.0),
            },
            used: used(&accounts, |_| true),
            unserved_tokens: two(|account| account.unserved_tokens),
            sites_missing: accounts.map(|account| account.sites_missing),
            jobs_at_risk: accounts.map(|account| account.jobs_at_risk),
            breaches: accounts.map(|account| account.breaches.clone()),
            findings: Two {
                before: before.findings.len(),
                after: after.findings.len(),
            },
            sites: sites(&accounts),
            communities: communities(&accounts, before, after),
            deployments: moved(before, after),
        }
    }

    /// Whether more is not served, late, or above a limit with the change than without.
    pub fn is_worse(&self) -> bool {
        let more = |two: &Two<f64>| two.after > two.before + 1e-6 * (1.0 + two.before);
        more(&self.unserved_tokens)
            || self.sites_missing.after > self.sites_missing.before
            || self.jobs_at_risk.after > self.jobs_at_risk.before
            || self.breaches.after.len() > self.breaches.before.len()
            || self.findings.after > self.findings.before
    }

    /// For people.
    pub fn text(&self, wide: bool) -> String {
        let mut text = String::from("What if\n");
        for change in &self.changes {
            let _ = writeln!(text, "  {change}");
        }
        let _ = writeln!(
            text,
            "over {} hours from {}\n\n{}",
            self.hours,
            self.at.format("%Y-%m-%d %H:%M UTC"),
            self.totals(wide)
        );
        let places = |text: &mut String, title: &str, rows: Vec<(&str, &Used)>| {
            let _ = writeln!(text, "\n{}", places(title, rows));
        };
        let sites = self.sites.iter().map(|(site, used)| (site.as_str(), used));
        places(&mut text, "SITE", sites.collect());
        if !self.communities.is_empty() {
            let all = self
                .communities
                .iter()
                .map(|(name, used)| (name.as_str(), used));
            places(&mut text, "COMMUNITY", all.collect());
        }
        self.moved_text(&mut text, wide);
        text
    }

    fn totals(&self, wide: bool) -> comfy_table::Table {
        let mut table = table(&["", "AS IT IS", "CHANGED", "DIFFERENCE"]);
        for column in 1..4 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(comfy_table::CellAlignment::Right);
            }
        }
        let mut row = |name: String, two: Two<f64>, places: usize| {
            let Two { before, after } = two;
            table.add_row([
                name,
                format!("{before:.places$}"),
                format!("{after:.places$}"),
                difference(two, places),
            ]);
        };
        row(format!("cost, {}", self.currency), self.money, 2);
        for (name, _) in CostParts::default().named() {
            let part = self.parts.get(name);
            let said = |part: &&Two<f64>| part.before.abs().max(part.after.abs()) >= 0.005;
            if let Some(part) = part.filter(|part| wide || said(part)) {
                row(format!("  {name}"), *part, 2);
            }
        }
        row("carbon, kg".into(), self.used.kilograms, 1);
        row("water, L".into(), self.used.liters, 1);
        row("energy, kWh".into(), self.used.kilowatt_hours, 1);
        row(
            "moves".into(),
            self.used.moves.map(|moves| *moves as f64),
            0,
        );
        let millions = self.unserved_tokens.map(|tokens| tokens / 1e6);
        row("not served, M tokens".into(), millions, 1);
        row(
            "sites too few, h".into(),
            self.sites_missing.map(|sites| *sites as f64),
            0,
        );
        row(
            "jobs at risk".into(),
            self.jobs_at_risk.map(|jobs| *jobs as f64),
            0,
        );
        row(
            "hours above a limit".into(),
            self.breaches.map(|breaches| breaches.len() as f64),
            0,
        );
        table
    }

    fn moved_text(&self, text: &mut String, wide: bool) {
        const MOST: usize = 20;
        if self.deployments.is_empty() {
            text.push_str(
                "\nEvery deployment runs in the first hour where it would without the change.\n",
            );
            return;
        }
        text.push_str("\nWhat runs otherwise in the first hour\n");
        let shown = if wide { usize::MAX } else { MOST };
        for moved in self.deployments.iter().take(shown) {
            let Two { before, after } = moved.places.map(placed);
            let _ = writeln!(
                text,
                "  {}/{}: {before} → {after}",
                moved.namespace, moved.name
            );
        }
        let rest = self.deployments.len().saturating_sub(shown);
        if rest > 0 {
            let _ = writeln!(text, "  and {rest} more; -o wide shows all");
        }
    }
}

impl<T> Two<T> {
    fn map<U>(&self, to: impl Fn(&T) -> U) -> Two<U> {
        Two {
            before: to(&self.before),
            after: to(&self.after),
        }
    }
}

fn used(accounts: &Two<Account>, counts: impl Fn(&SiteId) -> bool) -> Used {
    let of = accounts.map(|account| account.over(&counts));
    let number = |number: fn(&Figures) -> f64| of.map(number);
    Used {
        cost: number(|figures| figures.running.total().0),
        kilowatt_hours: number(|figures| figures.energy.0),
        kilograms: number(|figures| figures.carbon.0 / 1000.0),
        liters: number(|figures| figures.water.0),
        moves: of.map(|figures| figures.starts),
    }
}

fn sites(accounts: &Two<Account>) -> BTreeMap<SiteId, Used> {
    let all = accounts
        .before
        .sites
        .keys()
        .chain(accounts.after.sites.keys());
    all.map(|site| (site.clone(), used(accounts, |one| one == site)))
        .collect()
}

fn communities(
    accounts: &Two<Account>,
    before: &Planned,
    after: &Planned,
) -> BTreeMap<String, Used> {
    let mut all: BTreeMap<&String, BTreeSet<&SiteId>> = BTreeMap::new();
    for (name, sites) in before.communities.iter().chain(&after.communities) {
        all.entry(name).or_default().extend(sites);
    }
    all.into_iter()
        .map(|(name, sites)| (name.clone(), used(accounts, |site| sites.contains(site))))
        .collect()
}

fn moved(before: &Planned, after: &Planned) -> Vec<Moved> {
    let ids: BTreeSet<_> = before
        .plan
        .deployments
        .keys()
        .chain(after.plan.deployments.keys())
        .collect();
    let places =
        |planned: &Planned, id: &DeploymentId| first_slot(&planned.world, &planned.plan, id);
    ids.into_iter()
        .map(|id| Moved {
            namespace: id.namespace().to_owned(),
            name: id.name().to_owned(),
            places: Two {
                before: places(before, id),
                after: places(after, id),
            },
        })
        .filter(|moved| moved.places.before != moved.places.after)
        .collect()
}

/// Where a deployment runs in the first slot.
pub fn first_slot(world: &World, plan: &Plan, id: &DeploymentId) -> Places {
    let mut places = Places::new();
    let Some(deployment) = world.deployments.get(id) else {
        return places;
    };
    for site in world.sites.keys() {
        for variant in &deployment.variants {
            let replicas = plan.replicas(id, site, &variant.name, 0);
            if replicas > 0 {
                let here = places.entry(site.clone()).or_default();
                here.insert(variant.name.clone(), replicas);
            }
        }
    }
    places
}

/// `3 × h100 at hall, 1 × l40s at mill`.
pub fn placed(places: &Places) -> String {
    let all = places.iter().flat_map(|(site, variants)| {
        variants
            .iter()
            .map(move |(variant, replicas)| format!("{replicas} × {variant} at {site}"))
    });
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        "nowhere".into()
    } else {
        all.join(", ")
    }
}

fn difference(two: Two<f64>, places: usize) -> String {
    let difference = two.after - two.before;
    if difference.abs() < 0.5 * 0.1_f64.powi(places as i32) {
        return "-".into();
    }
    format!("{difference:+.places$}")
}

fn places(title: &str, rows: Vec<(&str, &Used)>) -> comfy_table::Table {
    let mut table = table(&[
        title, "COST", "+/-", "KG", "+/-", "L", "+/-", "MOVES", "+/-",
    ]);
    for column in 1..9 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    for (name, used) in rows {
        let moves = used.moves.map(|moves| *moves as f64);
        let mut row = vec![name.to_owned()];
        for (two, places) in [
            (used.cost, 2),
            (used.kilograms, 1),
            (used.liters, 1),
            (moves, 0),
        ] {
            let after = two.after;
            row.extend([format!("{after:.places$}"), difference(two, places)]);
        }
        table.add_row(row);
    }
    table
}
