//! The way from what is committed to a plan's first slot: steps of which every order that they allow keeps every limit.
//!
//! Deployments take turns: new replicas are reserved, seen ready, get their requests, and then others go (DESIGN section 6,
//! make before break). A plan that charges transitions at the larger of before and after has room for all turns at once, but
//! for what batch gives up that ends. Any other, a plan of somebody else or of another hour, may need an order, and
//! where turns wait for each other in a circle it is broken, in this order:
//!
//! 1. what is served beside what is needed goes at once;
//! 2. a job pauses that may, the one that pauses at the least cost, and goes on as soon as others have moved;
//! 3. a deployment moves a few replicas at a time, as far as there is room;
//! 4. both;
//! 5. what is left is [`Held`]: it is not done.
//!
//! That it serves on the way what it served before, or will after if that is less, or all that is asked for, is never given up.

mod job;
mod room;
mod turn;

use commonwatt_fleet::{Act, Deployment, Held, Path, Plan, Step, World, sound};

use job::{Job, jobs};
use room::{Load, Room};
use turn::Turn;

/// The steps from what is committed to the first slot of a plan, for [`commonwatt_fleet::check`]ed worlds and others: what cannot
/// be used of a world has no steps. Nothing is asked of a horizon without slots. Pure and deterministic.
pub fn path(world: &World, plan: &Plan) -> Path {
    let (world, _) = sound(world);
    let world = world.as_ref();
    if world.slots.count == 0 {
        return Path::default();
    }
    let mut walk = Walk::new(world, plan);
    walk.suspend_what_ends();
    walk.take_turns();
    walk.run_what_starts();
    walk.path()
}

/// How far the way has been found.
#[derive(Clone)]
struct Walk<'w> {
    room: Room<'w>,
    steps: Vec<Step>,
    /// Deployments that have not arrived: those that give room back before those that only grow, then by priority.
    open: Vec<Turn<'w>>,
    jobs: Vec<Job<'w>>,
    held: Vec<Held>,
}

impl<'w> Walk<'w> {
    fn new(world: &'w World, plan: &'w Plan) -> Self {
        let mut room = Room::new(world, plan);
        let jobs = jobs(world, plan, &room);
        for (_, load) in jobs.iter().filter_map(|job| job.now.as_ref()) {
            room.hold(load, 1);
        }
        for deployment in world.deployments.values() {
            hold_committed(&mut room, deployment);
        }
        let turns = plan.deployments.iter().filter_map(|(id, decision)| {
            let deployment = world.deployments.get(id)?;
            Turn::new(world, &room, deployment, (id, decision))
        });
        let mut open: Vec<_> = turns.collect();
        open.sort_by_key(|turn| (turn.grows(), std::cmp::Reverse(turn.priority)));
        let mut coming: Vec<(&Load, u32)> = open.iter().flat_map(Turn::coming).collect();
        let starting = jobs.iter().filter(|job| !job.stays());
        coming.extend(starting.filter_map(|job| Some((&job.to.as_ref()?.1, 1))));
        room.expect(&coming);
        Self {
            room,
            steps: Vec::new(),
            open,
            jobs,
            held: Vec::new(),
        }
    }

    /// Jobs that the first slot does not run give their room back before anything else.
    fn suspend_what_ends(&mut self) {
        for index in 0..self.jobs.len() {
            if !self.jobs[index].stays() {
                self.suspend(index);
            }
        }
    }

    fn suspend(&mut self, index: usize) {
        let job = &mut self.jobs[index];
        let Some((site, load)) = job.now.take() else {
            return;
        };
        let step = self.steps.len();
        self.room.give(step, &load, 1);
        let act = Act::Suspend {
            job: job.id.clone(),
            site: site.clone(),
        };
        let after = job.last.replace(step).into_iter().collect();
        self.steps.push(Step { act, after });
    }

    fn run(&mut self, index: usize) {
        let job = &mut self.jobs[index];
        let Some((to, load)) = &job.to else { return };
        let step = self.steps.len();
        let mut after = self.room.take(step, load, 1);
        after.extend(job.last.replace(step));
        let act = job.run(to);
        job.now = Some((&to.site, load.clone()));
        let after = after.into_iter().collect();
        self.steps.push(Step { act, after });
    }

    /// All turns that can be taken, breaking circles where that has to be.
    fn take_turns(&mut self) {
        while !self.open.is_empty() {
            let went =
                self.take_whole_turns() || self.let_go() || self.pause_for(Self::take_whole_turns);
            let went = went || self.take_a_part() || self.pause_for(Self::take_all_parts);
            if !went {
                return;
            }
        }
    }

