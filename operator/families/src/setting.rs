//! The few numbers in which families differ before anything special happens to them.

use crate::Family;
use crate::random::Random;

/// How a fleet is proportioned.
pub(crate) struct Setting {
    /// Power of all sites over what all demand takes in its highest hour.
    pub capacity: f64,
    /// What all accelerators could draw over the power there is.
    pub accelerators: f64,
    /// Replicas of the slowest variant that a deployment's peak takes: from, to, small ones more often.
    pub replicas: (f64, f64),
    /// How much more often models of four and eight accelerators are deployed.
    pub large: f64,
    /// Energy of batch work over that of serving.
    pub batch: f64,
    /// The part of deployments that run already. Where it is none the fleet starts at once, so that the gap says how good placement
    /// is and not how badly what ran was placed.
    pub running: f64,
    /// The part of every limit that what runs already has at most: a move needs room beside it.
    pub filled: f64,
}

impl Setting {
    pub(crate) fn of(family: Family, seed: u64) -> Self {
        let slack = Self {
            capacity: 1.6,
            accelerators: 1.15,
            replicas: (6.0, 96.0),
            large: 1.0,
            batch: 0.0,
            running: 0.0,
            filled: 0.8,
        };
        match family {
            Family::Slack => slack,
            Family::Event | Family::Stale => Self {
                running: 0.9,
                ..slack
            },
            Family::MultiOrigin | Family::WaterMonthEnd | Family::OverlappingCaps => Self {
                capacity: 1.8,
                ..slack
            },
            Family::Scarce => Self {
                capacity: Random::of(seed, "capacity").between(0.8, 0.95),
                accelerators: 1.02,
                filled: 0.97,
                ..slack
            },
            Family::Fragmented => Self {
                capacity: 2.2,
                accelerators: 0.85,
                large: 1.0,
                ..slack
            },
            // Whole replicas at two sites each take more than tokens alone.
            Family::FewReplica => Self {
                capacity: 2.6,
                replicas: (0.6, 2.9),
                ..slack
            },
            Family::BatchHeavy => Self {
                batch: 0.8,
                ..slack
            },
        }
    }
}
