//! What a signal says in each slot of a horizon, without looking into the future.

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::Slots;
use serde::{Deserialize, Serialize};

use crate::reading::{self, State, clock};
use crate::{Future, Series, Shape, SignalError, Source, Spec};

/// How far ahead published values are read. Day-ahead auctions publish around noon for all of the next day: 36 hours.
const KNOWN_HOURS: i64 = 36;

/// How many days back the same hour is looked for.
const SEASONAL_LOOKBACK_DAYS: i64 = 7;

/// In whose word the value of a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HourProvenance {
    /// Observed: what holds in the slot was stamped at or before now.
    Observed,
    /// Declared, or published before its time.
    Known,
    /// The same hour of past days.
    Seasonal,
    /// The fallback of the signal.
    Fallback,
}

/// The value of a signal in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HourValue {
    /// The mean over the slot, in the unit of the signal's quantity.
    pub value: f64,
    /// In whose word it is.
    pub provenance: HourProvenance,
}

/// The value of a signal in each slot, as far as it can be said at `now`.
///
/// Observed series, in this order: a slot that is over has its observed mean; a published one ([`Future::Known`],
/// 36 hours at most) its published mean; the slot that `now` is in the latest observation; a later one that an interval
/// already begun reaches into the value of that interval; any other the mean of the
/// same hour of the last days ([`crate::Quantity::seasonal_days`], counted in days of 24 hours). When the latest
/// observation is stale, later slots do not rest on older ones either: all that is not published falls back.
///
/// # Errors
/// [`SignalError::Unknown`] when a slot has no value and the signal no fallback.
pub fn forecast(
    spec: &Spec,
    now: DateTime<Utc>,
    slots: &Slots,
) -> Result<Vec<HourValue>, SignalError> {
    let guess = |from, to| match spec.source() {
        Source::Static(shape) => declared(shape, from, to),
        Source::File(series) => observed(spec, series, now, from, to),
    };
    (0..slots.count)
        .map(|slot| {
            let (from, to) = (slots.begin(slot), slots.end(slot));
            guess(from, to)
                .or_else(|| fallback(spec))
                .ok_or_else(|| unknown(spec, now, from))
        })
        .collect()
}

fn declared(shape: &Shape, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<HourValue> {
    let value = shape.mean(from, to)?;
    let provenance = HourProvenance::Known;
    Some(HourValue { value, provenance })
}

fn observed(
    spec: &Spec,
    series: &Series,
    now: DateTime<Utc>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Option<HourValue> {
    let of = |provenance| move |value| HourValue { value, provenance };
    // A file of another year was known before this one began, yet it observed nothing of it.
    let seen = if series.is_replayed() {
        HourProvenance::Known
    } else {
        HourProvenance::Observed
    };
    if to <= now {
        return series.mean(from, to, now).map(of(seen));
    }
    let limit = limit(spec, now);
    if spec.future() == Future::Known
        && let Some(value) = series.mean(from, to, limit)
    {
        return Some(of(HourProvenance::Known)(value));
    }
    let (at, latest) = series.latest(now)?;
    if (now - at).num_seconds() > i64::from(spec.max_age_seconds()) {
        return None;
    }
    if from <= now {
        return Some(of(seen)(latest));
    }
    // A long interval that has begun, such as today's, still speaks for a later slot inside it.
    let begun = series.mean(from, to, now).map(of(seen));
    begun.or_else(|| seasonal(spec, series, limit, from, to).map(of(HourProvenance::Seasonal)))
}

/// The mean of the same slot of the last days of which something was stamped up to `limit`.
fn seasonal(
    spec: &Spec,
    series: &Series,
    limit: DateTime<Utc>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Option<f64> {
    let day = TimeDelta::days(1);
    let ahead = (from - limit).num_seconds().max(1);
    // The last day whose slot had begun at the limit: 1 for the next 24 hours, 2 for the 24 after them.
    let first = (ahead + 86_399) / 86_400;
    let days = first..first + SEASONAL_LOOKBACK_DAYS;
    let values: Vec<f64> = days
        .filter_map(|days| series.mean(from - day * days as i32, to - day * days as i32, limit))
        .take(spec.quantity().seasonal_days())
        .collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The last stamp that may be read.
fn limit(spec: &Spec, now: DateTime<Utc>) -> DateTime<Utc> {
    match spec.future() {
        Future::Known => now + TimeDelta::hours(KNOWN_HOURS),
        Future::Seasonal => now,
    }
}

fn fallback(spec: &Spec) -> Option<HourValue> {
    let value = spec.fallback()?;
    let provenance = HourProvenance::Fallback;
    Some(HourValue { value, provenance })
}

/// The reason of now, when it is that; else the hour that no past day has.
fn unknown(spec: &Spec, now: DateTime<Utc>, from: DateTime<Utc>) -> SignalError {
    reading::reading(spec, now)
        .err()
        .unwrap_or_else(|| SignalError::Unknown {
            signal: spec.name().to_owned(),
            state: State::Missing,
            why: format!(
                "nothing is declared, published or observed on past days for {}",
                clock(from)
            ),
        })
}
