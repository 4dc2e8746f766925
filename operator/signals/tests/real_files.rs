//! The public data of 16 grid zones: Electricity Maps (carbon), market prices, Open-Meteo (weather).
//!
//! The data stays outside the repository: `COMMONWATT_DATA`, or `../shared/data` beside it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::Write;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use commonwatt_fleet::Slots;
use commonwatt_signals::{
    FileSpec, Format, Future, HourProvenance, Quantity, Series, Source, Spec, forecast, load,
};

const ZONES: [&str; 16] = [
    "AU-NSW",
    "AU-VIC",
    "BR-SP",
    "CA-ON",
    "CL-SIC",
    "DE-LU",
    "GB",
    "IN-WE",
    "JP-TK",
    "KR",
    "SG",
    "US-CAL-CISO",
    "US-MIDA-PJM",
    "US-NY-NYIS",
    "US-TEX-ERCO",
    "ZA",
];

/// The folder of data; without it the test says loudly that it was skipped.
fn data(test: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("COMMONWATT_DATA").map_or_else(beside, PathBuf::from);
    if root.join("sites").is_dir() {
        return Some(root.join("sites"));
    }
    // Written past the capture of the test harness, which hides what passing tests print.
    let message = format!("SKIPPED {test}: no data at {}\n", root.display());
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    None
}

fn carbon(zone: &str, year: i32) -> FileSpec {
    FileSpec {
        time_column: Some("Datetime (UTC)".to_owned()),
        value_column: Some("Carbon Intensity gCO₂eq/kWh (direct)".to_owned()),
        ..FileSpec::new(
            format!("carbon/{zone}/{zone}_{year}_hourly.csv.gz"),
            Format::Csv,
        )
    }
}

fn price(zone: &str, year: i32) -> FileSpec {
    FileSpec {
        value_column: Some(zone.to_owned()),
        ..FileSpec::new(
            format!("price/price_usd_per_mwh_{year}.csv.gz"),
            Format::Csv,
        )
    }
}

fn weather(zone: &str, year: i32, column: Option<&str>) -> FileSpec {
    FileSpec {
        value_column: column.map(str::to_owned),
        ..FileSpec::new(format!("weather/{zone}/{year}.json.gz"), Format::OpenMeteo)
    }
}