    /// Takes every turn that there is room for. Whether there was any.
    fn take_whole_turns(&mut self) -> bool {
        let before = self.open.len();
        let mut waiting = Vec::new();
        for mut turn in std::mem::take(&mut self.open) {
            if !self.room.fits(&turn.coming()) {
                waiting.push(turn);
                continue;
            }
            let counts: Vec<u32> = turn.comes.iter().map(turn::Change::left).collect();
            if counts.iter().any(|count| *count > 0) {
                turn.come(&counts, &mut self.room, &mut self.steps);
            }
            turn.go(&mut self.room, &mut self.steps);
        }
        self.open = waiting;
        self.open.len() < before
    }

    /// Lets go what is served beside what is needed. Whether there was any.
    fn let_go(&mut self) -> bool {
        let (room, steps) = (&mut self.room, &mut self.steps);
        let went = self.open.iter_mut().map(|turn| turn.go(room, steps));
        went.fold(false, |any, went| any | went)
    }

    /// The first deployment that can moves as many replicas as there is room for. Whether there was one. Room that would give none
    /// back is left to others, unless it is for one that only grows.
    fn take_a_part(&mut self) -> bool {
        for index in 0..self.open.len() {
            let (mut turn, mut room) = (self.open[index].clone(), self.room.clone());
            let parts = turn.parts(&room);
            if parts.iter().all(|count| *count == 0) {
                continue;
            }
            let begin = self.steps.len();
            turn.come(&parts, &mut room, &mut self.steps);
            if turn.go(&mut room, &mut self.steps) || turn.grows() {
                self.room = room;
                self.open[index] = turn;
                self.open.retain(|turn| !turn.is_done());
                return true;
            }
            self.steps.truncate(begin);
        }
        false
    }

    fn take_all_parts(&mut self) -> bool {
        let mut any = false;
        while self.take_whole_turns() || self.let_go() || self.take_a_part() {
            any = true;
        }
        any
    }

    /// Pauses jobs so that turns can be taken, and lets them go on. Of those that stand in somebody's way one alone, the cheapest
    /// first, or else as many as it takes. Whether that helped.
    fn pause_for(&mut self, take: fn(&mut Self) -> bool) -> bool {
        let mut jobs: Vec<usize> = (0..self.jobs.len())
            .filter(|job| self.is_in_the_way(*job))
            .collect();
        jobs.sort_by(|a, b| {
            self.jobs[*a]
                .restart_cost
                .total_cmp(&self.jobs[*b].restart_cost)
        });
        let alone = (0..jobs.len()).map(|job| job..job + 1);
        let together = (2..=jobs.len()).map(|count| 0..count);
        for range in alone.chain(together) {
            let mut with = self.clone();
            let paused = &jobs[range];
            for job in paused {
                with.suspend(*job);
            }
            while take(&mut with) {}
            let back = paused
                .iter()
                .filter_map(|job| Some((&self.jobs[*job].to.as_ref()?.1, 1)));
            if with.open.len() < self.open.len() && with.room.fits(&back.collect::<Vec<_>>()) {
                for job in paused {
                    with.run(*job);
                }
                *self = with;
                return true;
            }
        }
        false
    }

    /// Whether a job may pause and draws on something that a turn waits for.
    fn is_in_the_way(&self, job: usize) -> bool {
        let job = &self.jobs[job];
        let now = job.now.as_ref().filter(|_| job.may_pause);
        let mut coming = self.open.iter().flat_map(Turn::coming);
        now.is_some_and(|(_, held)| coming.any(|(load, _)| load.meets(held)))
    }

    fn run_what_starts(&mut self) {
        for index in 0..self.jobs.len() {
            let job = &self.jobs[index];
            let Some((to, load)) = job.to.as_ref().filter(|_| job.now.is_none()) else {
                continue;
            };
            match self.room.obstacle(&[(load, 1)]) {
                None => self.run(index),
                Some(by) => {
                    let act = job.run(to);
                    self.held.push(Held { act, by });
                }
            }
        }
    }

    /// The steps, and what they leave out.
    fn path(mut self) -> Path {
        let open = self.open.iter().flat_map(|turn| turn.held(&self.room));
        self.held.extend(open);
        Path {
            steps: self.steps,
            held: self.held,
        }
    }
}

/// Charges what is committed at sites that are there.
fn hold_committed(room: &mut Room<'_>, deployment: &Deployment) {
    for (site, variants) in &deployment.committed {
        for variant in &deployment.variants {
            if let Some(held) = variants.get(&variant.name) {
                let (product, size) = (&variant.product, variant.accelerators);
                let load = room.load(site, product, variant.watts, size);
                room.hold(&load, held.replicas);
            }
        }
    }
}
