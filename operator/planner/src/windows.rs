//! Which hours of those that are open a job takes.

use commonwatt_fleet::{BatchJob, Slots};

/// The part of the horizon in which a job may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl Window {
    pub(crate) fn new(job: &BatchJob, slots: &Slots) -> Self {
        let released = |slot: &usize| slots.begin(*slot) >= job.release;
        let first = if job.running {
            0
        } else {
            (0..slots.count).find(released).unwrap_or(slots.count)
        };
        let due = (0..slots.count)
            .take_while(|slot| slots.end(*slot) <= job.deadline)
            .count();
        let after = (job.deadline - slots.begin(slots.count)).num_seconds();
        Self {
            first,
            due,
            beyond: u32::try_from(after.div_euclid(i64::from(slots.seconds.max(1)))).unwrap_or(0),
            slots: slots.count,
            work: job.slots_left as usize,
            interruptible: job.interruptible,
            going_on: job.running && !job.interruptible,
            starts_before: slots.count,
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

    /// Whether work that is left after the horizon can still be done by the deadline.
    pub(crate) fn rest_fits_beyond(&self, done: usize) -> bool {
        self.work.saturating_sub(done) <= self.beyond as usize
    }
}

/// Hours at one site on one product: which are open, what each costs and how much water each takes.
pub(crate) struct Hours {
    pub open: Vec<bool>,
    pub cost: Vec<f64>,
    pub liters: Vec<f64>,
    /// Litres that are left at the site.
    pub water: f64,
}

impl Hours {
    /// The cheapest hours that have the work done by the deadline.
    pub(crate) fn cheapest_in_time(&self, window: &Window) -> Option<Vec<usize>> {
        if window.interruptible {
            let mut open: Vec<_> = self.open_slots(window.first, window.due).collect();
            open.sort_by(|a, b| self.cost[*a].total_cmp(&self.cost[*b]).then(a.cmp(b)));
            let mut taken = self.with_water(open.into_iter(), window.work);
            taken.sort_unstable();
            return (!taken.is_empty() && window.rest_fits_beyond(taken.len())).then_some(taken);
        }
        let mut best: Option<(f64, usize, usize)> = None;
        for start in window.first..window.due {
            let Some(end) = self.run_from(start, window, window.due) else {
                continue;
            };
            let mean = self.cost[start..end].iter().sum::<f64>() / (end - start) as f64;
            if best.is_none_or(|(known, ..)| mean < known - 1e-9 * (1.0 + known.abs())) {
                best = Some((mean, start, end));
            }
        }
        best.map(|(_, start, end)| (start..end).collect())
    }

    /// The earliest hours up to a count, whatever they cost and whenever they end.
    pub(crate) fn earliest(&self, window: &Window) -> Option<Vec<usize>> {
        if window.interruptible {
            let open = self.open_slots(window.first, window.slots);
            let taken = self.with_water(open, window.work);
            return (!taken.is_empty()).then_some(taken);
        }
        let free = Window {
            beyond: u32::MAX,
            going_on: false,
            ..*window
        };
        (window.first..window.slots).find_map(|start| {
            let end = self.run_from(start, &free, window.slots)?;
            Some((start..end).collect())
        })
    }

    /// Open hours until the deadline, whether they are enough or not.
    pub(crate) fn found(&self, window: &Window) -> u32 {
        self.open_slots(window.first, window.due).count() as u32
    }

    fn open_slots(&self, first: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        (first..end).filter(|slot| self.open[*slot])
    }

    /// Takes slots in the order given while the site's water lasts.
    fn with_water(&self, slots: impl Iterator<Item = usize>, work: usize) -> Vec<usize> {
        let mut left = self.water;
        let mut taken = Vec::new();
        for slot in slots {
            if taken.len() < work && self.liters[slot] <= left {
                left -= self.liters[slot];
                taken.push(slot);
            }
        }
        taken
    }

    /// The end of one run that begins at `start`, if it is open throughout. A run that meets the horizon's end may go on
    /// beyond it.
    fn run_from(&self, start: usize, window: &Window, due: usize) -> Option<usize> {
        if start >= window.starts_before || (window.going_on && start > 0) {
            return None;
        }
        let end = (start + window.work).min(window.slots);
        let done = end - start;
        let open = done > 0 && end <= due && self.open[start..end].iter().all(|open| *open);
        let liters: f64 = self.liters[start..end].iter().sum();
        (open && liters <= self.water && window.rest_fits_beyond(done)).then_some(end)
    }
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
            liters: vec![1.0; cost.len()],
            water: f64::INFINITY,
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
        hours.water = 2.0;
        assert_eq!(hours.cheapest_in_time(&window(3, 3, true)), None);
        assert_eq!(hours.earliest(&window(3, 3, true)), Some(vec![0, 1]));
    }
}