fn signal(name: &str, quantity: Quantity, series: Series, future: Future) -> Spec {
    Spec::new(name, quantity, Source::File(series), 7200, None, future).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn carbon_and_prices_of_all_zones_load_and_are_plausible() {
    let Some(root) = data("carbon_and_prices_of_all_zones_load_and_are_plausible") else {
        return;
    };
    for zone in ZONES {
        for year in [2022, 2023] {
            let series = load(&root, &carbon(zone, year)).unwrap();
            assert_eq!(
                (series.points().len(), series.step_seconds()),
                (8760, 3600),
                "{zone} {year}"
            );
            let mean = series.points().iter().map(|(_, grams)| grams).sum::<f64>() / 8760.0;
            assert!(
                (10.0..900.0).contains(&mean),
                "{zone} {year}: {mean} gCO2e/kWh"
            );
            signal(zone, Quantity::AverageCarbon, series, Future::Seasonal);

            let series = load(&root, &price(zone, year)).unwrap();
            assert_eq!(series.step_seconds(), 3600, "{zone} {year}");
            assert!(series.points().len() >= 8760 - 480, "{zone} {year}");
            let mean = series.points().iter().map(|(_, price)| price).sum::<f64>()
                / series.points().len() as f64;
            assert!(
                (5.0..500.0).contains(&mean),
                "{zone} {year}: {mean} USD/MWh"
            );
            signal(zone, Quantity::Price, series, Future::Known);
        }
    }
}

#[test]
fn blanks_in_prices_are_gaps_and_negative_prices_are_kept() {
    let Some(root) = data("blanks_in_prices_are_gaps_and_negative_prices_are_kept") else {
        return;
    };
    // Counted in the files: GB of 2022 begins on the 21st of January, PJM lacks a day in each year.
    for (zone, year, blanks) in [
        ("GB", 2022, 480),
        ("US-MIDA-PJM", 2023, 24),
        ("DE-LU", 2023, 1),
        ("SG", 2023, 0),
    ] {
        let series = load(&root, &price(zone, year)).unwrap();
        assert_eq!(series.points().len(), 8760 - blanks, "{zone} {year}");
    }
    let gb = load(&root, &price("GB", 2022)).unwrap();
    assert_eq!(gb.at(at("2022-01-10T12:00:00Z")), None);
    let germany = load(&root, &price("DE-LU", 2023)).unwrap();
    assert_eq!(germany.at(at("2023-01-01T00:30:00Z")), Some(-1.153));
}

#[test]
fn a_week_of_2023_in_california_and_germany_forecasts_every_hour() {
    let Some(root) = data("a_week_of_2023_in_california_and_germany_forecasts_every_hour") else {
        return;
    };
    for zone in ["US-CAL-CISO", "DE-LU"] {
        let load = |spec| load(&root, &spec).unwrap();
        let signals = [
            signal(
                "carbon",
                Quantity::AverageCarbon,
                load(carbon(zone, 2023)),
                Future::Seasonal,
            ),
            signal(
                "price",
                Quantity::Price,
                load(price(zone, 2023)),
                Future::Known,
            ),
            signal(
                "wet-bulb",
                Quantity::WetBulb,
                load(weather(zone, 2023, None)),
                Future::Seasonal,
            ),
        ];
        for hour in 0..7 * 24 {
            let now = at("2023-07-10T00:25:00Z") + TimeDelta::hours(hour);
            for spec in &signals {
                let hours = forecast(spec, now, &Slots::hourly(now, 48)).unwrap();
                let published = hours
                    .iter()
                    .filter(|hour| hour.provenance == HourProvenance::Known)
                    .count();
                let expected = if spec.future() == Future::Known {
                    37
                } else {
                    0
                };
                assert_eq!(published, expected, "{zone} {} {now}", spec.name());
            }
        }
    }
}

#[test]
fn weather_is_in_utc_so_that_california_is_warmest_in_its_own_afternoon() {
    let Some(root) = data("weather_is_in_utc_so_that_california_is_warmest_in_its_own_afternoon")
    else {
        return;
    };
    for (zone, time_zone) in [
        ("US-CAL-CISO", Tz::America__Los_Angeles),
        ("DE-LU", Tz::Europe__Berlin),
    ] {
        for first in ["2023-01-01T00:00:00Z", "2023-07-01T00:00:00Z"] {
            let series = load(&root, &weather(zone, 2023, Some("temperature_2m"))).unwrap();
            let until = at(first) + TimeDelta::days(31);
            let mut sums = [0.0; 24];
            for (stamp, celsius) in series
                .points()
                .iter()
                .filter(|(stamp, _)| (at(first)..until).contains(stamp))
            {
                sums[stamp.with_timezone(&time_zone).hour() as usize] += celsius;
            }
            let warmest = (0..24)
                .max_by(|a, b| sums[*a].total_cmp(&sums[*b]))
                .unwrap();
            assert!(
                (13..=17).contains(&warmest),
                "{zone} from {first}: {warmest}:00"
            );
        }
    }
}

#[test]
fn wet_bulb_of_all_zones_is_plausible_and_below_the_temperature() {
    let Some(root) = data("wet_bulb_of_all_zones_is_plausible_and_below_the_temperature") else {
        return;
    };
    for zone in ZONES {
        let wet = load(&root, &weather(zone, 2023, None)).unwrap();
        let dry = load(&root, &weather(zone, 2023, Some("temperature_2m"))).unwrap();
        assert_eq!(
            (wet.points().len(), wet.step_seconds()),
            (8760, 3600),
            "{zone}"
        );
        for ((stamp, wet), (other, dry)) in wet.points().iter().zip(dry.points()) {
            // 35 °C is what a person cannot survive; a few hours on Earth have passed it.
            assert!(
                stamp == other && wet <= dry && *wet < 36.0,
                "{zone} {stamp}: {wet} of {dry}"
            );
        }
        signal(zone, Quantity::WetBulb, wet, Future::Seasonal);
    }
}

#[test]
fn a_year_of_2023_stands_for_this_year() {
    let Some(root) = data("a_year_of_2023_stands_for_this_year") else {
        return;
    };
    let spec = FileSpec {
        year_independent: true,
        ..price("GB", 2022)
    };
    let series = load(&root, &spec).unwrap();
    let plain = load(&root, &price("GB", 2022)).unwrap();
    let round = TimeDelta::days(4 * 364);
    // The blanks of January stay blank in any year.
    assert_eq!(series.at(at("2022-01-10T12:00:00Z") + round), None);
    let june = at("2022-06-10T12:00:00Z");
    assert_eq!(series.at(june + round), plain.at(june));
}
