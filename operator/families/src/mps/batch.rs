//! Jobs: hours `r` of a way to do them, the way `u`, begins of runs `x`, restarts `q`, time until the end `t`, and whether they are
//! at risk `a`.

use std::io;

use commonwatt_fleet::{BatchJob, Plan};

use super::Part;
use super::file::File;
use super::index::Index;
use super::places::{Charge, Load};
use super::serving::shed;

/// A site and a product.
struct Way<'w> {
    load: Load<'w>,
    /// The first slot after its release there.
    first: usize,
    past_offer: usize,
    /// Hours from the horizon's start to its release there.
    waits_from: f64,
    /// It runs there now.
    here: bool,
}

/// One job's part.
pub(super) struct Batch<'i, 'w> {
    index: &'i Index<'w>,
    number: usize,
    job: &'w BatchJob,
    ways: Vec<Way<'w>>,
    /// Slots that end by its deadline.
    due: usize,
    /// Slots of work that have to be done in the horizon.
    must: f64,
}

impl<'i, 'w> Batch<'i, 'w> {
    pub(super) fn new(index: &'i Index<'w>, number: usize) -> Self {
        let (_, job) = index.jobs[number];
        let slots = &index.world.slots;
        let due = (0..slots.count).take_while(|slot| slots.end(*slot) <= job.deadline);
        let after = (job.deadline - slots.begin(slots.count)).num_seconds();
        let beyond = after.div_euclid(i64::from(slots.seconds.max(1))).max(0) as f64;
        Self {
            index,
            number,
            job,
            ways: if job.slots_left > 0 {
                ways(index, job)
            } else {
                Vec::new()
            },
            due: due.count(),
            must: (f64::from(job.slots_left) - beyond).max(0.0),
        }
    }

    fn hours(&self, way: &Way<'w>) -> std::ops::Range<usize> {
        way.first..self.index.slots
    }

    fn slots(&self) -> std::ops::Range<usize> {
        0..self.index.slots
    }

    fn named(&self, letter: &str) -> String {
        format!("{letter}_{}", self.number)
    }

    fn at(&self, letter: &str, what: usize) -> String {
        format!("{letter}_{}_{what}", self.number)
    }

    fn run(&self, letter: &str, way: usize, slot: usize) -> String {
        format!("{letter}_{}_{way}_{slot}", self.number)
    }

    /// It ran before the first slot.
    fn running(&self) -> bool {
        self.ways.iter().any(|way| way.here)
    }

    fn waits(&self) -> bool {
        self.job.waiting_per_hour.0 > 0.0
    }

    /// What it costs that a plan puts it at risk.
    pub(super) fn reported(&self, plan: &Plan) -> f64 {
        let decision = plan.jobs.get(self.index.jobs[self.number].0);
        let at_risk = decision.is_some_and(|decision| decision.at_risk);
        if at_risk { self.at_risk() } else { 0.0 }
    }

    /// Above anything that doing it can cost.
    fn at_risk(&self) -> f64 {
        let costs = self.ways.iter().flat_map(|way| {
            let policy = &self.job.policy;
            let each = |slot| way.load.cost(self.index, policy, slot);
            self.hours(way).map(each)
        });
        let horizon = self.index.hours * self.index.slots as f64;
        let slots = self.index.slots as f64;
        let hours = costs.fold(1.0, f64::max) + self.job.restart_cost.0;
        10.0 * (hours * slots + self.job.waiting_per_hour.0 * horizon)
    }

    fn hour_columns(&self, file: &mut File<'_>, number: usize, way: &Way<'w>) -> io::Result<()> {
        let index = self.index;
        let job = self.job;
        let last = index.slots.saturating_sub(1);
        for slot in self.hours(way) {
            let column = self.run("r", number, slot);
            file.cost(&column, way.load.cost(index, &job.policy, slot))?;
            file.entry(&column, self.run("JU", number, slot), -1.0)?;
            file.entry(&column, self.at("JX", slot), -1.0)?;
            if slot < last {
                file.entry(&column, self.at("JX", slot + 1), 1.0)?;
            }
            file.entry(&column, self.named("JM"), 1.0)?;
            file.entry(&column, self.named("JW"), 1.0)?;
            if slot >= self.due {
                file.entry(&column, self.at("JL", slot), -1.0)?;
            }
            if !job.interruptible {
                let work = f64::from(job.slots_left);
                let to_the_end = if slot == last { work } else { 0.0 };
                file.entry(&column, self.named("JR"), 1.0 + to_the_end)?;
                if slot == 0 && self.running() {
                    file.entry(&column, self.named("JO"), 1.0)?;
                }
            }
            if slot >= way.past_offer {
                file.entry(&column, self.run("JE", number, slot), -1.0)?;
            }
            if slot < last && slot + 1 >= way.past_offer {
                file.entry(&column, self.run("JE", number, slot + 1), 1.0)?;
            }
            if self.waits() {
                let end = index.hours * (slot + 1) as f64 - way.waits_from;
                file.entry(&column, self.at("JT", slot), -end)?;
            }
            if job.interruptible {
                let watts = way.load.watts.0 as f64;
                shed(index, file, &column, way.load.site, slot, watts)?;
            }
            way.load
                .charged((index, file), &column, slot, Charge::Running)?;
            way.load.standing((index, file), &column, slot)?;
        }
        Ok(())
    }

