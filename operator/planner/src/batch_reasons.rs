//! Why a site does not do a job.

use commonwatt_fleet::{BatchJob, CostParts, Liters, Money, Rejection};

use crate::batch::{Leftover, Offer, job_cost};
use crate::eligibility::offer_expired;
use crate::instance::{Instance, hour_of};
use crate::windows::Window;

impl Leftover {
    /// The first limit that keeps a job from a site at its turn, or what it would have cost more there.
    pub(crate) fn why_not(
        &mut self,
        instance: &Instance<'_>,
        job: &BatchJob,
        window: &Window,
        offer: &Offer<'_>,
        chosen: Option<(&Offer<'_>, &[usize])>,
    ) -> Rejection {
        let here = offer.in_time.as_ref();
        if let (Some(slots), Some((best, taken))) = (here, chosen) {
            return dearer(instance, job, (offer, slots), (best, taken));
        }
        let slots_found = offer.hours.found(window);
        if slots_found == 0
            && window.first < window.due
            && let Some(rejection) = self.first_limit(instance, offer, window.first)
        {
            return rejection;
        }
        Rejection::Deadline {
            deadline: job.deadline,
            slots_needed: job.slots_left,
            slots_found,
        }
    }

    /// What closes a slot, in the order offer, accelerators, power, water.
    fn first_limit(
        &mut self,
        instance: &Instance<'_>,
        offer: &Offer<'_>,
        slot: usize,
    ) -> Option<Rejection> {
        let row = &instance.sites[offer.site];
        if slot >= row.past_offer {
            return Some(offer_expired(row.site));
        }
        let pool = &instance.pools[offer.pool];
        let size = offer.shape.accelerators_per_pod;
        let fits = match pool.nodes.index_of(size) {
            Some(index) => pool.nodes.most(&mut self.pools[slot][offer.pool], index),
            None => u32::MAX,
        };
        if fits < offer.shape.pods {
            let taken = pool.nodes.accelerators(&self.pools[slot][offer.pool]);
            return Some(Rejection::Accelerators {
                product: offer.product.clone(),
                need: size,
                free: u64::from(pool.pool.total()).saturating_sub(taken) as u32,
                largest_node: pool.pool.largest_node(),
            });
        }
        let need = offer.shape.watts();
        let headroom = self.watts[slot][offer.site].max(0);
        if headroom < need.0 {
            let hour = hour_of(row.site, slot);
            return Some(Rejection::Power {
                need,
                headroom: commonwatt_fleet::Watts(headroom),
                limit: hour.limit,
                set_by: hour.limit_set_by.clone(),
                hour: instance.world.slots.begin(slot),
            });
        }
        let liters = offer.hours.liters[slot];
        (liters > offer.hours.water).then(|| Rejection::Water {
            need: Liters(liters),
            left: Liters(offer.hours.water),
            set_by: row
                .site
                .water
                .as_ref()
                .map_or_else(String::new, |stock| stock.set_by.clone()),
        })
    }
}

/// What the same hours of work cost more here, per hour.
fn dearer(
    instance: &Instance<'_>,
    job: &BatchJob,
    (offer, slots): (&Offer<'_>, &[usize]),
    (best, taken): (&Offer<'_>, &[usize]),
) -> Rejection {
    let per_hour = |offer: &Offer<'_>, slots: &[usize]| -> CostParts {
        let place = (offer.site, offer.pool);
        job_cost(instance, job, place, &offer.window, slots)
            .scaled(1.0 / (slots.len().max(1) as f64 * instance.hours))
    };
    let parts = per_hour(offer, slots).less(per_hour(best, taken));
    Rejection::Dearer {
        per_hour: Money(parts.total().0),
        parts,
    }
}
