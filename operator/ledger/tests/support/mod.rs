//! A small town with one site, for tests.
#![allow(dead_code, reason = "each test file uses a part")]

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::{KilowattHours, Liters, SiteId, Watts};
use commonwatt_ledger::{
    Body, Decision, DecisionKind, EventPurpose, EventStage, Figure, GridEventRecord, MeterHour,
    MeterId, Period, Quality, Quantity, Record, Report, Request, SiteTerms, Source, TownTotals,
    WaterCap, WaterCategory, Workload,
};

pub fn start() -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse().expect("a date")
}

pub fn hour(number: i64) -> DateTime<Utc> {
    start() + TimeDelta::hours(number)
}

pub fn site() -> SiteId {
    SiteId::from("lakeside")
}

/// Ten hours of a site whose connection carries 1 MW and that may take in 8760 m³ a year.
pub fn request() -> Request {
    Request {
        community: "lakeside-town".into(),
        display_name: "Lakeside".into(),
        contact: "clerk@lakeside.example".into(),
        languages: vec!["en".into()],
        sites: vec![SiteTerms {
            connection_maximum: Some(Watts(1_000_000)),
            water_cap: Some(WaterCap {
                volume: Liters(8_760_000.0),
                basis: None,
                hours: 8760,
                set_by: "town council".into(),
            }),
            ..SiteTerms::of("lakeside")
        }],
        totals: TownTotals {
            annual_water: Some(Liters(87_600_000.0)),
            annual_energy: Some(KilowattHours(8_760_000.0)),
            peak: Some(Watts(4_000_000)),
        },
        commitments: vec![],
        period: Period {
            start: start(),
            end: hour(10),
        },
    }
}

pub fn metered(sequence: u64, at: i64, meter: MeterId, value: f64) -> Record {
    let unit = meter.quantity.unit().into();
    let body = MeterHour {
        meter,
        hour: hour(at),
        seconds: 3600,
        value: Some(value),
        unit,
        source: Source::Metered,
        coverage_percent: 100.0,
        quality: Quality::Ok,
        method: "register at the end − register at the start".into(),
        limit: None,
        restates: None,
    };
    Record::new(sequence, hour(at + 1), site(), Body::Meter(body))
}

pub fn edit(mut record: Record, change: impl FnOnce(&mut MeterHour)) -> Record {
    if let Body::Meter(hour) = &mut record.body {
        change(hour);
    }
    record
}

/// Energy of 400 kWh, 320 of it IT, 500 L of drinking water and 80 kg, each hour for ten hours.
pub fn full() -> Vec<Record> {
    let meters = [
        (MeterId::of(Quantity::FacilityEnergy), 400.0),
        (MeterId::of(Quantity::ItEnergy), 320.0),
        (MeterId::of(Quantity::PeakImport), 450_000.0),
        (MeterId::water_input(WaterCategory::Potable), 500.0),
        (MeterId::of(Quantity::CarbonAverage), 80_000.0),
        (MeterId::of(Quantity::CarbonMarginal), 200_000.0),
    ];
    let mut records = vec![];
    for at in 0..10 {
        for (meter, value) in &meters {
            records.push(metered(records.len() as u64, at, meter.clone(), *value));
        }
    }
    records
}

/// The same, without one meter in one hour.
pub fn without(quantity: Quantity, at: i64) -> Vec<Record> {
    let keep = |record: &Record| !matches!(&record.body, Body::Meter(m) if m.meter.quantity == quantity && m.hour == hour(at));
    full().into_iter().filter(keep).collect()
}

pub fn event(sequence: u64, at: i64, stage: EventStage) -> Record {
    let body = GridEventRecord {
        event: "evening-peak".into(),
        purpose: EventPurpose::Program,
        target: Watts(300_000),
        at: hour(at),
        stage,
    };
    Record::new(sequence, hour(at), site(), Body::Event(body))
}

pub fn moved(sequence: u64, at: i64, before: i64, after: i64, to: Option<&str>) -> Record {
    let body = Decision {
        what: if to.is_some() {
            DecisionKind::Moved
        } else {
            DecisionKind::Placed
        },
        workload: Workload::Open("models/chat".into()),
        replicas_before: 2,
        replicas_after: 1,
        watts_before: Watts(before),
        watts_after: Watts(after),
        reason: "Power".into(),
        detail: "needs 12 kW, 3 kW left of 1 MW".into(),
        limit: None,
        moved_to: to.map(SiteId::from),
    };
    Record::new(sequence, hour(at), site(), Body::Decision(body))
}

pub fn figure(report: &Report, name: &str) -> Figure {
    report.figure(name).cloned().expect("a figure of that name")
}

#[track_caller]
pub fn close(got: Option<f64>, expected: f64) {
    let got = got.expect("a value");
    assert!(
        (got - expected).abs() < 1e-6 * expected.abs().max(1.0),
        "got {got}, expected {expected}"
    );
}
