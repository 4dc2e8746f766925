//! The README's commands, run as they stand there: what is shown is what they say, but for numbers and ages.
//!
//! Fenced blocks after a line `<!-- checked -->` are run in their order on one real control plane. In a block with `$ `
//! prompts the lines after a command are its output: words and columns must be the same, digits need not, and `...` at the
//! end stands for more. With `COMMONWATT_WRITE` set, the README gets what the commands said instead.

use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use commonwatt_harness::Process;

use super::*;

const MARK: &str = "<!-- checked -->";
/// A first plan, on a machine that also compiles; for all commands together, since their clock runs on.
const PATIENCE: Duration = Duration::from_secs(90);
/// Where shown output is wrapped.
const WIDTH: usize = 118;

/// A command and what is shown of its output; nothing where none is shown.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    shown: Option<String>,
}

/// The steps of every marked block, and where their shown outputs are, as lines of the page.
fn steps(page: &str) -> Vec<(Step, std::ops::Range<usize>)> {
    let mut steps: Vec<(Step, std::ops::Range<usize>)> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        if line != MARK {
            continue;
        }
        let block: Vec<(usize, &str)> = lines
            .by_ref()
            .skip(1)
            .take_while(|(_, line)| !line.starts_with("```"))
            .collect();
        let has_prompts = block.iter().any(|(_, line)| line.starts_with("$ "));
        for (number, line) in block {
            let command = if has_prompts {
                line.strip_prefix("$ ")
            } else {
                Some(line)
            };
            if let Some(command) = command {
                let step = Step {
                    command: command.into(),
                    shown: has_prompts.then(String::new),
                };
                steps.push((step, number + 1..number + 1));
            } else if let Some((step, range)) = steps.last_mut() {
                let shown = step.shown.get_or_insert_default();
                shown.push_str(line);
                shown.push('\n');
                range.end = number + 1;
            }
        }
    }
    steps
}

/// What must be the same of two outputs: words and their order, with numbers and what is made of them left open.
fn words(text: &str) -> Vec<String> {
    let word = |word: &str| {
        let mut plain = String::new();
        for letter in word.chars() {
            match letter {
                '0'..='9' | '.' | '-' | ':' if plain.ends_with('#') => {}
                '0'..='9' => plain.push('#'),
                other => plain.push(other),
            }
        }
        plain
    };
    text.split_whitespace().map(word).collect()
}

fn is_shown(shown: &str, said: &str) -> bool {
    let said = words(said);
    match shown.trim_end().strip_suffix("...") {
        Some(begin) => said.starts_with(&words(begin)),
        None => said == words(shown),
    }
}

/// A folder to stand in: the checkout's examples, and the tools in a folder of their own.
fn desk() -> Result<tempfile::TempDir> {
    let desk = tempfile::tempdir()?;
    for folder in ["deploy", "charts"] {
        symlink(checkout(folder).canonicalize()?, desk.path().join(folder))?;
    }
    let bin = desk.path().join("bin");
    std::fs::create_dir(&bin)?;
    symlink(program()?, bin.join("commonwatt"))?;
    symlink(program()?, bin.join("kubectl-commonwatt"))?;
    let tools = ensure(Progress::Stderr)?;
    symlink(tools.path(Tool::Kubectl), bin.join("kubectl"))?;
    symlink(tools.path(Tool::Helm), bin.join("helm"))?;
    Ok(desk)
}

fn bash(plane: &ControlPlane, desk: &Path, script: &str) -> Command {
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(desk)
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", desk.join("bin").display()),
        )
        .env("KUBECONFIG", &plane.kubeconfig().path)
        .env("COMMONWATT_LISTEN", "127.0.0.1:0")
        .env_remove("COMMONWATT_DATA");
    command
}

