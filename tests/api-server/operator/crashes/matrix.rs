//! One scenario after another, with the operator killed at every place of a write that it passes.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use commonwatt_harness::Process;

use super::super::fleet::Fleet;
use super::super::program::program;
use super::promises::{self, Charges};
use crate::{Result, SOON, checkout};

/// For so long nothing new may happen at the end of a scenario; what comes later still is killed in the next one.
const QUIET: Duration = Duration::from_secs(1);

/// A place of a write in a scenario: killed before it was sent and after it was answered.
struct Row {
    scenario: &'static str,
    place: String,
}

/// A fleet, and where the operator was killed so far.
pub struct Matrix {
    pub fleet: Fleet,
    scratch: tempfile::TempDir,
    ledger: Option<tempfile::TempDir>,
    /// Places of writes that say how things are: the same code in every scenario, and so tried in the first that has them.
    told: BTreeSet<String>,
    rows: Vec<Row>,
    charges: Charges,
    pub kills: usize,
}

impl Matrix {
    pub fn new(fleet: Fleet) -> Result<Self> {
        Ok(Self {
            fleet,
            scratch: tempfile::tempdir()?,
            ledger: Some(tempfile::tempdir()?),
            told: BTreeSet::new(),
            rows: Vec::new(),
            charges: Charges::default(),
            kills: 0,
        })
    }

    fn list(&self) -> PathBuf {
        self.scratch.path().join("places")
    }

    fn places(&self) -> Result<Vec<String>> {
        Ok(fs::read_to_string(self.list())?
            .lines()
            .map(str::to_owned)
            .collect())
    }

    /// Something changes; the operator is killed at every place of a write that it comes to, started again each time, and
    /// what is to come of it comes all the same. What is promised holds after every kill.
    pub fn scenario(
        &mut self,
        name: &'static str,
        change: impl Fn(&Fleet) -> Result,
        done: impl Fn(&Fleet) -> Result<bool>,
    ) -> Result {
        let begun = Instant::now();
        self.begin()?;
        change(&self.fleet)?;
        let mut been = self.places()?.len();
        while self.killed_or_done(name, been, &done)? {
            been = self.look(name)?;
        }
        self.take(name, begun)
    }

    /// What the last scenario left, and the places that need no second kill.
    fn begin(&mut self) -> Result {
        let known: String = self.told.iter().flat_map(|place| [place, "\n"]).collect();
        fs::write(self.list(), &known)?;
        let broken = self.charges.broken(&self.fleet)?;
        assert!(broken.is_empty(), "{broken:#?}");
        Ok(())
    }

    /// After a kill: what was promised holds. Returns how many places the list has.
    fn look(&mut self, name: &str) -> Result<usize> {
        let places = self.places()?;
        let place = places.last().cloned().unwrap_or_default();
        self.kills += 1;
        let broken = self.charges.broken(&self.fleet)?;
        assert!(broken.is_empty(), "{name}, killed {place}: {broken:#?}");
        Ok(places.len())
    }

    /// Everything of an API server is given back by `commonwatt release --all`, which is killed in the same way.
    pub fn released(
        &mut self,
        name: &'static str,
        kubeconfig: &Path,
        done: impl Fn(&Fleet) -> Result<bool>,
    ) -> Result {
        let begun = Instant::now();
        self.begin()?;
        let mut been = self.places()?.len();
        while self.release_killed_or_done(kubeconfig, been)? {
            been = self.look(name)?;
        }
        assert!(
            done(&self.fleet)?,
            "{name}: {}",
            promises::told(&self.fleet)?
        );
        self.take(name, begun)
    }

