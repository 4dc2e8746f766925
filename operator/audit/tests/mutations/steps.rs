//! Paths made by hand: `chat` goes from the mill to the hall, to a barn, or grows at the hall into the room of `train`.

use std::collections::BTreeMap;

use commonwatt_fleet::*;

use crate::common::*;

/// Room at the hall for whatever a path does wrong.
pub fn ample(world: &mut World) {
    site(world, "hall").hours[0].limit = Watts(100_000);
    pool(world).nodes = BTreeMap::from([(8, 9)]);
}

pub fn step(act: Act, after: &[usize]) -> Step {
    let after = after.to_vec();
    Step { act, after }
}

pub fn reserve(site: &str, from: u32, to: u32) -> Act {
    Act::Reserve {
        deployment: chat(),
        site: site.into(),
        variant: "full".into(),
        from,
        to,
    }
}

pub fn ready(site: &str) -> Act {
    Act::Ready {
        deployment: chat(),
        site: site.into(),
        variant: "full".into(),
    }
}

pub fn shift() -> Act {
    let deployment = chat();
    Act::Shift { deployment }
}

pub fn release(site: &str, from: u32, to: u32) -> Act {
    Act::Release {
        deployment: chat(),
        site: site.into(),
        variant: "full".into(),
        from,
        to,
    }
}

pub fn run(site: &str) -> Act {
    Act::Run {
        job: train(),
        site: site.into(),
        product: "H100".into(),
    }
}

/// Both replicas of `chat` go from the mill to the hall.
pub fn move_over(world: &mut World, _: &mut Plan) -> Path {
    committed(world, 2);
    let committed = &mut deployment(world).committed;
    let held = committed.remove(&SiteId::from("hall")).unwrap();
    committed.insert("mill".into(), held);
    let steps = vec![
        step(reserve("hall", 0, 2), &[]),
        step(ready("hall"), &[0]),
        step(shift(), &[1]),
        step(release("mill", 2, 0), &[2]),
    ];
    Path {
        steps,
        ..Path::default()
    }
}

/// As [`move_over`], one replica at a time.
pub fn move_by_parts(world: &mut World, plan: &mut Plan) -> Path {
    move_over(world, plan);
    let steps = vec![
        step(reserve("hall", 0, 1), &[]),
        step(ready("hall"), &[0]),
        step(shift(), &[1]),
        step(release("mill", 2, 1), &[2]),
        step(reserve("hall", 1, 2), &[3]),
        step(ready("hall"), &[4]),
        step(shift(), &[2, 5]),
        step(release("mill", 1, 0), &[3, 6]),
    ];
    Path {
        steps,
        ..Path::default()
    }
}

/// Two replicas of `chat` stay at the hall, which are all it needs, and one goes from the mill to a barn.
pub fn to_the_barn(world: &mut World, plan: &mut Plan) -> Path {
    committed(world, 2);
    let here = &mut deployment(world).committed;
    let mut held = here[&SiteId::from("hall")].clone();
    for held in held.values_mut() {
        held.replicas = 1;
    }
    here.insert("mill".into(), held);
    world.sites.insert("barn".into(), hall_with("DE"));
    let there = BTreeMap::from([("full".into(), replicas([1, 1], [0, 0]))]);
    decision(plan).sites.insert("barn".into(), there);
    let steps = vec![
        step(shift(), &[]),
        step(reserve("barn", 0, 1), &[]),
        step(ready("barn"), &[1]),
        step(shift(), &[2]),
        step(release("mill", 1, 0), &[3]),
    ];
    Path {
        steps,
        ..Path::default()
    }
}

/// `chat` grows at the hall, where `train` runs and pauses for it.
pub fn make_room(world: &mut World, _: &mut Plan) -> Path {
    site(world, "hall").hours[0].limit = Watts(8000);
    job(world).interruptible = true;
    job(world).running = true;
    job(world).started_at = Some("hall".into());
    let (job, site) = (train(), "hall".into());
    let steps = vec![
        step(Act::Suspend { job, site }, &[]),
        step(reserve("hall", 1, 2), &[0]),
        step(ready("hall"), &[1]),
        step(shift(), &[2]),
    ];
    Path {
        steps,
        ..Path::default()
    }
}

/// `chat` grows at the hall while `train` starts there.
pub fn start_job(_: &mut World, plan: &mut Plan) -> Path {
    placed(plan).runs = vec![true, false];
    let steps = vec![
        step(reserve("hall", 1, 2), &[]),
        step(ready("hall"), &[0]),
        step(shift(), &[1]),
        step(run("hall"), &[]),
    ];
    Path {
        steps,
        ..Path::default()
    }
}
