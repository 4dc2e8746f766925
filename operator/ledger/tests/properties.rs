//! What holds for any log.

mod support;

use commonwatt_ledger::{MeterId, Problem, Quality, Quantity, Record, decode, encode, report};
use proptest::prelude::*;
use support::{edit, metered, request};

const QUANTITIES: [Quantity; 6] = [
    Quantity::FacilityEnergy,
    Quantity::ItEnergy,
    Quantity::PeakImport,
    Quantity::WaterInput,
    Quantity::CarbonAverage,
    Quantity::GeneratorEnergy,
];

prop_compose! {
    fn any_record()(
        sequence in 0_u64..40,
        at in -2_i64..12,
        quantity in 0..QUANTITIES.len(),
        value in 0.0_f64..1e6,
        coverage in 0.0_f64..=100.0,
        quality in 0_usize..4,
        restates in proptest::option::of(0_u64..40),
    ) -> Record {
        edit(metered(sequence, at, MeterId::of(QUANTITIES[quantity]), value), |hour| {
            hour.coverage_percent = coverage;
            hour.restates = restates;
            hour.quality = [Quality::Ok, Quality::Estimated, Quality::Bad, Quality::Missing][quality];
            if hour.quality == Quality::Missing {
                hour.value = None;
            }
        })
    }
}

proptest! {
    #[test]
    fn any_order_of_reading_gives_the_same_report(
        (records, shuffled) in prop::collection::vec(any_record(), 0..60)
            .prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle()))
    ) {
        let bytes = |records: &[Record]| serde_json::to_vec(&report(records, &request())).unwrap();
        prop_assert_eq!(bytes(&records), bytes(&shuffled));
    }

    #[test]
    fn every_record_reads_back_to_the_last_bit(record in any_record()) {
        let line = encode(&record).unwrap();
        let reading = decode(&line);
        prop_assert_eq!(&reading.records, &[record]);
        prop_assert_eq!(encode(&reading.records[0]).unwrap(), line);
    }

    #[test]
    fn a_torn_line_loses_only_itself(
        records in prop::collection::vec(any_record(), 1..20),
        cut in 1_usize..1000,
    ) {
        let mut bytes: Vec<u8> = records.iter().flat_map(|record| encode(record).unwrap()).collect();
        let last = encode(&records[records.len() - 1]).unwrap().len();
        // At least the line feed goes, and at least one byte stays.
        bytes.truncate(bytes.len() - cut.clamp(2, last - 1));
        let reading = decode(&bytes);
        prop_assert_eq!(&reading.records, &records[..records.len() - 1]);
        let torn = matches!(reading.problems[..], [Problem::Torn { line, .. }] if line == records.len());
        prop_assert!(torn);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let lines = bytes.split(|byte| *byte == b'\n').count();
        let reading = decode(&bytes);
        prop_assert!(reading.records.len() + reading.problems.len() <= lines + 1);
    }

    #[test]
    fn coverage_is_never_over_a_hundred(records in prop::collection::vec(any_record(), 0..60)) {
        let report = report(&records, &request());
        for figure in report.figures.iter().chain(&report.sites[0].figures) {
            prop_assert!((0.0..=100.0).contains(&figure.coverage_percent), "{}", figure.name);
        }
    }

    #[test]
    fn missing_hours_count_at_the_maximum(present in prop::collection::vec(any::<bool>(), 10), value in 0.0_f64..1000.0) {
        let records: Vec<_> = (0_i64..)
            .zip(&present)
            .filter(|(_, present)| **present)
            .map(|(at, _)| metered(at.unsigned_abs(), at, MeterId::of(Quantity::FacilityEnergy), value))
            .collect();
        let there = records.len() as f64;
        let report = report(&records, &request());
        let figure = report.figure("facilityEnergy").unwrap();
        if records.is_empty() {
            prop_assert_eq!(figure.value, None);
        } else {
            let expected = there * value + (10.0 - there) * 1000.0;
            prop_assert!((figure.value.unwrap() - expected).abs() < 1e-6);
            prop_assert_eq!(figure.missing_hours, 10 - records.len() as u32);
        }
    }

    #[test]
    fn leaving_records_out_never_makes_a_sum_smaller(
        keep in prop::collection::vec(any::<bool>(), 10),
        values in prop::collection::vec(0.0_f64..1000.0, 10),
    ) {
        let all: Vec<_> = (0_i64..)
            .zip(&values)
            .map(|(at, value)| metered(at.unsigned_abs(), at, MeterId::of(Quantity::FacilityEnergy), *value))
            .collect();
        let some: Vec<_> = all.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(record, _)| record.clone()).collect();
        let value = |records: &[Record]| report(records, &request()).figure("facilityEnergy").unwrap().value;
        if let (Some(all), Some(some)) = (value(&all), value(&some)) {
            prop_assert!(some >= all - 1e-6);
        }
    }
}
