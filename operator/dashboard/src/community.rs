//! The page that a town council prints, in the order of section 7 of the design. What this version has no records of is
//! said in a sentence; nothing that is unknown reads as zero.

use chrono::TimeDelta;
use commonwatt_ledger::{CommitmentOutcome, Figure, Missed, MissedKind, Outcome, Report};
use maud::{Markup, html};

use crate::community_words as words;
use crate::number::{self, count, watts};
use crate::page::{Page, cell, number_cell, pill};

/// The page of a community.
pub fn community_page(report: &Report) -> String {
    let last = report.period.end - TimeDelta::seconds(1);
    let body = html! {
        main {
            header.letterhead {
                p.quiet { "Commonwatt · report to the host community" }
                h1 { (report.display_name) }
                p { (report.period.start.format("%-d %B %Y")) " to " (last.format("%-d %B %Y"))
                    ". Every figure here was computed from the site's own log, and can be computed again by anyone who holds it." }
                @if !report.contact.is_empty() {
                    p { "Questions and complaints about this report: " (report.contact) }
                }
            }
            (section(1, "What was missed, and why", &missed(report)))
            (section(2, "Water", &water(report)))
            (section(3, "Power", &power(report)))
            (section(4, "Grid events, asked and given", &grid_events(report)))
            (section(5, "Generators", &generators(report)))
            (section(6, "Load that moved away", &moved(report)))
            (section(7, "Benefits", &said("The log of this version has no records of benefits, so none can be shown here.")))
            (section(8, "Complaints", &said("The log of this version has no records of complaints, so neither complaints nor answers can be shown here.")))
            (section(9, "What is coming", &said("This report covers only what has passed. Nobody has recorded a notice of tests, works or expected peaks.")))
            (section(10, "How complete the data is", &coverage(report)))
            (section(11, "Carbon", &carbon(report)))
            (section(12, "Signatures", &signatures(report)))
        }
    };
    let title = format!("{}: report to the host community", report.display_name);
    // The words of this page are English, whatever the community reads: the tag must not say otherwise.
    Page {
        language: "en",
        title: &title,
        class: "community",
        refresh_seconds: None,
        body,
    }
    .render()
}

fn section(number: u32, title: &str, content: &Markup) -> Markup {
    html! {
        section aria-labelledby={ "section-" (number) } {
            h2 id={ "section-" (number) } { span.ordinal { (number) } " " (title) }
            (content)
        }
    }
}

fn said(sentence: &str) -> Markup {
    html! { p.nothing { (sentence) } }
}

fn missed(report: &Report) -> Markup {
    html! {
        @if report.missed.is_empty() {
            (said("No record of this period tells of a limit that was passed, and no commitment that was measured was missed."))
        } @else {
            ol.missed { @for missed in &report.missed { li { (missed_item(missed)) } } }
        }
        @if !report.commitments.is_empty() { (commitments(&report.commitments)) }
    }
}

fn missed_item(missed: &Missed) -> Markup {
    let kind = match missed.kind {
        MissedKind::Breach => "Limit passed",
        MissedKind::Commitment => "Commitment missed",
        MissedKind::GridEvent => "Grid event not held",
    };
    html! {
        p { strong { (kind) ": " (missed.which) } @if let Some(site) = &missed.site { " at " (site) } }
        p { (words::amount(missed.value, &missed.unit)) ", where "
            strong { (words::amount(missed.limit, &missed.unit)) } " was the limit"
            @if let Some(who) = &missed.set_by { " set by " (who) } "." }
        p.quiet { "From " (words::moment(missed.from))
            @if let Some(until) = missed.until { " until " (words::moment(until)) } @else { ", not over yet" } "." }
        p { "Why: " (missed.why) "." @if let Some(remedy) = &missed.remedy { " Agreed remedy: " (remedy) "." } }
    }
}

fn commitments(all: &[CommitmentOutcome]) -> Markup {
    html! {
        table.stack {
            caption { "What was promised" }
            thead { tr { th scope="col" { "Commitment" } th scope="col" { "About" } th.number scope="col" { "At most" }
                th.number scope="col" { "Was" } th scope="col" { "Outcome" } } }
            tbody { @for outcome in all {
                @let (kind, text) = match outcome.outcome {
                    Outcome::Kept => ("good", "kept"),
                    Outcome::Missed => ("bad", "missed"),
                    Outcome::MissedByGaps => ("bad", "missed: hours lack a record"),
                    Outcome::NotMeasured => ("warn", "not measured"),
                };
                tr {
                    th scope="row" { (outcome.commitment.name) }
                    (cell("About", &html! { (words::title(&outcome.commitment.metric)) ", " (outcome.commitment.period) }))
                    (number_cell("At most", &words::amount(outcome.commitment.limit, &outcome.unit)))
                    (number_cell("Was", &number::quantity(outcome.value, &outcome.unit)))
                    (cell("Outcome", &pill(kind, text)))
                }
            } }
        }
    }
}

