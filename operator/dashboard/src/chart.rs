//! Charts by hand: an SVG for the shape, stretched to its place, and HTML around it for the words, so that letters keep
//! their size on every screen. A value that is not known leaves a gap; it is never drawn as zero.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::number;
use crate::view::HistoryHour;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 150.0;
/// The hours that a chart shows.
pub(crate) const HOURS: usize = 48;

/// Power drawn as an area, the limit as a step line, and what was above the limit in red.
pub(crate) fn draw_against_limit(site: &str, history: &[HistoryHour]) -> Markup {
    let shown = &history[history.len().saturating_sub(HOURS)..];
    let draw: Vec<_> = shown.iter().map(|hour| finite(hour.draw_watts)).collect();
    let limit: Vec<_> = shown.iter().map(|hour| finite(hour.limit_watts)).collect();
    let highest = draw
        .iter()
        .chain(&limit)
        .flatten()
        .copied()
        .fold(0.0, f64::max);
    let (Some(first), Some(last), true) = (shown.first(), shown.last(), highest > 0.0) else {
        return html! { p.nothing { "Nothing has been measured here yet." } };
    };
    let top = round_up(highest * 1.06);
    let scale = Scale {
        count: shown.len(),
        top,
    };
    let said = described(site, &draw, &limit);
    html! {
        figure.chart {
            div.plot {
                span.tick.high { (number::watts(Some(top))) }
                span.tick.middle { (number::watts(Some(top / 2.0))) }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(said) {
                    title { (said) }
                    (grid())
                    path.area d=(scale.area(&draw)) {}
                    path.line d=(scale.steps(&draw)) {}
                    path.over d=(scale.above(&draw, &limit)) {}
                    path.limit d=(scale.steps(&limit)) {}
                }
            }
            div.hours {
                span { (first.hour.format("%d %b %H:%M")) }
                span { (last.hour.format("%d %b %H:%M UTC")) }
            }
            figcaption { span.key.draw {} "draw" span.key.limit {} "limit"
                @if draw.iter().any(Option::is_none) { span.key.gap {} "gap: not known" }
            }
        }
    }
}

fn grid() -> Markup {
    html! { @for part in [0.0, 0.5, 1.0] {
        @let y = HEIGHT * part;
        line.grid x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
    } }
}

fn described(site: &str, draw: &[Option<f64>], limit: &[Option<f64>]) -> String {
    let highest = draw.iter().flatten().copied().reduce(f64::max);
    let now = |values: &[Option<f64>]| number::watts(values.last().copied().flatten());
    let over = draw
        .iter()
        .zip(limit)
        .filter(|pair| matches!(pair, (Some(draw), Some(limit)) if draw > limit))
        .count();
    format!(
        "Power at {site} over {}: now {} of {} allowed, highest {}, above the limit in {}",
        number::count(draw.len(), "hour", "hours"),
        now(draw),
        now(limit),
        number::watts(highest),
        number::count(over, "hour", "hours"),
    )
}

/// A small line with its range, for price and carbon.
pub(crate) fn sparkline(label: &str, unit: &str, values: &[Option<f64>]) -> Markup {
    let values: Vec<_> = values[values.len().saturating_sub(HOURS)..]
        .iter()
        .copied()
        .map(finite)
        .collect();
    let known = || values.iter().flatten().copied();
    let (Some(low), Some(high)) = (known().reduce(f64::min), known().reduce(f64::max)) else {
        return html! { p.nothing { (label) ": not known for these hours." } };
    };
    // From zero, or from below it: a price may be negative, and a line cut off below would exaggerate.
    let (floor, top) = (low.min(0.0), high.max(0.0));
    let range = if top > floor { top - floor } else { 1.0 };
    let scale = Scale {
        count: values.len(),
        top: range,
    };
    let lifted: Vec<_> = values
        .iter()
        .map(|value| value.map(|value| value - floor))
        .collect();
    let span = format!("{} to {} {unit}", number::plain(low), number::plain(high));
    let said = format!(
        "{label} over {}: {span}",
        number::count(values.len(), "hour", "hours")
    );
    html! {
        figure.spark {
            figcaption { (label) " " span.quiet { (span) } }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(said) {
                title { (said) }
                line.grid x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                path.line d=(scale.steps(&lifted)) {}
            }
        }
    }
}

/// How much of something is used, as a bar. More than all of it fills the bar and turns it red.
pub(crate) fn bar(said: &str, used: f64, total: f64, kind: &str) -> Markup {
    let share = if total > 0.0 && used.is_finite() && total.is_finite() {
        used / total
    } else {
        0.0
    };
    let kind = if share > 1.0 { "over" } else { kind };
    html! {
        svg class={ "bar " (kind) } viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=(said) {
            rect.track width="100" height="8" {}
            rect.fill width=(short(share.clamp(0.0, 1.0) * 100.0)) height="8" {}
        }
    }
}

/// Hours from now as squares: dark where it runs, with a line where it must be done.
pub(crate) fn hour_strip(said: &str, hours: &[bool], deadline: Option<u32>) -> Markup {
    let shown = &hours[..hours.len().min(HOURS)];
    html! {
        svg.strip viewBox={ "0 0 " (HOURS * 10) " 16" } preserveAspectRatio="none" role="img" aria-label=(said) {
            title { (said) }
            @for (hour, runs) in (0..HOURS).map(|hour| (hour, shown.get(hour) == Some(&true))) {
                rect class=(if runs { "runs" } else { "idle" }) x=(hour * 10) y="2" width="9" height="12" {}
            }
            @if let Some(deadline) = deadline.filter(|deadline| *deadline as usize <= HOURS) {
                line.deadline x1=(deadline * 10) x2=(deadline * 10) y1="0" y2="16" {}
            }
        }
    }
}

