//! What is said of a deployment, pure: where it stands, with which weights, and the verdict on it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    Condition, Decimal, Mode, ModelDeployment, ModelDeploymentStatus, RejectedSite, SiteDecision,
    conditions::{reasons, types},
    find_condition,
};
use commonwatt_fleet::{
    Decision, DeploymentId, Explanation, Plan, SiteId, Unmet, VariantName, World,
};

use crate::hub::Cycle;
use crate::problem::Problem;
use crate::publish::{assignments_of, clip};

/// Where the words of a status come from.
#[derive(Clone, Copy)]
pub(crate) enum Words<'a> {
    /// What is said now.
    New(&'a Explanation),
    /// What was said before.
    Old(&'a ModelDeploymentStatus),
}

impl Words<'_> {
    /// Why it runs at a place: the reason in one word, and in more.
    fn of_place(self, site: &SiteId, variant: &VariantName) -> (String, String) {
        match self {
            Self::New(explained) => explained
                .chosen
                .get(site)
                .map_or_else(Default::default, |why| (why.reason().into(), why.detail())),
            Self::Old(status) => {
                let mut sites = status.sites.iter();
                let same = |one: &&SiteDecision| {
                    one.site == site.as_str() && one.variant == variant.as_str()
                };
                sites.find(same).map_or_else(Default::default, |one| {
                    (one.reason.clone(), one.detail.clone())
                })
            }
        }
    }
}

/// A status from a decision.
pub(crate) fn decided(
    cycle: &Cycle,
    declared: &ModelDeployment,
    id: &DeploymentId,
    (world, plan): (&World, &Plan),
    decision: &Decision,
    words: Words<'_>,
    cautious: &BTreeMap<SiteId, Mode>,
    mode: Mode,
) -> ModelDeploymentStatus {
    let assignments = assignments_of(&cycle.seen, id);
    let number = |value: f64, places: usize| {
        Decimal::from_value(value, places).unwrap_or_else(|| "0".into())
    };
    let until = plan.slots.map_or(world.slots.start, |slots| slots.end(0));
    let mut sites = Vec::new();
    for (site, variants) in &decision.sites {
        for (variant, placement) in variants {
            let desired = placement.ceiling.first().copied().unwrap_or(0);
            let assignment = assignments.get(&(site.clone(), variant.clone()));
            let status = assignment.and_then(|assignment| assignment.status.as_ref());
            let ready = status.and_then(|status| status.ready_replicas).unwrap_or(0);
            if desired == 0 && ready == 0 {
                continue;
            }
            let answer = status
                .and_then(|status| find_condition(&status.conditions, types::ADMITTED))
                .map_or("Pending".to_owned(), |c| {
                    if c.status == "True" {
                        "Admitted".into()
                    } else {
                        c.reason.clone()
                    }
                });
            let refusal = status.and_then(|status| status.refusal.as_ref());
            let (reason, detail) = words.of_place(site, variant);
            let detail = match refusal.filter(|refusal| refusal.reason == answer) {
                Some(refusal) => refusal.detail.clone(),
                None => detail,
            };
            sites.push(SiteDecision {
                site: site.to_string(),
                variant: variant.to_string(),
                desired: i64::from(desired),
                floor: status.and_then(|status| status.floor),
                ready,
                traffic_weight: 0,
                cost_per_hour: number(placement.cost_per_hour.total().0, 4),
                grams_per_hour: number(placement.grams_per_hour.0, 1),
                liters_per_hour: number(placement.liters_per_hour.0, 2),
                reason,
                detail: clip(&detail),
                answer,
                valid_until: until.into(),
            });
        }
    }
    weigh(&mut sites, world, id);
    let cost: f64 = decision
        .sites
        .values()
        .flatten()
        .map(|(_, p)| p.cost_per_hour.total().0)
        .sum();
    let grams: f64 = decision
        .sites
        .values()
        .flatten()
        .map(|(_, p)| p.grams_per_hour.0)
        .sum();
    let demand = declared
        .spec
        .demand
        .tokens_per_second
        .value()
        .unwrap_or(0.0);
    let (rejected, rejected_sites) = match words {
        Words::New(explained) => elsewhere(explained, decision, plan, cautious, mode),
        Words::Old(status) => (status.rejected.clone(), status.rejected_sites),
    };
    let mut names: Vec<&str> = sites.iter().map(|site| site.site.as_str()).collect();
    names.dedup();
    ModelDeploymentStatus {
        observed_generation: None,
        conditions: Vec::new(),
        site_names: Some(names.join(",")),
        desired_replicas: Some(sites.iter().map(|site| site.desired).sum()),
        ready_replicas: Some(sites.iter().map(|site| site.ready).sum()),
        cost_per_hour: Decimal::from_value(cost, 2),
        grams_per_thousand_tokens: (demand > 0.0).then(|| number(grams / (demand * 3.6), 4)),
        decided_by: sites
            .iter()
            .max_by_key(|site| site.desired)
            .map(|site| site.reason.clone()),
        sites,
        rejected,
        rejected_sites,
    }
}

