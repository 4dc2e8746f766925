//! What a hub found in its world, its plan and the answers of sites.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{Mode, SiteOffer, conditions::reasons, conditions::types, find_condition};
use commonwatt_fleet::{Plan, World};
use commonwatt_hub::Cycle;
use commonwatt_kubernetes::metrics::{Gauge, Sheet, families as all};

use super::flag;

/// How many of the worst served deployments have a series of their own.
const WORST: usize = 20;

pub(super) fn sheet(cycle: &Cycle, now: DateTime<Utc>) -> Sheet {
    let mut sheet = Sheet::default();
    let (world, plan) = cycle.whole();
    said(&mut sheet, cycle);
    demand(&mut sheet, world, plan);
    places(&mut sheet, world, plan);
    jobs(&mut sheet, world, plan);
    objective(&mut sheet, world, plan);
    sheet.set(&all::HUB_PLAN_FINDINGS, [], cycle.findings.len() as f64);
    for (site, offer) in &cycle.seen.offers {
        offered(&mut sheet, site, offer, now);
    }
    for problem in cycle.problems.iter().filter(|problem| !problem.noted) {
        let labels = ["hub", "", problem.kind.as_str(), problem.reason.as_str()];
        sheet.add(&all::OBJECTS_UNUSABLE, labels, 1.0);
    }
    for malformed in &cycle.seen.malformed {
        let labels = ["hub", "", malformed.object.kind(), reasons::INVALID];
        sheet.add(&all::OBJECTS_UNUSABLE, labels, 1.0);
    }
    sheet
}

/// Counts by two labels. Of ten thousand deployments at many sites most say the same words, which are not copied here.
#[derive(Default)]
struct Tally<'a>(BTreeMap<[&'a str; 2], f64>);

impl<'a> Tally<'a> {
    fn add(&mut self, first: &'a str, second: &'a str, by: f64) {
        *self.0.entry([first, second]).or_default() += by;
    }

    fn put(self, sheet: &mut Sheet, gauge: &Gauge<2>) {
        for (labels, count) in self.0 {
            sheet.set(gauge, labels, count);
        }
    }
}

/// What is said of deployments, added up over all of them.
fn said(sheet: &mut Sheet, cycle: &Cycle) {
    let (mut verdicts, mut replicas) = (Tally::default(), Tally::default());
    let (mut answers, mut rejections) = (Tally::default(), Tally::default());
    for declared in cycle.seen.deployments.values() {
        let Some(status) = &declared.status else {
            continue;
        };
        if let Some(placed) = find_condition(&status.conditions, types::PLACED) {
            verdicts.add(word(declared.spec.mode), &placed.reason, 1.0);
        }
        for place in &status.sites {
            replicas.add(&place.site, "desired", place.desired as f64);
            replicas.add(&place.site, "ready", place.ready as f64);
            answers.add(&place.site, &place.answer, 1.0);
        }
        for elsewhere in &status.rejected {
            rejections.add(&elsewhere.site, &elsewhere.reason, 1.0);
        }
    }
    verdicts.put(sheet, &all::HUB_DEPLOYMENTS);
    replicas.put(sheet, &all::HUB_REPLICAS);
    answers.put(sheet, &all::HUB_ANSWERS);
    rejections.put(sheet, &all::HUB_REJECTIONS);
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "Observe",
        Mode::Advise => "Advise",
        Mode::Enforce => "Enforce",
    }
}

fn demand(sheet: &mut Sheet, world: &World, plan: &Plan) {
    let asked: f64 = world.deployments.values().map(|one| one.demand.0).sum();
    sheet.set(&all::HUB_DEMAND, [], asked);
    let mut unmet: Vec<(&str, f64)> = plan
        .deployments
        .iter()
        .filter_map(|(id, decision)| {
            Some((id.as_str(), decision.unmet.as_ref()?.tokens_per_second.0))
        })
        .filter(|(_, tokens)| *tokens > 0.0)
        .collect();
    let total: f64 = unmet.iter().map(|(_, tokens)| tokens).sum();
    sheet.set(&all::HUB_UNSERVED, [], total);
    unmet.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    for (name, tokens) in unmet.into_iter().take(WORST) {
        sheet.set(&all::HUB_UNSERVED_WORST, [name], tokens);
    }
}

