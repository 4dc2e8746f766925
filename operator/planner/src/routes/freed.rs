//! Where room was freed, and who has looked since: a deployment that found nothing better looks again only when some was.

use crate::instance::Instance;

/// When each shared row was last used less.
#[derive(Clone)]
pub(super) struct Freed {
    now: u64,
    power: Vec<u64>,
    stocks: Vec<u64>,
    tenants: Vec<u64>,
    moves: u64,
    /// When each deployment last looked.
    looked: Vec<u64>,
}

impl Freed {
    pub(super) fn new(instance: &Instance<'_>) -> Self {
        Self {
            now: 1,
            power: vec![1; instance.power.len()],
            stocks: vec![1; instance.stocks.len()],
            tenants: vec![1; instance.tenants.len()],
            moves: 1,
            looked: vec![0; instance.demands.len()],
        }
    }

    /// Everybody has reason to look again.
    pub(super) fn all(&mut self) {
        self.looked.fill(0);
    }

    /// A deployment left places that it had.
    pub(super) fn left(&mut self, instance: &Instance<'_>, index: usize, had: &[Vec<u32>]) {
        self.now += 1;
        self.moves = self.now;
        let demand = &instance.demands[index];
        for (at, place) in demand.places.iter().enumerate() {
            if had.iter().all(|counts| counts[at] == 0) {
                continue;
            }
            for row in instance.power_of(place) {
                self.power[*row] = self.now;
            }
            for (stock, _) in &instance.site_of(place).stocks {
                self.stocks[*stock] = self.now;
            }
            if let Some(tenant) = place.tenant {
                self.tenants[tenant] = self.now;
            }
        }
        // Its own costs are others now.
        self.looked[index] = 0;
    }

    /// Whether anything was freed that a deployment could use since it last looked; it has looked now.
    pub(super) fn look(&mut self, instance: &Instance<'_>, index: usize) -> bool {
        let since = std::mem::replace(&mut self.looked[index], self.now);
        if since == 0 {
            return true;
        }
        let demand = &instance.demands[index];
        let limited = instance.moves_per_slot[demand.policy_index] < u32::MAX && !demand.newcomer;
        (limited && self.moves > since)
            || demand.places.iter().any(|place| {
                let power = instance.power_of(place).iter();
                let stocks = instance.site_of(place).stocks.iter();
                power.map(|row| self.power[*row]).any(|at| at > since)
                    || stocks
                        .map(|(stock, _)| self.stocks[*stock])
                        .any(|at| at > since)
                    || place
                        .tenant
                        .is_some_and(|tenant| self.tenants[tenant] > since)
            })
    }
}
