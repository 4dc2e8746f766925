//! Commands that run to their end, such as kubectl, and what they said.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::{Error, Result};

/// What a finished command said. A failure is data here, since tests often expect one; [`Output::ok`]
/// turns it into an error.
#[derive(Debug, Clone)]
#[must_use = "a command's failure is only seen by asking for it"]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// The exit code; `None` when it was killed or could not be started.
    pub code: Option<i32>,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr, or why the command could not be started.
    pub stderr: String,
}

impl Output {
    /// Whether the command exited with 0.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Its stdout, or an error with what it said instead.
    pub fn ok(self) -> Result<String> {
        if self.succeeded() {
            return Ok(self.stdout);
        }
        let status = match self.code {
            Some(code) => format!("exited with {code}"),
            None => "did not run to its end".to_owned(),
        };
        let output = if self.stderr.trim().is_empty() {
            self.stdout
        } else {
            self.stderr
        };
        Err(Error::Command {
            command: self.command,
            status,
            output,
        })
    }

    /// Its stdout as JSON, for `kubectl -o json`.
    pub fn json(self) -> Result<serde_json::Value> {
        let command = self.command.clone();
        serde_json::from_str(&self.ok()?).map_err(|source| Error::NotJson { command, source })
    }
}

/// Runs a command to its end, with `input` on its stdin.
pub(crate) fn run(mut command: Command, input: Option<&str>) -> Output {
    let line = command_line(&command);
    command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let result = command.spawn().and_then(|mut child| {
        if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
            // kubectl reads all of its input before it writes, so this cannot block on a full
            // pipe; if it ends early, its own message says more than "broken pipe".
            let _ = stdin.write_all(text.as_bytes());
        }
        child.wait_with_output()
    });
    match result {
        Ok(done) => Output {
            command: line,
            code: done.status.code(),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        },
        Err(error) => Output {
            command: line,
            code: None,
            stdout: String::new(),
            stderr: format!("cannot be started: {error}"),
        },
    }
}

/// The command as a person would type it: the program's name without its directory.
pub(crate) fn command_line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
