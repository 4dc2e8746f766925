//! Made-up sites: a large one, one in trouble, and one under a library.

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_dashboard::view::{GpuView, HistoryHour, SiteView, WaterView};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_470_800, 0).unwrap_or_default()
}

/// A day that rises and falls, between 0 and 1.
fn daily(hour: i64, peak: i64) -> f64 {
    let angle = (hour - peak) as f64 / 24.0 * std::f64::consts::TAU;
    f64::midpoint(1.0, angle.cos())
}

fn history(
    base: f64,
    swing: f64,
    peak: i64,
    limit: impl Fn(i64) -> f64,
    gap: std::ops::Range<i64>,
) -> Vec<HistoryHour> {
    (0..48)
        .map(|hour| {
            let wobble = ((hour * 7919) % 13) as f64 / 13.0 - 0.5;
            let draw = base + swing * daily(hour, peak) + swing * 0.15 * wobble;
            HistoryHour {
                hour: start() + TimeDelta::hours(hour),
                draw_watts: (!gap.contains(&hour)).then_some(draw),
                limit_watts: Some(limit(hour)),
                price: Some(0.02 + 0.12 * daily(hour, 18) - 0.03 * daily(hour, 3)),
                grams_per_kwh: Some(120.0 + 260.0 * daily(hour, 20)),
            }
        })
        .collect()
}

/// The sites.
pub fn sites() -> Vec<SiteView> {
    let north = SiteView {
        name: "fjordholt".into(),
        link: Some("site-fjordholt.html".into()),
        place: "Fjordholt, Norway".into(),
        jurisdiction: "NO".into(),
        grid_zone: "NO2".into(),
        mode: "Enforce".into(),
        ready: true,
        draw_watts: Some(842_000.0),
        charged_watts: Some(910_000.0),
        limit_watts: Some(1_200_000.0),
        limit_set_by: "PowerBudget/feed".into(),
        headroom_watts: Some(290_000.0),
        gpus: vec![
            GpuView {
                product: "NVIDIA-H100-80GB-HBM3".into(),
                total: 512,
                used: 448,
            },
            GpuView {
                product: "NVIDIA-L40S".into(),
                total: 128,
                used: 40,
            },
        ],
        history: history(
            620_000.0,
            320_000.0,
            15,
            |hour| {
                if (16..20).contains(&(hour % 24)) {
                    900_000.0
                } else {
                    1_200_000.0
                }
            },
            0..0,
        ),
        water: Some(WaterView {
            period: "this month".into(),
            used_liters: Some(412_000.0),
            cap_liters: Some(1_500_000.0),
            stage: None,
        }),
        price_per_kwh: Some(0.041),
        grams_per_kwh: Some(28.0),
        pue: Some(1.09),
        wue: Some(0.06),
        ..SiteView::default()
    };
    let mesa = SiteView {
        name: "mesa-verde".into(),
        link: Some("site-mesa-verde.html".into()),
        place: "Mesa Verde, Arizona".into(),
        jurisdiction: "US-AZ".into(),
        grid_zone: "US-SW-SRP".into(),
        mode: "Enforce".into(),
        ready: false,
        reason: "LimitExceeded".into(),
        draw_watts: Some(1_312_000.0),
        charged_watts: Some(1_380_000.0),
        limit_watts: Some(1_250_000.0),
        limit_set_by: "GridEvent/evening-peak".into(),
        headroom_watts: Some(0.0),
        gpus: vec![GpuView {
            product: "NVIDIA-H200".into(),
            total: 768,
            used: 742,
        }],
        history: history(
            1_050_000.0,
            380_000.0,
            17,
            |hour| if hour >= 44 { 1_250_000.0 } else { 1_600_000.0 },
            12..16,
        ),
        water: Some(WaterView {
            period: "this month".into(),
            used_liters: Some(9_420_000.0),
            cap_liters: Some(10_800_000.0),
            stage: Some("Drought stage 2, Colorado basin board".into()),
        }),
        price_per_kwh: Some(0.118),
        grams_per_kwh: Some(412.0),
        pue: Some(1.21),
        wue: Some(1.62),
    };
    let library = SiteView {
        name: "stadtbibliothek".into(),
        link: Some("site-stadtbibliothek.html".into()),
        place: "Under the city library, Freiburg".into(),
        jurisdiction: "DE".into(),
        grid_zone: "DE".into(),
        mode: "Advise".into(),
        ready: true,
        draw_watts: Some(2_850.0),
        charged_watts: Some(3_600.0),
        limit_watts: Some(6_000.0),
        limit_set_by: "PowerBudget/cellar".into(),
        headroom_watts: Some(2_400.0),
        gpus: vec![GpuView {
            product: "NVIDIA-RTX-6000-Ada".into(),
            total: 8,
            used: 5,
        }],
        history: history(1_400.0, 2_300.0, 14, |_| 6_000.0, 0..0),
        price_per_kwh: Some(0.262),
        grams_per_kwh: Some(301.0),
        pue: Some(1.03),
        ..SiteView::default()
    };
    vec![north, mesa, library]
}
