//! Why here and not there, for every site of the world, with the numbers that the search had.
//!
//! Sites are compared over the hours that the first slot's placement lasts in the plan, for the same tokens, whole
//! replicas, a move spread over those hours. A difference below zero can remain: a placement that was kept because the gain is
//! below the threshold for changing, or that the bounded search did not find.

use std::collections::BTreeMap;

use commonwatt_fleet::{Choice, CostParts, Money, Rejection, SiteId};

use crate::candidates::replicas_for;
use crate::instance::{Demand, Instance};
use crate::limits::first_limit;
use crate::schedule::Schedule;

/// Choices and rejections of one deployment.
pub(crate) struct Reasons {
    pub choices: BTreeMap<usize, Choice>,
    pub rejected: BTreeMap<SiteId, Rejection>,
    /// Why hosts of demand that is not met take no more.
    pub full: BTreeMap<SiteId, Rejection>,
}

/// One deployment's placement in the first slot, and how long it lasts.
pub(crate) struct Present<'a> {
    pub index: usize,
    pub counts: &'a [u32],
    /// Slots for which the vector stays the same.
    pub lasts: usize,
    /// Tokens per second to compare by.
    tokens: f64,
    /// What it costs per hour, moves included.
    cost: CostParts,
}

/// A site at which the deployment does not run.
struct Other {
    site: usize,
    /// Dearer per hour than what was chosen; negative where it would be cheaper.
    more: CostParts,
    /// Replicas that would serve it there.
    replicas: u32,
    /// Place of the variant that would serve it there.
    at: usize,
    /// The limit that leaves no room, if one does.
    limit: Option<Rejection>,
}

/// Explains one deployment.
pub(crate) fn explain(instance: &Instance<'_>, schedule: &mut Schedule, index: usize) -> Reasons {
    let counts = schedule.replicas[0][index].clone();
    let present = present(instance, schedule, index, &counts);
    let demand = &instance.demands[index];
    let mut rejected = BTreeMap::new();
    let mut others = Vec::new();
    let mut hosts = Vec::new();
    for (site, row) in instance.sites.iter().enumerate() {
        let ever = |replicas: &Vec<Vec<u32>>| demand.at_site(site, &replicas[index]) > 0;
        if schedule.replicas.iter().any(ever) {
            hosts.push(site);
            continue;
        }
        match excluded(instance, demand, site) {
            Some(rejection) => {
                rejected.insert(row.id.clone(), rejection);
            }
            None => others.extend(other(instance, schedule, &present, site)),
        }
    }
    for other in &others {
        let rejection = rejection(instance, schedule, &present, other);
        rejected.insert(instance.sites[other.site].id.clone(), rejection);
    }
    let choices = hosts
        .iter()
        .map(|site| (*site, choice(instance, schedule, &present, &others, *site)))
        .collect();
    let full = if demand.shortfall(&counts) > 0.0 {
        full(instance, schedule, &present, &hosts)
    } else {
        BTreeMap::new()
    };
    Reasons {
        choices,
        rejected,
        full,
    }
}

/// The first limit at each host that leaves no room for one replica more of any variant.
fn full(
    instance: &Instance<'_>,
    schedule: &mut Schedule,
    present: &Present<'_>,
    hosts: &[usize],
) -> BTreeMap<SiteId, Rejection> {
    let demand = &instance.demands[present.index];
    let mut full = BTreeMap::new();
    for (at, place) in demand.places.iter().enumerate() {
        let id = instance.sites[place.site].id;
        if !place.allowed || !hosts.contains(&place.site) || full.contains_key(id) {
            continue;
        }
        if let Some(limit) = first_limit(instance, schedule, present, at, 1) {
            full.insert(id.clone(), limit);
        }
    }
    full
}

/// Limits that hold whatever else runs.
fn excluded(instance: &Instance<'_>, demand: &Demand<'_>, site: usize) -> Option<Rejection> {
    let row = &instance.sites[site];
    let deployment = demand.deployment;
    if let Some(rejection) = crate::eligibility::excludes_deployment(deployment, row.id, row.site) {
        return Some(rejection);
    }
    if row.past_offer == 0 && demand.at_site(site, &demand.committed) == 0 {
        return Some(crate::eligibility::offer_expired(row.site));
    }
    crate::eligibility::refusal_in_force(&deployment.refusals, row.id, row.site)
        .filter(|refusal| refusal.most_replicas == 0)
        .map(commonwatt_fleet::Refusal::rejection)
}

