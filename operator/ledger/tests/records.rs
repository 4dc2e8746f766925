//! Writing, reading and appending records.

mod support;

use commonwatt_ledger::{
    AppendRefusal, Body, EncodeError, History, MeterId, Period, Problem, Quality, Quantity,
    RecordError, accept, decode, encode, missing_hours,
};
use support::{edit, event, full, hour, metered, moved, site, without};

fn bytes(records: &[commonwatt_ledger::Record]) -> Vec<u8> {
    records
        .iter()
        .flat_map(|record| encode(record).expect("a record that may be written"))
        .collect()
}

#[test]
fn every_kind_of_record_reads_back_as_it_was_written() {
    let mut records = vec![metered(0, 0, MeterId::of(Quantity::ItEnergy), 0.1 + 0.2)];
    records.push(moved(1, 1, 500, 100, Some("hillside")));
    records.push(event(2, 2, commonwatt_ledger::EventStage::Released));
    let reading = decode(&bytes(&records));
    assert_eq!(reading.problems, []);
    assert_eq!(reading.records, records);
    assert_eq!(bytes(&reading.records), bytes(&records));
}

#[test]
fn the_line_is_the_one_that_is_documented() {
    let record = metered(7, 0, MeterId::of(Quantity::ItEnergy), 12.5);
    let line = String::from_utf8(encode(&record).unwrap()).unwrap();
    assert_eq!(
        line,
        "{\"schema\":\"commonwatt.dev/record/v1\",\"sequence\":7,\"recordedAt\":\"2026-03-01T01:00:00Z\",\
         \"site\":\"lakeside\",\"kind\":\"meter\",\"body\":{\"meter\":{\"quantity\":\"ItEnergy\"},\
         \"hour\":\"2026-03-01T00:00:00Z\",\"seconds\":3600,\"value\":12.5,\"unit\":\"kWh\",\"source\":\"metered\",\
         \"coveragePercent\":100.0,\"quality\":\"OK\",\"method\":\"register at the end − register at the start\"}}\n"
    );
}

#[test]
fn a_number_that_is_not_finite_is_never_written() {
    let record = metered(0, 0, MeterId::of(Quantity::ItEnergy), f64::NAN);
    assert_eq!(
        encode(&record),
        Err(EncodeError::NotFinite {
            field: "body.value".into()
        })
    );
}

#[test]
fn what_cannot_be_is_neither_written_nor_read() {
    let too_much = edit(
        metered(0, 0, MeterId::of(Quantity::ItEnergy), 1.0),
        |hour| hour.coverage_percent = 101.0,
    );
    assert_eq!(
        encode(&too_much),
        Err(EncodeError::Record(RecordError::Coverage { got: 101.0 }))
    );
    let missing = edit(
        metered(0, 0, MeterId::of(Quantity::ItEnergy), 1.0),
        |hour| hour.quality = Quality::Missing,
    );
    assert_eq!(
        encode(&missing),
        Err(EncodeError::Record(RecordError::MissingWithValue {
            value: 1.0
        }))
    );
    let line =
        String::from_utf8(encode(&metered(0, 0, MeterId::of(Quantity::ItEnergy), 1.0)).unwrap())
            .unwrap();
    let reading = decode(line.replace("100.0", "250.0").as_bytes());
    assert!(matches!(
        reading.problems[..],
        [Problem::Impossible { line: 1, .. }]
    ));
}

#[test]
fn a_broken_line_loses_only_itself_and_is_named_by_its_number() {
    let mut text = bytes(&full()[..2]);
    text.extend(b"{\"schema\":\"commonwatt.dev/record/v9\"}\nnot json\n\xff\xfe\n");
    text.extend(bytes(&full()[2..4]));
    let reading = decode(&text);
    assert_eq!(reading.records, full()[..4]);
    assert_eq!(
        reading
            .problems
            .iter()
            .map(Problem::line)
            .collect::<Vec<_>>(),
        [3, 4, 5]
    );
    assert!(
        matches!(&reading.problems[0], Problem::UnknownSchema { schema, .. } if schema.ends_with("v9"))
    );
}

#[test]
fn a_last_line_that_only_lacks_its_line_feed_is_read_and_named() {
    let mut text = bytes(&full()[..2]);
    text.pop();
    let reading = decode(&text);
    assert_eq!(reading.records.len(), 2);
    assert_eq!(reading.problems, [Problem::NoLineFeed { line: 2 }]);
}

#[test]
fn numbers_rise_by_one_and_no_hour_is_written_twice() {
    let records = full();
    let mut history = History::default();
    for record in &records {
        assert_eq!(accept(&history, record), Ok(()));
        history.insert(record);
    }
    let skipped = metered(99, 11, MeterId::of(Quantity::ItEnergy), 1.0);
    assert!(matches!(
        accept(&history, &skipped),
        Err(AppendRefusal::Sequence {
            expected: 60,
            got: 99,
            ..
        })
    ));
    let again = metered(60, 0, MeterId::of(Quantity::ItEnergy), 1.0);
    assert!(matches!(
        accept(&history, &again),
        Err(AppendRefusal::Duplicate { earlier: 1, .. })
    ));
    assert_eq!(History::of(&records), history);
}

#[test]
fn a_correction_names_what_it_corrects() {
    let history = History::of(&full());
    let correcting = |sequence| {
        edit(
            metered(60, 0, MeterId::of(Quantity::ItEnergy), 2.0),
            |hour| hour.restates = Some(sequence),
        )
    };
    assert_eq!(accept(&history, &correcting(1)), Ok(()));
    assert!(matches!(
        accept(&history, &correcting(2)),
        Err(AppendRefusal::RestatesNothing { restates: 2, .. })
    ));
}

#[test]
fn an_hour_without_a_record_or_with_one_that_says_so_is_missing() {
    let mut records = without(Quantity::ItEnergy, 3);
    for record in &mut records {
        if let Body::Meter(meter) = &mut record.body
            && meter.hour == hour(5)
        {
            (meter.quality, meter.value) = (Quality::Missing, None);
        }
    }
    let period = Period {
        start: hour(0),
        end: hour(10),
    };
    let missing = missing_hours(&records, &site(), &MeterId::of(Quantity::ItEnergy), period);
    assert_eq!(missing, [hour(3), hour(5)]);
}
