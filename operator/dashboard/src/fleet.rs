//! The fleet at one moment: what is running where, what room is left, what limits are passed.

use maud::{Markup, html};

use crate::models;
use crate::number::{self, count};
use crate::page::{Page, cell, mode_pill, pill};
use crate::site::site_card;
use crate::tables;
use crate::view::{FleetView, SignalState};

/// The page of a fleet.
pub fn fleet_page(view: &FleetView) -> String {
    let body = html! {
        header.top {
            div.brand { strong { "Commonwatt" } " " (mode_pill(&view.mode)) }
            nav aria-label="Sections" {
                a href="#sites" { "Sites" } a href="#models" { "Models" } a href="#jobs" { "Jobs" }
                a href="#signals" { "Signals" } a href="#events" { "Grid events" }
            }
        }
        main {
            (headline(view))
            (breaches(view))
            section #sites aria-labelledby="sites-title" {
                h2 #sites-title { "Sites" }
                @if view.sites.is_empty() { p.nothing { "No site has joined this fleet yet." } }
                div.cards { @for site in &view.sites { (site_card(view, site)) } }
            }
            section #models aria-labelledby="models-title" {
                h2 #models-title { "Where each model runs, and why" }
                @if view.deployments.is_empty() { p.nothing { "No model is deployed." } }
                @for deployment in &view.deployments { (models::deployment(view, deployment)) }
            }
            (cost(view))
            section #jobs aria-labelledby="jobs-title" { h2 #jobs-title { "Batch jobs" } (tables::jobs(&view.jobs)) }
            section #signals aria-labelledby="signals-title" { h2 #signals-title { "Signals" } (tables::signals(&view.signals)) }
            section #events aria-labelledby="events-title" { h2 #events-title { "Grid events" } (tables::events(&view.events)) }
        }
        (footer(view))
    };
    let title = format!(
        "{}Fleet · Commonwatt",
        if view.breaches.is_empty() { "" } else { "⚠ " }
    );
    Page {
        language: "en",
        title: &title,
        class: "fleet",
        refresh_seconds: view.refresh_seconds,
        body,
    }
    .render()
}

pub(crate) fn footer(view: &FleetView) -> Markup {
    html! {
        footer {
            p { "As of " (view.generated_at) @if !view.clock.is_empty() { ", " (view.clock) } "."
                @if let Some(seconds) = view.refresh_seconds {
                    " The fleet page loads again every " (number::duration(u64::from(seconds))) "."
                }
            }
            @if !view.communities.is_empty() {
                p { "For the host communities: "
                    @for (place, community) in view.communities.iter().enumerate() {
                        @if place > 0 { ", " }
                        a href=(community.link) { (community.name) }
                    }
                    "."
                }
            }
        }
    }
}

/// Adds up what is known; none where any site does not know.
fn total(view: &FleetView, of: impl Fn(&crate::view::SiteView) -> Option<f64>) -> Option<f64> {
    if view.sites.is_empty() {
        None
    } else {
        view.sites.iter().map(of).sum()
    }
}

