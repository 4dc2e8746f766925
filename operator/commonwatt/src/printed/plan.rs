//! A hub's plan, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use commonwatt_fleet::{
    Choice, Decision, Path, Rejection, SiteId, SitePlacement, Slots, VariantName, sound,
};
use commonwatt_planner::Explainer;
use serde_json::{Value, json};

use super::{steps, table};
use crate::planned::Planned;

/// The plan and the path to it as a document, or their part in one namespace.
pub fn document(planned: &Planned, path: &Path, namespace: Option<&str>) -> Value {
    let here = |of: &str| namespace.is_none_or(|namespace| namespace == of);
    let Planned { world, plan, .. } = planned;
    let (sound, _) = sound(world);
    let explainer = Explainer::new(&sound, plan);
    let deployments: Vec<Value> = plan
        .deployments
        .iter()
        .filter(|(id, _)| here(id.namespace()))
        .map(|(id, decision)| {
            let explained = explainer.deployment(id).unwrap_or_default();
            let sites: Vec<Value> = placements(decision)
                .filter(|(_, _, placed)| placed.ceiling.first().copied().unwrap_or(0) > 0)
                .map(|(site, variant, placed)| {
                    let why = explained.chosen.get(site);
                    json!({
                        "site": site, "variant": variant,
                        "replicas": placed.ceiling.first(), "floor": placed.floor.first(),
                        "watts": placed.watts, "costPerHour": placed.cost_per_hour.total(),
                        "gramsPerHour": placed.grams_per_hour, "litersPerHour": placed.liters_per_hour,
                        "reason": why.map(Choice::reason), "detail": why.map(Choice::detail),
                        "schedule": placed.ceiling,
                    })
                })
                .collect();
            let later: Vec<Value> = placements(decision)
                .filter(|(_, _, placed)| placed.ceiling.first() == Some(&0))
                .map(|(site, variant, placed)| json!({ "site": site, "variant": variant, "schedule": placed.ceiling }))
                .collect();
            json!({
                "namespace": id.namespace(), "name": id.name(), "sites": sites, "later": later,
                "runnerUp": explained.runner_up,
                "rejected": rejections(&explained.rejected),
                "binding": rejections(&explained.binding),
                "unmet": decision.unmet,
            })
        })
        .collect();
    let jobs: Vec<Value> = plan
        .jobs
        .iter()
        .filter(|(id, _)| here(id.namespace()))
        .map(|(id, decision)| {
            let explained = explainer.job(id).unwrap_or_default();
            json!({
                "namespace": id.namespace(), "name": id.name(), "placed": decision.placed,
                "atRisk": decision.at_risk, "rejected": rejections(&explained.rejected),
            })
        })
        .collect();
    let charged = charged(planned);
    let sites: Vec<Value> = world
        .sites
        .iter()
        .map(|(site, offered)| {
            let hour = offered.hours.first();
            json!({
                "site": site,
                "wattsCharged": charged.get(site.as_str()).copied().unwrap_or(0),
                "wattsLimit": hour.map(|hour| hour.limit),
                "limitSetBy": hour.map(|hour| hour.limit_set_by.clone()),
            })
        })
        .collect();
    let parts = plan.objective.parts;
    json!({
        "at": world.slots.start,
        "hours": world.slots.count,
        "objective": { "total": plan.objective.total, "currency": world.currency, "parts": parts },
        "bound": plan.bound,
        "deployments": deployments,
        "jobs": jobs,
        "sites": sites,
        "path": steps::document(path, namespace),
        "audit": { "findings": planned.findings },
        "problems": planned.problems,
    })
}

/// Every place of a decision.
fn placements(
    decision: &Decision,
) -> impl Iterator<Item = (&SiteId, &VariantName, &SitePlacement)> {
    let sites = decision.sites.iter();
    sites.flat_map(|(site, variants)| variants.iter().map(move |(v, placed)| (site, v, placed)))
}

fn rejections(rejected: &BTreeMap<SiteId, Rejection>) -> Vec<Value> {
    let why = |(site, why): (&SiteId, &Rejection)| json!({ "site": site, "reason": why.reason(), "detail": why.detail() });
    rejected.iter().map(why).collect()
}

/// IT watts by site in the first hour of the plan.
fn charged(planned: &Planned) -> BTreeMap<String, i64> {
    let Planned { world, plan, .. } = planned;
    let mut charged = BTreeMap::new();
    for decision in plan.deployments.values() {
        for (site, variants) in &decision.sites {
            let watts: i64 = variants.values().map(|placed| placed.watts.0).sum();
            *charged.entry(site.to_string()).or_default() += watts;
        }
    }
    for (id, decision) in &plan.jobs {
        let Some(placed) = decision
            .placed
            .as_ref()
            .filter(|placed| placed.runs.first() == Some(&true))
        else {
            continue;
        };
        let shape = world
            .jobs
            .get(id)
            .and_then(|job| job.shapes.get(&placed.product));
        *charged.entry(placed.site.to_string()).or_default() +=
            shape.map_or(0, |shape| shape.watts().0);
    }
    charged
}

/// Replicas hour by hour, as `3x2 21x1`: three hours with two, then 21 with one.
fn by_hour(ceiling: &[u32]) -> String {
    let runs = ceiling.chunk_by(|a, b| a == b);
    let words = runs.map(|run| format!("{}x{}", run.len(), run[0]));
    words.collect::<Vec<_>>().join(" ")
}

