//! Joint admission: all proposals of all hubs against the site's own limits, pure.

use std::collections::BTreeMap;

use commonwatt_api::conditions::reasons;
use commonwatt_fleet::Watts;

use crate::inventory::{Node, Owner};

/// A proposal for a ceiling now.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Name of its admission record, present or to be.
    pub record: String,
    /// Which hub.
    pub hub: String,
    /// Higher is admitted first.
    pub priority: i64,
    /// The ceiling that is asked for now; 1 or 0 for a job.
    pub ceiling: u32,
    /// The ceiling admitted so far.
    pub admitted: u32,
    /// Replicas that still run.
    pub actual: u32,
    /// Replicas that an autoscaler may still come to: charged, and without accelerators of their own yet.
    pub reach: u32,
    /// Watts of one replica.
    pub watts: Watts,
    /// Accelerator product.
    pub product: String,
    /// Accelerators of one pod.
    pub accelerators: u32,
    /// Pods of one replica: 1 when serving.
    pub pods: u32,
    /// Litres that its whole schedule uses over the horizon of the offer, in which more may be asked for later than now.
    pub liters: f64,
}

/// What there is to give.
#[derive(Debug, Clone)]
pub struct Room {
    /// IT watts in force, and who says so.
    pub limit: Watts,
    /// Who set it.
    pub set_by: String,
    /// IT watts charged to what no proposal speaks of: local jobs, records without an assignment.
    pub charged_elsewhere: Watts,
    /// IT watts per hub.
    pub shares: BTreeMap<String, Watts>,
    /// Nodes with what is requested on them.
    pub nodes: BTreeMap<String, Node>,
    /// Litres that may be used over the horizon, if water is limited, and by which budget.
    pub water: Option<(f64, String)>,
}

/// Yes, or no with what would be yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Admitted.
    Yes,
    /// Refused.
    No {
        /// One word, from `commonwatt_api::conditions::reasons`.
        reason: &'static str,
        /// With numbers.
        detail: String,
        /// The most that would be admitted.
        most: u32,
    },
}

/// Answers every proposal. Reductions are always admitted, and first; then increases by priority and name. What still
/// runs is charged until it is gone.
pub fn admit(proposals: &[Proposal], room: &Room) -> BTreeMap<String, Answer> {
    let mut ceilings: BTreeMap<&str, u32> = proposals
        .iter()
        .map(|p| (p.record.as_str(), p.ceiling.min(p.admitted)))
        .collect();
    let mut nodes = room.nodes.clone();
    for proposal in proposals {
        // Admitted, but its pods are not there yet: reserved in flight.
        take(
            &mut nodes,
            proposal,
            proposal
                .ceiling
                .min(proposal.admitted)
                .saturating_sub(proposal.actual),
        );
    }
    let mut order: Vec<&Proposal> = proposals.iter().collect();
    order.sort_by(|a, b| b.priority.cmp(&a.priority).then(a.record.cmp(&b.record)));
    let mut answers = BTreeMap::new();
    for proposal in order {
        let base = proposal.ceiling.min(proposal.admitted);
        let mut answer = Answer::Yes;
        let mut most = proposal.ceiling;
        for (reason, fits, detail) in [
            power(proposal, proposals, &ceilings, room),
            water(proposal, proposals, &ceilings, room),
            accelerators(proposal, base, &nodes),
        ] {
            // Nothing now and more later than there is water for is refused as well.
            let too_thirsty = reason == reasons::WATER
                && proposal.ceiling.max(proposal.admitted) == 0
                && !detail.is_empty();
            if fits < most || too_thirsty {
                most = fits;
                answer = Answer::No {
                    reason,
                    detail,
                    most,
                };
            }
        }
        if matches!(answer, Answer::Yes) {
            ceilings.insert(&proposal.record, proposal.ceiling);
            take(
                &mut nodes,
                proposal,
                proposal.ceiling.saturating_sub(base.max(proposal.actual)),
            );
        }
        answers.insert(proposal.record.clone(), answer);
    }
    answers
}

fn charge(proposal: &Proposal, ceiling: u32) -> Watts {
    let replicas = ceiling.max(proposal.actual).max(proposal.reach);
    proposal.watts.times(replicas)
}

