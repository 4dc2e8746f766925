//! Rounds over all deployments.

use super::order::by_regret;
use super::standing::{Standing, better};
use super::{Route, Routes};
use crate::choice::Grade;

/// Parts of the scarcity prices that count while a few look for routes; the last is gone over until nothing improves.
const FADING: [f64; 4] = [1.0, 0.5, 0.2, 0.0];
/// Rounds at most.
const ROUNDS: usize = 30;
/// Times that all are put in anew, with those before who came off badly.
const REBUILDS: usize = 8;
/// Rounds in which room is made.
const ROOM_ROUNDS: usize = 6;
/// Gain of a round that is not worth another one, as a part of the cost.
const HARDLY: f64 = 1e-4;
/// Deployments times slots up to which every start is searched from.
const SMALL: usize = 2_000;

impl Routes<'_, '_> {
    /// The best of these routes, and of what a search finds from them and from routes built anew at the prices.
    pub(crate) fn improve(self) -> Self {
        let mut anew = self.clone();
        anew.rebuild();
        let mut trial = anew.clone();
        for _ in 0..REBUILDS {
            trial.reorder();
            trial.rebuild();
            if better(&trial.standing_of_all(), &anew.standing_of_all()) {
                anew = trial.clone();
            }
        }
        let small = self.taken.len() * self.instance.slots <= SMALL;
        let (first, second) = if better(&anew.standing_of_all(), &self.standing_of_all()) {
            (anew, self)
        } else {
            (self, anew)
        };
        let mut best = first;
        best.search();
        if small {
            let mut other = second;
            other.search();
            if better(&other.standing_of_all(), &best.standing_of_all()) {
                best = other;
            }
        }
        best
    }

    /// Deployments that do not get all that they ask for where all are put in once.
    pub(crate) fn who_falls_short(mut self) -> Vec<usize> {
        self.rebuild();
        (0..self.taken.len())
            .filter(|index| self.is_short(*index))
            .collect()
    }

    pub(super) fn standing_of_all(&self) -> Standing {
        let routes: Vec<&[Vec<u32>]> = (self.order.iter())
            .map(|index| &self.taken[*index][..])
            .collect();
        self.standing(&self.order, &routes)
    }

    /// Improves all slots but the first until nothing does: savings below the threshold for changing what runs now are
    /// taken by the hours to come.
    pub(crate) fn improve_later_slots(&mut self) {
        if self.instance.slots < 2 {
            return;
        }
        self.held.fill(true);
        self.freed.all();
        let all = self.order.clone();
        for _ in 0..ROUNDS {
            if !self.round(&all, 0.0) {
                break;
            }
        }
    }

    /// Finds routes for some, and improves theirs until nothing does.
    pub(crate) fn settle(&mut self, loose: &[usize]) {
        let order: Vec<usize> = (self.order.iter().copied())
            .filter(|index| loose.contains(index))
            .collect();
        for part in FADING.into_iter().chain([0.0; ROUNDS]) {
            self.freed.all();
            if !self.round(&order, part) && part <= 0.0 {
                break;
            }
        }
    }

    /// Improves until hardly anything does, or the rounds are over.
    fn search(&mut self) {
        let all = self.order.clone();
        self.freed.all();
        let mut known = self.standing_of_all();
        let mut rooms = 0;
        for _ in 0..ROUNDS {
            if self.round(&all, 0.0) && self.gained(&mut known) {
                continue;
            }
            rooms += 1;
            if rooms > ROOM_ROUNDS || !self.make_room() || !self.gained(&mut known) {
                break;
            }
        }
    }

    /// Whether all stand better by what is worth another round.
    fn gained(&self, known: &mut Standing) -> bool {
        let now = self.standing_of_all();
        let sum = |standing: &Standing| {
            let grades = standing.values();
            grades.fold(Grade::default(), |sum, grade| sum.plus(*grade))
        };
        let (new, old) = (sum(&now), sum(known));
        *known = now;
        new.unserved < old.unserved
            || new.missing < old.missing
            || new.money < old.money - HARDLY * old.money.abs()
    }

    /// Lets each choose again who could find something new. Returns whether anything improved.
    fn round(&mut self, order: &[usize], scarcity: f64) -> bool {
        let mut better = false;
        for index in order {
            if self.freed.look(self.instance, *index) {
                better |= self.reroute(*index, scarcity);
            }
        }
        better
    }

    /// Takes all out and puts them in again at the full prices: first those whose first slot stays, then in order.
    fn rebuild(&mut self) {
        let mut order = self.order.clone();
        order.sort_by_key(|index| !self.held[*index]);
        let old: Vec<Route> = order.iter().map(|index| self.empty_out(*index)).collect();
        for (index, was) in order.iter().zip(&old) {
            let nothing = self.take_out(*index);
            let route = self.best_route(*index, was, 1.0).unwrap_or(nothing);
            self.give(*index, route);
        }
    }

    /// Lets those choose earlier who paid most beyond what the prices say: squeaky wheels (Joslin and Clements, 1999).
    fn reorder(&mut self) {
        for index in 0..self.taken.len() {
            if let Some(wish) = self.wish(index) {
                let worth = self.instance.demands[index].worth(self.instance.hours);
                self.regrets[index] += wish.grade.money.max(0.0) + wish.grade.unserved * worth;
            }
        }
        self.order = by_regret(self.instance, &self.regrets);
    }

    /// Takes one deployment out and puts it in again by the best route that there is for it.
    fn reroute(&mut self, index: usize, scarcity: f64) -> bool {
        let old = self.take_out(index);
        let known = self.grade(index, &old, scarcity);
        let found = self.best_route(index, &old, scarcity);
        let better = found.filter(|new| self.grade(index, new, scarcity).beats(&known));
        let moves = better.is_some();
        if moves {
            self.freed.left(self.instance, index, &old);
        }
        self.give(index, better.unwrap_or(old));
        moves
    }
}
