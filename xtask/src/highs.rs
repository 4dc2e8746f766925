//! A Python with HiGHS: the machine's own if it has it, otherwise one of ours in the cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::cargo::root;

/// The interpreter.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    let own = PathBuf::from("python3");
    if has_highs(&own) {
        return Ok(own);
    }
    let folder = commonwatt_harness::cache()?.join("highs");
    let python = folder.join("bin/python3");
    if !has_highs(&python) {
        println!(
            "bench: installing HiGHS's Python package into {}",
            folder.display()
        );
        let advice = "Python with its venv module is needed: `apt-get install python3-venv`";
        let venv = Command::new(own).args(["-m", "venv"]).arg(&folder).status();
        ensure!(venv.context(advice)?.success(), "{advice}");
        let wanted = root().join("tests/performance/planner/requirements.txt");
        let installed = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(&wanted)
            .status();
        let done = installed.context("cannot run pip")?.success();
        ensure!(done, "pip cannot install {}", wanted.display());
    }
    Ok(python)
}

fn has_highs(python: &Path) -> bool {
    let imported = Command::new(python)
        .args(["-c", "import highspy"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    imported.is_ok_and(|status| status.success())
}
