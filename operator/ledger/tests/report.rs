//! What a report says.

mod support;

use commonwatt_fleet::Watts;
use commonwatt_ledger::{
    Body, Breach, Commitment, CommitmentMode, DeclaredTerm, EventStage, Limit, MeterId, MissedKind,
    Outcome, Quality, Quantity, Record, Report, SiteTerms, Source, Stage, WaterCategory, report,
};
use support::{close, edit, event, figure, full, hour, metered, moved, request, site, without};

fn commitment(metric: &str, limit: f64) -> Commitment {
    Commitment {
        name: format!("{metric}-at-most"),
        metric: metric.into(),
        limit,
        period: "month".into(),
        mode: CommitmentMode::Bind,
        remedy: "pay for a new well".into(),
    }
}

#[test]
fn a_full_log_gives_the_figures_of_the_survey() {
    let report = report(&full(), &request());
    for (name, expected) in [
        ("facilityEnergy", 4000.0),
        ("itEnergy", 3200.0),
        ("pue", 1.25),
        ("peakImport", 450.0),
        ("waterInput", 5.0),
        ("potableInput", 5.0),
        ("wue", 500.0 / 320.0),
        ("waterAllowanceUsed", 0.5),
        ("waterShareOfTown", 0.05),
        ("energyShareOfTown", 0.4),
        ("peakShareOfTown", 450.0 / 4000.0),
        ("co2Location", 800.0),
        ("co2Marginal", 2000.0),
        ("coverage", 100.0),
    ] {
        let figure = figure(&report, name);
        close(figure.value, expected);
        assert_eq!(
            (figure.quality, figure.missing_hours),
            (Quality::Ok, 0),
            "{name}"
        );
        assert!(figure.coverage_percent > 99.999, "{name}");
    }
    assert_eq!(figure(&report, "peakImport").at, Some(hour(0)));
    assert_eq!(
        figure(&report, "facilityEnergy").source,
        Some(Source::Metered)
    );
    assert!(report.sites[0].missing.is_empty());
}

#[test]
fn what_nobody_measured_is_not_zero() {
    let report = report(&full(), &request());
    for name in [
        "reclaimedInput",
        "waterConsumed",
        "backupGeneratorEnergy",
        "limitExceedance",
    ] {
        let figure = figure(&report, name);
        assert_eq!((figure.value, figure.source), (None, None), "{name}");
    }
    let note = figure(&report, "backupGeneratorEnergy").note;
    assert_eq!(
        note.as_deref(),
        Some("Nobody has declared a generator here.")
    );
}

#[test]
fn an_empty_log_measures_nothing_at_all() {
    let report = report(&[], &request());
    assert!(
        report
            .figures
            .iter()
            .filter(|figure| figure.name != "coverage")
            .all(|figure| figure.value.is_none())
    );
    close(figure(&report, "coverage").value, 0.0);
    assert_eq!(report.sites[0].missing.len(), 3);
}

#[test]
fn a_missing_hour_counts_at_the_maximum_of_the_connection() {
    let gap = report(&without(Quantity::FacilityEnergy, 4), &request());
    let energy = figure(&gap, "facilityEnergy");
    close(energy.value, 3600.0 + 1000.0);
    close(energy.recorded, 3600.0);
    assert_eq!(
        (energy.missing_hours, energy.quality, energy.source),
        (1, Quality::Missing, Some(Source::Declared))
    );
    assert_eq!(gap.sites[0].missing[0].spans[0].from, hour(4));
    // An energy at its maximum would flatter or spoil the ratio: it is of the hours that have both.
    close(figure(&gap, "pue").value, 1.25);
    assert_eq!(figure(&gap, "pue").source, Some(Source::Metered));

    let peak = figure(
        &report(&without(Quantity::PeakImport, 4), &request()),
        "peakImport",
    );
    close(peak.value, 1000.0);
    close(peak.recorded, 450.0);

    let water = figure(
        &report(&without(Quantity::WaterInput, 4), &request()),
        "waterInput",
    );
    close(water.value, 4.5 + 1.0);

    // 1000 kWh at the highest intensity that was recorded, 80 kg per 400 kWh.
    let carbon = figure(
        &report(&without(Quantity::CarbonAverage, 4), &request()),
        "co2Location",
    );
    close(carbon.value, 720.0 + 200.0);
}

