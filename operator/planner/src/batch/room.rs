//! What serving, and the jobs that are placed, leave.

use std::collections::BTreeMap;

use commonwatt_fleet::{BatchJob, CostParts, JobShape, Product, Watts};

use crate::instance::Instance;
use crate::rows::{hour_of, policy_of};
use crate::schedule::Schedule;
use crate::windows::{Draw, Hours, Window};

/// One way to do a job: at a site, on a product.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'i> {
    pub site: usize,
    pub pool: usize,
    pub product: &'i Product,
    pub shape: JobShape,
    /// Index of a pod's size in its pool's counts.
    pub size: Option<usize>,
    /// When the job may run there.
    pub window: Window,
    /// Row of the tenant's cap.
    pub tenant: Option<usize>,
    /// Whether it keeps to what the pool's reserve leaves.
    pub outside_reserve: bool,
}

impl Way<'_> {
    pub(crate) fn watts(&self) -> i64 {
        self.shape.watts().0.max(0)
    }
}

/// Room for batch by slot. Stocks are counted in whole millionths, so that what is given back is what was taken.
pub(crate) struct Room<'i> {
    instance: &'i Instance<'i>,
    /// Watts free by slot and power row; below zero where nothing may start.
    pub(crate) watts: Vec<Vec<i64>>,
    /// Replicas and pods charged by slot, pool and size.
    pub(crate) pools: Vec<Vec<Vec<u32>>>,
    /// Slot and pool in which nothing may start.
    pool_over: Vec<Vec<bool>>,
    /// Accelerators of those outside the reserve, by slot and pool.
    pub(crate) outside: Vec<Vec<i64>>,
    /// Accelerators and watts by slot and tenant with a cap.
    pub(crate) tenants: Vec<Vec<(i64, i64)>>,
    /// Millionths left for the horizon, by stock.
    stocks: Vec<i64>,
    /// Cost of a watt for a slot, by policy, pool and slot.
    rates: BTreeMap<&'i str, Vec<Vec<f64>>>,
}

impl<'i> Room<'i> {
    pub(crate) fn new(instance: &'i Instance<'i>, schedule: &Schedule) -> Self {
        let watts = schedule.ledgers.iter().map(|ledger| {
            let free = |row: usize| {
                if ledger.over[row] {
                    -1
                } else {
                    instance.power[row].limit[ledger.slot] - ledger.charged[row]
                }
            };
            (0..instance.power.len()).map(free).collect()
        });
        let ledgers = || schedule.ledgers.iter();
        let left = instance.stocks.iter().zip(&schedule.stock_used);
        let policies = instance
            .world
            .jobs
            .values()
            .map(|job| (job.policy.as_str(), Vec::new()));
        let mut rates: BTreeMap<_, _> = policies.collect();
        for (policy, rates) in &mut rates {
            *rates = watt_rates(instance, policy);
        }
        Self {
            instance,
            watts: watts.collect(),
            pools: ledgers().map(|l| l.pool_charged.clone()).collect(),
            pool_over: ledgers().map(|l| l.pool_over.clone()).collect(),
            outside: ledgers().map(|l| l.outside.clone()).collect(),
            tenants: ledgers().map(|l| l.tenants.clone()).collect(),
            stocks: left
                .map(|(row, used)| ((row.allowance - used).max(0.0) * 1e6).floor() as i64)
                .collect(),
            rates,
        }
    }

    /// The hours of one way as they are now.
    pub(crate) fn hours(&mut self, job: &BatchJob, way: &Way<'_>) -> Hours {
        let slots = 0..self.instance.slots;
        let heard = if way.window.interruptible {
            self.instance.sites[way.site].past_offer
        } else {
            slots.end
        };
        let open = slots
            .clone()
            .map(|slot| way.window.first <= slot && slot < heard && self.fits(way, slot));
        let open = open.collect();
        let accelerators = self.instance.pools[way.pool].pool.price_per_hour.0
            * f64::from(way.shape.accelerators())
            * self.instance.hours;
        let rates = self.rates.get(job.policy.as_str());
        let rate = |slot: usize| rates.map_or(0.0, |rates| rates[way.pool][slot]);
        let cost = |slot| way.watts() as f64 * rate(slot) + accelerators;
        Hours {
            open,
            cost: slots.map(cost).collect(),
            draws: (self.instance.sites[way.site].stocks.iter())
                .map(|(stock, each)| Draw {
                    left: self.stocks[*stock],
                    takes: each.iter().map(|one| micro(way, *one)).collect(),
                })
                .collect(),
        }
    }

    fn fits(&mut self, way: &Way<'_>, slot: usize) -> bool {
        let mut power = self.instance.pools[way.pool].power.iter();
        power.all(|row| self.watts[slot][*row] >= way.watts())
            && !self.pool_over[slot][way.pool]
            && self.holder_fits(way, slot)
            && self.most_pods(way, slot) >= way.shape.pods
    }