fn figures(report: &Report, caption: &str, names: &[&str]) -> Markup {
    let found: Vec<&Figure> = names
        .iter()
        .filter_map(|name| report.figure(name))
        .collect();
    html! {
        table.stack.figures {
            caption { (caption) }
            thead { tr { th scope="col" { "What" } th.number scope="col" { "How much" } th scope="col" { "Source and coverage" } } }
            tbody { @for figure in found { (figure_row(figure)) } }
        }
    }
}

fn figure_row(figure: &Figure) -> Markup {
    let gap_counted = figure.missing_hours > 0 && figure.value != figure.recorded;
    html! {
        tr {
            th scope="row" { (words::title(&figure.name)) span.formula { (words::formula(&figure.formula)) } }
            td.number data-label="How much" {
                strong.unknown[figure.value.is_none()] { (words::value(figure, figure.value)) }
                @if gap_counted { span.formula { (words::value(figure, figure.recorded)) " recorded" } }
            }
            td data-label="Source" {
                @if figure.value.is_some() {
                    @let (kind, text) = words::quality(figure.quality);
                    (words::source(figure.source)) ", " (number::percent(figure.coverage_percent / 100.0)) " covered "
                    (pill(kind, text))
                    @if gap_counted { span.formula { (count(figure.missing_hours as usize, "hour", "hours")) " without a record, counted at the most the connection carries" } }
                    @if let Some(at) = figure.at { span.formula { "recorded peak in the hour of " (words::moment(at)) } }
                } @else { span.quiet { "no record" } }
                @if let Some(note) = &figure.note { span.formula { (note) } }
            }
        }
    }
}

fn water(report: &Report) -> Markup {
    let used = report
        .figure("waterAllowanceUsed")
        .and_then(|figure| figure.value);
    let allowance: Option<f64> = report
        .sites
        .iter()
        .filter_map(|site| Some(site.water_allowance?.0))
        .reduce(|a, b| a + b);
    html! {
        @if let (Some(used), Some(allowance)) = (used, allowance) {
            p.lead { (number::percent(used)) " of the " (number::liters(Some(allowance))) " that the cap and its stages allow in this period." }
            (crate::chart::bar(&format!("{} of the water cap used", number::percent(used)), used, 1.0, "water"))
        }
        (figures(report, "Water, from the meters at the boundary", &[
            "waterInput", "potableInput", "reclaimedInput", "waterAllowanceUsed", "waterShareOfTown", "waterConsumed", "wue",
        ]))
        @for seen in &report.stages {
            p { "Stage “" (seen.stage.stage) "” declared by " (seen.stage.authority) " for " (seen.site) ", in force since "
                (words::moment(seen.stage.from)) ": " (number::percent(seen.stage.fraction)) " of the cap is left. "
                span.quiet { "Evidence: " (seen.stage.evidence) } }
        }
    }
}

fn power(report: &Report) -> Markup {
    figures(
        report,
        "Electricity and its peak",
        &[
            "peakImport",
            "peakShareOfTown",
            "limitExceedance",
            "facilityEnergy",
            "itEnergy",
            "energyShareOfTown",
            "pue",
        ],
    )
}

fn grid_events(report: &Report) -> Markup {
    html! {
        @if report.events.is_empty() { (said("No grid event was recorded in this period.")) }
        @else {
            table.stack {
                caption { "What the grid asked, and what it was given in the worst interval" }
                thead { tr { th scope="col" { "Event" } th.number scope="col" { "Asked" } th.number scope="col" { "Given" }
                    th.number scope="col" { "Reached in" } th.number scope="col" { "Rebound" } th scope="col" { "Held" } } }
                tbody { @for event in &report.events { tr {
                    th scope="row" { (event.event) span.formula { (words::purpose(event.purpose)) " at " (event.site) ", " (words::moment(event.start)) } }
                    (number_cell("Asked", &measured(event.asked())))
                    (number_cell("Given", &measured(event.given())))
                    (number_cell("Reached in", &event.ramp_seconds.map_or_else(|| "not measured".into(), |s| number::duration(u64::from(s)))))
                    (number_cell("Rebound", &measured(event.rebound)))
                    (cell("Held", &match event.held {
                        Some(true) => pill("good", "held"),
                        Some(false) => pill("bad", "not held"),
                        None => pill("warn", "not measured"),
                    }))
                } } }
            }
            (figures(report, "In all", &["eventsAsked", "eventsHeld"]))
        }
    }
}

fn measured(power: Option<commonwatt_fleet::Watts>) -> String {
    power.map_or_else(
        || "not measured".into(),
        |power| watts(Some(power.0 as f64)),
    )
}

