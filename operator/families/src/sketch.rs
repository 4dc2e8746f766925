//! The outline of a fleet before it is known how large it has to be: where sites are, how their shares compare and what
//! they are made of.

use commonwatt_fleet::SiteId;

use crate::geography::{METROS, Metro};
use crate::hardware::ACCELERATORS;
use crate::random::Random;

/// One site to be.
pub(crate) struct Outline {
    pub id: SiteId,
    pub metro: &'static Metro,
    /// Its part of the fleet's power.
    pub share: f64,
    /// The part of its power that each of [`ACCELERATORS`] gets.
    pub mix: [f64; 3],
}

/// Outlines in the order of their names; shares add up to 1.
pub(crate) fn outlines(sites: usize, seed: u64) -> Vec<Outline> {
    let mut random = Random::of(seed, "outlines");
    let mut outlines: Vec<_> = (0..sites)
        .map(|number| {
            let metro = &METROS[number % METROS.len()];
            let round = number / METROS.len();
            let size = random.unit();
            Outline {
                id: format!("{}-{}", metro.name, round + 1).into(),
                metro,
                share: 0.4 + 2.6 * size * size,
                mix: mix(&mut random),
            }
        })
        .collect();
    let sum: f64 = outlines.iter().map(|outline| outline.share).sum();
    for outline in &mut outlines {
        outline.share /= sum;
    }
    outlines.sort_by(|a, b| a.id.cmp(&b.id));
    outlines
}

/// One to three products, in parts that add up to 1.
fn mix(random: &mut Random) -> [f64; 3] {
    let mut parts = [0.0; 3];
    for part in &mut parts {
        if random.chance(0.65) {
            *part = random.between(0.5, 1.5);
        }
    }
    let sum: f64 = parts.iter().sum();
    if sum <= 0.0 {
        parts[random.below(ACCELERATORS.len())] = 1.0;
        return parts;
    }
    parts.map(|part| part / sum)
}

/// The part of the whole fleet's power that each product gets.
pub(crate) fn fleet_mix(outlines: &[Outline]) -> [f64; 3] {
    let mut whole = [0.0; 3];
    for outline in outlines {
        for (sum, part) in whole.iter_mut().zip(outline.mix) {
            *sum += outline.share * part;
        }
    }
    whole
}
