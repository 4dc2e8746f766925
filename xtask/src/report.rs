//! Reads what `cargo test` prints. Line by line, so that it can be shown at the same time.

use std::collections::BTreeMap;

/// The counts of all test binaries together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// `#[ignore]`d tests and those that called `skip!`, by reason.
    pub(crate) skipped: BTreeMap<String, Vec<String>>,
    pub(crate) failures: Vec<String>,
}

impl Report {
    /// Takes in one line of stdout.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
        } else if let Some((name, verdict)) = test_line(line) {
            if verdict == "FAILED" {
                self.failures.push(name.to_owned());
            } else if let Some(reason) = verdict.strip_prefix("ignored") {
                let reason = reason.trim_start_matches([',', ' ']);
                let reason = if reason.is_empty() {
                    "#[ignore] without a reason"
                } else {
                    reason
                };
                self.skip(name, reason);
            }
        }
    }

    /// Takes in what `skip!` recorded. The test runner saw those tests pass.
    pub(crate) fn read_skips(&mut self, lines: &str) {
        for line in lines.lines() {
            let (name, reason) = line.split_once(": ").unwrap_or((line, "no reason"));
            self.skip(name, reason);
            self.passed = self.passed.saturating_sub(1);
        }
    }

    /// The last line of `cargo xtask test`.
    pub(crate) fn last_line(&self) -> String {
        let skipped: usize = self.skipped.values().map(Vec::len).sum();
        format!(
            "{} passed, {} failed, {skipped} skipped",
            self.passed, self.failed
        )
    }

    fn skip(&mut self, name: &str, reason: &str) {
        let names = self.skipped.entry(reason.to_owned()).or_default();
        names.push(name.to_owned());
    }
}

/// The number before a word: `... 3 passed; 1 failed; ...`.
fn count(counts: &str, word: &str) -> usize {
    let mut words = counts.split([' ', ';']).filter(|part| !part.is_empty());
    let mut before = "";
    words
        .find_map(|part| {
            let found = part == word;
            let number = std::mem::replace(&mut before, part);
            found.then(|| number.parse().unwrap_or(0))
        })
        .unwrap_or(0)
}

/// `test outage::a_site_goes_on ... ok`; also `test a - should panic ... ok`.
fn test_line(line: &str) -> Option<(&str, &str)> {
    let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    Some((name.trim_end_matches(" - should panic"), verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 4 tests
test first::works ... ok
test first::breaks ... FAILED
test first::needs_a_gpu ... ignored, no GPU here
test first::panics - should panic ... ok

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 1 test
test second ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.00s
";

    fn report() -> Report {
        let mut report = Report::default();
        OUTPUT.lines().for_each(|line| report.read(line));
        report
    }

    #[test]
    fn counts_add_up_over_all_test_binaries() {
        let report = report();
        assert_eq!(report.last_line(), "3 passed, 1 failed, 1 skipped");
        assert_eq!(report.failures, ["first::breaks"]);
        assert_eq!(report.skipped["no GPU here"], ["first::needs_a_gpu"]);
    }

    #[test]
    fn a_test_that_skipped_itself_is_not_counted_as_passed() {
        let mut report = report();
        report.read_skips("second: no Go\n");
        assert_eq!(report.last_line(), "2 passed, 1 failed, 2 skipped");
    }
}
