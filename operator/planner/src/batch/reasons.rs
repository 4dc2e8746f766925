//! Why a site does not do a job.

use commonwatt_fleet::{BatchJob, CostParts, Liters, Money, Rejection, Watts};

use crate::batch::Offer;
use crate::batch::room::{Room, job_cost};
use crate::batch::search::Task;
use crate::eligibility::offer_expired;
use crate::instance::{Instance, hour_of};

/// The first limit that keeps a job from a site, or what it would have cost more there.
pub(super) fn why_not(
    instance: &Instance<'_>,
    room: &mut Room<'_>,
    task: &Task<'_>,
    offer: &Offer<'_, '_>,
    chosen: Option<(&Offer<'_, '_>, &[usize])>,
) -> Rejection {
    let here = offer.in_time.as_ref();
    if let (Some(slots), Some((best, taken))) = (here, chosen) {
        return dearer(instance, task.job, (offer, slots), (best, taken));
    }
    let window = &offer.way.window;
    let slots_found = offer.hours.found(window);
    if slots_found == 0
        && window.first < window.due
        && let Some(rejection) = first_limit(instance, room, offer, window.first)
    {
        return rejection;
    }
    Rejection::Deadline {
        deadline: task.job.deadline,
        slots_needed: task.job.slots_left,
        slots_found,
    }
}

/// What closes a slot, in the order offer, accelerators, power, water.
fn first_limit(
    instance: &Instance<'_>,
    room: &mut Room<'_>,
    offer: &Offer<'_, '_>,
    slot: usize,
) -> Option<Rejection> {
    let way = offer.way;
    let row = &instance.sites[way.site];
    if slot >= row.past_offer {
        return Some(offer_expired(row.site));
    }
    if room.most_pods(way, slot) < way.shape.pods {
        let pool = &instance.pools[way.pool];
        let taken = pool.nodes.accelerators(&room.pools[slot][way.pool]);
        return Some(Rejection::Accelerators {
            product: way.product.clone(),
            need: way.shape.accelerators_per_pod,
            free: u64::from(pool.pool.total()).saturating_sub(taken) as u32,
            largest_node: pool.pool.largest_node(),
        });
    }
    let need = way.shape.watts();
    let headroom = room.watts[slot][way.site].max(0);
    if headroom < need.0 {
        let hour = hour_of(row.site, slot);
        return Some(Rejection::Power {
            need,
            headroom: Watts(headroom),
            limit: hour.limit,
            set_by: hour.limit_set_by.clone(),
            hour: instance.world.slots.begin(slot),
        });
    }
    let (left, takes) = offer.hours.water.as_ref()?;
    (takes[slot] > *left).then(|| Rejection::Water {
        need: Liters(takes[slot] as f64 / 1e6),
        left: Liters(*left as f64 / 1e6),
        set_by: row
            .site
            .water
            .as_ref()
            .map_or_else(String::new, |stock| stock.set_by.clone()),
    })
}

/// What the same hours of work cost more here, per hour.
fn dearer(
    instance: &Instance<'_>,
    job: &BatchJob,
    (offer, slots): (&Offer<'_, '_>, &[usize]),
    (best, taken): (&Offer<'_, '_>, &[usize]),
) -> Rejection {
    let per_hour = |offer: &Offer<'_, '_>, slots: &[usize]| -> CostParts {
        job_cost(instance, job, offer.way, slots)
            .scaled(1.0 / (slots.len().max(1) as f64 * instance.hours))
    };
    let parts = per_hour(offer, slots).less(per_hour(best, taken));
    Rejection::Dearer {
        per_hour: Money(parts.total().0),
        parts,
    }
}