fn present<'a>(
    instance: &Instance<'_>,
    schedule: &Schedule,
    index: usize,
    counts: &'a [u32],
) -> Present<'a> {
    let demand = &instance.demands[index];
    let lasts = schedule
        .replicas
        .iter()
        .take_while(|replicas| replicas[index] == counts)
        .count();
    let served = demand.tokens - demand.shortfall(counts);
    let mut present = Present {
        index,
        counts,
        lasts,
        tokens: served,
        cost: CostParts::default(),
    };
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        present.cost += per_hour(instance, demand, at, lasts).scaled(f64::from(*count));
    }
    let moved: u32 = moves(demand, counts);
    present.cost.moves += spread(instance, demand, moved, lasts);
    present
}

/// Mean cost per hour of one replica at a place over the first slots.
fn per_hour(instance: &Instance<'_>, demand: &Demand<'_>, at: usize, slots: usize) -> CostParts {
    let sum: CostParts = (0..slots)
        .map(|slot| instance.running(demand, &demand.places[at], slot))
        .sum();
    sum.scaled(1.0 / (slots.max(1) as f64 * instance.hours))
}

/// Moves from what is committed to a vector.
fn moves(demand: &Demand<'_>, counts: &[u32]) -> u32 {
    let (mut added, mut removed) = (0_u32, 0_u32);
    let mut sites: Vec<_> = demand.places.iter().map(|place| place.site).collect();
    sites.dedup();
    for site in sites {
        let had = demand.at_site(site, &demand.committed);
        let has = demand.at_site(site, counts);
        added = added.saturating_add(has.saturating_sub(had));
        removed = removed.saturating_add(had.saturating_sub(has));
    }
    added.min(removed)
}

fn spread(instance: &Instance<'_>, demand: &Demand<'_>, moves: u32, slots: usize) -> Money {
    demand.policy.move_cost * (f64::from(moves) / (slots.max(1) as f64 * instance.hours))
}

/// What serving it at one other site would be.
fn other(
    instance: &Instance<'_>,
    schedule: &mut Schedule,
    present: &Present<'_>,
    site: usize,
) -> Option<Other> {
    let demand = &instance.demands[present.index];
    let first = demand.places.partition_point(|place| place.site < site);
    let mut best: Option<Other> = None;
    let mut limit = None;
    let mut open = false;
    for at in first..demand.places.len() {
        let place = &demand.places[at];
        if place.site != site {
            break;
        }
        if !place.allowed {
            continue;
        }
        let bound = first_limit(instance, schedule, present, at, 1);
        open |= bound.is_none();
        limit = limit.or(bound);
        let replicas = replicas_for(present.tokens, place.tokens);
        let mut counts = vec![0; demand.places.len()];
        counts[at] = replicas;
        let mut cost = per_hour(instance, demand, at, present.lasts).scaled(f64::from(replicas));
        cost.moves += spread(instance, demand, moves(demand, &counts), present.lasts);
        let more = cost.less(present.cost);
        if best
            .as_ref()
            .is_none_or(|known| more.total().0 < known.more.total().0)
        {
            best = Some(Other {
                site,
                more,
                replicas,
                at,
                limit: None,
            });
        }
    }
    let mut best = best?;
    best.limit = limit.filter(|_| !open);
    Some(best)
}

fn rejection(
    instance: &Instance<'_>,
    schedule: &mut Schedule,
    present: &Present<'_>,
    other: &Other,
) -> Rejection {
    if let Some(limit) = &other.limit {
        return limit.clone();
    }
    let demand = &instance.demands[present.index];
    let saves = -other.more.total().0;
    let cheaper = saves > 1e-9 && demand.tokens > 0.0;
    if cheaper {
        let all = first_limit(instance, schedule, present, other.at, other.replicas);
        if let Some(limit) = all {
            return limit;
        }
        if let Some(held) = held_back(instance, schedule, present, other, Money(saves)) {
            return held;
        }
    }
    Rejection::Dearer {
        per_hour: other.more.total(),
        parts: other.more,
    }
}

