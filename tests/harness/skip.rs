//! Tests that cannot run here say so, and are not counted as passed.

use std::fs::OpenOptions;
use std::io::Write;

use crate::Progress;

/// The file that `cargo xtask test` reads, one `test: reason` per line.
const SKIPS_FILE: &str = "COMMONWATT_SKIPS";

/// Set by `cargo xtask test --no-control-planes`.
const NO_CONTROL_PLANES: &str = "COMMONWATT_NO_CONTROL_PLANES";

/// What a skipped test returns: `()`, or the `Ok(())` of its result.
pub trait Skipped {
    /// The value.
    fn skipped() -> Self;
}

impl Skipped for () {
    fn skipped() -> Self {}
}

impl<E> Skipped for Result<(), E> {
    fn skipped() -> Self {
        Ok(())
    }
}

/// Why no control plane can be started on this machine, if that is so.
pub fn unavailable() -> Option<String> {
    if std::env::var_os(NO_CONTROL_PLANES).is_some() {
        return Some("control planes were left out (--no-control-planes)".to_owned());
    }
    crate::binaries::go_version()
        .err()
        .map(|error| error.to_string())
}

/// Prints and records that a test was skipped. Use [`crate::skip!`], which also returns from the test.
///
/// # Panics
/// If the skip cannot be recorded: it would count as passed.
pub fn record_skip(test: &str, reason: &str) {
    // Not eprintln!, which the test runner would swallow since the test "passes".
    Progress::Stderr.say(&format!("SKIPPED {test}: {reason}"));
    let Some(path) = std::env::var_os(SKIPS_FILE) else {
        return;
    };
    let line = format!("{test}: {}\n", reason.replace('\n', " "));
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        // One write per line: appends from several tests do not mix.
        .and_then(|mut file| file.write_all(line.as_bytes()));
    assert!(
        written.is_ok(),
        "cannot record a skipped test in {}: {written:?}",
        path.display()
    );
}

/// Ends a test that cannot run here: prints `SKIPPED <test>: reason`, records it for `cargo xtask
/// test`, and returns. For tests that return `()` or `Result<(), _>`.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)+) => {{
        // The test's name from the type of an item inside it: a thread's name is only the
        // test's when the runner uses threads.
        fn here() {}
        let here = ::std::any::type_name_of_val(&here);
        let test = here.strip_suffix("::here").unwrap_or(here);
        $crate::record_skip(test, &format!($($reason)+));
        return $crate::Skipped::skipped();
    }};
}

/// A running [`ControlPlane`](crate::ControlPlane) with the given name, or the end of the test:
/// skipped where none can run, an error (`?`) where starting one failed.
#[macro_export]
macro_rules! control_plane {
    ($name:expr) => {{
        if let Some(reason) = $crate::unavailable() {
            $crate::skip!("{reason}");
        }
        $crate::ControlPlane::start($name)?
    }};
}