/// What the plan's first hour takes at each site.
fn places(sheet: &mut Sheet, world: &World, plan: &Plan) {
    let currency = world.currency.as_str();
    for (site, terms) in &world.sites {
        let site = site.as_str();
        if let Some(hour) = terms.hours.first() {
            sheet.set(&all::HUB_SITE_OFFERED, [site], hour.limit.0 as f64);
        }
        for (product, pool) in &terms.pools {
            let total = f64::from(pool.total());
            let product = product.as_str();
            sheet.set(
                &all::HUB_SITE_ACCELERATORS,
                [site, product, "offered"],
                total,
            );
            sheet.set(&all::HUB_SITE_ACCELERATORS, [site, product, "planned"], 0.0);
        }
        sheet.set(&all::HUB_SITE_PLANNED, [site], 0.0);
        sheet.set(&all::HUB_SITE_COST, [site, currency], 0.0);
        sheet.set(&all::HUB_SITE_CARBON, [site], 0.0);
        sheet.set(&all::HUB_SITE_WATER, [site], 0.0);
    }
    for (id, decision) in &plan.deployments {
        let shapes = world.deployments.get(id).map(|one| one.variants.as_slice());
        for (site, variant, place) in decision.sites.iter().flat_map(|(site, variants)| {
            variants
                .iter()
                .map(move |(name, place)| (site, name, place))
        }) {
            let site = site.as_str();
            let cost = place.cost_per_hour.total().0;
            sheet.add(&all::HUB_SITE_PLANNED, [site], place.watts.0 as f64);
            sheet.add(&all::HUB_SITE_COST, [site, currency], cost);
            sheet.add(&all::HUB_SITE_CARBON, [site], place.grams_per_hour.0);
            sheet.add(&all::HUB_SITE_WATER, [site], place.liters_per_hour.0);
            let mut shapes = shapes.unwrap_or_default().iter();
            if let Some(shape) = shapes.find(|shape| shape.name == *variant) {
                let replicas = place.ceiling.first().copied().unwrap_or(0);
                let labels = [site, shape.product.as_str(), "planned"];
                let count = f64::from(replicas * shape.accelerators);
                sheet.add(&all::HUB_SITE_ACCELERATORS, labels, count);
            }
        }
    }
}

fn jobs(sheet: &mut Sheet, world: &World, plan: &Plan) {
    for state in ["placed", "waiting", "at_risk"] {
        sheet.set(&all::HUB_JOBS, [state], 0.0);
    }
    for (id, decision) in &plan.jobs {
        let state = match &decision.placed {
            _ if decision.at_risk => "at_risk",
            Some(_) => "placed",
            None => "waiting",
        };
        sheet.add(&all::HUB_JOBS, [state], 1.0);
        let runs = decision
            .placed
            .as_ref()
            .filter(|placed| placed.runs.first() == Some(&true));
        let shape = runs.and_then(|placed| world.jobs.get(id)?.shapes.get(&placed.product));
        if let (Some(placed), Some(shape)) = (runs, shape) {
            let site = placed.site.as_str();
            let watts = shape.watts().0 as f64;
            sheet.add(&all::HUB_SITE_PLANNED, [site], watts);
            let labels = [site, placed.product.as_str(), "planned"];
            let count = f64::from(shape.accelerators());
            sheet.add(&all::HUB_SITE_ACCELERATORS, labels, count);
        }
    }
}

fn objective(sheet: &mut Sheet, world: &World, plan: &Plan) {
    let hours = world.slots.count.max(1) as f64 * world.slots.hours();
    let currency = world.currency.as_str();
    let cost = plan.objective.total.0;
    sheet.set(&all::HUB_PLAN_COST, [currency], cost / hours);
    let Some(lower) = plan.bound.lower else {
        return;
    };
    sheet.set(&all::HUB_PLAN_BOUND, [currency], lower.0 / hours);
    let upper = plan.bound.upper.0;
    let gap = if upper > 0.0 {
        (upper - lower.0) / upper
    } else {
        0.0
    };
    sheet.set(&all::HUB_PLAN_GAP, [], gap.max(0.0));
}

fn offered(sheet: &mut Sheet, site: &str, offer: &SiteOffer, now: DateTime<Utc>) {
    let remaining = (offer.spec.valid_until.0 - now).as_seconds_f64();
    sheet.set(&all::HUB_OFFER_REMAINING, [site], remaining);
    let status = offer.status.as_ref();
    let said = status.and_then(|status| find_condition(&status.conditions, types::REACHABLE));
    let wrong = said.filter(|condition| condition.status != "True");
    let (reachable, reason) = match wrong {
        Some(wrong) => (false, wrong.reason.as_str()),
        None if remaining <= 0.0 => (false, "OfferExpired"),
        None => (true, reasons::OK),
    };
    sheet.set(&all::HUB_SITE_REACHABLE, [site, reason], flag(reachable));
}
