//! Which limit leaves no room, with its numbers.

use commonwatt_fleet::{Liters, Metric, Rejection, Watts};

use super::rows::{Kind, Moment, PowerRow, Rows, Shape, StockRow, Under, is_outside};
use crate::rows::hour_of;

/// Replicas or pods of one shape over the horizon.
pub(super) struct Taking<'w> {
    pub shape: Shape<'w>,
    /// Charged, by [`Moment`].
    pub charged: Vec<u32>,
    /// There at each slot's end.
    pub held: Vec<u32>,
}

/// What somebody would take, and what would be given back for it.
pub(super) struct Asked<'w> {
    pub kind: Kind,
    pub more: Taking<'w>,
    pub back: Vec<Taking<'w>>,
}

impl Asked<'_> {
    fn watts_back(&self, row: &PowerRow<'_>, at: Moment) -> i64 {
        let under = self.back.iter().filter(|taking| row.covers(&taking.shape));
        under
            .map(|taking| {
                taking
                    .shape
                    .watts
                    .saturating_mul(i64::from(taking.charged[at]))
            })
            .fold(0, i64::saturating_add)
    }

    fn watts(&self, at: Moment) -> Watts {
        Watts(self.more.shape.watts).times(self.more.charged[at])
    }

    /// Replicas given back in the same pool, by size.
    fn replicas_back(&self, at: Moment) -> Vec<(u32, u32)> {
        let shape = &self.more.shape;
        let same = |of: &Shape<'_>| of.number == shape.number && of.product == shape.product;
        let back = self.back.iter().filter(|taking| same(&taking.shape));
        back.map(|taking| (taking.shape.accelerators, taking.charged[at]))
            .collect()
    }

    fn accelerators_back(&self, slot: usize, here: impl Fn(&Shape<'_>) -> bool) -> u64 {
        let back = self.back.iter().filter(|taking| here(&taking.shape));
        back.map(|taking| u64::from(taking.shape.accelerators) * u64::from(taking.held[slot]))
            .sum()
    }
}

