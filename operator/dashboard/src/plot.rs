//! Plots of figures against figures. As in [`crate::chart`] an SVG has the shapes, stretched to its place, and HTML around it the
//! words, so that letters keep their size on every screen. Dots carry the number of their series in the legend, so that nobody
//! has to tell them by colour.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::axis::{Axis, Span};

/// The picture's own coordinates; the page stretches them.
const SIZE: f64 = 1000.0;
/// Colours before they begin again.
const COLOURS: usize = 8;

/// A plot with its words.
#[derive(Debug, Clone, Default)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// What a reader should see in it.
    pub caption: String,
    /// Left to right.
    pub x: Axis,
    /// Bottom to top.
    pub y: Axis,
    /// What is drawn, in the order of the legend. The first is emphasised.
    pub series: Vec<Series>,
}

/// Points that belong together.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// How it is drawn.
    pub mark: Mark,
    /// Its points. One that is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
}

/// How points are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mark {
    /// A line from point to point.
    #[default]
    Line,
    /// A level from each point to the next one's place.
    Steps,
    /// A dot for each.
    Dots,
    /// Dots and the line between them.
    Joined,
    /// A ring for each, around the dots of others.
    Rings,
}

impl Plot {
    pub(crate) fn render(&self) -> Markup {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let (Some(across), Some(up)) = (
            Span::of(&self.x, points().map(|point| point.0)),
            Span::of(&self.y, points().map(|point| point.1)),
        ) else {
            return html! { figure.plot { h3 { (self.title) } p.nothing { "There is nothing to draw." } } };
        };
        let (columns, lines) = (across.ticks(&self.x), up.ticks(&self.y));
        let widest = lines.iter().max_by_key(|tick| tick.1.chars().count());
        html! {
            figure.plot {
                h3 { (self.title) }
                @if !self.caption.is_empty() { p.quiet { (self.caption) } }
                p.axis { (self.y.label) }
                div.frame {
                    div.marks aria-hidden="true" {
                        span.widest { (widest.map_or("", |tick| &tick.1)) }
                        @for (place, text) in &lines { span style={ "top:" (percent(1.0 - place)) } { (text) } }
                    }
                    div.canvas {
                        (self.shapes(&across, &up, &columns, &lines))
                        @for (index, series) in self.series.iter().enumerate() { (dots(index, series, &across, &up)) }
                    }
                    div.feet aria-hidden="true" {
                        @for (place, text) in &columns { span style={ "left:" (percent(*place)) } { (text) } }
                    }
                }
                p.axis.across { (self.x.label) }
                ol.legend {
                    @for (index, series) in self.series.iter().enumerate() {
                        li { span class={ "swatch " (series.mark.class()) " c" (index % COLOURS) } {
                            @if series.mark.has_number() { (index + 1) }
                        } (series.name) }
                    }
                }
            }
        }
    }

    fn shapes(
        &self,
        across: &Span,
        up: &Span,
        columns: &[(f64, String)],
        lines: &[(f64, String)],
    ) -> Markup {
        let names: Vec<_> = self
            .series
            .iter()
            .map(|series| series.name.as_str())
            .collect();
        let said = format!(
            "{}: {} against {}; {}",
            self.title,
            self.y.label,
            self.x.label,
            names.join(", ")
        );
        html! {
            svg viewBox={ "0 0 " (SIZE) " " (SIZE) } preserveAspectRatio="none" role="img" aria-label=(said) {
                @for (place, _) in lines {
                    line.grid x1="0" x2=(SIZE) y1=(short(SIZE * (1.0 - place))) y2=(short(SIZE * (1.0 - place))) {}
                }
                @for (place, _) in columns {
                    line.grid x1=(short(SIZE * place)) x2=(short(SIZE * place)) y1="0" y2=(SIZE) {}
                }
                // The first is drawn last, above the others.
                @for (index, series) in self.series.iter().enumerate().rev() {
                    @if series.mark.has_line() {
                        path class={ "series c" (index % COLOURS) @if index == 0 { " first" } } d=(series.path(across, up)) {}
                    }
                }
            }
        }
    }
}

