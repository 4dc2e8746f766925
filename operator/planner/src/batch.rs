//! Batch in what serving leaves: the job with the least slack chooses first.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    BatchJob, CostParts, JobDecision, JobId, JobPlan, JobShape, Money, Plan, Product, Rejection,
    Watts,
};

use crate::eligibility::{excludes_job, offer_expired, refusal_in_force};
use crate::instance::{Instance, hour_of, policy_of};
use crate::schedule::Schedule;
use crate::windows::{Hours, Window};

/// What serving and the jobs before leave.
pub(crate) struct Leftover {
    /// Watts free by slot and site; none where nothing may start.
    pub(crate) watts: Vec<Vec<i64>>,
    /// Replicas and pods charged by slot, pool and size.
    pub(crate) pools: Vec<Vec<Vec<u32>>>,
    /// Slot and pool in which nothing may start.
    pool_over: Vec<Vec<bool>>,
    /// Litres left for the horizon by site.
    water: Vec<f64>,
}

/// One way to do a job: at a site, on a product.
pub(crate) struct Offer<'i> {
    pub site: usize,
    pub product: &'i Product,
    pub shape: JobShape,
    pub pool: usize,
    /// The job's window at the site.
    pub window: Window,
    pub hours: Hours,
    /// The cheapest hours by the deadline.
    pub in_time: Option<Vec<usize>>,
    /// The earliest hours.
    pub earliest: Option<Vec<usize>>,
}

impl Offer<'_> {
    /// What the work costs if all of it goes on as in these hours.
    pub(crate) fn projected(&self, slots: &[usize]) -> f64 {
        self.hours.projected(&self.window, slots)
    }
}

/// Gives every job its site and hours.
pub(crate) fn place_jobs(
    instance: &Instance<'_>,
    schedule: &Schedule,
    previous: &Plan,
) -> BTreeMap<JobId, JobDecision> {
    let mut leftover = Leftover::new(instance, schedule);
    let mut order: Vec<_> = instance
        .world
        .jobs
        .iter()
        .map(|(id, job)| (id, job, Window::new(job, &instance.world.slots)))
        .collect();
    order.sort_by_key(|(id, _, window)| (!window.going_on, window.slack(), (*id).clone()));
    order
        .into_iter()
        .map(|(id, job, window)| {
            let running_on = running_product(job, previous.jobs.get(id));
            let decision = leftover.place(instance, job, &window, running_on);
            (id.clone(), decision)
        })
        .collect()
}

/// The product that a running job was given.
fn running_product<'p>(job: &BatchJob, previous: Option<&'p JobDecision>) -> Option<&'p Product> {
    let placed = previous?.placed.as_ref()?;
    let same = job.running && job.started_at.as_ref() == Some(&placed.site);
    (same && job.shapes.contains_key(&placed.product)).then_some(&placed.product)
}

impl Leftover {
    fn new(instance: &Instance<'_>, schedule: &Schedule) -> Self {
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
        let used = schedule.water_used.iter();
        Self {
            watts: watts.collect(),
            pools: ledgers().map(|l| l.pool_charged.clone()).collect(),
            pool_over: ledgers().map(|l| l.pool_over.clone()).collect(),
            water: (instance.sites.iter().zip(used))
                .map(|(row, used)| (row.water - used).max(0.0))
                .collect(),
        }
    }

