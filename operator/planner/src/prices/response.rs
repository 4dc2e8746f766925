//! How deployments answer prices: where each would sit, softly at a temperature, or exactly for a bound.

use super::alone::Alone;
use super::exact::slot_bound;
use super::fold::Folded;
use super::knapsack::{Counts, Item, cover};
use super::seats::{Bidder, Bidders};
use super::usage::{Shape, Usage};

/// Room for one deployment's numbers, used again for the next.
#[derive(Default)]
pub(crate) struct Outlook {
    /// By slot and seat: a replica's cost at the prices, its starts priced by potentials.
    pub cost: Vec<f64>,
    /// What potentials give back for what is committed.
    pub credit: f64,
    /// By slot and seat: replicas asked for.
    counts: Vec<f64>,
    potential: Vec<f64>,
    /// By slot and seat: the highest potential.
    limit: Vec<f64>,
    pub(super) weight: Vec<f64>,
    need: Vec<f64>,
    pub(super) scarce: Vec<f64>,
    best: Vec<f64>,
    typical: Vec<f64>,
    items: Vec<Item>,
    pub(super) least: f64,
    mixed: Counts,
}

impl Outlook {
    /// Prices every seat of a deployment in every slot.
    pub(crate) fn price(&mut self, bidder: &Bidder, folded: &Folded) {
        let (seats, slots) = (bidder.seats.len(), bidder.tokens.len());
        self.cost.resize(seats * slots, 0.0);
        self.potential.clear();
        self.potential.resize(seats, 0.0);
        for slot in 0..slots {
            self.price_slot(bidder, folded, slot);
        }
        if bidder.start > 0.0 {
            self.limit_starts(bidder);
            for slot in (0..slots).rev() {
                self.start_at(bidder, slot);
            }
        }
        let committed = bidder.committed.iter();
        self.credit = committed
            .map(|(seat, count)| self.potential[*seat] * count)
            .sum();
    }

    fn price_slot(&mut self, bidder: &Bidder, folded: &Folded, slot: usize) {
        let seats = bidder.seats.len();
        let here = folded.slot(bidder.policy, slot);
        self.need.clear();
        let ways = bidder.ways.iter();
        self.need
            .extend(ways.map(|way| here.tenant(bidder.tenant, way.accelerators, way.watts)));
        let costs = &mut self.cost[slot * seats..(slot + 1) * seats];
        for (cost, seat) in costs.iter_mut().zip(&bidder.seats) {
            let pool = seat.pool as usize;
            let way = &bidder.ways[seat.variant as usize];
            let node = seat.key.map_or(0.0, |key| {
                let key = key.get() as usize - 1;
                here.node[key]
                    + if seat.outside_reserve {
                        here.outside[key]
                    } else {
                        0.0
                    }
            });
            *cost = way.watts * (here.watt[pool] + here.watt_scarcity[pool])
                + way.accelerators * here.accelerator[pool]
                + node
                + self.need[seat.variant as usize];
        }
    }

    /// What a start is worth at most: a replica may also start before, where that is free or cheaper, and wait. More would make
    /// waiting earn, and prove nothing.
    fn limit_starts(&mut self, bidder: &Bidder) {
        let (seats, slots) = (bidder.seats.len(), bidder.tokens.len());
        self.limit.clear();
        self.limit.resize(seats * slots, bidder.first_start);
        for at in seats..seats * slots {
            let waiting = self.limit[at - seats] + self.cost[at - seats];
            self.limit[at] = waiting.max(0.0).min(bidder.start);
        }
    }

    /// The potentials of starts in one slot, backward through the slots (`FORMULATION.md`, lower bound).
    fn start_at(&mut self, bidder: &Bidder, slot: usize) {
        let seats = bidder.seats.len();
        let costs = &mut self.cost[slot * seats..(slot + 1) * seats];
        let limits = &self.limit[slot * seats..(slot + 1) * seats];
        let tokens = |index: usize| bidder.ways[bidder.seats[index].variant as usize].tokens;
        let mut token = bidder.worth;
        for index in 0..seats {
            let all = costs[index] + limits[index] - self.potential[index];
            token = token.min(all / tokens(index));
        }
        for index in 0..seats {
            let next = self.potential[index];
            let least = tokens(index) * token + next - costs[index];
            let potential = least.clamp(0.0, limits[index]);
            costs[index] += potential - next;
            self.potential[index] = potential;
        }
    }

