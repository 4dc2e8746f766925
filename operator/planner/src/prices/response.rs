//! How deployments answer prices: where each would sit, softly at a temperature, or exactly for a bound.

use super::fold::Folded;
use super::knapsack::{Counts, Item, cover};
use super::seats::Bidder;

/// What all answers ask for.
#[derive(Clone)]
pub(crate) struct Usage {
    /// By slot and pool.
    pub watts: Vec<f64>,
    /// Replicas by slot and key.
    pub replicas: Vec<f64>,
    /// Accelerators of those outside a reserve, by slot and pool.
    pub outside: Vec<f64>,
    /// Accelerators and watts by slot and tenant.
    pub tenants: Vec<(f64, f64)>,
    /// What everybody pays, roughly: the scale of prices.
    pub cost: f64,
}

impl Usage {
    pub(crate) fn none(slots: usize, pools: usize, keys: usize, tenants: usize) -> Self {
        Self {
            watts: vec![0.0; slots * pools],
            replicas: vec![0.0; slots * keys],
            outside: vec![0.0; slots * pools],
            tenants: vec![(0.0, 0.0); slots * tenants],
            cost: 0.0,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let add = |ours: &mut [f64], theirs: &[f64]| {
            ours.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
        };
        add(&mut self.watts, &other.watts);
        add(&mut self.replicas, &other.replicas);
        add(&mut self.outside, &other.outside);
        for (ours, theirs) in self.tenants.iter_mut().zip(&other.tenants) {
            ours.0 += theirs.0;
            ours.1 += theirs.1;
        }
        self.cost += other.cost;
    }
}

/// Room for one deployment's numbers, used again for the next.
#[derive(Default)]
pub(crate) struct Outlook {
    /// By slot and seat: a replica's cost at the prices, its starts priced by potentials.
    pub cost: Vec<f64>,
    /// What potentials give back for what is committed.
    pub credit: f64,
    potential: Vec<f64>,
    weight: Vec<f64>,
    need: Vec<f64>,
    scarce: Vec<f64>,
    best: Vec<f64>,
    typical: Vec<f64>,
    items: Vec<Item>,
    least: f64,
    mixed: Counts,
}

impl Outlook {
    /// Prices every seat of a deployment in every slot.
    pub(crate) fn price(&mut self, bidder: &Bidder, folded: &Folded) {
        let (seats, slots) = (bidder.seats.len(), bidder.tokens.len());
        self.cost.resize(seats * slots, 0.0);
        self.credit = 0.0;
        for slot in 0..slots {
            let here = folded.slot(bidder.policy, slot);
            let out = &mut self.cost[slot * seats..(slot + 1) * seats];
            self.need.clear();
            self.need.extend(
                (bidder.ways.iter())
                    .map(|way| here.tenant(bidder.tenant, way.accelerators, way.watts)),
            );
            for (out, seat) in out.iter_mut().zip(&bidder.seats) {
                let pool = seat.pool as usize;
                let way = &bidder.ways[seat.variant as usize];
                let node = match seat.key {
                    Some(key) if seat.outside_reserve => here.node_outside[key.get() as usize - 1],
                    Some(key) => here.node[key.get() as usize - 1],
                    None => 0.0,
                };
                *out = way.watts * (here.watt[pool] + here.watt_scarcity[pool])
                    + way.accelerators * here.accelerator[pool]
                    + node
                    + self.need[seat.variant as usize];
            }
        }
        self.price_starts(bidder);
    }

    /// Adds the potentials of starts (`FORMULATION.md`, lower bound), backward through the slots.
    fn price_starts(&mut self, bidder: &Bidder) {
        let (seats, slots) = (bidder.seats.len(), bidder.tokens.len());
        if bidder.start <= 0.0 || slots == 0 || (slots == 1 && bidder.first_start <= 0.0) {
            return;
        }
        self.potential.clear();
        self.potential.resize(seats, 0.0);
        for slot in (0..slots).rev() {
            self.start_at(
                bidder,
                slot,
                if slot == 0 {
                    bidder.first_start
                } else {
                    bidder.start
                },
            );
        }
        self.credit = bidder
            .committed
            .iter()
            .map(|(seat, count)| self.potential[*seat] * count)
            .sum();
    }