#[test]
fn the_uncovered_part_of_an_hour_counts_at_the_maximum() {
    let change = |quality| {
        let half = |record: Record| {
            edit(record, |meter| {
                if meter.meter.quantity == Quantity::FacilityEnergy && meter.hour == hour(0) {
                    meter.coverage_percent = 50.0;
                    meter.quality = quality;
                }
            })
        };
        figure(
            &report(
                &full().into_iter().map(half).collect::<Vec<_>>(),
                &request(),
            ),
            "facilityEnergy",
        )
    };
    // What was measured in half of the hour, and the other half at 1 MW.
    close(change(Quality::Ok).value, 3600.0 + 400.0 + 500.0);
    // Half of what was estimated for the whole hour, and the other half at 1 MW.
    close(change(Quality::Estimated).value, 3600.0 + 200.0 + 500.0);
    close(change(Quality::Bad).value, 3600.0 + 1000.0);
}

#[test]
fn a_missing_hour_without_a_declared_maximum_makes_the_figure_a_lower_bound() {
    let mut request = request();
    request.sites = vec![SiteTerms::of("lakeside")];
    request.commitments = vec![commitment("facilityEnergy", 5000.0)];
    let report = report(&without(Quantity::FacilityEnergy, 4), &request);
    let energy = figure(&report, "facilityEnergy");
    close(energy.value, 3600.0);
    assert!(
        energy
            .note
            .is_some_and(|note| note.contains("true value is higher"))
    );
    assert_eq!(report.commitments[0].outcome, Outcome::NotMeasured);
}

#[test]
fn one_of_two_feeds_that_falls_silent_is_not_taken_for_no_load() {
    let feed = |name: &str| MeterId {
        connection: Some(name.into()),
        ..MeterId::of(Quantity::FacilityEnergy)
    };
    let mut records: Vec<Record> = (0_i64..10)
        .map(|at| metered(at.unsigned_abs(), at, feed("a"), 200.0))
        .collect();
    records.extend((0_i64..9).map(|at| metered(10 + at.unsigned_abs(), at, feed("b"), 100.0)));
    let energy = figure(&report(&records, &request()), "facilityEnergy");
    close(energy.value, 9.0 * 300.0 + 1000.0);
}

#[test]
fn a_stage_leaves_less_of_the_cap_from_the_hour_it_binds() {
    let stage = Stage {
        term: DeclaredTerm::Water,
        authority: "river board".into(),
        stage: "stage 2".into(),
        fraction: 0.5,
        from: hour(5),
        evidence: "https://river.example/stage".into(),
    };
    let mut records = full();
    records.push(Record::new(60, hour(5), site(), Body::Stage(stage)));
    let report = report(&records, &request());
    close(
        report.sites[0].water_allowance.map(|liters| liters.0),
        5000.0 + 2500.0,
    );
    close(figure(&report, "waterAllowanceUsed").value, 5.0 / 7.5);
    assert_eq!(report.stages.len(), 1);
}

#[test]
fn what_was_missed_comes_first_and_says_why() {
    let mut records = full();
    let breach = |until| Breach {
        which: "PowerBudget/feed".into(),
        set_by: "grid operator".into(),
        limit: 400_000.0,
        value: 450_000.0,
        unit: "W".into(),
        from: hour(2),
        until,
        why: "a fan failed".into(),
    };
    records.push(Record::new(60, hour(2), site(), Body::Breach(breach(None))));
    records.push(Record::new(
        61,
        hour(3),
        site(),
        Body::Breach(breach(Some(hour(3)))),
    ));
    let mut request = request();
    request.commitments = vec![
        commitment("waterInput", 4.0),
        commitment("facilityEnergy", 5000.0),
        commitment("noise", 1.0),
    ];
    let report = report(&records, &request);
    let kinds: Vec<_> = report.missed.iter().map(|missed| missed.kind).collect();
    assert_eq!(kinds, [MissedKind::Breach, MissedKind::Commitment]);
    assert_eq!(report.missed[0].until, Some(hour(3)));
    assert_eq!(
        report.missed[1].remedy.as_deref(),
        Some("pay for a new well")
    );
    let outcomes: Vec<_> = report
        .commitments
        .iter()
        .map(|outcome| outcome.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Outcome::Missed, Outcome::Kept, Outcome::NotMeasured]
    );
}

