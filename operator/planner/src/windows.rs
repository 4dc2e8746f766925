//! When a job may run at a site, and which of the hours that are open there it takes.

use std::ops::Range;

use commonwatt_fleet::{BatchJob, SiteId, Slots};

use crate::timing::{Terms, cheapest_set};

/// The part of the horizon in which a job may run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    /// The first slot that begins after its release.
    pub first: usize,
    /// Slots that end by its deadline.
    pub due: usize,
    /// Whole slots between the horizon's end and the deadline: they count as open, at prices nobody knows.
    pub beyond: u32,
    /// Slots of the horizon.
    pub slots: usize,
    /// Slots of work.
    pub work: usize,
    /// Any set of slots will do; otherwise one run.
    pub interruptible: bool,
    /// It runs now and cannot pause: its run begins in slot 0.
    pub going_on: bool,
    /// One run must begin before this slot, in which the site's offer no longer counts.
    pub starts_before: usize,
    /// What pauses and waiting cost.
    pub terms: Terms,
}

impl Window {
    /// The window at sites that have what the job reads.
    pub(crate) fn new(job: &BatchJob, slots: &Slots) -> Self {
        let seconds = i64::from(slots.seconds.max(1));
        let due = (job.deadline - slots.start)
            .num_seconds()
            .div_euclid(seconds);
        let after = (job.deadline - slots.begin(slots.count)).num_seconds();
        let window = Self {
            first: 0,
            due: usize::try_from(due).unwrap_or(0).min(slots.count),
            beyond: u32::try_from(after.div_euclid(seconds)).unwrap_or(0),
            slots: slots.count,
            work: job.slots_left as usize,
            interruptible: job.interruptible,
            going_on: job.running && !job.interruptible,
            starts_before: slots.count,
            terms: Terms {
                restart: job.restart_cost.0,
                waiting: job.waiting_per_hour.0 * slots.hours(),
                counted_from: 0.0,
                started: job.running || job.started_at.is_some(),
                running: job.running,
            },
        };
        let release = (job.release - slots.start).as_seconds_f64();
        window.released(release, slots)
    }

    /// The window as one site leaves it. Past the offer only what runs there already goes on, without a pause.
    pub(crate) fn at_site(
        &self,
        job: &BatchJob,
        site: &SiteId,
        slots: &Slots,
        past_offer: usize,
    ) -> Self {
        let here = job.running && job.started_at.as_ref() == Some(site);
        let only_on = here && past_offer == 0;
        let window = Self {
            interruptible: self.interruptible && !only_on,
            going_on: self.going_on || only_on,
            starts_before: if here { past_offer.max(1) } else { past_offer },
            ..*self
        };
        let release = (job.release_at(site) - slots.start).as_seconds_f64();
        window.released(release, slots)
    }

    fn released(self, seconds_from_start: f64, slots: &Slots) -> Self {
        let from = seconds_from_start.max(0.0) / f64::from(slots.seconds.max(1));
        let first = if self.terms.running {
            0
        } else {
            (from.ceil() as usize).min(slots.count)
        };
        let terms = Terms {
            counted_from: from,
            ..self.terms
        };
        Self {
            first,
            terms,
            ..self
        }
    }

    /// Slots to spare: what is left to it less its work.
    pub(crate) fn slack(&self) -> i64 {
        self.due.saturating_sub(self.first) as i64 + i64::from(self.beyond) - self.work as i64
    }

    /// Whether these hours, and those after the horizon, have the work done by the deadline.
    pub(crate) fn done_in_time(&self, taken: &[usize]) -> bool {
        taken.iter().all(|slot| *slot < self.due) && self.rest_fits_beyond(taken.len())
    }

    /// What all the work costs, if what the horizon leaves goes on at once after its last slot and costs as much as before.
    fn projected(&self, cost: f64, done: usize, last: usize, restarts: u32) -> f64 {
        let rest = self.work.saturating_sub(done) as f64;
        let waited = self.terms.waited(last) + rest;
        cost * (1.0 + rest / done.max(1) as f64)
            + self.terms.restart * f64::from(restarts)
            + self.terms.waiting * waited
    }

    /// Whether work that is left after the horizon can still be done by the deadline.
    pub(crate) fn rest_fits_beyond(&self, done: usize) -> bool {
        self.work.saturating_sub(done) <= self.beyond as usize
    }
}

