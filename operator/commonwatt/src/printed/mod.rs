//! How commands print: tables that fit their terminal, documents for programs.

mod answers;
mod comparison;
mod explanation;
mod plan;
pub mod sites;
mod steps;
mod time;

pub use comparison::{Comparison, first_slot};
pub use explanation::Explanation;
pub use plan::{document as plan_document, tables as plan_tables};
pub use time::ago;

use clap::ValueEnum;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, presets,
};
use serde::Serialize;

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For people with a wide terminal: more columns.
    Wide,
    /// For programs.
    Json,
    /// For Git.
    Yaml,
}

impl Output {
    /// Prints a document, or the text that is made of it for people; the text is told whether it may be wide.
    ///
    /// # Errors
    /// When the document cannot be written.
    pub fn print(
        self,
        document: &impl Serialize,
        text: impl FnOnce(bool) -> String,
    ) -> anyhow::Result<()> {
        match self {
            Self::Table | Self::Wide => print!("{}", text(self == Self::Wide)),
            Self::Json => println!("{}", serde_json::to_string_pretty(document)?),
            Self::Yaml => print!("{}", serde_saphyr::to_string(document)?),
        }
        Ok(())
    }
}

/// How a cell is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Caution,
    Bad,
}

impl Tone {
    /// Of a condition's status.
    pub fn of_status(status: &str) -> Self {
        match status {
            "True" => Self::Good,
            "False" => Self::Bad,
            _ => Self::Caution,
        }
    }
}

/// A cell that is coloured on a terminal, unless `NO_COLOR` is set.
pub fn cell(text: impl ToString, tone: Tone) -> Cell {
    let cell = Cell::new(text);
    let colour = match tone {
        Tone::Plain => None,
        Tone::Good => Some(Color::Green),
        Tone::Caution => Some(Color::Yellow),
        Tone::Bad => Some(Color::Red),
    };
    match colour.filter(|_| may_colour()) {
        Some(colour) => cell.fg(colour),
        None => cell,
    }
}

/// <https://no-color.org>. That nothing is coloured in a pipe is the table's own rule.
fn may_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns of numbers.
const NUMBERS: [&str; 16] = [
    "REPLICAS",
    "COST/H",
    "KG/H",
    "L/H",
    "COST",
    "GPUS",
    "FREE",
    "DRAW",
    "LIMIT",
    "HEADROOM",
    "G/KWH",
    "PRICE/KWH",
    "WATTS",
    "WATER-LEFT",
    "FLOOR",
    "WEIGHT",
];
/// Columns of words, which wrap where the terminal is too narrow. All others keep their width.
const WORDS: [&str; 5] = ["WHY", "MESSAGE", "SET-BY", "REMEDY", "ABOUT"];

/// A table that fits its terminal, numbers to the right. In a pipe nothing wraps.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let heading = |name: &&str| {
        let cell = Cell::new(*name);
        if may_colour() {
            cell.add_attribute(Attribute::Bold)
        } else {
            cell
        }
    };
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().map(heading));
    for (index, name) in header.iter().enumerate() {
        let Some(column) = table.column_mut(index) else {
            continue;
        };
        if NUMBERS.contains(name) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if !WORDS.contains(name) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_eighty_columns_words_wrap_and_numbers_stay_whole() {
        let mut table = table(&["SITE", "DRAW", "WHY"]);
        let why = "needs 3.4 kW, 198 W left of 6.3 kW set by gridevent/frankfurt-first-evening at 06-05 17:00 UTC";
        table.add_row(["frankfurt-am-main-number-two", "123456789", why]);
        table.set_width(80);
        let text = table.to_string();
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(
            text.contains("frankfurt-am-main-number-two  123456789"),
            "{text}"
        );
        assert!(text.lines().count() > 2, "{text}");
    }

    #[test]
    fn in_a_pipe_nothing_wraps_and_nothing_is_coloured() {
        let mut table = table(&["SITE", "WHY"]);
        let why = "so ".repeat(200);
        table.add_row([cell("a", Tone::Bad), cell(&why, Tone::Plain)]);
        let text = table.to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
