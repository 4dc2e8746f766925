//! What an agent found at its sites.

use commonwatt_api::{
    Mode, Quantity, Watts as ApiWatts, conditions::reasons, conditions::types, find_condition,
};
use commonwatt_fleet::Watts;
use commonwatt_kubernetes::metrics::{Sheet, families as all};
use commonwatt_signals::{Provenance, State};
use commonwatt_site::hours::SignalState;
use commonwatt_site::{Cycle, Seen, Snapshot};

use super::flag;

pub(super) fn sheet(place: &str, mode: Mode, cycle: &Cycle) -> Sheet {
    let mut sheet = Sheet::default();
    for (name, snapshot) in &cycle.sites {
        standing(&mut sheet, name, mode, snapshot);
        power(&mut sheet, name, snapshot);
        hour(&mut sheet, name, snapshot);
        signals(&mut sheet, name, snapshot, &cycle.seen);
        water(&mut sheet, name, snapshot);
        events(&mut sheet, name, snapshot);
        for problem in &snapshot.problems {
            let labels = ["site", place, problem.kind, problem.reason];
            sheet.add(&all::OBJECTS_UNUSABLE, labels, 1.0);
        }
    }
    for malformed in &cycle.seen.malformed {
        let labels = ["site", place, malformed.object.kind(), reasons::INVALID];
        sheet.add(&all::OBJECTS_UNUSABLE, labels, 1.0);
    }
    sheet
}

fn standing(sheet: &mut Sheet, name: &str, mode: Mode, snapshot: &Snapshot) {
    let conditions = &snapshot.said.site.conditions;
    if let Some(ready) = find_condition(conditions, types::READY) {
        let value = flag(ready.status == "True");
        sheet.set(&all::SITE_READY, [name, &ready.reason], value);
    }
    if let Some(reachable) = find_condition(conditions, types::HUBS_REACHABLE) {
        let value = flag(reachable.status == "True");
        sheet.set(&all::SITE_HUBS_REACHABLE, [name], value);
    }
    let mode = format!("{:?}", mode.min(snapshot.site.spec.mode));
    sheet.set(&all::SITE_MODE, [name, &mode], 1.0);
    for (answer, count) in &snapshot.said.answers {
        sheet.set(&all::SITE_ANSWERS, [name, answer], *count as f64);
    }
    sheet.set(&all::SITE_BREACHES, [name], snapshot.said.breaches as f64);
    let missing = f64::from(snapshot.said.missing_hours) * 3600.0;
    sheet.set(&all::SITE_LEDGER_MISSING, [name], missing);
}

fn power(sheet: &mut Sheet, name: &str, snapshot: &Snapshot) {
    let watts = |watts: Watts| watts.0 as f64;
    sheet.set(&all::SITE_CHARGED, [name], watts(snapshot.charged));
    sheet.set(&all::SITE_DRAW, [name], watts(snapshot.draw));
    let sheddable = watts(snapshot.facility.sheddable);
    sheet.set(&all::SITE_SHEDDABLE, [name], sheddable);
    for (product, (total, used)) in &snapshot.accelerators {
        let free = f64::from(total.saturating_sub(*used));
        let total = f64::from(*total);
        sheet.set(&all::SITE_ACCELERATORS, [name, product, "total"], total);
        sheet.set(&all::SITE_ACCELERATORS, [name, product, "free"], free);
    }
    let Some(model) = &snapshot.model else { return };
    let pue = model.hours.first().map_or(1.0, |hour| hour.pue);
    sheet.set(&all::SITE_LIMIT, [name], watts(snapshot.limit));
    sheet.set(&all::SITE_LIMIT_SET_BY, [name, &snapshot.set_by], 1.0);
    let left = snapshot.limit.saturating_sub(snapshot.charged);
    sheet.set(&all::SITE_HEADROOM, [name], watts(left));
    let unmanaged = watts(model.limits.unmanaged_facility(pue));
    sheet.set(&all::SITE_UNMANAGED, [name], unmanaged);
}

