//! Sites as they are, from their own objects where those are here and from their offers where not.

mod detail;

pub use detail::detail;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    Decimal, OfferedHour, Site, SiteOffer, Watts, conditions::types, find_condition,
};
use commonwatt_hub::Seen as HubSeen;
use commonwatt_site::Seen as SiteSeen;
use serde::Serialize;

use super::{Tone, ago, cell, table};

/// A site now. What is not known is absent.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteRow {
    pub name: String,
    pub mode: String,
    pub place: String,
    pub grid_zone: String,
    pub accelerators: Option<i64>,
    pub accelerators_free: Option<i64>,
    pub draw_watts: Option<i64>,
    pub charged_watts: Option<i64>,
    pub limit_watts: Option<i64>,
    pub limit_set_by: Option<String>,
    pub headroom_watts: Option<i64>,
    pub water_left_liters: Option<f64>,
    pub carbon: Reading,
    pub price: Reading,
    pub currency: String,
    /// `True`, `False`, or `Unknown` before its agent has spoken.
    pub ready: String,
    pub reason: String,
    pub message: String,
}

/// A signal's value now.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    pub value: Option<f64>,
    /// Absent for what is declared, which has no age.
    pub observed_at: Option<DateTime<Utc>>,
    /// `Fresh`, `Stale`, `Missing`, or empty where only an offer is known.
    pub state: String,
}

