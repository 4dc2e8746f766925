//! Load that went elsewhere, and decisions by their reasons.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{KilowattHours, SiteId, Watts};
use serde::{Deserialize, Serialize};

use crate::period::Period;
use crate::reading::Index;
use crate::record::{Body, Decision, DecisionKind, Record, Workload};

/// Load that moved from one site to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedLoad {
    /// The site that it left.
    pub from: SiteId,
    /// The site that took it.
    pub to: SiteId,
    /// Whether the other is of this community too.
    pub same_community: bool,
    /// How many times.
    pub moves: u32,
    /// IT watts that left, over all moves.
    pub watts: Watts,
    /// IT energy that was used elsewhere, kWh: the watts that left, from each move until the next decision about that
    /// workload here, or the end of the period. An estimate.
    pub energy: KilowattHours,
}

/// How often something was decided for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionCount {
    /// What was decided.
    pub what: DecisionKind,
    /// Why.
    pub reason: String,
    /// Who set the limit that caused it; none where a price did.
    pub set_by: Option<String>,
    /// How often.
    pub times: u32,
}

fn decisions<'a>(
    index: &'a Index<'a>,
    sites: &'a [&SiteId],
    period: Period,
) -> impl Iterator<Item = (&'a Record, &'a Decision)> {
    index
        .ordered
        .iter()
        .filter_map(move |record| match &record.body {
            Body::Decision(decision)
                if sites.contains(&&record.site) && period.contains(record.recorded_at) =>
            {
                Some((*record, decision))
            }
            _ => None,
        })
}

/// Decisions of the sites by kind, reason and author of the limit, the most frequent first.
pub(crate) fn decision_counts(
    index: &Index<'_>,
    sites: &[&SiteId],
    period: Period,
) -> Vec<DecisionCount> {
    let mut times: BTreeMap<(DecisionKind, String, Option<String>), u32> = BTreeMap::new();
    for (_, decision) in decisions(index, sites, period) {
        let set_by = decision.limit.as_ref().map(|limit| limit.set_by.clone());
        *times
            .entry((decision.what, decision.reason.clone(), set_by))
            .or_default() += 1;
    }
    let mut counts: Vec<_> = times
        .into_iter()
        .map(|((what, reason, set_by), times)| DecisionCount {
            what,
            reason,
            set_by,
            times,
        })
        .collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.times));
    counts
}

/// Load that left the sites, by the place that took it.
pub(crate) fn moved_loads(
    index: &Index<'_>,
    sites: &[&SiteId],
    community: &BTreeSet<&SiteId>,
    period: Period,
) -> Vec<MovedLoad> {
    let mut loads: BTreeMap<(&SiteId, &SiteId), MovedLoad> = BTreeMap::new();
    // Backwards, so that the next decision about the same workload is known.
    let mut next: BTreeMap<(&SiteId, &Workload), chrono::DateTime<chrono::Utc>> = BTreeMap::new();
    let all: Vec<_> = decisions(index, sites, period).collect();
    for (record, decision) in all.into_iter().rev() {
        let until = next
            .insert((&record.site, &decision.workload), record.recorded_at)
            .unwrap_or(period.end);
        let (DecisionKind::Moved, Some(to)) = (decision.what, &decision.moved_to) else {
            continue;
        };
        let watts = decision.watts_before.saturating_sub(decision.watts_after);
        let seconds = (until - record.recorded_at).num_seconds().max(0) as f64;
        let load = loads
            .entry((&record.site, to))
            .or_insert_with(|| MovedLoad {
                from: record.site.clone(),
                to: to.clone(),
                same_community: community.contains(to),
                moves: 0,
                watts: Watts::ZERO,
                energy: KilowattHours::ZERO,
            });
        load.moves += 1;
        load.watts += watts;
        load.energy += watts.over_seconds(seconds);
    }
    loads.into_values().collect()
}