/// Hours at one site on one product: which are open and what each costs.
pub(crate) struct Hours {
    pub open: Vec<bool>,
    pub cost: Vec<f64>,
    /// Of each stock that the site draws on, in whole millionths of its unit.
    pub draws: Vec<Draw>,
}

/// What a job takes of a stock.
pub(crate) struct Draw {
    /// What is left of it.
    pub left: i64,
    /// What each hour takes.
    pub takes: Vec<i64>,
}

impl Hours {
    /// The cheapest hours that have the work done by the deadline.
    pub(crate) fn cheapest_in_time(&self, window: &Window) -> Option<Vec<usize>> {
        if window.interruptible {
            let taken = self.cheapest_set_in_time(window);
            return (!taken.is_empty() && window.rest_fits_beyond(taken.len())).then_some(taken);
        }
        let runs = Runs::new(self);
        let mut best: Option<(f64, Range<usize>)> = None;
        for start in window.first..window.due {
            let Some(run) = runs.from(start, window, window.due) else {
                continue;
            };
            let cost = runs.projected(&run, window);
            let cheaper = |(known, _): &(f64, _)| cost < known - 1e-9 * known.abs();
            if best.as_ref().is_none_or(cheaper) {
                best = Some((cost, run));
            }
        }
        best.map(|(_, run)| run.collect())
    }

    /// As many hours as the work needs or the deadline leaves, the cheapest; fewer where a stock ends before.
    fn cheapest_set_in_time(&self, window: &Window) -> Vec<usize> {
        let open: Vec<_> = self.open_slots(window.first, window.due).collect();
        let count = window.work.min(open.len());
        let taken = cheapest_set(&self.cost, &open, count, &window.terms).unwrap_or_default();
        if self.stocks_last(taken.iter().copied()) {
            return taken;
        }
        let mut by_cost = open;
        by_cost.sort_by(|a, b| self.cost[*a].total_cmp(&self.cost[*b]).then(a.cmp(b)));
        let mut taken = self.while_stocks_last(by_cost.into_iter(), window.work);
        taken.sort_unstable();
        taken
    }

    /// The earliest hours up to a count, whatever they cost and whenever they end.
    pub(crate) fn earliest(&self, window: &Window) -> Option<Vec<usize>> {
        if window.interruptible {
            let open = self.open_slots(window.first, window.slots);
            let taken = self.while_stocks_last(open, window.work);
            return (!taken.is_empty()).then_some(taken);
        }
        let free = Window {
            beyond: u32::MAX,
            going_on: false,
            ..*window
        };
        let runs = Runs::new(self);
        let run =
            (window.first..window.slots).find_map(|start| runs.from(start, &free, window.slots))?;
        Some(run.collect())
    }

    /// What all the work costs if it goes on as in these hours, pauses and waiting included.
    pub(crate) fn projected(&self, window: &Window, slots: &[usize]) -> f64 {
        let Some(last) = slots.last() else {
            return 0.0;
        };
        let sum = slots.iter().map(|slot| self.cost[*slot]).sum();
        window.projected(sum, slots.len(), *last, window.terms.restarts(slots))
    }

    /// Open hours until the deadline, whether they are enough or not.
    pub(crate) fn found(&self, window: &Window) -> u32 {
        self.open_slots(window.first, window.due).count() as u32
    }

    fn open_slots(&self, first: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        (first..end).filter(|slot| self.open[*slot])
    }

    /// Takes slots in the order given while the site's stocks last.
    fn while_stocks_last(&self, slots: impl Iterator<Item = usize>, work: usize) -> Vec<usize> {
        let mut left: Vec<i64> = self.draws.iter().map(|draw| draw.left).collect();
        let mut taken = Vec::new();
        for slot in slots {
            let enough = |(draw, left): (&Draw, &i64)| draw.takes[slot] <= *left;
            if taken.len() < work && self.draws.iter().zip(&left).all(enough) {
                left.iter_mut()
                    .zip(&self.draws)
                    .for_each(|(left, draw)| *left -= draw.takes[slot]);
                taken.push(slot);
            }
        }
        taken
    }

    fn stocks_last(&self, slots: impl Iterator<Item = usize> + Clone) -> bool {
        self.draws.iter().all(|draw| {
            let mut left = draw.left;
            slots.clone().all(|slot| {
                left = left.saturating_sub(draw.takes[slot]);
                left >= 0
            })
        })
    }
}

