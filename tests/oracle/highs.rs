//! HiGHS by its Python package, where there is one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use commonwatt_families::mps;
use commonwatt_fleet::World;
use serde_json::Value;

use crate::Result;

/// A Python that has HiGHS.
pub struct Highs {
    python: PathBuf,
}

/// What it found within its time.
pub struct Solution {
    /// Columns that are not 0.
    pub values: BTreeMap<String, f64>,
}

impl Highs {
    /// The machine's own, or the one that `cargo xtask bench planner` has installed.
    pub fn find() -> std::result::Result<Self, String> {
        let cached = commonwatt_harness::cache().map(|cache| cache.join("highs/bin/python3"));
        let mut pythons = std::iter::once(PathBuf::from("python3")).chain(cached.ok());
        let has = |python: &PathBuf| {
            let mut asked = Command::new(python);
            asked.args(["-c", "import highspy"]);
            let asked = asked.stdout(Stdio::null()).stderr(Stdio::null()).status();
            asked.is_ok_and(|status| status.success())
        };
        let python = pythons.find(has);
        let python =
            python.ok_or("no Python with highspy; `cargo xtask bench planner` installs one")?;
        Ok(Self { python })
    }

    /// Solves a small world, for some seconds at most.
    pub fn solve(&self, world: &World) -> Result<Solution> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join("world.mps");
        let values = folder.path().join("values.json");
        let mut file = BufWriter::new(File::create(&program)?);
        mps::write(world, &mut file)?;
        file.flush()?;
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("performance/planner/solve.py");
        let mut command = Command::new(&self.python);
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(script)
            .arg(&program);
        command.args(["--seconds", "6", "--gap", "0.01", "--solution"]);
        let output = command.arg(&values).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let begin = text.find('{').ok_or_else(|| {
            let error = String::from_utf8_lossy(&output.stderr);
            format!("HiGHS says nothing: {error}")
        })?;
        let said: Value = serde_json::from_str(&text[begin..])?;
        if said["objective"].is_null() {
            return Err(format!("HiGHS found nothing: {said}").into());
        }
        Ok(Solution {
            values: serde_json::from_reader(File::open(&values)?)?,
        })
    }
}
