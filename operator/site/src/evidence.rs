//! A grid event's evidence: what was asked, when it was seen, what was on offer and what was given.

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_api::{
    Condition, EventPurpose, GridEvent, GridEventStatus, Watts as ApiWatts, conditions,
    set_condition,
};
use commonwatt_fleet::Watts;
use commonwatt_ledger::{Body, EventPurpose as LedgerPurpose, EventStage, GridEventRecord};

/// Facility watts at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility {
    /// Ready work and unmanaged load: what would be measured.
    pub drawn: Watts,
    /// Ceilings and what is still ending, with the unmanaged load: what counts.
    pub charged: Watts,
    /// What can be shed without draining: suspendable batch, and ceilings above floors.
    pub sheddable: Watts,
}

/// The event's next status, and the stages that are news for the ledger.
pub fn follow(
    event: &GridEvent,
    target: Watts,
    facility: Facility,
    now: DateTime<Utc>,
) -> (GridEventStatus, Vec<Body>) {
    let spec = &event.spec;
    let mut status = event.status.clone().unwrap_or_default();
    let mut stages = Vec::new();
    let mut stage = |stage: EventStage| {
        stages.push(Body::Event(GridEventRecord {
            event: event.metadata.name.clone().unwrap_or_default(),
            purpose: match spec.purpose {
                EventPurpose::Drill => LedgerPurpose::Drill,
                EventPurpose::Program => LedgerPurpose::Program,
                EventPurpose::Emergency => LedgerPurpose::Emergency,
            },
            target,
            at: now,
            stage,
        }));
    };
    let end = spec.start.0 + TimeDelta::seconds(spec.duration_seconds);
    let watts = |watts: Watts| Some(ApiWatts::from_value(watts.0));
    status.observed_generation = event.metadata.generation;
    if status.received_at.is_none() {
        status.received_at = Some(now.into());
        status.baseline = watts(facility.drawn);
        status.acknowledged_at = Some(now.into());
        status.offered = watts(facility.sheddable);
        stage(EventStage::Received {
            start: spec.start.0,
            duration_seconds: u32::try_from(spec.duration_seconds).unwrap_or(u32::MAX),
        });
        stage(EventStage::Baseline {
            watts: facility.drawn,
            method: "facility watts at receipt, modelled".into(),
        });
        stage(EventStage::Acknowledged {
            on_offer: facility.sheddable,
            after_seconds: 0,
        });
    }
    let running = now >= spec.start.0 && now < end;
    if running && status.reached_at.is_none() && facility.charged <= target {
        status.reached_at = Some(now.into());
        let after = (now - spec.start.0).num_seconds();
        stage(EventStage::RampReached {
            after_seconds: u32::try_from(after).unwrap_or(0),
        });
    }
    if running {
        status.measured = watts(facility.drawn);
        if now >= spec.start.0 + TimeDelta::seconds(spec.ramp_seconds) {
            let short = facility.drawn.saturating_sub(target).0;
            let before = status
                .shortfall
                .as_ref()
                .and_then(|watts| watts.value().ok())
                .unwrap_or(0);
            status.shortfall = watts(Watts(short.max(before)));
        }
    }
    if now >= end && status.released_at.is_none() {
        status.released_at = Some(now.into());
        stage(EventStage::Released);
    }
    let condition = verdict(&status, target, facility, running, now >= end, now);
    set_condition(
        &mut status.conditions,
        condition.at_generation(event.metadata.generation),
    );
    (status, stages)
}

fn verdict(
    status: &GridEventStatus,
    target: Watts,
    facility: Facility,
    running: bool,
    over: bool,
    now: DateTime<Utc>,
) -> Condition {
    use conditions::{reasons, types};
    let baseline = status
        .baseline
        .as_ref()
        .and_then(|watts| watts.value().ok())
        .map_or(Watts::ZERO, Watts);
    let needed = baseline.saturating_sub(target);
    let offered = status
        .offered
        .as_ref()
        .and_then(|watts| watts.value().ok())
        .map_or(Watts::ZERO, Watts);
    let (ok, reason, message) = if over {
        (
            true,
            reasons::OVER,
            "the event is over; load climbs back over its ramp".to_owned(),
        )
    } else if running && facility.charged <= target {
        (
            true,
            reasons::OK,
            format!(
                "charged {} of {target}, drawn {}",
                facility.charged, facility.drawn
            ),
        )
    } else if running {
        (
            false,
            reasons::FALLING,
            format!(
                "charged {} is still above {target}; load is falling",
                facility.charged
            ),
        )
    } else if offered < needed {
        (
            false,
            reasons::INSUFFICIENT_FAST_SHED,
            format!(
                "{needed} would have to go, {offered} can without draining; the rest is drained by priority"
            ),
        )
    } else {
        (
            true,
            reasons::PENDING,
            format!("{offered} can be shed, {needed} will be needed"),
        )
    };
    Condition::new(types::WITHIN_LIMIT, ok, reason, message, now)
}

#[cfg(test)]
mod tests {
    use commonwatt_api::{GridEventSpec, Watts as ApiWatts};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn facility(drawn: i64, charged: i64) -> Facility {
        Facility {
            drawn: Watts(drawn),
            charged: Watts(charged),
            sheddable: Watts(300),
        }
    }

    #[test]
    fn an_event_is_received_once_reached_once_and_released_once() {
        let spec = GridEventSpec {
            site: "a".into(),
            purpose: EventPurpose::Drill,
            start: at("2023-06-05T18:00:00Z").into(),
            duration_seconds: 3600,
            ramp_seconds: 300,
            target_watts: ApiWatts("700".into()),
        };
        let mut event = GridEvent::new("drill", spec);
        let mut stages = Vec::new();
        for (time, drawn, charged) in [
            ("2023-06-05T17:00:00Z", 1000, 1000),
            ("2023-06-05T18:00:00Z", 1000, 1000),
            ("2023-06-05T18:02:00Z", 800, 700),
            ("2023-06-05T18:06:00Z", 750, 700),
            ("2023-06-05T19:00:00Z", 700, 700),
            ("2023-06-05T19:01:00Z", 700, 700),
        ] {
            let (status, news) = follow(&event, Watts(700), facility(drawn, charged), at(time));
            stages.extend(news);
            event.status = Some(status);
        }
        let status = event.status.expect("a status");
        assert_eq!(
            stages.len(),
            5,
            "received, baseline, acknowledged, reached, released"
        );
        assert_eq!(status.reached_at, Some(at("2023-06-05T18:02:00Z").into()));
        assert_eq!(
            status.shortfall,
            Some(ApiWatts("50".into())),
            "above the target after the ramp"
        );
        assert_eq!(status.released_at, Some(at("2023-06-05T19:00:00Z").into()));
    }
}
