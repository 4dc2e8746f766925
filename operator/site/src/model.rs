//! Step two of a cycle: declared objects as numbers in units, or a clear word about what is wrong with which.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use commonwatt_api::{
    CommitmentMetric, GridSignal, PowerBudget, Site, WaterBasis, WaterBudget, WaterPeriod,
};
use commonwatt_fleet::{Slots, Watts};
use commonwatt_signals::Spec;

use crate::dereference::Seen;
use crate::hours::{Cooling, Hour, hours};
use crate::limits::{Budget, Call, Limits};
use crate::windows::{Window, period};

/// Something that cannot be used, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Kind of the object.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The reason as one word, from `commonwatt_api::conditions::reasons`.
    pub reason: &'static str,
    /// The field and what is wrong with it.
    pub message: String,
}

/// A site whose objects could be read.
#[derive(Debug, Clone)]
pub struct SiteModel {
    /// The site.
    pub site: Site,
    /// Its time zone.
    pub zone: Tz,
    /// Limits on power.
    pub limits: Limits,
    /// Hours of the horizon.
    pub hours: Vec<Hour>,
    /// PUE and WUE.
    pub cooling: Cooling,
    /// The water budget that leaves least, if there is one.
    pub water: Option<Water>,
    /// All water budgets.
    pub waters: Vec<Water>,
    /// The most the connection carries, facility watts.
    pub connection: Watts,
}

/// A water budget in its present period.
#[derive(Debug, Clone, PartialEq)]
pub struct Water {
    /// Its name.
    pub name: String,
    /// What is counted.
    pub basis: WaterBasis,
    /// The present period.
    pub start: DateTime<Utc>,
    /// Its end.
    pub end: DateTime<Utc>,
    /// The cap at the stage in force, litres.
    pub cap: f64,
    /// The stage in force.
    pub stage: Option<(String, String, f64)>,
    /// Used in this period, litres.
    pub used: f64,
    /// Percent of the period's hours so far with a record.
    pub coverage: f64,
}

impl Water {
    /// Litres left, never below nothing.
    pub fn remaining(&self) -> f64 {
        (self.cap - self.used).max(0.0)
    }

    /// Hours until the period ends.
    pub fn hours_left(&self, now: DateTime<Utc>) -> f64 {
        ((self.end - now).num_seconds() as f64 / 3600.0).max(0.0)
    }

    /// What may be used in a horizon: the pro rata part of what is left. The same formula that the planner keeps to.
    pub fn allowance(&self, now: DateTime<Utc>, horizon_hours: f64) -> f64 {
        let left = self.hours_left(now);
        if left <= 0.0 {
            self.remaining()
        } else {
            self.remaining() * (horizon_hours / left).min(1.0)
        }
    }
}

/// What the ledger knows of a site's water in a period.
pub trait WaterUse {
    /// Litres recorded since `start`, hours with a record, and when the log of the site begins.
    fn since(&self, site: &str, start: DateTime<Utc>) -> (f64, u32, Option<DateTime<Utc>>);
}

/// Signals as series, each with its object.
pub type Signals = BTreeMap<String, (Arc<GridSignal>, Result<Spec, String>)>;

impl SiteModel {
    /// The site's name.
    pub fn name(&self) -> &str {
        self.site.metadata.name.as_deref().unwrap_or_default()
    }

