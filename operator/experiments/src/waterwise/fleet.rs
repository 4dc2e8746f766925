//! Nodes and footprints, as the paper's simulator counts them.

use super::python::Random;
use super::trace::{ByRegion, Job, REGIONS, Trace};

/// Nodes of each region.
pub(super) const NODES: usize = 35;
/// A job is late when it has taken more than one and this, times its application's mean duration.
pub(super) const TOLERANCE: f64 = 0.5;
/// Grams of CO2 for each second that a node is used: what making it emitted, over four years.
const EMBODIED_CARBON: f64 = 1_633_982.0 / (4.0 * 365.0 * 86_400.0);
/// Litres of water for each second: what making the energy for it took at 747 g and 2 L per kilowatt-hour.
const EMBODIED_WATER: f64 = EMBODIED_CARBON * 2.0 / 747.0;

/// A job that runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub region: usize,
    /// When its node is free again, in minutes.
    ends: f64,
    /// When it would be if the run were the longest of those measured: what can be known before.
    pub ends_by: f64,
}

/// What is done of a job, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub region: usize,
    /// When it started, in minutes.
    pub started: usize,
    pub kilowatt_hours: f64,
    /// Without the transfer.
    pub seconds: f64,
}

/// What all jobs so far have left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Footprint {
    /// Grams.
    pub carbon: f64,
    /// Litres, weighted with scarcity.
    pub water: f64,
    pub jobs: usize,
    pub late: usize,
}

impl Footprint {
    pub(super) fn add(&mut self, trace: &Trace, job: &Job, done: Done) {
        let application = &trace.applications[job.application];
        // Who still waits when the data ends finds its last hour.
        let hour = (done.started / 60).min(trace.carbon[done.region].len() - 1);
        self.carbon +=
            done.kilowatt_hours * trace.carbon[done.region][hour] + EMBODIED_CARBON * done.seconds;
        self.water +=
            done.kilowatt_hours * trace.water[done.region][hour] + EMBODIED_WATER * done.seconds;
        self.jobs += 1;
        let waited = 60.0 * (done.started - job.arrived) as f64;
        let taken = waited + application.transfer[job.home][done.region] + done.seconds;
        self.late += usize::from(taken > (1.0 + TOLERANCE) * application.mean_seconds());
    }
}

/// All nodes, and what ran on them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fleet {
    pub running: Vec<Run>,
    pub footprint: Footprint,
}

impl Fleet {
    /// Takes off what has ended by a minute.
    pub(super) fn advance(&mut self, minute: usize) {
        self.running.retain(|run| run.ends > minute as f64);
    }

    /// Free nodes by region.
    pub(super) fn free(&self) -> ByRegion<usize> {
        let mut free = [NODES; REGIONS.len()];
        for run in &self.running {
            free[run.region] -= 1;
        }
        free
    }

    /// A job starts. How long it takes is drawn of the measured runs, and its energy is their mean's unless `energy_too`.
    pub(super) fn start(
        &mut self,
        trace: &Trace,
        job: &Job,
        region: usize,
        minute: usize,
        random: &mut Random,
        energy_too: bool,
    ) {
        let application = &trace.applications[job.application];
        let drawn = random.below(application.seconds.len());
        let seconds = application.seconds[drawn];
        let kilowatt_hours = if energy_too {
            application.kilowatt_hours[drawn]
        } else {
            application.mean_energy()
        };
        let ends = |seconds: f64| {
            minute as f64 + (seconds + application.transfer[job.home][region]) / 60.0
        };
        self.running.push(Run {
            region,
            ends: ends(seconds),
            ends_by: ends(application.longest()),
        });
        let done = Done {
            region,
            started: minute,
            kilowatt_hours,
            seconds,
        };
        self.footprint.add(trace, job, done);
    }
}
