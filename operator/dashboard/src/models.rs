//! Where each model runs and why, with the places that were not chosen.

use maud::{Markup, html};

use crate::number;
use crate::page::{cell, mode_pill, namespaced, number_cell, pill};
use crate::view::{DeploymentView, FleetView, PlacementView, RejectedView};

/// One deployment: its numbers, its places, and the places that were not chosen.
pub(crate) fn deployment(view: &FleetView, deployment: &DeploymentView) -> Markup {
    html! {
        article.deployment {
            div.title {
                h3 { (namespaced(&deployment.namespace, &deployment.name)) }
                span.pills {
                    (mode_pill(&deployment.mode))
                    (readiness(deployment.ready_replicas, deployment.desired_replicas))
                }
            }
            p.numbers {
                span { (number::known(deployment.demand_tokens_per_second, 0, "tokens/s")) " asked for" }
                span { (number::money(deployment.cost_per_hour, &view.currency)) " per hour" }
                span {
                    @if let Some(grams) = deployment.grams_per_1000_tokens { (number::known(Some(grams), 3, "g")) " CO₂e per 1000 tokens" }
                    @else { "CO₂e per 1000 tokens not known" }
                }
            }
            @if let Some(unmet) = &deployment.unmet { p.breach { strong { "Not all is served. " } (unmet) } }
            @if deployment.sites.is_empty() { p.nothing { "It runs nowhere." } }
            @else { (placements(&deployment.name, &deployment.sites)) }
            @if !deployment.rejected.is_empty() {
                details {
                    summary { "Why not elsewhere: " (number::count(deployment.rejected.len(), "place", "places")) }
                    (rejections(&deployment.name, &deployment.rejected))
                }
            }
            @if !deployment.measured_by.is_empty() {
                details {
                    summary { "Where its figures come from" }
                    ul.small { @for source in &deployment.measured_by { li { (source) } } }
                }
            }
        }
    }
}

fn readiness(ready: u32, desired: u32) -> Markup {
    let kind = if ready >= desired { "good" } else { "warn" };
    pill(kind, &format!("{ready} of {desired} ready"))
}

fn placements(name: &str, places: &[PlacementView]) -> Markup {
    html! {
        table.stack.fixed {
            caption.unseen { "Where " (name) " runs" }
            thead { tr { th scope="col" { "Site" } th scope="col" { "Variant" } th.number scope="col" { "Replicas" }
                th.number scope="col" { "Power" } th.wide scope="col" { "Why here" } } }
            tbody { @for place in places { tr {
                th scope="row" { (place.site) }
                (cell("Variant", &html! { (place.variant) }))
                (number_cell("Replicas", &replicas(place)))
                (number_cell("Power", &number::watts(place.watts)))
                (cell("Why here", &reasoned(&place.reason, &place.detail)))
            } } }
        }
    }
}

fn replicas(place: &PlacementView) -> String {
    if place.ready == place.replicas {
        place.replicas.to_string()
    } else {
        format!("{} ({} ready)", place.replicas, place.ready)
    }
}

fn reasoned(reason: &str, detail: &str) -> Markup {
    html! { span.reason { (reason) } " " (detail) }
}

fn rejections(name: &str, rejected: &[RejectedView]) -> Markup {
    html! {
        table.stack {
            caption.unseen { "Where " (name) " does not run" }
            thead { tr { th scope="col" { "Site" } th.wide scope="col" { "Why not" } } }
            tbody { @for place in rejected { tr {
                th scope="row" { (place.site) }
                (cell("Why not", &reasoned(&place.reason, &place.detail)))
            } } }
        }
    }
}

/// What runs at one site, and what does not and why.
pub(crate) fn at_site(view: &FleetView, site: &str) -> Markup {
    let placed: Vec<_> = view
        .deployments
        .iter()
        .flat_map(|deployment| {
            deployment
                .sites
                .iter()
                .filter(|place| place.site == site)
                .map(move |place| (deployment, place))
        })
        .collect();
    let refused: Vec<_> = view
        .deployments
        .iter()
        .flat_map(|deployment| {
            deployment
                .rejected
                .iter()
                .filter(|place| place.site == site)
                .map(move |place| (deployment, place))
        })
        .collect();
    html! {
        @if placed.is_empty() { p.nothing { "No model runs here." } }
        @else {
            table.stack.fixed {
                caption.unseen { "Models at " (site) }
                thead { tr { th scope="col" { "Model" } th scope="col" { "Variant" } th.number scope="col" { "Replicas" }
                    th.number scope="col" { "Power" } th.wide scope="col" { "Why here" } } }
                tbody { @for (deployment, place) in &placed { tr {
                    th scope="row" { (namespaced(&deployment.namespace, &deployment.name)) }
                    (cell("Variant", &html! { (place.variant) }))
                    (number_cell("Replicas", &replicas(place)))
                    (number_cell("Power", &number::watts(place.watts)))
                    (cell("Why here", &reasoned(&place.reason, &place.detail)))
                } } }
            }
        }
        @if !refused.is_empty() {
            details {
                summary { "Not here: " (number::count(refused.len(), "model", "models")) }
                table.stack {
                    caption.unseen { "Models that do not run at " (site) }
                    thead { tr { th scope="col" { "Model" } th.wide scope="col" { "Why not" } } }
                    tbody { @for (deployment, place) in &refused { tr {
                        th scope="row" { (namespaced(&deployment.namespace, &deployment.name)) }
                        (cell("Why not", &reasoned(&place.reason, &place.detail)))
                    } } }
                }
            }
        }
    }
}
