//! How an experiment tells how far it has come.

/// Whoever watches an experiment run.
pub trait Progress: Send + Sync {
    /// A part begins that has so many steps.
    fn begin(&self, part: &str, steps: usize);

    /// A step of the part is done.
    fn step(&self);
}

/// Nobody watches.
impl Progress for () {
    fn begin(&self, _: &str, _: usize) {}
    fn step(&self) {}
}
