//! The paper's policies. A job comes with what is known of the carbon from its arrival's hour on; they say when it runs, in hours
//! from its arrival.

use super::trace::{Carbon, Job};

/// When a job runs: from and to, one after the other.
pub(super) type Runs = Vec<(f64, f64)>;

/// One policy.
pub(super) type Policy = fn(&Job, &View) -> Runs;

/// All of them.
pub(super) const ALL: [(&str, &str, Policy); 6] = [
    ("run now", "no job waits", run_now),
    (
        "lowest slot",
        "starts in the cleanest hour in which it may",
        lowest_slot,
    ),
    (
        "lowest window",
        "starts where a job of the mean length emits least",
        lowest_window,
    ),
    (
        "carbon-time",
        "starts where such a job saves most for each hour to its end",
        carbon_time,
    ),
    (
        "ecovisor",
        "pauses while carbon is above its day's 30th percentile, as long as it may wait",
        ecovisor,
    ),
    (
        "wait awhile",
        "runs in the cleanest time before it has to end; knows how long it runs",
        wait_awhile,
    ),
];

/// Carbon as it is known when a job arrives, and what it really is.
#[derive(Debug)]
pub(super) struct View<'c> {
    /// As it is expected, from the hour of arrival on.
    pub expected: Carbon,
    /// As it is. What has come is known.
    pub real: &'c Carbon,
    /// The hour of arrival.
    pub hour: usize,
}

impl View<'_> {
    /// What a kilowatt is expected to emit between two times from a job's arrival on.
    fn between(&self, job: &Job, from: f64, to: f64) -> f64 {
        let arrival = job.arrives - self.hour as f64;
        self.expected.between(arrival + from, arrival + to)
    }

    /// Times from a job's arrival to when it has to end at the latest, cut where hours begin, each with its clock hour after that of
    /// the arrival.
    fn pieces(&self, job: &Job) -> Vec<(usize, f64, f64)> {
        let arrival = job.arrives - self.hour as f64;
        let end = arrival + job.hours + job.may_wait;
        let piece = |hour: usize| {
            let (from, to) = ((hour as f64).max(arrival), (hour as f64 + 1.0).min(end));
            (hour, from - arrival, to - arrival)
        };
        (0..end.ceil() as usize)
            .map(piece)
            .filter(|(_, from, to)| to > from)
            .collect()
    }
}

fn run_now(job: &Job, _: &View) -> Runs {
    from(job, 0.0)
}

fn from(job: &Job, start: f64) -> Runs {
    vec![(start, start + job.hours)]
}

fn lowest_slot(job: &Job, view: &View) -> Runs {
    let mut best = (f64::INFINITY, 0.0);
    for (hour, start, _) in view.pieces(job) {
        let value = view.expected.hours[hour];
        if start <= job.may_wait && value < best.0 {
            best = (value, start);
        }
    }
    from(job, best.1)
}

/// Whole hours of waiting, each with what a job of its queue's mean length emits then.
fn windows(job: &Job, view: &View) -> Vec<(f64, f64)> {
    let window = |wait: usize| {
        let start = wait as f64;
        (start, view.between(job, start, start + job.expected))
    };
    (0..=job.may_wait as usize).map(window).collect()
}

fn lowest_window(job: &Job, view: &View) -> Runs {
    let windows = windows(job, view);
    let best = windows.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    from(job, best.map_or(0.0, |(start, _)| *start))
}

fn carbon_time(job: &Job, view: &View) -> Runs {
    let windows = windows(job, view);
    let now = windows.first().map_or(0.0, |(_, carbon)| *carbon);
    let mut best = (0.0, 0.0);
    for (start, carbon) in windows {
        let saved = (now - carbon) / (start + job.expected);
        if saved > best.1 {
            best = (start, saved);
        }
    }
    from(job, best.0)
}

fn ecovisor(job: &Job, view: &View) -> Runs {
    let clean = percentile(&view.expected.hours[..24], 0.3);
    let (mut left, mut may_wait) = (job.hours, job.may_wait);
    let mut runs = Runs::new();
    for (hour, start, end) in view.pieces(job) {
        let mut start = start;
        if view.real.hours[view.hour + hour] >= clean {
            let waits = may_wait.min(end - start);
            may_wait -= waits;
            start += waits;
        }
        let run = left.min(end - start);
        if run > 0.0 {
            runs.push((start, start + run));
            left -= run;
        }
    }
    runs
}

fn wait_awhile(job: &Job, view: &View) -> Runs {
    let mut pieces = view.pieces(job);
    pieces.sort_by(|a, b| {
        view.expected.hours[a.0]
            .total_cmp(&view.expected.hours[b.0])
            .then(a.0.cmp(&b.0))
    });
    let mut left = job.hours;
    let mut runs = Runs::new();
    for (_, start, end) in pieces {
        let run = left.min(end - start);
        if run > 0.0 {
            runs.push((start, start + run));
            left -= run;
        }
    }
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    runs
}

/// Between the two values that are nearest to it.
fn percentile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = part * (values.len() - 1) as f64;
    let (below, above) = (
        values[place.floor() as usize],
        values[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}