/// What counts in this hour.
fn hour(sheet: &mut Sheet, name: &str, snapshot: &Snapshot) {
    let hours = snapshot
        .model
        .as_ref()
        .and_then(|model| model.hours.first());
    let Some(hour) = hours else { return };
    sheet.set(&all::SITE_CARBON, [name, "average"], hour.average_carbon);
    if let Some(marginal) = hour.marginal_carbon {
        sheet.set(&all::SITE_CARBON, [name, "marginal"], marginal);
    }
    let currency = &snapshot.site.spec.currency;
    sheet.set(&all::SITE_PRICE, [name, currency], hour.price);
    sheet.set(&all::SITE_PUE, [name], hour.pue);
    sheet.set(&all::SITE_WUE, [name], hour.wue);
}

fn signals(sheet: &mut Sheet, name: &str, snapshot: &Snapshot, seen: &Seen) {
    for (signal, state) in &snapshot.signals {
        let quantity = seen.signals.get(signal).map(|signal| signal.spec.quantity);
        let word = quantity.map_or("Unknown".into(), |quantity| format!("{quantity:?}"));
        let labels = [name, signal.as_str(), word.as_str()];
        let reading = match state {
            SignalState::Said(reading) => Some(reading),
            SignalState::Silent(_) => None,
        };
        let own = reading.is_some_and(|reading| {
            reading.state == State::Fresh && reading.provenance != Provenance::Fallback
        });
        sheet.set(&all::SITE_SIGNAL_FRESH, labels, flag(own));
        let Some(reading) = reading else { continue };
        if let Some(age) = reading.age_seconds {
            sheet.set(&all::SITE_SIGNAL_AGE, labels, age as f64);
        }
        if quantity == Some(Quantity::WetBulb) {
            sheet.set(&all::SITE_WET_BULB, [name], reading.value);
        }
    }
}

fn water(sheet: &mut Sheet, name: &str, snapshot: &Snapshot) {
    for (budget, status) in &snapshot.said.water {
        let labels = [name, budget.as_str()];
        let volumes = [
            (&all::SITE_WATER_CAP, &status.cap),
            (&all::SITE_WATER_USED, &status.used),
            (&all::SITE_WATER_PROJECTED, &status.projected),
        ];
        for (gauge, volume) in volumes {
            let liters = volume.as_ref().and_then(|volume| volume.value().ok());
            if let Some(liters) = liters {
                sheet.set(gauge, labels, liters);
            }
        }
        let coverage = status.coverage_percent.as_ref();
        if let Some(percent) = coverage.and_then(|percent| percent.value().ok()) {
            sheet.set(&all::SITE_WATER_COVERAGE, labels, percent / 100.0);
        }
        if let Some(stage) = &status.stage {
            sheet.set(&all::SITE_WATER_STAGE, [name, budget, stage], 1.0);
        }
    }
}

fn events(sheet: &mut Sheet, name: &str, snapshot: &Snapshot) {
    let mut lowest: Option<i64> = None;
    let mut shortfall = 0;
    for (target, status) in snapshot.said.events.values() {
        let Some(verdict) = find_condition(&status.conditions, types::WITHIN_LIMIT) else {
            continue;
        };
        sheet.add(&all::SITE_EVENTS, [name, &verdict.reason], 1.0);
        if verdict.reason == reasons::OVER {
            continue;
        }
        lowest = Some(lowest.map_or(*target, |lowest| lowest.min(*target)));
        let short = status.shortfall.as_ref().map(ApiWatts::value);
        shortfall = shortfall.max(short.and_then(Result::ok).unwrap_or(0));
    }
    if let Some(target) = lowest {
        sheet.set(&all::SITE_EVENT_TARGET, [name], target as f64);
        sheet.set(&all::SITE_EVENT_SHORTFALL, [name], shortfall as f64);
    }
}
