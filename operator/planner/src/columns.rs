//! Good replica vectors for one deployment in one slot: the columns that a route is made of.
//!
//! Costs are linear in replicas, so a good vector is a bulk at one place that is cheap per token and a remainder where few
//! replicas do: all pairs of the cheapest bulks and any remainder are tried, with the sites that must be there besides.

use crate::demand::Demand;

/// Replicas by place, only those that are not none.
pub(crate) type Column = Vec<(u16, u32)>;

/// Places that are tried for the bulk.
const BULKS: usize = 6;
/// Replicas that the bulk may give up to another variant.
const GIVEN_UP: u32 = 16;

/// What a slot asks and offers.
pub(crate) struct Offer<'o> {
    pub slot: usize,
    /// Cost of one replica, by place.
    pub cost: &'o [f64],
    /// The most replicas by place, others' left as they are.
    pub room: &'o [u32],
}

/// The cheapest vectors that serve the slot's demand, at most `most` of them, the cheapest first.
pub(crate) fn columns(demand: &Demand<'_>, offer: &Offer<'_>, most: usize) -> Vec<(f64, Column)> {
    let mut found = Found {
        demand,
        offer,
        columns: Vec::new(),
        least: Vec::new(),
        most,
    };
    let tokens = demand.tokens[offer.slot];
    let mut order: Vec<usize> = (0..demand.places.len())
        .filter(|at| offer.room[*at] > 0 && demand.places[*at].tokens > 0.0)
        .collect();
    let per_token = |at: &usize| offer.cost[*at] / demand.places[*at].tokens;
    order.sort_by(|a, b| per_token(a).total_cmp(&per_token(b)).then(a.cmp(b)));
    if tokens <= demand.tolerance {
        found.add(&[], &order);
    } else if demand.origins.is_some() {
        found.by_origin(&order);
    } else {
        for (rank, at) in order.iter().take(BULKS).enumerate() {
            found.with_bulk(tokens, *at, &order, rank);
        }
    }
    found.columns.sort_by(|a, b| {
        a.0.total_cmp(&b.0)
            .then_with(|| by_name(&a.1).cmp(by_name(&b.1)))
    });
    found.columns.dedup_by(|a, b| a.1 == b.1);
    found.columns.truncate(most);
    found.columns
}

/// The order of equals: the first place by name, with most there.
fn by_name(column: &Column) -> impl Iterator<Item = (u16, std::cmp::Reverse<u32>)> + '_ {
    column
        .iter()
        .map(|(at, count)| (*at, std::cmp::Reverse(*count)))
}

struct Found<'f, 'w> {
    demand: &'f Demand<'w>,
    offer: &'f Offer<'f>,
    columns: Vec<(f64, Column)>,
    /// The least costs so far, ascending: twice as many as are wanted, since columns come up twice.
    least: Vec<f64>,
    most: usize,
}

impl Found<'_, '_> {
    fn with_bulk(&mut self, tokens: f64, at: usize, order: &[usize], rank: usize) {
        let place = &self.demand.places[at];
        let room = self.offer.room[at];
        let all = replicas(tokens, place.tokens);
        if all <= room {
            self.add(&[(at, all)], order);
        }
        let bulk = all.min(room);
        for (number, other) in order.iter().enumerate().filter(|(_, other)| **other != at) {
            let beside = &self.demand.places[*other];
            if all > room {
                // Pairs of full places come up twice: once from each side.
                let rest = tokens - place.tokens * f64::from(bulk);
                if number > rank || number >= BULKS {
                    self.with_rest(rest, (at, bulk), *other, order);
                }
            }
            if beside.variant != place.variant {
                self.mixed(tokens, (at, bulk), *other, order);
            }
        }
    }

    /// The cheapest vectors of a bulk and some of another variant that fills what whole replicas leave over.
    fn mixed(&mut self, tokens: f64, (at, bulk): (usize, u32), other: usize, order: &[usize]) {
        let (each, filler) = (
            self.demand.places[at].tokens,
            self.demand.places[other].tokens,
        );
        let (cost, fill) = (self.offer.cost[at], self.offer.cost[other]);
        let mut best: Option<(f64, u32, u32)> = None;
        for given_up in 0..=GIVEN_UP.min(bulk) {
            let count = bulk - given_up;
            let rest = tokens - each * f64::from(count);
            if rest <= self.demand.tolerance {
                continue;
            }
            let needed = replicas(rest, filler);
            if needed > self.offer.room[other] {
                break;
            }
            let sum = cost * f64::from(count) + fill * f64::from(needed);
            if best.is_none_or(|(known, ..)| sum < known) {
                best = Some((sum, count, needed));
            }
        }
        if let Some((_, count, needed)) = best {
            self.add(&[(at, count), (other, needed)], order);
        }
    }

