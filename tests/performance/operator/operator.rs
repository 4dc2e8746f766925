//! The program under measurement, and what the kernel says of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use commonwatt_harness::Process;

use crate::Result;
use crate::fleet::{Fleet, NAMESPACE};

/// A running `commonwatt run`.
pub struct Operator {
    process: Process,
    _folder: tempfile::TempDir,
    address: String,
}

/// What it has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu: Duration,
    /// Bytes of resident memory at its peak.
    pub peak_memory: u64,
}

impl Usage {
    pub fn since(self, before: &Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            ..self
        }
    }
}

impl Operator {
    pub fn start(fleet: &Fleet) -> Result<Self> {
        let mut folder = tempfile::tempdir()?;
        folder.disable_cleanup(std::env::var_os("COMMONWATT_KEEP").is_some());
        let mut command = Command::new(program()?);
        command
            .args([
                "run",
                "--listen=127.0.0.1:0",
                "--mode=Enforce",
                "--roles=hub,site",
                "--identity=bench",
            ])
            .arg(format!("--namespace={NAMESPACE}"))
            .arg("--kubeconfig")
            .arg(&fleet.hub().account.path)
            .arg("--ledger")
            .arg(folder.path().join("ledger"));
        eprintln!("  its log: {}/commonwatt.log", folder.path().display());
        let mut process = Process::start("commonwatt", &command, folder.path())?;
        let begun = Instant::now();
        loop {
            let log = process.output();
            if let Some(address) = log
                .split_whitespace()
                .find_map(|word| word.strip_prefix("address="))
            {
                return Ok(Self {
                    address: address.to_owned(),
                    process,
                    _folder: folder,
                });
            }
            if process.ended().is_some() || begun.elapsed() > Duration::from_mins(1) {
                return Err(format!("the operator did not start:\n{log}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn usage(&self) -> Result<Usage> {
        let pid = self.process.pid();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Fields after the name in brackets: state is the third, utime and stime the 14th and 15th (proc(5)).
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .collect();
        let ticks = |index: usize| {
            fields
                .get(index - 3)
                .and_then(|field| field.parse::<u64>().ok())
                .unwrap_or(0)
        };
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap_or("0 kB");
        let kilobytes: u64 = peak.split_whitespace().next().unwrap_or("0").parse()?;
        Ok(Usage {
            // A tick is 10 ms on every Linux that there is.
            cpu: Duration::from_millis((ticks(14) + ticks(15)) * 10),
            peak_memory: kilobytes * 1024,
        })
    }

    /// Rounds of the hub and the mean seconds of one.
    pub fn rounds(&self) -> Result<(u64, f64)> {
        let text = self.metrics()?;
        let of = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        let count = of(r#"commonwatt_reconcile_duration_seconds_count{role="hub"}"#);
        let seconds = of(r#"commonwatt_reconcile_duration_seconds_sum{role="hub"}"#);
        Ok((count as u64, seconds / count.max(1.0)))
    }

    fn metrics(&self) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Ends it as Kubernetes does.
    pub fn end(mut self) -> Result {
        Command::new("kill")
            .args(["-TERM", &self.process.pid().to_string()])
            .status()?;
        let begun = Instant::now();
        while self.process.ended().is_none() {
            if begun.elapsed() > Duration::from_secs(30) {
                return Err("the operator does not end".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// `target/release/commonwatt`, two folders above this program's own place in `deps`.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own
        .parent()
        .and_then(std::path::Path::parent)
        .ok_or("no target folder")?;
    Ok(folder.join("commonwatt"))
}
