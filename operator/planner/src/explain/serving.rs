//! Why a deployment is here and not there, for every site of the world.
//!
//! Sites are compared over the hours that the first slot's placement lasts in the plan, for the same tokens, whole
//! replicas, what starts spread over those hours. A difference below zero can remain: a placement that was kept because the gain is
//! below the threshold for changing, or that the bounded search did not find.

use std::collections::BTreeMap;

use commonwatt_fleet::{
    Choice, CostParts, Explanation, Money, Rejection, RunnerUp, Site, SiteId, TokensPerSecond,
};

use super::restraint::Restraint;
use super::subject::{Place, Subject};

/// Money below this is rounding.
const NOTHING: f64 = 1e-9;

/// A site at which the deployment does not run, and the cheapest way to serve it there.
struct Other<'p, 'w> {
    place: &'p Place<'w>,
    /// Dearer per hour than what was chosen; negative where it would be cheaper.
    more: CostParts,
    /// Replicas that would serve it there.
    replicas: u32,
    /// The limit that leaves no room for one, if one does.
    limit: Option<Rejection>,
}

impl Other<'_, '_> {
    fn is_cheaper(&self) -> bool {
        self.more.total().0 < -NOTHING
    }
}

/// Explains one deployment.
pub(super) fn explain(subject: &Subject<'_, '_>, restraint: &Restraint) -> Explanation {
    let mut rejected = BTreeMap::new();
    let (mut hosts, mut others) = (Vec::new(), Vec::new());
    for (site, of) in &subject.rows.world.sites {
        if hosts_it(subject, site) {
            hosts.push(site);
        } else if let Some(rejection) = subject.excluded(site, of) {
            rejected.insert(site.clone(), rejection);
        } else {
            others.extend(other(subject, site, of));
        }
    }
    let mut binding = BTreeMap::new();
    for other in &others {
        let rejection = rejection(subject, restraint, other);
        if rejection.is_a_limit() && other.is_cheaper() {
            binding.insert(other.place.shape.site.clone(), rejection.clone());
        }
        rejected.insert(other.place.shape.site.clone(), rejection);
    }
    let full = full(subject, &hosts);
    binding.extend(
        full.iter()
            .map(|(site, limit)| (site.clone(), limit.clone())),
    );
    if is_short(subject) {
        let limits = rejected.iter().filter(|(_, why)| why.is_a_limit());
        binding.extend(limits.map(|(site, limit)| (site.clone(), limit.clone())));
    }
    let chosen = hosts
        .iter()
        .map(|site| ((*site).clone(), choice(subject, &others, &full, site)));
    Explanation {
        chosen: chosen.collect(),
        runner_up: runner_up(&others),
        full,
        binding,
        rejected,
    }
}

fn hosts_it(subject: &Subject<'_, '_>, site: &SiteId) -> bool {
    let here = subject
        .places
        .iter()
        .filter(|place| place.shape.site == site);
    here.flat_map(|place| &place.planned)
        .any(|count| *count > 0)
}

fn is_short(subject: &Subject<'_, '_>) -> bool {
    let demand = subject.deployment.demand_in(0).0.max(0.0);
    demand - subject.served > 1e-9 * (1.0 + demand)
}

/// The first limit at hosts that leaves no room for one replica more of any variant: at all of them where demand is
/// unmet, else at the cheapest.
fn full(subject: &Subject<'_, '_>, hosts: &[&SiteId]) -> BTreeMap<SiteId, Rejection> {
    let (short, cheapest) = (is_short(subject), cheapest_host(subject));
    let asked = |site: &&&SiteId| {
        short
            || (subject.sites_used() > 1
                && cheapest.is_some_and(|place| place.shape.site == **site))
    };
    let limit = |site: &&SiteId| {
        let here = subject
            .places
            .iter()
            .filter(|place| place.shape.site == *site && place.allowed);
        let limits: Option<Vec<_>> = here
            .map(|place| subject.first_limit(place, 1, false))
            .collect();
        Some(((*site).clone(), limits?.into_iter().next()?))
    };
    hosts.iter().filter(asked).filter_map(limit).collect()
}

/// What serving it at one other site would be.
fn other<'p, 'w>(subject: &'p Subject<'_, 'w>, site: &SiteId, of: &Site) -> Option<Other<'p, 'w>> {
    let part = suited(subject, of);
    let here = subject
        .places
        .iter()
        .filter(|place| place.shape.site == site && place.allowed);
    let mut best: Option<Other<'p, 'w>> = None;
    let (mut limit, mut open) = (None, false);
    for place in here {
        let bound = subject.first_limit(place, 1, true);
        open |= bound.is_none();
        limit = limit.or(bound);
        let replicas = place
            .variant
            .replicas_for(TokensPerSecond(subject.served * part));
        let mut cost = subject.per_hour(place).scaled(f64::from(replicas));
        cost.moves += subject.starts(|one| u32::from(std::ptr::eq(one, place)) * replicas);
        let more = cost.less(subject.cost.scaled(part));
        if best
            .as_ref()
            .is_none_or(|known| more.total().0 < known.more.total().0)
        {
            best = Some(Other {
                place,
                more,
                replicas,
                limit: None,
            });
        }
    }
    let mut best = best?;
    best.limit = limit.filter(|_| !open);
    Some(best)
}

