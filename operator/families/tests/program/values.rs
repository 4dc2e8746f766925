//! A plan as values of the program's columns, by their names alone.

use std::collections::BTreeMap;

use commonwatt_fleet::{Deployment, DeploymentId, Plan, World};

use crate::parsed::Program;

/// Columns that nothing but their rows decides, by letter and by how many numbers follow it, each after those that it needs.
const LEAST: [(&str, usize); 9] = [
    ("x", 2),
    ("z", 2),
    ("z", 3),
    ("m", 2),
    ("P", 1),
    ("F", 1),
    ("o", 3),
    ("q", 1),
    ("t", 1),
];

type Values = BTreeMap<String, f64>;

/// Every column that is not 0.
pub fn of(world: &World, plan: &Plan, program: &Program) -> Values {
    let mut values = Values::new();
    for (id, deployment) in &world.deployments {
        replicas(world, plan, program, (id, deployment), &mut values);
    }
    jobs(world, plan, program, &mut values);
    elastic(world, plan, program, &mut values);
    // What follows from the rest is as small as its rows allow: tokens not served, sites missing, peaks, shortfalls.
    for (letter, numbers) in LEAST {
        least(program, (letter, numbers), &mut values);
    }
    values
}

fn replicas(
    world: &World,
    plan: &Plan,
    program: &Program,
    (id, deployment): (&DeploymentId, &Deployment),
    values: &mut Values,
) {
    let d = program.numbers[&format!("deployment {id}")];
    let Some(decision) = plan.deployments.get(id) else {
        return;
    };
    let mut tokens: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for (site, variants) in &decision.sites {
        let s = program.numbers[&format!("site {site}")];
        for (name, placement) in variants {
            let v = deployment
                .variants
                .iter()
                .position(|v| v.name == *name)
                .unwrap();
            let held = deployment
                .committed
                .get(site)
                .and_then(|held| held.get(name));
            let mut before = held.map_or(0, |held| held.replicas);
            for slot in 0..world.slots.count {
                let now = placement.ceiling[slot];
                let at = format!("{d}_{s}_{v}_{slot}");
                set(values, format!("n_{at}"), f64::from(now));
                set(
                    values,
                    format!("y_{at}"),
                    f64::from(now.saturating_sub(before)),
                );
                if program.columns.contains_key(&format!("f_{at}")) {
                    set(values, format!("f_{at}"), f64::from(placement.floor[slot]));
                }
                if now > 0 && program.columns.contains_key(&format!("b_{d}_{s}_{slot}")) {
                    set(values, format!("b_{d}_{s}_{slot}"), 1.0);
                }
                let each = deployment.variants[v].tokens_per_second.0;
                *tokens.entry((s, slot)).or_default() += each * f64::from(now);
                before = now;
            }
        }
    }
    if !deployment.origin_shares.is_empty() {
        flows(world, program, d, deployment, tokens, values);
    }
}

/// Sends each origin's part to sites that suit it: most of it can arrive if those with the fewest such sites choose
/// first and are pushed aside along augmenting paths.
fn flows(
    world: &World,
    program: &Program,
    d: usize,
    deployment: &Deployment,
    mut free: BTreeMap<(usize, usize), f64>,
    values: &mut Values,
) {
    for slot in 0..world.slots.count {
        for (o, share) in deployment.origin_shares.values().enumerate() {
            let mut left = deployment.demand_in(slot).0 * share;
            while left > 1e-9 {
                let Some(path) = path(program, (d, slot), o, &free, values) else {
                    break;
                };
                left -= push(program, (d, slot), &path, left, &mut free, values);
            }
        }
    }
}

/// Origins and sites in turn, from an origin to a site with room.
fn path(
    program: &Program,
    (d, slot): (usize, usize),
    from: usize,
    free: &BTreeMap<(usize, usize), f64>,
    values: &Values,
) -> Option<Vec<(usize, usize)>> {
    let mut ways: Vec<Vec<(usize, usize)>> = vec![vec![]];
    let mut seen = std::collections::BTreeSet::new();
    let mut next = vec![from];
    while let (Some(way), Some(origin)) = (ways.pop(), next.pop()) {
        for ((site, at), room) in free {
            let column = format!("x_{d}_{origin}_{site}_{slot}");
            if *at != slot || !program.columns.contains_key(&column) || !seen.insert(*site) {
                continue;
            }
            let mut longer = way.clone();
            longer.push((origin, *site));
            if *room > 1e-9 {
                return Some(longer);
            }
            let others = (0..8).filter(|other| {
                let column = format!("x_{d}_{other}_{site}_{slot}");
                values.get(&column).copied().unwrap_or(0.0) > 1e-9
            });
            for other in others {
                ways.push(longer.clone());
                next.push(other);
            }
        }
    }
    None
}

