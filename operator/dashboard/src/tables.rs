//! Jobs, signals and grid events.

use maud::{Markup, html};

use crate::chart;
use crate::number::{self, UNKNOWN, duration};
use crate::page::{cell, number_cell, pill};
use crate::view::{EventView, JobView, SignalState, SignalView};

/// Jobs with their hours.
pub(crate) fn jobs(jobs: &[JobView]) -> Markup {
    html! {
        @if jobs.is_empty() { p.nothing { "No batch job is waiting or running." } }
        @else {
            table.stack {
                caption { "The next 48 hours; the line is the deadline" }
                thead { tr { th scope="col" { "Job" } th scope="col" { "Site" } th.wide scope="col" { "Hours" } th scope="col" { "Done by" } } }
                tbody { @for job in jobs { tr {
                    th scope="row" { (job.name) @if job.at_risk { " " (pill("bad", "may be late")) } }
                    (cell("Site", &html! { (job.site.as_deref().unwrap_or("no place yet")) }))
                    (cell("Hours", &strip(job)))
                    (cell("Done by", &html! { (job.deadline) }))
                } } }
            }
        }
    }
}

fn strip(job: &JobView) -> Markup {
    let running = job
        .hours
        .iter()
        .take(chart::HOURS)
        .filter(|runs| **runs)
        .count();
    let first = job.hours.iter().position(|runs| *runs);
    let from = match first {
        Some(0) => ", from now".into(),
        Some(hour) => format!(", from {hour} hours from now"),
        None => String::new(),
    };
    let said = format!("runs in {}{from}", number::count(running, "hour", "hours"));
    chart::hour_strip(&said, &job.hours, job.deadline_in_hours)
}

/// Signals with their ages.
pub(crate) fn signals(signals: &[SignalView]) -> Markup {
    html! {
        @if signals.is_empty() { p.nothing { "No signal is declared: prices and intensities are those of the Site objects." } }
        @else {
            table.stack {
                caption.unseen { "Signals and how old they are" }
                thead { tr { th scope="col" { "Signal" } th scope="col" { "Zone" } th scope="col" { "Says" } th.number scope="col" { "Now" }
                    th.number scope="col" { "Age" } th scope="col" { "State" } th scope="col" { "From" } } }
                tbody { @for signal in signals { tr {
                    th scope="row" { (signal.name) }
                    (cell("Zone", &html! { (signal.zone) }))
                    (cell("Says", &html! { (signal.quantity) }))
                    (number_cell("Now", &signal.value.map_or_else(|| UNKNOWN.into(), |value| format!("{}\u{a0}{}", number::plain(value), signal.unit))))
                    (cell_age(signal))
                    (cell("State", &state(signal.state)))
                    (cell("From", &html! { span.quiet { (signal.provenance) } }))
                } } }
            }
        }
    }
}

fn cell_age(signal: &SignalView) -> Markup {
    html! {
        td.number data-label="Age" { (signal.age_seconds.map_or_else(|| UNKNOWN.into(), duration)) " "
            span.quiet { "of " (duration(signal.max_age_seconds)) } }
    }
}

fn state(state: SignalState) -> Markup {
    match state {
        SignalState::Fresh => pill("good", "fresh"),
        SignalState::Stale => pill("warn", "stale"),
        SignalState::Fallback => pill("bad", "fallback"),
    }
}

/// Grid events.
pub(crate) fn events(events: &[EventView]) -> Markup {
    html! {
        @if events.is_empty() { p.nothing { "No grid event is announced or under way." } }
        @else {
            table.stack {
                caption.unseen { "Grid events" }
                thead { tr { th scope="col" { "Event" } th scope="col" { "Site" } th scope="col" { "For" } th scope="col" { "Starts" }
                    th.number scope="col" { "Target" } th.number scope="col" { "Measured" } th scope="col" { "State" } } }
                tbody { @for event in events { tr {
                    th scope="row" { (event.name) }
                    (cell("Site", &html! { (event.site) }))
                    (cell("For", &html! { (event.purpose) }))
                    (cell("Starts", &html! { (event.start) }))
                    (number_cell("Target", &number::watts(event.target_watts)))
                    (number_cell("Measured", &number::watts(event.measured_watts)))
                    (cell("State", &pill("idle", &event.state)))
                } } }
            }
        }
    }
}
