//! One deployment under a plan: its places, how long its present placement lasts and what that costs.

use commonwatt_fleet::{
    CostParts, Decision, Deployment, Money, Policy, Pool, SiteId, Variant, Watts,
};

use super::limits::{Asked, Taking};
use super::rows::{Kind, Rows, Shape};
use crate::eligibility::{
    excludes_deployment, first_slot_past_offer, offer_expired, refusal_in_force, variant_runs_at,
};
use crate::rows::{hour_of, policy_of};
use commonwatt_fleet::Rejection;

/// One variant at one site.
pub(super) struct Place<'w> {
    pub shape: Shape<'w>,
    pub variant: &'w Variant,
    pool: Option<&'w Pool>,
    pub tokens: f64,
    /// Whether law, distance and hardware allow it. A place that is not is listed only if something is there.
    pub allowed: bool,
    pub committed: u32,
    /// Replicas by slot.
    pub planned: Vec<u32>,
}

impl Place<'_> {
    pub(super) fn now(&self) -> u32 {
        self.planned[0]
    }
}

/// A deployment and its places, by site and then in the order of preference.
pub(super) struct Subject<'r, 'w> {
    pub rows: &'r Rows<'w>,
    pub deployment: &'w Deployment,
    pub policy: &'w Policy,
    pub places: Vec<Place<'w>>,
    /// Slots for which the first slot's placement stays the same.
    pub lasts: usize,
    /// Tokens per second that it serves.
    pub served: f64,
    /// What the present placement costs per hour, starts included.
    pub cost: CostParts,
}

impl<'r, 'w> Subject<'r, 'w> {
    pub(super) fn new(rows: &'r Rows<'w>, deployment: &'w Deployment, decision: &Decision) -> Self {
        let mut subject = Self {
            rows,
            deployment,
            policy: policy_of(rows.world, &deployment.policy),
            places: places(rows, deployment, decision),
            lasts: 0,
            served: 0.0,
            cost: CostParts::default(),
        };
        let same = |slot: &usize| {
            let mut places = subject.places.iter();
            places.all(|place| place.planned[*slot] == place.now())
        };
        subject.lasts = (0..rows.slots).take_while(same).count();
        let can: f64 = subject
            .places
            .iter()
            .map(|place| place.tokens * f64::from(place.now()))
            .sum();
        subject.served = can.min(deployment.demand_in(0).0.max(0.0));
        let running = subject.places.iter().filter(|place| place.now() > 0);
        let mut cost: CostParts = running
            .map(|place| subject.per_hour(place).scaled(f64::from(place.now())))
            .sum();
        cost.moves += subject.starts(Place::now);
        subject.cost = cost;
        subject
    }

