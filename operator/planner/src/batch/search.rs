//! Which job gets which room: each its best in the order of urgency, then exchanges while they pay.
//!
//! A job that is not where it would be best if it were alone tries to move there, past up to [`PUSHED`] others that then
//! look for their best elsewhere. It stops on a count of attempts, never on time.

use commonwatt_fleet::{BatchJob, JobId, Product};

use crate::batch::grade::Grade;
use crate::batch::room::{Room, Way};
use crate::windows::Window;

/// Jobs that one may push out at a time.
const PUSHED: usize = 4;
/// Others that a job tries to push out, at one way.
const CANDIDATES: usize = 100;
/// Jobs that push out one another in turn.
const CHAIN: usize = 3;
/// Attempts per job, in the mean.
const ATTEMPTS: usize = 64;
/// Times that all jobs are looked at.
const PASSES: usize = 8;

/// One job and the ways to do it.
pub(crate) struct Task<'i> {
    pub id: &'i JobId,
    pub job: &'i BatchJob,
    /// Its window where it has all it reads.
    pub window: Window,
    /// The product that it runs on: it stays there while that has it done in time.
    pub running_on: Option<&'i Product>,
    /// Best first, with how good each would be if the job were alone.
    pub ways: Vec<(Way<'i>, Grade)>,
    /// What being at the best site and not the second best saves.
    regret: f64,
}

/// Where a job is.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Index among its ways.
    pub way: usize,
    pub slots: Vec<usize>,
    grade: Grade,
}

impl<'i> Task<'i> {
    /// The ways sorted as they would be if the job were alone in the room.
    pub(crate) fn new(
        (id, job): (&'i JobId, &'i BatchJob),
        window: Window,
        running_on: Option<&'i Product>,
        ways: Vec<Way<'i>>,
        room: &mut Room<'i>,
    ) -> Self {
        let mut task = Self {
            id,
            job,
            window,
            running_on,
            ways: Vec::new(),
            regret: 0.0,
        };
        let grade = |way: Way<'i>| {
            let alone = task.at(&way, room);
            (
                way,
                alone.map_or_else(|| task.unplaced(), |(_, grade)| grade),
            )
        };
        let mut ways: Vec<_> = ways.into_iter().map(grade).collect();
        ways.sort_by(|a, b| a.1.order(&b.1));
        if let [(first, best), others @ ..] = &ways[..] {
            let elsewhere = others.iter().find(|(way, _)| way.site != first.site);
            task.regret = elsewhere.map_or(f64::MAX, |(_, grade)| grade.cost - best.cost);
        }
        task.ways = ways;
        task
    }

    /// The best slots of one way in the room as it is, none where it cannot be done in time but may be left to later.
    fn at(&self, way: &Way<'_>, room: &mut Room<'_>) -> Option<(Vec<usize>, Grade)> {
        if self.window.work == 0 {
            return None;
        }
        let hours = room.hours(self.job, way);
        let slots = match hours.cheapest_in_time(&way.window) {
            Some(slots) => slots,
            None if self.window.rest_fits_beyond(0) => return None,
            None => hours.earliest(&way.window)?,
        };
        let late = !self.window.done_in_time(&slots);
        let left = self.window.work.saturating_sub(slots.len());
        let undone = if way.window.interruptible || late {
            left as f64 * self.urgency()
        } else {
            0.0
        };
        let grade = Grade {
            late: f64::from(u8::from(late)),
            switched: f64::from(u8::from(
                self.running_on.is_some_and(|on| on != way.product),
            )),
            undone,
            end: if late {
                slots.last().map_or(0.0, |last| *last as f64)
            } else {
                0.0
            },
            cost: hours.projected(&way.window, &slots),
        };
        Some((slots, grade))
    }

    fn urgency(&self) -> f64 {
        1.0 / (1.0 + self.window.slack().max(0) as f64)
    }

    fn unplaced(&self) -> Grade {
        let late = self.window.work > 0 && !self.window.rest_fits_beyond(0);
        Grade {
            late: f64::from(u8::from(late)),
            switched: 0.0,
            undone: self.window.work as f64 * self.urgency(),
            end: if late { self.window.slots as f64 } else { 0.0 },
            cost: self.ways.first().map_or(0.0, |(_, alone)| alone.cost),
        }
    }

    /// The best of all ways in the room as it is.
    fn best(&self, room: &mut Room<'_>) -> Option<Taken> {
        let mut best: Option<Taken> = None;
        for (index, (way, alone)) in self.ways.iter().enumerate() {
            if best.as_ref().is_some_and(|best| !alone.beats(&best.grade)) {
                break;
            }
            let Some((slots, grade)) = self.at(way, room) else {
                continue;
            };
            if best.as_ref().is_none_or(|best| grade.beats(&best.grade)) {
                best = Some(Taken {
                    way: index,
                    slots,
                    grade,
                });
            }
        }
        best
    }

    fn grade(&self, taken: Option<&Taken>) -> Grade {
        taken.map_or_else(|| self.unplaced(), |taken| taken.grade)
    }
}

