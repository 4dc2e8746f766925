//! The trace hour by hour, each with a plan to its end of which the first hour is kept.

use commonwatt_fleet::Plan;

use super::adapter::{served, world};
use super::trace::{Trace, Use};
use crate::Progress;
use crate::forecast::{persistence, seasonal};
use crate::planning::Planning;

/// What is known in an hour beside what has been.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knowledge {
    /// Days of which the same hour is the forecast; none for the present going on.
    days: usize,
    /// Hours ahead in which prices are known.
    prices: usize,
}

impl Knowledge {
    /// The same hour's mean over three days.
    pub(super) const SEASONAL: Self = Self { days: 3, prices: 0 };
    /// With prices of a day ahead.
    pub(super) const PRICES_A_DAY_AHEAD: Self = Self {
        days: 3,
        prices: 24,
    };
    /// The present goes on.
    pub(super) const PERSISTENCE: Self = Self { days: 0, prices: 0 };

    /// The trace from an hour on, as it is expected then. Nothing after the hour is read, beyond prices that are published.
    pub(super) fn ahead(self, trace: &Trace, hour: usize) -> Trace {
        let from = |series: &[f64], known_ahead: usize| {
            let known = (hour + 1 + known_ahead).min(series.len());
            let rest = series.len() - known;
            let forecast = if self.days == 0 {
                persistence(&series[..known], rest)
            } else {
                seasonal(&series[..known], rest, 24, self.days)
            };
            [&series[hour..known], &forecast].concat()
        };
        trace.mapped(|price| from(price, self.prices), |other| from(other, 0))
    }
}

/// What the planner uses when it knows so much.
pub(super) fn replay(
    trace: &Trace,
    knowledge: Knowledge,
    planning: &Planning,
    progress: &dyn Progress,
) -> Use {
    let mut used = Use::nothing(trace.sites.len());
    for hour in 0..trace.hours() {
        let ahead = knowledge.ahead(trace, hour);
        let plan = planning.plan(&world(&ahead, hour, &used), &Plan::default());
        used.add(trace, hour, &served(&ahead, &plan, 0));
        progress.step();
    }
    used
}

/// What one plan of all hours uses.
pub(super) fn perfect(trace: &Trace, planning: &Planning) -> Use {
    let nothing = Use::nothing(trace.sites.len());
    let plan = planning.plan(&world(trace, 0, &nothing), &Plan::default());
    let mut used = nothing;
    for hour in 0..trace.hours() {
        used.add(trace, hour, &served(trace, &plan, hour));
    }
    used
}
