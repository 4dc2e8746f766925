//! How good placements of jobs are.

/// How good a job's placement is; of several, the sum. Lateness before everything, work before money.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Grade {
    /// Jobs that are not done in time.
    pub late: f64,
    /// Running jobs that would change their product.
    pub switched: f64,
    /// Slots of work that the horizon does not do, the more urgent counting more.
    pub undone: f64,
    /// Where it is late, the slot in which it ends.
    pub end: f64,
    /// What all the work costs if it goes on as in the horizon; what is not placed, as if it were alone.
    pub cost: f64,
}

impl Grade {
    fn parts(&self) -> [f64; 5] {
        [self.late, self.switched, self.undone, self.end, self.cost]
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            late: self.late + other.late,
            switched: self.switched + other.switched,
            undone: self.undone + other.undone,
            end: self.end + other.end,
            cost: self.cost + other.cost,
        }
    }

    pub(super) fn less(self, other: Self) -> Self {
        Self {
            late: self.late - other.late,
            switched: self.switched - other.switched,
            undone: self.undone - other.undone,
            end: self.end - other.end,
            cost: self.cost - other.cost,
        }
    }

    /// How much money could be lost on the way to another grade that is better all the same: any sum where it is better
    /// in what comes before money.
    pub(super) fn gain_over(&self, other: &Self) -> f64 {
        let penniless = |grade: &Self| Self {
            cost: 0.0,
            ..*grade
        };
        if penniless(other).beats(&penniless(self)) {
            f64::INFINITY
        } else {
            self.cost - other.cost
        }
    }

    /// Whether this is better by more than rounding.
    pub(super) fn beats(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
        let differs = |(a, b): &(f64, f64)| !near(*a, *b);
        let parts = self.parts().into_iter().zip(other.parts());
        parts.into_iter().find(differs).is_some_and(|(a, b)| a < b)
    }

    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let parts = self.parts().into_iter().zip(other.parts());
        parts.fold(std::cmp::Ordering::Equal, |order, (a, b)| {
            order.then(a.total_cmp(&b))
        })
    }
}
