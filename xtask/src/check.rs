//! `cargo xtask check`: what a reviewer should not have to look for.

use std::ffi::OsStr;
use std::iter;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::cargo::{cargo, root};
use crate::deny;
use crate::generators::GENERATORS;

pub(crate) fn run() -> anyhow::Result<()> {
    step(
        cargo().args(["fmt", "--all", "--check"]),
        "run `cargo fmt --all`",
    )?;
    step(
        cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ]),
        "mend what clippy found",
    )?;
    step(
        &mut deny::command()?,
        "do without the dependency, or say in deny.toml why it may be",
    )?;
    for generator in GENERATORS {
        if root().join(generator.needs).exists() {
            generated(generator.arguments, generator.writes)?;
        } else {
            println!(
                "check: no {} yet, so nothing of it is generated",
                generator.needs
            );
        }
    }
    println!("check: everything is in order");
    Ok(())
}

/// Generates again and fails on any difference from what is committed.
fn generated(arguments: &[&str], writes: &[&str]) -> anyhow::Result<()> {
    let line = format!("cargo {}", arguments.join(" "));
    step(cargo().args(arguments), "mend the generator")?;
    let advice = format!("run `{line}` and commit what it writes");
    step(
        git().args(["diff", "--exit-code", "--"]).args(writes),
        &advice,
    )?;
    let new = git()
        .args(["ls-files", "--others", "--exclude-standard", "--"])
        .args(writes)
        .output()
        .context("cannot run git")?;
    ensure!(
        new.status.success() && new.stdout.is_empty(),
        "files that `{line}` writes are not committed; {advice}:\n{}",
        String::from_utf8_lossy(&new.stdout)
    );
    Ok(())
}

fn git() -> Command {
    let mut command = Command::new("git");
    command.current_dir(root()).arg("--no-pager");
    command
}

fn step(command: &mut Command, advice: &str) -> anyhow::Result<()> {
    let program = Path::new(command.get_program());
    let line: Vec<_> = iter::once(program.file_name().unwrap_or_default())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    let line = line.join(" ");
    println!("check: {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot run {line}"))?;
    ensure!(status.success(), "`{line}` failed: {advice}");
    Ok(())
}
