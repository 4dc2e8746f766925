//! Limits that were passed: noticed when load has been over for longer than it may take to fall, written when it begins
//! and again when it has ended.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_fleet::Watts;
use commonwatt_ledger::{Body, Breach, Record};

use crate::model::SiteModel;
use crate::snapshot::Snapshot;

/// How long load may take to fall under a limit that no event gives a ramp for, seconds: pods get time to end.
const FALL_SECONDS: i64 = 900;

/// A limit and what is held against it at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    /// Which limit, by its object.
    pub which: String,
    /// Who set it.
    pub set_by: String,
    /// The limit.
    pub limit: f64,
    /// What there is.
    pub value: f64,
    /// The unit of both.
    pub unit: &'static str,
    /// How long load may take to fall, seconds.
    pub allowed_seconds: i64,
    /// Why, in words.
    pub why: String,
}

/// What a site's limits are and what is held against them now: facility watts charged, litres used.
pub(crate) fn against(
    snapshot: &Snapshot,
    model: &SiteModel,
    pue: f64,
    unmanaged: Watts,
) -> Vec<Against> {
    let ramp = model
        .limits
        .calls
        .iter()
        .find(|call| snapshot.set_by == format!("gridevent/{}", call.name))
        .map_or(FALL_SECONDS, |call| call.ramp_seconds);
    let power = Against {
        which: snapshot.set_by.clone(),
        set_by: snapshot.set_by.clone(),
        limit: (snapshot.limit.scaled_up(pue) + unmanaged).0 as f64,
        value: snapshot.facility.charged.0 as f64,
        unit: "W",
        allowed_seconds: ramp,
        why: "what was admitted had not gone when the time to fall was over".into(),
    };
    let water = model.waters.iter().map(|water| Against {
        which: format!("waterbudget/{}", water.name),
        set_by: water.stage.as_ref().map_or_else(
            || format!("waterbudget/{}", water.name),
            |(stage, authority, _)| format!("{stage}, declared by {authority}"),
        ),
        limit: water.cap,
        value: water.used,
        unit: "L",
        allowed_seconds: 0,
        why: "what was used or not recorded in this period is above the cap".into(),
    });
    std::iter::once(power).chain(water).collect()
}

/// A limit that is being passed.
#[derive(Debug, Clone)]
struct Over {
    from: DateTime<Utc>,
    worst: Against,
    written: bool,
}

/// What is being passed now, by site and limit.
#[derive(Debug, Default)]
pub struct Breaches(BTreeMap<(String, String), Over>);

impl Breaches {
    /// Those that the log says have begun and not ended.
    pub fn of(records: &[Record]) -> Self {
        let mut open = BTreeMap::new();
        for record in records {
            let Body::Breach(breach) = &record.body else {
                continue;
            };
            let key = (record.site.to_string(), breach.which.clone());
            if breach.until.is_some() {
                open.remove(&key);
                continue;
            }
            let worst = Against {
                which: breach.which.clone(),
                set_by: breach.set_by.clone(),
                limit: breach.limit,
                value: breach.value,
                unit: if breach.unit == "L" { "L" } else { "W" },
                allowed_seconds: 0,
                why: breach.why.clone(),
            };
            let over = Over {
                from: breach.from,
                worst,
                written: true,
            };
            open.insert(key, over);
        }
        Self(open)
    }

    /// How many limits of a site the log says are being passed.
    pub fn open(&self, site: &str) -> usize {
        let written = self.0.iter().filter(|(_, over)| over.written);
        written.filter(|((of, _), _)| of == site).count()
    }

    /// Looks at a limit. Gives what is to be written, if anything is.
    pub fn look(&mut self, site: &str, now: DateTime<Utc>, seen: Against) -> Option<Breach> {
        let key = (site.to_owned(), seen.which.clone());
        if seen.value <= seen.limit {
            let over = self.0.remove(&key).filter(|over| over.written)?;
            return Some(breach(&over, Some(now)));
        }
        let over = self.0.entry(key).or_insert_with(|| Over {
            from: now,
            worst: seen.clone(),
            written: false,
        });
        if seen.value - seen.limit > over.worst.value - over.worst.limit {
            over.worst = seen.clone();
        }
        if over.written || (now - over.from).num_seconds() < seen.allowed_seconds {
            return None;
        }
        over.written = true;
        Some(breach(over, None))
    }

