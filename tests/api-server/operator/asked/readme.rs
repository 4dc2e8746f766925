//! The README's commands, run as they stand there: what is shown is what they say, but for numbers and ages.
//!
//! Fenced blocks after a line `<!-- checked: NAME -->` are run in their order on one real control plane for each name. In a
//! block with `$ ` prompts the lines after a command are its output: words and columns must be the same, digits need not, and
//! `...` at the end stands for more. With `COMMONWATT_WRITE` set, the README gets what the commands said instead.

mod first;

use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use commonwatt_harness::Process;

use super::*;

/// The blocks that need nothing but a cluster.
const QUICKSTART: &str = "quickstart";
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

/// The steps of every block of a name, and where their shown outputs are, as lines of the page.
fn steps(page: &str, name: &str) -> Vec<(Step, std::ops::Range<usize>)> {
    let mark = format!("<!-- checked: {name} -->");
    let mut steps: Vec<(Step, std::ops::Range<usize>)> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        if line != mark {
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

/// A page's blocks of one name, as they are followed.
struct Followed {
    name: &'static str,
    desk: tempfile::TempDir,
    kubeconfig: std::path::PathBuf,
    /// Addresses of the page, and where what it means is in the test.
    addresses: Vec<(&'static str, String)>,
    running: Vec<Process>,
    begun: Instant,
    /// From the first command to the first output that is as shown.
    took: Option<Duration>,
    /// Each command whose output is shown, and what it said.
    said: Vec<(Step, String)>,
}

impl Followed {
    fn on(plane: &ControlPlane, name: &'static str) -> Result<Self> {
        Ok(Self {
            name,
            desk: desk()?,
            kubeconfig: plane.kubeconfig().path.clone(),
            addresses: Vec::new(),
            running: Vec::new(),
            begun: Instant::now(),
            took: None,
            said: Vec::new(),
        })
    }

    fn bash(&self, script: &str) -> Command {
        let script = (self.addresses.iter()).fold(script.to_owned(), |script, (shown, real)| {
            script.replace(shown, real)
        });
        let mut command = Command::new("bash");
        let bin = self.desk.path().join("bin");
        command
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(self.desk.path())
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("COMMONWATT_LISTEN", "127.0.0.1:0")
            .env_remove("COMMONWATT_DATA");
        command
    }

    fn follow(&mut self, step: Step) -> Result {
        if step.command.starts_with("commonwatt run") {
            let command = self.bash(&format!("exec {}", step.command));
            let started = Process::start("commonwatt", &command, self.desk.path())?;
            self.running.push(started);
        } else if step.shown.is_some() {
            let mut said = self.until_shown(&step)?;
            self.took.get_or_insert(self.begun.elapsed());
            if is_written() {
                // Numbers come a moment after words.
                std::thread::sleep(Duration::from_secs(3));
                said = Said::of(&mut self.bash(&step.command))?.out;
            }
            self.said.push((step, said));
        } else {
            Said::of(&mut self.bash(&step.command))?
                .ending_with(0)
                .map_err(|error| format!("{}: {error}", step.command))?;
        }
        Ok(())
    }

    /// Runs a command until it says what is shown, or there is no time left.
    fn until_shown(&self, step: &Step) -> Result<String> {
        let shown = step.shown.as_deref().unwrap_or_default();
        loop {
            let said = Said::of(&mut self.bash(&step.command))?;
            if is_shown(shown, &said.out) || self.begun.elapsed() > PATIENCE {
                return Ok(said.out);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Writes into the README what was said, or says what is shown there and is not so.
    fn judge(self) -> Result {
        if is_written() {
            return rewrite(|lines| {
                let steps = steps(&lines.join("\n"), self.name);
                let shown = steps.into_iter().filter(|(step, _)| step.shown.is_some());
                let shown: Vec<_> = shown.map(|(_, range)| range).zip(self.said).collect();
                for (range, (step, said)) in shown.into_iter().rev() {
                    let before = step.shown.as_deref().unwrap_or_default();
                    let new = wrapped(&said, before);
                    lines.splice(range, new.lines().map(str::to_owned));
                }
            });
        }
        let mut wrong = String::new();
        for (step, said) in &self.said {
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
}

/// Whether the README gets what was said.
fn is_written() -> bool {
    std::env::var_os("COMMONWATT_WRITE").is_some()
}

fn readme() -> Result<String> {
    Ok(std::fs::read_to_string(checkout("README.md"))?)
}

/// Changes lines of the README. Tests of other blocks may do the same.
fn rewrite(change: impl FnOnce(&mut Vec<String>)) -> Result {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let mut lines: Vec<String> = readme()?.lines().map(str::to_owned).collect();
    change(&mut lines);
    Ok(std::fs::write(
        checkout("README.md"),
        lines.join("\n") + "\n",
    )?)
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
    let steps = steps(&readme()?, QUICKSTART);
    assert!(
        steps.iter().any(|(step, _)| step.shown.is_some()),
        "nothing is marked"
    );
    let plane = ControlPlane::start("readme")?;
    let mut followed = Followed::on(&plane, QUICKSTART)?;
    for (step, _) in steps {
        followed.follow(step)?;
    }
    followed.judge()
}

#[test]
fn words_count_and_numbers_do_not() {
    let page = format!(
        "a\n<!-- checked: {QUICKSTART} -->\n```\n$ one | two\nNAME  AGE\na     5s\n$ three\nb ...\n```\nrest\n"
    );
    let found = steps(&page, QUICKSTART);
    assert_eq!(found[0].0.command, "one | two");
    assert_eq!(found[0].1, 4..6);
    assert!(is_shown("NAME AGE\na 5s\n", "NAME   AGE\na   17s\n"));
    assert!(is_shown("113.48 at 06-05 17:00 UTC", "9 at 06-06 1:00 UTC"));
    assert!(!is_shown("NAME AGE\na 5s\n", "NAME AGE\nb 5s\n"));
    assert!(!is_shown("NAME AGE\n", "NAME AGE\na 5s\n"));
    assert!(is_shown("b 2 ...", "b 3 and more"));
    assert!(!is_shown("b 2 ...", "c 3"));
}