    fn way_columns(&self, file: &mut File<'_>) -> io::Result<()> {
        for (number, way) in self.ways.iter().enumerate() {
            let column = self.at("u", number);
            file.cost(&column, 0.0)?;
            file.entry(&column, self.named("JA"), 1.0)?;
            for slot in self.hours(way) {
                file.entry(&column, self.run("JU", number, slot), 1.0)?;
            }
            if !self.job.interruptible {
                let work = f64::from(self.job.slots_left);
                file.entry(&column, self.named("JR"), -work)?;
            }
        }
        let column = self.named("a");
        file.cost(&column, self.at_risk())?;
        file.entry(&column, self.named("JM"), self.must)?;
        for slot in self.due..self.index.slots {
            file.entry(&column, self.at("JL", slot), 1.0)?;
        }
        Ok(())
    }
}

impl Part for Batch<'_, '_> {
    fn rows(&self, file: &mut File<'_>) -> io::Result<()> {
        file.row('L', self.named("JA"))?;
        file.row('G', self.named("JM"))?;
        file.row('L', self.named("JW"))?;
        file.row('G', self.named("JQ"))?;
        if !self.job.interruptible {
            file.row('G', self.named("JR"))?;
            file.row('L', self.named("JO"))?;
        }
        for slot in self.slots() {
            file.row('G', self.at("JX", slot))?;
            if slot >= self.due {
                file.row('G', self.at("JL", slot))?;
            }
            if self.waits() {
                file.row('G', self.at("JT", slot))?;
            }
        }
        for (number, way) in self.ways.iter().enumerate() {
            for slot in self.hours(way) {
                file.row('G', self.run("JU", number, slot))?;
            }
            for slot in self.slots().filter(|slot| *slot >= way.past_offer) {
                file.row('G', self.run("JE", number, slot))?;
            }
        }
        Ok(())
    }

    fn columns(&self, file: &mut File<'_>) -> io::Result<()> {
        file.whole(true)?;
        for (number, way) in self.ways.iter().enumerate() {
            self.hour_columns(file, number, way)?;
        }
        self.way_columns(file)?;
        file.whole(false)?;
        for slot in self.slots() {
            let column = self.at("x", slot);
            file.cost(&column, 0.0)?;
            file.entry(&column, self.at("JX", slot), 1.0)?;
            file.entry(&column, self.named("JQ"), -1.0)?;
            if !self.job.interruptible {
                file.entry(&column, self.named("JO"), 1.0)?;
            }
        }
        let column = self.named("q");
        file.cost(&column, self.job.restart_cost.0)?;
        file.entry(&column, self.named("JQ"), 1.0)?;
        if self.waits() {
            let column = self.named("t");
            file.cost(&column, self.job.waiting_per_hour.0)?;
            for slot in self.slots() {
                file.entry(&column, self.at("JT", slot), 1.0)?;
            }
        }
        Ok(())
    }

    fn right_sides(&self, file: &mut File<'_>) -> io::Result<()> {
        file.right(self.named("JA"), 1.0)?;
        file.right(self.named("JM"), self.must)?;
        file.right(self.named("JW"), f64::from(self.job.slots_left))?;
        // The first run of a job that has not started is no restart.
        let free = if self.job.started_at.is_none() {
            -1.0
        } else {
            0.0
        };
        file.right(self.named("JQ"), free)?;
        if !self.job.interruptible {
            file.right(self.named("JO"), 1.0)?;
        }
        if self.running() && self.index.slots > 0 {
            file.right(self.at("JX", 0), -1.0)?;
        }
        for (number, way) in self.ways.iter().enumerate() {
            if way.here && way.past_offer == 0 {
                file.right(self.run("JE", number, 0), -1.0)?;
            }
        }
        Ok(())
    }

    fn bounds(&self, file: &mut File<'_>) -> io::Result<()> {
        for (number, way) in self.ways.iter().enumerate() {
            for slot in self.hours(way) {
                let shut = slot == 0 && way.load.over(self.index);
                file.most(self.run("r", number, slot), if shut { 0.0 } else { 1.0 })?;
            }
            file.most(self.at("u", number), 1.0)?;
        }
        file.most(self.named("a"), 1.0)
    }
}

/// Sites and products on which a job may be done.
fn ways<'w>(index: &Index<'w>, job: &'w BatchJob) -> Vec<Way<'w>> {
    let slots = &index.world.slots;
    let mut ways = Vec::new();
    for (site, (id, what)) in index.sites.iter().enumerate() {
        let law = &job.jurisdictions;
        let elsewhere = job.started_at.as_ref().is_some_and(|at| at != *id);
        if elsewhere || !(law.is_empty() || law.contains(&what.jurisdiction)) {
            continue;
        }
        let refusal = job.refusals.get(*id);
        let refusal = refusal.filter(|refusal| refusal.offer_revision == what.offer_revision);
        let most_pods = refusal.map_or(u32::MAX, |refusal| refusal.most_replicas);
        let here = job.running && job.started_at.as_ref() == Some(*id);
        let release = job.release_at(id);
        let first = if job.running {
            0
        } else {
            let released = |slot: &usize| slots.begin(*slot) >= release;
            (0..slots.count).find(released).unwrap_or(slots.count)
        };
        let waits_from = (release - slots.start).num_seconds().max(0) as f64 / 3600.0;
        for (product, shape) in &job.shapes {
            let Some(pool) = index.pool_number(id, product) else {
                continue;
            };
            if shape.pods > most_pods {
                continue;
            }
            ways.push(Way {
                load: Load {
                    site,
                    id,
                    pool,
                    tenant: &job.tenant,
                    size: shape.accelerators_per_pod,
                    count: shape.pods,
                    watts: shape.watts(),
                },
                first,
                past_offer: index.past_offer(what),
                waits_from,
                here,
            });
        }
    }
    ways
}