    /// Whether the pool's reserve and the tenant's caps leave room.
    fn holder_fits(&self, way: &Way<'_>, slot: usize) -> bool {
        let (pool, need) = (
            &self.instance.pools[way.pool],
            i64::from(way.shape.accelerators()),
        );
        if let Some(most) = pool.unreserved.filter(|_| way.outside_reserve)
            && self.outside[slot][way.pool] + need > i64::from(most)
        {
            return false;
        }
        way.tenant.is_none_or(|tenant| {
            let (held, watts) = self.tenants[slot][tenant];
            let cap = &self.instance.tenants[tenant];
            held + need <= cap.accelerators && watts.saturating_add(way.watts()) <= cap.watts
        })
    }

    /// Pods of a way's size that its pool still takes.
    pub(crate) fn most_pods(&mut self, way: &Way<'_>, slot: usize) -> u32 {
        let nodes = self.instance.pools[way.pool].nodes_in(slot);
        match way.size {
            Some(size) => nodes.most(&mut self.pools[slot][way.pool], size),
            None => u32::MAX,
        }
    }

    pub(crate) fn take(&mut self, way: &Way<'_>, slots: &[usize]) {
        self.shift(way, slots, 1);
        if let Some(size) = way.size {
            for slot in slots {
                self.pools[*slot][way.pool][size] += way.shape.pods;
            }
        }
    }

    pub(crate) fn give_back(&mut self, way: &Way<'_>, slots: &[usize]) {
        self.shift(way, slots, -1);
        if let Some(size) = way.size {
            for slot in slots {
                self.pools[*slot][way.pool][size] -= way.shape.pods;
            }
        }
    }

    fn shift(&mut self, way: &Way<'_>, slots: &[usize], sign: i64) {
        let instance = self.instance;
        let (watts, accelerators) = (
            way.watts() * sign,
            i64::from(way.shape.accelerators()) * sign,
        );
        for slot in slots {
            for row in &instance.pools[way.pool].power {
                self.watts[*slot][*row] -= watts;
            }
            for (stock, each) in &instance.sites[way.site].stocks {
                self.stocks[*stock] -= micro(way, each[*slot]) * sign;
            }
            if way.outside_reserve {
                self.outside[*slot][way.pool] += accelerators;
            }
            if let Some(tenant) = way.tenant {
                let held = &mut self.tenants[*slot][tenant];
                *held = (held.0 + accelerators, held.1.saturating_add(watts));
            }
        }
    }
}

/// What a way takes of a stock in a slot, by what a watt takes; rounded up.
fn micro(way: &Way<'_>, each: f64) -> i64 {
    (way.watts() as f64 * each * 1e6).ceil() as i64
}

/// What a watt costs for a slot under a policy, by pool and slot.
fn watt_rates(instance: &Instance<'_>, policy: &str) -> Vec<Vec<f64>> {
    let policy = policy_of(instance.world, policy);
    let mut rates = vec![Vec::new(); instance.pools.len()];
    for ((site, _), index) in &instance.pool_index {
        let (site, pool) = (instance.sites[*site].site, instance.pools[*index].pool);
        let rate = |slot| {
            let hour = hour_of(site, slot);
            let million = Watts(1_000_000);
            let cost = CostParts::running(site, hour, pool, policy, million, 0, instance.hours);
            cost.total().0 / 1e6
        };
        rates[*index] = (0..instance.slots).map(rate).collect();
    }
    rates
}

/// What a job's slots cost on a way, pauses and waiting included.
pub(crate) fn job_cost(
    instance: &Instance<'_>,
    job: &BatchJob,
    way: &Way<'_>,
    slots: &[usize],
) -> CostParts {
    let Some(last) = slots.last() else {
        return CostParts::default();
    };
    let mut cost: CostParts = slots
        .iter()
        .map(|slot| slot_cost(instance, job, (way.site, way.pool), &way.shape, *slot))
        .sum();
    let terms = &way.window.terms;
    cost.moves.0 += terms.restart * f64::from(terms.restarts(slots));
    cost.waiting.0 += terms.waiting * terms.waited(*last);
    cost
}

/// What a job's slot costs on a pool.
pub(crate) fn slot_cost(
    instance: &Instance<'_>,
    job: &BatchJob,
    (site, pool): (usize, usize),
    shape: &JobShape,
    slot: usize,
) -> CostParts {
    let site = instance.sites[site].site;
    CostParts::running(
        site,
        hour_of(site, slot),
        instance.pools[pool].pool,
        policy_of(instance.world, &job.policy),
        Watts(shape.watts().0.max(0)),
        shape.accelerators(),
        instance.hours,
    )
}
