//! Small replica vectors for one deployment in one slot, cheapest first by what capacity leaves.
//!
//! Costs are linear in replicas, so a good vector is a fill: take whole what serves the rest at one place, unless some
//! place that cannot hold the rest is cheaper per token; then take all it holds and go on.

use crate::choice::{Grade, SlotState};

/// How to fill.
#[derive(Debug, Clone, Copy)]
struct Fill {
    /// Replicas of the before-state to keep at least, the cheapest first. Those that dwell are kept anyway.
    keep: u32,
    /// Whether anything new may start.
    arrivals: bool,
    /// Whether what has become superfluous goes in this same slot.
    trim: bool,
}

impl SlotState<'_, '_> {
    /// The best vector for a deployment, given what all others have. It must have been taken out.
    pub(crate) fn best_vector(&mut self, index: usize) -> (Vec<u32>, Grade) {
        let held: u32 = self.before[index]
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count));
        let policy = self.instance.demands[index].policy_index;
        let budget = self.moves_left[policy];
        let stay = Fill {
            keep: u32::MAX,
            arrivals: true,
            trim: true,
        };
        let mut best: Option<(Vec<u32>, Grade)> = None;
        let mut fills = vec![stay];
        if held > 0 {
            fills.push(Fill {
                keep: held.saturating_sub(budget),
                ..stay
            });
        }
        for fill in fills {
            self.consider(index, fill, budget, &mut best);
        }
        if best.is_none() {
            // Rearranging takes more moves than are left: grow without trimming, or at least keep what can be kept.
            let grow = Fill {
                trim: false,
                ..stay
            };
            let keep = Fill {
                arrivals: false,
                ..grow
            };
            self.consider(index, grow, budget, &mut best);
            self.consider(index, keep, budget, &mut best);
        }
        best.unwrap_or_else(|| {
            let none = vec![0; self.before[index].len()];
            let grade = self.grade(index, &none);
            (none, grade)
        })
    }

    fn consider(
        &mut self,
        index: usize,
        fill: Fill,
        budget: u32,
        best: &mut Option<(Vec<u32>, Grade)>,
    ) {
        let counts = self.fill(index, fill);
        if self.moves(index, &counts) > budget {
            return;
        }
        let grade = self.grade(index, &counts);
        if best.as_ref().is_none_or(|(_, known)| grade.beats(known)) {
            *best = Some((counts, grade));
        }
    }

    /// Fills from nothing and returns the vector; the deployment is out again afterwards.
    fn fill(&mut self, index: usize, fill: Fill) -> Vec<u32> {
        self.keep(index, fill.keep);
        self.serve_rest(index, fill);
        self.spread(index, fill);
        if fill.trim {
            let none = vec![0; self.now[index].len()];
            self.trim(index, &none);
        }
        let counts = self.now[index].clone();
        self.set_all(index, &vec![0; counts.len()]);
        counts
    }

    /// Keeps replicas where they are: those that dwell, then the cheapest per token.
    fn keep(&mut self, index: usize, mut keep: u32) {
        let instance = self.instance;
        let demand = &instance.demands[index];
        let mut held: Vec<_> = (0..demand.places.len())
            .filter(|at| self.before[index][*at] > 0)
            .map(|at| {
                let place = &demand.places[at];
                let per_token = self.stay(place) / place.tokens.max(f64::MIN_POSITIVE);
                (!self.dwells(index, at), per_token, at)
            })
            .collect();
        held.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        for (free_to_go, _, at) in held {
            let rest = self.rest(index);
            if rest <= 0.0 {
                return;
            }
            let rest = demand.rest_at(self.slot, at, &self.now[index]);
            if rest <= 0.0 {
                continue;
            }
            let need = replicas_for(rest, demand.places[at].tokens);
            let mut count = self.before[index][at].min(need);
            if free_to_go {
                count = count.min(keep);
            }
            let count = count.min(self.room(index, at));
            keep = keep.saturating_sub(count);
            self.set(index, at, count);
        }
    }

    /// Tokens per second still to be served.
    pub(crate) fn rest(&self, index: usize) -> f64 {
        self.instance.demands[index].shortfall(self.slot, &self.now[index])
    }

    fn serve_rest(&mut self, index: usize, fill: Fill) {
        let instance = self.instance;
        let demand = &instance.demands[index];
        let mut rest = self.rest(index);
        if rest <= 0.0 {
            return;
        }
        let mut room: Vec<_> = (0..demand.places.len())
            .map(|at| self.room_for(index, at, fill))
            .collect();
        // Each round either ends or fills one place to its brim.
        for _ in 0..demand.places.len() {
            let Some((at, count)) = self.next_block(index, rest, &room) else {
                return;
            };
            self.set(index, at, self.now[index][at] + count);
            rest = self.rest(index);
            if rest <= 0.0 {
                return;
            }
            let site = demand.places[at].site;
            for (other, room) in room.iter_mut().enumerate() {
                if demand.places[other].site == site {
                    *room = self.room_for(index, other, fill);
                }
            }
        }
    }

    fn room_for(&mut self, index: usize, at: usize, fill: Fill) -> u32 {
        let before = self.before[index][at];
        if !fill.arrivals && before == 0 {
            return 0;
        }
        let room = self.room(index, at);
        if fill.arrivals {
            room
        } else {
            room.min(before)
        }
    }

    /// The next place and how many replicas to add there.
    fn next_block(&self, index: usize, rest: f64, room: &[u32]) -> Option<(usize, u32)> {
        let demand = &self.instance.demands[index];
        let mut whole: Option<(f64, usize, u32)> = None;
        let mut part: Option<(f64, usize, u32)> = None;
        for (at, place) in demand.places.iter().enumerate() {
            let free = room[at].saturating_sub(self.now[index][at]);
            if free == 0 || place.tokens <= 0.0 {
                continue;
            }
            let mine = match demand.origins {
                Some(_) => demand.rest_at(self.slot, at, &self.now[index]),
                None => rest,
            };
            if mine <= 0.0 {
                continue;
            }
            let need = replicas_for(mine, place.tokens);
            let count = need.min(free);
            let cost = self.block_cost(index, at, count);
            let (slot, price) = if need <= free {
                (&mut whole, cost / mine)
            } else {
                (&mut part, cost / (place.tokens * f64::from(count)))
            };
            if slot.is_none_or(|(known, _, _)| price < known) {
                *slot = Some((price, at, count));
            }
        }
        match (whole, part) {
            (Some(whole), Some(part)) if part.0 < whole.0 => Some((part.1, part.2)),
            (Some(whole), _) => Some((whole.1, whole.2)),
            (None, part) => part.map(|(_, at, count)| (at, count)),
        }
    }

    /// Cost to the horizon's end of `count` more replicas at a place.
    fn block_cost(&self, index: usize, at: usize, count: u32) -> f64 {
        let demand = &self.instance.demands[index];
        let place = &demand.places[at];
        let stays = count.min(self.before[index][at].saturating_sub(self.now[index][at]));
        let arrives = count - stays;
        f64::from(stays) * self.stay(place)
            + f64::from(arrives) * (self.arrive(place) + self.start_cost(index))
    }

    /// Adds one replica at each of the cheapest further sites until there are enough of them.
    fn spread(&mut self, index: usize, fill: Fill) {
        let demand = &self.instance.demands[index];
        while demand.sites_missing(&self.now[index]) > 0 {
            let mut best: Option<(bool, f64, usize)> = None;
            for (at, place) in demand.places.iter().enumerate() {
                if demand.at_site(place.site, &self.now[index]) > 0
                    || self.room_for(index, at, fill) == 0
                {
                    continue;
                }
                let leaves = demand.at_site(place.site, &self.before[index]) == 0;
                let key = (leaves, self.block_cost(index, at, 1), at);
                let better = best.is_none_or(|known| {
                    (key.0, key.1)
                        .partial_cmp(&(known.0, known.1))
                        .is_some_and(std::cmp::Ordering::is_lt)
                });
                if better {
                    best = Some(key);
                }
            }
            let Some((_, _, at)) = best else { return };
            self.set(index, at, 1);
        }
    }

    /// Takes away replicas that neither the demand nor the minimum of sites needs, down to `least` at each place,
    /// newcomers and the dearest first.
    fn trim(&mut self, index: usize, least: &[u32]) {
        let demand = &self.instance.demands[index];
        loop {
            let mut worst: Option<(bool, f64, usize)> = None;
            for (at, place) in demand.places.iter().enumerate() {
                let count = self.now[index][at];
                if count <= least[at] || !self.superfluous(index, at) {
                    continue;
                }
                let arrived = count > self.before[index][at];
                let price = if arrived {
                    self.arrive(place)
                } else {
                    self.stay(place)
                };
                let key = (arrived || !self.dwells(index, at), price, at);
                if worst.is_none_or(|known| (key.0, key.1) > (known.0, known.1)) {
                    worst = Some(key);
                }
            }
            let Some((_, _, at)) = worst else { return };
            let count = self.now[index][at];
            self.set(index, at, count - 1);
        }
    }

    /// Whether a deployment does without one replica of a place.
    fn superfluous(&mut self, index: usize, at: usize) -> bool {
        let demand = &self.instance.demands[index];
        let short = demand.shortfall(self.slot, &self.now[index]);
        let missing = demand.sites_missing(&self.now[index]);
        self.now[index][at] -= 1;
        let needed = demand.shortfall(self.slot, &self.now[index]) > short
            || demand.sites_missing(&self.now[index]) > missing;
        self.now[index][at] += 1;
        !needed
    }

    /// Adds what is missing to what a deployment has, where room was left, and moves nothing.
    pub(crate) fn top_up(&mut self, index: usize) {
        let grow = Fill {
            keep: 0,
            arrivals: true,
            trim: false,
        };
        let had = self.now[index].clone();
        let policy = self.instance.demands[index].policy_index;
        let known = self.grade(index, &had);
        self.serve_rest(index, grow);
        self.spread(index, grow);
        self.trim(index, &had);
        let counts = self.now[index].clone();
        let moves = self.moves(index, &counts);
        let allowed = self.moves_left[policy] + self.moves_taken[index];
        if moves <= allowed && self.grade(index, &counts).beats(&known) {
            self.moves_left[policy] = allowed - moves;
            self.moves_taken[index] = moves;
        } else {
            self.set_all(index, &had);
        }
    }
}

/// Replicas that serve `rest` alone.
pub(crate) fn replicas_for(rest: f64, tokens: f64) -> u32 {
    if tokens <= 0.0 {
        return u32::MAX;
    }
    (rest / tokens - 1e-9).ceil().max(1.0) as u32
}
