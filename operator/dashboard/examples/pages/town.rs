//! A made-up month of a town, through the real ledger: encoded, decoded and reported.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::{KilowattHours, Liters, SiteId, Watts};
use commonwatt_ledger::{
    Body, Breach, Commitment, CommitmentMode, Decision, DecisionKind, DeclaredTerm, EventPurpose,
    EventStage, GridEventRecord, Limit, MeterHour, MeterId, Period, Quality, Quantity, Record,
    Report, Request, SiteTerms, Source, Stage, TownTotals, WaterCap, WaterCategory, Workload,
    decode, encode, report,
};

const HOURS: i64 = 31 * 24;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_904_000 + 28 * 86_400, 0).unwrap_or_default()
}

fn hour(number: i64) -> DateTime<Utc> {
    start() + TimeDelta::hours(number)
}

/// The log as it grows.
struct Log(Vec<Record>);

impl Log {
    fn write(&mut self, at: DateTime<Utc>, body: Body) {
        let sequence = self.0.len() as u64;
        self.0
            .push(Record::new(sequence, at, SiteId::from("mesa-verde"), body));
    }

    fn meter(
        &mut self,
        number: i64,
        meter: MeterId,
        value: f64,
        source: Source,
        limit: Option<f64>,
    ) {
        let unit = meter.quantity.unit().into();
        let body = MeterHour {
            meter,
            hour: hour(number),
            seconds: 3600,
            value: Some(value),
            unit,
            source,
            coverage_percent: 100.0,
            quality: Quality::Ok,
            method: "register at the end − register at the start".into(),
            limit: limit.map(|value| Limit {
                value,
                set_by: "PowerBudget/feed".into(),
            }),
            restates: None,
        };
        self.write(hour(number + 1), Body::Meter(body));
    }
}

fn meters(log: &mut Log) {
    for number in 0..HOURS {
        let day = f64::midpoint(
            1.0,
            ((number - 17) as f64 / 24.0 * std::f64::consts::TAU).cos(),
        );
        let it = 820.0 + 260.0 * day;
        let facility = it * 1.21;
        log.meter(
            number,
            MeterId::of(Quantity::ItEnergy),
            it,
            Source::Metered,
            None,
        );
        // The utility's meter was silent for three hours on the ninth.
        if !(200..203).contains(&number) {
            log.meter(
                number,
                MeterId::of(Quantity::FacilityEnergy),
                facility,
                Source::Metered,
                None,
            );
            log.meter(
                number,
                MeterId::of(Quantity::PeakImport),
                if number == 305 {
                    1_446_000.0
                } else {
                    facility * 1.06e3
                },
                Source::Metered,
                Some(1_400_000.0),
            );
        }
        log.meter(
            number,
            MeterId::water_input(WaterCategory::Potable),
            it * 0.22,
            Source::Metered,
            None,
        );
        log.meter(
            number,
            MeterId::water_input(WaterCategory::Reclaimed),
            it * 1.4,
            Source::Metered,
            None,
        );
        log.meter(
            number,
            MeterId::of(Quantity::CarbonAverage),
            facility * (320.0 + 120.0 * day),
            Source::Modelled,
            None,
        );
        log.meter(
            number,
            MeterId::of(Quantity::CarbonMarginal),
            facility * 610.0,
            Source::Modelled,
            None,
        );
    }
}

fn event(log: &mut Log, name: &str, at: i64, worst: i64) {
    let stages = [
        (
            0,
            EventStage::Received {
                start: hour(at),
                duration_seconds: 10_800,
            },
        ),
        (
            0,
            EventStage::Baseline {
                watts: Watts(1_290_000),
                method: "Same-Day 3+2 v1".into(),
            },
        ),
        (
            0,
            EventStage::Acknowledged {
                on_offer: Watts(420_000),
                after_seconds: 6,
            },
        ),
        (0, EventStage::RampReached { after_seconds: 410 }),
        (
            3,
            EventStage::Held {
                worst: Watts(worst),
                mean: Watts(worst - 21_000),
                for_seconds: 10_800,
            },
        ),
        (3, EventStage::Released),
        (
            4,
            EventStage::ReboundMeasured {
                watts: Watts(38_000),
            },
        ),
    ];
    for (after, stage) in stages {
        let body = GridEventRecord {
            event: name.into(),
            purpose: EventPurpose::Program,
            target: Watts(900_000),
            at: hour(at + after),
            stage,
        };
        log.write(hour(at + after), Body::Event(body));
    }
}

