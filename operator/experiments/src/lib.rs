//! Published work, replayed through the production planner: each experiment reads the data of a paper, an adapter turns
//! it into a [`World`](commonwatt_fleet::World) per step, [`commonwatt_planner::plan`] decides, and the paper's own metrics are
//! counted of what was decided, beside the paper's baselines.
//!
//! Architecture invariants: nothing in the planner knows an experiment's name; an experiment hands the planner no value that was
//! not known at the time, unless the row's name says so; no Kubernetes, no async runtime, no clock.
//!
//! A new experiment is a folder with an `impl Experiment` and a line in [`all`].

mod bare;
mod data;
mod equitable_ai;
mod eurosys24;
mod forecast;
mod gaia;
mod outcome;
mod planning;
mod progress;
mod side_by_side;
pub mod sites;
mod waterwise;

pub use data::{Data, DataError, Table};
pub use outcome::{Outcome, Row};
pub use progress::Progress;

/// One piece of published work.
pub trait Experiment: std::fmt::Debug + Send + Sync {
    /// The name on the command line, and of its folder of data.
    fn name(&self) -> &'static str;

    /// What it is, in one line of help.
    fn about(&self) -> &'static str;

    /// Where its data and its figures come from.
    fn source(&self) -> Source;

    /// Replays it.
    ///
    /// # Errors
    /// [`DataError`] where the data is not there, or is not what it should be.
    fn run(&self, data: &Data, progress: &dyn Progress) -> Result<Outcome, DataError>;
}

/// Where an experiment comes from.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Who published it, as it is cited.
    pub citation: &'static str,
    /// `owner/name` of the repository with the data, and its licence.
    pub repository: &'static str,
    /// Which files of the repository go where below the folder of data.
    pub files: &'static str,
}

/// All of them, in the order in which help lists them.
pub fn all() -> &'static [&'static dyn Experiment] {
    &[
        &equitable_ai::EquitableAi,
        &waterwise::WaterWise,
        &gaia::Gaia,
        &eurosys24::EuroSys24,
        &sites::Sites,
    ]
}