    fn place(
        &mut self,
        instance: &Instance<'_>,
        job: &BatchJob,
        window: &Window,
        running_on: Option<&Product>,
    ) -> JobDecision {
        let mut rejected = BTreeMap::new();
        let mut offers = Vec::new();
        for site in 0..instance.sites.len() {
            let id = instance.sites[site].id;
            match self.offers_at(instance, job, window, site) {
                Ok(here) => offers.extend(here),
                Err(rejection) => {
                    rejected.insert(id.clone(), rejection);
                }
            }
        }
        let chosen = choose(&offers, window, running_on);
        for offer in &offers {
            let id = instance.sites[offer.site].id;
            let chosen = chosen.map(|(best, slots)| (&offers[best], slots));
            if chosen.is_some_and(|(best, _)| best.site == offer.site) {
                continue;
            }
            let rejection = self.why_not(instance, job, window, offer, chosen);
            rejected.entry(id.clone()).or_insert(rejection);
        }
        let Some((best, slots)) = chosen else {
            return JobDecision {
                placed: None,
                at_risk: window.work > 0 && !window.rest_fits_beyond(0),
                rejected,
            };
        };
        let offer = &offers[best];
        let plan = job_plan(instance, job, offer, slots, &offers);
        self.take(instance, offer, slots);
        JobDecision {
            placed: Some(plan),
            at_risk: !window.done_in_time(slots),
            rejected,
        }
    }

    /// All products on which a site could do the job, or why there is none.
    fn offers_at<'i>(
        &mut self,
        instance: &Instance<'i>,
        job: &'i BatchJob,
        window: &Window,
        site: usize,
    ) -> Result<Vec<Offer<'i>>, Rejection> {
        let row = &instance.sites[site];
        if let Some(rejection) = excludes_job(job, row.id, row.site) {
            return Err(rejection);
        }
        let here = job.running && job.started_at.as_ref() == Some(row.id);
        if row.past_offer == 0 && !here {
            return Err(offer_expired(row.site));
        }
        let window = window.at_site(job, row.id, &instance.world.slots, row.past_offer);
        let most_pods = refusal_in_force(&job.refusals, row.id, row.site)
            .map_or(u32::MAX, |refusal| refusal.most_replicas);
        let mut offers = Vec::new();
        for (product, shape) in &job.shapes {
            let pool = instance.pool_index.get(&(site, product)).copied();
            let Some(pool) = pool.filter(|_| shape.pods <= most_pods) else {
                continue;
            };
            let hours = self.hours(instance, job, &window, (site, pool), shape);
            let in_time = hours.cheapest_in_time(&window);
            let earliest = hours.earliest(&window);
            offers.push(Offer {
                site,
                product,
                shape: *shape,
                pool,
                window,
                hours,
                in_time,
                earliest,
            });
        }
        if offers.is_empty() {
            return Err(Rejection::NoAccelerator {
                products: job.shapes.keys().cloned().collect(),
            });
        }
        Ok(offers)
    }

    fn hours(
        &mut self,
        instance: &Instance<'_>,
        job: &BatchJob,
        window: &Window,
        (site, pool): (usize, usize),
        shape: &JobShape,
    ) -> Hours {
        let row = &instance.sites[site];
        let watts = shape.watts().0.max(0);
        let slots = 0..instance.slots;
        let open = slots.clone().map(|slot| {
            let heard = slot < row.past_offer || !window.interruptible;
            let free = self.watts[slot][site] >= watts && !self.pool_over[slot][pool];
            heard && free && self.pods_fit(instance, slot, pool, shape)
        });
        Hours {
            open: open.collect(),
            cost: slots
                .clone()
                .map(|slot| {
                    slot_cost(instance, job, (site, pool), shape, slot)
                        .total()
                        .0
                })
                .collect(),
            liters: slots.map(|slot| watts as f64 * row.liters(slot)).collect(),
            water: self.water[site],
        }
    }

    fn pods_fit(
        &mut self,
        instance: &Instance<'_>,
        slot: usize,
        pool: usize,
        shape: &JobShape,
    ) -> bool {
        let nodes = &instance.pools[pool].nodes;
        match nodes.index_of(shape.accelerators_per_pod) {
            Some(size) => nodes.most(&mut self.pools[slot][pool], size) >= shape.pods,
            None => true,
        }
    }

    fn take(&mut self, instance: &Instance<'_>, offer: &Offer<'_>, slots: &[usize]) {
        let nodes = &instance.pools[offer.pool].nodes;
        let size = nodes.index_of(offer.shape.accelerators_per_pod);
        for slot in slots {
            self.watts[*slot][offer.site] -= offer.shape.watts().0.max(0);
            self.water[offer.site] -= offer.hours.liters[*slot];
            if let Some(size) = size {
                self.pools[*slot][offer.pool][size] += offer.shape.pods;
            }
        }
    }
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

