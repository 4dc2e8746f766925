//! A made-up fleet of three sites.

use commonwatt_dashboard::view::{
    BreachView, CommunityLink, CostPart, DeploymentView, EventView, FleetView, JobView, MoveView,
    ObjectiveView, PlacementView, RejectedView, SignalState, SignalView,
};

fn rejected(site: &str, reason: &str, detail: &str) -> RejectedView {
    RejectedView {
        site: site.into(),
        reason: reason.into(),
        detail: detail.into(),
    }
}

fn placed(
    site: &str,
    variant: &str,
    replicas: u32,
    ready: u32,
    watts: f64,
    reason: &str,
    detail: &str,
) -> PlacementView {
    PlacementView {
        site: site.into(),
        variant: variant.into(),
        replicas,
        ready,
        watts: Some(watts),
        reason: reason.into(),
        detail: detail.into(),
    }
}

fn deployments() -> Vec<DeploymentView> {
    vec![
        DeploymentView {
            namespace: "assistants".into(),
            name: "llama-70b".into(),
            mode: "Enforce".into(),
            demand_tokens_per_second: Some(182_000.0),
            ready_replicas: 61,
            desired_replicas: 64,
            cost_per_hour: Some(612.4),
            grams_per_1000_tokens: Some(0.021),
            sites: vec![
                placed("fjordholt", "h100-tp4", 46, 46, 412_000.0, "Cheapest", "cheapest; next is mesa-verde at 38.12/h more"),
                placed("mesa-verde", "h200-tp2", 18, 15, 174_000.0, "MinimumSites", "one of at least 2 sites that it must run at"),
            ],
            rejected: vec![rejected("stadtbibliothek", "NoAccelerator", "no NVIDIA-H100-80GB-HBM3 or NVIDIA-H200 here")],
            unmet: None,
            measured_by: vec!["h100: a benchmark (its licence)".into()],
        },
        DeploymentView {
            namespace: "clinic".into(),
            name: "radiology-notes".into(),
            mode: "Advise".into(),
            demand_tokens_per_second: Some(900.0),
            ready_replicas: 2,
            desired_replicas: 2,
            cost_per_hour: Some(1.12),
            grams_per_1000_tokens: Some(0.094),
            sites: vec![placed("stadtbibliothek", "ada-int4", 2, 2, 1_400.0, "Cheapest", "cheapest, and the only place that fits")],
            rejected: vec![
                rejected("fjordholt", "Jurisdiction", "in NO; allowed: DE"),
                rejected("mesa-verde", "Jurisdiction", "in US-AZ; allowed: DE"),
            ],
            unmet: None,
            measured_by: vec!["h100: a benchmark (its licence)".into()],
        },
        DeploymentView {
            namespace: "research".into(),
            name: "mixtral-8x22b".into(),
            mode: "Enforce".into(),
            demand_tokens_per_second: Some(41_000.0),
            ready_replicas: 10,
            desired_replicas: 10,
            cost_per_hour: Some(131.08),
            grams_per_1000_tokens: None,
            sites: vec![placed(
                "mesa-verde",
                "h200-tp8",
                10,
                10,
                236_000.0,
                "OthersFull",
                "cheapest place with room; cheaper but full: fjordholt (Power: needs 23.6 kW, 8.0 kW left of 900.0 kW set by PowerBudget/feed)",
            )],
            rejected: vec![
                rejected("fjordholt", "Power", "needs 23.6 kW, 8.0 kW left of 900.0 kW set by PowerBudget/feed at 03-04 16:00 UTC"),
                rejected("stadtbibliothek", "Latency", "latency from us-west is not declared (limit 250 ms); unknown excludes"),
            ],
            unmet: Some("3,100 of 41,000 tokens/s are not served: Power at mesa-verde binds until 21:00 UTC".into()),
            measured_by: vec!["h100: a benchmark (its licence)".into()],
        },
    ]
}

