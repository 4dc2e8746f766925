//! What one deployment changes in the first slot, and how far it has got.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{
    Act, Decision, Deployment, DeploymentId, Held, Obstacle, SiteId, Step, VariantName, World,
};

use super::room::{Load, Room};

/// A place that comes or goes.
#[derive(Debug, Clone)]
pub(super) struct Change<'w> {
    pub site: &'w SiteId,
    pub variant: &'w VariantName,
    /// What one replica takes.
    pub load: Load,
    /// Tokens per second of one replica.
    tokens: f64,
    now: u32,
    to: u32,
    /// It may go before all has come, as far as the rest serves enough.
    early: bool,
    /// The last step that changed it.
    last: Option<usize>,
}

impl Change<'_> {
    /// Replicas that have still to come or go.
    pub(super) fn left(&self) -> u32 {
        self.now.abs_diff(self.to)
    }
}

/// One deployment's changes.
#[derive(Debug, Clone)]
pub(super) struct Turn<'w> {
    pub id: &'w DeploymentId,
    pub priority: i32,
    pub comes: Vec<Change<'w>>,
    pub goes: Vec<Change<'w>>,
    /// Tokens per second that are served now, and that must be on the way.
    serves: f64,
    need: f64,
    /// Replicas that were there before and still are, by site; and how many of these sites may be left early.
    held: BTreeMap<&'w SiteId, u32>,
    may_leave: usize,
    /// The last step by which requests shifted.
    shift: Option<usize>,
}

impl<'w> Turn<'w> {
    /// What changes; none where nothing does. What is committed at a site that is gone is out of reach.
    pub(super) fn new(
        world: &'w World,
        room: &Room<'w>,
        deployment: &'w Deployment,
        (id, decision): (&'w DeploymentId, &'w Decision),
    ) -> Option<Self> {
        let mut turn = Self {
            id,
            priority: deployment.priority,
            comes: Vec::new(),
            goes: Vec::new(),
            serves: 0.0,
            need: 0.0,
            held: BTreeMap::new(),
            may_leave: 0,
            shift: None,
        };
        let (mut after, mut sites_after) = (0.0, 0);
        let sites = deployment.committed.keys().chain(decision.sites.keys());
        for site in sites.collect::<BTreeSet<_>>() {
            let Some((site, _)) = world.sites.get_key_value(site) else {
                continue;
            };
            let planned = turn.add_site(room, deployment, decision, site);
            after += planned.0;
            sites_after += usize::from(planned.1 > 0);
        }
        let demand = deployment.demand_in(0).0;
        turn.need = turn.serves.min(after).min(demand);
        let minimum = (deployment.minimum_sites as usize).min(sites_after);
        turn.may_leave = turn.held.len().saturating_sub(minimum);
        (!turn.comes.is_empty() || !turn.goes.is_empty()).then_some(turn)
    }

    /// Adds what changes at a site; returned are the tokens per second and the replicas planned there.
    fn add_site(
        &mut self,
        room: &Room<'w>,
        deployment: &'w Deployment,
        decision: &'w Decision,
        site: &'w SiteId,
    ) -> (f64, u32) {
        let (held, planned) = (deployment.committed.get(site), decision.sites.get(site));
        let mut after = (0.0, 0);
        for variant in &deployment.variants {
            let held = held.and_then(|held| held.get(&variant.name));
            let now = held.map_or(0, |held| held.replicas);
            let planned = planned.and_then(|planned| planned.get(&variant.name)?.ceiling.first());
            let to = planned.copied().unwrap_or(0);
            if now == 0 && to == 0 {
                continue;
            }
            let tokens = variant.tokens_per_second.0.max(0.0);
            self.serves += tokens * f64::from(now);
            after = (after.0 + tokens * f64::from(to), after.1 + to);
            if now > 0 {
                *self.held.entry(site).or_default() += now;
            }
            let (product, size) = (&variant.product, variant.accelerators);
            self.change(Change {
                site,
                variant: &variant.name,
                load: room.load(site, product, variant.watts, size),
                tokens,
                now,
                to,
                // With origins that are served apart, no total says what is enough.
                early: deployment.origin_shares.is_empty(),
                last: None,
            });
        }
        // Of a variant that its deployment does not have any more nothing is known but that it goes.
        let gone = held.into_iter().flatten().filter(|(name, _)| {
            let mut known = deployment.variants.iter();
            known.all(|variant| variant.name != **name)
        });
        for (variant, held) in gone {
            self.change(Change {
                site,
                variant,
                load: Load::default(),
                tokens: 0.0,
                now: held.replicas,
                to: 0,
                early: false,
                last: None,
            });
        }
        after
    }