/// From hours and values to places in the picture.
struct Scale {
    count: usize,
    top: f64,
}

impl Scale {
    fn x(&self, hour: usize) -> f64 {
        WIDTH * hour as f64 / self.count.max(1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT * (1.0 - (value / self.top).clamp(0.0, 1.0))
    }

    /// Hours in a row that are known, with their values.
    fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
        let mut runs: Vec<Vec<(usize, f64)>> = vec![vec![]];
        for (hour, value) in values.iter().enumerate() {
            match (value, runs.last_mut()) {
                (Some(value), Some(run)) => run.push((hour, *value)),
                (None, Some(run)) if !run.is_empty() => runs.push(vec![]),
                _ => {}
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }

    /// An hourly mean holds for its hour, so every line is made of steps.
    fn steps(&self, values: &[Option<f64>]) -> String {
        let mut path = String::new();
        for run in Self::runs(values) {
            for (place, (hour, value)) in run.iter().enumerate() {
                let turn = if place == 0 { 'M' } else { 'L' };
                let (from, until, y) = (self.x(*hour), self.x(hour + 1), self.y(*value));
                push(&mut path, turn, from, y);
                push(&mut path, 'L', until, y);
            }
        }
        path
    }

    fn area(&self, values: &[Option<f64>]) -> String {
        let mut path = String::new();
        for run in Self::runs(values) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            push(&mut path, 'M', self.x(first.0), HEIGHT);
            for (hour, value) in &run {
                push(&mut path, 'L', self.x(*hour), self.y(*value));
                push(&mut path, 'L', self.x(hour + 1), self.y(*value));
            }
            push(&mut path, 'L', self.x(last.0 + 1), HEIGHT);
            path.push('Z');
        }
        path
    }

    /// What is above the limit, hour by hour.
    fn above(&self, draw: &[Option<f64>], limit: &[Option<f64>]) -> String {
        let mut path = String::new();
        for (hour, pair) in draw.iter().zip(limit).enumerate() {
            if let (Some(draw), Some(limit)) = pair
                && draw > limit
            {
                push(&mut path, 'M', self.x(hour), self.y(*limit));
                push(&mut path, 'L', self.x(hour), self.y(*draw));
                push(&mut path, 'L', self.x(hour + 1), self.y(*draw));
                push(&mut path, 'L', self.x(hour + 1), self.y(*limit));
                path.push('Z');
            }
        }
        path
    }
}

fn push(path: &mut String, turn: char, x: f64, y: f64) {
    // Writing to a string cannot fail.
    let _ = write!(path, "{turn}{} {}", short(x), short(y));
}

/// One decimal is finer than a pixel.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), Into::into)
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps
        .iter()
        .map(|step| step * power)
        .find(|step| *step >= value)
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(draw: &[Option<f64>], limit: &[Option<f64>]) -> Vec<HistoryHour> {
        draw.iter()
            .zip(limit)
            .map(|(draw, limit)| HistoryHour {
                draw_watts: *draw,
                limit_watts: *limit,
                ..HistoryHour::default()
            })
            .collect()
    }

    #[test]
    fn a_chart_of_nothing_says_so() {
        for history in [vec![], hours(&[None, Some(f64::NAN)], &[None, None])] {
            let text = draw_against_limit("north", &history).into_string();
            assert!(text.contains("Nothing has been measured"), "{text}");
            assert!(!text.contains("<svg"));
        }
    }

    #[test]
    fn what_is_not_finite_never_reaches_the_picture() {
        let history = hours(
            &[Some(5.0), Some(f64::NAN), Some(f64::INFINITY), Some(7.0)],
            &[Some(6.0); 4],
        );
        let text = draw_against_limit("north", &history).into_string();
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        assert!(text.contains("above the limit in 1 hour"));
        assert!(text.contains("gap: not known"));
    }

    #[test]
    fn a_gap_parts_the_area_in_two() {
        let scale = Scale {
            count: 3,
            top: 10.0,
        };
        assert_eq!(
            scale
                .area(&[Some(1.0), None, Some(2.0)])
                .matches('M')
                .count(),
            2
        );
        assert_eq!(scale.area(&[None, None, None]), "");
    }

    #[test]
    fn a_sparkline_of_negative_prices_stays_in_its_frame() {
        let text = sparkline(
            "Price",
            "EUR",
            &[Some(-5.0), Some(10.0), None, Some(f64::NAN)],
        )
        .into_string();
        assert!(
            text.contains("−5.00 to 10.0 EUR") && !text.contains("NaN"),
            "{text}"
        );
        assert!(
            sparkline("Price", "EUR", &[])
                .into_string()
                .contains("not known")
        );
    }

    #[test]
    fn a_bar_of_nothing_is_empty_and_of_too_much_is_full() {
        assert!(
            bar("", 1.0, 0.0, "gpu")
                .into_string()
                .contains("class=\"fill\" width=\"0\"")
        );
        assert!(
            bar("", f64::NAN, 5.0, "gpu")
                .into_string()
                .contains("class=\"fill\" width=\"0\"")
        );
        let full = bar("", 9.0, 5.0, "gpu").into_string();
        assert!(full.contains("bar over") && full.contains("class=\"fill\" width=\"100\""));
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        assert!((round_up(1_420_000.0) - 1_500_000.0).abs() < 1.0);
        assert!((round_up(900.0) - 1000.0).abs() < 1e-9);
    }
}
