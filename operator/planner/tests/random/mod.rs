//! Small worlds at random.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::*;
use proptest::prelude::*;

use crate::common::start;

const SITES: [&str; 4] = ["alba", "bora", "cima", "dune"];
const PRODUCTS: [&str; 2] = ["H100", "L4"];

fn hour() -> impl Strategy<Value = SiteHour> {
    (
        prop_oneof![
            Just(0_i64),
            0..3_000_i64,
            3_000..20_000_i64,
            Just(1_000_000)
        ],
        -0.2..0.6_f64,
        1.0..1.8_f64,
        prop_oneof![Just(0.0), 0.0..4.0_f64],
        0.0..900.0_f64,
    )
        .prop_map(|(limit, price, pue, wue, carbon)| SiteHour {
            limit: Watts(limit),
            limit_set_by: "powerbudget/hall".into(),
            price_per_kwh: Money(price),
            pue,
            wue: LitersPerKwh(wue),
            average_carbon: GramsPerKwh(carbon),
            marginal_carbon: None,
        })
}

/// Hours that change only now and then, as limits do.
fn hours(slots: usize) -> impl Strategy<Value = Vec<SiteHour>> {
    prop_oneof![
        4 => (hour(), hour(), 0..=slots).prop_map(move |(first, then, at)| {
            (0..slots).map(|slot| if slot < at { first.clone() } else { then.clone() }).collect()
        }),
        1 => prop::collection::vec(hour(), slots),
        1 => prop::collection::vec(hour(), 0..=slots),
    ]
}

fn pool() -> impl Strategy<Value = Pool> {
    let nodes = prop::collection::btree_map(0..9_u32, 0..4_u32, 0..3);
    (nodes, 0.0..4.0_f64).prop_map(|(nodes, price)| Pool {
        price_per_hour: Money(price),
        rated_watts: Watts(700),
        nodes,
        reserve: None,
        elastic: None,
    })
}

fn any_site(slots: usize) -> impl Strategy<Value = Site> {
    let water = prop::option::weighted(
        0.4,
        (0.0..60.0_f64, 0.0..100.0_f64).prop_map(|(remaining, hours_left)| WaterStock {
            remaining: Liters(remaining),
            hours_left,
            set_by: "waterbudget/river".into(),
        }),
    );
    (
        prop_oneof![Just("DE"), Just("FR")],
        prop::collection::btree_map(
            prop_oneof![Just("eu"), Just("us")].prop_map(Origin::from),
            0..120_u32,
            0..3,
        ),
        prop::collection::btree_map(prop::sample::select(&PRODUCTS[..]), pool(), 0..3),
        hours(slots),
        water,
        0.1..50.0_f64,
        prop_oneof![4 => Just(100_i64), 1 => -5..8_i64],
    )
        .prop_map(
            |(jurisdiction, latencies, pools, hours, water, scarcity, valid)| Site {
                jurisdiction: jurisdiction.into(),
                latencies,
                pools: pools
                    .into_iter()
                    .map(|(p, pool)| (p.into(), pool))
                    .collect(),
                hours,
                water,
                scarcity,
                offer_revision: 3,
                valid_until: start() + TimeDelta::hours(valid),
                demand_charge: None,
                obligations: Vec::new(),
            },
        )
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (
        0.0..300.0_f64,
        0.0..20.0_f64,
        prop_oneof![Just(0.0), Just(1e-6), 0.0..100.0_f64],
        prop_oneof![Just(0.0), 0.0..20.0_f64],
        prop_oneof![Just(0_u32), 0..30_000_u32],
        prop_oneof![Just(0_u32), 0..6_u32, Just(1000)],
    )
        .prop_map(|(carbon, water, unserved, moving, dwell, moves)| Policy {
            carbon_per_tonne: Money(carbon),
            water_per_cubic_meter: Money(water),
            unserved_per_million_tokens: Money(unserved),
            move_cost: Money(moving),
            dwell_seconds: dwell,
            moves_per_hour: moves,
        })
}

fn any_site_name() -> impl Strategy<Value = SiteId> {
    prop::sample::select(&SITES[..]).prop_map(SiteId::from)
}

fn any_refusals() -> impl Strategy<Value = BTreeMap<SiteId, Refusal>> {
    let refusal = (2..4_i64, 0..3_u32).prop_map(|(offer_revision, most_replicas)| Refusal {
        offer_revision,
        most_replicas,
        reason: "NoRoom".into(),
        detail: "feeder full".into(),
    });
    prop_oneof![
        3 => Just(BTreeMap::new()),
        1 => prop::collection::btree_map(any_site_name(), refusal, 0..3),
    ]
}

fn any_variant(number: usize) -> impl Strategy<Value = Variant> {
    (
        prop::sample::select(&PRODUCTS[..]),
        prop_oneof![
            Just(0_u32),
            Just(1),
            Just(2),
            Just(3),
            Just(4),
            Just(5),
            Just(8)
        ],
        prop_oneof![9 => 10.0..3000.0_f64, 1 => Just(0.0)],
        prop_oneof![Just(0_i64), 100..6_000_i64],
        prop::option::weighted(0.2, prop::collection::btree_set(any_site_name(), 0..3)),
    )
        .prop_map(
            move |(product, accelerators, tokens, watts, only_at)| Variant {
                name: format!("v{number}").into(),
                product: product.into(),
                accelerators,
                tokens_per_second: TokensPerSecond(tokens),
                watts: Watts(watts),
                only_at,
            },
        )
}

