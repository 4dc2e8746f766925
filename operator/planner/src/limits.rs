//! Which limit leaves no room, with its numbers.

use commonwatt_fleet::{Liters, Product, Rejection, Watts};

use crate::explain::Present;
use crate::instance::{Instance, Place, hour_of};
use crate::schedule::Schedule;

/// The first limit, in the order refusal, accelerators, power, water, that leaves no room for `more` replicas at a place
/// in one of the slots that the present placement lasts.
pub(crate) fn first_limit(
    instance: &Instance<'_>,
    schedule: &mut Schedule,
    present: &Present<'_>,
    at: usize,
    more: u32,
) -> Option<Rejection> {
    let demand = &instance.demands[present.index];
    let place = &demand.places[at];
    let row = instance.site_of(place);
    let product = &demand.deployment.variants[place.variant].product;
    if place.site_cap < more {
        let refusals = &demand.deployment.refusals;
        return refusals
            .get(row.id)
            .map(commonwatt_fleet::Refusal::rejection);
    }
    for slot in 0..present.lasts {
        let now = schedule.replicas[slot][present.index][at];
        let before = match slot.checked_sub(1) {
            Some(last) => schedule.replicas[last][present.index][at],
            None => demand.committed[at],
        };
        let wanted = now.saturating_add(more);
        let ledger = &mut schedule.ledgers[slot];
        if ledger.most(instance, place, before, now) >= wanted {
            continue;
        }
        let extra = wanted.saturating_sub(before.max(now));
        if let Some(limit) = nodes_full(instance, schedule, (place, product), slot, extra) {
            return Some(limit);
        }
        let need = Watts(place.watts).times(more);
        let ledger = &schedule.ledgers[slot];
        let free = ledger.free_watts(instance, place.site);
        if free < need.0 || ledger.over[place.site] {
            // The lower of the two limits that the end of a slot must fit is the one that binds.
            let binds = if row.end_limit[slot] < row.limit[slot] {
                slot + 1
            } else {
                slot
            };
            let hour = hour_of(row.site, binds);
            return Some(Rejection::Power {
                need,
                headroom: Watts(free),
                limit: hour.limit,
                set_by: hour.limit_set_by.clone(),
                hour: instance.world.slots.begin(binds),
            });
        }
        if let Some(stock) = &row.site.water {
            return Some(Rejection::Water {
                need: Liters(ledger.liters(instance, place) * f64::from(more)),
                left: Liters(ledger.free_water(place.site)),
                set_by: stock.set_by.clone(),
            });
        }
    }
    None
}

fn nodes_full(
    instance: &Instance<'_>,
    schedule: &mut Schedule,
    (place, product): (&Place, &Product),
    slot: usize,
    extra: u32,
) -> Option<Rejection> {
    let (pool, size) = (place.pool?, place.size?);
    let row = &instance.pools[pool];
    let ledger = &mut schedule.ledgers[slot];
    let full = ledger.pool_over[pool]
        || row.nodes.most(&mut ledger.pool_charged[pool], size) < extra
        || row.nodes.most(&mut ledger.pool_ending[pool], size) < extra;
    let taken = row
        .nodes
        .accelerators(&ledger.pool_charged[pool])
        .max(row.nodes.accelerators(&ledger.pool_ending[pool]));
    full.then(|| Rejection::Accelerators {
        product: product.clone(),
        need: place.accelerators,
        free: u64::from(row.pool.total()).saturating_sub(taken) as u32,
        largest_node: row.pool.largest_node(),
    })
}
