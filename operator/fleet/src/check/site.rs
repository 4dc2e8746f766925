//! Sites: their hours, pools and stocks.

use super::{Flaws, Running, limits};
use crate::flaw::{Flaw, Object, Wrong};
use crate::{Elastic, Pool, Product, Site, SiteHour, SiteId, Watts, World};

pub(super) fn check(world: &World, running: &Running<'_>, id: &SiteId, site: &Site) -> Vec<Flaw> {
    let mut flaws = Flaws::of(Object::Site(id.clone()));
    hours(&mut flaws, &site.hours);
    let limit: Vec<Watts> = site.hours.iter().map(|hour| hour.limit).collect();
    let here = running.iter().filter(|((site, _), _)| *site == id);
    let runs = here.map(|(_, watts)| watts).sum();
    let entry = |slot| format!("hours[{slot}].limit");
    limits(
        &mut flaws,
        ("hours", entry),
        &limit,
        world.slots.count,
        runs,
    );
    for (product, one) in &site.pools {
        pool(&mut flaws, product, one);
    }
    flaws.at_least("scarcity", site.scarcity, 0.0);
    if let Some(water) = &site.water {
        stock(&mut flaws, "water.", water.remaining.0, water.hours_left);
    }
    if let Some(charge) = &site.demand_charge {
        flaws.at_least("demandCharge.perKilowatt", charge.per_kilowatt.0, 0.0);
        flaws.at_least("demandCharge.peak", charge.peak.0 as f64, 0.0);
    }
    for (index, owed) in site.obligations.iter().enumerate() {
        let price = owed.shortfall_per_kilowatt_hour.0;
        let field = format!("obligations[{index}].shortfallPerKilowattHour");
        flaws.at_least(field, price, 0.0);
        if let Some(slot) = owed.watts.iter().position(|watts| watts.0 < 0) {
            let field = format!("obligations[{index}].watts[{slot}]");
            flaws.at_least(field, owed.watts[slot].0 as f64, 0.0);
        }
    }
    flaws.0
}

/// A stock of which it is not known what is left, or for how long.
pub(super) fn stock(flaws: &mut Flaws, path: &str, remaining: f64, hours_left: f64) {
    for (field, value) in [("remaining", remaining), ("hoursLeft", hours_left)] {
        if !value.is_finite() {
            let got = value.to_string();
            flaws.noted(format!("{path}{field}"), Wrong::UnknownStock { got });
        }
    }
}

/// The first hour in which each number is wrong.
fn hours(flaws: &mut Flaws, hours: &[SiteHour]) {
    type Number = (&'static str, f64, fn(&SiteHour) -> f64);
    let numbers: [Number; 5] = [
        ("pricePerKwh", f64::MIN, |hour| hour.price_per_kwh.0),
        ("pue", 1.0, |hour| hour.pue),
        ("wue", 0.0, |hour| hour.wue.0),
        ("averageCarbon", 0.0, |hour| hour.average_carbon.0),
        ("marginalCarbon", f64::MIN, |hour| {
            hour.marginal_carbon.map_or(0.0, |grams| grams.0)
        }),
    ];
    for (name, least, number) in numbers {
        let wrong = |hour: &SiteHour| !number(hour).is_finite() || number(hour) < least;
        if let Some(slot) = hours.iter().position(wrong) {
            flaws.at_least(format!("hours[{slot}].{name}"), number(&hours[slot]), least);
        }
    }
}

fn pool(flaws: &mut Flaws, product: &Product, pool: &Pool) {
    let field = |name: &str| format!("pools[{product}].{name}");
    flaws.at_least(field("pricePerHour"), pool.price_per_hour.0, 0.0);
    flaws.at_least(field("ratedWatts"), pool.rated_watts.0 as f64, 0.0);
    let total = pool
        .nodes
        .iter()
        .map(|(free, count)| u64::from(*free) * u64::from(*count));
    let mut total = total.fold(0_u64, u64::saturating_add);
    if let Some(reserve) = pool
        .reserve
        .as_ref()
        .filter(|one| u64::from(one.accelerators) > total)
    {
        let wrong = Wrong::Above {
            got: f64::from(reserve.accelerators),
            limit: total as f64,
            of: "the accelerators of the pool".into(),
        };
        flaws.noted(field("reserve.accelerators"), wrong);
    }
    if let Some(elastic) = &pool.elastic {
        total = total.saturating_add(beyond(flaws, &field, elastic));
    }
    if u32::try_from(total).is_err() {
        flaws.left_out(field("nodes"), Wrong::TooLarge);
    }
}

/// Accelerators that can be had beyond a pool's own.
fn beyond(flaws: &mut Flaws, field: &impl Fn(&str) -> String, elastic: &Elastic) -> u64 {
    flaws.at_least(
        field("elastic.pricePerNodeHour"),
        elastic.price_per_node_hour.0,
        0.0,
    );
    if elastic.running > elastic.nodes {
        let wrong = Wrong::Above {
            got: f64::from(elastic.running),
            limit: f64::from(elastic.nodes),
            of: "the nodes that there are".into(),
        };
        flaws.noted(field("elastic.running"), wrong);
    }
    u64::from(elastic.nodes) * u64::from(elastic.accelerators_per_node)
}