    /// Reads a site and everything that binds it.
    ///
    /// # Errors
    /// What keeps the site from taking part. Problems of single budgets are in `problems` and stop growth, no more.
    pub fn read(
        site: &Site,
        seen: &Seen,
        signals: &Signals,
        ledger: &dyn WaterUse,
        charged: Watts,
        now: DateTime<Utc>,
        slots: &Slots,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, Problem> {
        let name = site.metadata.name.clone().unwrap_or_default();
        let wrong = |message: String| Problem {
            kind: "Site",
            name: name.clone(),
            reason: "Invalid",
            message,
        };
        let zone: Tz = site.spec.location.time_zone.parse().map_err(|_| {
            wrong(format!(
                "spec.location.timeZone: {:?} is no IANA time zone",
                site.spec.location.time_zone
            ))
        })?;
        let cooling = Cooling::read(&site.spec.cooling).map_err(wrong)?;
        let connection = site.spec.connection_watts.value().map(Watts);
        let connection =
            connection.map_err(|error| wrong(format!("spec.connectionWatts: {error}")))?;
        for class in &site.spec.accelerators {
            let field = format!("spec.accelerators[{}]", class.product);
            class
                .hourly_price
                .value()
                .map_err(|error| wrong(format!("{field}.hourlyPrice: {error}")))?;
            class
                .rated_watts
                .value()
                .map_err(|error| wrong(format!("{field}.ratedWatts: {error}")))?;
        }
        site.spec
            .water_scarcity_factor
            .value()
            .map_err(|error| wrong(format!("spec.waterScarcityFactor: {error}")))?;
        let silent = |message: String| Problem {
            reason: "SignalMissing",
            ..wrong(message)
        };
        let hours = hours(site, &cooling, signals, now, slots).map_err(silent)?;
        let mut limits = Limits {
            zone,
            connection,
            budgets: Vec::new(),
            calls: Vec::new(),
            commitments: Vec::new(),
            unreadable: Vec::new(),
        };
        read_limits(&name, seen, charged, &mut limits, problems);
        let waters = read_waters(
            &name, zone, seen, &cooling, connection, ledger, now, problems,
        );
        let scarcest =
            |a: &&Water, b: &&Water| a.allowance(now, 24.0).total_cmp(&b.allowance(now, 24.0));
        Ok(Self {
            site: site.clone(),
            zone,
            limits,
            hours,
            cooling,
            water: waters.iter().min_by(scarcest).cloned(),
            waters,
            connection,
        })
    }
}

/// Budgets, events and commitments of a site.
fn read_limits(
    name: &str,
    seen: &Seen,
    charged: Watts,
    limits: &mut Limits,
    problems: &mut Vec<Problem>,
) {
    for budget in seen.power.iter().filter(|budget| budget.spec.site == name) {
        match read_budget(budget) {
            Ok(read) => limits.budgets.push(read),
            Err(message) => {
                let budget = budget.metadata.name.clone().unwrap_or_default();
                limits
                    .unreadable
                    .push((format!("powerbudget/{budget} (invalid)"), charged));
                problems.push(Problem {
                    kind: "PowerBudget",
                    name: budget,
                    reason: "Invalid",
                    message,
                });
            }
        }
    }
    for event in seen.events.iter().filter(|event| event.spec.site == name) {
        let event_name = event.metadata.name.clone().unwrap_or_default();
        match event.spec.target_watts.value() {
            Ok(target) => limits.calls.push(Call {
                name: event_name,
                start: event.spec.start.0,
                end: event.spec.start.0 + TimeDelta::seconds(event.spec.duration_seconds),
                ramp_seconds: event.spec.ramp_seconds,
                target: Watts(target),
            }),
            Err(error) => problems.push(Problem {
                kind: "GridEvent",
                name: event_name,
                reason: "Invalid",
                message: format!("spec.targetWatts: {error}"),
            }),
        }
    }
    for community in seen
        .communities
        .iter()
        .filter(|community| community.spec.sites.iter().any(|s| s == name))
    {
        let community_name = community.metadata.name.clone().unwrap_or_default();
        for commitment in &community.spec.commitments {
            match commitment.limit.value() {
                Ok(kilowatts) if commitment.metric == CommitmentMetric::PeakImport => {
                    let watts = Watts((kilowatts.max(0.0) * 1000.0) as i64);
                    limits
                        .commitments
                        .push((format!("{community_name}/{}", commitment.name), watts));
                }
                Ok(_) => {}
                Err(error) => problems.push(Problem {
                    kind: "HostCommunity",
                    name: community_name.clone(),
                    reason: "Invalid",
                    message: format!("spec.commitments[{}].limit: {error}", commitment.name),
                }),
            }
        }
    }
}

fn read_budget(budget: &PowerBudget) -> Result<Budget, String> {
    let spec = &budget.spec;
    let windows: Result<Vec<Window>, String> = spec
        .windows
        .iter()
        .enumerate()
        .map(|(index, window)| {
            Window::read(window).map_err(|error| format!("spec.windows[{index}].{error}"))
        })
        .collect();
    Ok(Budget {
        name: budget.metadata.name.clone().unwrap_or_default(),
        boundary: spec.boundary,
        limit: Watts(
            spec.limit
                .value()
                .map_err(|error| format!("spec.limit: {error}"))?,
        ),
        unmanaged: Watts(
            spec.unmanaged_watts
                .value()
                .map_err(|error| format!("spec.unmanagedWatts: {error}"))?,
        ),
        windows: windows?,
        ramp_seconds: spec.ramp_seconds,
    })
}

fn read_waters(
    name: &str,
    zone: Tz,
    seen: &Seen,
    cooling: &Cooling,
    connection: Watts,
    ledger: &dyn WaterUse,
    now: DateTime<Utc>,
    problems: &mut Vec<Problem>,
) -> Vec<Water> {
    let mut waters = Vec::new();
    for budget in seen.water.iter().filter(|budget| budget.spec.site == name) {
        // An hour that nobody recorded counts as if the whole connection had been cooled with the most water.
        let worst_per_hour = connection.over_seconds(3600.0).0 * cooling.worst_wue();
        match read_water(name, budget, zone, worst_per_hour, ledger, now) {
            Ok(water) => waters.push(water),
            Err(message) => {
                let budget = budget.metadata.name.clone().unwrap_or_default();
                problems.push(Problem {
                    kind: "WaterBudget",
                    name: budget.clone(),
                    reason: "Invalid",
                    message,
                });
                waters.push(Water {
                    name: format!("{budget} (invalid)"),
                    basis: WaterBasis::Withdrawal,
                    start: now,
                    end: now + TimeDelta::days(1),
                    cap: 0.0,
                    stage: None,
                    used: 0.0,
                    coverage: 0.0,
                });
            }
        }
    }
    waters
}

fn read_water(
    site: &str,
    budget: &WaterBudget,
    zone: Tz,
    worst_per_hour: f64,
    ledger: &dyn WaterUse,
    now: DateTime<Utc>,
) -> Result<Water, String> {
    let spec = &budget.spec;
    let full = spec
        .cap
        .value()
        .map_err(|error| format!("spec.cap: {error}"))?;
    let (start, end) =
        period(spec.period, now, zone).ok_or("spec.period: this date has no period")?;
    let declared = spec
        .declared
        .as_ref()
        .filter(|declared| declared.since.0 <= now);
    let stage = match declared {
        None => None,
        Some(declared) => {
            let stage = spec
                .stages
                .iter()
                .find(|stage| stage.name == declared.stage);
            let stage = stage.ok_or_else(|| {
                format!(
                    "spec.declared.stage: {:?} is none of spec.stages",
                    declared.stage
                )
            })?;
            Some((
                stage.name.clone(),
                declared.authority.clone(),
                stage.remaining_percent as f64 / 100.0,
            ))
        }
    };
    let (recorded, hours, log_begins) = ledger.since(site, start);
    let opening = match &spec.opening {
        Some(opening) if opening.at.0 >= start && opening.at.0 <= now => Some((
            opening.at.0,
            opening
                .used
                .value()
                .map_err(|error| format!("spec.opening.used: {error}"))?,
        )),
        _ => None,
    };
    // Hours before the agent was installed are nobody's to record: they count only if a register was read.
    let since = opening.map_or_else(|| log_begins.unwrap_or(now).max(start), |(at, _)| at);
    let due = ((now - since).num_seconds().max(0) / 3600) as f64;
    let missing = (due - f64::from(hours)).max(0.0);
    let coverage = if due > 0.0 {
        (f64::from(hours) / due * 100.0).min(100.0)
    } else {
        100.0
    };
    Ok(Water {
        name: budget.metadata.name.clone().unwrap_or_default(),
        basis: spec.basis,
        start,
        end,
        cap: full * stage.as_ref().map_or(1.0, |(_, _, fraction)| *fraction),
        stage,
        used: recorded + opening.map_or(0.0, |(_, used)| used) + missing * worst_per_hour,
        coverage,
    })
}

/// Days, months and years by name, for messages.
pub fn period_name(period: WaterPeriod) -> &'static str {
    match period {
        WaterPeriod::Day => "day",
        WaterPeriod::Month => "month",
        WaterPeriod::Year => "year",
    }
}
