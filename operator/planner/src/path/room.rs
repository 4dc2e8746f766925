//! What is charged on the way, and which steps have to give back before others take.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use commonwatt_fleet::{JobShape, Obstacle, Plan, Pool, Product, SiteId, Watts, World};

use crate::packing::Nodes;

/// What one replica, or one job, takes of each row and of each pool that has to be packed.
#[derive(Debug, Clone, Default)]
pub(super) struct Load {
    /// Rows, and how much of each; of a pool all, since what does not fit in one width leaves nothing certain of another.
    rows: BTreeMap<usize, i128>,
    /// Pools, sizes by their index, and how many of them.
    packs: Vec<(usize, usize, u32)>,
}

impl Load {
    /// Whether two loads draw on anything together.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let mut rows = self.rows.keys();
        rows.any(|row| other.rows.contains_key(row))
    }
}

/// Watts under a limit, or places of one width on a pool's nodes.
#[derive(Clone)]
struct Row<'w> {
    kind: Kind<'w>,
    limit: i128,
    /// Charged once all steps so far have been taken.
    charged: i128,
    /// What was charged at first and all that steps have taken since, whatever was given back.
    taken: i128,
    /// Steps that gave back, and how much.
    given: Vec<(usize, i128)>,
}

#[derive(Clone, Copy)]
enum Kind<'w> {
    Power { set_by: &'w str },
    Nodes { product: &'w Product, width: u32 },
}

/// A pool with replicas of sizes that counting places is not enough for.
#[derive(Clone)]
struct Pack<'w> {
    product: &'w Product,
    nodes: Rc<Nodes>,
    counts: Vec<u32>,
    /// All that is there and comes fits at once: no step has to wait for another.
    loose: bool,
    /// The last step that took, and those that have given back since.
    last: Vec<usize>,
}

/// A pool as loads see it.
#[derive(Clone)]
struct PoolRows {
    widths: Vec<(u32, usize)>,
    pack: Option<usize>,
}

/// All limits of the first slot, with what is charged against them.
#[derive(Clone)]
pub(super) struct Room<'w> {
    world: &'w World,
    rows: Vec<Row<'w>>,
    /// Rows of sites' own limits and of shared caps.
    sites: BTreeMap<&'w SiteId, usize>,
    caps: BTreeMap<&'w str, usize>,
    pools: BTreeMap<(&'w SiteId, &'w Product), PoolRows>,
    packs: Vec<Pack<'w>>,
}

impl<'w> Room<'w> {
    /// The limits, with nothing charged. Nodes that the plan gives up go after what runs on them.
    pub(super) fn new(world: &'w World, plan: &Plan) -> Self {
        let mut room = Self {
            world,
            rows: Vec::new(),
            sites: BTreeMap::new(),
            caps: BTreeMap::new(),
            pools: BTreeMap::new(),
            packs: Vec::new(),
        };
        for (id, site) in &world.sites {
            let hour = site.hour(0);
            let set_by = &hour.limit_set_by;
            let row = room.row(Kind::Power { set_by }, i128::from(hour.limit.0.max(0)));
            room.sites.insert(id, row);
        }
        for (name, cap) in &world.shared.caps {
            let limit = cap.limit.first().map_or(0, |watts| watts.0.max(0));
            let row = room.row(Kind::Power { set_by: name }, i128::from(limit));
            room.caps.insert(name, row);
        }
        let sizes = sizes(world);
        for (id, site) in &world.sites {
            for (product, pool) in &site.pools {
                let sizes = sizes.get(product).cloned().unwrap_or_default();
                let on = on_at_first(plan, id, product, pool);
                room.pool(id, product, Nodes::new(pool, on, sizes));
            }
        }
        room
    }

    fn row(&mut self, kind: Kind<'w>, limit: i128) -> usize {
        self.rows.push(Row {
            kind,
            limit,
            charged: 0,
            taken: 0,
            given: Vec::new(),
        });
        self.rows.len() - 1
    }

    fn pool(&mut self, site: &'w SiteId, product: &'w Product, nodes: Nodes) {
        let widths = nodes.rows().to_vec().into_iter();
        let widths = widths.map(|(width, places)| {
            let kind = Kind::Nodes { product, width };
            (width, self.row(kind, i128::from(places)))
        });
        let widths = widths.collect();
        let odd = nodes.sizes().iter().any(|size| !size.is_power_of_two());
        let pack = odd.then_some(self.packs.len());
        if odd {
            self.packs.push(Pack {
                product,
                counts: nodes.no_counts(),
                nodes: Rc::new(nodes),
                loose: false,
                last: Vec::new(),
            });
        }
        let rows = PoolRows { widths, pack };
        self.pools.insert((site, product), rows);
    }

