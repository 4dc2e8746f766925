//! What is left of a site in an hour while something is decided there: watts and places on nodes, what runs charged at the larger
//! of before and after, and water.

use std::collections::BTreeMap;

use commonwatt_fleet::{Pool, Product, Site, SiteId, Variant, Watts, World, physics};

/// Sizes that count on nodes.
const WIDTHS: [u32; 4] = [1, 2, 4, 8];

/// A pool's places by [`WIDTHS`]: those that there are, less those that are taken.
type Places = [i64; WIDTHS.len()];

/// One site.
#[derive(Debug)]
pub(super) struct Room<'w> {
    site: &'w Site,
    /// Watts that nothing is charged for; below zero where what runs is above the limit.
    free: i64,
    /// Watts below the limit without what stops.
    below: i64,
    /// Litres.
    water: f64,
    places: BTreeMap<Product, Places>,
}

impl<'w> Room<'w> {
    /// All sites of a world with what runs in them.
    pub(super) fn all(world: &'w World) -> BTreeMap<&'w SiteId, Self> {
        let mut rooms: BTreeMap<_, _> = world
            .sites
            .iter()
            .map(|(id, site)| (id, Self::empty(site)))
            .collect();
        for deployment in world.deployments.values() {
            for (id, held) in &deployment.committed {
                let Some(room) = rooms.get_mut(id) else {
                    continue;
                };
                for variant in &deployment.variants {
                    let runs = held.get(&variant.name).map_or(0, |held| held.replicas);
                    room.charge(variant, runs);
                }
            }
        }
        rooms
    }

    fn empty(site: &'w Site) -> Self {
        let limit = site.hour(0).limit.0;
        let places = |pool: &Pool| WIDTHS.map(|width| i64::from(pool.replicas_of(width)));
        let pools = site.pools.iter();
        Self {
            site,
            free: limit,
            below: limit,
            water: site
                .water
                .as_ref()
                .map_or(f64::INFINITY, |stock| stock.allowance(1.0).0),
            places: pools
                .map(|(product, pool)| (product.clone(), places(pool)))
                .collect(),
        }
    }

    fn charge(&mut self, variant: &Variant, count: u32) {
        self.free -= variant.watts.times(count).0;
        self.occupy(&variant.product, variant.accelerators, count);
    }

    fn occupy(&mut self, product: &Product, size: u32, count: u32) {
        let places = self.places.get_mut(product).into_iter().flatten();
        for (left, width) in places.zip(WIDTHS) {
            *left -= i64::from(size / width) * i64::from(count);
        }
    }

    /// How many replicas more may run than `now`, of which `before` ran already.
    pub(super) fn more(&self, variant: &Variant, now: u32, before: u32) -> u32 {
        let watts = variant.watts.0.max(1);
        let kept = before.saturating_sub(now);
        let grown = if self.free < 0 {
            0
        } else {
            (self.free / watts).min(self.fitting(&variant.product, variant.accelerators))
        };
        let by_power = (i64::from(kept) + grown.max(0)).min(self.below / watts);
        let by_water = self.water / self.liters(variant.watts);
        (by_power.max(0) as f64).min(by_water.max(0.0)) as u32
    }

    /// So many more run.
    pub(super) fn take(&mut self, variant: &Variant, now: u32, before: u32, more: u32) {
        let new = (now + more).saturating_sub(before.max(now));
        self.charge(variant, new);
        self.draw(variant.watts.times(more));
    }

    /// Whether a job fits.
    pub(super) fn fits(&self, product: &Product, size: u32, watts: Watts) -> bool {
        watts.0 <= self.free.min(self.below)
            && self.fitting(product, size) > 0
            && self.liters(watts) <= self.water
    }

    /// A job runs.
    pub(super) fn run(&mut self, product: &Product, size: u32, watts: Watts) {
        self.free -= watts.0;
        self.occupy(product, size, 1);
        self.draw(watts);
    }

    fn draw(&mut self, watts: Watts) {
        self.below -= watts.0;
        self.water -= self.liters(watts);
    }

    fn liters(&self, watts: Watts) -> f64 {
        physics::water(watts, self.site.hour(0), 1.0).0
    }

    /// How many of a size the nodes have places for.
    fn fitting(&self, product: &Product, size: u32) -> i64 {
        let places = self.places.get(product).into_iter().flatten();
        let of_width = places
            .zip(WIDTHS)
            .filter(|(_, width)| *width <= size)
            .map(|(left, width)| left / i64::from(size / width));
        of_width.min().unwrap_or(0)
    }
}
