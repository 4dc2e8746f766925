//! What the paper compares with: running at home, and greedy schedulers that know the carbon or the water of the next minutes.

use super::fleet::{Done, Fleet, Footprint, NODES, TOLERANCE};
use super::trace::{ByRegion, Job, REGIONS, Trace};

/// Every job runs where it arrived as soon as there is a node, the first come first.
pub(super) fn home(trace: &Trace) -> Footprint {
    let mut fleet = Fleet::default();
    let mut waiting: Vec<Job> = Vec::new();
    let mut minute = 0;
    while minute < trace.minutes() || !waiting.is_empty() {
        fleet.advance(minute);
        let mut free = fleet.free();
        let (new, mut random) = trace.arriving(minute);
        // Who waits came before who arrives, and of the same minute they are in order.
        for job in std::mem::take(&mut waiting).into_iter().chain(new) {
            if free[job.home] == 0 {
                waiting.push(job);
                continue;
            }
            free[job.home] -= 1;
            fleet.start(trace, &job, job.home, minute, &mut random, true);
        }
        minute += 1;
    }
    fleet.footprint
}

/// Every job in turn takes the region and minute with the least of one thing that the data will have, as far as it may wait. As
/// the paper's code has it, a node has only to be free in the minute in which it starts.
pub(super) fn greedy(trace: &Trace, least: &ByRegion<Vec<f64>>) -> Footprint {
    let minutes = trace.minutes();
    let mut free = vec![[NODES as i64; REGIONS.len()]; minutes];
    let mut footprint = Footprint::default();
    let mut waiting: Vec<Job> = Vec::new();
    for minute in 0..minutes {
        let (new, _) = trace.arriving(minute);
        for job in std::mem::take(&mut waiting).into_iter().chain(new) {
            let Some((region, started)) = least_of(trace, &job, minute, least, &free) else {
                waiting.push(job);
                continue;
            };
            let application = &trace.applications[job.application];
            let seconds = application.mean_seconds();
            let transfer = application.transfer[job.home][region];
            let end = (started as f64 + seconds / 60.0 + transfer / 60.0) as usize;
            for free in &mut free[started..=end.min(minutes - 1)] {
                free[region] -= 1;
            }
            let done = Done {
                region,
                started,
                kilowatt_hours: application.mean_energy(),
                seconds,
            };
            footprint.add(trace, &job, done);
        }
    }
    footprint
}

fn least_of(
    trace: &Trace,
    job: &Job,
    minute: usize,
    least: &ByRegion<Vec<f64>>,
    free: &[ByRegion<i64>],
) -> Option<(usize, usize)> {
    let application = &trace.applications[job.application];
    let mut best: Option<(f64, usize, usize)> = None;
    for (region, values) in least.iter().enumerate() {
        let spare = TOLERANCE * application.mean_seconds() - application.transfer[job.home][region];
        let last = (minute as f64 + spare / 60.0).floor();
        let last = (last.max(-1.0) as i64).min(trace.minutes() as i64 - 1);
        for start in (minute..trace.minutes()).take_while(|start| *start as i64 <= last) {
            let value = values[start / 60];
            if free[start][region] > 0 && best.is_none_or(|(least, ..)| value < least) {
                best = Some((value, region, start));
            }
        }
    }
    best.map(|(_, region, start)| (region, start))
}
