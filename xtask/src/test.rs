//! `cargo xtask test`: every test, and a count that does not flatter.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use anyhow::Context;
use commonwatt_harness::Progress;

use crate::cargo::cargo;
use crate::report::Report;

/// Builds what the tests need, runs `cargo test`, and counts passed, failed and skipped tests over
/// all of it. A test that could not run here counts as skipped, with its reason, and never as passed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave out the tests that start control planes (they then count as skipped), and build nothing for them.
    #[arg(long)]
    no_control_planes: bool,

    /// Passed on to `cargo test`: part of a test's name, `-p PACKAGE`, `-- --nocapture`, ...
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CARGO TEST ARGUMENTS"
    )]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut report = Report::default();
    if let Err(error) = run_all(arguments, &mut report) {
        report.failed += 1;
        report.failures.push(format!("{error:#}"));
    }
    println!();
    for (reason, names) in &report.skipped {
        println!("skipped, since {reason}:");
        for name in names {
            println!("  {name}");
        }
    }
    for name in &report.failures {
        println!("failed: {name}");
    }
    println!("{}", report.last_line());
    if report.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_all(arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    let skips = tempfile::NamedTempFile::new().context("cannot make a file for skipped tests")?;
    let mut command = cargo();
    command.args(["test", "--no-fail-fast"]);
    if !chooses_packages(&arguments.rest) {
        command.arg("--workspace");
    }
    command
        .args(&arguments.rest)
        .env("COMMONWATT_SKIPS", skips.path());
    if arguments.no_control_planes {
        command.env("COMMONWATT_NO_CONTROL_PLANES", "1");
    } else if commonwatt_harness::unavailable().is_none() {
        // Before any test, so that no test waits for a compiler.
        commonwatt_harness::ensure(Progress::Stderr)?;
        if !chooses_packages(&arguments.rest) {
            commonwatt_harness::ensure_linters(Progress::Stderr)?;
            if commonwatt_harness::no_node().is_none() {
                commonwatt_harness::ensure_node(Progress::Stderr)?;
                crate::image::build()?;
            }
        }
    }
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo test")?;
    let stdout = child.stdout.take().context("cargo test has no stdout")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("cannot read what cargo test prints")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        report.read(&line);
    }
    let status = child.wait().context("cannot wait for cargo test")?;
    report.read_skips(&fs::read_to_string(skips.path()).context("cannot read the skipped tests")?);
    // It also fails without a failed test: when something does not compile, or a test binary dies.
    anyhow::ensure!(
        status.success() || report.failed > 0,
        "cargo test ended with {status}, though no test that reported failed: see above"
    );
    Ok(())
}

fn chooses_packages(arguments: &[String]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}
