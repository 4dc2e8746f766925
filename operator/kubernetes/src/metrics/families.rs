//! Every metric of the operator. `deploy/prometheus/METRICS.md` is generated from here.
//!
//! Labels are sites, products, reasons: of those there are few. A deployment is a label only where a list of the worst
//! is cut off, so that a thousand of them do not make a thousand series.

use super::definition::{Counter, Definition, Gauge, Histogram, Type, table};

table! { Gauge, GAUGES;
    BUILD = "build_info" "" ["version"] "What runs; always 1";
    LEADER = "leader" "" ["role", "place"] "1 where this process leads, 0 where it does not";
    LEASE_TROUBLE = "lease_unavailable" "" ["role", "place"] "1 where this process can neither have the lease nor see who else holds it";
    LAST_ROUND = "last_round_timestamp_seconds" "seconds since 1970" ["role", "place"] "When a round of the role was last done without any failure, by the real clock";

    SITE_READY = "site_ready" "" ["site", "reason"] "1 where the Site's condition Ready is True, 0 where not, with its reason";
    SITE_MODE = "site_mode_info" "" ["site", "mode"] "The more cautious of the agent's and the Site's mode; always 1";
    SITE_HUBS_REACHABLE = "site_hubs_reachable" "" ["site"] "1 where every hub that the Site lists can be spoken to";
    SITE_LIMIT = "site_limit_watts" "watts, IT" ["site"] "What admitted work may be charged now";
    SITE_LIMIT_SET_BY = "site_limit_info" "" ["site", "set_by"] "Which object sets the limit in force; always 1";
    SITE_CHARGED = "site_charged_watts" "watts, IT" ["site"] "What admitted work is charged: its ceilings, or what still runs where that is more";
    SITE_DRAW = "site_draw_watts" "watts, IT" ["site"] "What ready work draws, modelled from profiles";
    SITE_HEADROOM = "site_headroom_watts" "watts, IT" ["site"] "Limit less charge, never below nothing";
    SITE_UNMANAGED = "site_unmanaged_watts" "watts, facility" ["site"] "Declared load that nobody governs";
    SITE_SHEDDABLE = "site_sheddable_watts" "watts, facility" ["site"] "What can go without draining: batch that may be suspended, and ceilings above floors";
    SITE_ACCELERATORS = "site_accelerators" "" ["site", "product", "state"] "Accelerators on the site's nodes: total and free";
    SITE_CARBON = "site_carbon_intensity_grams_per_kwh" "gCO2e/kWh" ["site", "kind"] "Carbon intensity that counts in this hour, average and marginal, fallbacks included";
    SITE_PRICE = "site_energy_price_per_kwh" "currency per kWh" ["site", "currency"] "Energy price that counts in this hour";
    SITE_WET_BULB = "site_wet_bulb_celsius" "°C" ["site"] "Wet-bulb temperature as the signal says it";
    SITE_PUE = "site_pue_ratio" "" ["site"] "Facility energy over IT energy in this hour";
    SITE_WUE = "site_wue_liters_per_kwh" "litres per kWh, IT" ["site"] "Water used on site in this hour";
    SITE_SIGNAL_AGE = "site_signal_age_seconds" "seconds" ["site", "signal", "quantity"] "Age of a signal's newest value by the operator's clock; declared values have none";
    SITE_SIGNAL_FRESH = "site_signal_fresh" "" ["site", "signal", "quantity"] "1 where the signal's own word counts, 0 where its fallback or nothing does";
    SITE_WATER_CAP = "site_water_cap_liters" "litres" ["site", "budget"] "What a water budget allows in its period, at the stage in force";
    SITE_WATER_USED = "site_water_used_liters" "litres" ["site", "budget"] "Used so far in the period, hours without a record at their worst";
    SITE_WATER_PROJECTED = "site_water_projected_liters" "litres" ["site", "budget"] "Used by the end of the period if everything goes on as charged";
    SITE_WATER_COVERAGE = "site_water_coverage_ratio" "" ["site", "budget"] "Part of the period's hours so far that have a record, 0 to 1";
    SITE_WATER_STAGE = "site_water_stage_info" "" ["site", "budget", "stage"] "The drought stage in force, or none; always 1";
    SITE_EVENTS = "site_grid_events" "" ["site", "reason"] "Grid events by the reason of their condition WithinLimit";
    SITE_EVENT_TARGET = "site_grid_event_target_watts" "watts, facility" ["site"] "The lowest target of the events that run or are to come";
    SITE_EVENT_SHORTFALL = "site_grid_event_shortfall_watts" "watts, facility" ["site"] "The worst shortfall of the events that run or are to come";
    SITE_ANSWERS = "site_assignments" "" ["site", "answer"] "Assignments of all hubs by the reason of the site's answer";
    SITE_BREACHES = "site_limits_passed" "" ["site"] "Limits that are passed for longer than load may take to fall, as the ledger has it";
    SITE_LEDGER_MISSING = "site_ledger_missing_seconds" "seconds" ["site"] "Whole hours of the last day that the ledger has no record of";
    OBJECTS_UNUSABLE = "objects_unusable" "" ["role", "place", "kind", "reason"] "Objects that cannot be used, by kind and reason; each says why in its conditions";

    HUB_DEPLOYMENTS = "hub_deployments" "" ["mode", "reason"] "ModelDeployments by mode and the reason of their condition Placed";
    HUB_DEMAND = "hub_demand_tokens_per_second" "tokens/s" [] "Demand of all deployments that are planned";
    HUB_UNSERVED = "hub_unserved_tokens_per_second" "tokens/s" [] "Demand that has no place";
    HUB_UNSERVED_WORST = "hub_deployment_unserved_tokens_per_second" "tokens/s" ["deployment"] "Demand that has no place, of the 20 deployments with most of it";
    HUB_JOBS = "hub_jobs" "" ["state"] "Batch Jobs: placed, waiting, or at risk of their deadline";
    HUB_REPLICAS = "hub_site_replicas" "" ["site", "state"] "Replicas of all deployments at a site: desired, and ready by the site's word";
    HUB_SITE_COST = "hub_site_cost_per_hour" "currency per hour" ["site", "currency"] "What serving costs at a site in the plan's first hour, carbon and water at their shadow prices";
    HUB_SITE_CARBON = "hub_site_carbon_grams_per_hour" "gCO2e per hour" ["site"] "Carbon of serving at a site in the plan's first hour, by average intensity";
    HUB_SITE_WATER = "hub_site_water_liters_per_hour" "litres per hour" ["site"] "Water of serving at a site in the plan's first hour";
    HUB_SITE_OFFERED = "hub_site_offered_watts" "watts, IT" ["site"] "What a site offers the hub in this hour";
    HUB_SITE_PLANNED = "hub_site_planned_watts" "watts, IT" ["site"] "What the plan's first hour charges at a site, batch included";
    HUB_SITE_ACCELERATORS = "hub_site_accelerators" "" ["site", "product", "state"] "Accelerators of a site by the hub's view: offered, those of its own work included, and planned for the first hour";
    HUB_SITE_REACHABLE = "hub_site_reachable" "" ["site", "reason"] "1 where the site's offer holds and its API server, if the hub reaches it, answers";
    HUB_OFFER_REMAINING = "hub_offer_remaining_seconds" "seconds" ["site"] "How long the site's offer holds; agents renew it long before the end";
    HUB_ANSWERS = "hub_site_answers" "" ["site", "answer"] "Placements by the site's answer: Admitted, Pending, or the reason of a refusal";
    HUB_REJECTIONS = "hub_site_rejections" "" ["site", "reason"] "Deployments that say why a site does not run them, by reason; each says so of twelve sites at most, one of each reason first";
    HUB_PLAN_COST = "hub_plan_cost_per_hour" "currency per hour" ["currency"] "The plan's objective, mean over its horizon";
    HUB_PLAN_BOUND = "hub_plan_cost_bound_per_hour" "currency per hour" ["currency"] "What no plan can cost less than, mean over the horizon";
    HUB_PLAN_GAP = "hub_plan_gap_ratio" "" [] "How far the plan may be from the best one: its cost less the bound, over its cost";
    HUB_PLAN_FINDINGS = "hub_plan_findings" "" [] "What the audit found in the last plan; with any, nothing is published";
}

table! { Counter, COUNTERS;
    RECONCILES = "reconciles_total" "" ["role", "result"] "Rounds of a role: ok, incomplete, or the reason of an error";
    FAILURES = "failures_total" "" ["role", "reason"] "What was not done, by reason; the log has the words";
    WRITES = "writes_total" "" ["role"] "Objects that a role wrote";
    REQUESTS = "api_requests_total" "" ["verb", "kind", "result"] "Requests to API servers";
    MOVES = "hub_moves_total" "" [] "Replicas that changed place from one plan to the next";
}

table! { Histogram, HISTOGRAMS;
    RECONCILE_SECONDS = "reconcile_duration_seconds" "seconds" ["role"] "How long a round of a role took";
    PLAN_SECONDS = "hub_plan_duration_seconds" "seconds" [] "How long planning took";
}

/// All metrics, in the order of the reference page.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    GAUGES.iter().chain(COUNTERS).chain(HISTOGRAMS)
}
