//! Why a site does not do a job: beside everything else that the plan has there.

use commonwatt_fleet::{
    BatchJob, CostParts, JobDecision, JobExplanation, JobPlan, JobShape, Liters, Metric, Product,
    Rejection, Site, SiteId, Watts,
};

use super::limits::{Asked, Taking};
use super::rows::{Kind, Over, Rows, Shape};
use crate::eligibility::{excludes_job, first_slot_past_offer, offer_expired, refusal_in_force};
use crate::rows::{hour_of, policy_of};
use crate::windows::{Draw, Hours, Window};

/// Explains one job.
pub(super) fn explain<'w>(
    rows: &Rows<'w>,
    job: &'w BatchJob,
    decision: &JobDecision,
) -> JobExplanation {
    let placed = decision.placed.as_ref();
    let elsewhere = |site: &SiteId| placed.is_none_or(|placed| placed.site != *site);
    let sites = rows.world.sites.iter().filter(|(site, _)| elsewhere(site));
    let rejected = sites.map(|(site, of)| (site.clone(), why_not(rows, job, placed, site, of)));
    JobExplanation {
        rejected: rejected.collect(),
    }
}

fn why_not<'w>(
    rows: &Rows<'w>,
    job: &'w BatchJob,
    placed: Option<&JobPlan>,
    site: &SiteId,
    of: &Site,
) -> Rejection {
    if let Some(rejection) = excludes_job(job, site, of) {
        return rejection;
    }
    let past_offer = first_slot_past_offer(of, &rows.world.slots);
    if past_offer == 0 {
        return offer_expired(of);
    }
    let most_pods =
        refusal_in_force(&job.refusals, site, of).map_or(u32::MAX, |refusal| refusal.most_replicas);
    let slots = &rows.world.slots;
    let window = Window::new(job, slots).at_site(job, site, slots, past_offer);
    let ways = job
        .shapes
        .iter()
        .filter(|(product, shape)| of.pools.contains_key(*product) && shape.pods <= most_pods);
    let ways = ways.map(|(product, shape)| {
        on_product(rows, job, placed, (site, of), (product, shape), &window)
    });
    // Of several products the one that comes nearest: dearer before late before full.
    let rank = |rejection: &Rejection| match rejection {
        Rejection::Dearer { per_hour, .. } => (0, per_hour.0),
        Rejection::Deadline { slots_found, .. } => (1, -f64::from(*slots_found)),
        _ => (2, 0.0),
    };
    let nearest = ways.min_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    nearest.unwrap_or_else(|| Rejection::NoAccelerator {
        products: job.shapes.keys().cloned().collect(),
    })
}

fn on_product<'w>(
    rows: &Rows<'w>,
    job: &'w BatchJob,
    placed: Option<&JobPlan>,
    (site, of): (&SiteId, &Site),
    (product, shape): (&Product, &JobShape),
    window: &Window,
) -> Rejection {
    let deadline = |slots_found| Rejection::Deadline {
        deadline: job.deadline,
        slots_needed: job.slots_left,
        slots_found,
    };
    let Some(pod) = rows.pod(job, site, product) else {
        return deadline(0);
    };
    let asked = asked(rows, job, placed, pod, shape.pods);
    let limits: Vec<_> = (0..rows.slots)
        .map(|slot| {
            let late = slot >= window.starts_before && window.interruptible;
            late.then(|| offer_expired(of))
                .or_else(|| rows.limit_at(&asked, slot))
        })
        .collect();
    let cost = |slot| slot_cost(rows, job, of, product, shape, slot);
    let water = water(rows, &pod, &asked);
    let hours = Hours {
        open: limits.iter().map(Option::is_none).collect(),
        cost: (0..rows.slots).map(|slot| cost(slot).total().0).collect(),
        draws: water.as_ref().map(Water::as_draw).into_iter().collect(),
    };
    if let (Some(slots), Some(placed)) = (hours.cheapest_in_time(window), placed) {
        let mut here: CostParts = slots.iter().map(|slot| cost(*slot)).sum();
        let terms = &window.terms;
        here.moves.0 += terms.restart * f64::from(terms.restarts(&slots));
        here.waiting.0 += terms.waiting * slots.last().map_or(0.0, |last| terms.waited(*last));
        let per_hour = |count: usize| 1.0 / (count.max(1) as f64 * rows.world.slots.hours());
        let there = placed.runs.iter().filter(|runs| **runs).count();
        let parts = here
            .scaled(per_hour(slots.len()))
            .less(placed.cost.scaled(per_hour(there)));
        return Rejection::Dearer {
            per_hour: parts.total(),
            parts,
        };
    }
    let found = hours.found(window);
    let first = (window.first < window.due).then(|| limits.into_iter().nth(window.first));
    let limit = first.flatten().flatten().filter(|_| found == 0);
    let dry = || water.and_then(|water| water.refuses(window.first));
    limit.or_else(dry).unwrap_or_else(|| deadline(found))
}

