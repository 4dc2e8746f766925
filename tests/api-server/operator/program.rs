//! The operator as a process, as a pod would run it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use commonwatt_harness::{Kubeconfig, Process, eventually};

use super::fleet::NAMESPACE;
use crate::{Result, SOON, checkout};

/// What is to be run.
#[derive(Clone)]
pub struct Operator {
    kubeconfig: PathBuf,
    arguments: Vec<String>,
    roles: String,
    halt: Option<PathBuf>,
    identity: String,
    mode: String,
}

/// A running operator. It ends with the value.
pub struct Started {
    process: Process,
    /// Its ledger, and its log.
    pub folder: tempfile::TempDir,
    /// Where it serves pages.
    pub address: String,
}

impl Operator {
    pub fn of(account: &Kubeconfig) -> Self {
        Self {
            kubeconfig: account.path.clone(),
            arguments: Vec::new(),
            roles: "hub,site".into(),
            halt: None,
            identity: "test".into(),
            mode: "Enforce".into(),
        }
    }

    pub fn roles(mut self, roles: &str) -> Self {
        self.roles = roles.into();
        self
    }

    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    pub fn mode(mut self, mode: &str) -> Self {
        self.mode = mode.into();
        self
    }

    /// As another replica.
    pub fn called(mut self, identity: &str) -> Self {
        self.identity = identity.into();
        self
    }

    /// Stops at the first place of a write that this list does not name yet, and adds it there.
    pub fn halted_by(mut self, list: &Path) -> Self {
        self.halt = Some(list.to_owned());
        self
    }

    pub fn start(&self) -> Result<Started> {
        self.start_in(tempfile::tempdir()?)
    }

    /// Starts it with a ledger that may be there already, as a pod with a claim does.
    pub fn start_in(&self, folder: tempfile::TempDir) -> Result<Started> {
        let mut command = Command::new(program()?);
        command
            .args(["run", "--listen=127.0.0.1:0"])
            .arg(format!("--mode={}", self.mode))
            .arg(format!("--roles={}", self.roles))
            .arg(format!("--namespace={NAMESPACE}"))
            .arg(format!("--identity={}", self.identity))
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--ledger")
            .arg(folder.path().join("ledger"))
            .args(&self.arguments);
        if let Some(list) = &self.halt {
            command.arg("--halt-list").arg(list);
        }
        let mut folder = folder;
        if std::env::var_os("COMMONWATT_KEEP").is_some() {
            // As with control planes: for reading the log after a failure.
            folder.disable_cleanup(true);
            eprintln!(
                "the operator's log: {}/commonwatt.log",
                folder.path().display()
            );
        }
        let before = std::fs::read_to_string(folder.path().join("commonwatt.log"))
            .unwrap_or_default()
            .len();
        let process = Process::start("commonwatt", &command, folder.path())?;
        let mut started = Started {
            process,
            folder,
            address: String::new(),
        };
        started.address = started.said_since(before, "address=")?;
        Ok(started)
    }
}

impl Started {
    /// Its log.
    pub fn log(&self) -> String {
        self.process.output()
    }

    fn said_since(&mut self, from: usize, key: &str) -> Result<String> {
        let start = Instant::now();
        loop {
            let log = self.log();
            let value = log[from.min(log.len())..]
                .split_whitespace()
                .find_map(|word| word.strip_prefix(key))
                .map(str::to_owned);
            if let Some(value) = value {
                return Ok(value);
            }
            if self.process.ended().is_some() || start.elapsed() > SOON {
                return Err(format!("the operator did not start:\n{log}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it is ready, by its own word.
    pub fn is_ready(&self) -> bool {
        self.page("/readyz").is_ok()
    }

    /// Ends it as a crash would, and leaves its folder.
    pub fn kill(mut self) -> tempfile::TempDir {
        self.process.stop();
        self.folder
    }

    /// Ends it as Kubernetes does, and gives its exit code and its folder.
    pub fn terminate(mut self) -> Result<(Option<i32>, tempfile::TempDir)> {
        let pid = self.process.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let status = eventually(SOON, "the operator to end", || {
            Ok::<_, commonwatt_harness::Error>(self.process.ended())
        })?;
        Ok((status.code(), self.folder))
    }

    /// A page of it.
    pub fn page(&self, path: &str) -> Result<String> {
        page(&self.address, path)
    }

    /// The value of a metric, of the first of its series.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let text = self.page("/metrics")?;
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.rsplit(' ').next());
        Ok(value.ok_or(format!("no metric {name}"))?.parse()?)
    }
}

/// What a page says, of whoever serves at an address.
pub fn page(address: &str, path: &str) -> Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("{path}: {head}").into());
    }
    Ok(body.to_owned())
}

/// The program, built once. A crate cannot name the binary of another one, so cargo is asked.
pub fn program() -> Result<PathBuf> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let build = || {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--package", "commonwatt"])
            .current_dir(checkout("."))
            .status()
            .map_err(|error| error.to_string())?;
        if !status.success() {
            return Err("commonwatt does not build".to_owned());
        }
        // target/debug/deps/api_server-0123 → target/debug/commonwatt
        let test = std::env::current_exe().map_err(|error| error.to_string())?;
        let folder = test.parent().and_then(Path::parent);
        Ok(folder.ok_or("no target folder")?.join("commonwatt"))
    };
    Ok(BUILT.get_or_init(build).clone()?)
}
