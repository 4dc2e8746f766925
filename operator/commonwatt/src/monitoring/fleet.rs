//! The dashboard of a fleet, from what its hub says: it needs no metrics of sites that are elsewhere.

use super::dashboard::{Dashboard, Look, Panel, Row};

/// The fleet's capacity: demand, places, costs, the plan, and the operator itself.
pub const FLEET: Dashboard = Dashboard {
    uid: "commonwatt-fleet",
    title: "Commonwatt / Fleet capacity",
    description: "What models ask for, where they run and why not elsewhere, what that costs in money, carbon and water, \
                  and how the hub does its work.",
    by_site: false,
    rows: &[DEMAND, PLACES, COSTS, PLAN, OPERATOR],
};

const DEMAND: Row = Row {
    title: "Demand",
    panels: &[
        Panel {
            look: Look::Stat,
            title: "Demand with a place",
            help: "Part of the tokens per second asked for that the plan serves in this hour. Below 100 %: see the reasons beside it.",
            unit: "percentunit",
            queries: &[(
                "1 - max(commonwatt_hub_unserved_tokens_per_second) / (max(commonwatt_hub_demand_tokens_per_second) > 0)",
                "served",
            )],
            steps: &[(0.0, "red"), (0.95, "orange"), (0.9999, "green")],
        },
        Panel {
            look: Look::Stat,
            title: "Demand without a place",
            help: "Tokens per second that no site takes. `kubectl get cwmd -A` says why, deployment by deployment.",
            unit: "suffix: tokens/s",
            queries: &[("max(commonwatt_hub_unserved_tokens_per_second)", "unserved")],
            steps: &[(1.0, "orange")],
        },
        Panel {
            look: Look::Stat,
            title: "Sites that can be reached",
            help: "Sites whose offer holds and whose API server, where the hub reaches it, answers.",
            unit: "none",
            queries: &[
                (
                    "sum(max by (site) (commonwatt_hub_site_reachable))",
                    "reached",
                ),
                (
                    "count(max by (site) (commonwatt_hub_site_reachable))",
                    "known",
                ),
            ],
            steps: &[],
        },
        Panel {
            look: Look::Stat,
            title: "Replicas ready of desired",
            help: "Over all deployments and sites, by the sites' word.",
            unit: "percentunit",
            queries: &[(
                "sum(max by (site) (commonwatt_hub_site_replicas{state=\"ready\"})) / (sum(max by (site) (commonwatt_hub_site_replicas{state=\"desired\"})) > 0)",
                "ready",
            )],
            steps: &[(0.0, "red"), (0.8, "orange"), (0.9999, "green")],
        },
        Panel {
            look: Look::Stack,
            title: "Deployments by verdict",
            help: "ModelDeployments by mode and the reason of their condition Placed. Ok and Progressing are well; Unplaceable, \
                   Power, Water and the like are demand that a limit keeps out.",
            unit: "none",
            queries: &[(
                "max by (mode, reason) (commonwatt_hub_deployments)",
                "{{mode}} {{reason}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Deployments with most demand unserved",
            help: "The worst twenty. Empty where all demand has a place.",
            unit: "suffix: tokens/s",
            queries: &[(
                "max by (deployment) (commonwatt_hub_deployment_unserved_tokens_per_second)",
                "{{deployment}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Table,
            title: "Why a site does not run a deployment",
            help: "How many deployments each site does not run, by reason.",
            unit: "none",
            queries: &[(
                "max by (site, reason) (commonwatt_hub_site_rejections)",
                "rejections",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Stack,
            title: "Batch Jobs",
            help: "Jobs with spec.managedBy commonwatt.dev/hub: placed, waiting for their hour, or at risk of their deadline.",
            unit: "none",
            queries: &[("max by (state) (commonwatt_hub_jobs)", "{{state}}")],
            steps: &[],
        },
    ],
};

const PLACES: Row = Row {
    title: "Capacity",
    panels: &[
        Panel {
            look: Look::Lines,
            title: "Power planned of what is offered",
            help: "IT watts that the plan's first hour charges at a site, of those that the site offers in this hour.",
            unit: "percentunit",
            queries: &[(
                "max by (site) (commonwatt_hub_site_planned_watts) / (max by (site) (commonwatt_hub_site_offered_watts) > 0)",
                "{{site}}",
            )],
            steps: &[(0.9, "orange"), (1.0, "red")],
        },
        Panel {
            look: Look::Stack,
            title: "Power that is offered and not planned",
            help: "IT watts that sites offer in this hour and the plan leaves.",
            unit: "watt",
            queries: &[(
                "max by (site) (commonwatt_hub_site_offered_watts) - max by (site) (commonwatt_hub_site_planned_watts)",
                "{{site}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Accelerators by product",
            help: "Offered by all sites, and planned for this hour.",
            unit: "none",
            queries: &[(
                "sum by (product, state) (max by (site, product, state) (commonwatt_hub_site_accelerators))",
                "{{product}} {{state}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Replicas by site",
            help: "Desired by the plan and ready by the site's word. A gap that stays is load that does not come up.",
            unit: "none",
            queries: &[(
                "max by (site, state) (commonwatt_hub_site_replicas)",
                "{{site}} {{state}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Table,
            title: "Answers of sites",
            help: "Placements by the site's answer. Anything but Admitted, Pending and Advising is a refusal with its reason.",
            unit: "none",
            queries: &[(
                "max by (site, answer) (commonwatt_hub_site_answers)",
                "answers",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "How long offers hold",
            help: "Agents renew an offer long before it ends. A line that falls to zero is a site that is not heard any more.",
            unit: "s",
            queries: &[(
                "max by (site) (commonwatt_hub_offer_remaining_seconds)",
                "{{site}}",
            )],
            steps: &[],
        },
    ],
};

const COSTS: Row = Row {
    title: "Money, carbon, water",
    panels: &[
        Panel {
            look: Look::Stack,
            title: "Cost per hour",
            help: "Of serving in the plan's first hour, carbon and water at the policy's shadow prices, in the policy's currency.",
            unit: "short",
            queries: &[(
                "max by (site, currency) (commonwatt_hub_site_cost_per_hour)",
                "{{site}} {{currency}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Stack,
            title: "Carbon per hour",
            help: "Grams of CO2e of serving in the plan's first hour, by average intensity and location.",
            unit: "massg",
            queries: &[(
                "max by (site) (commonwatt_hub_site_carbon_grams_per_hour)",
                "{{site}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Stack,
            title: "Water per hour",
            help: "Litres used on site by serving in the plan's first hour.",
            unit: "litre",
            queries: &[(
                "max by (site) (commonwatt_hub_site_water_liters_per_hour)",
                "{{site}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Objective and bound",
            help: "What the plan costs per hour over its horizon, unserved demand included, and what no plan can cost less than.",
            unit: "short",
            queries: &[
                (
                    "max by (currency) (commonwatt_hub_plan_cost_per_hour)",
                    "plan {{currency}}",
                ),
                (
                    "max by (currency) (commonwatt_hub_plan_cost_bound_per_hour)",
                    "bound {{currency}}",
                ),
            ],
            steps: &[],
        },
    ],
};

const PLAN: Row = Row {
    title: "Plan",
    panels: &[
        Panel {
            look: Look::Stat,
            title: "Gap to the bound",
            help: "How far the plan may be from the best one.",
            unit: "percentunit",
            queries: &[("max(commonwatt_hub_plan_gap_ratio)", "gap")],
            steps: &[(0.1, "orange")],
        },
        Panel {
            look: Look::Stat,
            title: "Findings of the audit",
            help: "A plan with findings is not published. `kubectl get planheads -o yaml` names the first.",
            unit: "none",
            queries: &[("max(commonwatt_hub_plan_findings)", "findings")],
            steps: &[(1.0, "red")],
        },
        Panel {
            look: Look::Stat,
            title: "Moves in an hour",
            help: "Replicas that changed place from one plan to the next.",
            unit: "none",
            queries: &[("sum(increase(commonwatt_hub_moves_total[1h]))", "moves")],
            steps: &[],
        },
        Panel {
            look: Look::Stat,
            title: "Planning takes",
            help: "90 % of plans take less than this.",
            unit: "s",
            queries: &[(
                "histogram_quantile(0.9, sum by (le) (rate(commonwatt_hub_plan_duration_seconds_bucket[1h])))",
                "p90",
            )],
            steps: &[(5.0, "orange")],
        },
    ],
};

const OPERATOR: Row = Row {
    title: "Operator",
    panels: &[
        Panel {
            look: Look::Table,
            title: "Who leads",
            help: "1 where a process leads for that role and place. None at all: nothing is planned or admitted there.",
            unit: "none",
            queries: &[(
                "max by (role, place, pod, instance) (commonwatt_leader)",
                "leads",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Since the last round without a failure",
            help: "A role looks at everything at least each half minute.",
            unit: "s",
            queries: &[(
                "time() - max by (role, place) (commonwatt_last_round_timestamp_seconds)",
                "{{role}} {{place}}",
            )],
            steps: &[(300.0, "red")],
        },
        Panel {
            look: Look::Lines,
            title: "Rounds take",
            help: "90 % of rounds take less than this.",
            unit: "s",
            queries: &[(
                "histogram_quantile(0.9, sum by (role, le) (rate(commonwatt_reconcile_duration_seconds_bucket[$__rate_interval])))",
                "{{role}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Rounds by result",
            help: "ok, incomplete (something failed and is tried again), or the reason why nothing could be done.",
            unit: "cps",
            queries: &[(
                "sum by (role, result) (rate(commonwatt_reconciles_total[$__rate_interval]))",
                "{{role}} {{result}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Failures",
            help: "What was not done and is tried again, by reason; the operator's log has the words.",
            unit: "none",
            queries: &[(
                "sum by (role, reason) (increase(commonwatt_failures_total[$__rate_interval]))",
                "{{role}} {{reason}}",
            )],
            steps: &[],
        },
        Panel {
            look: Look::Lines,
            title: "Writes and requests",
            help: "Objects that roles wrote, and all requests to API servers by result.",
            unit: "reqps",
            queries: &[
                (
                    "sum by (role) (rate(commonwatt_writes_total[$__rate_interval]))",
                    "{{role}} writes",
                ),
                (
                    "sum by (result) (rate(commonwatt_api_requests_total[$__rate_interval]))",
                    "requests {{result}}",
                ),
            ],
            steps: &[],
        },
        Panel {
            look: Look::Table,
            title: "Objects that cannot be used",
            help: "By kind and reason; each says in its conditions which field and what to do. Empty where all is well.",
            unit: "none",
            queries: &[(
                "max by (role, place, kind, reason) (commonwatt_objects_unusable)",
                "objects",
            )],
            steps: &[],
        },
    ],
};