fn any_committed() -> impl Strategy<Value = BTreeMap<SiteId, BTreeMap<VariantName, Committed>>> {
    let held = (0..6_u32, -100..1_i64).prop_map(|(replicas, since)| Committed {
        replicas,
        since: start() + TimeDelta::hours(since),
    });
    let variants = prop::collection::btree_map(
        prop_oneof![Just("v0"), Just("v1"), Just("gone")].prop_map(VariantName::from),
        held,
        0..3,
    );
    let site = prop_oneof![6 => any_site_name(), 1 => Just(SiteId::from("vanished"))];
    prop_oneof![
        1 => Just(BTreeMap::new()),
        2 => prop::collection::btree_map(site, variants, 0..3),
    ]
}

fn any_jurisdictions() -> impl Strategy<Value = BTreeSet<String>> {
    prop_oneof![
        4 => Just(BTreeSet::new()),
        1 => Just(BTreeSet::from(["FR".to_owned()])),
    ]
}

fn any_deployment() -> impl Strategy<Value = Deployment> {
    (
        (any_variant(0), prop::option::of(any_variant(1))),
        prop_oneof![Just(0.0), 0.0..8_000.0_f64],
        0.0..1.2_f64,
        prop::collection::btree_map(Just(Origin::from("eu")), 40..200_u32, 0..2),
        any_jurisdictions(),
        0..4_u32,
        0..3_i32,
        any_committed(),
        any_refusals(),
        prop_oneof![9 => Just("standard"), 1 => Just("unknown")],
    )
        .prop_map(
            |(
                variants,
                demand,
                floor,
                origins,
                jurisdictions,
                sites,
                priority,
                committed,
                refusals,
                policy,
            )| {
                Deployment {
                    id: DeploymentId::new("team", "x"),
                    policy: policy.into(),
                    demand: TokensPerSecond(demand),
                    demand_by_slot: Vec::new(),
                    tenant: String::new(),
                    origin_shares: BTreeMap::new(),
                    floor: TokensPerSecond(demand * floor),
                    origins,
                    jurisdictions,
                    variants: [Some(variants.0), variants.1]
                        .into_iter()
                        .flatten()
                        .collect(),
                    minimum_sites: sites,
                    priority,
                    committed,
                    refusals,
                }
            },
        )
}

/// Releases by site, the cost of a restart and of an hour of waiting.
fn any_timing() -> impl Strategy<Value = (BTreeMap<SiteId, DateTime<Utc>>, f64, f64)> {
    let release = (-60..300_i64).prop_map(|minutes| start() + TimeDelta::minutes(minutes));
    let money = || prop_oneof![2 => Just(0.0), 1 => 0.0..3.0_f64];
    (
        prop::collection::btree_map(any_site_name(), release, 0..2),
        money(),
        money(),
    )
}

fn any_job() -> impl Strategy<Value = BatchJob> {
    let shape = (0..3_u32, 0..9_u32, 0..4_000_i64).prop_map(|(pods, size, watts)| JobShape {
        pods,
        accelerators_per_pod: size,
        watts_per_pod: Watts(watts),
    });
    (
        prop::collection::btree_map(
            prop::sample::select(&PRODUCTS[..]).prop_map(Product::from),
            shape,
            0..3,
        ),
        0..6_u32,
        -3..5_i64,
        -1..14_i64,
        any::<bool>(),
        any_jurisdictions(),
        prop::option::weighted(0.3, any_site_name()),
        any::<bool>(),
        any_refusals(),
        any_timing(),
    )
        .prop_map(
            |(
                shapes,
                slots_left,
                release,
                deadline,
                interruptible,
                jurisdictions,
                started_at,
                running,
                refusals,
                (release_at, restart, waiting),
            )| {
                BatchJob {
                    id: JobId::new("team", "x"),
                    policy: "standard".into(),
                    shapes,
                    slots_left,
                    release: start() + TimeDelta::minutes(release * 50),
                    tenant: String::new(),
                    release_at,
                    restart_cost: Money(restart),
                    waiting_per_hour: Money(waiting),
                    deadline: start() + TimeDelta::hours(deadline),
                    interruptible,
                    jurisdictions,
                    running: running && started_at.is_some(),
                    started_at,
                    refusals,
                }
            },
        )
}

/// Any small world: zeros, negative prices, tiny limits, expired offers, unknown distances, commitments above limits.
pub fn any_world() -> impl Strategy<Value = World> {
    (1..7_usize).prop_flat_map(|slots| {
        (
            prop::collection::vec(any_site(slots), 0..=SITES.len()),
            any_policy(),
            prop::collection::vec(any_deployment(), 0..5),
            prop::collection::vec(any_job(), 0..8),
        )
            .prop_map(move |(sites, policy, deployments, jobs)| World {
                slots: Slots::hourly(start(), slots),
                currency: "EUR".into(),
                sites: SITES
                    .iter()
                    .map(|name| SiteId::from(*name))
                    .zip(sites)
                    .collect(),
                shared: Shared::default(),
                policies: BTreeMap::from([("standard".to_owned(), policy)]),
                deployments: deployments
                    .into_iter()
                    .enumerate()
                    .map(|(number, mut deployment)| {
                        deployment.id = DeploymentId::new("team", &format!("d{number}"));
                        (deployment.id.clone(), deployment)
                    })
                    .collect(),
                jobs: jobs
                    .into_iter()
                    .enumerate()
                    .map(|(number, mut job)| {
                        job.id = JobId::new("team", &format!("j{number}"));
                        (job.id.clone(), job)
                    })
                    .collect(),
            })
    })
}
