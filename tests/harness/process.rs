//! Processes that run beside a test and never outlive it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::{Error, Result};

/// How much of a log an error shows.
const TAIL_LINES: usize = 15;

/// One started process and its log. Ends with the value.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output appended to `<directory>/<name>.log`.
    ///
    /// # Errors
    /// When its log cannot be written or it cannot be started.
    pub fn start(name: &'static str, command: &Command, directory: &Path) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let open = || File::options().create(true).append(true).open(&log);
        let out = open().map_err(Error::file("write", &log))?;
        let err = open().map_err(Error::file("write", &log))?;
        let mut command = ending_with_this_process(command);
        command
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        let child = spawn(command).map_err(|source| Error::Spawn {
            program: name.to_owned(),
            source,
        })?;
        Ok(Self { name, child, log })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Everything it has written so far.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it at once (SIGKILL) and waits until it is gone. Nothing of a control plane is worth a graceful end: the
    /// data is thrown away, and an API server takes its time.
    pub fn stop(&mut self) {
        // Both fail only if it has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The error for this process, with the end of its log.
    pub(crate) fn error(&self, plane: &str, reason: impl Into<String>) -> Error {
        Error::Start {
            plane: plane.to_owned(),
            component: self.name,
            reason: reason.into(),
            log: self.log.clone(),
            tail: tail(&self.log),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_else(|error| format!("(no log: {error})"));
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Wraps the command so that the kernel kills it when this process dies, however it dies. The flag
/// can only be set between fork and exec, which safe Rust does not offer, so util-linux's setpriv
/// does it. The shell after it asks whether we died before the flag was set, which a test saw happen,
/// and becomes the program, all with one pid. Without setpriv (macOS) processes end with their
/// `Process`, but survive a test that is killed.
fn ending_with_this_process(command: &Command) -> Command {
    static SETPRIV: OnceLock<bool> = OnceLock::new();
    let works = *SETPRIV.get_or_init(|| {
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    let mut wrapped = if works {
        let mut setpriv = Command::new("setpriv");
        setpriv
            .args(["--pdeathsig", "KILL", "--"])
            .args(["sh", "-c", r#"[ "$PPID" = "$0" ] && exec "$@""#])
            .arg(std::process::id().to_string())
            .arg(command.get_program());
        setpriv
    } else {
        Command::new(command.get_program())
    };
    wrapped.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    #[cfg(unix)]
    {
        // Out of the terminal's group: Ctrl-C is for us, and we end them in order.
        std::os::unix::process::CommandExt::process_group(&mut wrapped, 0);
    }
    wrapped
}

/// Spawns from one thread that lives as long as this process: the kernel counts the death of the
/// spawning *thread* as the parent's, and a test's thread ends with its test.
fn spawn(command: Command) -> io::Result<Child> {
    type Request = (Command, Sender<io::Result<Child>>);
    static LAUNCHER: OnceLock<Sender<Request>> = OnceLock::new();
    let launcher = LAUNCHER.get_or_init(|| {
        let (sender, requests) = channel::<Request>();
        thread::spawn(move || {
            for (mut command, answer) in requests {
                // The asker waits for the answer, so there is somebody to receive it.
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, child) = channel();
    let gone = || io::Error::other("the launcher thread has ended");
    launcher.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::time::Duration;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_error_of_a_process_that_ended_shows_the_end_of_its_log() {
        let directory = tempfile::tempdir().unwrap();
        let script = shell("seq 100; echo 'no such flag' >&2; exit 3");
        let mut process = Process::start("etcd", &script, directory.path()).unwrap();
        let wait = Duration::from_secs(10);
        let status = crate::eventually(wait, "sh", || Ok::<_, Error>(process.ended())).unwrap();
        let message = process.error("hub", status.to_string()).to_string();
        assert!(
            message.starts_with("etcd of control plane hub exit status: 3"),
            "{message}"
        );
        assert!(message.contains("\n100\nno such flag"), "{message}");
        assert!(!message.contains("\n80\n"), "more than the end: {message}");
    }

    /// Runs itself a second time, as the process that is killed.
    #[test]
    fn a_process_ends_when_the_one_that_started_it_is_killed() {
        const VICTIM: &str = "COMMONWATT_TEST_VICTIM";
        if !Path::new("/proc/self/stat").exists() {
            crate::skip!("only Linux ends the children of a process that is killed");
        }
        if let Some(directory) = std::env::var_os(VICTIM) {
            let sleep = shell("exec sleep 600");
            let held = Process::start("sleep", &sleep, directory.as_ref()).unwrap();
            println!("\nheld {}", held.pid());
            thread::sleep(Duration::from_mins(10));
        }
        let directory = tempfile::tempdir().unwrap();
        let name = "process::tests::a_process_ends_when_the_one_that_started_it_is_killed";
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(VICTIM, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let pid = lines
            .map_while(io::Result::ok)
            .find_map(|line| line.strip_prefix("held ").map(str::to_owned))
            .unwrap();
        victim.kill().unwrap();
        victim.wait().unwrap();
        crate::eventually(Duration::from_secs(10), "the end of its child", || {
            // Ended and not yet waited for by init is ended too.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            Ok::<_, Error>((stat.is_empty() || stat.contains(") Z ")).then_some(()))
        })
        .unwrap();
    }
}