    /// Ends what is being passed at a limit that does not bind any more, such as an event that is over.
    pub fn end_others(
        &mut self,
        site: &str,
        now: DateTime<Utc>,
        binding: &[String],
    ) -> Vec<Breach> {
        let gone: Vec<(String, String)> = self
            .0
            .keys()
            .filter(|(of, which)| of == site && !binding.contains(which))
            .cloned()
            .collect();
        gone.iter()
            .filter_map(|key| self.0.remove(key).filter(|over| over.written))
            .map(|over| breach(&over, Some(now)))
            .collect()
    }
}

fn breach(over: &Over, until: Option<DateTime<Utc>>) -> Breach {
    Breach {
        which: over.worst.which.clone(),
        set_by: over.worst.set_by.clone(),
        limit: over.worst.limit,
        value: over.worst.value,
        unit: over.worst.unit.to_owned(),
        from: over.from,
        until,
        why: over.worst.why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use commonwatt_fleet::SiteId;
    use commonwatt_ledger::RecordSchema;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        let start: DateTime<Utc> = "2023-06-05T18:00:00Z".parse().expect("a time");
        start + TimeDelta::minutes(minute)
    }

    fn watts(value: f64) -> Against {
        Against {
            which: "powerbudget/feeder".into(),
            set_by: "powerbudget/feeder".into(),
            limit: 1000.0,
            value,
            unit: "W",
            allowed_seconds: 600,
            why: "still falling".into(),
        }
    }

    #[test]
    fn load_that_falls_within_the_ramp_is_no_breach() {
        let mut breaches = Breaches::default();
        assert_eq!(breaches.look("a", at(0), watts(1500.0)), None);
        assert_eq!(breaches.look("a", at(9), watts(1100.0)), None);
        assert_eq!(breaches.look("a", at(10), watts(1000.0)), None);
    }

    #[test]
    fn a_breach_is_written_once_when_it_begins_and_once_when_it_ends_with_its_worst() {
        let mut breaches = Breaches::default();
        breaches.look("a", at(0), watts(1200.0));
        let begun = breaches.look("a", at(11), watts(1100.0)).expect("begins");
        assert_eq!(
            (begun.from, begun.until, begun.value),
            (at(0), None, 1200.0)
        );
        assert_eq!(breaches.look("a", at(20), watts(1300.0)), None);
        let ended = breaches.look("a", at(25), watts(900.0)).expect("ends");
        assert_eq!(
            (ended.from, ended.until, ended.value),
            (at(0), Some(at(25)), 1300.0)
        );
        assert_eq!(breaches.look("a", at(26), watts(900.0)), None);
    }

    #[test]
    fn a_restart_in_the_middle_of_a_breach_goes_on_with_it() {
        let mut breaches = Breaches::default();
        breaches.look("a", at(0), watts(1200.0));
        let begun = breaches.look("a", at(11), watts(1200.0)).expect("begins");
        let record = Record {
            schema: RecordSchema::V1,
            sequence: 0,
            recorded_at: at(11),
            site: SiteId::from("a"),
            body: Body::Breach(begun),
        };
        let mut again = Breaches::of(&[record]);
        assert_eq!(again.look("a", at(12), watts(1200.0)), None);
        let ended = again.look("a", at(13), watts(1.0)).expect("ends");
        assert_eq!((ended.from, ended.until), (at(0), Some(at(13))));
    }

    #[test]
    fn a_breach_of_a_limit_that_is_gone_is_over() {
        let mut breaches = Breaches::default();
        breaches.look("a", at(0), watts(1200.0));
        breaches.look("a", at(11), watts(1200.0));
        let ended = breaches.end_others("a", at(12), &["gridevent/x".into()]);
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].until, Some(at(12)));
    }
}