    /// One slot's potentials.
    fn start_at(&mut self, bidder: &Bidder, slot: usize, start: f64) {
        let seats = bidder.seats.len();
        let costs = &mut self.cost[slot * seats..(slot + 1) * seats];
        let mut token = bidder.worth;
        for ((cost, next), seat) in costs.iter().zip(&self.potential).zip(&bidder.seats) {
            token = token.min((cost + start - next) / bidder.ways[seat.variant as usize].tokens);
        }
        for ((cost, next), seat) in costs.iter_mut().zip(&mut self.potential).zip(&bidder.seats) {
            let tokens = bidder.ways[seat.variant as usize].tokens;
            let potential = (tokens * token + *next - *cost).clamp(0.0, start);
            *cost += potential - *next;
            *next = potential;
        }
    }

    /// No plan gives this deployment its demand for less at these prices.
    pub(crate) fn bound(&mut self, bidder: &Bidder, sites: &[u32], with_sites: bool) -> f64 {
        let (seats, slots) = (bidder.seats.len(), bidder.tokens.len());
        let sum: f64 = (0..slots)
            .map(|slot| {
                let costs = &self.cost[slot * seats..(slot + 1) * seats];
                slot_bound(bidder, sites, costs, bidder.tokens[slot], with_sites)
            })
            .sum();
        sum - self.credit
    }

    /// Adds what a deployment asks for at a temperature to `usage`; the temperature is a part of what it pays.
    pub(crate) fn ask(
        &mut self,
        bidder: &Bidder,
        temperature: f64,
        shape: &Shape,
        usage: &mut Usage,
    ) {
        if bidder.seats.is_empty() {
            usage.cost += bidder.worth * bidder.tokens.iter().sum::<f64>();
            return;
        }
        for slot in 0..bidder.tokens.len() {
            if bidder.shares.is_empty() {
                self.ask_for(bidder, (slot, u32::MAX, 1.0), temperature, shape, usage);
                continue;
            }
            for (origin, share) in bidder.shares.iter().enumerate() {
                self.ask_for(
                    bidder,
                    (slot, 1 << origin, *share),
                    temperature,
                    shape,
                    usage,
                );
            }
        }
    }

