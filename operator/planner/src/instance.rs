//! The world in rows and numbers: coupling rows, and deployments with the places that the search looks at.

use std::ops::Deref;

use commonwatt_fleet::{CostParts, Watts};

use crate::demand::{Demand, Place};
use crate::rows::{Rows, SiteRow, hour_of};

pub(crate) struct Instance<'w> {
    rows: Rows<'w>,
    pub demands: Vec<Demand<'w>>,
}

impl<'w> Deref for Instance<'w> {
    type Target = Rows<'w>;
    fn deref(&self) -> &Rows<'w> {
        &self.rows
    }
}

impl<'w> Instance<'w> {
    /// Rows and deployments with their places.
    pub(crate) fn new(rows: Rows<'w>, demands: Vec<Demand<'w>>) -> Self {
        Self { rows, demands }
    }

    pub(crate) fn site_of(&self, place: &Place) -> &SiteRow<'w> {
        &self.sites[place.site]
    }

    /// Power rows that a place draws under.
    pub(crate) fn power_of(&self, place: &Place) -> &[usize] {
        match place.pool {
            Some(pool) => &self.pools[pool].power,
            None => &self.sites[place.site].power,
        }
    }

    /// What one replica at a place costs in one slot, by part.
    pub(crate) fn running(&self, demand: &Demand<'_>, place: &Place, slot: usize) -> CostParts {
        let site = self.sites[place.site].site;
        match place.pool {
            Some(pool) => CostParts::running(
                site,
                hour_of(site, slot),
                self.pools[pool].pool,
                demand.policy,
                Watts(place.watts),
                place.accelerators,
                self.hours,
            ),
            None => CostParts::default(),
        }
    }
}