    fn change(&mut self, change: Change<'w>) {
        if change.to > change.now {
            self.comes.push(change);
        } else if change.to < change.now {
            self.goes.push(change);
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.all_came() && self.goes.iter().all(|change| change.left() == 0)
    }

    fn all_came(&self) -> bool {
        self.comes.iter().all(|change| change.left() == 0)
    }

    /// All that has still to come.
    pub(super) fn coming(&self) -> Vec<(&Load, u32)> {
        let left = self
            .comes
            .iter()
            .map(|change| (&change.load, change.left()));
        left.filter(|(_, count)| *count > 0).collect()
    }

    /// Whether it only grows, and ends in room that others may need on their way.
    pub(super) fn grows(&self) -> bool {
        self.goes.is_empty() && !self.comes.is_empty()
    }

    /// How many more of each place there is room for, one place after the other.
    pub(super) fn parts(&self, room: &Room<'w>) -> Vec<u32> {
        let mut room = room.clone();
        let parts = self.comes.iter().map(|change| {
            let count = room.most(&change.load, change.left());
            room.hold(&change.load, count);
            count
        });
        parts.collect()
    }

    /// Reserves so many more of each place that comes, waits for them, and shifts.
    pub(super) fn come(&mut self, counts: &[u32], room: &mut Room<'w>, steps: &mut Vec<Step>) {
        let mut ready = Vec::new();
        for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let reserve = steps.len();
            let change = &mut self.comes[index];
            let mut after = room.take(reserve, &change.load, *count);
            after.extend(change.last.replace(reserve));
            let from = change.now;
            change.now += count;
            self.serves += change.tokens * f64::from(*count);
            let act = self.reserve(index, from, from + count);
            let after = after.into_iter().collect();
            steps.push(Step { act, after });
            ready.push(steps.len());
            let change = &self.comes[index];
            steps.push(Step {
                act: Act::Ready {
                    deployment: self.id.clone(),
                    site: change.site.clone(),
                    variant: change.variant.clone(),
                },
                after: vec![reserve],
            });
        }
        if !ready.is_empty() {
            self.shift(ready, steps);
        }
    }

    fn reserve(&self, index: usize, from: u32, to: u32) -> Act {
        let change = &self.comes[index];
        Act::Reserve {
            deployment: self.id.clone(),
            site: change.site.clone(),
            variant: change.variant.clone(),
            from,
            to,
        }
    }

    fn release(&self, index: usize, from: u32, to: u32) -> Act {
        let change = &self.goes[index];
        Act::Release {
            deployment: self.id.clone(),
            site: change.site.clone(),
            variant: change.variant.clone(),
            from,
            to,
        }
    }

    fn shift(&mut self, ready: Vec<usize>, steps: &mut Vec<Step>) -> usize {
        let shift = steps.len();
        let deployment = self.id.clone();
        let after = self.shift.replace(shift).into_iter().chain(ready).collect();
        let act = Act::Shift { deployment };
        steps.push(Step { act, after });
        shift
    }

    /// Lets go what can go: all once all has come, before that what is served beside what is needed. Whether anything went.
    pub(super) fn go(&mut self, room: &mut Room<'w>, steps: &mut Vec<Step>) -> bool {
        let counts: Vec<u32> = (0..self.goes.len())
            .map(|index| self.let_go(index))
            .collect();
        if counts.iter().all(|count| *count == 0) {
            return false;
        }
        let shift = self.shift.unwrap_or_else(|| self.shift(Vec::new(), steps));
        for (index, count) in counts
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0)
        {
            let release = steps.len();
            let change = &mut self.goes[index];
            room.give(release, &change.load, count);
            let before = change.last.replace(release);
            let to = change.now;
            steps.push(Step {
                act: self.release(index, to + count, to),
                after: before.into_iter().chain([shift]).collect(),
            });
        }
        true
    }

    /// What has still to be done, and what is in its way.
    pub(super) fn held(&self, room: &Room<'w>) -> Vec<Held> {
        let mut held = Vec::new();
        for (index, change) in self.comes.iter().enumerate().filter(|(_, c)| c.left() > 0) {
            let alone = room.obstacle(&[(&change.load, change.left())]);
            let by = alone.or_else(|| room.obstacle(&self.coming()));
            held.push(Held {
                act: self.reserve(index, change.now, change.to),
                by: by.unwrap_or(Obstacle::Serving),
            });
        }
        for (index, change) in self.goes.iter().enumerate().filter(|(_, c)| c.left() > 0) {
            held.push(Held {
                act: self.release(index, change.now, change.to),
                by: Obstacle::Serving,
            });
        }
        held
    }

    /// Takes off a place what may go of it now, and says how many.
    fn let_go(&mut self, index: usize) -> u32 {
        let all_came = self.all_came();
        let change = &mut self.goes[index];
        let mut count = change.left();
        if !all_came {
            if !change.early {
                return 0;
            }
            // A hair of tolerance: what was summed up in another order is as much.
            let beside = self.serves - self.need + 1e-9 * (1.0 + self.need);
            if change.tokens > 0.0 {
                count = count.min((beside / change.tokens).max(0.0) as u32);
            }
            if count > 0 && self.held.get(change.site) == Some(&count) {
                if self.may_leave == 0 {
                    count -= 1;
                } else {
                    self.may_leave -= 1;
                }
            }
        }
        if let Some(held) = self.held.get_mut(change.site) {
            *held = held.saturating_sub(count);
        }
        change.now -= count;
        self.serves -= change.tokens * f64::from(count);
        count
    }
}
