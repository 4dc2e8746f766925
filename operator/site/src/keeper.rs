//! Keeps the ledger: integrates what was drawn into hourly records, and writes down decisions as they are taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::{SiteId, Slots};
use commonwatt_ledger::{
    Body, Decision, DecisionKind, History, Quantity, Record, RecordSchema, Workload, accept,
    decode, encode,
};

use crate::breaches::{Against, Breaches};
use crate::draw::{Draw, Hour};
use crate::model::WaterUse;

/// Where the lines of the ledger go. Append-only: nothing that was written is changed.
pub trait Journal: Send + Sync {
    /// Appends whole lines.
    ///
    /// # Errors
    /// In words.
    fn append(&self, lines: &[u8]) -> Result<(), String>;

    /// Everything that was written.
    ///
    /// # Errors
    /// In words.
    fn read(&self) -> Result<Vec<u8>, String>;
}

/// The longest time between two looks for which what was seen is believed to have held, seconds.
const LONGEST_GAP: i64 = 900;

/// A site's log and the hour it is in.
pub struct Keeper {
    journal: Arc<dyn Journal>,
    records: Vec<Record>,
    history: History,
    water: BTreeMap<(String, DateTime<Utc>), f64>,
    begins: BTreeMap<String, DateTime<Utc>>,
    hours: BTreeMap<String, (DateTime<Utc>, Hour)>,
    breaches: Breaches,
    /// A decision that was said last about a workload: the same one again is not written again.
    said: BTreeMap<(String, String), (DecisionKind, u32, String)>,
}

impl Keeper {
    /// Opens a journal and reads what it holds. Broken lines are reported and lose only themselves.
    ///
    /// # Errors
    /// When the journal cannot be read or mended.
    pub fn open(journal: Arc<dyn Journal>) -> Result<(Self, Vec<String>), String> {
        let bytes = journal.read()?;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            // A torn last line must not swallow the next one.
            journal.append(b"\n")?;
        }
        let reading = decode(&bytes);
        let mut keeper = Self {
            journal,
            history: History::of(&reading.records),
            records: Vec::new(),
            water: BTreeMap::new(),
            begins: BTreeMap::new(),
            hours: BTreeMap::new(),
            breaches: Breaches::of(&reading.records),
            said: BTreeMap::new(),
        };
        for record in &reading.records {
            keeper.index(record);
        }
        keeper.records = reading.records;
        Ok((
            keeper,
            reading.problems.iter().map(ToString::to_string).collect(),
        ))
    }

    /// Every record so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// When a site's log begins.
    pub fn begins(&self, site: &str) -> Option<DateTime<Utc>> {
        self.begins.get(site).copied()
    }

    /// How many limits of a site are being passed, by its log.
    pub fn open_breaches(&self, site: &str) -> usize {
        self.breaches.open(site)
    }

    /// Whole hours of the last day, from the beginning of a site's log on, that it has no record of.
    pub fn missing_hours(&self, site: &str, now: DateTime<Utc>) -> u32 {
        let end = Slots::hourly(now, 1).start;
        let Some(begins) = self.begins(site) else {
            return 0;
        };
        let start = begins.max(end - TimeDelta::days(1));
        let there = self
            .water
            .range((site.to_owned(), start)..(site.to_owned(), end));
        let hours = (end - start).num_hours().max(0);
        u32::try_from(hours)
            .unwrap_or(0)
            .saturating_sub(u32::try_from(there.count()).unwrap_or(0))
    }

    fn index(&mut self, record: &Record) {
        let Body::Meter(hour) = &record.body else {
            return;
        };
        let site = record.site.as_str().to_owned();
        let first = self.begins.entry(site.clone()).or_insert(hour.hour);
        *first = hour.hour.min(*first);
        if hour.meter.quantity == Quantity::WaterInput {
            self.water
                .insert((site, hour.hour), hour.usable().unwrap_or(0.0));
        }
    }

    /// Writes a record at the end of its site's log.
    ///
    /// # Errors
    /// When the journal does not take it, or it could not stand there.
    pub fn write(&mut self, site: &str, now: DateTime<Utc>, body: Body) -> Result<(), String> {
        let site = SiteId::from(site);
        let record = Record {
            schema: RecordSchema::V1,
            sequence: self.history.next_sequence(&site),
            recorded_at: now,
            site,
            body,
        };
        accept(&self.history, &record).map_err(|error| error.to_string())?;
        let line = encode(&record).map_err(|error| error.to_string())?;
        self.journal.append(&line)?;
        self.history.insert(&record);
        self.index(&record);
        self.records.push(record);
        Ok(())
    }

    /// Writes a decision, unless it was the last thing said about that workload.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn decide(
        &mut self,
        site: &str,
        now: DateTime<Utc>,
        decision: Decision,
    ) -> Result<(), String> {
        let workload = match &decision.workload {
            Workload::Open(name) | Workload::Sealed(name) => name.clone(),
        };
        let said = (
            decision.what,
            decision.replicas_after,
            decision.reason.clone(),
        );
        if self.said.get(&(site.to_owned(), workload.clone())) == Some(&said) {
            return Ok(());
        }
        self.write(site, now, Body::Decision(decision))?;
        self.said.insert((site.to_owned(), workload), said);
        Ok(())
    }

    /// Looks at a site's limits, and writes down those that are passed for too long and those that are kept again.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn watch(
        &mut self,
        site: &str,
        now: DateTime<Utc>,
        limits: Vec<Against>,
    ) -> Result<(), String> {
        let binding: Vec<String> = limits.iter().map(|limit| limit.which.clone()).collect();
        let mut breaches = self.breaches.end_others(site, now, &binding);
        breaches.extend(
            limits
                .into_iter()
                .filter_map(|limit| self.breaches.look(site, now, limit)),
        );
        for breach in breaches {
            self.write(site, now, Body::Breach(breach))?;
        }
        Ok(())
    }

    /// Lets time pass: what a site drew until now is what it drew when last looked at. Hours that have ended are written,
    /// so that whoever asks for the use of a period next finds them. One that cannot be written is tried again.
    ///
    /// # Errors
    /// When the journal does not take the records of an hour that has ended.
    pub fn advance(&mut self, site: &str, now: DateTime<Utc>) -> Result<(), String> {
        let Some((last, mut hour)) = self.hours.remove(site) else {
            return Ok(());
        };
        let believed = (now - last).num_seconds() <= LONGEST_GAP;
        let mut at = last;
        let mut result = Ok(());
        loop {
            let end = hour.start + TimeDelta::hours(1);
            if at >= end {
                result = self.close(site, now, &hour);
                if result.is_err() {
                    break;
                }
                hour = Hour::new(end, hour.last.clone());
                continue;
            }
            if at >= now {
                break;
            }
            let next = hour.quarter_after(at).min(now);
            if believed {
                hour.integrate(at, next);
            }
            at = next;
        }
        self.hours.insert(site.to_owned(), (at, hour));
        result
    }

    /// Takes note of what a site draws from now on.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub fn look(&mut self, site: &str, now: DateTime<Utc>, draw: Draw) -> Result<(), String> {
        self.advance(site, now)?;
        if let Some((_, hour)) = self.hours.get_mut(site) {
            hour.last = draw;
        } else {
            let hour = Hour::new(Slots::hourly(now, 1).start, draw);
            self.hours.insert(site.to_owned(), (now, hour));
        }
        Ok(())
    }

    /// Writes the records of an hour that is over. An hour of which nothing was seen gets none: a gap stays a gap.
    fn close(&mut self, site: &str, now: DateTime<Utc>, hour: &Hour) -> Result<(), String> {
        if hour.covered < 1.0 {
            return Ok(());
        }
        for body in hour.records() {
            let taken = self
                .history
                .speaks_for(&SiteId::from(site), &body.meter, hour.start)
                .is_some();
            if !taken {
                self.write(site, now, Body::Meter(body))?;
            }
        }
        Ok(())
    }
}