    /// What replicas of a size and watts take in a pool.
    pub(super) fn load(&self, site: &SiteId, product: &Product, watts: Watts, size: u32) -> Load {
        let mut load = Load::default();
        self.add(&mut load, site, product, (watts.0.max(0).into(), size, 1));
        load
    }

    /// What a job takes that runs on one of several products, each row at the most of them.
    pub(super) fn load_of_job<'s>(
        &self,
        site: &SiteId,
        ways: impl Iterator<Item = (&'s Product, &'s JobShape)>,
    ) -> Load {
        let mut load = Load::default();
        for (product, shape) in ways {
            let watts = i128::from(shape.watts_per_pod.0) * i128::from(shape.pods);
            let size = shape.accelerators_per_pod;
            self.add(&mut load, site, product, (watts.max(0), size, shape.pods));
        }
        load
    }

    /// Adds watts, and replicas of a size, to a load: in power rows whichever is more.
    fn add(
        &self,
        load: &mut Load,
        site: &SiteId,
        product: &Product,
        (watts, size, count): (i128, u32, u32),
    ) {
        let Some(own) = self.sites.get(site) else {
            return;
        };
        let caps = self.world.shared.caps.iter();
        let caps = caps.filter(|(_, cap)| cap.covers(site, product));
        let caps = caps.filter_map(|(name, _)| self.caps.get(name.as_str()));
        for row in caps.chain([own]).filter(|_| watts > 0) {
            let most = load.rows.entry(*row).or_default();
            *most = watts.max(*most);
        }
        let pool = self.pools.get(&(site, product));
        let Some(pool) = pool.filter(|_| size > 0 && count > 0) else {
            return;
        };
        for (width, row) in &pool.widths {
            *load.rows.entry(*row).or_default() += i128::from(size / width) * i128::from(count);
        }
        if let Some(pack) = pool.pack
            && let Some(index) = self.packs[pack].nodes.index_of(size)
        {
            load.packs.push((pack, index, count));
        }
    }

    /// Charges what is there before the first step.
    pub(super) fn hold(&mut self, load: &Load, count: u32) {
        for (row, each) in &load.rows {
            self.rows[*row].charged += each * i128::from(count);
            self.rows[*row].taken += each * i128::from(count);
        }
        for (pack, index, each) in &load.packs {
            add(&mut self.packs[*pack].counts[*index], *each, count);
        }
    }

    /// Notes which pools hold all that is there with all that will come at any time.
    pub(super) fn expect(&mut self, loads: &[(&Load, u32)]) {
        for pack in 0..self.packs.len() {
            self.packs[pack].loose = self.packs_with(pack, loads);
        }
    }

    /// Whether all of these can be taken now.
    pub(super) fn fits(&self, loads: &[(&Load, u32)]) -> bool {
        self.full(loads).is_none() && self.unpacked(loads).is_none()
    }

    /// The first row that all of these would pass, and by how much they would fill it.
    fn full(&self, loads: &[(&Load, u32)]) -> Option<(usize, i128)> {
        let mut rows: BTreeMap<usize, i128> = BTreeMap::new();
        for (load, count) in loads.iter().filter(|(_, count)| *count > 0) {
            for (row, each) in &load.rows {
                *rows.entry(*row).or_default() += each * i128::from(*count);
            }
        }
        let passes = |(row, more): &(usize, i128)| {
            let row = &self.rows[*row];
            row.charged + more > row.limit
        };
        rows.into_iter().find(passes)
    }

    fn unpacked(&self, loads: &[(&Load, u32)]) -> Option<usize> {
        let more = loads.iter().filter(|(_, count)| *count > 0);
        let packs: BTreeSet<usize> = more
            .flat_map(|(load, _)| load.packs.iter().map(|(pack, ..)| *pack))
            .collect();
        packs
            .into_iter()
            .find(|pack| !self.packs_with(*pack, loads))
    }

    fn packs_with(&self, pack: usize, loads: &[(&Load, u32)]) -> bool {
        let here = &self.packs[pack];
        let mut counts = here.counts.clone();
        for (load, count) in loads {
            for (_, index, each) in load.packs.iter().filter(|(of, ..)| *of == pack) {
                add(&mut counts[*index], *each, *count);
            }
        }
        here.nodes.fits(&counts)
    }

    /// How many of a load can be taken now, up to a number.
    pub(super) fn most(&self, load: &Load, up_to: u32) -> u32 {
        let most = load.rows.iter().map(|(row, each)| {
            let row = &self.rows[*row];
            match row.limit - row.charged {
                ..0 => 0,
                left if *each > 0 => u32::try_from(left / each).unwrap_or(u32::MAX),
                _ => u32::MAX,
            }
        });
        let mut most = most.min().unwrap_or(u32::MAX).min(up_to);
        // Rows have left little: what does not pack is less than that.
        while most > 0 && self.unpacked(&[(load, most)]).is_some() {
            most -= 1;
        }
        most
    }

    /// A step takes; returned is what it has to wait for, so that no order of the steps passes a limit: in each row as many of
    /// those that gave back as make room for this and all that was taken earlier, should it come last.
    pub(super) fn take(&mut self, step: usize, load: &Load, count: u32) -> BTreeSet<usize> {
        let mut waits = BTreeSet::new();
        for (row, each) in &load.rows {
            let row = &mut self.rows[*row];
            let more = each * i128::from(count);
            row.charged += more;
            row.taken += more;
            let mut over = row.taken - row.limit;
            for (step, given) in &row.given {
                if over <= 0 {
                    break;
                }
                waits.insert(*step);
                over -= given;
            }
        }
        for (pack, index, each) in &load.packs {
            let pack = &mut self.packs[*pack];
            add(&mut pack.counts[*index], *each, count);
            // Sizes that stand in each other's way: one after the other.
            if !pack.loose {
                waits.extend(std::mem::replace(&mut pack.last, vec![step]));
            }
        }
        waits.remove(&step);
        waits
    }

    /// A step gives back.
    pub(super) fn give(&mut self, step: usize, load: &Load, count: u32) {
        for (row, each) in &load.rows {
            let row = &mut self.rows[*row];
            let less = each * i128::from(count);
            row.charged -= less;
            row.given.push((step, less));
        }
        for (pack, index, each) in &load.packs {
            let pack = &mut self.packs[*pack];
            let had = &mut pack.counts[*index];
            *had = had.saturating_sub(each.saturating_mul(count));
            pack.last.push(step);
        }
    }

    /// What keeps these from being taken now.
    pub(super) fn obstacle(&self, loads: &[(&Load, u32)]) -> Option<Obstacle> {
        if let Some((row, need)) = self.full(loads) {
            let row = &self.rows[row];
            let watts = |watts: i128| Watts(i64::try_from(watts).unwrap_or(i64::MAX));
            return Some(match row.kind {
                Kind::Power { set_by } => Obstacle::Power {
                    need: watts(need),
                    left: watts(row.limit - row.charged),
                    set_by: set_by.to_owned(),
                },
                Kind::Nodes { product, width } => Obstacle::Nodes {
                    product: product.clone(),
                    need: width,
                },
            });
        }
        let pack = &self.packs[self.unpacked(loads)?];
        let sizes = loads.iter().flat_map(|(load, _)| &load.packs);
        let largest = sizes.map(|(_, index, _)| pack.nodes.sizes()[*index]).max();
        Some(Obstacle::Nodes {
            product: pack.product.clone(),
            need: largest.unwrap_or(0),
        })
    }
}

fn add(count: &mut u32, each: u32, times: u32) {
    *count = count.saturating_add(each.saturating_mul(times));
}

/// Sizes of everything that may ask for a product.
fn sizes(world: &World) -> BTreeMap<&Product, BTreeSet<u32>> {
    let mut sizes: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
    for variant in world.deployments.values().flat_map(|d| &d.variants) {
        sizes
            .entry(&variant.product)
            .or_default()
            .insert(variant.accelerators);
    }
    for (product, shape) in world.jobs.values().flat_map(|job| &job.shapes) {
        sizes
            .entry(product)
            .or_default()
            .insert(shape.accelerators_per_pod);
    }
    sizes
}

/// Elastic nodes that are on in the first slot, or were before it.
fn on_at_first(plan: &Plan, site: &SiteId, product: &Product, pool: &Pool) -> u32 {
    let running = pool
        .elastic
        .map_or(0, |elastic| elastic.running.min(elastic.nodes));
    let on = plan
        .elastic
        .get(site)
        .and_then(|here| here.get(product)?.first());
    running.max(on.copied().unwrap_or(0))
}
