//! The dashboard of sites, from what their agents say.

use super::dashboard::{Dashboard, Look, Panel, Row};

/// A site's power, accelerators, water and signals.
pub const SITE: Dashboard = Dashboard {
    uid: "commonwatt-site",
    title: "Commonwatt / Site",
    description: "What a site may draw and who says so, what it is charged and draws, its water against its cap, and the \
                  signals that it goes by.",
    by_site: true,
    rows: &[STATE, POWER, EVENTS, WATER, SIGNALS],
};

const STATE: Row = Row {
    title: "State",
    panels: &[
        Panel {
            look: Look::Stat,
            title: "Charged of the limit",
            help: "IT watts that admitted work is charged, of the limit in force. Above 100 % load is being brought down.",
            unit: "percentunit",
            queries: &[(
                "max by (site) (commonwatt_site_charged_watts{site=~\"$site\"}) / (max by (site) (commonwatt_site_limit_watts{site=~\"$site\"}) > 0)",
                "{{site}}",
            )],
            steps: &[(0.95, "orange"), (1.0001, "red")],
        },
        Panel {
            look: Look::Stat,
            title: "Limits passed",
            help: "Limits that are passed for longer than load may take to fall, as the ledger has it. The town's report will list them.",
            unit: "none",
            queries: &[(
                "max by (site) (commonwatt_site_limits_passed{site=~\"$site\"})",
                "{{site}}",
            )],
            steps: &[(1.0, "red")],
        },
        Panel {
            look: Look::Stat,
            title: "Hours missing in the ledger",
            help: "Whole hours of the last day without a record. They count at the connection's maximum.",
            unit: "s",
            queries: &[(
                "max by (site) (commonwatt_site_ledger_missing_seconds{site=~\"$site\"})",
                "{{site}}",
            )],
            steps: &[(1.0, "orange")],
        },
        Panel {
            look: Look::Stat,
            title: "Hubs can be reached",
            help: "1 where all hubs that the Site lists answer. Without them what was admitted goes on and limits hold.",
            unit: "none",
            queries: &[(
                "min by (site) (commonwatt_site_hubs_reachable{site=~\"$site\"})",
                "{{site}}",
            )],
            steps: &[(0.0, "orange"), (1.0, "green")],
        },
        Panel {
            look: Look::Table,
            title: "Ready, and who sets the limit",
            help: "The Site's condition Ready with its reason, its mode, and the object that sets the limit in force.",
            unit: "none",
            queries: &[
                (
                    "max by (site, reason) (commonwatt_site_ready{site=~\"$site\"})",
                    "ready",
                ),
                (
                    "max by (site, mode) (commonwatt_site_mode_info{site=~\"$site\"})",
                    "mode",
                ),
                (
                    "max by (site, set_by) (commonwatt_site_limit_info{site=~\"$site\"})",
                    "limit",
                ),
            ],
            steps: &[],
        },
        Panel {
            look: Look::Table,
            title: "Answers to assignments",
            help: "Assignments of all hubs by the site's answer. FieldOwnedByOther: somebody else writes the workload's replicas.",
            unit: "none",
            queries: &[(
                "max by (site, answer) (commonwatt_site_assignments{site=~\"$site\"})",
                "assignments",
            )],
            steps: &[],
        },
    ],
};

