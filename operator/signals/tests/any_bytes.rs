//! No file, however broken, brings a parser down.

use commonwatt_signals::{FileSpec, Format, parse};
use proptest::prelude::*;

fn specs() -> impl Strategy<Value = FileSpec> {
    let format = prop::sample::select(vec![Format::Csv, Format::OpenMeteo]);
    let column = prop::option::of("[ab]|temperature_2m|time");
    (format, column.clone(), column, any::<bool>()).prop_map(|(format, time, value, replay)| {
        FileSpec {
            time_column: time,
            value_column: value,
            year_independent: replay,
            ..FileSpec::new("any", format)
        }
    })
}

/// Text that is nearly right reaches deeper than noise does.
fn nearly_csv() -> impl Strategy<Value = String> {
    let stamp =
        "[0-9]{4}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9](Z|[+-][0-9]{2}:00)?";
    let cell = "(-?[0-9]{0,3}(\\.[0-9]{0,2})?(e[0-9]{1,3})?)|NaN|inf|\"";
    let rows = prop::collection::vec((stamp, cell), 0..6);
    rows.prop_map(|rows| {
        let lines = rows.iter().map(|(stamp, cell)| format!("{stamp},{cell}\n"));
        format!("time,a\n{}", lines.collect::<String>())
    })
}

fn nearly_weather() -> impl Strategy<Value = String> {
    let time = prop::collection::vec(
        "\"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00\"|[0-9]{1,12}",
        0..4,
    );
    let cell = || prop::collection::vec("null|-?[0-9]{1,3}(\\.[0-9])?|1e400|\"\"", 0..4);
    (time, cell(), cell(), any::<i64>()).prop_map(|(time, celsius, humidity, offset)| {
        let offset = if offset % 2 == 0 { offset } else { offset % 50_000 };
        format!(
            r#"{{"utc_offset_seconds":{offset},"hourly":{{"time":[{}],"temperature_2m":[{}],"relative_humidity_2m":[{}]}}}}"#,
            time.join(","), celsius.join(","), humidity.join(",")
        )
    })
}

proptest! {
    #[test]
    fn any_bytes_are_a_series_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400), spec in specs()) {
        let _ = parse(&bytes, &spec);
    }

    #[test]
    fn any_bytes_that_claim_to_be_gzipped_are_a_series_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200), spec in specs(),
    ) {
        let _ = parse(&[&[0x1f, 0x8b, 8, 0], bytes.as_slice()].concat(), &spec);
    }

    #[test]
    fn nearly_right_files_are_finite_series_or_errors(
        csv in nearly_csv(), weather in nearly_weather(), spec in specs(),
    ) {
        for text in [csv, weather] {
            for format in [Format::Csv, Format::OpenMeteo] {
                let spec = FileSpec { format, ..spec.clone() };
                if let Ok(series) = parse(text.as_bytes(), &spec) {
                    prop_assert!(series.points().iter().all(|(_, value)| value.is_finite()));
                }
            }
        }
    }
}