/// Why it is not at other sites, the most telling of them, and how many there are.
fn elsewhere(
    explained: &Explanation,
    decision: &Decision,
    plan: &Plan,
    cautious: &BTreeMap<SiteId, Mode>,
    mode: Mode,
) -> (Vec<RejectedSite>, Option<i64>) {
    let mut rejected: Vec<RejectedSite> = explained
        .rejected
        .iter()
        .map(|(site, why)| RejectedSite {
            site: site.to_string(),
            reason: why.reason().into(),
            detail: clip(&why.detail()),
        })
        .collect();
    rejected.extend(later(decision, plan));
    if mode == Mode::Enforce {
        rejected.extend(cautious.iter().map(|(site, site_mode)| RejectedSite {
            site: site.to_string(),
            reason: "SiteMode".into(),
            detail: format!(
                "the site is in {site_mode:?}; it takes nothing until it is in Enforce"
            ),
        }));
    }
    let count = rejected.len() as i64;
    (most_telling(rejected), (count > 0).then_some(count))
}

/// Places that a status names as rejected. With a hundred sites all of them would be most of what the API server stores
/// and sends.
const TOLD: usize = 12;

/// One of each reason first, then the others, by name.
fn most_telling(rejected: Vec<RejectedSite>) -> Vec<RejectedSite> {
    let mut of_reason: BTreeMap<String, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, RejectedSite)> = rejected
        .into_iter()
        .map(|rejected| {
            let rank = of_reason.entry(rejected.reason.clone()).or_default();
            *rank += 1;
            (*rank, rejected)
        })
        .collect();
    ranked.sort_by(|(rank, one), (other_rank, other)| {
        (rank, &one.site).cmp(&(other_rank, &other.site))
    });
    ranked.truncate(TOLD);
    let mut told: Vec<RejectedSite> = ranked.into_iter().map(|(_, one)| one).collect();
    // Collected in place, it would hold on to the room of a hundred.
    told.shrink_to_fit();
    told.sort_by(|one, other| one.site.cmp(&other.site));
    told
}

/// Sites that do not run it in this hour and will in a later one of the plan.
fn later<'a>(decision: &'a Decision, plan: &'a Plan) -> impl Iterator<Item = RejectedSite> + 'a {
    let sites = decision.sites.iter().filter(|(_, variants)| {
        let now = variants.values().map(|placement| placement.ceiling.first());
        now.flatten().all(|count| *count == 0)
    });
    sites.filter_map(|(site, variants)| {
        let first = variants
            .values()
            .filter_map(|placement| placement.ceiling.iter().position(|count| *count > 0))
            .min()?;
        let from = plan.slots?.begin(first);
        Some(RejectedSite {
            site: site.to_string(),
            reason: "Later".into(),
            detail: format!(
                "not in this hour; planned from {}",
                from.format("%Y-%m-%d %H:%M UTC")
            ),
        })
    })
}

/// Weights from ready capacity, of 10,000 in all; nothing where nothing is ready.
fn weigh(sites: &mut [SiteDecision], world: &World, id: &DeploymentId) {
    let Some(deployment) = world.deployments.get(id) else {
        return;
    };
    let capacity = |site: &SiteDecision| {
        let shape = deployment
            .variants
            .iter()
            .find(|variant| variant.name.as_str() == site.variant);
        site.ready as f64 * shape.map_or(0.0, |shape| shape.tokens_per_second.0)
    };
    let total: f64 = sites.iter().map(capacity).sum();
    if total <= 0.0 {
        return;
    }
    let mut left = 10_000;
    for site in sites.iter_mut() {
        site.traffic_weight = (capacity(site) / total * 10_000.0).floor() as i64;
        left -= site.traffic_weight;
    }
    if let Some(most) = sites.iter_mut().max_by_key(|site| site.traffic_weight) {
        most.traffic_weight += left;
    }
}

