//! `cargo deny`, built once and kept beside the programs of the tests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use commonwatt_harness::cache;

use crate::cargo::{cargo, root};

const VERSION: &str = "0.20.2";

/// The command that judges our dependencies by `deny.toml`, and fails on warnings: a licence or an exception there that nothing
/// needs any more is one.
pub(crate) fn command() -> anyhow::Result<Command> {
    let mut command = Command::new(program()?);
    command.current_dir(root()).args([
        "--locked",
        "check",
        "--deny=warnings",
        "bans",
        "licenses",
        "sources",
    ]);
    Ok(command)
}

/// Where it is. Unoptimised it takes two seconds for our tree, and two minutes to build instead of eight.
fn program() -> anyhow::Result<PathBuf> {
    let cache = cache()?;
    let path = cache.join(format!("cargo-deny-{VERSION}"));
    if path.exists() {
        return Ok(path);
    }
    println!("check: building cargo-deny {VERSION} (about 2 min cold) ...");
    let begun = Instant::now();
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    // In a folder that goes again. Two that build at once both come to the same.
    let folder = tempfile::tempdir_in(&cache).context("cannot make a folder to build in")?;
    let status = cargo()
        .args(["install", "cargo-deny", "--quiet", "--locked", "--debug"])
        .args(["--version", VERSION, "--root"])
        .arg(folder.path())
        .arg("--target-dir")
        .arg(folder.path().join("target"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .status()
        .context("cannot run cargo install")?;
    ensure!(
        status.success(),
        "cargo install cargo-deny ended with {status}"
    );
    fs::rename(folder.path().join("bin/cargo-deny"), &path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("check: built cargo-deny in {} s", begun.elapsed().as_secs());
    Ok(path)
}
