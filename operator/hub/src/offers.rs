//! A site as its offer says it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{self as api, SiteOffer, conditions::reasons};
use commonwatt_fleet::{
    GramsPerKwh, Liters, LitersPerKwh, Money, Origin, Pool, Product, Site, SiteHour, Slots,
    WaterStock, Watts,
};

use crate::problem::{Refused, invalid};

/// The feature of an agent that every assignment needs.
pub(crate) const SCHEDULE: &str = "schedule";

pub(crate) fn site(
    offer: &SiteOffer,
    currency: &str,
    rates: &BTreeMap<String, f64>,
    slots: Slots,
    now: DateTime<Utc>,
) -> Result<Site, Refused> {
    let spec = &offer.spec;
    if !spec.features.iter().any(|feature| feature == SCHEDULE) {
        let message = format!(
            "spec.features: the site's agent does not know `{SCHEDULE}`, without which nothing is proposed to it; upgrade it"
        );
        return Err((reasons::FEATURE_UNKNOWN, message));
    }
    let rate = rates.get(&spec.currency).copied().ok_or_else(|| {
        let message = format!(
            "spec.currency: no policy declares a rate from {} to {currency}; add it to spec.rates of a PlacementPolicy",
            spec.currency
        );
        (reasons::CURRENCY_WITHOUT_RATE, message)
    })?;
    let number =
        |field: &str, value: &api::Decimal| value.value().map_err(|error| invalid(field, error));
    let mut pools = BTreeMap::new();
    for class in &spec.accelerators {
        let nodes = class.nodes.iter().filter_map(|shape| {
            Some((
                u32::try_from(shape.available).ok()?,
                u32::try_from(shape.count).ok()?,
            ))
        });
        pools.insert(
            Product::from(class.product.as_str()),
            Pool {
                price_per_hour: Money(
                    number("spec.accelerators.hourlyPrice", &class.hourly_price)? * rate,
                ),
                rated_watts: Watts(class.rated_watts),
                nodes: nodes.collect(),
                reserve: None,
                elastic: None,
            },
        );
    }
    let mut hours = Vec::with_capacity(slots.count);
    for slot in 0..slots.count {
        let begin = slots.begin(slot);
        let offered = spec
            .hours
            .iter()
            .rev()
            .find(|hour| hour.start.0 <= begin)
            .or(spec.hours.first());
        let offered = offered.ok_or_else(|| invalid("spec.hours", "an offer needs an hour"))?;
        hours.push(SiteHour {
            limit: Watts(offered.watts),
            limit_set_by: offered.set_by.clone(),
            price_per_kwh: Money(number("spec.hours.pricePerKwh", &offered.price_per_kwh)? * rate),
            pue: number("spec.hours.pue", &offered.pue)?,
            wue: LitersPerKwh(number("spec.hours.wue", &offered.wue)?),
            average_carbon: GramsPerKwh(number(
                "spec.hours.averageCarbon",
                &offered.average_carbon,
            )?),
            marginal_carbon: match &offered.marginal_carbon {
                Some(value) => Some(GramsPerKwh(number("spec.hours.marginalCarbon", value)?)),
                None => None,
            },
        });
    }
    let water = match &spec.water {
        None => None,
        Some(water) => Some(WaterStock {
            remaining: Liters(number(
                "spec.water.remainingLiters",
                &water.remaining_liters,
            )?),
            hours_left: number("spec.water.hoursLeft", &water.hours_left)?,
            set_by: water.set_by.clone(),
        }),
    };
    Ok(Site {
        jurisdiction: spec.jurisdiction.clone(),
        latencies: spec
            .latencies
            .iter()
            .filter_map(|latency| {
                Some((
                    Origin::from(latency.origin.as_str()),
                    u32::try_from(latency.p95_milliseconds).ok()?,
                ))
            })
            .collect(),
        pools,
        hours,
        water,
        scarcity: number("spec.waterScarcityFactor", &spec.water_scarcity_factor)?,
        offer_revision: spec.revision,
        // An offer that counts now is renewed before it runs out: its hours count to the end of the horizon.
        valid_until: if spec.valid_until.0 > now {
            slots.end(slots.count)
        } else {
            spec.valid_until.0
        },
        demand_charge: None,
        obligations: Vec::new(),
    })
}
