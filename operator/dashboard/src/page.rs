//! The frame of every page, and the small pieces that all of them use.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// A whole page. The stylesheet is within it: a page that is saved or sent stays readable.
pub(crate) struct Page<'a> {
    /// BCP 47 tag of the text.
    pub language: &'a str,
    pub title: &'a str,
    /// For styles that one kind of page alone needs.
    pub class: &'a str,
    pub refresh_seconds: Option<u32>,
    pub body: Markup,
}

impl Page<'_> {
    pub(crate) fn render(self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang=(self.language) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if let Some(seconds) = self.refresh_seconds {
                        meta http-equiv="refresh" content=(seconds);
                    }
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body class=(self.class) { (self.body) }
            }
        };
        page.into_string()
    }
}

/// A short word with a colour that says whether all is well. The word says it too.
pub(crate) fn pill(kind: &str, text: &str) -> Markup {
    html! { span class={ "pill " (kind) } { (text) } }
}

/// The pill of a mode, with what the mode means.
pub(crate) fn mode_pill(mode: &str) -> Markup {
    let meaning = match mode {
        "Observe" => "watches only",
        "Advise" => "says what it would do",
        "Enforce" => "acts",
        _ => "",
    };
    html! { span.pill.mode title=(meaning) { (mode) } }
}

/// A cell that names its column on a narrow screen, where rows are stacked.
pub(crate) fn cell(label: &str, content: &Markup) -> Markup {
    html! { td data-label=(label) { (content) } }
}

/// A cell with a number, aligned to the right.
pub(crate) fn number_cell(label: &str, text: &str) -> Markup {
    html! { td.number data-label=(label) { (text) } }
}

/// A term and what it is, for lists of facts.
pub(crate) fn fact(term: &str, value: &str) -> Markup {
    html! { div { dt { (term) } dd { (value) } } }
}

/// A name with its namespace before it, in quieter letters.
pub(crate) fn namespaced(namespace: &str, name: &str) -> Markup {
    html! { @if !namespace.is_empty() { span.quiet { (namespace) "/" } } (name) }
}
