//! What gives way when a limit falls, and in which order it comes back.
//!
//! Rungs: suspend suspendable batch, lower ceilings to floors, drain. On each rung lower priority gives way first, and
//! of equals the one that sheds most watts with one write. The result depends on the limit alone, not on what was held
//! before, so that a restart in the middle of an event changes nothing; slow recovery comes from the limit's own ramp.

use std::collections::BTreeMap;

use commonwatt_fleet::Watts;

/// Something that draws power here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Watts of one replica, or of a whole job.
    pub watts: Watts,
    /// Ceiling that its schedule asks for now; 1 or 0 for a job.
    pub wanted: u32,
    /// What it may be lowered to before it is drained.
    pub floor: u32,
    /// Whether it is batch that may be suspended: goes first.
    pub suspendable: bool,
    /// What may not be touched: others make room for it.
    pub fixed: bool,
    /// Higher gives way later.
    pub priority: i64,
    /// Replicas that still run, ready or ending: charged until they are gone.
    pub actual: u32,
}

/// Which rung holds a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// Suspended.
    Suspended,
    /// At or on the way to its floor.
    Floor,
    /// Below its floor.
    Drained,
}

/// What each load may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Ceiling by load.
    pub ceilings: BTreeMap<String, u32>,
    /// What is held below its schedule, and on which rung.
    pub held: BTreeMap<String, Rung>,
    /// Watts of all ceilings.
    pub watts: Watts,
}

/// The ceilings that fit a limit.
pub fn ceilings(loads: &BTreeMap<String, Load>, limit: Watts) -> Outcome {
    let mut outcome = Outcome {
        ceilings: loads
            .iter()
            .map(|(name, load)| (name.clone(), load.wanted))
            .collect(),
        held: BTreeMap::new(),
        watts: loads
            .values()
            .map(|load| load.watts.times(load.wanted))
            .sum(),
    };
    for rung in [Rung::Suspended, Rung::Floor, Rung::Drained] {
        for (name, load) in in_order(loads, rung) {
            if outcome.watts <= limit {
                return outcome;
            }
            lower(&mut outcome, name, load, rung, limit);
        }
    }
    outcome
}

/// Lowers one load as far as the rung allows and the limit needs.
fn lower(outcome: &mut Outcome, name: &str, load: &Load, rung: Rung, limit: Watts) {
    let Some(ceiling) = outcome.ceilings.get_mut(name) else {
        return;
    };
    let bottom = match rung {
        Rung::Suspended | Rung::Drained => 0,
        Rung::Floor => load.floor,
    };
    let excess = outcome.watts.saturating_sub(limit);
    let needed = if load.watts.0 > 0 {
        (excess.0 as u64).div_ceil(load.watts.0 as u64)
    } else {
        0
    };
    let step = u32::try_from(needed)
        .unwrap_or(u32::MAX)
        .min(ceiling.saturating_sub(bottom));
    if step > 0 {
        *ceiling -= step;
        outcome.watts = outcome.watts - load.watts.times(step);
        outcome.held.insert(name.to_owned(), rung);
    }
}

/// The loads that a rung touches: lower priority first, then the most watts, then by name.
fn in_order(loads: &BTreeMap<String, Load>, rung: Rung) -> Vec<(&String, &Load)> {
    let sheds = |load: &Load| {
        let bottom = if rung == Rung::Floor { load.floor } else { 0 };
        load.watts.times(load.wanted.saturating_sub(bottom))
    };
    let mut chosen: Vec<_> = loads
        .iter()
        .filter(|(_, load)| match rung {
            _ if load.fixed => false,
            Rung::Suspended => load.suspendable,
            Rung::Floor => !load.suspendable,
            Rung::Drained => true,
        })
        .collect();
    chosen.sort_by(|(a_name, a), (b_name, b)| {
        a.priority
            .cmp(&b.priority)
            .then(sheds(b).cmp(&sheds(a)))
            .then(a_name.cmp(b_name))
    });
    chosen
}

