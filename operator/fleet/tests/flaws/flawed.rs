//! Worlds with a flaw, and what has to be said of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use commonwatt_fleet::*;

use crate::world::*;

/// What makes a world flawed, and every line that is said of it.
type Flawed = (fn(&mut World), &'static [&'static str]);

pub const FLAWS: &[Flawed] = &[
    (
        |world| world.sites.clear(),
        &[
            "World: sites: there are no sites: nothing can be placed; add one, or see why none can be used",
        ],
    ),
    (
        |world| world.slots.seconds = 0,
        &[
            "World: slots.seconds: must be at least 1, got 0; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| {
            world.slots.count = usize::MAX;
            world.sites.clear();
            world.deployments.clear();
        },
        &[
            "World: slots.count: is more than can be counted; check its unit and its sign (left out)",
            "World: sites: there are no sites: nothing can be placed; add one, or see why none can be used",
        ],
    ),
    (
        |world| site(world).hours[1].price_per_kwh = Money(f64::NAN),
        &[
            "Site hall: hours[1].pricePerKwh: must be a finite number, got NaN; look at the source of this number; where \
             nothing is known, leave the object out (left out)",
        ],
    ),
    (
        |world| site(world).hours.iter_mut().for_each(|hour| hour.pue = 0.5),
        &[
            "Site hall: hours[0].pue: must be at least 1, got 0.5; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| site(world).hours[0].wue = LitersPerKwh(-0.1),
        &[
            "Site hall: hours[0].wue: must be at least 0, got -0.1; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| site(world).hours[0].average_carbon = GramsPerKwh(-1.0),
        &[
            "Site hall: hours[0].averageCarbon: must be at least 0, got -1; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| site(world).hours[1].marginal_carbon = Some(GramsPerKwh(f64::INFINITY)),
        &[
            "Site hall: hours[1].marginalCarbon: must be a finite number, got inf; look at the source of this number; where \
             nothing is known, leave the object out (left out)",
        ],
    ),
    (
        |world| site(world).hours[1].limit = Watts(-1),
        &[
            "Site hall: hours[1].limit: a limit cannot be below zero, got -1; it counts as zero; check its unit and its sign",
        ],
    ),
    (
        |world| site(world).hours[0].limit = Watts(3000),
        &[
            "Site hall: hours[0].limit: 3.0 kW is below the 4.0 kW that run already; they fall, and nothing grows; raise the \
             limit if that is not meant",
        ],
    ),
    (
        |world| site(world).hours.truncate(1),
        &[
            "Site hall: hours: 1 of 2 hours are there; the others have no power; give one value for each slot",
        ],
    ),
    (
        |world| pool(world).price_per_hour = Money(-1.0),
        &[
            "Site hall: pools[H100].pricePerHour: must be at least 0, got -1; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| pool(world).rated_watts = Watts(-1),
        &[
            "Site hall: pools[H100].ratedWatts: must be at least 0, got -1; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| pool(world).nodes = BTreeMap::from([(8, u32::MAX)]),
        &[
            "Site hall: pools[H100].nodes: is more than can be counted; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| {
            let (accelerators, tenants) = (17, BTreeSet::new());
            let set_by = "hostcommunity/town".into();
            pool(world).reserve = Some(Reserve {
                accelerators,
                tenants,
                set_by,
            });
        },
        &[
            "Site hall: pools[H100].reserve.accelerators: 17 is above 16, the accelerators of the pool; the lower counts; lower \
             the one or raise the other",
        ],
    ),
    (
        |world| pool(world).elastic = Some(elastic(1, 2)),
        &[
            "Site hall: pools[H100].elastic.running: 2 is above 1, the nodes that there are; the lower counts; lower the one or \
             raise the other",
        ],
    ),
    (
        |world| pool(world).elastic = Some(elastic(u32::MAX, 0)),
        &[
            "Site hall: pools[H100].nodes: is more than can be counted; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| site(world).scarcity = -1.0,
        &[
            "Site hall: scarcity: must be at least 0, got -1; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| site(world).water.as_mut().unwrap().remaining = Liters(f64::NAN),
        &[
            "Site hall: water.remaining: must be a finite number, got NaN; the stock counts as used up; look at the source of \
             this number; where nothing is known, leave the object out",
        ],
    ),
    (
        |world| {
            let (per_kilowatt, peak) = (Money(-1.0), Watts(0));
            site(world).demand_charge = Some(DemandCharge { per_kilowatt, peak });
        },
        &[
            "Site hall: demandCharge.perKilowatt: must be at least 0, got -1; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| {
            site(world).obligations = vec![Obligation {
                watts: vec![Watts(3), Watts(-3)],
                shortfall_per_kilowatt_hour: Money(1.0),
                set_by: "gridprogram/reserve".into(),
            }];
        },
        &[
            "Site hall: obligations[0].watts[1]: must be at least 0, got -3; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| {
            world.policies.get_mut("standard").unwrap().carbon_per_tonne = Money(-1.0);
            world.jobs.clear();
        },
        &[
            "Policy standard: carbonPerTonne: must be at least 0, got -1; check its unit and its sign (left out)",
            "Deployment team/chat: policy: there is no usable policy \"standard\"; name one that there is, or mend that one \
             (left out)",
        ],
    ),
    (
        |world| job(world).policy = "gold".into(),
        &[
            "Job team/train: policy: there is no usable policy \"gold\"; name one that there is, or mend that one (left out)",
        ],
    ),
    (
        |world| deployment(world).demand = TokensPerSecond(-1.0),
        &[
            "Deployment team/chat: demand: must be at least 0, got -1; check its unit and its sign (left out)",
            "Deployment team/chat: floor: 2000 is above -1, what is asked for at most; the lower counts; lower the one or raise \
             the other",
        ],
    ),
    (
        |world| {
            deployment(world).demand_by_slot = vec![TokensPerSecond(1.0), TokensPerSecond(-2.0)];
        },
        &[
            "Deployment team/chat: demandBySlot[1]: must be at least 0, got -2; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| deployment(world).floor = TokensPerSecond(2001.0),
        &[
            "Deployment team/chat: floor: 2001 is above 2000, what is asked for at most; the lower counts; lower the one or \
             raise the other",
        ],
    ),
    (
        |world| deployment(world).origin_shares = BTreeMap::from([("eu".into(), 0.9)]),
        &[
            "Deployment team/chat: originShares: add up to 0.9, not to 1; give each origin its part of the whole demand (left \
             out)",
        ],
    ),
    (
        |world| {
            deployment(world).origin_shares =
                BTreeMap::from([("eu".into(), 1.5), ("us".into(), -0.5)]);
        },
        &[
            "Deployment team/chat: originShares[us]: must be at least 0, got -0.5; check its unit and its sign (left out)",
            "Deployment team/chat: originShares: us has a share and no limit on its latency; give it one in origins, or leave \
             out its share (left out)",
        ],
    ),
    (
        |world| {
            deployment(world).variants.clear();
        },
        &["Deployment team/chat: variants: there are none: nothing can run it; add one"],
    ),
    (
        |world| {
            let again = variant(world).clone();
            deployment(world).variants.push(again);
            site(world).hours[0].limit = Watts(100_000);
        },
        &[
            "Deployment team/chat: variants: full is there twice; give every variant a name of its own (left out)",
        ],
    ),
    (
        |world| variant(world).tokens_per_second = TokensPerSecond(f64::NEG_INFINITY),
        &[
            "Deployment team/chat: variants[full].tokensPerSecond: must be a finite number, got -inf; look at the source of \
             this number; where nothing is known, leave the object out (left out)",
        ],
    ),
    (
        |world| variant(world).watts = Watts(-2000),
        &[
            "Deployment team/chat: variants[full].watts: must be at least 0, got -2000; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| job(world).shapes.clear(),
        &["Job team/train: shapes: there are none: nothing can run it; add one"],
    ),
    (
        |world| shape(world).watts_per_pod = Watts(-1),
        &[
            "Job team/train: shapes[H100].wattsPerPod: must be at least 0, got -1; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| shape(world).pods = u32::MAX,
        &[
            "Job team/train: shapes[H100].pods: is more than can be counted; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| job(world).waiting_per_hour = Money(-1.0),
        &[
            "Job team/train: waitingPerHour: must be at least 0, got -1; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| job(world).running = true,
        &[
            "Job team/train: running: it runs and has started nowhere; it counts as not running; say in startedAt where",
        ],
    ),
    (
        |world| job(world).deadline = start(),
        &[
            "Job team/train: deadline: 2026-09-21 15:00:00 UTC has passed; it is done as soon as can be, and late; set a later \
             deadline, or delete the job",
        ],
    ),
    (
        |world| job(world).release = start() + TimeDelta::hours(3),
        &[
            "Job team/train: deadline: 2026-09-21 17:00:00 UTC is before the release at 2026-09-21 18:00:00 UTC; it will be \
             late; set a later deadline, or delete the job",
        ],
    ),
    (
        |world| {
            world
                .shared
                .caps
                .insert("powerbudget/feeder".into(), cap(&[3000]));
        },
        &[
            "Cap powerbudget/feeder: limit: 1 of 2 hours are there; the others have no power; give one value for each slot",
            "Cap powerbudget/feeder: limit[0]: 3.0 kW is below the 4.0 kW that run already; they fall, and nothing grows; raise \
             the limit if that is not meant",
        ],
    ),
    (
        |world| {
            world
                .shared
                .stocks
                .insert("permit/valley".into(), stock(1.0, f64::NAN));
        },
        &[
            "Stock permit/valley: hoursLeft: must be a finite number, got NaN; the stock counts as used up; look at the source \
             of this number; where nothing is known, leave the object out",
        ],
    ),
    (
        |world| {
            let (used, whole, hours_left) = (-1.0, 0.0, 3.0);
            let water = Some(Allowance {
                used,
                whole,
                hours_left,
            });
            let community = Community {
                water,
                ..Community::default()
            };
            world.shared.communities.insert("town".into(), community);
        },
        &[
            "Community town: water.used: must be at least 0, got -1; check its unit and its sign (left out)",
            "Community town: water.whole: must be above zero, got 0; check its unit and its sign (left out)",
        ],
    ),
    (
        |world| world.shared.fairness.carbon = Money(-1.0),
        &["Fairness: carbon: must be at least 0, got -1; check its unit and its sign (left out)"],
    ),
    (
        |world| {
            let watts = Some(Watts(-1));
            let cap = TenantCap {
                watts,
                accelerators: None,
            };
            world.shared.tenants.insert("team".into(), cap);
        },
        &[
            "Tenant team: watts: a limit cannot be below zero, got -1; it counts as zero; check its unit and its sign",
        ],
    ),
];
