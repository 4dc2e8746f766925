//! Synthetic fleets by a seed: what the planner is measured on, and how it did.
//!
//! A fleet is sites all over the world with prices, carbon, weather and accelerators of today's orders of magnitude, and
//! deployments with demand that follows the day at home. [`Family`] says what binds. The same family, size and seed give
//! the same [`World`] on every machine: `tests/worlds.rs` holds their hashes.
//!
//! [`measure`] is the one part with a clock.

pub mod changes;
mod demand;
mod geography;
mod hardware;
mod incumbents;
mod jobs;
pub mod measure;
pub mod mps;
mod policies;
mod random;
mod setting;
mod sketch;
mod supply;
mod twists;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Timelike};
use commonwatt_fleet::{Shared, Slots, World};
use sha2::{Digest, Sha256};

/// What binds in a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Power for 1.6 times the demand of the highest hour: the cheap sites are full, the dear ones are not.
    Slack,
    /// Power for 0.8 to 0.95 of it: somebody is not served, and priorities say who.
    Scarce,
    /// Nodes that others have broken into: there are accelerators enough, and few places for replicas of four and eight.
    Fragmented,
    /// Demand from several regions with latencies that no site suits all of: each part is served where it may be.
    MultiOrigin,
    /// Deployments of one to three replicas, so that whole replicas are what costs and linear bounds are loose.
    FewReplica,
    /// Nearly as much batch work as serving, with deadlines, pauses that cost, and nodes that can be started for it.
    BatchHeavy,
    /// Power limits over regions, owners and products that overlap each other and the sites' own, tight in some hours.
    /// All demand can be served.
    OverlappingCaps,
    /// The end of a month in which most of the water is used, and communities that give it count what each gives.
    WaterMonthEnd,
    /// Grid events at a third of the sites, some now and below what runs there; sheddable load owed; demand charges.
    Event,
    /// Offers that ran out or will, hours nobody offers, and sites that refused.
    Stale,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Slack,
        Self::Scarce,
        Self::Fragmented,
        Self::MultiOrigin,
        Self::FewReplica,
        Self::BatchHeavy,
        Self::OverlappingCaps,
        Self::WaterMonthEnd,
        Self::Event,
        Self::Stale,
    ];

    /// Its name, as the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Scarce => "scarce",
            Self::Fragmented => "fragmented",
            Self::MultiOrigin => "multi-origin",
            Self::FewReplica => "few-replica",
            Self::BatchHeavy => "batch-heavy",
            Self::OverlappingCaps => "overlapping-caps",
            Self::WaterMonthEnd => "water-month-end",
            Self::Event => "event",
            Self::Stale => "stale",
        }
    }
}

impl Family {
    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Slack => "power for 1.6 times the demand",
            Self::Scarce => "power for 0.8 to 0.95 of the demand",
            Self::Fragmented => "few nodes hold a large replica",
            Self::MultiOrigin => "demand from regions that no one site suits",
            Self::FewReplica => "one to three replicas each",
            Self::BatchHeavy => "nearly as much batch work as serving",
            Self::OverlappingCaps => "power limits over regions, owners and products",
            Self::WaterMonthEnd => "a month's water nearly used",
            Self::Event => "grid events, sheddable load owed, demand charges",
            Self::Stale => "offers that ran out, sites that refused",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no family has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no family is called {0}; there are {all}", all = Family::ALL.map(Family::name).join(", "))]
pub struct UnknownFamily(String);

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|family| family.name() == name);
        known.ok_or_else(|| UnknownFamily(name.to_owned()))
    }
}

/// How large a fleet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Deployments.
    pub deployments: usize,
    /// Sites.
    pub sites: usize,
    /// Hours of the horizon.
    pub hours: usize,
}

/// The fleet of a family and a seed. Without sites or hours there is nothing to serve with, and nobody asks.
pub fn world(family: Family, size: Size, seed: u64) -> World {
    // A Monday at the end of June, so that warm sites are warm and a month ends.
    let start = DateTime::from_timestamp(1_782_723_600, 0).unwrap_or_default();
    let slots = Slots::hourly(start, size.hours);
    let setting = setting::Setting::of(family, seed);
    let mut world = World {
        slots,
        currency: "USD".to_owned(),
        sites: BTreeMap::new(),
        policies: policies::policies(size.deployments),
        deployments: BTreeMap::new(),
        jobs: BTreeMap::new(),
        shared: Shared::default(),
    };
    let outlines = sketch::outlines(size.sites, seed);
    if outlines.is_empty() || size.hours == 0 {
        return world;
    }
    let count = size.deployments;
    world.deployments = demand::deployments((family, &setting), &outlines, &slots, count, seed);
    let serving = demand::need(&world.deployments, sketch::fleet_mix(&outlines), &slots);
    let batch = serving * setting.batch;
    world.jobs = jobs::jobs(&outlines, &slots, batch, seed);
    let need = serving + batch;
    world.sites = supply::sites(&setting, &outlines, &slots, need, seed);
    match family {
        Family::Fragmented => twists::fragment(&mut world, seed),
        Family::BatchHeavy => twists::elastic(&mut world, seed),
        Family::OverlappingCaps => twists::overlap(&mut world, &outlines, need, seed),
        Family::WaterMonthEnd => twists::thirst(&mut world, &outlines, seed),
        _ => {}
    }
    incumbents::settle(&mut world, &setting, seed);
    match family {
        Family::Event => twists::hold_events(&mut world, seed),
        Family::Stale => twists::end_offers(&mut world, seed),
        _ => {}
    }
    world
}

/// What tells instances apart: SHA-256 over the world's JSON, the first 16 hexadecimal digits.
///
/// # Errors
/// A world that cannot be written as JSON.
pub fn instance_hash(world: &World) -> Result<String, serde_json::Error> {
    let mut hash = Sha256::new();
    serde_json::to_writer(Hashing(&mut hash), world)?;
    let digest = hash.finalize();
    let first = digest.iter().take(8);
    Ok(first.fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

/// A large world's text is not held.
struct Hashing<'h>(&'h mut Sha256);

impl std::io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The hour of the day in UTC that a slot begins in.
fn utc_hour(slots: &Slots, slot: usize) -> usize {
    slots.begin(slot).hour() as usize
}
