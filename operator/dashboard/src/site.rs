//! One site: a card on the fleet's page, and a page of its own.

use maud::{Markup, html};

use crate::chart;
use crate::fleet::footer;
use crate::models;
use crate::number;
use crate::page::{Page, fact, mode_pill, pill};
use crate::tables;
use crate::view::{FleetView, SiteView, WaterView};

/// The page of a site; none if the fleet has no site of that name.
pub fn site_page(view: &FleetView, name: &str) -> Option<String> {
    let site = view.sites.iter().find(|site| site.name == name)?;
    let zone_signals: Vec<_> = view
        .signals
        .iter()
        .filter(|signal| signal.zone == site.grid_zone)
        .cloned()
        .collect();
    let jobs: Vec<_> = view
        .jobs
        .iter()
        .filter(|job| job.site.as_deref() == Some(name))
        .cloned()
        .collect();
    let events: Vec<_> = view
        .events
        .iter()
        .filter(|event| event.site == name)
        .cloned()
        .collect();
    let series = |of: fn(&crate::view::HistoryHour) -> Option<f64>| {
        site.history.iter().map(of).collect::<Vec<_>>()
    };
    let body = html! {
        header.top {
            div.brand { a href=(view.home_link) { strong { "Commonwatt" } } " / " (site.name) }
        }
        main {
            div.title { h1 { (site.name) } (status(site)) }
            p.quiet { (whereabouts(site)) }
            @for breach in view.breaches.iter().filter(|breach| breach.site == name) {
                p.breach { strong { (breach.which) } " is " (breach.value) ", the limit is " (breach.limit) ", since "
                    (breach.since) ". " (breach.why) }
            }
            div.two {
                section aria-labelledby="power-title" {
                    h2 #power-title { "Power against its limit" }
                    (chart::draw_against_limit(&site.name, &site.history))
                    (power_facts(site))
                }
                section aria-labelledby="energy-title" {
                    h2 #energy-title { "Energy, machines and water" }
                    (chart::sparkline("Price", &format!("{}/kWh", view.currency), &series(|hour| hour.price)))
                    (chart::sparkline("Carbon of the grid", "g/kWh", &series(|hour| hour.grams_per_kwh)))
                    (stocks(site))
                    (energy_facts(view, site))
                }
            }
            section aria-labelledby="models-title" { h2 #models-title { "Models here" } (models::at_site(view, name)) }
            section aria-labelledby="jobs-title" { h2 #jobs-title { "Batch jobs here" } (tables::jobs(&jobs)) }
            section aria-labelledby="signals-title" { h2 #signals-title { "Signals for " (site.grid_zone) } (tables::signals(&zone_signals)) }
            section aria-labelledby="events-title" { h2 #events-title { "Grid events" } (tables::events(&events)) }
        }
        (footer(view))
    };
    let title = format!("{name} · Commonwatt");
    Some(
        Page {
            language: "en",
            title: &title,
            class: "site",
            refresh_seconds: None,
            body,
        }
        .render(),
    )
}

/// A site in short.
pub(crate) fn site_card(view: &FleetView, site: &SiteView) -> Markup {
    html! {
        article.card aria-label={ "Site " (site.name) } {
            div.title {
                h3 { @if let Some(link) = &site.link { a href=(link) { (site.name) } } @else { (site.name) } }
                (status(site))
            }
            p.quiet { (whereabouts(site)) }
            (chart::draw_against_limit(&site.name, &site.history))
            (power_facts(site))
            (stocks(site))
            (energy_facts(view, site))
        }
    }
}

fn status(site: &SiteView) -> Markup {
    html! {
        span.pills {
            (mode_pill(&site.mode))
            @if site.ready { (pill("good", "Ready")) }
            @else { (pill("bad", if site.reason.is_empty() { "NotReady" } else { &site.reason })) }
        }
    }
}

fn whereabouts(site: &SiteView) -> String {
    let zone = if site.grid_zone.is_empty() {
        String::new()
    } else {
        format!("grid {}", site.grid_zone)
    };
    let parts = [
        site.place.as_str(),
        site.jurisdiction.as_str(),
        zone.as_str(),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

fn power_facts(site: &SiteView) -> Markup {
    html! {
        dl.facts {
            (fact("Draw", &number::watts(site.draw_watts)))
            (fact("Charged", &number::watts(site.charged_watts)))
            (fact("Headroom", &number::watts(site.headroom_watts)))
            div.set-by { dt { "Limit" } dd { (number::watts(site.limit_watts))
                @if !site.limit_set_by.is_empty() { " " span.quiet { "set by " (site.limit_set_by) } } } }
        }
    }
}

fn energy_facts(view: &FleetView, site: &SiteView) -> Markup {
    html! {
        dl.facts.four {
            (fact(&format!("{}/kWh", view.currency), &number::known(site.price_per_kwh, 3, "")))
            (fact("gCO₂e/kWh", &number::known(site.grams_per_kwh, 0, "")))
            (fact("PUE", &number::known(site.pue, 2, "")))
            (fact("WUE L/kWh", &number::known(site.wue, 2, "")))
        }
    }
}

/// Accelerators and water: what there is, and how much of it is taken.
fn stocks(site: &SiteView) -> Markup {
    html! {
        div.stocks {
            @for gpu in &site.gpus {
                @let said = format!("{} of {} {} in use", gpu.used, gpu.total, gpu.product);
                div.stock {
                    span { (gpu.product) } span.number { (gpu.used) " of " (gpu.total) }
                    (chart::bar(&said, f64::from(gpu.used), f64::from(gpu.total), "gpu"))
                }
            }
            @if let Some(water) = &site.water { (water_stock(water)) }
            @else { div.stock { span { "Water" } span.quiet { "no budget declared" } } }
        }
    }
}

fn water_stock(water: &WaterView) -> Markup {
    let amounts = format!(
        "{} of {}",
        number::liters(water.used_liters),
        number::liters(water.cap_liters)
    );
    html! {
        div.stock {
            span { "Water " span.quiet { (water.period) } }
            span.number { (amounts) }
            @if let (Some(used), Some(cap)) = (water.used_liters, water.cap_liters) {
                (chart::bar(&format!("Water: {amounts}"), used, cap, "water"))
            }
            @if let Some(stage) = &water.stage { span.stage { "Stage in force: " (stage) } }
        }
    }
}
