//! The page of an experiment: what came out, beside what others published.

use maud::{Markup, html};

use crate::page::{Page, cell, number_cell};
use crate::plot::Plot;

/// An experiment as a page shows it.
#[derive(Debug, Clone, Default)]
pub struct ExperimentView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// The work that it replays, as it is cited.
    pub citation: String,
    /// Where its data is from.
    pub origin: String,
    /// The results.
    pub results: Grid,
    /// What has to be known to judge them.
    pub notes: Vec<String>,
    /// Pictures.
    pub plots: Vec<Plot>,
}

/// A table: names down the side, figures, and words at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grid {
    /// Names of columns; the first is that of the names.
    pub header: Vec<String>,
    /// Rows.
    pub rows: Vec<GridRow>,
}

/// A row of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GridRow {
    /// What it is of.
    pub name: String,
    /// A figure per column; empty where there is none.
    pub figures: Vec<String>,
    /// What is said of it.
    pub words: String,
}

/// The page of an experiment.
pub fn experiment_page(view: &ExperimentView) -> String {
    let body = html! {
        header.top { div.brand { strong { "Commonwatt" } } span.quiet { "experiment" } }
        main {
            h1 { (view.name) }
            p { (view.about) }
            section aria-labelledby="results" { h2 #results { "Results" } (table(&view.results)) }
            @if !view.notes.is_empty() {
                section aria-labelledby="notes" { h2 #notes { "To judge them by" } ul { @for note in &view.notes { li { (note) } } } }
            }
            @if !view.plots.is_empty() {
                section.plots aria-label="Plots" { @for plot in &view.plots { (plot.render()) } }
            }
        }
        footer { p { (view.citation) } p { (view.origin) } }
    };
    Page {
        language: "en",
        title: &format!("{} · Commonwatt", view.name),
        class: "experiment",
        refresh_seconds: None,
        body,
    }
    .render()
}

fn table(grid: &Grid) -> Markup {
    let labels = || grid.header.iter().skip(1);
    let worded = grid.rows.iter().any(|row| !row.words.is_empty());
    html! {
        table.stack {
            thead { tr {
                th scope="col" { (grid.header.first().map_or("", String::as_str)) }
                @for label in labels() { th.number scope="col" { (label) } }
                @if worded { th scope="col" { "What it is" } }
            } }
            tbody { @for row in &grid.rows { tr class=[(row.name == "commonwatt").then_some("ours")] {
                th scope="row" { (row.name) }
                @for (label, figure) in labels().zip(&row.figures) { (number_cell(label, figure)) }
                @if worded { (cell("What it is", &html! { span.quiet { (row.words) } })) }
            } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_every_row_and_note_and_loads_nothing() {
        let view = ExperimentView {
            name: "example".into(),
            results: Grid {
                header: vec!["policy".into(), "price".into()],
                rows: vec![GridRow {
                    name: "commonwatt".into(),
                    figures: vec!["1.0".into()],
                    words: "knows <nothing>".into(),
                }],
            },
            notes: vec!["a note".into()],
            ..ExperimentView::default()
        };
        let page = experiment_page(&view);
        for part in [
            "<tr class=\"ours\">",
            "data-label=\"price\">1.0",
            "knows &lt;nothing&gt;",
            "<li>a note</li>",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        for foreign in ["<script", "src=", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