const POWER: Row = Row {
    title: "Power and accelerators",
    panels: &[
        Panel {
            look: Look::Lines,
            title: "IT power",
            help: "The limit in force, what admitted work is charged, and what ready work draws.",
            unit: "watt",
            queries: &[
                (
                    "max by (site) (commonwatt_site_limit_watts{site=~\"$site\"})",
                    "{{site}} limit",
                ),
                (
                    "max by (site) (commonwatt_site_charged_watts{site=~\"$site\"})",
                    "{{site}} charged",
                ),
                (
                    "max by (site) (commonwatt_site_draw_watts{site=~\"$site\"})",
                    "{{site}} draw",
                ),
            ],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Headroom",
            help: "Limit less charge: what could still be admitted.",
            unit: "watt",
            queries: &[(
                "max by (site) (commonwatt_site_headroom_watts{site=~\"$site\"})",
                "{{site}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Unmanaged and sheddable",
            help: "Facility watts: declared load that nobody governs, and what can go without draining.",
            unit: "watt",
            queries: &[
                (
                    "max by (site) (commonwatt_site_unmanaged_watts{site=~\"$site\"})",
                    "{{site}} unmanaged",
                ),
                (
                    "max by (site) (commonwatt_site_sheddable_watts{site=~\"$site\"})",
                    "{{site}} sheddable",
                ),
            ],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Accelerators",
            help: "On the site's nodes: in all, and free.",
            unit: "none",
            queries: &[(
                "max by (site, product, state) (commonwatt_site_accelerators{site=~\"$site\"})",
                "{{site}} {{product}} {{state}}",
            )],
            steps: &[],
        },
    ],
};

const EVENTS: Row = Row {
    title: "Grid events",
    panels: &[
        Panel {
            look: Look::Table,
            title: "Events",
            help: "Grid events by the reason of their condition. InsufficientFastShed: the target needs more than can go without draining.",
            unit: "none",
            queries: &[(
                "max by (site, reason) (commonwatt_site_grid_events{site=~\"$site\"})",
                "events",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Target and shortfall",
            help: "Facility watts: the lowest target of events that run or are to come, and by how much the worst was missed after its ramp.",
            unit: "watt",
            queries: &[
                (
                    "min by (site) (commonwatt_site_grid_event_target_watts{site=~\"$site\"})",
                    "{{site}} target",
                ),
                (
                    "max by (site) (commonwatt_site_grid_event_shortfall_watts{site=~\"$site\"})",
                    "{{site}} shortfall",
                ),
            ],
            steps: &[],
        },
    ],
};

const WATER: Row = Row {
    title: "Water",
    panels: &[
        Panel {
            look: Look::Lines,
            title: "Water of the period",
            help: "What the budget allows at the stage in force, what is used, and what will be at the end of the period as charged now.",
            unit: "litre",
            queries: &[
                (
                    "max by (site, budget) (commonwatt_site_water_cap_liters{site=~\"$site\"})",
                    "{{budget}} cap",
                ),
                (
                    "max by (site, budget) (commonwatt_site_water_used_liters{site=~\"$site\"})",
                    "{{budget}} used",
                ),
                (
                    "max by (site, budget) (commonwatt_site_water_projected_liters{site=~\"$site\"})",
                    "{{budget}} projected",
                ),
            ],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Projected of the cap",
            help: "Above 100 % growth is refused.",
            unit: "percentunit",
            queries: &[(
                "max by (site, budget) (commonwatt_site_water_projected_liters{site=~\"$site\"}) / (max by (site, budget) (commonwatt_site_water_cap_liters{site=~\"$site\"}) > 0)",
                "{{site}} {{budget}}",
            )],
            steps: &[(0.9, "orange"), (1.0, "red")],
        },
        Panel {
            look: Look::Table,
            title: "Stages in force",
            help: "Drought stages as the authority declared them; none where none is.",
            unit: "none",
            queries: &[(
                "max by (site, budget, stage) (commonwatt_site_water_stage_info{site=~\"$site\"})",
                "stage",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Hours with a record",
            help: "Part of the period's hours that have a record. Hours without one count at the worst case.",
            unit: "percentunit",
            queries: &[(
                "max by (site, budget) (commonwatt_site_water_coverage_ratio{site=~\"$site\"})",
                "{{site}} {{budget}}",
            )],
            steps: &[],
        },
    ],
};

const SIGNALS: Row = Row {
    title: "Signals",
    panels: &[
        Panel {
            look: Look::Lines,
            title: "Carbon intensity",
            help: "Average, which reports go by, and marginal beside it; never mixed.",
            unit: "suffix: g/kWh",
            queries: &[(
                "max by (site, kind) (commonwatt_site_carbon_intensity_grams_per_kwh{site=~\"$site\"})",
                "{{site}} {{kind}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Energy price",
            help: "Per kWh, in the site's currency. It may be below zero.",
            unit: "short",
            queries: &[(
                "max by (site, currency) (commonwatt_site_energy_price_per_kwh{site=~\"$site\"})",
                "{{site}} {{currency}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Wet bulb",
            help: "What cooling goes by.",
            unit: "celsius",
            queries: &[(
                "max by (site) (commonwatt_site_wet_bulb_celsius{site=~\"$site\"})",
                "{{site}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "PUE and WUE",
            help: "Facility energy over IT energy, and litres per kWh of IT energy, in this hour.",
            unit: "short",
            queries: &[
                (
                    "max by (site) (commonwatt_site_pue_ratio{site=~\"$site\"})",
                    "{{site}} PUE",
                ),
                (
                    "max by (site) (commonwatt_site_wue_liters_per_kwh{site=~\"$site\"})",
                    "{{site}} WUE, L/kWh",
                ),
            ],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Age of signals",
            help: "Of the newest value, by the operator's clock. Declared values have no age.",
            unit: "s",
            queries: &[(
                "max by (site, signal, quantity) (commonwatt_site_signal_age_seconds{site=~\"$site\"})",
                "{{signal}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Table,
            title: "Signals in their own word",
            help: "1 where a signal's own word counts, 0 where its fallback or nothing does: `kubectl get gridsignals`.",
            unit: "none",
            queries: &[(
                "min by (site, signal, quantity) (commonwatt_site_signal_fresh{site=~\"$site\"})",
                "fresh",
            )],
            steps: &[],
        },
    ],
};