/// All slots at one place, and what the job has given back for it.
fn asked<'w>(
    rows: &Rows<'w>,
    job: &'w BatchJob,
    placed: Option<&JobPlan>,
    pod: Shape<'w>,
    pods: u32,
) -> Asked<'w> {
    let back = placed.and_then(|placed| {
        let shape = rows.pod(job, &placed.site, &placed.product)?;
        let pods = job.shapes[&placed.product].pods;
        let runs =
            (0..rows.slots).map(|slot| u32::from(placed.runs.get(slot) == Some(&true)) * pods);
        let held: Vec<u32> = runs.collect();
        Some(Taking {
            shape,
            charged: held.iter().copied().chain(held.first().copied()).collect(),
            held,
        })
    });
    Asked {
        kind: Kind::Batch,
        more: Taking {
            shape: pod,
            charged: vec![pods; rows.slots + 1],
            held: vec![pods; rows.slots],
        },
        back: back.into_iter().collect(),
    }
}

/// Litres that are left at a site for the horizon, and what the job takes of them in each slot.
struct Water {
    left: f64,
    takes: Vec<f64>,
    set_by: String,
}

impl Water {
    /// In millionths of a litre.
    fn as_draw(&self) -> Draw {
        let takes = self.takes.iter().map(|liters| (liters * 1e6).ceil() as i64);
        Draw {
            left: (self.left * 1e6).floor() as i64,
            takes: takes.collect(),
        }
    }

    /// Whether not even one slot is left.
    fn refuses(self, slot: usize) -> Option<Rejection> {
        let need = *self.takes.get(slot)?;
        (need > self.left).then_some(Rejection::Water {
            need: Liters(need),
            left: Liters(self.left),
            set_by: self.set_by,
        })
    }
}

fn water(rows: &Rows<'_>, pod: &Shape<'_>, asked: &Asked<'_>) -> Option<Water> {
    let row = rows.stocks.iter().find(|row| {
        row.metric == Metric::Water && matches!(row.over, Over::Site(_)) && row.covers(pod)
    })?;
    let used = row.used.seen_by(Kind::Batch) - rows.given_back(row, asked);
    let watts = |slot: usize| pod.watts as f64 * f64::from(asked.more.held[slot]);
    let takes = (0..rows.slots).map(|slot| rows.per_watt(pod, Metric::Water, slot) * watts(slot));
    Some(Water {
        left: (row.limit() - used).max(0.0),
        takes: takes.collect(),
        set_by: row.set_by.to_owned(),
    })
}

/// What a job's slot costs on a product at a site.
fn slot_cost(
    rows: &Rows<'_>,
    job: &BatchJob,
    of: &Site,
    product: &Product,
    shape: &JobShape,
    slot: usize,
) -> CostParts {
    of.pools
        .get(product)
        .map_or_else(CostParts::default, |pool| {
            CostParts::running(
                of,
                hour_of(of, slot),
                pool,
                policy_of(rows.world, &job.policy),
                Watts(shape.watts().0.max(0)),
                shape.accelerators(),
                rows.world.slots.hours(),
            )
        })
}
