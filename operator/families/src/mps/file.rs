//! Lines of a free MPS file.

use std::fmt::Display;
use std::io::{self, Write};

/// A file that is being written.
pub(super) struct File<'w> {
    to: &'w mut dyn Write,
    markers: usize,
}

impl<'w> File<'w> {
    pub(super) fn new(to: &'w mut dyn Write) -> Self {
        Self { to, markers: 0 }
    }

    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.to, "{text}")
    }

    pub(super) fn comment(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.to, "* {text}")
    }

    pub(super) fn section(&mut self, name: &str) -> io::Result<()> {
        writeln!(self.to, "{name}")
    }

    /// `G`, `L`, `E`, or `N` for what is minimised.
    pub(super) fn row(&mut self, sense: char, name: impl Display) -> io::Result<()> {
        writeln!(self.to, " {sense} {name}")
    }

    /// Begins and ends columns that are whole numbers.
    pub(super) fn whole(&mut self, begins: bool) -> io::Result<()> {
        let kind = if begins { "INTORG" } else { "INTEND" };
        self.markers += 1;
        writeln!(self.to, " M{} 'MARKER' '{kind}'", self.markers)
    }

    /// A column's cost; always written, so that a column in no row is there.
    pub(super) fn cost(&mut self, column: &impl Display, value: f64) -> io::Result<()> {
        writeln!(self.to, " {column} COST {value}")
    }

    /// A column's coefficient in a row.
    pub(super) fn entry(
        &mut self,
        column: &impl Display,
        row: impl Display,
        value: f64,
    ) -> io::Result<()> {
        if value == 0.0 {
            return Ok(());
        }
        writeln!(self.to, " {column} {row} {value}")
    }

    /// A row's right side, where it is not 0.
    pub(super) fn right(&mut self, row: impl Display, value: f64) -> io::Result<()> {
        if value == 0.0 {
            return Ok(());
        }
        writeln!(self.to, " RHS {row} {value}")
    }

    /// The most that a column may be. Columns of whole numbers have one always: without it some readers take 1.
    pub(super) fn most(&mut self, column: impl Display, value: f64) -> io::Result<()> {
        if value <= 0.0 {
            return writeln!(self.to, " FX BND {column} 0");
        }
        if value.is_infinite() {
            return writeln!(self.to, " PL BND {column}");
        }
        writeln!(self.to, " UP BND {column} {value}")
    }
}
