//! Paths made by hand, then broken: `chat` goes from the mill to the hall, or grows at the hall into the room of `train`.

use std::collections::BTreeMap;

use commonwatt_audit::Rule;
use commonwatt_fleet::*;

use crate::common::*;

/// A name, the rule, a world and plan with a path that keeps it, and what breaks it.
pub type Broken = (
    &'static str,
    Rule,
    fn(&mut World, &mut Plan) -> Path,
    fn(&mut World, &mut Path),
);

pub const PATHS: &[Broken] = &[
    (
        "a step that waits for a later one",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps[0].after = vec![3];
        },
    ),
    (
        "a step that waits for itself",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps[2].after.push(2);
        },
    ),
    (
        "a deployment that is not there",
        Rule::Steps,
        move_over,
        |_, path| {
            let deployment = DeploymentId::new("team", "other");
            path.steps[2].act = Act::Shift { deployment };
        },
    ),
    (
        "a site that is not there",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps[0].act = reserve("barn", 0, 2);
        },
    ),
    (
        "a variant that is not there",
        Rule::Steps,
        move_over,
        |_, path| {
            if let Act::Ready { variant, .. } = &mut path.steps[1].act {
                *variant = "other".into();
            }
        },
    ),
    (
        "a job that is not there",
        Rule::Steps,
        make_room,
        |_, path| {
            let (job, site) = (JobId::new("team", "other"), "hall".into());
            path.steps[0].act = Act::Suspend { job, site };
        },
    ),
    (
        "a beginning that is not so",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps[0].act = reserve("hall", 1, 2);
        },
    ),
    (
        "an end that is not planned",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps[0].act = reserve("hall", 0, 3);
        },
    ),
    (
        "replicas that never go",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps.pop();
        },
    ),
    (
        "replicas that come where none were planned",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps[3].act = release("mill", 2, 1);
        },
    ),
    (
        "a reserve that lowers",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps[3].act = reserve("mill", 2, 0);
            let ready = step(ready("mill"), &[3]);
            path.steps.push(ready);
            path.steps.push(step(shift(), &[1, 4]));
        },
    ),
    (
        "two changes of one place at once",
        Rule::Steps,
        move_over,
        |_, path| {
            path.steps[3].act = release("mill", 2, 1);
            path.steps.push(step(release("mill", 1, 0), &[2]));
        },
    ),
    (
        "a job that goes on though it should not",
        Rule::Steps,
        make_room,
        |world, path| {
            ample(world);
            path.steps[0].act = shift();
        },
    ),
    (
        "a job suspended where it does not run",
        Rule::Steps,
        make_room,
        |world, path| {
            ample(world);
            let (job, site) = (train(), "mill".into());
            path.steps[0].act = Act::Suspend { job, site };
        },
    ),
    (
        "a job that does not run though it should",
        Rule::Steps,
        start_job,
        |_, path| {
            path.steps.truncate(3);
        },
    ),
    (
        "a job that runs already",
        Rule::Steps,
        start_job,
        |world, path| {
            ample(world);
            path.steps.push(step(run("hall"), &[3]));
        },
    ),
    (
        "what is ready before it is reserved",
        Rule::Order,
        move_over,
        |_, path| {
            path.steps[1].after.clear();
        },
    ),
    (
        "what is never seen ready",
        Rule::Order,
        move_over,
        |_, path| {
            path.steps[1].act = shift();
        },
    ),
    (
        "what is ready and was not reserved",
        Rule::Order,
        move_over,
        |_, path| {
            path.steps[2].after = vec![1, 3];
            path.steps[3] = step(ready("mill"), &[]);
            path.steps.push(step(release("mill", 2, 0), &[2]));
            path.steps.swap(2, 3);
            path.steps[3].after = vec![1, 2];
            path.steps[4].after = vec![3];
        },
    ),
    (
        "requests that shift too early",
        Rule::Order,
        move_over,
        |_, path| {
            path.steps[2].after.clear();
        },
    ),
    (
        "requests that never shift",
        Rule::Order,
        make_room,
        |_, path| {
            path.steps.pop();
        },
    ),
    (
        "what goes before requests have shifted",
        Rule::Order,
        move_over,
        |_, path| {
            path.steps[3].after = vec![1];
        },
    ),
    (
        "a job that cannot pause",
        Rule::Order,
        start_job,
        |world, path| {
            world.jobs.get_mut(&train()).unwrap().running = true;
            world.jobs.get_mut(&train()).unwrap().started_at = Some("hall".into());
            let (job, site) = (train(), "hall".into());
            path.steps.insert(3, step(Act::Suspend { job, site }, &[]));
            path.steps[4].after = vec![3];
            assert!(!world.jobs[&train()].interruptible);
        },
    ),
    (
        "watts that a job still has",
        Rule::Power,
        make_room,
        |_, path| {
            path.steps[1].after.clear();
        },
    ),
    (
        "watts that a job still has elsewhere under a cap",
        Rule::Power,
        |world, plan| {
            let path = make_room(world, plan);
            site(world, "hall").hours[0].limit = Watts(10_000);
            let over = BTreeMap::from([("hall".into(), None), ("mill".into(), None)]);
            let limit = vec![Watts(8000); 2];
            let cap = PowerCap { over, limit };
            world.shared.caps.insert("powerbudget/feeder".into(), cap);
            path
        },
        |_, path| path.steps[1].after.clear(),
    ),
    (
        "watts that the other of two still has",
        Rule::Power,
        |world, plan| {
            // There is room for three replicas under the cap: the job waits until the one at the mill has gone.
            let path = move_over(world, plan);
            site(world, "hall").hours[0].limit = Watts(9000);
            placed(plan).runs = vec![true, false];
            let mut path = path;
            path.steps.push(step(run("hall"), &[3]));
            let over = BTreeMap::from([("hall".into(), None), ("mill".into(), None)]);
            let limit = vec![Watts(9000); 2];
            let cap = PowerCap { over, limit };
            world.shared.caps.insert("powerbudget/feeder".into(), cap);
            path
        },
        |_, path| path.steps[4].after = vec![2],
    ),
    (
        "nodes that a job still has",
        Rule::Nodes,
        |world, plan| {
            let path = make_room(world, plan);
            site(world, "hall").hours[0].limit = Watts(10_000);
            pool(world).nodes = BTreeMap::from([(8, 1), (4, 1)]);
            path
        },
        |world, path| {
            path.steps[1].after.clear();
            pool(world).nodes = BTreeMap::from([(8, 1), (3, 1)]);
        },
    ),
];

/// Room at the hall for whatever a path does wrong.
fn ample(world: &mut World) {
    site(world, "hall").hours[0].limit = Watts(100_000);
    pool(world).nodes = BTreeMap::from([(8, 9)]);
}

fn step(act: Act, after: &[usize]) -> Step {
    let after = after.to_vec();
    Step { act, after }
}

fn reserve(site: &str, from: u32, to: u32) -> Act {
    Act::Reserve {
        deployment: chat(),
        site: site.into(),
        variant: "full".into(),
        from,
        to,
    }
}

fn ready(site: &str) -> Act {
    Act::Ready {
        deployment: chat(),
        site: site.into(),
        variant: "full".into(),
    }
}

fn shift() -> Act {
    let deployment = chat();
    Act::Shift { deployment }
}

fn release(site: &str, from: u32, to: u32) -> Act {
    Act::Release {
        deployment: chat(),
        site: site.into(),
        variant: "full".into(),
        from,
        to,
    }
}

fn run(site: &str) -> Act {
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
    Path { steps }
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
    Path { steps }
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
    Path { steps }
}