/// The highest ceiling that `fits` allows, at least what is admitted already.
fn highest(proposal: &Proposal, fits: impl Fn(u32) -> bool) -> u32 {
    let base = proposal.ceiling.min(proposal.admitted);
    (base + 1..=proposal.ceiling)
        .rev()
        .find(|ceiling| fits(*ceiling))
        .unwrap_or(base)
}

fn power(
    proposal: &Proposal,
    all: &[Proposal],
    ceilings: &BTreeMap<&str, u32>,
    room: &Room,
) -> (&'static str, u32, String) {
    let others = |same_hub: bool| -> Watts {
        all.iter()
            .filter(|p| p.record != proposal.record && (!same_hub || p.hub == proposal.hub))
            .map(|p| charge(p, ceilings.get(p.record.as_str()).copied().unwrap_or(0)))
            .sum()
    };
    let headroom = room
        .limit
        .saturating_sub(others(false) + room.charged_elsewhere);
    let share = room
        .shares
        .get(&proposal.hub)
        .copied()
        .unwrap_or(Watts::ZERO)
        .saturating_sub(others(true));
    let (room_left, set_by) = if share < headroom {
        (share, "the hub's share")
    } else {
        (headroom, room.set_by.as_str())
    };
    let fits = highest(proposal, |ceiling| charge(proposal, ceiling) <= room_left);
    let detail = format!(
        "{} replicas need {}, {room_left} is left of {} set by {set_by}",
        proposal.ceiling,
        charge(proposal, proposal.ceiling),
        room.limit,
    );
    (reasons::POWER, fits, detail)
}

/// Litres at another ceiling than the one that is asked for.
fn liters(proposal: &Proposal, ceiling: u32) -> f64 {
    if proposal.ceiling == 0 {
        return proposal.liters;
    }
    proposal.liters * f64::from(ceiling) / f64::from(proposal.ceiling)
}

fn water(
    proposal: &Proposal,
    all: &[Proposal],
    ceilings: &BTreeMap<&str, u32>,
    room: &Room,
) -> (&'static str, u32, String) {
    let reason = reasons::WATER;
    let Some((allowance, set_by)) = &room.water else {
        return (reason, proposal.ceiling, String::new());
    };
    let others: f64 = all
        .iter()
        .filter(|p| p.record != proposal.record)
        .map(|p| liters(p, ceilings.get(p.record.as_str()).copied().unwrap_or(0)))
        .sum();
    // A litre of tolerance: the planner adds the same numbers in another order.
    let left = allowance - others + 1.0;
    let fits = highest(proposal, |ceiling| liters(proposal, ceiling) <= left);
    if proposal.liters <= left {
        return (reason, fits, String::new());
    }
    let detail = format!(
        "{} replicas use {:.0} L over the horizon, {:.0} L are left of {allowance:.0} L under {set_by}",
        proposal.ceiling,
        proposal.liters,
        left.max(0.0),
    );
    (reason, fits, detail)
}

fn accelerators(
    proposal: &Proposal,
    base: u32,
    nodes: &BTreeMap<String, Node>,
) -> (&'static str, u32, String) {
    let reason = reasons::ACCELERATORS;
    if proposal.accelerators == 0 {
        return (reason, proposal.ceiling, String::new());
    }
    let held = base.max(proposal.actual);
    let blocks: u32 = free(nodes, proposal)
        .map(|free| free / proposal.accelerators)
        .sum();
    let fits = (held + blocks / proposal.pods.max(1)).max(base);
    let detail = format!(
        "each pod needs {} {} on one node; {} are free in all, room for {blocks} more pods",
        proposal.accelerators,
        proposal.product,
        free(nodes, proposal).sum::<u32>(),
    );
    (reason, fits, detail)
}

fn free<'a>(
    nodes: &'a BTreeMap<String, Node>,
    proposal: &'a Proposal,
) -> impl Iterator<Item = u32> + 'a {
    nodes
        .values()
        .filter(|node| node.product == proposal.product)
        .map(|node| {
            node.allocatable
                .saturating_sub(node.requested.values().sum())
        })
}

