//! How jobs answer prices.

use commonwatt_fleet::{BatchJob, JobDecision, JobId, JobShape};

use super::fold::{Folded, Shape};
use super::usage::Usage;
use crate::eligibility::excludes_job;
use crate::rows::Rows;
use crate::windows::Window;

/// One way to do a job: at a pool, in a shape.
pub(crate) struct JobWay {
    pub pool: usize,
    pub shape: JobShape,
    priced: Shape,
}

/// All ways that law, hardware and refusals leave.
pub(crate) fn ways(rows: &Rows<'_>, job: &BatchJob) -> Vec<JobWay> {
    let policy = rows.policy_index(&job.policy);
    let tenant = rows.tenant_index(&job.tenant);
    let mut ways = Vec::new();
    for (site, row) in rows.sites.iter().enumerate() {
        if excludes_job(job, row.id, row.site).is_some() {
            continue;
        }
        for (product, shape) in &job.shapes {
            let Some(&pool) = rows.pool_index.get(&(site, product)) else {
                continue;
            };
            ways.push(JobWay {
                pool,
                shape: *shape,
                priced: Shape {
                    pool,
                    policy,
                    size: rows.pools[pool].nodes.index_of(shape.accelerators_per_pod),
                    watts: shape.watts_per_pod.0.max(0) as f64,
                    accelerators: f64::from(shape.accelerators_per_pod),
                    tenant,
                    outside_reserve: rows.pools[pool].is_outside(&job.tenant),
                },
            });
        }
    }
    ways
}

impl JobWay {
    /// What the job costs in a slot at the prices.
    fn price(&self, folded: &Folded, slot: usize) -> f64 {
        let pod = folded.cost(&self.priced, slot) + folded.scarcity(&self.priced, slot);
        pod * f64::from(self.shape.pods)
    }
}

/// No plan that does this much of a job does it for less.
pub(crate) fn bound(rows: &Rows<'_>, folded: &Folded, id: &JobId, decision: &JobDecision) -> f64 {
    let (Some(job), Some(placed)) = (rows.world.jobs.get(id), &decision.placed) else {
        return 0.0;
    };
    let window = Window::new(job, &rows.world.slots);
    let count = placed.runs.iter().filter(|runs| **runs).count();
    let mut least = f64::INFINITY;
    for way in ways(rows, job) {
        let costs: Vec<f64> = (window.first..rows.slots)
            .map(|slot| way.price(folded, slot))
            .collect();
        least = least.min(
            cheapest(&costs, count, window.interruptible).map_or(f64::INFINITY, |(cost, _)| cost),
        );
    }
    // Where the job may wait for what it reads, waiting counts from later at some sites: then none of it is certain.
    let waited = if job.release_at.is_empty() {
        let last = window.first + count.max(1) - 1;
        window.terms.waited(last).clamp(0.0, count as f64)
    } else {
        0.0
    };
    if least.is_finite() {
        least + window.terms.waiting.max(0.0) * waited
    } else {
        0.0
    }
}

/// The cheapest `count` slots, in one run unless the job may pause: cost and slots.
fn cheapest(costs: &[f64], count: usize, pauses: bool) -> Option<(f64, Vec<usize>)> {
    if count == 0 || count > costs.len() {
        return None;
    }
    if pauses {
        let mut order: Vec<usize> = (0..costs.len()).collect();
        order.sort_by(|a, b| costs[*a].total_cmp(&costs[*b]).then(a.cmp(b)));
        order.truncate(count);
        return Some((order.iter().map(|slot| costs[*slot]).sum(), order));
    }
    let best = (0..=costs.len() - count)
        .map(|first| (costs[first..first + count].iter().sum::<f64>(), first))
        .min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((best.0, (best.1..best.1 + count).collect()))
}

/// A job with its ways, found once.
pub(crate) struct JobBidder {
    ways: Vec<JobWay>,
    window: Window,
}

/// All jobs of a world.
pub(crate) fn bidders(rows: &Rows<'_>) -> Vec<JobBidder> {
    let jobs = rows.world.jobs.values();
    jobs.map(|job| JobBidder {
        ways: ways(rows, job),
        window: Window::new(job, &rows.world.slots),
    })
    .collect()
}

/// Adds what jobs ask for at a temperature.
pub(crate) fn ask(
    rows: &Rows<'_>,
    jobs: &[JobBidder],
    folded: &Folded,
    temperature: f64,
    usage: &mut Usage,
) {
    let (pools, keys) = (rows.pools.len(), usage.replicas.len() / rows.slots.max(1));
    for job in jobs {
        let window = &job.window;
        let due = if window.beyond > 0 {
            window.slots
        } else {
            window.due
        };
        let room = due.saturating_sub(window.first);
        let count = window.work.min(room);
        let answers: Vec<_> = (job.ways.iter())
            .filter_map(|way| {
                let costs: Vec<f64> = (window.first..due)
                    .map(|slot| way.price(folded, slot))
                    .collect();
                Some((way, cheapest(&costs, count, window.interruptible)?))
            })
            .collect();
        let Some(least) = answers
            .iter()
            .map(|(_, (cost, _))| *cost)
            .min_by(f64::total_cmp)
        else {
            continue;
        };
        usage.cost += least;
        let heat = temperature * (least.abs() + 1e-9);
        let weight = |cost: f64| super::response::soft((least - cost) / heat);
        let sum: f64 = answers.iter().map(|(_, (cost, _))| weight(*cost)).sum();
        for (way, (cost, slots)) in &answers {
            let part = weight(*cost) / sum * f64::from(way.shape.pods);
            for slot in slots {
                let slot = slot + window.first;
                usage.watts[slot * pools + way.pool] += part * way.priced.watts;
                if let Some(size) = way.priced.size {
                    usage.replicas[slot * keys + folded.key(way.pool, size)] += part;
                }
                if way.priced.outside_reserve {
                    usage.outside[slot * pools + way.pool] += part * way.priced.accelerators;
                }
                if let Some(tenant) = way.priced.tenant {
                    let held = &mut usage.tenants[slot * rows.tenants.len() + tenant];
                    held.0 += part * way.priced.accelerators;
                    held.1 += part * way.priced.watts;
                }
            }
        }
    }
}
