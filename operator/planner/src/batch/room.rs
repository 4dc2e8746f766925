//! What serving, and the jobs that are placed, leave.

use std::collections::BTreeMap;

use commonwatt_fleet::{BatchJob, CostParts, JobShape, Product, Watts};

use crate::instance::{Instance, hour_of, policy_of};
use crate::schedule::Schedule;
use crate::windows::{Hours, Window};

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
}

impl Way<'_> {
    pub(crate) fn watts(&self) -> i64 {
        self.shape.watts().0.max(0)
    }
}

/// Room for batch by slot. Litres are counted in whole millionths, so that what is given back is what was taken.
pub(crate) struct Room<'i> {
    instance: &'i Instance<'i>,
    /// Watts free by slot and site; below zero where nothing may start.
    pub(crate) watts: Vec<Vec<i64>>,
    /// Replicas and pods charged by slot, pool and size.
    pub(crate) pools: Vec<Vec<Vec<u32>>>,
    /// Slot and pool in which nothing may start.
    pool_over: Vec<Vec<bool>>,
    /// Millionths of a litre left for the horizon by site; none where no budget limits it.
    water: Vec<Option<i64>>,
    /// Cost of a watt for a slot, by policy, pool and slot.
    rates: BTreeMap<&'i str, Vec<Vec<f64>>>,
}

impl<'i> Room<'i> {
    pub(crate) fn new(instance: &'i Instance<'i>, schedule: &Schedule) -> Self {
        let watts = schedule.ledgers.iter().map(|ledger| {
            let free = |site: usize| {
                if ledger.over[site] {
                    -1
                } else {
                    instance.sites[site].limit[ledger.slot] - ledger.charged[site]
                }
            };
            (0..instance.sites.len()).map(free).collect()
        });
        let ledgers = || schedule.ledgers.iter();
        let left = instance.sites.iter().zip(&schedule.water_used);
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
            water: left
                .map(|(row, used)| {
                    let left = ((row.water - used).max(0.0) * 1e6).floor();
                    row.water.is_finite().then_some(left as i64)
                })
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
            cost: slots.clone().map(cost).collect(),
            water: self.water[way.site].map(|left| {
                let liters = slots.map(|slot| self.micro_liters(way, slot));
                (left, liters.collect())
            }),
        }
    }

    fn fits(&mut self, way: &Way<'_>, slot: usize) -> bool {
        self.watts[slot][way.site] >= way.watts()
            && !self.pool_over[slot][way.pool]
            && self.most_pods(way, slot) >= way.shape.pods
    }

    /// Pods of a way's size that its pool still takes.
    pub(crate) fn most_pods(&mut self, way: &Way<'_>, slot: usize) -> u32 {
        let nodes = &self.instance.pools[way.pool].nodes;
        match way.size {
            Some(size) => nodes.most(&mut self.pools[slot][way.pool], size),
            None => u32::MAX,
        }
    }

    pub(crate) fn take(&mut self, way: &Way<'_>, slots: &[usize]) {
        for slot in slots {
            self.watts[*slot][way.site] -= way.watts();
            if let Some(size) = way.size {
                self.pools[*slot][way.pool][size] += way.shape.pods;
            }
            let liters = self.micro_liters(way, *slot);
            if let Some(water) = &mut self.water[way.site] {
                *water -= liters;
            }
        }
    }

    pub(crate) fn give_back(&mut self, way: &Way<'_>, slots: &[usize]) {
        for slot in slots {
            self.watts[*slot][way.site] += way.watts();
            if let Some(size) = way.size {
                self.pools[*slot][way.pool][size] -= way.shape.pods;
            }
            let liters = self.micro_liters(way, *slot);
            if let Some(water) = &mut self.water[way.site] {
                *water += liters;
            }
        }
    }

    /// Rounded up.
    fn micro_liters(&self, way: &Way<'_>, slot: usize) -> i64 {
        let row = &self.instance.sites[way.site];
        (way.watts() as f64 * row.liters(slot) * 1e6).ceil() as i64
    }
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
