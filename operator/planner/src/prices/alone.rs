//! What a place can hold of one deployment if nothing else runs: no answer to prices asks for more.

use super::seats::{Seat, Way};
use crate::rows::Rows;

/// The most replicas of a kind that a pool can hold in a slot.
pub(crate) struct Alone {
    pools: usize,
    keys: usize,
    /// By slot and pool: watts of the tightest power row.
    watts: Vec<f64>,
    /// By slot and key: replicas on the pool's nodes.
    replicas: Vec<f64>,
    /// By pool: accelerators for those outside its reserve.
    unreserved: Vec<f64>,
}

impl Alone {
    pub(crate) fn new(rows: &Rows<'_>) -> Self {
        let limit = |slot: usize, row: &usize| rows.power[*row].end_limit[slot] as f64;
        let tightest = |slot: usize| {
            let pools = rows.pools.iter();
            pools.map(move |pool| {
                let power = pool.power.iter();
                power
                    .map(|row| limit(slot, row))
                    .fold(f64::INFINITY, f64::min)
            })
        };
        let on_nodes = |slot: usize| {
            rows.pools.iter().flat_map(move |pool| {
                let nodes = pool.nodes_in(slot);
                let sizes = 0..nodes.sizes().len();
                sizes.map(|size| f64::from(nodes.most(&mut nodes.no_counts(), size)))
            })
        };
        Self {
            pools: rows.pools.len(),
            keys: rows.pools.iter().map(|pool| pool.nodes.sizes().len()).sum(),
            watts: (0..rows.slots).flat_map(tightest).collect(),
            replicas: (0..rows.slots).flat_map(on_nodes).collect(),
            unreserved: (rows.pools.iter())
                .map(|pool| pool.unreserved.map_or(f64::INFINITY, f64::from))
                .collect(),
        }
    }

    /// The most replicas at a seat in a slot: whole ones.
    pub(crate) fn most(&self, slot: usize, seat: &Seat, way: &Way) -> f64 {
        let pool = seat.pool as usize;
        let mut most = f64::INFINITY;
        if way.watts > 0.0 {
            most = self.watts[slot * self.pools + pool] / way.watts;
        }
        if let Some(key) = seat.key {
            most = most.min(self.replicas[slot * self.keys + key.get() as usize - 1]);
        }
        if seat.outside_reserve && way.accelerators > 0.0 {
            most = most.min(self.unreserved[pool] / way.accelerators);
        }
        (most + 1e-9).floor()
    }
}