/// Every site by its name.
pub fn rows(hub: &HubSeen, site: &SiteSeen, now: DateTime<Utc>) -> Vec<SiteRow> {
    let mut rows: Vec<SiteRow> = site
        .sites
        .iter()
        .map(|declared| {
            let name = declared.metadata.name.as_deref().unwrap_or_default();
            of_site(declared, hub.offers.get(name).map(AsRef::as_ref), site)
        })
        .collect();
    for (name, offer) in &hub.offers {
        if !rows.iter().any(|row| row.name == *name) {
            rows.push(of_offer(name, offer, now));
        }
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn of_site(declared: &Site, offer: Option<&SiteOffer>, seen: &SiteSeen) -> SiteRow {
    let spec = &declared.spec;
    let status = declared.status.clone().unwrap_or_default();
    let watts = |watts: &Option<Watts>| watts.as_ref().and_then(|watts| watts.value().ok());
    let ready = find_condition(&status.conditions, types::READY);
    let (limit, charged) = (watts(&status.limit), watts(&status.charged));
    SiteRow {
        name: declared.metadata.name.clone().unwrap_or_default(),
        mode: format!("{:?}", spec.mode),
        place: spec.location.place.clone(),
        grid_zone: spec.location.grid_zone.clone(),
        accelerators: status.accelerators_total,
        accelerators_free: status.accelerators_free,
        draw_watts: watts(&status.draw),
        charged_watts: charged,
        limit_watts: limit,
        limit_set_by: status.limit_set_by.clone(),
        headroom_watts: limit.zip(charged).map(|(limit, charged)| limit - charged),
        water_left_liters: water_left(declared, seen).or_else(|| offer.and_then(offered_water)),
        carbon: signal(&spec.signals.average_carbon, &status, seen),
        price: signal(&spec.signals.price, &status, seen),
        currency: spec.currency.clone(),
        ready: ready.map_or("Unknown".into(), |ready| ready.status.clone()),
        reason: ready.map_or("NotSeenYet".into(), |ready| ready.reason.clone()),
        message: ready.map_or_else(
            || "no agent has spoken of it; is one running with the role site?".into(),
            |ready| ready.message.clone(),
        ),
    }
}

/// The least that a water budget of the site leaves.
fn water_left(site: &Site, seen: &SiteSeen) -> Option<f64> {
    let name = site.metadata.name.as_deref()?;
    seen.water
        .iter()
        .filter(|budget| budget.spec.site == name)
        .filter_map(|budget| {
            let status = budget.status.as_ref()?;
            let (cap, used) = (status.cap.as_ref()?, status.used.as_ref()?);
            Some(cap.value().ok()? - used.value().ok()?)
        })
        .min_by(f64::total_cmp)
}

fn offered_water(offer: &SiteOffer) -> Option<f64> {
    offer.spec.water.as_ref()?.remaining_liters.value().ok()
}

fn signal(name: &str, status: &commonwatt_api::SiteStatus, seen: &SiteSeen) -> Reading {
    let age = status.signals.iter().find(|signal| signal.name == name);
    let said = seen
        .signals
        .get(name)
        .and_then(|signal| signal.status.as_ref());
    // Prices are published per megawatt-hour; everything here is per kilowatt-hour.
    let per = said.and_then(|said| said.unit.as_deref());
    let scale = if per.is_some_and(|unit| unit.ends_with("/MWh")) {
        1000.0
    } else {
        1.0
    };
    let value = said.and_then(|said| said.value.as_ref()?.value().ok());
    Reading {
        value: value.map(|value| value / scale),
        observed_at: said.and_then(|said| Some(said.observed_at.as_ref()?.0)),
        state: age.map_or("Missing".into(), |age| age.state.clone()),
    }
}

/// The hour of an offer that runs.
fn hour(offer: &SiteOffer, now: DateTime<Utc>) -> Option<&OfferedHour> {
    let hours = &offer.spec.hours;
    let begun = hours.iter().rev().find(|hour| hour.start.0 <= now);
    begun.or(hours.first())
}

fn of_offer(name: &str, offer: &SiteOffer, now: DateTime<Utc>) -> SiteRow {
    let spec = &offer.spec;
    let hour = hour(offer, now);
    let number = |value: &Decimal| value.value().ok();
    let value = |of: fn(&OfferedHour) -> &Decimal| Reading {
        value: hour.and_then(|hour| number(of(hour))),
        ..Reading::default()
    };
    let (ready, reason, message) = heard(offer, now);
    SiteRow {
        name: name.into(),
        mode: format!("{:?}", spec.mode),
        place: spec.place.clone(),
        grid_zone: spec.grid_zone.clone(),
        limit_watts: hour.map(|hour| hour.watts),
        limit_set_by: hour.map(|hour| hour.set_by.clone()),
        water_left_liters: offered_water(offer),
        carbon: value(|hour| &hour.average_carbon),
        price: value(|hour| &hour.price_per_kwh),
        currency: spec.currency.clone(),
        ready,
        reason,
        message,
        ..SiteRow::default()
    }
}

/// Whether a site that is known by its offer alone takes part.
fn heard(offer: &SiteOffer, now: DateTime<Utc>) -> (String, String, String) {
    let status = offer.status.as_ref();
    let reachable = status.and_then(|s| find_condition(&s.conditions, types::REACHABLE));
    if let Some(wrong) = reachable.filter(|condition| condition.status != "True") {
        return ("False".into(), wrong.reason.clone(), wrong.message.clone());
    }
    let until = offer.spec.valid_until.0;
    if until < now {
        let message = format!(
            "its offer ran out {} ago; is its agent running?",
            ago(now - until)
        );
        return ("False".into(), "OfferExpired".into(), message);
    }
    ("True".into(), "Ok".into(), String::new())
}

/// What is not known.
fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or("-".into(), |value| value.to_string())
}

fn rounded(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".into(), |value| format!("{value:.digits$}"))
}

/// As a table.
pub fn text(rows: &[SiteRow], wide: bool) -> String {
    let mut header = vec![
        "SITE",
        "MODE",
        "GPUS",
        "FREE",
        "DRAW",
        "LIMIT",
        "HEADROOM",
        "G/KWH",
        "PRICE/KWH",
        "READY",
    ];
    if wide {
        header.extend(["WATER-LEFT", "CARBON-AGE", "PRICE-AGE", "SET-BY", "MESSAGE"]);
    }
    let mut table = table(&header);
    for row in rows {
        let tone = Tone::of_status(&row.ready);
        let over = row.headroom_watts.is_some_and(|headroom| headroom < 0);
        let plain = |text: String| cell(text, Tone::Plain);
        let mut cells = vec![
            plain(row.name.clone()),
            plain(row.mode.clone()),
            plain(or_dash(row.accelerators)),
            plain(or_dash(row.accelerators_free)),
            plain(or_dash(row.draw_watts)),
            plain(or_dash(row.limit_watts)),
            cell(
                or_dash(row.headroom_watts),
                if over { Tone::Bad } else { Tone::Plain },
            ),
            plain(rounded(row.carbon.value, 0)),
            plain(rounded(row.price.value, 4)),
            // One word: the reason says more than True or False.
            cell(&row.reason, tone),
        ];
        if wide {
            cells.extend([
                plain(rounded(row.water_left_liters, 0)),
                plain(row.carbon.state.clone()),
                plain(row.price.state.clone()),
                plain(or_dash(row.limit_set_by.clone())),
                plain(row.message.clone()),
            ]);
        }
        table.add_row(cells);
    }
    format!("{table}\n")
}
