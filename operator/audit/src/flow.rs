//! The most that flows from several sources to what takes them.

use std::collections::VecDeque;

/// The most that flows from sources to groups that take them: shortest augmenting paths (Edmonds and Karp, 1972), whose
/// number does not depend on the capacities.
pub(crate) fn most(sources: &[f64], groups: &[(Vec<bool>, f64)]) -> f64 {
    let (mut left, mut room) = (
        sources.to_vec(),
        groups.iter().map(|(_, room)| *room).collect::<Vec<_>>(),
    );
    let mut flow = vec![vec![0.0_f64; groups.len()]; sources.len()];
    let scale: f64 = sources.iter().chain(&room).copied().fold(0.0, f64::max);
    let nothing = 1e-12 * scale;
    let mut total = 0.0;
    while let Some(path) = augmenting(&left, &room, groups, &flow, nothing) {
        // source, group, source, group, ...: forward from a source to a group, back from a group to a source.
        let (first, last) = (path[0], path[path.len() - 1]);
        let back = path[1..path.len() - 1].chunks(2);
        let most = back.map(|step| flow[step[1]][step[0]]);
        let most = most.fold(left[first].min(room[last]), f64::min);
        for (index, pair) in path.windows(2).enumerate() {
            if index % 2 == 0 {
                flow[pair[0]][pair[1]] += most;
            } else {
                flow[pair[1]][pair[0]] -= most;
            }
        }
        left[first] -= most;
        room[last] -= most;
        total += most;
    }
    total
}

/// The shortest path from a source with something left to a group with room.
fn augmenting(
    left: &[f64],
    room: &[f64],
    groups: &[(Vec<bool>, f64)],
    flow: &[Vec<f64>],
    nothing: f64,
) -> Option<Vec<usize>> {
    let (sources, count) = (left.len(), groups.len());
    // Where each was reached from: sources first, then groups.
    let mut from: Vec<Option<usize>> = vec![None; sources + count];
    let mut queue: VecDeque<usize> = (0..sources).filter(|s| left[*s] > nothing).collect();
    let mut seen: Vec<bool> = (0..sources + count)
        .map(|node| node < sources && left[node] > nothing)
        .collect();
    while let Some(node) = queue.pop_front() {
        if node >= sources && room[node - sources] > nothing {
            let mut path = vec![node - sources];
            let mut at = node;
            while let Some(before) = from[at] {
                path.push(if before < sources {
                    before
                } else {
                    before - sources
                });
                at = before;
            }
            path.reverse();
            return Some(path);
        }
        let next: Vec<usize> = if node < sources {
            let takes = (0..count).filter(|group| groups[*group].0[node]);
            takes.map(|group| sources + group).collect()
        } else {
            let gives = (0..sources).filter(|source| flow[*source][node - sources] > nothing);
            gives.collect()
        };
        for next in next {
            if !std::mem::replace(&mut seen[next], true) {
                from[next] = Some(node);
                queue.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by Hall's condition: over every set of sources, what it cannot give away is too much.
    fn by_sets(sources: &[f64], groups: &[(Vec<bool>, f64)]) -> f64 {
        let worst = (0..1_usize << sources.len()).map(|set| {
            let inside = |source: usize| set & (1 << source) != 0;
            let wants = (0..sources.len()).filter(|s| inside(*s));
            let wants: f64 = wants.map(|s| sources[s]).sum();
            let takes = groups.iter().filter(|(takes, _)| {
                (0..sources.len()).any(|source| inside(source) && takes[source])
            });
            wants - takes.map(|(_, room)| room).sum::<f64>()
        });
        sources.iter().sum::<f64>() - worst.fold(0.0, f64::max)
    }

    #[test]
    fn the_most_flow_is_what_halls_condition_leaves() {
        // A linear congruential generator: the same few hundred cases every time.
        let mut state = 7_u64;
        let mut next = |most: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % most
        };
        for case in 0..500 {
            let sources: Vec<f64> = (0..=next(5)).map(|_| next(9) as f64 * 0.7).collect();
            let groups: Vec<(Vec<bool>, f64)> = (0..next(6))
                .map(|_| {
                    let takes = sources.iter().map(|_| next(2) == 1).collect();
                    (takes, next(12) as f64 * 0.7)
                })
                .collect();
            let (flow, sets) = (most(&sources, &groups), by_sets(&sources, &groups));
            assert!(
                (flow - sets).abs() < 1e-9,
                "{case}: {sources:?} {groups:?}: {flow} {sets}"
            );
        }
    }
}
