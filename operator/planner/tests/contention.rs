//! Jobs that want the same room share it about as well as an exhaustive search would have them.

mod common;

use chrono::TimeDelta;
use common::*;
use commonwatt_fleet::*;

const SITES: [&str; 3] = ["alba", "bora", "cima"];
const SLOTS: usize = 2;

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % most
    }
}

/// Six jobs of one slot for three sites with a node or two: what is cheap is scarce, and not every job reaches it.
fn crowded(seed: u64) -> World {
    let mut dice = Dice(seed);
    let mut world = world(SLOTS);
    for name in SITES {
        site(&mut world, name, 0.0);
        let at = at(&mut world, name);
        for hour in &mut at.hours {
            hour.price_per_kwh = Money(0.05 + 0.01 * dice.below(40) as f64);
        }
        let nodes = 1 + dice.below(2) as u32;
        at.pools
            .values_mut()
            .for_each(|pool| pool.nodes = [(8, nodes)].into());
    }
    for number in 0..6 {
        let name = format!("job{number}");
        job(&mut world, &name, 1, SLOTS as i64);
        let watts = Watts(500 + 500 * dice.below(12) as i64);
        let far = SITES.map(|site| (SiteId::from(site), dice.below(3)));
        let job = the_job(&mut world, &name);
        job.shapes
            .values_mut()
            .for_each(|shape| shape.watts_per_pod = watts);
        job.release_at = far
            .into_iter()
            .map(|(site, slots)| (site, start() + TimeDelta::hours(slots as i64)))
            .collect();
    }
    world
}

/// The most jobs that can be done, and the least that costs.
fn exhaustive(world: &World) -> (usize, f64) {
    let jobs: Vec<_> = world.jobs.values().collect();
    let mut free: Vec<_> = world
        .sites
        .values()
        .flat_map(|site| [site.pools[&PRODUCT.into()].nodes[&8]; SLOTS])
        .collect();
    let mut best = (0, 0.0);
    try_all(world, &jobs, &mut free, (0, 0.0), &mut best);
    best
}

fn try_all(
    world: &World,
    jobs: &[&BatchJob],
    free: &mut [u32],
    so_far: (usize, f64),
    best: &mut (usize, f64),
) {
    let Some((job, rest)) = jobs.split_first() else {
        if so_far.0 > best.0 || (so_far.0 == best.0 && so_far.1 < best.1) {
            *best = so_far;
        }
        return;
    };
    try_all(world, rest, free, so_far, best);
    for place in 0..free.len() {
        let (site, slot) = (SITES[place / SLOTS].into(), place % SLOTS);
        if free[place] == 0 || world.slots.begin(slot) < job.release_at(&site) {
            continue;
        }
        free[place] -= 1;
        let shape = job.shapes[&PRODUCT.into()];
        let at = &world.sites[&site];
        let cost = CostParts::running(
            at,
            &at.hours[slot],
            &at.pools[&PRODUCT.into()],
            &world.policies["standard"],
            shape.watts(),
            shape.accelerators(),
            1.0,
        );
        let done = (so_far.0 + 1, so_far.1 + cost.total().0);
        try_all(world, rest, free, done, best);
        free[place] += 1;
    }
}

#[test]
fn jobs_share_scarce_room_almost_as_well_as_an_exhaustive_search() {
    let (mut ours, mut best) = (0.0, 0.0);
    for seed in 0..300 {
        let world = crowded(seed);
        let plan = planned(&world);
        let placed = plan.jobs.values().filter(|job| !job.at_risk).count();
        let (most, least) = exhaustive(&world);
        assert_eq!(placed, most, "jobs done in time with seed {seed}");
        ours += plan.objective.total.0;
        best += least;
    }
    assert!(ours <= best * 1.001, "{ours} where {best} would do");
}
