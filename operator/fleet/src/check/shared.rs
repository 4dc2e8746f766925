//! What lies across sites and workloads.

use super::{Flaws, Running, limits, site::stock};
use crate::flaw::{Flaw, Object, Wrong};
use crate::{Allowance, Community, World};

pub(super) fn check(world: &World, running: &Running<'_>) -> Vec<Flaw> {
    let shared = &world.shared;
    let mut all = Vec::new();
    for (name, cap) in &shared.caps {
        let mut flaws = Flaws::of(Object::Cap(name.clone()));
        let under = running
            .iter()
            .filter(|((site, product), _)| cap.covers(site, product));
        let runs = under.map(|(_, watts)| watts).sum();
        let entry = |slot| format!("limit[{slot}]");
        limits(
            &mut flaws,
            ("limit", entry),
            &cap.limit,
            world.slots.count,
            runs,
        );
        all.extend(flaws.0);
    }
    for (name, one) in &shared.stocks {
        let mut flaws = Flaws::of(Object::Stock(name.clone()));
        stock(&mut flaws, "", one.remaining, one.hours_left);
        all.extend(flaws.0);
    }
    for (name, one) in &shared.communities {
        all.extend(community(name, one));
    }
    let mut flaws = Flaws::of(Object::Fairness);
    flaws.at_least("carbon", shared.fairness.carbon.0, 0.0);
    flaws.at_least("water", shared.fairness.water.0, 0.0);
    all.extend(flaws.0);
    for (name, cap) in &shared.tenants {
        let mut flaws = Flaws::of(Object::Tenant(name.clone()));
        if let Some(got) = cap.watts.map(|watts| watts.0).filter(|watts| *watts < 0) {
            flaws.noted("watts", Wrong::NegativeLimit { got });
        }
        all.extend(flaws.0);
    }
    all
}

fn community(name: &str, community: &Community) -> Vec<Flaw> {
    let mut flaws = Flaws::of(Object::Community(name.to_owned()));
    let mut allowance = |metric: &str, allowance: &Allowance| {
        flaws.at_least(format!("{metric}.used"), allowance.used, 0.0);
        flaws.finite(format!("{metric}.whole"), allowance.whole);
        if allowance.whole <= 0.0 {
            let got = allowance.whole;
            flaws.left_out(format!("{metric}.whole"), Wrong::NotPositive { got });
        }
        flaws.finite(format!("{metric}.hoursLeft"), allowance.hours_left);
    };
    if let Some(carbon) = &community.carbon {
        allowance("carbon", carbon);
    }
    if let Some(water) = &community.water {
        allowance("water", water);
    }
    flaws.0
}