/// Runs a command until it says what is shown, or there is no time left.
fn until_shown(plane: &ControlPlane, desk: &Path, step: &Step, begun: Instant) -> Result<String> {
    let shown = step.shown.as_deref().unwrap_or_default();
    loop {
        let said = Said::of(&mut bash(plane, desk, &step.command))?;
        if is_shown(shown, &said.out) || begun.elapsed() > PATIENCE {
            return Ok(said.out);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Output as the page shows it: long lines wrapped, and as many lines as before where more is left out.
fn wrapped(said: &str, shown: &str) -> String {
    let mut text = String::new();
    for line in said.lines() {
        // Columns stay as they are.
        if line.contains("  ") {
            let _ = writeln!(text, "{}", line.trim_end());
            continue;
        }
        let mut length = 0;
        for (index, word) in line.split(' ').enumerate() {
            if index > 0 && length + word.len() >= WIDTH {
                text.push('\n');
                length = 0;
            } else if index > 0 {
                text.push(' ');
            }
            text.push_str(word);
            length += word.len() + 1;
        }
        text.push('\n');
    }
    let lines = shown.lines().count();
    if shown.trim_end().ends_with("...") && text.lines().count() > lines {
        let kept: Vec<_> = text.lines().take(lines).collect();
        return format!("{} ...\n", kept.join("\n"));
    }
    text
}

#[test]
fn the_readmes_commands_say_what_it_shows() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let file = checkout("README.md");
    let page = std::fs::read_to_string(&file)?;
    let steps = steps(&page);
    assert!(
        steps.iter().any(|(step, _)| step.shown.is_some()),
        "nothing is marked"
    );
    let plane = ControlPlane::start("readme")?;
    let desk = desk()?;
    let mut running = Vec::new();
    let mut said = Vec::new();
    let begun = Instant::now();
    for (step, range) in &steps {
        if step.command.starts_with("commonwatt run") {
            let script = format!("exec {}", step.command);
            let command = bash(&plane, desk.path(), &script);
            running.push(Process::start("commonwatt", &command, desk.path())?);
        } else if step.shown.is_some() {
            said.push((step, range, until_shown(&plane, desk.path(), step, begun)?));
        } else {
            Said::of(&mut bash(&plane, desk.path(), &step.command))?
                .ending_with(0)
                .map_err(|error| format!("{}: {error}", step.command))?;
        }
    }
    if std::env::var_os("COMMONWATT_WRITE").is_some() {
        let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
        for (step, range, said) in said.into_iter().rev() {
            let shown = step.shown.as_deref().unwrap_or_default();
            let new = wrapped(&said, shown);
            lines.splice(range.clone(), new.lines().map(str::to_owned));
        }
        std::fs::write(&file, lines.join("\n") + "\n")?;
        return Ok(());
    }
    let mut wrong = String::new();
    for (step, _, said) in &said {
        let shown = step.shown.as_deref().unwrap_or_default();
        if !is_shown(shown, said) {
            let _ = writeln!(wrong, "$ {}\nshown:\n{shown}said:\n{said}", step.command);
        }
    }
    assert!(
        wrong.is_empty(),
        "README.md is out of date (COMMONWATT_WRITE=1 brings it up to date):\n{wrong}"
    );
    Ok(())
}

#[test]
fn words_count_and_numbers_do_not() {
    let page =
        format!("a\n{MARK}\n```\n$ one | two\nNAME  AGE\na     5s\n$ three\nb ...\n```\nrest\n");
    let found = steps(&page);
    assert_eq!(found[0].0.command, "one | two");
    assert_eq!(found[0].1, 4..6);
    assert!(is_shown("NAME AGE\na 5s\n", "NAME   AGE\na   17s\n"));
    assert!(is_shown("113.48 at 06-05 17:00 UTC", "9 at 06-06 1:00 UTC"));
    assert!(!is_shown("NAME AGE\na 5s\n", "NAME AGE\nb 5s\n"));
    assert!(!is_shown("NAME AGE\n", "NAME AGE\na 5s\n"));
    assert!(is_shown("b 2 ...", "b 3 and more"));
    assert!(!is_shown("b 2 ...", "c 3"));
}