fn generators(report: &Report) -> Markup {
    let figure = report.figure("backupGeneratorEnergy");
    let declared = report
        .sites
        .iter()
        .any(|site| site.terms.generator_maximum.is_some());
    html! {
        @if figure.is_some_and(|figure| figure.value.is_some()) {
            (figures(report, "Backup generators; what they give never counts as shedding", &["backupGeneratorEnergy"]))
        } @else if declared {
            (said("A generator is declared here but no meter of it was recorded, so no figure is given."))
        } @else {
            (said("Nobody has declared a generator here, so no figure is given."))
        }
    }
}

fn moved(report: &Report) -> Markup {
    html! {
        @if report.moved.is_empty() {
            @if report.figure("exportedLoad").is_some_and(|figure| figure.value.is_some()) {
                (said("The log tells of no load that moved away in this period."))
            } @else { (said("There is no log to say whether load moved away.")) }
        } @else {
            table.stack {
                caption { "Computing that left, by the place that took it; energy is an estimate" }
                thead { tr { th scope="col" { "From" } th scope="col" { "To" } th.number scope="col" { "Times" }
                    th.number scope="col" { "Power" } th.number scope="col" { "Energy" } } }
                tbody { @for load in &report.moved { tr {
                    th scope="row" { (load.from) }
                    (cell("To", &html! { (load.to) @if load.same_community { " " span.quiet { "(of this community)" } } }))
                    (number_cell("Times", &load.moves.to_string()))
                    (number_cell("Power", &watts(Some(load.watts.0 as f64))))
                    (number_cell("Energy", &words::amount(load.energy.0, "kWh")))
                } } }
            }
            (figures(report, "To other communities", &["exportedLoad"]))
        }
        @if !report.decisions.is_empty() {
            table.stack {
                caption { "What was decided because of a limit or a price" }
                thead { tr { th scope="col" { "Workloads were" } th scope="col" { "Because of" } th scope="col" { "Limit set by" } th.number scope="col" { "Times" } } }
                tbody { @for decision in &report.decisions { tr {
                    th scope="row" { (words::decision(decision.what)) }
                    (cell("Because of", &html! { (decision.reason) }))
                    (cell("Limit set by", &html! { (decision.set_by.as_deref().unwrap_or("no limit, a price")) }))
                    (number_cell("Times", &decision.times.to_string()))
                } } }
            }
        }
    }
}

fn coverage(report: &Report) -> Markup {
    let missing: Vec<_> = report
        .sites
        .iter()
        .flat_map(|site| site.missing.iter().map(move |meter| (site, meter)))
        .collect();
    html! {
        (figures(report, "All meters together", &["coverage"]))
        @if missing.is_empty() { (said("Every meter has a record for every hour.")) }
        @else {
            table.stack {
                caption { "Hours without a record: each counts at the most that the connection carries" }
                thead { tr { th scope="col" { "Meter" } th scope="col" { "Site" } th.number scope="col" { "Hours" } th scope="col" { "When" } } }
                tbody { @for (site, meter) in missing { tr {
                    th scope="row" { (words::meter(&meter.meter)) }
                    (cell("Site", &html! { (site.terms.site) }))
                    (number_cell("Hours", &number::grouped(f64::from(meter.hours), 0)))
                    (cell("When", &spans(&meter.spans)))
                } } }
            }
        }
    }
}

/// The first few gaps; the report itself has all of them.
fn spans(spans: &[commonwatt_ledger::Span]) -> Markup {
    const SHOWN: usize = 3;
    html! {
        @for (place, span) in spans.iter().take(SHOWN).enumerate() {
            @if place > 0 { "; " }
            (span.from.format("%-d %b %H:%M")) " to " (span.until.format("%-d %b %H:%M"))
        }
        @if spans.len() > SHOWN { "; and " (count(spans.len() - SHOWN, "more gap", "more gaps")) }
    }
}

fn carbon(report: &Report) -> Markup {
    html! {
        (figures(report, "Location-based; the two are different questions and are never added", &["co2Location", "co2Marginal"]))
    }
}

fn signatures(report: &Report) -> Markup {
    html! {
        p { "This page carries no signature of its own. Anyone who holds the log can compute it again with "
            code { "commonwatt verify" } " and must arrive at the same figures." }
        table.stack {
            caption { "What was read" }
            thead { tr { th scope="col" { "Log of" } th.number scope="col" { "Records" } th scope="col" { "Numbered" } th.number scope="col" { "Lacking" } } }
            tbody { @for site in &report.sites { tr {
                th scope="row" { (site.terms.site) }
                (number_cell("Records", &number::grouped(site.log.records as f64, 0)))
                (cell("Numbered", &html! { @match (site.log.first_sequence, site.log.last_sequence) {
                    (Some(first), Some(last)) => { (number::grouped(first as f64, 0)) " to " (number::grouped(last as f64, 0)) }
                    _ => { "no log" }
                } }))
                (number_cell("Lacking", &site.log.gaps.to_string()))
            } } }
        }
        div.signatures {
            p { "For the site operator" } p { "For the community" } p { "Witness" }
        }
    }
}