    /// No plan gives this deployment its demand for less at these prices.
    pub(crate) fn bound(&mut self, bidder: &Bidder, bidders: &Bidders, with_sites: bool) -> f64 {
        let (seats, slots) = (bidder.seats.len(), bidder.tokens.len());
        let sum: f64 = (0..slots)
            .map(|slot| {
                let costs = &self.cost[slot * seats..(slot + 1) * seats];
                slot_bound(bidder, bidders, (slot, costs), with_sites)
            })
            .sum();
        sum - self.credit
    }

    /// Adds what a deployment asks for at a temperature to `usage`; the temperature is a part of what it pays.
    pub(crate) fn ask(
        &mut self,
        bidder: &Bidder,
        alone: &Alone,
        (temperature, shape): (f64, &Shape),
        usage: &mut Usage,
    ) {
        if bidder.seats.is_empty() {
            usage.cost += bidder.worth * bidder.tokens.iter().sum::<f64>();
            return;
        }
        let seats = bidder.seats.len();
        self.counts.clear();
        self.counts.resize(seats * bidder.tokens.len(), 0.0);
        for slot in 0..bidder.tokens.len() {
            if bidder.shares.is_empty() {
                usage.cost += self.ask_for(bidder, alone, (slot, u32::MAX, 1.0), temperature);
                continue;
            }
            for (origin, share) in bidder.shares.iter().enumerate() {
                usage.cost += self.ask_for(bidder, alone, (slot, 1 << origin, *share), temperature);
            }
        }
        self.use_up(bidder, shape, usage);
    }

    /// Adds what was asked for.
    fn use_up(&self, bidder: &Bidder, shape: &Shape, usage: &mut Usage) {
        let seats = bidder.seats.len();
        for slot in 0..bidder.tokens.len() {
            for (index, seat) in bidder.seats.iter().enumerate() {
                let count = self.counts[slot * seats + index];
                if count < 1e-6 {
                    continue;
                }
                let way = &bidder.ways[seat.variant as usize];
                let pool = slot * shape.pools + seat.pool as usize;
                usage.watts[pool] += count * way.watts;
                if let Some(key) = seat.key {
                    usage.replicas[slot * shape.keys + key.get() as usize - 1] += count;
                }
                if seat.outside_reserve {
                    usage.outside[pool] += count * way.accelerators;
                }
                if let Some(tenant) = bidder.tenant {
                    let held = &mut usage.tenants[slot * shape.tenants + tenant];
                    held.0 += count * way.accelerators;
                    held.1 += count * way.watts;
                }
            }
        }
    }

    /// One origin's part of one slot, and what it costs. Whole vectors are weighed against each other, by variant, and the replicas of each
    /// variant spread over its places.
    fn ask_for(
        &mut self,
        bidder: &Bidder,
        alone: &Alone,
        (slot, origin, share): (usize, u32, f64),
        temperature: f64,
    ) -> f64 {
        let seats = bidder.seats.len();
        let all = std::mem::take(&mut self.cost);
        let costs = &all[slot * seats..(slot + 1) * seats];
        let tokens = bidder.tokens[slot];
        let suits = |seat: usize| {
            bidder
                .suits
                .get(seat)
                .is_none_or(|suits| suits & origin != 0)
        };
        self.best.clear();
        self.best.resize(bidder.ways.len(), f64::INFINITY);
        for (index, (seat, cost)) in bidder.seats.iter().zip(costs).enumerate() {
            if suits(index) {
                let known = &mut self.best[seat.variant as usize];
                *known = known.min(*cost);
            }
        }
        self.mix(bidder, tokens);
        let heat = temperature * (self.least.abs() + 1e-9);
        let asked = self.counts(bidder, tokens, heat);
        self.weight.clear();
        self.scarce.clear();
        self.scarce.resize(bidder.ways.len(), 0.0);
        let each = 1.0 / heat;
        for (index, (seat, cost)) in bidder.seats.iter().zip(costs).enumerate() {
            let way = seat.variant as usize;
            let weight = if suits(index) && self.need[way] > 0.0 {
                soft((self.best[way] - cost) * self.typical[way] * each)
            } else {
                0.0
            };
            self.scarce[way] += weight;
            self.weight.push(weight);
        }
        self.cost = all;
        for (weight, seat) in self.weight.iter_mut().zip(&bidder.seats) {
            let way = seat.variant as usize;
            *weight *= if self.scarce[way] > 0.0 {
                self.need[way] / self.scarce[way]
            } else {
                0.0
            };
        }
        let level = self.level(bidder, alone, (slot, origin, share), temperature);
        if level.is_none() {
            self.spread(bidder, asked);
        }
        let counts = &mut self.counts[slot * seats..(slot + 1) * seats];
        for (count, weight) in counts.iter_mut().zip(&self.weight) {
            *count += weight * share;
        }
        level.unwrap_or(self.least) * share
    }

