//! What a site offers a hub.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_api::{
    Decimal, NodeShape, OfferedAccelerators, OfferedHour, OfferedWater, RunningWorkload,
    SiteOfferSpec,
};
use commonwatt_fleet::Slots;

use crate::inventory::{Node, Owner, available};
use crate::model::SiteModel;

/// What this agent understands.
pub const FEATURES: [&str; 3] = ["schedule", "job-suspend", "release"];
/// Hours that are offered ahead.
pub const HORIZON_HOURS: usize = 48;
/// How long an offer counts without a word from the site.
pub const VALID_SECONDS: i64 = 3 * 3600;

/// What a hub's work already takes here, and what others take.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// IT watts charged to others than this hub.
    pub watts_of_others: i64,
}

/// The offer for a hub that may use `share_percent` of the limits.
pub fn offer(
    model: &SiteModel,
    slots: &Slots,
    now: DateTime<Utc>,
    share_percent: i64,
    nodes: &BTreeMap<String, Node>,
    own: impl Fn(&str) -> bool,
    taken: &Taken,
    running: Vec<RunningWorkload>,
    revision: i64,
) -> SiteOfferSpec {
    let site = &model.site.spec;
    let share = share_percent as f64 / 100.0;
    let decimal = |value: f64| Decimal::from_value(value, 6).unwrap_or_else(|| Decimal("0".into()));
    let accelerators = site
        .accelerators
        .iter()
        .filter_map(|class| {
            let shapes = available(
                nodes,
                &class.product,
                |owner| matches!(owner, Owner::Record(name) if own(name)),
            );
            Some(OfferedAccelerators {
                product: class.product.clone(),
                hourly_price: class.hourly_price.clone(),
                rated_watts: class.rated_watts.value().ok()?,
                nodes: shapes
                    .into_iter()
                    .filter(|(free, _)| *free > 0)
                    .map(|(free, count)| NodeShape {
                        available: i64::from(free),
                        count: i64::from(count),
                    })
                    .collect(),
            })
        })
        .collect();
    let hours = model.hours.iter().enumerate().map(|(slot, hour)| {
        // Of the hour that runs only what is left of it counts: an event that is over must not bind until its end.
        let begin = slots.begin(slot).max(now);
        let left = (slots.end(slot) - begin).num_seconds().max(1);
        let seconds = u32::try_from(left).unwrap_or(slots.seconds);
        let in_force = model.limits.lowest_within(begin, seconds, hour.pue);
        let shared = in_force.watts.scaled_down(share).0;
        let left = (in_force.watts.0 - taken.watts_of_others).max(0);
        OfferedHour {
            start: slots.begin(slot).into(),
            watts: shared.min(left),
            set_by: if shared < left && share < 1.0 {
                "share".into()
            } else {
                in_force.set_by
            },
            price_per_kwh: decimal(hour.price),
            pue: decimal(hour.pue),
            wue: decimal(hour.wue),
            average_carbon: decimal(hour.average_carbon),
            marginal_carbon: hour.marginal_carbon.map(decimal),
        }
    });
    SiteOfferSpec {
        site: model.name().to_owned(),
        revision,
        valid_until: (now + TimeDelta::seconds(VALID_SECONDS)).into(),
        mode: site.mode,
        features: FEATURES.iter().map(|&feature| feature.to_owned()).collect(),
        place: site.location.place.clone(),
        jurisdiction: site.location.jurisdiction.clone(),
        grid_zone: site.location.grid_zone.clone(),
        currency: site.currency.clone(),
        water_scarcity_factor: site.water_scarcity_factor.clone(),
        latencies: site.latencies.clone(),
        accelerators,
        hours: hours.collect(),
        water: model.water.as_ref().map(|water| OfferedWater {
            remaining_liters: decimal(water.remaining() * share),
            hours_left: decimal(water.hours_left(now)),
            set_by: format!("waterbudget/{}", water.name),
        }),
        running,
    }
}

/// Whether two offers say the same, apart from when they were made.
pub fn says_the_same(old: &SiteOfferSpec, new: &SiteOfferSpec) -> bool {
    let timeless = |offer: &SiteOfferSpec| {
        let mut offer = offer.clone();
        offer.valid_until = DateTime::<Utc>::UNIX_EPOCH.into();
        offer.revision = 0;
        if let Some(water) = &mut offer.water {
            // It runs down by itself every minute; only a change of a hundredth is news.
            water.hours_left = Decimal("0".into());
            let remaining = water.remaining_liters.value().unwrap_or(0.0);
            let digits = 10_f64.powf(remaining.abs().max(1.0).log10().floor() - 1.0);
            water.remaining_liters =
                Decimal::from_value((remaining / digits).round(), 0).unwrap_or_else(|| "0".into());
        }
        offer
    };
    timeless(old) == timeless(new)
}