#[test]
fn energy_above_the_limit_in_force_is_counted() {
    let limited = |record: Record| {
        edit(record, |meter| {
            if meter.meter.quantity == Quantity::PeakImport {
                meter.limit = Some(Limit {
                    value: 430_000.0,
                    set_by: "PowerBudget/feed".into(),
                });
            }
        })
    };
    let records: Vec<_> = full().into_iter().map(limited).collect();
    close(
        figure(&report(&records, &request()), "limitExceedance").value,
        200.0,
    );
}

#[test]
fn a_grid_event_is_put_together_from_its_stages() {
    let stages = [
        EventStage::Received {
            start: hour(2),
            duration_seconds: 7200,
        },
        EventStage::Baseline {
            watts: Watts(450_000),
            method: "match-day v1".into(),
        },
        EventStage::Acknowledged {
            on_offer: Watts(160_000),
            after_seconds: 4,
        },
        EventStage::RampReached { after_seconds: 240 },
        EventStage::Held {
            worst: Watts(310_000),
            mean: Watts(290_000),
            for_seconds: 7200,
        },
        EventStage::Released,
        EventStage::ReboundMeasured {
            watts: Watts(20_000),
        },
    ];
    let records: Vec<_> = (1_i64..)
        .zip(stages)
        .map(|(at, stage)| event(at.unsigned_abs(), at, stage))
        .collect();
    let report = report(&records, &request());
    let event = &report.events[0];
    assert_eq!(
        (event.asked(), event.given()),
        (Some(Watts(150_000)), Some(Watts(140_000)))
    );
    assert_eq!((event.held, event.ramp_seconds), (Some(false), Some(240)));
    assert_eq!(report.missed[0].kind, MissedKind::GridEvent);
    close(figure(&report, "eventsAsked").value, 1.0);
}

#[test]
fn load_that_moved_away_is_shown_with_the_place_that_took_it() {
    let records = [
        moved(0, 2, 24_000, 12_000, Some("hillside")),
        moved(1, 5, 12_000, 24_000, None),
    ];
    let report = report(&records, &request());
    let load = &report.moved[0];
    assert_eq!(
        (load.to.as_str(), load.moves, load.watts),
        ("hillside", 1, Watts(12_000))
    );
    close(Some(load.energy.0), 36.0);
    close(figure(&report, "exportedLoad").value, 36.0);
    assert_eq!(report.decisions.len(), 2);
}

#[test]
fn an_hour_that_was_written_twice_counts_once_unless_it_is_a_correction() {
    let mut records = full();
    let again = metered(60, 0, MeterId::of(Quantity::FacilityEnergy), 100.0);
    records.push(again.clone());
    close(
        figure(&report(&records, &request()), "facilityEnergy").value,
        4000.0,
    );
    records.pop();
    records.push(edit(again, |meter| meter.restates = Some(0)));
    close(
        figure(&report(&records, &request()), "facilityEnergy").value,
        3700.0,
    );
}

#[test]
fn kinds_of_water_are_apart_and_add_up() {
    let mut records = full();
    let reclaimed = MeterId::water_input(WaterCategory::Reclaimed);
    records.extend(
        (0_i64..10).map(|at| metered(60 + at.unsigned_abs(), at, reclaimed.clone(), 200.0)),
    );
    let report = report(&records, &request());
    close(figure(&report, "potableInput").value, 5.0);
    close(figure(&report, "reclaimedInput").value, 2.0);
    close(figure(&report, "waterInput").value, 7.0);
    close(figure(&report, "waterAllowanceUsed").value, 0.7);
    let mut request = request();
    if let Some(cap) = &mut request.sites[0].water_cap {
        cap.basis = Some(WaterCategory::Potable);
    }
    let potable_only = commonwatt_ledger::report(&records, &request);
    close(figure(&potable_only, "waterAllowanceUsed").value, 0.5);
}

#[test]
fn a_report_reads_back_from_json_as_it_was() {
    let report = report(&without(Quantity::ItEnergy, 3), &request());
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.starts_with("{\"schema\":\"commonwatt.dev/report/v1\""));
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn load_that_stays_in_the_community_is_shown_but_not_exported() {
    let mut request = request();
    request.sites.push(SiteTerms::of("hillside"));
    let report = report(&[moved(0, 2, 24_000, 12_000, Some("hillside"))], &request);
    assert!(report.moved[0].same_community);
    let exported = figure(&report, "exportedLoad");
    close(exported.value, 0.0);
    assert!(exported.note.is_some_and(|note| note.contains("no log")));
}