/// Runs without a pause, priced by sums from the horizon's start.
struct Runs<'h> {
    hours: &'h Hours,
    cost: Vec<f64>,
    /// Closed hours before each.
    closed: Vec<f64>,
}

impl<'h> Runs<'h> {
    fn new(hours: &'h Hours) -> Self {
        let closed = hours.open.iter().map(|open| f64::from(u8::from(!open)));
        Self {
            hours,
            cost: sums(hours.cost.iter().copied()),
            closed: sums(closed),
        }
    }

    /// The run that begins at `start`, if it is open throughout. A run that meets the horizon's end may go on beyond it.
    fn from(&self, start: usize, window: &Window, due: usize) -> Option<Range<usize>> {
        if start >= window.starts_before || (window.going_on && start > 0) {
            return None;
        }
        let end = (start + window.work).min(window.slots);
        let done = end - start;
        let open = done > 0 && end <= due && self.closed[end] - self.closed[start] < 0.5;
        if !open || !window.rest_fits_beyond(done) {
            return None;
        }
        self.hours.stocks_last(start..end).then_some(start..end)
    }

    fn projected(&self, run: &Range<usize>, window: &Window) -> f64 {
        let cost = self.cost[run.end] - self.cost[run.start];
        let restarts = window.terms.restarts(&[run.start]);
        window.projected(cost, run.len(), run.end - 1, restarts)
    }
}

/// Sums up to each value, and of all.
fn sums(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sums = vec![0.0];
    sums.extend(values.scan(0.0, |sum, value| {
        *sum += value;
        Some(*sum)
    }));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(cost: &[f64], closed: &[usize]) -> Hours {
        Hours {
            open: (0..cost.len())
                .map(|slot| !closed.contains(&slot))
                .collect(),
            cost: cost.to_vec(),
            draws: Vec::new(),
        }
    }

    fn window(slots: usize, work: usize, interruptible: bool) -> Window {
        Window {
            first: 0,
            due: slots,
            beyond: 0,
            slots,
            work,
            interruptible,
            going_on: false,
            starts_before: slots,
            terms: Terms::default(),
        }
    }

    #[test]
    fn an_interruptible_job_takes_the_cheapest_hours_and_another_the_cheapest_run() {
        let hours = hours(&[3.0, 1.0, 3.0, 1.0, 2.0], &[]);
        let any = hours.cheapest_in_time(&window(5, 2, true));
        assert_eq!(any, Some(vec![1, 3]));
        let run = hours.cheapest_in_time(&window(5, 2, false));
        assert_eq!(run, Some(vec![3, 4]));
    }

    #[test]
    fn a_run_waits_for_cheap_hours_only_as_long_as_its_owner_would() {
        let hours = hours(&[3.0, 3.0, 2.0, 2.0], &[]);
        let hurried = |waiting| Window {
            terms: Terms {
                waiting,
                ..Terms::default()
            },
            ..window(4, 2, false)
        };
        assert_eq!(hours.cheapest_in_time(&hurried(0.9)), Some(vec![2, 3]));
        assert_eq!(hours.cheapest_in_time(&hurried(1.1)), Some(vec![0, 1]));
    }

    #[test]
    fn a_run_does_not_cross_a_closed_hour() {
        let hours = hours(&[1.0, 1.0, 9.0, 9.0], &[1]);
        let run = hours.cheapest_in_time(&window(4, 2, false));
        assert_eq!(run, Some(vec![2, 3]));
    }

    #[test]
    fn a_job_longer_than_the_horizon_runs_to_its_end_and_goes_on() {
        let hours = hours(&[1.0, 1.0, 1.0], &[]);
        let long = Window {
            beyond: 10,
            ..window(3, 8, false)
        };
        assert_eq!(hours.cheapest_in_time(&long), Some(vec![0, 1, 2]));
    }

    #[test]
    fn water_ends_before_the_work_does() {
        let mut hours = hours(&[1.0, 2.0, 3.0], &[]);
        hours.draws = vec![Draw {
            left: 2,
            takes: vec![1; 3],
        }];
        assert_eq!(hours.cheapest_in_time(&window(3, 3, true)), None);
        assert_eq!(hours.earliest(&window(3, 3, true)), Some(vec![0, 1]));
    }
}