fn decision(
    log: &mut Log,
    at: i64,
    what: DecisionKind,
    reason: &str,
    watts: (i64, i64),
    to: Option<&str>,
) {
    let body = Decision {
        what,
        workload: Workload::Sealed(format!("sha256:{at:04x}")),
        replicas_before: 8,
        replicas_after: 4,
        watts_before: Watts(watts.0),
        watts_after: Watts(watts.1),
        reason: reason.into(),
        detail: "needs 92.0 kW, 41.0 kW left of 900.0 kW".into(),
        limit: Some(Limit {
            value: 900_000.0,
            set_by: "GridEvent/evening-peak".into(),
        }),
        moved_to: to.map(SiteId::from),
    };
    log.write(hour(at), Body::Decision(body));
}

fn log() -> Vec<Record> {
    let mut log = Log(vec![]);
    meters(&mut log);
    event(&mut log, "evening-peak-05", 112, 884_000);
    event(&mut log, "evening-peak-18", 424, 931_000);
    for at in [112, 424] {
        decision(
            &mut log,
            at,
            DecisionKind::Moved,
            "Power",
            (92_000, 46_000),
            Some("fjordholt"),
        );
        decision(
            &mut log,
            at + 1,
            DecisionKind::Suspended,
            "Power",
            (210_000, 0),
            None,
        );
    }
    let breach = Breach {
        which: "PowerBudget/feed".into(),
        set_by: "grid operator SRP".into(),
        limit: 1_400_000.0,
        value: 1_446_000.0,
        unit: "W".into(),
        from: hour(305),
        until: Some(hour(305) + TimeDelta::minutes(18)),
        why: "a chiller restarted after a fault while charging was at its ceiling".into(),
    };
    log.write(hour(306), Body::Breach(breach));
    let stage = Stage {
        term: DeclaredTerm::Water,
        authority: "Colorado basin board".into(),
        stage: "Drought stage 2".into(),
        fraction: 0.8,
        from: hour(240),
        evidence: "https://basin-board.example/declarations/2026-07".into(),
    };
    log.write(hour(240), Body::Stage(stage));
    log.0
}

fn request() -> Request {
    let commitment = |name: &str, metric: &str, limit, remedy: &str| Commitment {
        name: name.into(),
        metric: metric.into(),
        limit,
        period: "in a month".into(),
        mode: CommitmentMode::Bind,
        remedy: remedy.into(),
    };
    Request {
        community: "mesa-verde-town".into(),
        display_name: "Town of Mesa Verde".into(),
        contact: "clerk@mesa-verde.example".into(),
        languages: vec!["en".into(), "es".into()],
        sites: vec![SiteTerms {
            connection_maximum: Some(Watts(2_000_000)),
            water_cap: Some(WaterCap {
                volume: Liters(18_000_000.0),
                basis: None,
                hours: 8760,
                set_by: "town council".into(),
            }),
            ..SiteTerms::of("mesa-verde")
        }],
        totals: TownTotals {
            annual_water: Some(Liters(2_100_000_000.0)),
            annual_energy: Some(KilowattHours(96_000_000.0)),
            peak: Some(Watts(21_000_000)),
        },
        commitments: vec![
            commitment(
                "drinking water",
                "potableInput",
                160.0,
                "pay for 10 m³ of storage per m³ over",
            ),
            commitment(
                "evening power",
                "peakImport",
                1_500.0,
                "fund the town's battery",
            ),
            commitment("generator hours", "backupGeneratorEnergy", 500.0, "none"),
        ],
        period: Period {
            start: start(),
            end: hour(HOURS),
        },
    }
}

/// The report, from bytes that were written and read back.
pub fn made_up_report() -> anyhow::Result<Report> {
    let mut bytes = vec![];
    for record in log() {
        bytes.extend(encode(&record)?);
    }
    let reading = decode(&bytes);
    reading
        .problems
        .first()
        .map_or(Ok(()), |problem| Err(problem.clone()))
        .context("the made-up log is whole")?;
    Ok(report(&reading.records, &request()))
}