    fn with_rest(&mut self, rest: f64, bulk: (usize, u32), other: usize, order: &[usize]) {
        let each = self.demand.places[other].tokens;
        let needed = replicas(rest, each);
        let room = self.offer.room[other];
        if needed <= room {
            self.add(&[bulk, (other, needed)], order);
            return;
        }
        // Full as well: what is left goes wherever it is cheapest.
        let mut parts = vec![bulk, (other, room)];
        let mut rest = rest - each * f64::from(room);
        for third in order
            .iter()
            .filter(|third| **third != bulk.0 && **third != other)
        {
            let count =
                replicas(rest, self.demand.places[*third].tokens).min(self.offer.room[*third]);
            parts.push((*third, count));
            rest -= self.demand.places[*third].tokens * f64::from(count);
            if rest <= self.demand.tolerance {
                break;
            }
        }
        self.add(&parts, order);
    }

    /// Fills each origin's part where it is cheapest, the origin with the fewest places first.
    fn by_origin(&mut self, order: &[usize]) {
        let mut counts = vec![0_u32; self.demand.places.len()];
        for first in order.iter().take(BULKS) {
            counts.fill(0);
            for at in std::iter::once(first).chain(order) {
                let rest = self.demand.rest_at(self.offer.slot, *at, &counts);
                if rest > 0.0 {
                    let room = self.offer.room[*at] - counts[*at];
                    counts[*at] += replicas(rest, self.demand.places[*at].tokens).min(room);
                }
            }
            let parts: Vec<(usize, u32)> = (counts.iter().copied().enumerate())
                .filter(|(_, count)| *count > 0)
                .collect();
            self.add(&parts, order);
        }
    }

    /// Adds a vector with one replica at each of the cheapest further sites that it must run at.
    fn add(&mut self, parts: &[(usize, u32)], order: &[usize]) {
        if self.demand.minimum_sites <= 1 && !self.is_among_the_least(parts) {
            return;
        }
        let places = &self.demand.places;
        let mut column: Column = parts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(at, count)| (*at as u16, *count))
            .collect();
        let minimum = self.demand.minimum_sites as usize;
        let mut sites: Vec<usize> = column
            .iter()
            .map(|(at, _)| places[*at as usize].site)
            .collect();
        sites.sort_unstable();
        sites.dedup();
        while sites.len() < minimum {
            let free = order
                .iter()
                .filter(|at| !sites.contains(&places[**at].site));
            let Some(next) = free.min_by(|a, b| {
                self.offer.cost[**a]
                    .total_cmp(&self.offer.cost[**b])
                    .then(a.cmp(b))
            }) else {
                break;
            };
            column.push((*next as u16, 1));
            sites.push(places[*next].site);
            self.trim(&mut column);
        }
        column.sort_unstable();
        let cost = column
            .iter()
            .map(|(at, count)| self.offer.cost[*at as usize] * f64::from(*count))
            .sum();
        self.columns.push((cost, column));
    }

    /// Whether parts are as cheap as those that will be kept; most are not, and need no column made.
    fn is_among_the_least(&mut self, parts: &[(usize, u32)]) -> bool {
        let cost: f64 = parts
            .iter()
            .map(|(at, count)| self.offer.cost[*at] * f64::from(*count))
            .sum();
        let rank = self.least.partition_point(|known| *known <= cost);
        if rank >= 2 * self.most {
            return false;
        }
        self.least.insert(rank, cost);
        self.least.truncate(2 * self.most);
        true
    }

    /// A replica at a further site may make one of the others superfluous.
    fn trim(&self, column: &mut Column) {
        if self.demand.origins.is_some() {
            return;
        }
        let tokens = |at: u16| self.demand.places[at as usize].tokens;
        let served: f64 = column
            .iter()
            .map(|(at, count)| tokens(*at) * f64::from(*count))
            .sum();
        let mut over = served - self.demand.tokens[self.offer.slot];
        let last = column.len() - 1;
        for (at, count) in &mut column[..last] {
            while *count > 1 && tokens(*at) <= over + self.demand.tolerance {
                *count -= 1;
                over -= tokens(*at);
            }
        }
    }
}

/// Replicas that serve `rest` alone.
pub(crate) fn replicas(rest: f64, tokens: f64) -> u32 {
    (rest / tokens - 1e-9)
        .ceil()
        .max(0.0)
        .min(f64::from(u32::MAX)) as u32
}
