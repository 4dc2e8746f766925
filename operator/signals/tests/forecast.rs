//! What a forecast says of each hour, and that it never reads the future.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(clippy::float_cmp, reason = "means of whole numbers are exact")]

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::Slots;
use commonwatt_signals::{
    Future, HourProvenance, HourValue, Quantity, Series, Shape, SignalError, Source, Spec, State,
    forecast, reading,
};
use proptest::prelude::*;

const NOW_HOUR: i64 = 24 * 9 + 10;

fn hour(index: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2023-01-01T00:00:00Z".parse().unwrap();
    start + TimeDelta::hours(index)
}

/// Hourly values from the first of January on; `None` is a gap.
fn series(values: impl Iterator<Item = Option<f64>>) -> Series {
    let points = (0..).zip(values);
    let points = points.filter_map(|(index, value)| Some((hour(index), value?)));
    Series::new(3600, points.collect()).unwrap()
}

fn spec(quantity: Quantity, series: Series, fallback: Option<f64>, future: Future) -> Spec {
    Spec::new(
        "test",
        quantity,
        Source::File(series),
        7200,
        fallback,
        future,
    )
    .unwrap()
}

/// Day and hour in the value: day 3, 7:00 is 307.
fn days(count: i64) -> Series {
    series((0..count * 24).map(|index| Some((index / 24 * 100 + index % 24) as f64)))
}

fn hours(spec: &Spec, now: DateTime<Utc>, count: usize) -> Vec<HourValue> {
    forecast(spec, now, &Slots::hourly(now, count)).unwrap()
}

#[test]
fn a_future_hour_of_carbon_is_the_mean_of_the_last_three_days_and_of_weather_the_last_day() {
    let now = hour(NOW_HOUR) + TimeDelta::minutes(20);
    let carbon = hours(
        &spec(Quantity::AverageCarbon, days(20), None, Future::Seasonal),
        now,
        48,
    );
    // 10:00 of day 9 is observed; 11:00 was last seen on days 8, 7, 6; tomorrow's 10:00 on days 9, 8, 7.
    let expect =
        |slot: usize, value, provenance| assert_eq!(carbon[slot], HourValue { value, provenance });
    expect(0, 910.0, HourProvenance::Observed);
    expect(1, 711.0, HourProvenance::Seasonal);
    expect(24, 810.0, HourProvenance::Seasonal);
    expect(25, 711.0, HourProvenance::Seasonal);
    let cool = series((0..480).map(|index| Some(f64::from(index / 24))));
    let weather = hours(
        &spec(Quantity::WetBulb, cool, None, Future::Seasonal),
        now,
        48,
    );
    assert_eq!(
        [0, 1, 24, 25].map(|slot| weather[slot].value),
        [9.0, 8.0, 9.0, 8.0]
    );
}

#[test]
fn a_gap_in_a_past_day_is_passed_over_and_not_counted_as_zero() {
    let gap = 24 * 8 + 11;
    let values = (0..480).map(|index| (index != gap).then_some(f64::from(index / 24 * 100)));
    let carbon = spec(
        Quantity::AverageCarbon,
        series(values),
        None,
        Future::Seasonal,
    );
    // Days 7, 6 and 5 in place of 8, 7 and 6.
    assert_eq!(hours(&carbon, hour(NOW_HOUR), 2)[1].value, 600.0);
}

#[test]
fn published_prices_are_read_thirty_six_hours_ahead_and_no_further() {
    let now = hour(NOW_HOUR);
    let price = hours(
        &spec(Quantity::Price, days(20), None, Future::Known),
        now,
        48,
    );
    assert_eq!(
        price[36],
        HourValue {
            value: 1022.0,
            provenance: HourProvenance::Known
        }
    );
    assert_eq!(price[37].provenance, HourProvenance::Seasonal);
    // 23:00 of days 9, 8 and 7: that of day 10 is beyond the limit.
    assert_eq!(price[37].value, 823.0);
}

#[test]
fn quarter_hours_count_as_their_mean() {
    let points = (0..96).map(|quarter| {
        (
            hour(0) + TimeDelta::minutes(15 * quarter),
            (quarter % 4) as f64,
        )
    });
    let quarters = Series::new(900, points.collect()).unwrap();
    let price = hours(
        &spec(Quantity::Price, quarters, None, Future::Known),
        hour(0),
        3,
    );
    assert!(price.iter().all(|hour| hour.value == 1.5), "{price:?}");
}

#[test]
fn a_value_that_holds_for_the_day_holds_in_its_later_hours() {
    let points = (0..10).map(|day| (hour(day * 24), day as f64)).collect();
    let daily = Series::new(86_400, points).unwrap();
    let source = Source::File(daily);
    let spec = Spec::new(
        "day",
        Quantity::Temperature,
        source,
        86_400,
        None,
        Future::Seasonal,
    )
    .unwrap();
    let values = hours(&spec, hour(9 * 24 + 10), 15);
    assert!(
        values[..14].iter().all(|hour| hour.value == 9.0),
        "{values:?}"
    );
    assert_eq!(values[14].provenance, HourProvenance::Seasonal);
}

