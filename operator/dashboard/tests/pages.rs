//! What the pages say, and what they never do.

use commonwatt_dashboard::view::{
    BreachView, CommunityLink, DeploymentView, HistoryHour, JobView, RejectedView, SiteView,
};
use commonwatt_dashboard::{FleetView, community_page, fleet_page, site_page};
use commonwatt_fleet::Watts;
use commonwatt_ledger::{
    Body, MeterHour, MeterId, Period, Quality, Quantity, Record, Report, Request, SiteTerms,
    Source, TownTotals, report,
};
use proptest::prelude::*;

fn view() -> FleetView {
    FleetView {
        currency: "EUR".into(),
        sites: vec![SiteView {
            name: "north".into(),
            ..SiteView::default()
        }],
        deployments: vec![DeploymentView {
            name: "chat".into(),
            rejected: vec![RejectedView {
                site: "south".into(),
                reason: "Power".into(),
                detail: "needs 12.0 kW, 3.0 kW left of 1.00 MW".into(),
            }],
            ..DeploymentView::default()
        }],
        ..FleetView::default()
    }
}

fn report_of(records: &[Record]) -> Report {
    let start = "2026-03-01T00:00:00Z".parse().expect("a date");
    let end = "2026-03-02T00:00:00Z".parse().expect("a date");
    let request = Request {
        community: "town".into(),
        display_name: "Town <of> Lakes".into(),
        contact: "clerk@lakes.example".into(),
        languages: vec!["en".into()],
        sites: vec![SiteTerms {
            connection_maximum: Some(Watts(1_000_000)),
            ..SiteTerms::of("north")
        }],
        totals: TownTotals::default(),
        commitments: vec![],
        period: Period { start, end },
    };
    report(records, &request)
}

fn energy(value: f64) -> Record {
    let hour = "2026-03-01T00:00:00Z".parse().expect("a date");
    let body = MeterHour {
        meter: MeterId::of(Quantity::FacilityEnergy),
        hour,
        seconds: 3600,
        value: Some(value),
        unit: "kWh".into(),
        source: Source::Metered,
        coverage_percent: 100.0,
        quality: Quality::Ok,
        method: "register".into(),
        limit: None,
        restates: None,
    };
    Record::new(0, hour, "north".into(), Body::Meter(body))
}

#[test]
fn the_sections_of_the_community_page_are_in_the_agreed_order() {
    let page = community_page(&report_of(&[]));
    let titles = [
        "What was missed, and why",
        "Water",
        "Power",
        "Grid events, asked and given",
        "Generators",
        "Load that moved away",
        "Benefits",
        "Complaints",
        "What is coming",
        "How complete the data is",
        "Carbon",
        "Signatures",
    ];
    let places: Vec<_> = titles
        .iter()
        .map(|title| page.find(&format!("</span> {title}</h2>")).unwrap())
        .collect();
    assert!(places.is_sorted());
    assert_eq!(page.matches("<h2").count(), titles.len());
}

#[test]
fn a_report_without_records_shows_no_zero_for_what_nobody_measured() {
    let page = community_page(&report_of(&[]));
    assert!(page.contains("Nobody has declared a generator here, so no figure is given."));
    for zero in [
        ">0 m³",
        ">0\u{a0}m³",
        ">0\u{a0}kWh",
        ">0\u{a0}kg",
        ">0\u{a0}W",
        ">0.00<",
    ] {
        assert!(!page.contains(zero), "{zero}");
    }
    assert!(page.contains("not measured"));
    assert!(page.contains("There is no log to say whether load moved away."));
}

#[test]
fn hours_without_a_record_are_shown_beside_what_was_recorded() {
    let page = community_page(&report_of(&[energy(400.0)]));
    assert!(page.contains("400\u{a0}kWh recorded"), "{page}");
    assert!(page.contains("23 hours without a record"));
}

#[test]
fn text_from_outside_is_never_markup() {
    let mut view = view();
    view.sites[0].place = "<script>alert(1)</script>".into();
    assert!(!fleet_page(&view).contains("<script"));
    assert!(community_page(&report_of(&[])).contains("Town &lt;of&gt; Lakes"));
}

#[test]
fn only_the_fleet_page_loads_again_and_only_when_asked() {
    let mut view = view();
    assert!(!fleet_page(&view).contains("http-equiv"));
    view.refresh_seconds = Some(30);
    assert!(fleet_page(&view).contains("<meta http-equiv=\"refresh\" content=\"30\">"));
    assert!(!site_page(&view, "north").unwrap().contains("http-equiv"));
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_nothing_runs() {
    let view = view();
    for page in [
        fleet_page(&view),
        site_page(&view, "north").unwrap(),
        community_page(&report_of(&[])),
    ] {
        for foreign in ["<script", "src=", "@import", "url(", "onclick", "<link"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}

#[test]
fn a_fleet_that_knows_nothing_says_so() {
    let page = fleet_page(&FleetView::default());
    assert!(page.contains("No site has joined this fleet yet."));
    assert!(page.contains("not known"));
    assert!(!page.contains(">0 W<"));
}

#[test]
fn one_site_that_does_not_know_its_draw_leaves_the_total_unknown() {
    let mut view = view();
    view.sites[0].draw_watts = Some(5000.0);
    view.sites.push(SiteView {
        name: "south".into(),
        ..SiteView::default()
    });
    assert!(fleet_page(&view).contains("<dt>Draw</dt><dd><span class=\"value\">not known</span>"));
}

#[test]
fn places_that_were_not_chosen_are_there_with_their_numbers() {
    assert!(fleet_page(&view()).contains("needs 12.0 kW, 3.0 kW left of 1.00 MW"));
}

#[test]
fn a_breach_is_the_first_thing_said() {
    let mut view = view();
    view.breaches.push(BreachView {
        site: "north".into(),
        ..BreachView::default()
    });
    view.communities.push(CommunityLink {
        name: "Town".into(),
        link: "town.html".into(),
    });
    let page = fleet_page(&view);
    assert!(
        page.contains("1 limit is</span> passed.") || page.contains("1 limit is passed."),
        "{page}"
    );
    assert!(page.contains("href=\"town.html\""));
}

#[test]
fn a_site_that_the_fleet_does_not_have_has_no_page() {
    assert_eq!(site_page(&view(), "nowhere"), None);
}

proptest! {
    #[test]
    fn no_number_breaks_a_page(
        numbers in prop::collection::vec(prop::option::of(prop::num::f64::ANY), 12),
        hours in prop::collection::vec(any::<bool>(), 0..60),
        deadline in prop::option::of(any::<u32>()),
    ) {
        let mut view = view();
        view.objective.per_hour = numbers[0];
        view.objective.bound_per_hour = numbers[1];
        let site = &mut view.sites[0];
        (site.draw_watts, site.limit_watts, site.price_per_kwh) = (numbers[2], numbers[3], numbers[4]);
        site.history = numbers
            .iter()
            .map(|number| HistoryHour { draw_watts: *number, limit_watts: numbers[5], price: *number, ..HistoryHour::default() })
            .collect();
        view.jobs.push(JobView { hours, deadline_in_hours: deadline, site: Some("north".into()), ..JobView::default() });
        for page in [fleet_page(&view), site_page(&view, "north").unwrap()] {
            prop_assert!(!page.contains("NaN") && !page.contains(">inf") && !page.contains("\"inf"));
        }
    }
}
