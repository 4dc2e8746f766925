//! Seasons that a policy is followed through, hour by hour.

use commonwatt_fleet::World;

use super::account::Tally;
use super::adapter::Moment;
use super::state::{Decision, State};
use super::trace::{DAY, DAYS, Trace};
use crate::{Data, DataError};

pub use super::adapter::Knowledge;

/// The first hours of each season.
#[derive(Debug, Clone)]
pub struct Sample {
    trace: Trace,
    hours: usize,
}

/// What a policy is told.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Of hours to come.
    pub knowledge: Knowledge,
    /// The price of carbon, USD per tonne.
    pub carbon_price: f64,
}

impl Sample {
    /// So many days of each season.
    ///
    /// # Errors
    /// [`DataError`] where the data is not there, or is not what it should be.
    pub fn read(data: &Data, days: usize) -> Result<Self, DataError> {
        Ok(Self::of(Trace::read(data)?, days))
    }

    pub(super) fn of(trace: Trace, days: usize) -> Self {
        let hours = days.min(DAYS) * DAY;
        Self { trace, hours }
    }

    /// How many seasons there are.
    pub fn seasons(&self) -> usize {
        self.trace.seasons.len()
    }

    /// Hours of each season.
    pub fn hours(&self) -> usize {
        self.hours
    }

    /// Jobs of all seasons.
    pub fn jobs(&self) -> usize {
        self.trace
            .seasons
            .iter()
            .map(|season| season.jobs.len())
            .sum()
    }

    /// What a policy comes to that begins a season with nothing running and decides each hour on a world that begins with it.
    pub fn follow(
        &self,
        season: usize,
        view: View,
        mut decide: impl FnMut(&World) -> Decision,
    ) -> Tally {
        let season = &self.trace.seasons[season];
        let mut state = State::new(season);
        let mut tally = Tally::default();
        for hour in 0..self.hours {
            let moment = Moment {
                trace: &self.trace,
                season,
                hour,
                knowledge: view.knowledge,
                carbon_price: view.carbon_price,
            };
            let world = moment.world(&state);
            let decision = decide(&world);
            tally.hour(&world, &decision);
            state.pass(&world, &decision);
        }
        tally.end(self.hours, &state);
        tally
    }
}