#[test]
fn a_stale_signal_falls_back_in_every_hour_that_is_not_published() {
    let stale = spec(
        Quantity::AverageCarbon,
        days(9),
        Some(2000.0),
        Future::Seasonal,
    );
    let fallback = HourValue {
        value: 2000.0,
        provenance: HourProvenance::Fallback,
    };
    assert_eq!(hours(&stale, hour(NOW_HOUR), 3), [fallback; 3]);
}

#[test]
fn without_a_fallback_a_stale_signal_and_a_first_day_are_errors_that_name_it() {
    let carbon = |series| spec(Quantity::AverageCarbon, series, None, Future::Seasonal);
    let stale = forecast(
        &carbon(days(9)),
        hour(NOW_HOUR),
        &Slots::hourly(hour(NOW_HOUR), 1),
    );
    assert!(
        matches!(
            stale,
            Err(SignalError::Unknown {
                state: State::Stale,
                ..
            })
        ),
        "{stale:?}"
    );
    let first = forecast(&carbon(days(9)), hour(3), &Slots::hourly(hour(3), 2)).unwrap_err();
    let text = first.to_string();
    assert!(
        text.contains("signal test") && text.contains("2023-01-01T04:00:00Z"),
        "{text}"
    );
}

#[test]
fn a_declared_shape_knows_its_future() {
    let source = Source::Static(Shape::constant(40.0));
    let spec = Spec::new("tariff", Quantity::Price, source, 0, None, Future::Seasonal).unwrap();
    let known = HourValue {
        value: 40.0,
        provenance: HourProvenance::Known,
    };
    assert_eq!(hours(&spec, hour(0), 48), [known; 48]);
}

#[test]
fn a_year_independent_file_is_declared_and_still_does_not_tell_its_future() {
    let year = series((0..365 * 24).map(|index| Some(f64::from(index / 24))));
    let replay = year.replayed(hour(0), hour(365 * 24)).unwrap();
    let spec = spec(Quantity::AverageCarbon, replay, None, Future::Seasonal);
    // Ten rounds of 364 days later it is the tenth of January of the file again.
    let values = hours(&spec, hour(NOW_HOUR + 10 * 364 * 24), 2);
    assert_eq!(
        values[0],
        HourValue {
            value: 9.0,
            provenance: HourProvenance::Known
        }
    );
    assert_eq!(
        values[1],
        HourValue {
            value: 7.0,
            provenance: HourProvenance::Seasonal
        }
    );
}

prop_compose! {
    /// Twelve days of hourly carbon with gaps, twice: the second differs only after `now`.
    fn two_futures()(
        past in prop::collection::vec(prop::option::weighted(0.8, 0.0..1000.0_f64), NOW_HOUR as usize + 1),
        one in prop::collection::vec(prop::option::weighted(0.8, 0.0..1000.0_f64), 72),
        other in prop::collection::vec(prop::option::weighted(0.8, 0.0..1000.0_f64), 0..72),
    ) -> (Series, Series) {
        let whole = |future: Vec<_>| series(past.iter().copied().chain(future));
        (whole(one), whole(other))
    }
}

proptest! {
    #[test]
    fn what_comes_after_now_changes_nothing(
        (one, other) in two_futures(),
        seconds in 0..3600_i64,
        slot_seconds in prop::sample::select(vec![300_u32, 900, 3600, 7200, 86_400]),
        back in 0..30_i64,
        quantity in prop::sample::select(vec![Quantity::AverageCarbon, Quantity::Price]),
    ) {
        let now = hour(NOW_HOUR) + TimeDelta::seconds(seconds);
        let slots = Slots { start: hour(NOW_HOUR - back), seconds: slot_seconds, count: 60 };
        let [one, other] = [one, other].map(|series| spec(quantity, series, Some(500.0), Future::Seasonal));
        prop_assert_eq!(forecast(&one, now, &slots).unwrap(), forecast(&other, now, &slots).unwrap());
        prop_assert_eq!(reading(&one, now).unwrap(), reading(&other, now).unwrap());
    }

    #[test]
    fn what_comes_after_the_published_hours_changes_nothing((one, other) in two_futures()) {
        // The futures differ from the 37th hour on.
        let now = hour(NOW_HOUR - 36);
        let slots = Slots::hourly(now, 72);
        let [one, other] = [one, other].map(|series| spec(Quantity::Price, series, Some(50.0), Future::Known));
        prop_assert_eq!(forecast(&one, now, &slots).unwrap(), forecast(&other, now, &slots).unwrap());
    }

    #[test]
    fn a_forecast_stays_within_what_was_seen_and_declared((one, _) in two_futures(), seconds in 0..864_000_i64) {
        let now = hour(0) + TimeDelta::seconds(seconds);
        let spec = spec(Quantity::Price, one, Some(500.0), Future::Seasonal);
        for hour in hours(&spec, now, 48) {
            prop_assert!((0.0..=1000.0).contains(&hour.value));
        }
    }
}