/// Keeps what may not rise yet where it is: a ceiling is raised only as far as the limit allows while everything that
/// still runs is charged. Reductions always pass. Higher priority rises first.
pub fn raise_within(
    loads: &BTreeMap<String, Load>,
    current: &BTreeMap<String, u32>,
    outcome: &mut Outcome,
    limit: Watts,
) {
    let charged = |name: &String, ceiling: u32| {
        loads.get(name).map_or(Watts::ZERO, |load| {
            load.watts.times(ceiling.max(load.actual))
        })
    };
    let before = |name: &String| current.get(name).copied().unwrap_or(0);
    let mut total: Watts = outcome
        .ceilings
        .iter()
        .map(|(name, ceiling)| charged(name, (*ceiling).min(before(name))))
        .sum();
    let mut names: Vec<_> = loads.keys().cloned().collect();
    names.sort_by_key(|name| (std::cmp::Reverse(loads[name].priority), name.clone()));
    for name in names {
        let Some(ceiling) = outcome.ceilings.get_mut(&name) else {
            continue;
        };
        let base = (*ceiling).min(before(&name));
        let base_charge = charged(&name, base);
        let mut allowed = *ceiling;
        while allowed > base && total - base_charge + charged(&name, allowed) > limit {
            allowed -= 1;
        }
        total = total - base_charge + charged(&name, allowed);
        if allowed < *ceiling {
            outcome.held.entry(name.clone()).or_insert(Rung::Floor);
        }
        *ceiling = allowed;
    }
    outcome.watts = total;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(watts: i64, wanted: u32, floor: u32, suspendable: bool, priority: i64) -> Load {
        Load {
            watts: Watts(watts),
            wanted,
            floor,
            suspendable,
            fixed: false,
            priority,
            actual: wanted,
        }
    }

    fn loads() -> BTreeMap<String, Load> {
        [
            ("batch".to_owned(), load(3000, 1, 0, true, 0)),
            ("chat".to_owned(), load(1000, 5, 2, false, 10)),
            ("draft".to_owned(), load(1000, 4, 1, false, 0)),
        ]
        .into()
    }

    #[test]
    fn batch_is_suspended_before_any_ceiling_is_lowered() {
        let outcome = ceilings(&loads(), Watts(9_000));
        assert_eq!(outcome.held, [("batch".to_owned(), Rung::Suspended)].into());
        assert_eq!(outcome.watts, Watts(9_000));
    }

    #[test]
    fn the_lower_priority_goes_to_its_floor_first_and_only_as_far_as_needed() {
        let outcome = ceilings(&loads(), Watts(7_000));
        assert_eq!(
            (outcome.ceilings["draft"], outcome.ceilings["chat"]),
            (2, 5)
        );
    }

    #[test]
    fn nothing_is_drained_while_a_floor_is_above_the_bottom() {
        let outcome = ceilings(&loads(), Watts(3_000));
        assert_eq!(
            (outcome.ceilings["draft"], outcome.ceilings["chat"]),
            (1, 2)
        );
        let outcome = ceilings(&loads(), Watts(2_000));
        assert_eq!(
            (outcome.ceilings["draft"], outcome.ceilings["chat"]),
            (0, 2)
        );
        assert_eq!(outcome.held["draft"], Rung::Drained);
    }

    #[test]
    fn others_make_room_for_what_may_not_be_touched() {
        let mut loads = loads();
        loads.get_mut("draft").expect("draft").fixed = true;
        let outcome = ceilings(&loads, Watts(4_000));
        assert_eq!(
            (outcome.ceilings["draft"], outcome.ceilings["chat"]),
            (4, 0)
        );
        assert_eq!(outcome.watts, Watts(4_000));
    }

    #[test]
    fn a_limit_of_nothing_leaves_nothing() {
        assert_eq!(ceilings(&loads(), Watts::ZERO).watts, Watts::ZERO);
    }

    #[test]
    fn what_still_runs_is_charged_before_anything_rises() {
        let mut loads = loads();
        loads.get_mut("draft").expect("draft").wanted = 0;
        // draft still runs 4 replicas while it drains.
        let current = [
            ("batch".to_owned(), 1),
            ("chat".to_owned(), 2),
            ("draft".to_owned(), 4),
        ]
        .into();
        loads.get_mut("chat").expect("chat").actual = 2;
        let mut outcome = ceilings(&loads, Watts(10_000));
        raise_within(&loads, &current, &mut outcome, Watts(10_000));
        assert_eq!(
            outcome.ceilings["chat"], 3,
            "3000 batch + 4000 ending + 3000 chat"
        );
        assert_eq!(outcome.ceilings["draft"], 0);
    }
}