impl Rows<'_> {
    /// The first limit that leaves no room: slot by slot in the order accelerators, reserve, tenant, power, then stocks.
    pub(super) fn first_limit(&self, asked: &Asked<'_>) -> Option<Rejection> {
        (0..=self.slots)
            .find_map(|at| self.limit_at(asked, at))
            .or_else(|| self.stock_limit(asked))
    }

    /// The first limit of one moment that leaves no room.
    pub(super) fn limit_at(&self, asked: &Asked<'_>, at: Moment) -> Option<Rejection> {
        let held = |slot: usize| {
            (slot < self.slots && asked.more.held[slot] > 0).then(|| {
                self.reserve_limit(asked, slot)
                    .or_else(|| self.tenant_limit(asked, slot))
            })?
        };
        let charged = asked.more.charged[at] > 0;
        let nodes = charged.then(|| self.nodes_limit(asked, at)).flatten();
        let power = || charged.then(|| self.power_limit(asked, at)).flatten();
        nodes.or_else(|| held(at)).or_else(power)
    }

    fn nodes_limit(&self, asked: &Asked<'_>, at: Moment) -> Option<Rejection> {
        let shape = &asked.more.shape;
        let row = self.pools.get(&(shape.number, shape.product))?;
        let back = asked.replicas_back(at);
        let (most, free) = row.most(at, shape.accelerators, asked.kind, &back);
        (most < asked.more.charged[at]).then(|| Rejection::Accelerators {
            product: shape.product.clone(),
            need: shape.accelerators,
            free: free.accelerators,
            largest_node: free.largest_node,
        })
    }

    fn reserve_limit(&self, asked: &Asked<'_>, slot: usize) -> Option<Rejection> {
        let shape = &asked.more.shape;
        let row = self.pools.get(&(shape.number, shape.product))?;
        let reserve = row.pool.reserve.as_ref()?;
        if !is_outside(row.pool, shape.tenant) {
            return None;
        }
        let open = u64::from(row.pool.total()).saturating_sub(u64::from(reserve.accelerators));
        let same = |of: &Shape<'_>| of.number == shape.number && of.product == shape.product;
        let held = row.outside[slot].seen_by(asked.kind);
        let held = held.saturating_sub(asked.accelerators_back(slot, same));
        let free = open.max(row.outside_before).saturating_sub(held);
        let need = u64::from(shape.accelerators) * u64::from(asked.more.held[slot]);
        (need > free).then(|| Rejection::Reserved {
            product: shape.product.clone(),
            need: need as u32,
            free: free as u32,
            reserved: reserve.accelerators,
            set_by: reserve.set_by.clone(),
        })
    }

    fn tenant_limit(&self, asked: &Asked<'_>, slot: usize) -> Option<Rejection> {
        let shape = &asked.more.shape;
        let row = self.tenants.get(shape.tenant)?;
        let more = asked.more.held[slot];
        let refuse = |need, left| Rejection::Tenant {
            tenant: shape.tenant.to_owned(),
            need,
            left,
        };
        if let Some(cap) = row.cap.accelerators {
            let held = row.held[slot].seen_by(asked.kind);
            let held = held.saturating_sub(asked.accelerators_back(slot, |_| true));
            let left = u64::from(cap).max(row.before.0).saturating_sub(held);
            let need = u64::from(shape.accelerators) * u64::from(more);
            if need > left {
                return Some(refuse(format!("{need} accelerators"), left.to_string()));
            }
        }
        let cap = row.cap.watts?;
        let back = asked.back.iter().map(|taking| {
            let held = i64::from(taking.held[slot]);
            taking.shape.watts.saturating_mul(held)
        });
        let drawn = row.watts[slot].seen_by(asked.kind) - back.sum::<i64>();
        let left = Watts(cap.0.max(row.before.1).saturating_sub(drawn).max(0));
        let need = Watts(shape.watts).times(more);
        (need > left).then(|| refuse(need.to_string(), left.to_string()))
    }

    fn power_limit(&self, asked: &Asked<'_>, at: Moment) -> Option<Rejection> {
        let slot = if at < self.slots { at } else { 0 };
        let rows = self.power.iter();
        rows.filter(|row| row.covers(&asked.more.shape))
            .find_map(|row| {
                let (limit, set_by) = limit_of(row, slot);
                let charged = row.charged[at].seen_by(asked.kind) - asked.watts_back(row, at);
                let need = asked.watts(at);
                let left = limit.0.saturating_sub(charged);
                (need.0 > left).then(|| Rejection::Power {
                    need,
                    headroom: Watts(left.max(0)),
                    limit,
                    set_by: set_by.to_owned(),
                    hour: self.world.slots.begin(slot),
                })
            })
    }

    fn stock_limit(&self, asked: &Asked<'_>) -> Option<Rejection> {
        let rows = self.stocks.iter();
        rows.filter(|row| row.covers(&asked.more.shape))
            .find_map(|row| {
                let need = self.use_of(row, &asked.more);
                let used = row.used.seen_by(asked.kind) - self.given_back(row, asked);
                let left = row.limit() - used;
                // As in the planner: sums of many slots must not push out what was admitted by the same numbers.
                let tolerance = 1e-9 * row.limit().abs() + 1e-6;
                (need > left + tolerance).then(|| over_stock(row, need, left.max(0.0)))
            })
    }

    /// What of a stock is given back for what is asked.
    pub(super) fn given_back(&self, row: &StockRow<'_>, asked: &Asked<'_>) -> f64 {
        let back = asked.back.iter().filter(|taking| row.covers(&taking.shape));
        back.map(|taking| self.use_of(row, taking)).sum()
    }

    fn use_of(&self, row: &StockRow<'_>, taking: &Taking<'_>) -> f64 {
        let watts = taking.shape.watts as f64;
        let slots = taking
            .held
            .iter()
            .enumerate()
            .filter(|(_, held)| **held > 0);
        slots
            .map(|(slot, held)| {
                self.per_watt(&taking.shape, row.metric, slot) * watts * f64::from(*held)
            })
            .sum()
    }
}

fn over_stock(row: &StockRow<'_>, need: f64, left: f64) -> Rejection {
    match row.metric {
        Metric::Water => Rejection::Water {
            need: Liters(need),
            left: Liters(left),
            set_by: row.set_by.to_owned(),
        },
        metric => Rejection::Stock {
            metric,
            need,
            left,
            set_by: row.set_by.to_owned(),
        },
    }
}

/// A power limit in a slot, and who set it.
fn limit_of<'w>(row: &PowerRow<'w>, slot: usize) -> (Watts, &'w str) {
    match row.under {
        Under::Site(_, site) => {
            let hour = hour_of(site, slot);
            (hour.limit.max(Watts::ZERO), hour.limit_set_by.as_str())
        }
        Under::Cap(name, cap) => {
            let limit = cap.limit.get(slot).copied().unwrap_or(Watts::ZERO);
            (limit.max(Watts::ZERO), name)
        }
    }
}