/// The part of a deployment's demand that a site suits.
fn suited(subject: &Subject<'_, '_>, of: &Site) -> f64 {
    let deployment = subject.deployment;
    if deployment.origin_shares.is_empty() {
        return 1.0;
    }
    let near = |origin: &commonwatt_fleet::Origin| {
        let limit = deployment.origins.get(origin);
        let declared = of.latencies.get(origin);
        limit.is_none_or(|limit| declared.is_some_and(|declared| declared <= limit))
    };
    let shares = deployment.origin_shares.iter();
    let suited = shares
        .filter(|(origin, _)| near(origin))
        .map(|(_, share)| share);
    suited.sum::<f64>().clamp(0.0, 1.0)
}

fn rejection(subject: &Subject<'_, '_>, restraint: &Restraint, other: &Other<'_, '_>) -> Rejection {
    if let Some(limit) = &other.limit {
        return limit.clone();
    }
    if other.is_cheaper() && subject.deployment.demand_in(0).0 > 0.0 {
        let (place, replicas) = (other.place, other.replicas);
        let saves = -other.more.total();
        let held = subject
            .first_limit(place, replicas, true)
            .or_else(|| restraint.holds(subject, replicas, saves))
            .or_else(|| subject.batch_in_the_way(place, replicas));
        if let Some(held) = held {
            return held;
        }
    }
    Rejection::Dearer {
        per_hour: other.more.total(),
        parts: other.more,
    }
}

fn runner_up(others: &[Other<'_, '_>]) -> Option<RunnerUp> {
    let open = others.iter().filter(|other| other.limit.is_none());
    let best = open.min_by(|a, b| a.more.total().0.total_cmp(&b.more.total().0))?;
    Some(RunnerUp {
        site: best.place.shape.site.clone(),
        variant: best.place.variant.name.clone(),
        replicas: best.replicas,
        more_per_hour: best.more,
    })
}

/// Why a site runs it, now or in a later slot of the plan.
fn choice(
    subject: &Subject<'_, '_>,
    others: &[Other<'_, '_>],
    full: &BTreeMap<SiteId, Rejection>,
    site: &SiteId,
) -> Choice {
    let main = cheapest_host(subject);
    if subject.at(site, Place::now) == 0 {
        let runner_up = main.and_then(|main| {
            let more = later_saving(subject, site, main)?;
            Some((main.shape.site.to_string(), more))
        });
        return Choice::Cheapest { runner_up };
    }
    let main = main.filter(|main| main.shape.site != site);
    let used = subject.sites_used();
    let minimum_sites = subject.deployment.minimum_sites;
    if main.is_some() && used > 1 && used <= minimum_sites as usize {
        return Choice::MinimumSites {
            sites: minimum_sites,
        };
    }
    let name = |other: &Other<'_, '_>| other.place.shape.site.to_string();
    let cheaper = others.iter().filter(|other| other.is_cheaper());
    let mut were_full: Vec<_> = cheaper
        .filter_map(|other| Some((name(other), other.limit.as_ref()?.detail())))
        .collect();
    let main_limit = main.and_then(|main| full.get_key_value(main.shape.site));
    were_full.extend(main_limit.map(|(main, limit)| (main.to_string(), limit.detail())));
    if !were_full.is_empty() {
        return Choice::OthersFull { full: were_full };
    }
    let least = |extra: fn(&CostParts) -> Money| {
        let open = others.iter().filter(|other| other.limit.is_none());
        open.map(|other| (extra(&other.more), other))
            .min_by(|a, b| a.0.0.total_cmp(&b.0.0))
    };
    let stayed = subject.at(site, |place| place.committed) > 0;
    let tempting = least(|more| more.total() - more.moves).filter(|(more, _)| more.0 < -NOTHING);
    if let Some((more, tempting)) = tempting.filter(|_| stayed) {
        return Choice::Stays {
            instead_of: Some((name(tempting), -more)),
        };
    }
    Choice::Cheapest {
        runner_up: least(CostParts::total).map(|(more, other)| (name(other), more)),
    }
}

/// The place of the first slot that costs least per token.
fn cheapest_host<'p, 'w>(subject: &'p Subject<'_, 'w>) -> Option<&'p Place<'w>> {
    let per_token =
        |place: &Place<'w>| subject.per_hour(place).total().0 / place.tokens.max(f64::MIN_POSITIVE);
    let used = subject.places.iter().filter(|place| place.now() > 0);
    used.map(|place| (per_token(place), place))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, place)| place)
}

/// What going on at a place of the first slot would cost more per hour than a site that the plan turns to later.
fn later_saving(subject: &Subject<'_, '_>, site: &SiteId, old: &Place<'_>) -> Option<Money> {
    let mut more = Money::ZERO;
    let mut slots = 0_u32;
    for slot in 0..subject.rows.slots {
        let here = subject
            .places
            .iter()
            .filter(|place| place.shape.site == site);
        let mut turns = false;
        for place in here.filter(|place| place.planned[slot] > 0) {
            turns = true;
            let count = f64::from(place.planned[slot]);
            let instead = count * place.tokens / old.tokens.max(f64::MIN_POSITIVE);
            more += subject.running(old, slot).total() * instead
                - subject.running(place, slot).total() * count;
        }
        slots += u32::from(turns);
    }
    (slots > 0).then(|| more / (f64::from(slots) * subject.rows.world.slots.hours()))
}