/// Restraint that keeps a deployment from a cheaper site with room.
fn held_back(
    instance: &Instance<'_>,
    schedule: &Schedule,
    present: &Present<'_>,
    other: &Other,
    saves_per_hour: Money,
) -> Option<Rejection> {
    let demand = &instance.demands[present.index];
    let dwell_end = (0..demand.places.len())
        .filter(|at| demand.committed[*at] > 0 && present.counts[*at] > 0)
        .map(|at| demand.since[at].saturating_add(demand.dwell_slots))
        .max()
        .filter(|end| *end > 0);
    if let Some(end) = dwell_end {
        let slots = &instance.world.slots;
        let until = slots.begin(0)
            + (slots.end(0) - slots.begin(0)) * i32::try_from(end).unwrap_or(i32::MAX / 2);
        return Some(Rejection::Dwell {
            until,
            saves_per_hour,
        });
    }
    let held: u32 = demand.committed.iter().fold(0, |a, b| a.saturating_add(*b));
    let left = schedule.moves_left[demand.policy_index];
    (held > 0 && left < other.replicas.min(held)).then(|| Rejection::MoveBudget {
        allowed: instance.moves_per_slot[demand.policy_index],
        saves_per_hour,
    })
}

fn choice(
    instance: &Instance<'_>,
    schedule: &mut Schedule,
    present: &Present<'_>,
    others: &[Other],
    site: usize,
) -> Choice {
    let demand = &instance.demands[present.index];
    let name = |site: usize| instance.sites[site].id.to_string();
    let here = demand.at_site(site, present.counts);
    let main = cheapest_host(instance, demand, present);
    if here == 0 {
        return Choice::Cheapest {
            runner_up: main.and_then(|(main, at)| {
                let more = later_saving(instance, schedule, present.index, site, at)?;
                Some((name(main), more))
            }),
        };
    }
    let used = demand.sites_used(present.counts);
    let is_main = main.is_none_or(|(main, _)| main == site);
    if !is_main && used > 1 && used <= demand.minimum_sites {
        return Choice::MinimumSites {
            sites: demand.minimum_sites,
        };
    }
    let mut full: Vec<_> = others
        .iter()
        .filter(|other| other.more.total().0 < -1e-9)
        .filter_map(|other| Some((name(other.site), other.limit.as_ref()?.detail())))
        .collect();
    if let Some((main, at)) = main.filter(|_| !is_main) {
        let limit = first_limit(instance, schedule, present, at, 1);
        full.extend(limit.map(|limit| (name(main), limit.detail())));
    }
    if !full.is_empty() {
        return Choice::OthersFull { full };
    }
    let open = || others.iter().filter(|other| other.limit.is_none());
    let tempting = open()
        .map(|other| (other.more.total() - other.more.moves, other.site))
        .filter(|(more, _)| more.0 < -1e-9)
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let stayed = demand.at_site(site, &demand.committed) > 0;
    if let Some((more, tempting)) = tempting.filter(|_| stayed) {
        return Choice::Stays {
            instead_of: Some((name(tempting), -more)),
        };
    }
    let runner_up = open()
        .map(|other| (other.more.total(), other.site))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    Choice::Cheapest {
        runner_up: runner_up.map(|(more, other)| (name(other), more)),
    }
}

/// The site and place of the first slot that costs least per token.
fn cheapest_host(
    instance: &Instance<'_>,
    demand: &Demand<'_>,
    present: &Present<'_>,
) -> Option<(usize, usize)> {
    let used = (0..demand.places.len()).filter(|at| present.counts[*at] > 0);
    used.map(|at| {
        let place = &demand.places[at];
        let cost = per_hour(instance, demand, at, present.lasts).total().0;
        (cost / place.tokens.max(f64::MIN_POSITIVE), place.site, at)
    })
    .min_by(|a, b| a.0.total_cmp(&b.0))
    .map(|(_, site, at)| (site, at))
}

/// What going on at a place of the first slot would cost more per hour than a site that the plan turns to later.
fn later_saving(
    instance: &Instance<'_>,
    schedule: &Schedule,
    index: usize,
    site: usize,
    at: usize,
) -> Option<Money> {
    let demand = &instance.demands[index];
    let old = &demand.places[at];
    let mut more = Money::ZERO;
    let mut slots = 0_u32;
    for (slot, replicas) in schedule.replicas.iter().enumerate() {
        let mut here = false;
        for (place, count) in demand.places.iter().zip(&replicas[index]) {
            if place.site == site && *count > 0 {
                here = true;
                let count = f64::from(*count);
                let instead = count * place.tokens / old.tokens.max(f64::MIN_POSITIVE);
                more += instance.running(demand, old, slot).total() * instead
                    - instance.running(demand, place, slot).total() * count;
            }
        }
        slots += u32::from(here);
    }
    (slots > 0).then(|| more / (f64::from(slots) * instance.hours))
}
