//! The sites experiment over the first days of each season, with a row for HiGHS, which solves the program of FORMULATION.md for each
//! hour, as long as it may, and begins with what it found for the hour before: `cargo xtask bench sites --data DIR`.
//!
//! By hand: `cargo run --release -p commonwatt-experiments --example highs -- DIR DAYS [SECONDS PYTHON]`, without the last two for the
//! same days without HiGHS.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use commonwatt_experiments::sites::{Decision, Sample, Solver, beside};
use commonwatt_experiments::{Data, Progress, all};
use commonwatt_families::mps;
use commonwatt_fleet::World;

/// Columns by name.
type Values = BTreeMap<String, f64>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (data, days, solver) = match &arguments[..] {
        [data, days] => (data, days, None),
        [data, days, seconds, python] => (data, days, Some((seconds, python))),
        _ => return Err("give DIR DAYS [SECONDS PYTHON]".into()),
    };
    let sites = all().iter().find(|one| one.name() == "sites");
    let source = sites.ok_or("no experiment of this name")?.source();
    let sample = Sample::read(&Data::new(Path::new(data), source), days.parse()?)?;
    let highs = solver
        .map(|(seconds, python)| Highs::new(seconds, python))
        .transpose()?;
    let other = highs.as_ref().map(|highs| highs as &dyn Solver);
    let outcome = beside(&sample, other, &Steps(AtomicUsize::new(0)));
    let document = outcome.document("sites");
    println!("{}", serde_json::to_string_pretty(&document)?);
    for note in &outcome.notes {
        eprintln!("- {note}");
    }
    Ok(())
}

/// Says how many hours are decided.
struct Steps(AtomicUsize);

impl Progress for Steps {
    fn begin(&self, part: &str, steps: usize) {
        eprintln!("{part}: {steps} steps");
    }

    fn step(&self) {
        let done = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(24) {
            eprintln!("{done}");
        }
    }
}

/// HiGHS in a Python of its own for each hour.
struct Highs {
    python: PathBuf,
    seconds: String,
    folder: tempfile::TempDir,
    seasons: AtomicUsize,
}

impl Highs {
    fn new(seconds: &str, python: &str) -> std::io::Result<Self> {
        Ok(Self {
            python: python.into(),
            seconds: seconds.into(),
            folder: tempfile::tempdir()?,
            seasons: AtomicUsize::new(0),
        })
    }
}

impl Solver for Highs {
    fn season(&self) -> Box<dyn FnMut(&World) -> Decision + '_> {
        let number = self.seasons.fetch_add(1, Ordering::Relaxed);
        let file = move |kind: &str| self.folder.path().join(format!("{number}.{kind}"));
        let mut before = Values::new();
        Box::new(move |world| {
            let solved = self.solve(world, &later(&before), &file);
            match solved {
                Ok(values) => before = values,
                // The hour goes without: what runs stops, and is counted as not served.
                Err(error) => {
                    eprintln!("HiGHS: {error}");
                    before.clear();
                }
            }
            decision(world, &before)
        })
    }
}

impl Highs {
    fn solve(
        &self,
        world: &World,
        start: &Values,
        file: &dyn Fn(&str) -> PathBuf,
    ) -> Result<Values, Box<dyn std::error::Error>> {
        let [program, started, solution] = ["mps", "start", "solution"].map(file);
        let mut bytes = Vec::new();
        mps::write(world, &mut bytes)?;
        std::fs::write(&program, bytes)?;
        std::fs::write(&started, serde_json::to_string(start)?)?;
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/performance/planner/solve.py");
        let mut command = Command::new(&self.python);
        command.arg(script).arg(program);
        command.args(["--seconds", &self.seconds, "--solution"]);
        command.arg(&solution).arg("--start").arg(started);
        let status = command.stdout(Stdio::null()).status()?;
        if !status.success() {
            return Err(format!("solve.py ended with {status}").into());
        }
        Ok(serde_json::from_slice(&std::fs::read(solution)?)?)
    }
}

/// Replicas an hour on: what was the second slot is the first, and the last goes on.
fn later(values: &Values) -> Values {
    let replicas = values.iter().filter(|(name, _)| name.starts_with("n_"));
    let split = replicas.filter_map(|(name, value)| {
        let (place, slot) = name.rsplit_once('_')?;
        Some((place, slot.parse::<usize>().ok()?, *value))
    });
    let mut later = Values::new();
    for (place, slot, value) in split {
        if slot > 0 {
            later.insert(format!("{place}_{}", slot - 1), value);
        }
        if slot == 23 {
            later.insert(format!("{place}_{slot}"), value);
        }
    }
    later
}

/// The first hour of a solution, by the names that the program gives to columns.
fn decision(world: &World, values: &Values) -> Decision {
    let value = |name: String| values.get(&name).copied().unwrap_or(0.0);
    let mut decision = Decision::default();
    for (d, (id, deployment)) in world.deployments.iter().enumerate() {
        for (s, site) in world.sites.keys().enumerate() {
            for (v, variant) in deployment.variants.iter().enumerate() {
                let count = value(format!("n_{d}_{s}_{v}_0")).round() as u32;
                decision.set(id, site, &variant.name, count);
            }
        }
    }
    for (j, (id, job)) in world.jobs.iter().enumerate() {
        let mut way = 0;
        for (site_id, site) in &world.sites {
            let there = job.started_at.as_ref().is_none_or(|at| at == site_id);
            let products = job.shapes.keys().filter(|_| there);
            for product in products.filter(|product| site.pools.contains_key(*product)) {
                if value(format!("r_{j}_{way}_0")) > 0.5 {
                    let way = (site_id.clone(), product.clone());
                    decision.jobs.insert(id.clone(), way);
                }
                way += 1;
            }
        }
    }
    decision
}