/// Jobs that were moved, and where they were.
type Moved = Vec<(usize, Option<Taken>)>;

/// A placement of all jobs in the making.
pub(crate) struct Search<'s, 'i> {
    tasks: &'s [Task<'i>],
    room: &'s mut Room<'i>,
    taken: Vec<Option<Taken>>,
    /// Jobs by site.
    at_site: Vec<Vec<usize>>,
    attempts: usize,
}

/// Places jobs; the answer is in the order of the tasks.
pub(crate) fn place_all<'i>(
    tasks: &[Task<'i>],
    room: &mut Room<'i>,
    sites: usize,
) -> Vec<Option<Taken>> {
    let mut search = Search {
        tasks,
        room,
        taken: vec![None; tasks.len()],
        at_site: vec![Vec::new(); sites],
        attempts: 0,
    };
    let mut order: Vec<_> = (0..tasks.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&tasks[*a], &tasks[*b]);
        let by_urgency =
            (!a.window.going_on, a.window.slack()).cmp(&(!b.window.going_on, b.window.slack()));
        by_urgency
            .then(b.regret.total_cmp(&a.regret))
            .then(a.id.cmp(b.id))
    });
    for index in &order {
        search.settle(*index);
    }
    // Short chains first: they are cheap, and leave little for long ones to do.
    for chain in [1, CHAIN] {
        search.attempts = ATTEMPTS * tasks.len();
        for _ in 0..PASSES {
            let better = |index: &&usize| search.improve(**index, chain);
            if order.iter().filter(better).count() == 0 {
                break;
            }
        }
    }
    search.taken
}

impl Search<'_, '_> {
    /// Puts a job where it is best now.
    fn settle(&mut self, index: usize) {
        let taken = self.tasks[index].best(self.room);
        self.put(index, taken);
    }

    fn put(&mut self, index: usize, taken: Option<Taken>) {
        if let Some(taken) = &taken {
            let way = &self.tasks[index].ways[taken.way].0;
            self.room.take(way, &taken.slots);
            self.at_site[way.site].push(index);
        }
        self.taken[index] = taken;
    }

    fn take_out(&mut self, index: usize) -> Option<Taken> {
        let taken = self.taken[index].take()?;
        let way = &self.tasks[index].ways[taken.way].0;
        self.room.give_back(way, &taken.slots);
        self.at_site[way.site].retain(|other| *other != index);
        Some(taken)
    }

    fn grade(&self, index: usize) -> Grade {
        self.tasks[index].grade(self.taken[index].as_ref())
    }