/// What a deployment that is being deleted waits for.
pub(crate) fn leaving(cycle: &Cycle, id: &DeploymentId, now: DateTime<Utc>) -> Condition {
    let mut waits: Vec<String> = assignments_of(&cycle.seen, id)
        .keys()
        .map(|(site, _)| {
            let offer = cycle.seen.offers.get(site.as_str());
            let until = offer.map(|offer| offer.spec.valid_until.0);
            until.map_or_else(
                || format!("{site}, which is not known any more"),
                |until| {
                    format!(
                        "{site}, at the latest until {}",
                        until.format("%Y-%m-%d %H:%M UTC")
                    )
                },
            )
        })
        .collect();
    waits.dedup();
    let message = if waits.is_empty() {
        "given back".to_owned()
    } else {
        format!(
            "being given back; waits for the word of {}; a site that does not answer by then keeps what it admitted",
            waits.join("; ")
        )
    };
    Condition::new(types::PLACED, false, reasons::RELEASED, message, now)
}

/// The verdict on a deployment.
pub(crate) fn placed(
    problem: Option<&Problem>,
    decision: Option<&Decision>,
    words: Words<'_>,
    status: &ModelDeploymentStatus,
    mode: Mode,
    now: DateTime<Utc>,
) -> Condition {
    if let Some(problem) = problem {
        return Condition::new(
            types::PLACED,
            false,
            &problem.reason,
            problem.message.clone(),
            now,
        );
    }
    let Some(decision) = decision else {
        let message = "nothing is planned: the deployment or the hub is in Observe, or no site offers anything yet";
        return Condition::new(types::PLACED, false, reasons::OBSERVING, message, now);
    };
    if let Some(unmet) = &decision.unmet {
        let message = match words {
            Words::New(explained) => without_place(unmet, explained, status),
            Words::Old(old) => {
                let old = find_condition(&old.conditions, types::PLACED);
                let old = old.filter(|old| old.reason == reasons::UNPLACEABLE);
                old.map_or(String::new(), |old| old.message.clone())
            }
        };
        return Condition::new(types::PLACED, false, reasons::UNPLACEABLE, message, now);
    }
    if let Some(site) = status
        .sites
        .iter()
        .find(|site| !matches!(site.answer.as_str(), "Admitted" | "Pending" | "Advising"))
    {
        let message = format!("{} answered {}: {}", site.site, site.answer, site.detail);
        return Condition::new(types::PLACED, false, &site.answer, message, now);
    }
    // Each place by itself: what is still ready where it moves from does not make up for what is not yet where it goes.
    let there = status
        .sites
        .iter()
        .all(|site| site.ready >= site.floor.unwrap_or(site.desired).min(site.desired));
    let (reason, message) = match (mode, there) {
        (Mode::Enforce, true) => (reasons::OK, String::new()),
        (Mode::Enforce, false) => (reasons::PROGRESSING, String::new()),
        _ => (reasons::ADVISING, advice(status)),
    };
    Condition::new(types::PLACED, true, reason, message, now)
}

/// How much has no place, and why none of the sites takes it.
fn without_place(unmet: &Unmet, explained: &Explanation, status: &ModelDeploymentStatus) -> String {
    let full = explained.full.iter().map(|(site, limit)| {
        format!(
            "{site} takes no more: {}: {}",
            limit.reason(),
            limit.detail()
        )
    });
    let rejected = status
        .rejected
        .iter()
        .map(|r| format!("{} {}: {}", r.site, r.reason, r.detail));
    let mut parts = Vec::new();
    if unmet.tokens_per_second.0 > 0.0 {
        parts.push(format!(
            "{:.0} tokens/s have no place",
            unmet.tokens_per_second.0
        ));
    }
    if unmet.sites_missing > 0 {
        parts.push(match unmet.sites_missing {
            1 => "1 site too few".to_owned(),
            missing => format!("{missing} sites too few"),
        });
    }
    parts.extend(full.chain(rejected));
    parts.join("; ")
}

/// What would be done, in a sentence.
fn advice(status: &ModelDeploymentStatus) -> String {
    let places = status.sites.iter().map(|site| {
        let SiteDecision {
            site,
            variant,
            desired,
            ..
        } = site;
        format!("{desired} × {variant} at {site}")
    });
    let places: Vec<_> = places.collect();
    if places.is_empty() {
        return "would run nothing".into();
    }
    format!("would run {}; nothing is written", places.join(", "))
}
