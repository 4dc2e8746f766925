//! What may be drawn, and who says so: every declared limit as IT watts at an instant, the lowest counts.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use commonwatt_api::PowerBoundary;
use commonwatt_fleet::Watts;

use crate::windows::Window;

/// A `PowerBudget` that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// Where it counts.
    pub boundary: PowerBoundary,
    /// Outside all windows.
    pub limit: Watts,
    /// Load inside the boundary that nobody governs.
    pub unmanaged: Watts,
    /// Windows.
    pub windows: Vec<Window>,
    /// How slowly it is climbed back after a window, seconds.
    pub ramp_seconds: i64,
}

/// A `GridEvent` that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// When the target begins to count.
    pub start: DateTime<Utc>,
    /// When it ends.
    pub end: DateTime<Utc>,
    /// How slowly it is climbed back afterwards, seconds.
    pub ramp_seconds: i64,
    /// Facility watts.
    pub target: Watts,
}

/// Everything that limits a site's power.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The site's time zone.
    pub zone: Tz,
    /// What the connection carries, facility watts.
    pub connection: Watts,
    /// Budgets.
    pub budgets: Vec<Budget>,
    /// Grid events.
    pub calls: Vec<Call>,
    /// Commitments to communities: name and facility watts.
    pub commitments: Vec<(String, Watts)>,
    /// Objects that should limit but cannot be read: until they are mended nothing may grow beyond this many IT watts.
    pub unreadable: Vec<(String, Watts)>,
}

/// A limit in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// IT watts that governed work may be charged.
    pub watts: Watts,
    /// Which object says so.
    pub set_by: String,
}

impl Budget {
    /// Watts at its boundary at an instant: the lowest window in force, or on the way back up after one.
    pub fn at(&self, at: DateTime<Utc>, zone: Tz) -> Watts {
        let windowed = self.windows.iter().filter_map(|window| {
            let (_, end) = window.last_occurrence(at, zone)?;
            Some(climb(window.limit, self.limit, at, end, self.ramp_seconds))
        });
        windowed.fold(self.limit, Ord::min)
    }
}

/// The limit at `at` when a lower one ended at `end`: a straight line up over the ramp. A "lower" one that is higher
/// does not lift the limit.
fn climb(
    lower: Watts,
    normal: Watts,
    at: DateTime<Utc>,
    end: DateTime<Utc>,
    ramp_seconds: i64,
) -> Watts {
    if lower >= normal || at < end {
        return lower.min(normal);
    }
    let passed = (at - end).num_seconds();
    if passed >= ramp_seconds {
        return normal;
    }
    lower + Watts((normal - lower).0 * passed / ramp_seconds.max(1))
}

impl Limits {
    /// Facility watts that nobody governs: the most that any facility budget declares, or an IT one times the PUE.
    pub fn unmanaged_facility(&self, pue: f64) -> Watts {
        let declared = self.budgets.iter().map(|budget| match budget.boundary {
            PowerBoundary::Facility => budget.unmanaged,
            PowerBoundary::It => budget.unmanaged.scaled_up(pue),
        });
        declared.max().unwrap_or(Watts::ZERO)
    }

    /// The lowest limit at an instant, as IT watts of governed work at the PUE of the hour.
    pub fn at(&self, at: DateTime<Utc>, pue: f64) -> InForce {
        let pue = pue.max(1.0);
        let unmanaged = self.unmanaged_facility(pue);
        let from_facility = |watts: Watts| watts.saturating_sub(unmanaged).scaled_down(1.0 / pue);
        let mut lowest = InForce {
            watts: from_facility(self.connection),
            set_by: "connection".into(),
        };
        let mut consider = |watts: Watts, set_by: String| {
            if watts < lowest.watts {
                lowest = InForce { watts, set_by };
            }
        };
        for budget in &self.budgets {
            let left = budget.at(at, self.zone).saturating_sub(budget.unmanaged);
            let watts = match budget.boundary {
                PowerBoundary::It => left,
                PowerBoundary::Facility => left.scaled_down(1.0 / pue),
            };
            consider(watts, format!("powerbudget/{}", budget.name));
        }
        for (name, watts) in &self.commitments {
            consider(from_facility(*watts), format!("hostcommunity/{name}"));
        }
        for (name, watts) in &self.unreadable {
            consider(*watts, name.clone());
        }
        let normal = lowest.watts;
        for call in &self.calls {
            let target = from_facility(call.target);
            if at >= call.start && target < normal {
                let watts = climb(target, normal, at, call.end, call.ramp_seconds);
                if watts < lowest.watts {
                    lowest = InForce {
                        watts,
                        set_by: format!("gridevent/{}", call.name),
                    };
                }
            }
        }
        lowest
    }

