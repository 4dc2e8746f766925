//! What has happened: grid events, offers that ran out, sites that refused.

use chrono::TimeDelta;
use commonwatt_fleet::{DemandCharge, Money, Obligation, Refusal, Watts, World};

use crate::random::Random;

/// Calls on a third of the sites, in blocks of hours, the first of them now; what runs at some is more than they may
/// draw. Others owe load that can be shed, or pay for the month's peak.
pub(crate) fn hold_events(world: &mut World, seed: u64) {
    let mut random = Random::of(seed, "events");
    let slots = world.slots.count;
    for (id, site) in &mut world.sites {
        let full = site.hours.first().map_or(Watts::ZERO, |hour| hour.limit);
        if random.chance(0.35) {
            let begin = if random.chance(0.4) {
                0
            } else {
                random.below(slots.max(1))
            };
            let end = begin + 2 + random.below(4);
            let left = random.between(0.3, 0.65);
            for hour in site.hours.iter_mut().take(end).skip(begin) {
                hour.limit = full.scaled_down(left);
                hour.limit_set_by = format!("gridevent/{id}");
            }
        }
        if random.chance(0.2) {
            let owed = full.scaled_down(random.between(0.4, 0.7));
            let begin = random.below(slots.max(1));
            let watts = (0..slots).map(|slot| {
                if (begin..begin + 4).contains(&slot) {
                    owed
                } else {
                    Watts::ZERO
                }
            });
            site.obligations.push(Obligation {
                watts: watts.collect(),
                shortfall_per_kilowatt_hour: Money(2.0),
                set_by: format!("gridprogram/{id}"),
            });
        }
        if random.chance(0.3) {
            site.demand_charge = Some(DemandCharge {
                per_kilowatt: Money(12.0),
                peak: full.scaled_down(random.between(0.6, 0.9)),
            });
        }
    }
}

/// Ends offers before the horizon, within it, or before their last hours; and has sites refuse some deployments.
pub(crate) fn end_offers(world: &mut World, seed: u64) {
    let mut random = Random::of(seed, "offers");
    let slots = world.slots;
    for site in world.sites.values_mut() {
        match random.weighted(&[0.15, 0.15, 0.1, 0.6]) {
            0 => site.valid_until = slots.start - TimeDelta::minutes(20),
            1 => site.valid_until = slots.begin(random.below(slots.count)) + TimeDelta::minutes(10),
            2 => {
                let known = slots.count - random.below(slots.count.div_ceil(3));
                site.hours.truncate(known.max(1));
            }
            _ => {}
        }
    }
    let sites: Vec<_> = world
        .sites
        .iter()
        .map(|(id, site)| (id.clone(), site.offer_revision))
        .collect();
    for deployment in world.deployments.values_mut() {
        for _ in 0..random.below(3) {
            let (id, revision) = &sites[random.below(sites.len())];
            // Some of an offer that has changed since: it does not count any more.
            let offer_revision = revision - i64::from(random.chance(0.3));
            let refusal = Refusal {
                offer_revision,
                most_replicas: random.below(3) as u32,
                reason: "NoRoom".into(),
                detail: "the feeder is full".into(),
            };
            deployment.refusals.insert(id.clone(), refusal);
        }
    }
}
