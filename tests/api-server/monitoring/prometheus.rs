//! Debian's Prometheus as a process of a test.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use commonwatt_harness::{Process, eventually, free_ports};
use serde_json::{Value, json};

use crate::{Result, SOON};

/// Why there is no Prometheus on this machine, if that is so.
pub fn missing() -> Option<String> {
    ["prometheus", "promtool"].iter().find_map(|program| {
        let found = Command::new(program).arg("--version").output();
        found.err().map(|error| {
            format!("{program} does not run ({error}); on Debian: apt-get install prometheus")
        })
    })
}

/// What a command said on both its outputs, if it went well.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.output()?;
    let text = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.concat();
    if done.status.success() {
        Ok(text)
    } else {
        Err(format!("{command:?}: {}: {text}", done.status).into())
    }
}

/// A running Prometheus that scrapes one address, and itself. It ends with the value.
pub struct Prometheus {
    _process: Process,
    _folder: tempfile::TempDir,
    address: String,
}

impl Prometheus {
    /// Starts it with these rules.
    pub fn start(target: &str, rules: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let [port] = free_ports()?;
        let own = format!("127.0.0.1:{port}");
        let scrape = |job: &str, target: &str| json!({ "job_name": job, "static_configs": [{ "targets": [target] }] });
        let configuration = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "rule_files": [rules.canonicalize()?],
            "scrape_configs": [scrape("commonwatt", target), scrape("prometheus", &own)],
        });
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration.to_string())?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={own}"));
        let process = Process::start("prometheus", &command, folder.path())?;
        let prometheus = Self {
            _process: process,
            _folder: folder,
            address: format!("http://{own}"),
        };
        eventually(SOON, "Prometheus to answer", || {
            Ok::<_, io::Error>(prometheus.query("up").ok())
        })?;
        Ok(prometheus)
    }

    /// Its address, without the scheme.
    pub fn address(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// What a query gives now: series with their labels and values. No number is no value.
    pub fn query(&self, query: &str) -> Result<Vec<(Value, f64)>> {
        let mut command = Command::new("promtool");
        command.args(["query", "instant", "--format=json", &self.address, query]);
        let found: Value = serde_json::from_str(output(&mut command)?.trim())?;
        let series = found.as_array().cloned().unwrap_or_default();
        let values = series.into_iter().filter_map(|series| {
            let value = series["value"][1].as_str()?.parse::<f64>().ok()?;
            (!value.is_nan()).then(|| (series["metric"].clone(), value))
        });
        Ok(values.collect())
    }
}
