//! What answers to prices ask for, summed over everybody.

/// What all answers ask for.
#[derive(Clone)]
pub(crate) struct Usage {
    /// By slot and pool, of what runs.
    pub watts: Vec<f64>,
    /// Replicas by slot and key.
    pub replicas: Vec<f64>,
    /// Accelerators of those outside a reserve, by slot and pool.
    pub outside: Vec<f64>,
    /// Accelerators and watts by slot and tenant.
    pub tenants: Vec<(f64, f64)>,
    /// What everybody pays, roughly: the scale of prices.
    pub cost: f64,
}

impl Usage {
    pub(crate) fn none(slots: usize, pools: usize, keys: usize, tenants: usize) -> Self {
        Self {
            watts: vec![0.0; slots * pools],
            replicas: vec![0.0; slots * keys],
            outside: vec![0.0; slots * pools],
            tenants: vec![(0.0, 0.0); slots * tenants],
            cost: 0.0,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let add = |ours: &mut [f64], theirs: &[f64]| {
            ours.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
        };
        add(&mut self.watts, &other.watts);
        add(&mut self.replicas, &other.replicas);
        add(&mut self.outside, &other.outside);
        for (ours, theirs) in self.tenants.iter_mut().zip(&other.tenants) {
            ours.0 += theirs.0;
            ours.1 += theirs.1;
        }
        self.cost += other.cost;
    }
}

/// How usage is laid out.
pub(crate) struct Shape {
    pub pools: usize,
    pub keys: usize,
    pub tenants: usize,
}