/// The plan as candidate tables with the steps to it, or its part in one namespace; `wide` with the hours ahead.
pub fn tables(planned: &Planned, path: &Path, namespace: Option<&str>, wide: bool) -> String {
    let here = |of: &str| namespace.is_none_or(|namespace| namespace == of);
    let Planned { world, plan, .. } = planned;
    let mut text = format!(
        "Plan for {} ({} hours ahead)\n",
        world.slots.start.format("%Y-%m-%d %H:%M UTC"),
        world.slots.count
    );
    let (sound, _) = sound(world);
    let explainer = Explainer::new(&sound, plan);
    let deployments = plan.deployments.iter();
    for (id, decision) in deployments.filter(|(id, _)| here(id.namespace())) {
        let demand = world
            .deployments
            .get(id)
            .map_or(0.0, |deployment| deployment.demand.0);
        let explained = explainer.deployment(id).unwrap_or_default();
        let _ = write!(text, "\n{id}: {demand:.0} tokens/s\n");
        let columns = [
            "SITE", "VARIANT", "REPLICAS", "COST/H", "KG/H", "L/H", "", "WHY", "HOURS",
        ];
        let mut table = table(&columns[..columns.len() - usize::from(!wide)]);
        let row = |row: [String; 8], hours: String| row.into_iter().chain(wide.then_some(hours));
        for (site, variants) in &decision.sites {
            let why = explained.chosen.get(site);
            for (variant, placed) in variants {
                let replicas = placed.ceiling.first().copied().unwrap_or(0);
                let hours = by_hour(&placed.ceiling);
                if replicas == 0 {
                    table.add_row(row(later(site, variant, placed, &world.slots), hours));
                    continue;
                }
                let chosen = [
                    site.to_string(),
                    variant.to_string(),
                    replicas.to_string(),
                    format!("{:.2}", placed.cost_per_hour.total().0),
                    format!("{:.2}", placed.grams_per_hour.0 / 1000.0),
                    format!("{:.1}", placed.liters_per_hour.0),
                    "chosen".into(),
                    why.map_or_else(String::new, Choice::detail),
                ];
                table.add_row(row(chosen, hours));
            }
        }
        for (site, why) in &explained.rejected {
            let none = || "-".to_owned();
            let rejected = [
                site.to_string(),
                none(),
                none(),
                none(),
                none(),
                none(),
                why.reason().to_owned(),
                why.detail(),
            ];
            table.add_row(row(rejected, none()));
        }
        let _ = writeln!(text, "{table}");
        if let Some(unmet) = &decision.unmet {
            let _ = writeln!(
                text,
                "UNMET: {:.0} tokens/s have no place, {} sites too few",
                unmet.tokens_per_second.0, unmet.sites_missing
            );
            for (site, limit) in &explained.full {
                let _ = writeln!(text, "  {site} takes no more: {}", limit.detail());
            }
        }
    }
    let jobs = plan.jobs.iter();
    for (id, decision) in jobs.filter(|(id, _)| here(id.namespace())) {
        let _ = write!(text, "\n{id} (batch)\n");
        let mut table = table(&["SITE", "ON", "HOURS", "COST", "", "WHY"]);
        if let Some(placed) = &decision.placed {
            let strip: String = placed
                .runs
                .iter()
                .map(|runs| if *runs { '#' } else { '.' })
                .collect();
            table.add_row([
                placed.site.to_string(),
                placed.product.to_string(),
                strip,
                format!("{:.2}", placed.cost.total().0),
                if decision.at_risk {
                    "AT RISK".into()
                } else {
                    "chosen".to_owned()
                },
                format!(
                    "waiting saves {:.2} against starting at once",
                    placed.saved_by_waiting.0
                ),
            ]);
        }
        for (site, why) in &explainer.job(id).unwrap_or_default().rejected {
            let row = [site.to_string(), "-".into(), "-".into(), "-".into()];
            table.add_row(
                row.into_iter()
                    .chain([why.reason().to_owned(), why.detail()]),
            );
        }
        let _ = writeln!(text, "{table}");
    }
    text.push_str("\nSites in the first hour\n");
    let mut sites = table(&["SITE", "CHARGED", "LIMIT", "SET-BY"]);
    let charged = charged(planned);
    for (site, offered) in &world.sites {
        let Some(hour) = offered.hours.first() else {
            continue;
        };
        let watts = commonwatt_fleet::Watts(charged.get(site.as_str()).copied().unwrap_or(0));
        sites.add_row([
            site.to_string(),
            watts.to_string(),
            hour.limit.to_string(),
            hour.limit_set_by.clone(),
        ]);
    }
    let _ = write!(text, "{sites}\n\n{}", steps::text(path, namespace));
    let lower = plan
        .bound
        .lower
        .map_or("not computed".into(), |lower| format!("{:.2}", lower.0));
    let _ = write!(
        text,
        "\n{} {:.2} over {} hours ({}); no plan can cost less than {lower}\n",
        world.currency,
        plan.objective.total.0,
        world.slots.count,
        commonwatt_fleet::reason::describe(&plan.objective.parts),
    );
    match planned.findings.as_slice() {
        [] => text.push_str("The audit found nothing.\n"),
        findings => {
            for finding in findings {
                let _ = writeln!(text, "AUDIT: {finding}");
            }
        }
    }
    text
}

/// The row of a place that has its turn later.
fn later(
    site: &SiteId,
    variant: &VariantName,
    placed: &SitePlacement,
    slots: &Slots,
) -> [String; 8] {
    let first = placed.ceiling.iter().position(|count| *count > 0);
    let most = placed.ceiling.iter().max().copied().unwrap_or(0);
    let from = first.map_or(String::new(), |slot| {
        format!(
            "up to {most} from {}",
            slots.begin(slot).format("%m-%d %H:%M UTC")
        )
    });
    let none = || "-".to_owned();
    [
        site.to_string(),
        variant.to_string(),
        "0".into(),
        none(),
        none(),
        none(),
        "later".into(),
        from,
    ]
}