fn jobs() -> Vec<JobView> {
    let hours = |runs: &[(usize, usize)]| {
        (0..48)
            .map(|hour| {
                runs.iter()
                    .any(|(from, until)| (*from..*until).contains(&hour))
            })
            .collect()
    };
    vec![
        JobView {
            name: "research/pretrain-7b".into(),
            site: Some("fjordholt".into()),
            hours: hours(&[(4, 14), (27, 38)]),
            deadline: "2026-03-06 12:00 UTC".into(),
            deadline_in_hours: Some(43),
            at_risk: false,
        },
        JobView {
            name: "archive/ocr-1924-1950".into(),
            site: Some("mesa-verde".into()),
            hours: hours(&[(5, 24)]),
            deadline: "2026-03-05 16:00 UTC".into(),
            deadline_in_hours: Some(23),
            at_risk: true,
        },
        JobView {
            name: "clinic/embeddings".into(),
            hours: hours(&[]),
            deadline: "2026-03-09 08:00 UTC".into(),
            ..JobView::default()
        },
    ]
}

fn signal(
    name: &str,
    zone: &str,
    quantity: &str,
    value: Option<f64>,
    unit: &str,
    age: u64,
    state: SignalState,
) -> SignalView {
    SignalView {
        name: name.into(),
        zone: zone.into(),
        quantity: quantity.into(),
        value,
        unit: unit.into(),
        age_seconds: value.map(|_| age),
        max_age_seconds: 7200,
        state,
        provenance: "Electricity Maps v3, lifecycle factors".into(),
    }
}

/// The fleet.
pub fn made_up() -> FleetView {
    let part = |name: &str, per_hour| CostPart {
        name: name.into(),
        per_hour,
    };
    FleetView {
        generated_at: "2026-03-04 17:00 UTC".into(),
        clock: "simulated, 60 times as fast as real time".into(),
        refresh_seconds: Some(30),
        home_link: "fleet.html".into(),
        currency: "EUR".into(),
        mode: "Enforce".into(),
        objective: ObjectiveView {
            per_hour: Some(1_204.31),
            parts: vec![
                part("energy", 168.22),
                part("accelerators", 902.4),
                part("carbon", 61.3),
                part("water", 12.85),
                part("moves", 4.5),
                part("unserved", 55.04),
            ],
            bound_per_hour: Some(1_189.7),
        },
        moves: vec![
            MoveView {
                workload: "assistants/llama-70b".into(),
                from: Some("mesa-verde".into()),
                to: Some("fjordholt".into()),
                replicas: 4,
                why: "GridEvent/evening-peak takes 350 kW at mesa-verde".into(),
            },
            MoveView {
                workload: "archive/ocr-1924-1950".into(),
                from: Some("mesa-verde".into()),
                to: None,
                replicas: 12,
                why: "suspended until 22:00 UTC, still done by its deadline".into(),
            },
        ],
        breaches: vec![BreachView {
            site: "mesa-verde".into(),
            which: "GridEvent/evening-peak".into(),
            limit: "1.25 MW".into(),
            value: "1.31 MW".into(),
            since: "16:58 UTC".into(),
            why: "62 kW are still coming down; the ramp ends at 17:10.".into(),
        }],
        sites: crate::sites::sites(),
        deployments: deployments(),
        jobs: jobs(),
        signals: vec![
            signal(
                "no2-average",
                "NO2",
                "average carbon",
                Some(28.0),
                "g/kWh",
                840,
                SignalState::Fresh,
            ),
            signal(
                "srp-average",
                "US-SW-SRP",
                "average carbon",
                Some(412.0),
                "g/kWh",
                9_300,
                SignalState::Stale,
            ),
            signal(
                "srp-price",
                "US-SW-SRP",
                "price",
                Some(0.118),
                "EUR/kWh",
                300,
                SignalState::Fresh,
            ),
            signal(
                "de-marginal",
                "DE",
                "marginal carbon",
                None,
                "g/kWh",
                0,
                SignalState::Fallback,
            ),
        ],
        events: vec![EventView {
            name: "evening-peak".into(),
            site: "mesa-verde".into(),
            purpose: "program".into(),
            start: "2026-03-04 17:00 UTC".into(),
            target_watts: Some(1_250_000.0),
            measured_watts: Some(1_312_000.0),
            state: "ramping".into(),
        }],
        communities: vec![CommunityLink {
            name: "Town of Mesa Verde".into(),
            link: "community.html".into(),
        }],
    }
}