impl WaterUse for Keeper {
    fn since(&self, site: &str, start: DateTime<Utc>) -> (f64, u32, Option<DateTime<Utc>>) {
        let range = (site.to_owned(), start)..(site.to_owned(), DateTime::<Utc>::MAX_UTC);
        let (mut liters, mut hours) = (0.0, 0);
        for (_, used) in self.water.range(range) {
            liters += used;
            hours += 1;
        }
        let open = self.hours.get(site).filter(|(_, hour)| hour.start >= start);
        (
            liters + open.map_or(0.0, |(_, hour)| hour.water),
            hours,
            self.begins(site),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use commonwatt_fleet::Watts;
    use commonwatt_ledger::{Limit, WaterCategory};

    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<u8>>);

    impl Journal for Lines {
        fn append(&self, lines: &[u8]) -> Result<(), String> {
            self.0.lock().expect("lines").extend_from_slice(lines);
            Ok(())
        }
        fn read(&self) -> Result<Vec<u8>, String> {
            Ok(self.0.lock().expect("lines").clone())
        }
    }

    fn draw(watts: i64) -> Draw {
        Draw {
            it: Watts(watts),
            facility: Watts(watts * 2),
            wue: 1.0,
            average_carbon: 100.0,
            marginal_carbon: None,
            category: WaterCategory::Potable,
            limit: Limit {
                value: 1e6,
                set_by: "powerbudget/a".into(),
            },
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn an_hour_that_was_watched_is_written_whole_and_one_with_a_gap_says_so() {
        let lines = Arc::new(Lines::default());
        let (mut keeper, problems) = Keeper::open(lines.clone()).expect("opens");
        assert!(problems.is_empty());
        for minute in 0..=12 {
            let now = at("2023-06-05T00:00:00Z") + TimeDelta::minutes(minute * 10);
            // Between 01:10 and 01:50 nobody looks.
            if !(8..11).contains(&minute) {
                keeper.look("a", now, draw(1000)).expect("looks");
            }
        }
        let energy: Vec<_> = keeper
            .records()
            .iter()
            .filter_map(|record| match &record.body {
                Body::Meter(hour) if hour.meter.quantity == Quantity::ItEnergy => {
                    Some(hour.clone())
                }
                _ => None,
            })
            .collect();
        assert_eq!(energy.len(), 2);
        assert!((energy[0].value.expect("a value") - 1.0).abs() < 1e-9);
        assert!((energy[0].coverage_percent - 100.0).abs() < 1e-9);
        assert!(
            (energy[1].coverage_percent - 100.0 / 3.0).abs() < 1e-9,
            "{}",
            energy[1].coverage_percent
        );
        assert_eq!(keeper.since("a", at("2023-06-05T01:00:00Z")).1, 1);
        // From here on nobody looks for three hours.
        let later = at("2023-06-05T05:10:00Z");
        keeper.look("a", later, draw(1000)).expect("looks");
        assert_eq!(keeper.missing_hours("a", at("2023-06-05T02:00:00Z")), 0);
        assert_eq!(keeper.missing_hours("a", later), 3);
        assert_eq!(
            keeper.missing_hours("b", later),
            0,
            "a log that never began"
        );
        drop(keeper);
        let (again, problems) = Keeper::open(lines).expect("opens again");
        assert!(problems.is_empty());
        assert_eq!(again.history.next_sequence(&SiteId::from("a")), 10);
    }

    #[test]
    fn at_the_turn_of_an_hour_none_is_missing() {
        let (mut keeper, _) = Keeper::open(Arc::new(Lines::default())).expect("opens");
        let start = at("2023-06-05T00:00:00Z");
        for minute in 0..=60 {
            let now = start + TimeDelta::minutes(minute);
            keeper.advance("a", now).expect("advances");
            let (liters, hours, begins) = keeper.since("a", start);
            let due = u32::from(now >= start + TimeDelta::hours(1));
            assert_eq!(hours, due, "{minute} minutes on");
            let first = begins.is_some_and(|begins| begins == start);
            assert!(first || hours == 0, "the log begins {begins:?}");
            assert!((liters - minute as f64 / 60.0).abs() < 1e-9, "{liters} L");
            keeper.look("a", now, draw(1000)).expect("looks");
        }
    }

    #[test]
    fn an_hour_that_the_journal_does_not_take_is_tried_again() {
        let lines = Arc::new(Full::default());
        let (mut keeper, _) = Keeper::open(lines.clone()).expect("opens");
        let start = at("2023-06-05T00:00:00Z");
        for minute in [0, 10, 20, 30, 40, 50] {
            let now = start + TimeDelta::minutes(minute);
            keeper.look("a", now, draw(1000)).expect("looks");
        }
        *lines.full.lock().expect("a flag") = true;
        for minute in [60, 70] {
            let now = start + TimeDelta::minutes(minute);
            assert!(keeper.look("a", now, draw(1000)).is_err());
        }
        *lines.full.lock().expect("a flag") = false;
        keeper
            .look("a", start + TimeDelta::minutes(72), draw(1000))
            .expect("looks again");
        let (liters, hours, _) = keeper.since("a", start);
        assert_eq!(hours, 1);
        assert!((liters - 1.2).abs() < 1e-9, "{liters} L");
    }

    /// A disk that is full for a while.
    #[derive(Default)]
    struct Full {
        lines: Lines,
        full: Mutex<bool>,
    }

    impl Journal for Full {
        fn append(&self, lines: &[u8]) -> Result<(), String> {
            if *self.full.lock().expect("a flag") {
                return Err("no space left on device".into());
            }
            self.lines.append(lines)
        }
        fn read(&self) -> Result<Vec<u8>, String> {
            self.lines.read()
        }
    }

    #[test]
    fn a_torn_last_line_does_not_swallow_the_next() {
        let lines = Arc::new(Lines(Mutex::new(
            b"{\"schema\":\"commonwatt.dev/rec".to_vec(),
        )));
        let (mut keeper, problems) = Keeper::open(lines.clone()).expect("opens");
        assert_eq!(problems.len(), 1);
        keeper
            .look("a", at("2023-06-05T00:00:00Z"), draw(1))
            .expect("looks");
        keeper
            .look("a", at("2023-06-05T00:10:00Z"), draw(1))
            .expect("looks");
        let decision = Decision {
            what: DecisionKind::Placed,
            workload: Workload::Open("models/chat".into()),
            replicas_before: 0,
            replicas_after: 1,
            watts_before: Watts(0),
            watts_after: Watts(1),
            reason: "Cheapest".into(),
            detail: String::new(),
            limit: None,
            moved_to: None,
        };
        keeper
            .decide("a", at("2023-06-05T00:10:00Z"), decision.clone())
            .expect("decides");
        keeper
            .decide("a", at("2023-06-05T00:11:00Z"), decision)
            .expect("says nothing twice");
        assert_eq!(Keeper::open(lines).expect("opens").0.records().len(), 1);
    }
}
