//! Paths that are broken, one rule each.

use std::collections::BTreeMap;

use commonwatt_audit::Rule;
use commonwatt_fleet::*;

use crate::common::*;
use crate::steps::*;

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
            path.steps[0].act = reserve("hall", 1, 3);
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
        "what goes a few at a time, and then faster than the others come",
        Rule::Order,
        move_by_parts,
        |_, path| {
            path.steps[3] = step(release("mill", 2, 0), &[2]);
            path.steps.truncate(7);
        },
    ),
    (
        "what goes a few at a time and waits only for the first of the others",
        Rule::Order,
        move_by_parts,
        |_, path| path.steps[7].after = vec![2, 3],
    ),
    (
        "what goes though nothing else serves its origin yet",
        Rule::Order,
        |world, plan| {
            let path = to_the_barn(world, plan);
            for there in ["mill", "barn"] {
                site(world, there).latencies = BTreeMap::from([("us".into(), 20)]);
            }
            let deployment = deployment(world);
            deployment.origins.insert("us".into(), 50);
            deployment.origin_shares = BTreeMap::from([("eu".into(), 0.5), ("us".into(), 0.5)]);
            path
        },
        |_, path| path.steps[4].after = vec![0],
    ),
    (
        "a site that is left before the one that takes its place is there",
        Rule::Order,
        |world, plan| {
            deployment(world).minimum_sites = 2;
            to_the_barn(world, plan)
        },
        |_, path| path.steps[4].after = vec![0],
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