fn dots(index: usize, series: &Series, across: &Span, up: &Span) -> Markup {
    let places = series.points.iter().filter(|_| series.mark.is_placed());
    let places = places.filter_map(|(x, y)| Some((across.place(*x)?, up.place(*y)?)));
    let mark = series.mark.class();
    html! { @for (x, y) in places {
        span class={ (mark) " c" (index % COLOURS) @if index == 0 { " first" } }
            style={ "left:" (percent(x)) ";top:" (percent(1.0 - y)) } title=(series.name) {
            @if series.mark.has_number() { (index + 1) }
        }
    } }
}

impl Series {
    /// A series by its name, mark and points.
    pub fn new(name: impl Into<String>, mark: Mark, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.into(),
            mark,
            points,
        }
    }

    fn path(&self, across: &Span, up: &Span) -> String {
        let mut path = String::new();
        let mut before: Option<f64> = None;
        for (x, y) in &self.points {
            let (Some(x), Some(y)) = (across.place(*x), up.place(*y)) else {
                before = None;
                continue;
            };
            let (x, y) = (x * SIZE, (1.0 - y) * SIZE);
            // Writing to a string cannot fail.
            let _ = match before {
                None => write!(path, "M{} {}", short(x), short(y)),
                Some(_) if self.mark == Mark::Steps => write!(path, "H{}V{}", short(x), short(y)),
                Some(_) => write!(path, "L{} {}", short(x), short(y)),
            };
            before = Some(y);
        }
        path
    }
}

impl Mark {
    fn has_line(self) -> bool {
        matches!(self, Self::Line | Self::Steps | Self::Joined)
    }

    fn has_number(self) -> bool {
        matches!(self, Self::Dots | Self::Joined)
    }

    fn is_placed(self) -> bool {
        self.has_number() || self == Self::Rings
    }

    fn class(self) -> &'static str {
        match self {
            Self::Line | Self::Steps => "stroke",
            Self::Dots | Self::Joined => "dot",
            Self::Rings => "ring",
        }
    }
}

fn percent(part: f64) -> String {
    format!("{}%", short(part * 100.0))
}

/// One decimal is finer than a pixel.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Scale;

    fn plot(points: Vec<(f64, f64)>, mark: Mark) -> String {
        let series = vec![Series::new("commonwatt", mark, points)];
        Plot {
            title: "Cost against carbon".into(),
            series,
            ..Plot::default()
        }
        .render()
        .into_string()
    }

    #[test]
    fn a_plot_of_nothing_says_so() {
        for points in [vec![], vec![(f64::NAN, 1.0)]] {
            let text = plot(points, Mark::Line);
            assert!(
                text.contains("nothing to draw") && !text.contains("<svg"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_finite_leaves_a_gap_in_a_line() {
        let text = plot(
            vec![(0.0, 1.0), (1.0, f64::INFINITY), (2.0, 3.0), (3.0, 2.0)],
            Mark::Line,
        );
        let (_, path) = text.split_once(" d=\"").expect("a path");
        let (path, _) = path.split_once('"').expect("its end");
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn one_point_is_drawn_inside_the_frame() {
        let text = plot(vec![(5.0, 5.0)], Mark::Dots);
        assert!(text.contains("class=\"dot c0 first\""), "{text}");
        assert!(!text.contains("NaN"), "{text}");
    }

    #[test]
    fn rings_have_no_number_and_no_line() {
        let text = plot(vec![(1.0, 1.0), (2.0, 2.0)], Mark::Rings);
        assert_eq!(
            text.matches("title=\"commonwatt\"></span>").count(),
            2,
            "{text}"
        );
        assert!(!text.contains("class=\"series"), "{text}");
    }

    #[test]
    fn on_a_logarithmic_axis_what_is_not_above_zero_has_no_place() {
        let axis = Axis {
            scale: Scale::Logarithmic,
            ..Axis::default()
        };
        let series = Series::new(
            "a",
            Mark::Dots,
            vec![(1.0, 1.0), (0.0, 10.0), (1000.0, 100.0)],
        );
        let plot = Plot {
            x: axis.clone(),
            y: axis,
            series: vec![series],
            ..Plot::default()
        };
        assert_eq!(
            plot.render()
                .into_string()
                .matches("class=\"dot c0 first\"")
                .count(),
            2
        );
    }
}
