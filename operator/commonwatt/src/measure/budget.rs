//! How many series a large fleet has: at 1,000 deployments and 20 sites no more than 2,000 in one Prometheus.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    Condition, Mode, ModelDeployment, RejectedSite, SiteDecision, SiteOffer, conditions::types,
};
use commonwatt_fleet::{Decision, DeploymentId, Plan, TokensPerSecond, Unmet, World};
use commonwatt_hub::{Cycle, Planning};
use commonwatt_kubernetes::Metrics;
use serde_json::json;

use crate::journal::MemoryJournal;
use crate::simulated::{SimulatedFleet, Source};

const DEPLOYMENTS: usize = 1000;
const SITES: usize = 20;
const BUDGET: usize = 2000;
/// What a process counts of itself, at most: a test of the running operator keeps it so.
const OWN_SERIES: usize = 300;
/// Reasons that a deployment can have, each at every site: more than ever come together.
const REASONS: [&str; 12] = [
    "Ok",
    "Progressing",
    "Unplaceable",
    "Power",
    "Water",
    "Accelerators",
    "Advising",
    "Observing",
    "Invalid",
    "FieldOwnedByOther",
    "WorkloadNotFound",
    "ProfileUnusable",
];

fn series(metrics: &Metrics) -> usize {
    let text = metrics.open_metrics();
    text.lines().filter(|line| !line.starts_with('#')).count()
}

fn at() -> DateTime<Utc> {
    "2023-06-05T12:00:00Z".parse().expect("a time")
}

/// The quickstart's fleet after a step, with budgets, events and signals of every kind at its five sites.
async fn quickstart() -> (SimulatedFleet, crate::simulated::Step) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/examples/quickstart");
    let source = Source::read(&folder, None).expect("the quickstart");
    let journal = Arc::new(MemoryJournal::default());
    let mut fleet =
        SimulatedFleet::new(&source, at(), Planning::Commonwatt, journal).expect("a fleet");
    let step = fleet.begin().await.expect("a step");
    (fleet, step)
}

/// A deployment whose every word is as different from the others' as it can be.
fn deployment(index: usize, like: &ModelDeployment) -> ModelDeployment {
    let reason = REASONS[index % REASONS.len()];
    let mut declared = like.clone();
    let mut status = declared.status.take().unwrap_or_default();
    status.conditions = vec![Condition::new(types::PLACED, false, reason, "", at())];
    for site in 0..SITES {
        let place = json!({
            "site": format!("site-{site}"), "variant": "h100", "desired": 1, "ready": 1, "trafficWeight": 0,
            "costPerHour": "1", "gramsPerHour": "1", "litersPerHour": "1", "reason": "Cheapest", "detail": "",
            "answer": REASONS[(index + site) % REASONS.len()], "validUntil": "2023-06-05T13:00:00Z",
        });
        let place: SiteDecision = serde_json::from_value(place).expect("a place");
        status.sites.push(place);
        status.rejected.push(RejectedSite {
            site: format!("site-{site}"),
            reason: REASONS[(index + site) % REASONS.len()].into(),
            detail: String::new(),
        });
    }
    declared.status = Some(status);
    declared.spec.mode = [Mode::Observe, Mode::Advise, Mode::Enforce][index % 3];
    declared
}

/// The hub's cycle of a large fleet: the quickstart's sites four times, and a thousand deployments with unmet demand.
fn large(small: &Cycle) -> Cycle {
    let mut world: World = small.world.as_ref().clone();
    let mut offers: BTreeMap<String, Arc<SiteOffer>> = BTreeMap::new();
    let kinds: Vec<_> = world.sites.values().cloned().collect();
    let known: Vec<_> = small.seen.offers.values().cloned().collect();
    world.sites.clear();
    for index in 0..SITES {
        let name = format!("site-{index}");
        world
            .sites
            .insert(name.as_str().into(), kinds[index % kinds.len()].clone());
        offers.insert(name, known[index % known.len()].clone());
    }
    let mut plan = Plan {
        bound: small.plan.bound,
        objective: small.plan.objective,
        ..Plan::default()
    };
    let like = small
        .seen
        .deployments
        .values()
        .next()
        .expect("a deployment");
    let mut deployments = BTreeMap::new();
    for index in 0..DEPLOYMENTS {
        let name = format!("models/model-{index}");
        let unmet = Unmet {
            tokens_per_second: TokensPerSecond(index as f64 + 1.0),
            sites_missing: 0,
        };
        let decision = Decision {
            unmet: Some(unmet),
            ..Decision::default()
        };
        plan.deployments
            .insert(DeploymentId::from(name.as_str()), decision);
        deployments.insert(name, Arc::new(deployment(index, like)));
    }
    let seen = commonwatt_hub::Seen {
        deployments,
        offers,
        ..commonwatt_hub::Seen::default()
    };
    Cycle {
        world: Arc::new(world),
        plan: Arc::new(plan),
        findings: Vec::new(),
        advice: None,
        problems: small.problems.clone(),
        failures: Vec::new(),
        writes: 0,
        seen,
        moves: 0,
        planning: Duration::from_millis(5),
    }
}

#[tokio::test]
async fn a_thousand_deployments_at_twenty_sites_stay_within_the_budget_of_series() {
    let (_fleet, step) = quickstart().await;
    let metrics = Metrics::new("1");
    super::sites(&metrics, "five", Mode::Enforce, &step.sites);
    let text = metrics.open_metrics();
    let of = |site: &String| {
        let label = format!("site=\"{site}\"");
        text.lines().filter(|line| line.contains(&label)).count()
    };
    let each = step.sites.sites.keys().map(of).max().expect("sites");
    let with_sites = series(&metrics);
    super::hub(&metrics, &large(&step.hub), at());
    let hub = series(&metrics) - with_sites;
    let all = OWN_SERIES + each * SITES + hub;
    println!(
        "{hub} series of the hub and {each} of each of {SITES} sites: {all} with the process's own"
    );
    assert!(
        all <= BUDGET,
        "{all} series, {hub} of the hub, {each} of each site"
    );
    assert!(
        hub > 20 * SITES,
        "the fleet of this test has nothing to show"
    );
    let worst = metrics.open_metrics();
    assert!(
        worst.contains("deployment=\"models/model-999\"") && !worst.contains("models/model-100\"")
    );
}
