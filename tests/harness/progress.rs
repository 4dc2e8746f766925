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
            // A closed stderr is no reason to stop a build.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}
