//! What is printed.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admissions::Latency;
use crate::bare::Bare;
use crate::operator::Usage;
use crate::servers::Counted;

/// One run.
pub struct Row {
    pub deployments: usize,
    pub sites: usize,
    pub bare: Bare,
    /// From the first apply to the last one accepted.
    pub applied_in: Duration,
    pub latency: Latency,
    /// Until the last admission.
    pub during: Counted,
    /// Until nothing was written any more.
    pub all: Counted,
    /// From the last admission until then.
    pub settled: Duration,
    pub idle: Counted,
    pub idle_for: Duration,
    pub idle_cpu: Usage,
    /// Until the last admission.
    pub cpu: Usage,
    pub peak_memory: u64,
    /// Of the hub, and the mean seconds of one.
    pub rounds: (u64, f64),
}

impl Row {
    fn per_hour(&self, counted: f64) -> f64 {
        counted * 3600.0 / self.idle_for.as_secs_f64()
    }

    /// All writes while deployments were admitted, the bench's own applies too, beside the bare client's.
    fn share_of_bare(&self) -> f64 {
        let all = self.during.writes + self.during.events;
        all / self.latency.last.as_secs_f64() / self.bare.mixed()
    }

    fn figures(&self) -> Vec<(&'static str, f64, &'static str)> {
        let deployments = self.deployments as f64;
        let megabytes = |bytes: f64| bytes / 1e6;
        vec![
            ("deployments", deployments, ""),
            ("sites", self.sites as f64, ""),
            ("bareCreatesPerSecond", self.bare.creates, "/s"),
            ("bareAppliesPerSecond", self.bare.applies, "/s"),
            ("bareStatusPatchesPerSecond", self.bare.statuses, "/s"),
            ("appliedSeconds", self.applied_in.as_secs_f64(), "s"),
            ("admittedP50Seconds", self.latency.p50.as_secs_f64(), "s"),
            ("admittedP99Seconds", self.latency.p99.as_secs_f64(), "s"),
            ("lastAdmittedSeconds", self.latency.last.as_secs_f64(), "s"),
            ("admittedPerSecond", self.admitted_per_second(), "/s"),
            ("writesPerAdmitted", self.writes() / deployments, ""),
            (
                "writesPerDeploymentInAll",
                (self.all.writes - deployments) / deployments,
                "",
            ),
            ("eventsPerDeployment", self.all.events / deployments, ""),
            ("shareOfBareWriteRate", self.share_of_bare(), ""),
            ("settledSeconds", self.settled.as_secs_f64(), "s"),
            ("watchMegabytes", megabytes(self.all.watch_bytes), "MB"),
            ("operatorCpuSeconds", self.cpu.cpu.as_secs_f64(), "s"),
            (
                "operatorPeakMegabytes",
                megabytes(self.peak_memory as f64),
                "MB",
            ),
            ("hubRounds", self.rounds.0 as f64, ""),
            ("hubRoundMeanSeconds", self.rounds.1, "s"),
            ("idleWritesPerHour", self.per_hour(self.idle.writes), "/h"),
            ("idleEventsPerHour", self.per_hour(self.idle.events), "/h"),
            (
                "idleLeaseWritesPerHour",
                self.per_hour(self.idle.leases),
                "/h",
            ),
            (
                "idleCpuPercent",
                100.0 * self.idle_cpu.cpu.as_secs_f64() / self.idle_for.as_secs_f64(),
                "%",
            ),
        ]
    }
}

pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        for (name, value, unit) in row.figures() {
            let _ = writeln!(text, "{name:<28}{value:>12.2} {unit}");
        }
        let _ = writeln!(text, "writes, by what was written:");
        for (what, count) in &row.all.by_resource {
            let _ = writeln!(text, "  {what:<40}{count:>10.0}");
        }
        text.push('\n');
    }
    text
}

pub fn json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let mut value: Value = row
            .figures()
            .into_iter()
            .map(|(name, value, _)| (name.to_owned(), json!(value)))
            .collect();
        value["writesBy"] = json!(row.all.by_resource);
        value
    };
    json!({ "rows": rows.iter().map(row).collect::<Vec<_>>() })
}