    /// The best vector by variant, at each variant's best place.
    fn mix(&mut self, bidder: &Bidder, tokens: f64) {
        self.items.clear();
        let ways = self.best.iter().zip(&bidder.ways).enumerate();
        let items = ways
            .filter(|(_, (cost, way))| cost.is_finite() && way.tokens > 0.0)
            .map(|(index, (cost, way))| Item {
                cost: *cost,
                tokens: way.tokens,
                way: index,
            });
        self.items.extend(items);
        (self.least, self.mixed) = cover(tokens, bidder.worth, &mut self.items);
    }

    /// Replicas by variant that are asked for at a heat, into `need`, with what a vector typically has of each; the sum.
    fn counts(&mut self, bidder: &Bidder, tokens: f64, heat: f64) -> f64 {
        self.need.clear();
        self.need.resize(bidder.ways.len(), 0.0);
        self.typical.clear();
        self.typical.resize(bidder.ways.len(), 1.0);
        if tokens <= 0.0 {
            return 0.0;
        }
        let mut sum = 1.0 + soft((self.least - bidder.worth * tokens) / heat);
        for (item, count) in self.items.iter().zip(&self.mixed) {
            self.need[item.way] += count;
            self.typical[item.way] = count.max(1.0);
        }
        for item in &self.items {
            let count = bidder.need(item.way, tokens);
            let weight = soft((self.least - item.cost * count) / heat);
            sum += weight;
            self.need[item.way] += weight * count;
            if weight > 0.01 {
                self.typical[item.way] = self.typical[item.way].max(count);
            }
        }
        self.need.iter_mut().for_each(|count| *count /= sum);
        self.need.iter().sum()
    }

    /// Where a deployment must be at several sites, no seat has more than what the others leave it.
    fn spread(&mut self, bidder: &Bidder, asked: f64) {
        if bidder.minimum_sites < 2 || self.weight.len() < 2 || asked <= 0.0 {
            return;
        }
        let mut top = 0;
        for (index, weight) in self.weight.iter().enumerate() {
            if *weight > self.weight[top] {
                top = index;
            }
        }
        let elsewhere = (bidder.minimum_sites as f64 - 1.0)
            .min(asked * (1.0 - 1.0 / bidder.minimum_sites as f64));
        let excess = self.weight[top] - (asked - elsewhere);
        let others = asked - self.weight[top];
        if excess <= 0.0 || others <= asked * 1e-9 {
            return;
        }
        let scale = 1.0 + excess / others;
        for (index, weight) in self.weight.iter_mut().enumerate() {
            *weight = if index == top {
                *weight - excess
            } else {
                *weight * scale
            };
        }
    }
}

/// `exp(x)` for `x ≤ 0`, near enough for weights: `(1 + x/256)^256`, which is the same on every machine.
pub(crate) fn soft(x: f64) -> f64 {
    let mut power = (1.0 + x * (1.0 / 256.0)).max(0.0);
    for _ in 0..8 {
        power *= power;
    }
    power
}