    /// Replicas at a site in the first slot, all variants together.
    pub(super) fn at(&self, site: &SiteId, count: impl Fn(&Place<'w>) -> u32) -> u32 {
        let here = self.places.iter().filter(|place| place.shape.site == site);
        here.map(count).fold(0, u32::saturating_add)
    }

    /// Distinct sites with a replica in the first slot.
    pub(super) fn sites_used(&self) -> usize {
        let used = self.places.iter().filter(|place| place.now() > 0);
        let mut sites: Vec<_> = used.map(|place| place.shape.site).collect();
        sites.dedup();
        sites.len()
    }

    /// Mean cost per hour of one replica at a place while the present placement lasts.
    pub(super) fn per_hour(&self, place: &Place<'_>) -> CostParts {
        let sum: CostParts = (0..self.lasts).map(|slot| self.running(place, slot)).sum();
        sum.scaled(1.0 / self.hours())
    }

    fn hours(&self) -> f64 {
        self.lasts.max(1) as f64 * self.rows.world.slots.hours()
    }

    /// What one replica costs in one slot.
    pub(super) fn running(&self, place: &Place<'_>, slot: usize) -> CostParts {
        let shape = &place.shape;
        place.pool.map_or_else(CostParts::default, |pool| {
            CostParts::running(
                shape.of,
                hour_of(shape.of, slot),
                pool,
                self.policy,
                Watts(shape.watts),
                shape.accelerators,
                self.rows.world.slots.hours(),
            )
        })
    }

    /// What starts cost per hour, spread over the hours that the present placement lasts. What ran nowhere starts freely.
    pub(super) fn starts(&self, count: impl Fn(&Place<'w>) -> u32) -> Money {
        if self.places.iter().all(|place| place.committed == 0) {
            return Money::ZERO;
        }
        let starts = self
            .places
            .iter()
            .map(|place| count(place).saturating_sub(place.committed));
        self.policy.move_cost * (starts.map(f64::from).sum::<f64>() / self.hours())
    }

    /// Limits that hold whatever else runs.
    pub(super) fn excluded(&self, site: &SiteId, of: &commonwatt_fleet::Site) -> Option<Rejection> {
        let deployment = self.deployment;
        if let Some(rejection) = excludes_deployment(deployment, site, of) {
            return Some(rejection);
        }
        let expired = first_slot_past_offer(of, &self.rows.world.slots) == 0;
        if expired && self.at(site, |place| place.committed) == 0 {
            return Some(offer_expired(of));
        }
        refusal_in_force(&deployment.refusals, site, of)
            .filter(|refusal| refusal.most_replicas == 0)
            .map(commonwatt_fleet::Refusal::rejection)
    }

    /// The first limit that leaves no room for more replicas at a place while the present placement lasts: beside what the
    /// deployment has, or instead of that.
    pub(super) fn first_limit(
        &self,
        place: &Place<'w>,
        more: u32,
        instead: bool,
    ) -> Option<Rejection> {
        self.word_against(place, more).or_else(|| {
            self.rows
                .first_limit(&self.asked(Kind::Serving, place, more, instead))
        })
    }

    /// As [`Self::first_limit`], with batch work not giving way.
    pub(super) fn batch_in_the_way(&self, place: &Place<'w>, more: u32) -> Option<Rejection> {
        self.rows
            .first_limit(&self.asked(Kind::Batch, place, more, true))
    }

    /// What the site itself has said: a refusal, or nothing since its offer.
    fn word_against(&self, place: &Place<'w>, more: u32) -> Option<Rejection> {
        let (site, of) = (place.shape.site, place.shape.of);
        let here = self.at(site, Place::now).saturating_add(more);
        let refusal = refusal_in_force(&self.deployment.refusals, site, of);
        if let Some(refusal) = refusal.filter(|refusal| refusal.most_replicas < here) {
            return Some(refusal.rejection());
        }
        let grows = place.now().saturating_add(more) > place.committed;
        let expired = first_slot_past_offer(of, &self.rows.world.slots) == 0;
        (grows && expired).then(|| offer_expired(of))
    }

    fn asked(&self, kind: Kind, place: &Place<'w>, more: u32, instead: bool) -> Asked<'w> {
        let others = self.places.iter().filter(|other| {
            let same_site = other.shape.number == place.shape.number;
            let here = same_site && std::ptr::eq(other.variant, place.variant);
            instead && other.now() > 0 && !here
        });
        Asked {
            kind,
            more: self.taking(place, |count| count.saturating_add(more), more),
            back: others
                .map(|other| self.taking(other, |_| 0, other.now()))
                .collect(),
        }
    }

    /// How much more, or less, is charged at a place if its present count were another, and what is held of it then.
    fn taking(&self, place: &Place<'w>, change: impl Fn(u32) -> u32, held: u32) -> Taking<'w> {
        let same = |count: u32| count;
        let charged = self.by_slot(place, |before, now| {
            let was = now.count(same).max(before.count(same));
            now.count(&change).max(before.count(&change)).abs_diff(was)
        });
        Taking {
            shape: place.shape,
            charged: charged.into_iter().chain([held]).collect(),
            held: self.by_slot(place, |_, now| u32::from(now.present) * held),
        }
    }

    /// A number for every slot from what a place has before and in it.
    fn by_slot(&self, place: &Place<'_>, number: impl Fn(Stand, Stand) -> u32) -> Vec<u32> {
        let stand = |slot: usize| Stand {
            replicas: place.planned[slot],
            present: slot < self.lasts,
        };
        let committed = Stand {
            replicas: place.committed,
            present: false,
        };
        (0..self.rows.slots)
            .map(|slot| number(slot.checked_sub(1).map_or(committed, stand), stand(slot)))
            .collect()
    }
}

/// What a place has in a slot, and whether that is part of the present placement.
#[derive(Clone, Copy)]
struct Stand {
    replicas: u32,
    present: bool,
}

impl Stand {
    /// The replicas, changed where they are of the present placement.
    fn count(self, change: impl Fn(u32) -> u32) -> u32 {
        if self.present {
            change(self.replicas)
        } else {
            self.replicas
        }
    }
}

fn places<'w>(rows: &Rows<'w>, deployment: &'w Deployment, decision: &Decision) -> Vec<Place<'w>> {
    let mut places = Vec::new();
    for (number, (site, of)) in rows.world.sites.iter().enumerate() {
        let excluded = excludes_deployment(deployment, site, of).is_some();
        let committed = deployment.committed.get(site);
        let decided = decision.sites.get(site);
        for variant in &deployment.variants {
            let held = committed.and_then(|held| held.get(&variant.name));
            let held = held.map_or(0, |held| held.replicas);
            let placement = decided.and_then(|variants| variants.get(&variant.name));
            let allowed = !excluded && variant_runs_at(variant, site, of);
            if !allowed && held == 0 && placement.is_none() {
                continue;
            }
            let ceiling = placement.map_or(&[][..], |placement| &placement.ceiling);
            places.push(Place {
                shape: Shape {
                    site,
                    of,
                    number,
                    product: &variant.product,
                    watts: variant.watts.0.max(0),
                    accelerators: variant.accelerators,
                    tenant: &deployment.tenant,
                },
                variant,
                pool: of.pools.get(&variant.product),
                tokens: variant.tokens_per_second.0.max(0.0),
                allowed,
                committed: held,
                planned: (0..rows.slots)
                    .map(|slot| ceiling.get(slot).copied().unwrap_or(0))
                    .collect(),
            });
        }
    }
    places
}
