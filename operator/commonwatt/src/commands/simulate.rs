//! `commonwatt simulate`: published experiments through the production planner.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use comfy_table::CellAlignment;
use commonwatt_dashboard::{ExperimentView, Grid, experiment_page};
use commonwatt_experiments::{Data, Experiment, Outcome, Progress};
use indicatif::{ProgressBar, ProgressStyle};

use crate::printed::table;

/// Replay published work through the planner, beside its own baselines: one row per policy, ours is `commonwatt`
#[derive(Debug, Args)]
#[command(
    after_help = "The data is public and not part of this program; where it is missing, the error says which repository has it.\n\n\
                        Examples:\n  commonwatt simulate equitable-ai --data DIR\n  \
                        commonwatt simulate eurosys24 --html eurosys24.html\n  \
                        commonwatt simulate equitable-ai -o json | jq '.rows[] | select(.policy == \"commonwatt\").metrics'\n\n\
                        Exit codes: 0 done, 1 an error."
)]
pub struct Simulate {
    /// The experiment
    #[arg(value_parser = experiment())]
    name: &'static dyn Experiment,
    /// Folder of the published data, one folder per experiment
    #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write a page with plots too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    output: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// A name of the list that the experiments keep.
fn experiment() -> impl TypedValueParser<Value = &'static dyn Experiment> {
    let all = commonwatt_experiments::all();
    let values = all
        .iter()
        .map(|one| PossibleValue::new(one.name()).help(one.about()));
    PossibleValuesParser::new(values).try_map(|name| {
        let named = commonwatt_experiments::all()
            .iter()
            .find(|one| one.name() == name);
        named.copied().ok_or("no such experiment")
    })
}

impl Simulate {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (experiment, source) = (self.name, self.name.source());
        let Some(root) = &self.data else {
            bail!(
                "{} needs its data: give its folder with --data DIR or COMMONWATT_DATA; it is in the repository {} ({})",
                experiment.name(),
                source.repository,
                source.files
            );
        };
        // What cannot be written is said before the work and not after it; a page of before stays until there is a new one.
        if let Some(page) = &self.html {
            let opened = OpenOptions::new().create(true).append(true).open(page);
            opened.with_context(|| unwritten(page))?;
        }
        let bar = Bar::new();
        let outcome = experiment.run(&Data::new(root, source), &bar)?;
        bar.0.finish_and_clear();
        if let Some(page) = &self.html {
            let text = experiment_page(&view(experiment, &outcome));
            std::fs::write(page, text).with_context(|| unwritten(page))?;
        }
        match self.output {
            Form::Json => println!(
                "{}",
                serde_json::to_string_pretty(&outcome.document(experiment.name()))?
            ),
            Form::Table => print!("{}", text(&outcome)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn unwritten(page: &Path) -> String {
    format!("cannot write {}", page.display())
}

fn view(experiment: &dyn Experiment, outcome: &Outcome) -> ExperimentView {
    let source = experiment.source();
    ExperimentView {
        name: experiment.name().into(),
        about: experiment.about().into(),
        citation: source.citation.into(),
        origin: format!("Data: {} ({})", source.repository, source.files),
        results: outcome.grid(),
        notes: outcome.notes.clone(),
        plots: outcome.plots.clone(),
    }
}

fn text(outcome: &Outcome) -> String {
    let Grid { header, rows } = outcome.grid();
    let worded = rows.iter().any(|row| !row.words.is_empty());
    let mut names: Vec<_> = header.iter().map(|name| capitals(name)).collect();
    if worded {
        names.push("ABOUT".into());
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut table = table(&names);
    for row in rows {
        let words = worded.then_some(row.words);
        table.add_row(std::iter::once(row.name).chain(row.figures).chain(words));
    }
    for column in 1..header.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = format!("{table}\n\n");
    for note in &outcome.notes {
        text.push_str("- ");
        text.push_str(note);
        text.push('\n');
    }
    text
}

/// `waterMax` as `WATER-MAX`.
fn capitals(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            text.push('-');
        }
        text.extend(letter.to_uppercase());
    }
    text
}

/// A bar on a terminal, and nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left")
        {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Progress for Bar {
    fn begin(&self, part: &str, steps: usize) {
        self.0.set_length(steps as u64);
        self.0.set_position(0);
        self.0.reset_eta();
        self.0.set_message(part.to_owned());
    }

    fn step(&self) {
        self.0.inc(1);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        simulate: Simulate,
    }

    fn asked(arguments: &[&str]) -> Result<Simulate, clap::Error> {
        let line = Line::try_parse_from([&["simulate"], arguments].concat())?;
        Ok(line.simulate)
    }

    #[test]
    fn every_experiment_is_known_by_its_name_and_no_other_is() {
        for one in commonwatt_experiments::all() {
            let simulate = asked(&[one.name()]).expect("a name");
            assert_eq!(simulate.name.name(), one.name());
        }
        let error = asked(&["nothing"]).expect_err("no name").to_string();
        assert!(error.contains("equitable-ai"), "{error}");
    }

    #[test]
    fn data_that_is_not_there_and_a_page_that_cannot_be_written_are_said_at_once() {
        let empty = tempfile::tempdir().expect("a folder");
        let root = empty.path().to_str().expect("a path");
        let page = empty.path().join("none/page.html");
        let page = page.to_str().expect("a path");
        let error = |arguments: &[&str]| {
            let run = asked(arguments).expect("a line").run();
            format!("{:#}", run.expect_err("nothing to do"))
        };
        let before = empty.path().join("before.html");
        std::fs::write(&before, "before").expect("a page");
        let kept = before.to_str().expect("a path");
        let missing = error(&["equitable-ai", "--data", root, "--html", kept]);
        assert!(
            missing.contains("Ren-Research/Environmentally-Equitable-AI"),
            "{missing}"
        );
        assert_eq!(std::fs::read_to_string(&before).expect("a page"), "before");
        let unwritten = error(&["equitable-ai", "--data", root, "--html", page]);
        assert!(unwritten.starts_with("cannot write"), "{unwritten}");
    }

    #[test]
    fn a_metric_is_a_column_in_capitals() {
        assert_eq!(capitals("carbonSavedPercent"), "CARBON-SAVED-PERCENT");
        assert_eq!(capitals("objective"), "OBJECTIVE");
    }
}