    fn release_killed_or_done(&self, kubeconfig: &Path, been: usize) -> Result<bool> {
        let mut command = Command::new(program()?);
        command
            .args(["release", "--all", "--operator-namespace=uninstalled"])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg("--halt-list")
            .arg(self.list());
        let mut process = Process::start("release", &command, self.scratch.path())?;
        let begun = Instant::now();
        loop {
            if self.places()?.len() > been {
                process.stop();
                return Ok(true);
            }
            match process.ended() {
                Some(status) if status.success() => return Ok(false),
                None if begun.elapsed() < SOON => {}
                _ => return Err(format!("release did not end well: {}", process.output()).into()),
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Something changes, and comes to its end without a kill.
    pub fn plainly(
        &mut self,
        change: impl Fn(&Fleet) -> Result,
        done: impl Fn(&Fleet) -> Result<bool>,
    ) -> Result {
        change(&self.fleet)?;
        let folder = self.ledger.take().ok_or("no ledger")?;
        let operator = self.fleet.operator().start_in(folder)?;
        let begun = Instant::now();
        while !done(&self.fleet)? {
            if begun.elapsed() > SOON {
                let told = promises::told(&self.fleet)?;
                return Err(format!("not done\n{told}").into());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        self.ledger = Some(operator.kill());
        Ok(())
    }

    /// Starts the operator and kills it: at the next place, which is true, or at the end.
    fn killed_or_done(
        &mut self,
        name: &str,
        been: usize,
        done: impl Fn(&Fleet) -> Result<bool>,
    ) -> Result<bool> {
        let folder = self.ledger.take().ok_or("no ledger")?;
        let operator = self
            .fleet
            .operator()
            .halted_by(&self.list())
            .start_in(folder)?;
        let (begun, mut asked, mut quiet) = (Instant::now(), Instant::now(), None::<Instant>);
        let halted = loop {
            if self.places()?.len() > been {
                break true;
            }
            if quiet.is_some_and(|since| since.elapsed() > QUIET) {
                break false;
            }
            // A question is a kubectl or three: on a busy machine they would take what they wait for.
            if asked.elapsed() > Duration::from_millis(700) {
                let is_done = done(&self.fleet)?;
                quiet = if is_done {
                    quiet.or(Some(Instant::now()))
                } else {
                    None
                };
                asked = Instant::now();
            }
            if begun.elapsed() > 2 * SOON {
                let told = promises::told(&self.fleet)?;
                return Err(format!("{name}: does not come to its end\n{told}").into());
            }
            std::thread::sleep(Duration::from_millis(30));
        };
        self.ledger = Some(operator.kill());
        Ok(halted)
    }

    fn take(&mut self, scenario: &'static str, begun: Instant) -> Result {
        let new = self.places()?.split_off(self.told.len());
        println!(
            "{scenario}: killed {} times in {} s",
            new.len(),
            begun.elapsed().as_secs()
        );
        for place in &new {
            let tells = place.ends_with(" status")
                || place.contains("PlanHead")
                || place.contains("SiteOffer");
            if tells {
                self.told.insert(place.clone());
            }
            if let Some(place) = place.strip_prefix("after ") {
                let place = place.to_owned();
                self.rows.push(Row { scenario, place });
            }
        }
        Ok(())
    }

    /// Every place that was come to.
    pub fn places_passed(&self) -> BTreeSet<&str> {
        self.rows.iter().map(|row| row.place.as_str()).collect()
    }

    /// The matrix as a page, and whether the committed one says the same.
    pub fn committed(&self) -> Result {
        let mut page = String::from(PAGE);
        let mut rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| (row.scenario, &row.place))
            .collect();
        // Two roles write at once: in which order is chance.
        let order: Vec<_> = self.rows.iter().map(|row| row.scenario).collect();
        rows.sort_by_key(|(scenario, place)| {
            (
                order.iter().position(|other| other == scenario),
                (*place).clone(),
            )
        });
        for (scenario, place) in rows {
            let _ = writeln!(page, "| {scenario} | {place} | clean | clean |");
        }
        let file = checkout("tests/CRASHES.md");
        if std::env::var_os("COMMONWATT_WRITE").is_some() {
            fs::write(&file, &page)?;
        }
        // In which scenario a write comes up is chance here and there: two roles work at once. That it comes up is not.
        let committed = fs::read_to_string(&file)?;
        let known: BTreeSet<&str> = committed.lines().filter_map(place_of).collect();
        let passed = self.places_passed();
        let new: Vec<_> = passed.difference(&known).collect();
        let gone: Vec<_> = known.difference(&passed).collect();
        assert!(
            new.is_empty() && gone.is_empty(),
            "places of writes have changed: look at each, then run this test once with COMMONWATT_WRITE=1\n\
             new: {new:#?}\nnot come to: {gone:#?}"
        );
        Ok(())
    }
}

/// The write that a row of the page is about.
fn place_of(line: &str) -> Option<&str> {
    let place = line.split(" | ").nth(1)?;
    place.contains(": ").then_some(place)
}

const PAGE: &str = "# Crashes\n\n\
The operator is killed (SIGKILL) at every place of a write that it comes to: before the request is sent, and after the API server has \
answered, before the answer is heard. It is started again each time and killed at the next place, so that a scenario comes to its end \
through every crash it can have. `clean`: at that moment nothing is there twice, nothing runs without its record, no more is charged \
than the limit allows or, where it has just fallen, than before, and nothing is assigned that could vanish unseen; and at the end of the \
scenario all is as it was asked for, every status is true and nothing is left behind. `site` is an agent at its own API server, `site to \
hub` the same one at the hub's, `release` is `commonwatt release --all`. Writes that only say how things are (statuses, offers, the plan's \
head) are the same code everywhere and stand where they came up first.\n\n\
Written by the test `the_operator_killed_before_and_after_every_write_loses_nothing_and_does_nothing_twice` with `COMMONWATT_WRITE=1`; a \
place that is not in this table fails it, and one of the table that is not come to.\n\n\
| Scenario | Write | Killed before | Killed after |\n|---|---|---|---|\n";