fn headline(view: &FleetView) -> Markup {
    let running = view
        .deployments
        .iter()
        .filter(|deployment| deployment.ready_replicas > 0)
        .count();
    let ready: u32 = view
        .deployments
        .iter()
        .map(|deployment| deployment.ready_replicas)
        .sum();
    let desired: u32 = view
        .deployments
        .iter()
        .map(|deployment| deployment.desired_replicas)
        .sum();
    let draw = total(view, |site| site.draw_watts);
    let limit = total(view, |site| site.limit_watts);
    let unmet = view
        .deployments
        .iter()
        .filter(|deployment| deployment.unmet.is_some())
        .count();
    let at_risk = view.jobs.iter().filter(|job| job.at_risk).count();
    let old = view
        .signals
        .iter()
        .filter(|signal| signal.state != SignalState::Fresh)
        .count();
    html! {
        section.head aria-labelledby="head-title" {
            h1 #head-title {
                @if view.breaches.is_empty() { "Every limit is kept." }
                @else { span.alarm { (sentence(&count(view.breaches.len(), "limit is", "limits are"))) " passed." } }
                " "
                span.quiet { (sentence(&count(running, "model runs", "models run"))) " at " (count(view.sites.len(), "site", "sites"))
                    @if unmet > 0 { ", " (count(unmet, "does", "do")) " not get all it asks for" } "." }
            }
            dl.tiles {
                (tile("Draw", &number::watts(draw), &format!("of {} allowed", number::watts(limit)), false))
                (tile("Headroom", &number::watts(total(view, |site| site.headroom_watts)), "may still be placed", false))
                (tile("Replicas", &format!("{ready} of {desired}"), "answer", ready < desired))
                (tile("Cost", &number::money(view.objective.per_hour, &view.currency), &bound_text(view), false))
                (tile("Moves", &count(view.moves.len(), "move", "moves"), "in this hour", false))
                (tile("To watch", &watch_count(at_risk + old + unmet), &watch_text(at_risk, old, unmet), at_risk + old + unmet > 0))
            }
        }
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn watch_count(things: usize) -> String {
    if things == 0 {
        "nothing".into()
    } else {
        things.to_string()
    }
}

fn watch_text(at_risk: usize, old: usize, unmet: usize) -> String {
    let all = [
        (at_risk, "job may be late", "jobs may be late"),
        (old, "old signal", "old signals"),
        (unmet, "model short", "models short"),
    ];
    let said: Vec<_> = all
        .iter()
        .filter(|(number, _, _)| *number > 0)
        .map(|(number, one, many)| count(*number, one, many))
        .collect();
    if said.is_empty() {
        "jobs and signals are well".into()
    } else {
        said.join(", ")
    }
}

fn tile(term: &str, value: &str, more: &str, warn: bool) -> Markup {
    html! {
        div.tile.warn[warn] { dt { (term) } dd { span.value { (value) } span.quiet { (more) } } }
    }
}

/// How far from the best the plan can be at most.
fn bound_text(view: &FleetView) -> String {
    match (view.objective.per_hour, view.objective.bound_per_hour) {
        (Some(cost), Some(bound)) if cost > 0.0 => {
            format!(
                "per hour, within {} of the best",
                number::percent(((cost - bound) / cost).max(0.0))
            )
        }
        _ => "per hour".into(),
    }
}

fn breaches(view: &FleetView) -> Markup {
    html! {
        @if !view.breaches.is_empty() {
            section.breaches aria-labelledby="breaches-title" {
                h2 #breaches-title { "Limits that are passed" }
                ul { @for breach in &view.breaches {
                    li { strong { (breach.site) } ": " (breach.which) " is " (breach.value) ", the limit is " (breach.limit)
                        ", since " (breach.since) ". " (breach.why) }
                } }
            }
        }
    }
}

/// What the plan costs by part, and what it moves.
fn cost(view: &FleetView) -> Markup {
    let objective = &view.objective;
    let largest = objective
        .parts
        .iter()
        .map(|part| part.per_hour.abs())
        .fold(0.0, f64::max);
    html! {
        section #cost aria-labelledby="cost-title" {
            h2 #cost-title { "What this hour costs" }
            div.two {
                table.rows {
                    caption { "Per hour, in " (view.currency) }
                    tbody {
                        @for part in &objective.parts {
                            tr { th scope="row" { (part.name) }
                                td.wide { (crate::chart::bar(&part.name, part.per_hour.abs(), largest, "plain")) }
                                td.number { (number::grouped(part.per_hour, 2)) } }
                        }
                        @if let Some(bound) = objective.bound_per_hour {
                            tr.quiet { th scope="row" { "No plan below" } td {} td.number { (number::grouped(bound, 2)) } }
                        }
                    }
                    tfoot { tr { th scope="row" { "In all" } td {} td.number { (number::money(objective.per_hour, &view.currency)) } } }
                }
                (moves(view))
            }
        }
    }
}

fn moves(view: &FleetView) -> Markup {
    html! {
        @if view.moves.is_empty() { p.nothing { "Nothing moves in this hour." } }
        @else {
            table.stack {
                caption { "Moves in this hour" }
                thead { tr { th scope="col" { "What" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Why" } } }
                tbody { @for change in &view.moves { tr {
                    th scope="row" { (change.workload) " " span.quiet { "×" (change.replicas) } }
                    (cell("From", &html! { (change.from.as_deref().unwrap_or("new")) }))
                    (cell("To", &html! { @if let Some(to) = &change.to { (to) } @else { (pill("idle", "stops")) } }))
                    (cell("Why", &html! { (change.why) }))
                } } }
            }
        }
    }
}
