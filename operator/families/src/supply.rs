//! Sites with power, accelerators, prices and weather, large enough for what is asked of them.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use commonwatt_fleet::{
    GramsPerKwh, LitersPerKwh, Money, Origin, Pool, Product, Site, SiteHour, SiteId, Slots, Watts,
};

use crate::geography::{Metro, ORIGINS, warmth_at};
use crate::hardware::ACCELERATORS;
use crate::random::{Random, rounded};
use crate::setting::Setting;
use crate::sketch::Outline;
use crate::utc_hour;

/// Accelerators of a whole node.
pub(crate) const NODE: u32 = 8;

/// All sites for demand and batch work that take so many watts.
pub(crate) fn sites(
    setting: &Setting,
    outlines: &[Outline],
    slots: &Slots,
    need: f64,
    seed: u64,
) -> BTreeMap<SiteId, Site> {
    let mut random = Random::of(seed, "sites");
    outlines
        .iter()
        .map(|outline| {
            let watts = need * setting.capacity * outline.share;
            let site = site(&mut random, outline, slots, watts, setting.accelerators);
            (outline.id.clone(), site)
        })
        .collect()
}

fn site(
    random: &mut Random,
    outline: &Outline,
    slots: &Slots,
    watts: f64,
    oversubscribed: f64,
) -> Site {
    let metro = outline.metro;
    let mut hours = Vec::with_capacity(slots.count);
    let mut weather = Weather::new(random, metro);
    for slot in 0..slots.count {
        let hour = weather.hour(random, metro.local_hour(utc_hour(slots, slot)));
        hours.push(SiteHour {
            limit: Watts(watts as i64),
            limit_set_by: format!("powerbudget/{}-feeder", outline.id),
            ..hour
        });
    }
    Site {
        jurisdiction: metro.jurisdiction.to_owned(),
        latencies: ORIGINS
            .iter()
            .enumerate()
            .map(|(index, name)| (Origin::from(*name), metro.latency_from(index)))
            .collect(),
        pools: pools(random, outline, watts * oversubscribed),
        hours,
        water: None,
        scarcity: metro.scarcity,
        offer_revision: 7,
        valid_until: slots.end(slots.count) + TimeDelta::hours(24),
        demand_charge: None,
        obligations: Vec::new(),
    }
}

/// Whole nodes that could draw so many watts together.
fn pools(random: &mut Random, outline: &Outline, watts: f64) -> BTreeMap<Product, Pool> {
    let mut pools = BTreeMap::new();
    for (accelerator, part) in ACCELERATORS.iter().zip(outline.mix) {
        let factor = random.between(0.85, 1.2);
        if part <= 0.0 {
            continue;
        }
        // What a replica draws is nearer to 0.85 of what its accelerators are rated for.
        let each = 0.85 * accelerator.rated_watts as f64 * f64::from(NODE);
        let nodes = (watts * part / each).round().max(1.0) as u32;
        let pool = Pool {
            price_per_hour: Money(rounded(accelerator.price * factor, 2)),
            rated_watts: Watts(accelerator.rated_watts),
            nodes: BTreeMap::from([(NODE, nodes)]),
            reserve: None,
            elastic: None,
        };
        pools.insert(accelerator.product.into(), pool);
    }
    pools
}

/// What a site's hours have in common.
struct Weather<'m> {
    metro: &'m Metro,
    price: f64,
    carbon: f64,
    celsius: f64,
    /// How much water its cooling takes, from none to a lot.
    thirst: f64,
    /// The least that its building takes beside IT.
    pue: f64,
    /// How far price and carbon are from their shape, hour after hour alike.
    drift: f64,
}

impl<'m> Weather<'m> {
    fn new(random: &mut Random, metro: &'m Metro) -> Self {
        let dry = random.chance(0.25);
        Self {
            metro,
            price: metro.price * random.between(0.85, 1.15),
            carbon: metro.carbon * random.between(0.9, 1.1),
            celsius: metro.celsius.0 + 2.0 * random.normal(),
            thirst: if dry { 0.0 } else { random.between(0.5, 1.2) },
            pue: random.between(1.08, 1.2) + if dry { 0.06 } else { 0.0 },
            drift: random.normal(),
        }
    }

    fn hour(&mut self, random: &mut Random, local: usize) -> SiteHour {
        self.drift = 0.85 * self.drift + 0.53 * random.normal();
        let shape = self.metro.shape;
        let factor = shape.at(local) * (1.0 + shape.weather() * self.drift);
        let celsius = self.celsius + self.metro.celsius.1 * warmth_at(local);
        let heat = (celsius - 12.0).max(0.0);
        let carbon = (self.carbon * (0.4 + 0.6 * factor)).clamp(20.0, 800.0);
        SiteHour {
            limit: Watts::ZERO,
            limit_set_by: String::new(),
            price_per_kwh: Money(rounded((self.price * factor).clamp(0.02, 0.25), 4)),
            pue: rounded((self.pue + 0.006 * heat).clamp(1.1, 1.4), 3),
            wue: LitersPerKwh(rounded(self.thirst * (0.15 + 0.07 * heat), 3)),
            average_carbon: GramsPerKwh(rounded(carbon, 1)),
            marginal_carbon: None,
        }
    }
}