/// Books accelerators for what was just admitted, fullest node first, so that the next proposal sees what is left.
fn take(nodes: &mut BTreeMap<String, Node>, proposal: &Proposal, replicas: u32) {
    let owner = Owner::Record(proposal.record.clone());
    for _ in 0..replicas.saturating_mul(proposal.pods.max(1)) {
        let fullest = nodes
            .values_mut()
            .filter(|node| node.product == proposal.product)
            .map(|node| {
                (
                    node.allocatable
                        .saturating_sub(node.requested.values().sum()),
                    node,
                )
            })
            .filter(|(free, _)| *free >= proposal.accelerators)
            .min_by_key(|(free, _)| *free);
        if let Some((_, node)) = fullest {
            *node.requested.entry(owner.clone()).or_default() += proposal.accelerators;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(record: &str, ceiling: u32, admitted: u32, priority: i64) -> Proposal {
        Proposal {
            record: record.into(),
            hub: "hub".into(),
            priority,
            ceiling,
            admitted,
            actual: admitted,
            reach: 0,
            watts: Watts(1000),
            product: "H100".into(),
            accelerators: 4,
            pods: 1,
            liters: 10.0,
        }
    }

    fn room(limit: i64) -> Room {
        let node = Node {
            product: "H100".into(),
            allocatable: 8,
            requested: BTreeMap::new(),
        };
        Room {
            limit: Watts(limit),
            set_by: "powerbudget/a".into(),
            charged_elsewhere: Watts::ZERO,
            shares: [("hub".to_owned(), Watts(limit))].into(),
            nodes: [("one".to_owned(), node.clone()), ("two".to_owned(), node)].into(),
            water: None,
        }
    }

    fn reason(answers: &BTreeMap<String, Answer>, record: &str) -> (&'static str, u32) {
        match &answers[record] {
            Answer::Yes => ("Yes", 0),
            Answer::No { reason, most, .. } => (reason, *most),
        }
    }

    #[test]
    fn the_higher_priority_is_admitted_first_and_the_other_learns_how_much_would_fit() {
        let answers = admit(
            &[proposal("a", 2, 0, 0), proposal("b", 2, 0, 5)],
            &room(3000),
        );
        assert_eq!(answers["b"], Answer::Yes);
        assert_eq!(reason(&answers, "a"), ("Power", 1));
    }

    #[test]
    fn a_schedule_that_begins_later_with_more_than_there_is_water_for_is_refused() {
        let later = |liters| Proposal {
            liters,
            ..proposal("a", 0, 0, 0)
        };
        let dry = Room {
            water: Some((20.0, "waterbudget/river".into())),
            ..room(9000)
        };
        assert_eq!(admit(&[later(15.0)], &dry)["a"], Answer::Yes);
        assert_eq!(reason(&admit(&[later(50.0)], &dry), "a"), ("Water", 0));
        // One that leaves is let go, however little is left.
        let leaves = Proposal {
            liters: 0.0,
            ..proposal("a", 0, 2, 0)
        };
        assert_eq!(admit(&[leaves], &dry)["a"], Answer::Yes);
    }

    #[test]
    fn what_still_runs_is_charged_until_it_is_gone() {
        let answers = admit(
            &[proposal("a", 0, 2, 0), proposal("b", 2, 0, 5)],
            &room(3000),
        );
        assert_eq!(answers["a"], Answer::Yes);
        assert_eq!(reason(&answers, "b"), ("Power", 1));
    }

    #[test]
    fn a_reduction_is_admitted_even_far_above_the_limit() {
        assert_eq!(admit(&[proposal("a", 3, 4, 0)], &room(0))["a"], Answer::Yes);
    }

    #[test]
    fn replicas_must_fit_on_single_nodes() {
        let mut big = proposal("a", 3, 0, 0);
        big.accelerators = 5;
        assert_eq!(
            reason(&admit(&[big], &room(10_000)), "a"),
            ("Accelerators", 2)
        );
    }

    #[test]
    fn a_dry_water_budget_stops_growth_and_nothing_else() {
        let mut room = room(10_000);
        room.water = Some((0.0, "waterbudget/river".into()));
        let answers = admit(&[proposal("a", 2, 1, 0), proposal("b", 1, 2, 0)], &room);
        assert_eq!(reason(&answers, "a"), ("Water", 1));
        assert_eq!(answers["b"], Answer::Yes);
    }
}
