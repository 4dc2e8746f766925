//! What must stay when a limit falls: floors below the ceilings.

use crate::demand::Demand;

/// Floors for one slot's ceilings: the deployment's floor in proportion to the ceilings, and one replica at each of as
/// many sites as it must run at.
pub(crate) fn floors(demand: &Demand<'_>, ceilings: &[u32]) -> Vec<u32> {
    let wanted = demand.deployment.floor.0.max(0.0);
    let tokens = |counts: &[u32]| -> f64 {
        demand
            .places
            .iter()
            .zip(counts)
            .map(|(place, count)| place.tokens * f64::from(*count))
            .sum()
    };
    let served = tokens(ceilings);
    let share = if served > 0.0 {
        (wanted / served).min(1.0)
    } else {
        0.0
    };
    let mut floors: Vec<u32> = ceilings
        .iter()
        .map(|count| ((f64::from(*count) * share - 1e-9).ceil().max(0.0) as u32).min(*count))
        .collect();
    keep_sites(demand, ceilings, &mut floors);
    // Rounding up at many places holds more than asked: give back from the last place on.
    let mut held = tokens(&floors);
    for at in (0..floors.len()).rev() {
        let place = &demand.places[at];
        while floors[at] > 0 && held - place.tokens >= wanted {
            floors[at] -= 1;
            let lost = demand.minimum_sites.min(demand.sites_used(ceilings));
            if demand.sites_used(&floors) < lost {
                floors[at] += 1;
                break;
            }
            held -= place.tokens;
        }
    }
    floors
}

fn keep_sites(demand: &Demand<'_>, ceilings: &[u32], floors: &mut [u32]) {
    for (at, ceiling) in ceilings.iter().enumerate() {
        if demand.sites_used(floors) >= demand.minimum_sites {
            return;
        }
        if *ceiling > 0 && demand.at_site(demand.places[at].site, floors) == 0 {
            floors[at] = 1;
        }
    }
}