/// What a job's slots cost on a pool, pauses and waiting included.
pub(crate) fn job_cost(
    instance: &Instance<'_>,
    job: &BatchJob,
    place: (usize, usize),
    window: &Window,
    slots: &[usize],
) -> CostParts {
    let Some((shape, last)) = job
        .shapes
        .get(instance.pools[place.1].product)
        .zip(slots.last())
    else {
        return CostParts::default();
    };
    let mut cost: CostParts = slots
        .iter()
        .map(|slot| slot_cost(instance, job, place, shape, *slot))
        .sum();
    let terms = &window.terms;
    cost.moves += Money(terms.restart * f64::from(terms.restarts(slots)));
    cost.waiting += Money(terms.waiting * terms.waited(*last));
    cost
}

/// The offer that is taken and its hours: in time and with the most work done, then the cheapest. Where none is in time,
/// the one that gets furthest, then soonest.
/// A running job stays on its product while that has it done in time.
fn choose<'o>(
    offers: &'o [Offer<'_>],
    window: &Window,
    running_on: Option<&Product>,
) -> Option<(usize, &'o [usize])> {
    if window.work == 0 {
        return None;
    }
    let goes_on = |offer: &Offer<'_>| running_on == Some(offer.product) && offer.in_time.is_some();
    if let Some(index) = offers.iter().position(goes_on) {
        return Some((index, offers[index].in_time.as_deref()?));
    }
    let mut best: Option<(usize, &[usize])> = None;
    for (index, offer) in offers.iter().enumerate() {
        let Some(slots) = &offer.in_time else {
            continue;
        };
        let better = best.is_none_or(|(known, taken)| {
            let cheaper = offer.projected(slots) < offers[known].projected(taken) - 1e-12;
            slots.len() > taken.len() || (slots.len() == taken.len() && cheaper)
        });
        if better {
            best = Some((index, slots));
        }
    }
    if best.is_some() || window.rest_fits_beyond(0) {
        return best;
    }
    for (index, offer) in offers.iter().enumerate() {
        let Some(slots) = &offer.earliest else {
            continue;
        };
        let better = best.is_none_or(|(known, taken)| {
            let order = taken.len().cmp(&slots.len());
            let order = order.then(slots.last().cmp(&taken.last()));
            let (mine, theirs) = (offer.projected(slots), offers[known].projected(taken));
            order.then(mine.total_cmp(&theirs)).is_lt()
        });
        if better {
            best = Some((index, slots));
        }
    }
    best
}

fn job_plan(
    instance: &Instance<'_>,
    job: &BatchJob,
    offer: &Offer<'_>,
    slots: &[usize],
    offers: &[Offer<'_>],
) -> JobPlan {
    let place = (offer.site, offer.pool);
    let cost = job_cost(instance, job, place, &offer.window, slots);
    let mut runs = vec![false; instance.slots];
    for slot in slots {
        runs[*slot] = true;
    }
    // A job that has started has no other place to have run at once.
    let comparable = |other: &&Offer<'_>| job.started_at.is_none() || other.pool == offer.pool;
    let at_once = offers
        .iter()
        .filter(comparable)
        .filter_map(|other| Some(other.projected(other.earliest.as_ref()?)))
        .fold(f64::INFINITY, f64::min);
    let saved = at_once - offer.projected(slots);
    JobPlan {
        site: instance.sites[offer.site].id.clone(),
        product: offer.product.clone(),
        runs,
        cost,
        saved_by_waiting: Money(if saved.is_finite() { saved } else { 0.0 }),
    }
}
