//! A world without what cannot be used, the rest untouched.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::check::check;
use crate::flaw::{Effect, Flaw, Object, Wrong};
use crate::{Money, Product, Site, SiteId, Watts, World};

/// The world that can be planned, and what is wrong with the one that was given. What is left out and runs keeps its room:
/// its watts are taken off the limits, its accelerators off the nodes. A limit that cannot be right gives nothing.
pub fn sound(world: &World) -> (Cow<'_, World>, Vec<Flaw>) {
    let flaws = check(world);
    if flaws.iter().all(|flaw| mends(flaw) == Mend::None) {
        return (Cow::Borrowed(world), flaws);
    }
    let mut sound = world.clone();
    for flaw in &flaws {
        match mends(flaw) {
            Mend::None => {}
            Mend::LeaveOut => leave_out(&mut sound, &flaw.object),
            Mend::Close => close(&mut sound, &flaw.object),
            Mend::Stop => stop(&mut sound, &flaw.object),
        }
    }
    (Cow::Owned(sound), flaws)
}

/// What a flaw asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mend {
    None,
    /// Without the object.
    LeaveOut,
    /// Limits and stocks that cannot be right give nothing.
    Close,
    /// A job that runs nowhere does not run.
    Stop,
}

fn mends(flaw: &Flaw) -> Mend {
    match (flaw.effect, &flaw.wrong) {
        (Effect::LeftOut, _) => Mend::LeaveOut,
        (_, Wrong::NegativeLimit { .. } | Wrong::UnknownStock { .. }) => Mend::Close,
        (_, Wrong::RunsNowhere) => Mend::Stop,
        _ => Mend::None,
    }
}

fn leave_out(world: &mut World, object: &Object) {
    match object {
        Object::World => world.slots.count = 0,
        Object::Site(id) => drop(world.sites.remove(id)),
        Object::Policy(name) => drop(world.policies.remove(name)),
        Object::Deployment(id) => {
            let Some(gone) = world.deployments.remove(id) else {
                return;
            };
            for (site, variants) in &gone.committed {
                let mut named = BTreeSet::new();
                for variant in gone.variants.iter().filter(|v| named.insert(&v.name)) {
                    let Some(held) = variants.get(&variant.name) else {
                        continue;
                    };
                    let load = Load {
                        product: &variant.product,
                        size: variant.accelerators,
                        watts: variant.watts,
                        replicas: held.replicas,
                    };
                    keep_room(world, site, &load);
                }
            }
        }
        Object::Job(id) => {
            let Some(gone) = world.jobs.remove(id) else {
                return;
            };
            let Some(site) = gone.started_at.as_ref().filter(|_| gone.running) else {
                return;
            };
            let Some(here) = world.sites.get(site) else {
                return;
            };
            // On which product it runs is not known: the one that takes most.
            let shapes = gone.shapes.iter();
            let shapes = shapes.filter(|(product, _)| here.pools.contains_key(*product));
            if let Some((product, shape)) = shapes.max_by_key(|(_, shape)| shape.watts()) {
                let load = Load {
                    product,
                    size: shape.accelerators_per_pod,
                    watts: shape.watts_per_pod,
                    replicas: shape.pods,
                };
                keep_room(world, site, &load);
            }
        }
        Object::Cap(name) => drop(world.shared.caps.remove(name)),
        Object::Stock(name) => drop(world.shared.stocks.remove(name)),
        Object::Community(name) => drop(world.shared.communities.remove(name)),
        Object::Tenant(name) => drop(world.shared.tenants.remove(name)),
        Object::Fairness => {
            let fairness = &mut world.shared.fairness;
            for price in [&mut fairness.carbon, &mut fairness.water] {
                if !(price.0.is_finite() && price.0 >= 0.0) {
                    *price = Money::ZERO;
                }
            }
        }
    }
}

fn close(world: &mut World, object: &Object) {
    let least = |watts: &mut Watts| *watts = (*watts).max(Watts::ZERO);
    match object {
        Object::Site(id) => {
            let Some(site) = world.sites.get_mut(id) else {
                return;
            };
            site.hours
                .iter_mut()
                .for_each(|hour| least(&mut hour.limit));
            if let Some(water) = &mut site.water
                && !(water.remaining.0.is_finite() && water.hours_left.is_finite())
            {
                (water.remaining.0, water.hours_left) = (0.0, 0.0);
            }
        }
        Object::Cap(name) => {
            if let Some(cap) = world.shared.caps.get_mut(name) {
                cap.limit.iter_mut().for_each(least);
            }
        }
        Object::Stock(name) => {
            if let Some(stock) = world.shared.stocks.get_mut(name) {
                (stock.remaining, stock.hours_left) = (0.0, 0.0);
            }
        }
        Object::Tenant(name) => {
            let cap = world.shared.tenants.get_mut(name);
            if let Some(watts) = cap.and_then(|cap| cap.watts.as_mut()) {
                least(watts);
            }
        }
        _ => {}
    }
}

fn stop(world: &mut World, object: &Object) {
    if let Object::Job(id) = object
        && let Some(job) = world.jobs.get_mut(id)
    {
        job.running = false;
    }
}

/// Something that runs and is not planned.
pub struct Load<'a> {
    /// On what.
    pub product: &'a Product,
    /// Accelerators of each replica.
    pub size: u32,
    /// IT watts of each replica.
    pub watts: Watts,
    /// How many.
    pub replicas: u32,
}

/// Takes a load off what a site and the caps above it give, so that nothing else is planned in its room.
pub fn keep_room(world: &mut World, id: &SiteId, load: &Load<'_>) {
    let watts = Watts(load.watts.0.max(0)).times(load.replicas);
    let take = |limit: &mut Watts| *limit = limit.saturating_sub(watts);
    let caps = world.shared.caps.values_mut();
    for cap in caps.filter(|cap| cap.covers(id, load.product)) {
        cap.limit.iter_mut().for_each(take);
    }
    if let Some(site) = world.sites.get_mut(id) {
        site.hours.iter_mut().for_each(|hour| take(&mut hour.limit));
        take_nodes(site, load);
    }
}

/// Each replica is on the fullest node that still holds it, as far as there are any.
fn take_nodes(site: &mut Site, load: &Load<'_>) {
    let Some(pool) = site.pools.get_mut(load.product).filter(|_| load.size > 0) else {
        return;
    };
    for _ in 0..load.replicas {
        let node = pool
            .nodes
            .range_mut(load.size..)
            .find(|(_, count)| **count > 0);
        let Some((free, count)) = node else { return };
        *count -= 1;
        let left = free - load.size;
        *pool.nodes.entry(left).or_default() += 1;
    }
}