    /// The lowest limit inside an hour: looked at every five minutes, the shortest that a declared time can be off by.
    pub fn lowest_within(&self, start: DateTime<Utc>, seconds: u32, pue: f64) -> InForce {
        let mut lowest = self.at(start, pue);
        for step in 1..=i64::from(seconds) / 300 {
            let at = (start + TimeDelta::seconds(step * 300))
                .min(start + TimeDelta::seconds(i64::from(seconds) - 1));
            let here = self.at(at, pue);
            if here.watts < lowest.watts {
                lowest = here;
            }
        }
        lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn limits() -> Limits {
        Limits {
            zone: Tz::UTC,
            connection: Watts(2_000_000),
            budgets: vec![Budget {
                name: "feeder".into(),
                boundary: PowerBoundary::Facility,
                limit: Watts(1_200_000),
                unmanaged: Watts(200_000),
                windows: vec![Window {
                    days: vec![],
                    start: 17 * 60,
                    end: 21 * 60,
                    limit: Watts(700_000),
                }],
                ramp_seconds: 3600,
            }],
            calls: vec![],
            commitments: vec![],
            unreadable: vec![],
        }
    }

    #[test]
    fn a_facility_limit_leaves_it_watts_after_unmanaged_load_and_cooling() {
        let in_force = limits().at(at("2023-06-05T12:00:00Z"), 1.25);
        assert_eq!(
            (in_force.watts, in_force.set_by.as_str()),
            (Watts(800_000), "powerbudget/feeder")
        );
    }

    #[test]
    fn an_evening_window_lowers_the_limit_and_is_climbed_back_slowly() {
        let limits = limits();
        assert_eq!(
            limits.at(at("2023-06-05T18:00:00Z"), 1.0).watts,
            Watts(500_000)
        );
        assert_eq!(
            limits.at(at("2023-06-05T21:30:00Z"), 1.0).watts,
            Watts(750_000)
        );
        assert_eq!(
            limits.at(at("2023-06-05T22:00:00Z"), 1.0).watts,
            Watts(1_000_000)
        );
        assert_eq!(
            limits
                .lowest_within(at("2023-06-05T16:00:00Z"), 3600, 1.0)
                .watts,
            Watts(1_000_000)
        );
        assert_eq!(
            limits
                .lowest_within(at("2023-06-05T20:00:00Z"), 3600, 1.0)
                .watts,
            Watts(500_000)
        );
    }

    #[test]
    fn the_stricter_of_an_event_and_a_window_counts() {
        let mut limits = limits();
        limits.calls.push(Call {
            name: "drill".into(),
            start: at("2023-06-05T18:00:00Z"),
            end: at("2023-06-05T19:00:00Z"),
            ramp_seconds: 600,
            target: Watts(400_000),
        });
        let in_force = limits.at(at("2023-06-05T18:30:00Z"), 1.0);
        assert_eq!(
            (in_force.watts, in_force.set_by.as_str()),
            (Watts(200_000), "gridevent/drill")
        );
        assert_eq!(
            limits.at(at("2023-06-05T19:30:00Z"), 1.0).set_by,
            "powerbudget/feeder"
        );
        assert_eq!(
            limits.at(at("2023-06-05T19:05:00Z"), 1.0).watts,
            Watts(350_000)
        );
    }

    #[test]
    fn a_limit_that_cannot_be_read_stops_growth_rather_than_lifting_the_limit() {
        let mut limits = limits();
        limits
            .unreadable
            .push(("powerbudget/broken (invalid)".into(), Watts(100_000)));
        assert_eq!(
            limits.at(at("2023-06-05T12:00:00Z"), 1.0).watts,
            Watts(100_000)
        );
    }
}
