//! One line per step that takes longer than a person expects.

use std::io::Write;

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// One line per step on stderr, past the test runner's capture: a person who waits seven
    /// minutes for a compiler should see why.
    Stderr,
    /// Nothing.
    Silent,
}

impl Progress {
    /// Says one line.
    pub fn say(self, line: &str) {
        if self == Self::Stderr {
            // In one write, or lines of several threads mix. A closed stderr stops nothing.
            let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
        }
    }
}