fn push(
    program: &Program,
    (d, slot): (usize, usize),
    path: &[(usize, usize)],
    most: f64,
    free: &mut BTreeMap<(usize, usize), f64>,
    values: &mut Values,
) -> f64 {
    let column = |origin: usize, site: usize| format!("x_{d}_{origin}_{site}_{slot}");
    let last = path[path.len() - 1];
    let mut amount = most.min(free[&(last.1, slot)]);
    for pair in path.windows(2) {
        // The next origin gives way at this site.
        amount = amount.min(values[&column(pair[1].0, pair[0].1)]);
    }
    for (origin, site) in path {
        assert!(program.columns.contains_key(&column(*origin, *site)));
        *values.entry(column(*origin, *site)).or_default() += amount;
    }
    for pair in path.windows(2) {
        *values.get_mut(&column(pair[1].0, pair[0].1)).unwrap() -= amount;
    }
    *free.get_mut(&(last.1, slot)).unwrap() -= amount;
    amount
}

fn jobs(world: &World, plan: &Plan, program: &Program, values: &mut Values) {
    for (id, job) in &world.jobs {
        let j = program.numbers[&format!("job {id}")];
        let Some(decision) = plan.jobs.get(id) else {
            continue;
        };
        if decision.at_risk {
            set(values, format!("a_{j}"), 1.0);
        }
        let Some(placed) = &decision.placed else {
            continue;
        };
        let mut way = None;
        let mut number = 0;
        for (site, what) in &world.sites {
            let law = &job.jurisdictions;
            let lawful = law.is_empty() || law.contains(&what.jurisdiction);
            let there = job.started_at.as_ref().is_none_or(|at| at == site);
            for product in job.shapes.keys().filter(|_| lawful && there) {
                if !what.pools.contains_key(product) {
                    continue;
                }
                if *site == placed.site && *product == placed.product {
                    way = Some(number);
                }
                number += 1;
            }
        }
        let way = way.expect("a way that the program has");
        set(values, format!("u_{j}_{way}"), 1.0);
        for (slot, runs) in placed.runs.iter().enumerate() {
            if *runs {
                set(values, format!("r_{j}_{way}_{slot}"), 1.0);
            }
        }
    }
}

fn elastic(world: &World, plan: &Plan, program: &Program, values: &mut Values) {
    for (site, what) in &world.sites {
        for (product, pool) in &what.pools {
            let Some(elastic) = pool.elastic else {
                continue;
            };
            let q = program.numbers[&format!("pool {site} {product}")];
            let on = plan.elastic.get(site).and_then(|pools| pools.get(product));
            let mut before = elastic.running;
            for slot in 0..world.slots.count {
                let now = on.and_then(|on| on.get(slot)).copied().unwrap_or(0);
                set(values, format!("e_{q}_{slot}"), f64::from(now));
                let starts = f64::from(now.saturating_sub(before));
                set(values, format!("s_{q}_{slot}"), starts);
                before = now;
            }
        }
    }
}

fn set(values: &mut Values, name: String, value: f64) {
    if value != 0.0 {
        values.insert(name, value);
    }
}

/// Raises columns of a kind to what their rows need of them.
fn least(program: &Program, (letter, numbers): (&str, usize), values: &mut Values) {
    let left = program.left(values);
    let mut raised = Values::new();
    for (name, column) in &program.columns {
        let mut parts = name.split('_');
        if parts.next() != Some(letter) || parts.count() != numbers {
            continue;
        }
        let needed = column.entries.iter().filter_map(|(row, coefficient)| {
            let what = &program.rows[row];
            let is = left.get(row.as_str()).copied().unwrap_or(0.0);
            let short = what.right - is;
            // Rounding is no need.
            let short = if short > 1e-9 * (1.0 + what.right.abs()) {
                short
            } else {
                0.0
            };
            (what.sense == 'G' && *coefficient > 0.0).then(|| short / coefficient)
        });
        let needed = needed.fold(0.0, f64::max);
        set(&mut raised, name.clone(), needed);
    }
    values.extend(raised);
}