    /// One origin's part of one slot. Whole vectors are weighed against each other, by variant, and the replicas of each
    /// variant spread over its places.
    fn ask_for(
        &mut self,
        bidder: &Bidder,
        (slot, origin, share): (usize, u32, f64),
        temperature: f64,
        shape: &Shape,
        usage: &mut Usage,
    ) {
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
        usage.cost += self.least * share;
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
        self.spread(bidder, asked);
        for (index, seat) in bidder.seats.iter().enumerate() {
            let count = self.weight[index] * share;
            if count < 1e-6 {
                continue;
            }
            let way = &bidder.ways[seat.variant as usize];
            usage.watts[slot * shape.pools + seat.pool as usize] += count * way.watts;
            if let Some(key) = seat.key {
                usage.replicas[slot * shape.keys + key.get() as usize - 1] += count;
            }
            if seat.outside_reserve {
                usage.outside[slot * shape.pools + seat.pool as usize] += count * way.accelerators;
            }
            if let Some(tenant) = bidder.tenant {
                let held = &mut usage.tenants[slot * shape.tenants + tenant];
                held.0 += count * way.accelerators;
                held.1 += count * way.watts;
            }
        }
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

    /// The seats worth looking at: those that cost least over all slots, and the best of each slot.
    pub(crate) fn shortlist(&mut self, bidder: &Bidder, most: usize) -> Vec<usize> {
        let (seats, slots) = (bidder.seats.len(), bidder.tokens.len());
        if seats <= most {
            return (0..seats).collect();
        }
        self.scarce.clear();
        self.scarce.resize(seats, 0.0);
        let mut chosen = std::collections::BTreeSet::new();
        for slot in 0..slots {
            let mut best = [(f64::INFINITY, usize::MAX); 2];
            for (index, seat) in bidder.seats.iter().enumerate() {
                let per_token =
                    self.cost[slot * seats + index] / bidder.ways[seat.variant as usize].tokens;
                self.scarce[index] += per_token;
                if per_token < best[0].0 {
                    best = [(per_token, index), best[0]];
                } else if per_token < best[1].0 {
                    best[1] = (per_token, index);
                }
            }
            chosen.extend(
                best.iter()
                    .map(|(_, index)| *index)
                    .filter(|index| *index < seats),
            );
        }
        let mut order: Vec<usize> = (0..seats).collect();
        let value = |index: &usize| self.scarce[*index];
        order.select_nth_unstable_by(most, |a, b| value(a).total_cmp(&value(b)).then(a.cmp(b)));
        chosen.extend(&order[..most]);
        chosen.into_iter().collect()
    }
}

/// How usage is laid out.
pub(crate) struct Shape {
    pub pools: usize,
    pub keys: usize,
    pub tenants: usize,
}

/// `exp(x)` for `x ≤ 0`, near enough for weights: `(1 + x/256)^256`, which is the same on every machine.
pub(crate) fn soft(x: f64) -> f64 {
    let mut power = (1.0 + x * (1.0 / 256.0)).max(0.0);
    for _ in 0..8 {
        power *= power;
    }
    power
}

/// No vector of replicas serves a slot for less: see `FORMULATION.md`, lower bound.
fn slot_bound(bidder: &Bidder, sites: &[u32], costs: &[f64], tokens: f64, with_sites: bool) -> f64 {
    let mut best = vec![f64::INFINITY; bidder.ways.len()];
    for (seat, cost) in bidder.seats.iter().zip(costs) {
        let known = &mut best[seat.variant as usize];
        *known = known.min(*cost);
    }
    let mut items: Vec<Item> = (best.iter().zip(&bidder.ways).enumerate())
        .filter(|(_, (cost, way))| cost.is_finite() && way.tokens > 0.0)
        .map(|(index, (cost, way))| Item {
            cost: *cost,
            tokens: way.tokens,
            way: index,
        })
        .collect();
    let spread = if with_sites {
        spread(bidder, sites, costs, &best)
    } else {
        (0.0, 0.0)
    };
    if items.iter().any(|item| item.cost < 0.0) {
        // Running earns: no vector keeps a replica that neither demand nor minimum sites need.
        let largest = items.iter().map(|item| item.tokens).fold(0.0, f64::max);
        let least = items
            .iter()
            .map(|item| item.cost / item.tokens)
            .fold(0.0, f64::min);
        return least * (tokens + largest * (1.0 + bidder.minimum_sites as f64));
    }
    let covered = cover(tokens, bidder.worth, &mut items).0.max(spread.1);
    covered.max(by_origin(bidder, costs, tokens)) + spread.0
}

/// What minimum sites add: the least excess of each of the sites over the cheapest place of the variant, and the cost of
/// at least one replica at each.
fn spread(bidder: &Bidder, sites: &[u32], costs: &[f64], best: &[f64]) -> (f64, f64) {
    if bidder.minimum_sites == 0 || bidder.seats.is_empty() {
        return (0.0, 0.0);
    }
    let mut excess: Vec<f64> = Vec::new();
    let mut last = u32::MAX;
    for (seat, cost) in bidder.seats.iter().zip(costs) {
        let over = cost - best[seat.variant as usize];
        let site = sites[seat.pool as usize];
        match excess.last_mut() {
            Some(known) if site == last => *known = known.min(over),
            _ => excess.push(over),
        }
        last = site;
    }
    excess.sort_by(f64::total_cmp);
    let count = bidder.minimum_sites.min(excess.len());
    let least = best.iter().copied().fold(f64::INFINITY, f64::min).max(0.0);
    (excess[..count].iter().sum(), least * count as f64)
}

/// With origins: each part at the cheapest place that suits it, in fractions.
fn by_origin(bidder: &Bidder, costs: &[f64], tokens: f64) -> f64 {
    let cheapest = |origin: usize| {
        let suits = bidder.seats.iter().zip(costs).zip(&bidder.suits);
        let suits = suits.filter(|(_, suits)| *suits & (1 << origin) != 0);
        suits
            .map(|((seat, cost), _)| cost / bidder.ways[seat.variant as usize].tokens)
            .fold(bidder.worth, f64::min)
    };
    let parts = bidder.shares.iter().enumerate();
    parts
        .map(|(origin, share)| share * tokens * cheapest(origin))
        .sum()
}
