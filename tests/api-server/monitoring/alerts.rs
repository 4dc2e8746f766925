//! For each alert, series at which it must fire and such at which it must not: one value a minute, for three hours.

/// A series and its values, as promtool writes them.
pub type Series = (&'static str, &'static str);

/// An alert's trial.
pub struct Case {
    pub alert: &'static str,
    pub fires: &'static [Series],
    pub quiet: &'static [Series],
}

const fn case(alert: &'static str, fires: &'static [Series], quiet: &'static [Series]) -> Case {
    Case {
        alert,
        fires,
        quiet,
    }
}

/// In the order of the rules.
pub const CASES: &[Case] = &[
    case(
        "CommonwattDown",
        &[("commonwatt_build_info{version=\"1\"}", "1+0x20 stale")],
        &[("commonwatt_build_info{version=\"1\"}", "1+0x180")],
    ),
    case(
        "CommonwattNoLeader",
        &[
            (
                "commonwatt_lease_unavailable{role=\"hub\",place=\"hub\",pod=\"a\"}",
                "0+0x60 1+0x120",
            ),
            (
                "commonwatt_lease_unavailable{role=\"hub\",place=\"hub\",pod=\"b\"}",
                "1+0x180",
            ),
        ],
        // One of two has it, or sees another's; both are without it for a minute.
        &[
            (
                "commonwatt_lease_unavailable{role=\"hub\",place=\"hub\",pod=\"a\"}",
                "0+0x60 1+0x120",
            ),
            (
                "commonwatt_lease_unavailable{role=\"hub\",place=\"hub\",pod=\"b\"}",
                "1+0x61 0+0x119",
            ),
        ],
    ),
    case(
        "CommonwattRoundsStalled",
        &[(
            "commonwatt_last_round_timestamp_seconds{role=\"hub\",place=\"hub\"}",
            "0+60x60 3600+0x120",
        )],
        &[(
            "commonwatt_last_round_timestamp_seconds{role=\"hub\",place=\"hub\"}",
            "0+60x180",
        )],
    ),
    case(
        "CommonwattFailures",
        &[(
            "commonwatt_failures_total{role=\"site\",reason=\"Unreachable\"}",
            "0+0x60 0+1x120",
        )],
        // A burst that is over soon, and reasons that have alerts of their own.
        &[
            (
                "commonwatt_failures_total{role=\"site\",reason=\"Conflict\"}",
                "0+0x60 4+0x120",
            ),
            (
                "commonwatt_failures_total{role=\"site\",reason=\"Forbidden\"}",
                "0+1x180",
            ),
        ],
    ),
    case(
        "CommonwattForbidden",
        &[(
            "commonwatt_failures_total{role=\"hub\",reason=\"Forbidden\"}",
            "0+0x60 1+0x120",
        )],
        &[(
            "commonwatt_failures_total{role=\"hub\",reason=\"Unreachable\"}",
            "0+1x180",
        )],
    ),
    case(
        "CommonwattObjectsUnusable",
        &[(
            "commonwatt_objects_unusable{role=\"hub\",place=\"\",kind=\"ModelDeployment\",reason=\"NotFound\"}",
            "1+0x180",
        )],
        &[(
            "commonwatt_objects_unusable{role=\"hub\",place=\"\",kind=\"ModelDeployment\",reason=\"NotFound\"}",
            "1+0x10 stale",
        )],
    ),
    case(
        "CommonwattLimitPassed",
        &[(
            "commonwatt_site_limits_passed{site=\"north\"}",
            "0+0x60 1+0x120",
        )],
        &[("commonwatt_site_limits_passed{site=\"north\"}", "0+0x180")],
    ),
    case(
        "CommonwattChargeAboveLimit",
        &[
            (
                "commonwatt_site_charged_watts{site=\"north\"}",
                "9000+0x180",
            ),
            (
                "commonwatt_site_limit_watts{site=\"north\"}",
                "19000+0x60 4000+0x120",
            ),
        ],
        // It falls within four minutes; another site's limit does not count.
        &[
            (
                "commonwatt_site_charged_watts{site=\"north\"}",
                "9000+0x64 4000+0x116",
            ),
            (
                "commonwatt_site_limit_watts{site=\"north\"}",
                "19000+0x60 4000+0x120",
            ),
            ("commonwatt_site_limit_watts{site=\"south\"}", "1000+0x180"),
        ],
    ),
    case(
        "CommonwattHeadroomLow",
        &[
            (
                "commonwatt_site_headroom_watts{site=\"north\"}",
                "900+0x180",
            ),
            ("commonwatt_site_limit_watts{site=\"north\"}", "19000+0x180"),
        ],
        &[
            (
                "commonwatt_site_headroom_watts{site=\"north\"}",
                "900+0x25 1000+0x155",
            ),
            ("commonwatt_site_limit_watts{site=\"north\"}", "19000+0x180"),
            // A limit of nothing, as in an emergency, is not a lack of headroom.
            ("commonwatt_site_headroom_watts{site=\"south\"}", "0+0x180"),
            ("commonwatt_site_limit_watts{site=\"south\"}", "0+0x180"),
        ],
    ),
    case(
        "CommonwattSiteNotReady",
        &[(
            "commonwatt_site_ready{site=\"north\",reason=\"SignalMissing\"}",
            "0+0x180",
        )],
        &[(
            "commonwatt_site_ready{site=\"north\",reason=\"SignalStale\"}",
            "1+0x180",
        )],
    ),
    case(
        "CommonwattHubUnreachable",
        &[(
            "commonwatt_site_hubs_reachable{site=\"north\"}",
            "1+0x60 0+0x120",
        )],
        &[(
            "commonwatt_site_hubs_reachable{site=\"north\"}",
            "1+0x60 0+0x8 1+0x110",
        )],
    ),
    case(
        "CommonwattSignalStale",
        &[(
            "commonwatt_site_signal_fresh{site=\"north\",signal=\"north-carbon\",quantity=\"AverageCarbon\"}",
            "1+0x60 0+0x120",
        )],
        &[(
            "commonwatt_site_signal_fresh{site=\"north\",signal=\"north-carbon\",quantity=\"AverageCarbon\"}",
            "1+0x60 0+0x10 1+0x110",
        )],
    ),
    case(
        "CommonwattMeterMissing",
        &[(
            "commonwatt_site_water_coverage_ratio{site=\"north\",budget=\"river\"}",
            "0.9+0x180",
        )],
        &[(
            "commonwatt_site_water_coverage_ratio{site=\"north\",budget=\"river\"}",
            "0.97+0x180",
        )],
    ),
    case(
        "CommonwattWaterAboveCap",
        &[
            (
                "commonwatt_site_water_projected_liters{site=\"north\",budget=\"river\"}",
                "1200+0x180",
            ),
            (
                "commonwatt_site_water_cap_liters{site=\"north\",budget=\"river\"}",
                "1000+0x180",
            ),
        ],
        &[
            (
                "commonwatt_site_water_projected_liters{site=\"north\",budget=\"river\"}",
                "1200+0x50 900+0x130",
            ),
            (
                "commonwatt_site_water_cap_liters{site=\"north\",budget=\"river\"}",
                "1000+0x180",
            ),
        ],
    ),
    case(
        "CommonwattEventShortfall",
        &[(
            "commonwatt_site_grid_event_shortfall_watts{site=\"north\"}",
            "0+0x60 50+0x120",
        )],
        &[(
            "commonwatt_site_grid_event_shortfall_watts{site=\"north\"}",
            "0+0x180",
        )],
    ),
    case(
        "CommonwattEventCannotBeMet",
        &[(
            "commonwatt_site_grid_events{site=\"north\",reason=\"InsufficientFastShed\"}",
            "1+0x10",
        )],
        &[(
            "commonwatt_site_grid_events{site=\"north\",reason=\"Pending\"}",
            "1+0x180",
        )],
    ),
    case(
        "CommonwattFieldOwnedByOther",
        &[(
            "commonwatt_hub_site_answers{site=\"north\",answer=\"FieldOwnedByOther\"}",
            "1+0x180",
        )],
        &[
            (
                "commonwatt_hub_site_answers{site=\"north\",answer=\"Admitted\"}",
                "3+0x180",
            ),
            (
                "commonwatt_site_assignments{site=\"north\",answer=\"Ok\"}",
                "3+0x180",
            ),
        ],
    ),
    case(
        "CommonwattLedgerGap",
        &[(
            "commonwatt_site_ledger_missing_seconds{site=\"north\"}",
            "0+0x60 3600+0x120",
        )],
        &[(
            "commonwatt_site_ledger_missing_seconds{site=\"north\"}",
            "0+0x180",
        )],
    ),
    case(
        "CommonwattLedgerBroken",
        &[(
            "commonwatt_failures_total{role=\"site\",reason=\"Ledger\"}",
            "0+0x60 1+0x120",
        )],
        &[(
            "commonwatt_failures_total{role=\"site\",reason=\"Ledger\"}",
            "0+0x180",
        )],
    ),
    case(
        "CommonwattSiteUnreachable",
        &[(
            "commonwatt_hub_site_reachable{site=\"north\",reason=\"Unreachable\"}",
            "_x60 0+0x120",
        )],
        // It comes back under another reason.
        &[
            (
                "commonwatt_hub_site_reachable{site=\"north\",reason=\"Unreachable\"}",
                "0+0x3 stale",
            ),
            (
                "commonwatt_hub_site_reachable{site=\"north\",reason=\"Ok\"}",
                "_x4 1+0x176",
            ),
        ],
    ),
    case(
        "CommonwattDemandUnserved",
        &[
            ("commonwatt_hub_unserved_tokens_per_second", "200+0x180"),
            ("commonwatt_hub_demand_tokens_per_second", "10000+0x180"),
        ],
        &[
            (
                "commonwatt_hub_unserved_tokens_per_second",
                "200+0x50 50+0x130",
            ),
            ("commonwatt_hub_demand_tokens_per_second", "10000+0x180"),
        ],
    ),
    case(
        "CommonwattPlanRefused",
        &[("commonwatt_hub_plan_findings", "0+0x60 2+0x120")],
        &[("commonwatt_hub_plan_findings", "0+0x180")],
    ),
    case(
        "CommonwattJobsAtRisk",
        &[("commonwatt_hub_jobs{state=\"at_risk\"}", "1+0x180")],
        &[
            ("commonwatt_hub_jobs{state=\"at_risk\"}", "0+0x180"),
            ("commonwatt_hub_jobs{state=\"waiting\"}", "5+0x180"),
        ],
    ),
];
