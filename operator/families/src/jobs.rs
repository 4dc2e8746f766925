//! Batch work: training and offline inference with deadlines inside and beyond the horizon.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use commonwatt_fleet::{BatchJob, JobId, JobShape, Money, Slots, Watts};

use crate::geography::union_of;
use crate::hardware::ACCELERATORS;
use crate::random::{Random, rounded};
use crate::sketch::Outline;
use crate::supply::NODE;

/// Jobs that take about so many watts together, spread over the horizon; none where that is nothing.
pub(crate) fn jobs(
    outlines: &[Outline],
    slots: &Slots,
    watts: f64,
    seed: u64,
) -> BTreeMap<JobId, BatchJob> {
    let mut random = Random::of(seed, "jobs");
    let mut jobs = BTreeMap::new();
    let mut left = watts * slots.count as f64;
    while left > 0.0 {
        let number = jobs.len();
        let id = JobId::new(
            &format!("team-{}", number % 20),
            &format!("job-{number:05}"),
        );
        let job = job(&mut random, id.clone(), outlines, slots);
        let shape = job.shapes.values().next();
        let inside = (job.slots_left as usize).min(slots.count) as f64;
        left -= shape.map_or(left, |shape| shape.watts().0 as f64 * inside);
        jobs.insert(id, job);
    }
    jobs
}

fn job(random: &mut Random, id: JobId, outlines: &[Outline], slots: &Slots) -> BatchJob {
    let size = random.unit();
    let pods = 1 + (7.0 * size * size) as u32;
    let accelerators = [2, 4, NODE, NODE][random.below(4)];
    let mut shapes = BTreeMap::new();
    for accelerator in &ACCELERATORS {
        if shapes.is_empty() || random.chance(0.6) {
            let draw = 0.9 * accelerator.rated_watts as f64 * f64::from(accelerators);
            let shape = JobShape {
                pods,
                accelerators_per_pod: accelerators,
                watts_per_pod: Watts(draw as i64),
            };
            shapes.insert(accelerator.product.into(), shape);
        }
    }
    // Work is at most half of a long horizon, and time to do it two to four times as long.
    let most = (slots.count / 2).clamp(1, 12);
    let work = 1 + random.below(most);
    let release = random.below(slots.count.div_ceil(2));
    let time = (work as f64 * random.between(2.0, 4.0)).ceil() as i64;
    let home = outlines[random.below(outlines.len())].metro.jurisdiction;
    let jurisdictions: BTreeSet<String> = if random.chance(0.25) {
        union_of(home).into_iter().map(ToOwned::to_owned).collect()
    } else {
        BTreeSet::new()
    };
    let second = i64::from(slots.seconds);
    let begin = slots.begin(release);
    BatchJob {
        id,
        policy: crate::policies::NAMES[random.weighted(&[0.6, 0.4])].to_owned(),
        shapes,
        slots_left: work as u32,
        tenant: format!("tenant-{}", random.below(12)),
        release: begin,
        release_at: BTreeMap::new(),
        deadline: begin + TimeDelta::seconds(second * time),
        interruptible: random.chance(0.6),
        jurisdictions,
        started_at: None,
        running: false,
        restart_cost: Money(rounded(f64::from(pods * accelerators) * 0.3, 2)),
        waiting_per_hour: Money(rounded(f64::from(pods * accelerators) * 0.01, 2)),
        refusals: BTreeMap::new(),
    }
}