    /// Moves a job to a better place, past others if need be. Says whether anything became better.
    fn improve(&mut self, index: usize, chain: usize) -> bool {
        let now = self.grade(index);
        let best = self.tasks[index].ways.first();
        if !best.is_some_and(|(_, alone)| alone.beats(&now)) {
            return false;
        }
        let mut moved = vec![(index, self.take_out(index))];
        let better = self.reseat(index, now, &mut moved, chain);
        if !better {
            self.undo(&mut moved, 0);
        }
        better
    }

    /// Finds a place for a job that has been taken out such that all that moved are better off together than `before`:
    /// where there is room, or where others make room that then find places themselves. Else it is out as it was.
    fn reseat(&mut self, index: usize, before: Grade, moved: &mut Moved, chain: usize) -> bool {
        self.settle(index);
        if self.total(moved).beats(&before) {
            return true;
        }
        let now = self.grade(index);
        self.take_out(index);
        if chain == 0 {
            return false;
        }
        let tasks = self.tasks;
        let rest = self.total(moved).less(self.grade(index));
        let wanted = tasks[index].ways.iter();
        for (way, alone) in wanted.take_while(|(_, alone)| alone.beats(&now)) {
            let most = before.gain_over(&rest.plus(*alone));
            let others = self.candidates(way.site, most, moved);
            for from in 0..others.len() {
                let to = (from + PUSHED).min(others.len());
                if self.push_out(index, &others[from..to], (&now, before), moved, chain) {
                    return true;
                }
            }
        }
        false
    }

    /// Takes others out until a job is better off than `now`, then finds places for them.
    fn push_out(
        &mut self,
        index: usize,
        others: &[usize],
        (now, mut before): (&Grade, Grade),
        moved: &mut Moved,
        chain: usize,
    ) -> bool {
        if self.attempts == 0 {
            return false;
        }
        self.attempts -= 1;
        let mark = moved.len();
        for other in others {
            self.take_out(index);
            before = before.plus(self.grade(*other));
            moved.push((*other, self.take_out(*other)));
            self.settle(index);
            if self.grade(index).beats(now) {
                break;
            }
        }
        if let [others @ .., (last, _)] = &moved[mark..] {
            for (other, _) in others {
                self.settle(*other);
            }
            if self.reseat(*last, before, moved, chain - 1) {
                return true;
            }
        }
        self.take_out(index);
        self.undo(moved, mark);
        false
    }

    /// Puts back what moved from a mark on.
    fn undo(&mut self, moved: &mut Moved, mark: usize) {
        for (index, _) in &moved[mark..] {
            self.take_out(*index);
        }
        for (index, taken) in moved.drain(mark..) {
            self.put(index, taken);
        }
    }

    fn total(&self, jobs: &Moved) -> Grade {
        let grades = jobs.iter().map(|(index, _)| self.grade(*index));
        grades.fold(Grade::default(), Grade::plus)
    }

    /// Jobs at a site that may move and would lose less than `most`, those first that lose least.
    fn candidates(&self, site: usize, most: f64, moved: &Moved) -> Vec<usize> {
        let may_move = |index: &&usize| {
            !self.tasks[**index].window.going_on && moved.iter().all(|(other, _)| other != *index)
        };
        let here = self.at_site[site].iter().filter(may_move);
        let mut here: Vec<_> = here
            .map(|index| (self.loss(*index, site), *index))
            .collect();
        here.retain(|(loss, _)| *loss < most);
        here.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        here.truncate(CANDIDATES);
        here.into_iter().map(|(_, index)| index).collect()
    }

    /// What a job that has to leave a site would pay more at least: as if it were alone at its best other site, or here in
    /// other slots.
    fn loss(&self, index: usize, site: usize) -> f64 {
        let task = &self.tasks[index];
        let now = self.grade(index).cost;
        let elsewhere = |way: &Way<'_>| way.site != site || task.window.slots > 1;
        let left = task.ways.iter().find(|(way, _)| elsewhere(way));
        left.map_or(f64::INFINITY, |(_, alone)| alone.cost - now)
    }
}
