//! What workloads share: the limits that they keep together, elastic nodes `e` and their starts `s`, peaks `P`, the community
//! that is worst off `F`, and load that is owed and cannot be shed `o`.

use std::io;

use commonwatt_fleet::{Allowance, Elastic, Metric, Money};

use super::Part;
use super::file::File;
use super::index::{Index, cap_limit, hour};

/// A community by number, with what it allows.
type Bearing = (usize, Allowance);

/// The part of all.
pub(super) struct Common<'i, 'w> {
    index: &'i Index<'w>,
}

impl<'i, 'w> Common<'i, 'w> {
    pub(super) fn new(index: &'i Index<'w>) -> Self {
        Self { index }
    }

    fn slots(&self) -> std::ops::Range<usize> {
        0..self.index.slots
    }

    fn elastic(&self) -> impl Iterator<Item = (usize, &'w Elastic)> {
        let pools = self.index.pools.iter().enumerate();
        pools.filter_map(|(number, row)| Some((number, row.pool.elastic.as_ref()?)))
    }

    /// Fairness by metric, with the allowances of communities that have one.
    fn fairness(&self) -> Vec<(Metric, Money, Vec<Bearing>)> {
        let shared = &self.index.world.shared;
        let communities = || self.index.communities.iter().enumerate();
        let carbon = communities().filter_map(|(number, c)| Some((number, c.carbon?)));
        let water = communities().filter_map(|(number, c)| Some((number, c.water?)));
        let metrics = [
            (Metric::Carbon, shared.fairness.carbon, carbon.collect()),
            (
                Metric::Water,
                shared.fairness.water,
                water.collect::<Vec<_>>(),
            ),
        ];
        metrics
            .into_iter()
            .filter(|(_, weight, rows)| weight.0 > 0.0 && !rows.is_empty())
            .collect()
    }

    fn elastic_columns(&self, file: &mut File<'_>) -> io::Result<()> {
        for (pool, elastic) in self.elastic() {
            let row = &self.index.pools[pool];
            let price = elastic.price_per_node_hour.0 * self.index.hours;
            file.whole(true)?;
            for slot in self.slots() {
                let column = format!("e_{pool}_{slot}");
                file.cost(&column, price)?;
                file.entry(&column, format_args!("E_{pool}_{slot}"), -1.0)?;
                if slot + 1 < self.index.slots {
                    file.entry(&column, format_args!("E_{pool}_{}", slot + 1), 1.0)?;
                }
                for width in &row.widths {
                    let places = f64::from(elastic.accelerators_per_node / width);
                    file.entry(&column, format_args!("G_{pool}_{width}_{slot}"), -places)?;
                }
            }
            file.whole(false)?;
            for slot in self.slots() {
                let column = format!("s_{pool}_{slot}");
                file.cost(&column, price * f64::from(elastic.start_slots))?;
                file.entry(&column, format_args!("E_{pool}_{slot}"), 1.0)?;
            }
        }
        Ok(())
    }
}

impl Part for Common<'_, '_> {
    fn rows(&self, file: &mut File<'_>) -> io::Result<()> {
        let index = self.index;
        for slot in self.slots() {
            for site in 0..index.sites.len() {
                file.row('L', format_args!("W_s{site}_{slot}"))?;
                if index.sites[site].1.demand_charge.is_some() {
                    file.row('G', format_args!("P_{site}_{slot}"))?;
                }
                for number in 0..index.sites[site].1.obligations.len() {
                    file.row('G', format_args!("B_{site}_{number}_{slot}"))?;
                }
            }
            for cap in 0..index.caps.len() {
                file.row('L', format_args!("W_c{cap}_{slot}"))?;
            }
            for (pool, row) in index.pools.iter().enumerate() {
                for width in &row.widths {
                    file.row('L', format_args!("G_{pool}_{width}_{slot}"))?;
                }
                if row.pool.reserve.is_some() {
                    file.row('L', format_args!("R_{pool}_{slot}"))?;
                }
            }
            for (pool, _) in self.elastic() {
                file.row('G', format_args!("E_{pool}_{slot}"))?;
            }
            for (tenant, row) in index.tenants.iter().enumerate() {
                if row.cap.accelerators.is_some() {
                    file.row('L', format_args!("T_a{tenant}_{slot}"))?;
                }
                if row.cap.watts.is_some() {
                    file.row('L', format_args!("T_w{tenant}_{slot}"))?;
                }
            }
        }
        for number in 0..index.stocks.len() {
            file.row('L', format_args!("X_{number}"))?;
        }
        for (metric, _, rows) in self.fairness() {
            for (community, _) in rows {
                file.row('G', format_args!("F_{metric:?}_{community}"))?;
            }
        }
        Ok(())
    }

    fn columns(&self, file: &mut File<'_>) -> io::Result<()> {
        self.elastic_columns(file)?;
        for (number, (_, site)) in self.index.sites.iter().enumerate() {
            if let Some(charge) = site.demand_charge {
                let column = format!("P_{number}");
                file.cost(&column, charge.per_kilowatt.0)?;
                for slot in self.slots() {
                    file.entry(&column, format_args!("P_{number}_{slot}"), 1.0)?;
                }
            }
            for (owed, obligation) in site.obligations.iter().enumerate() {
                for slot in self.slots() {
                    let column = format!("o_{number}_{owed}_{slot}");
                    let price = obligation.shortfall_per_kilowatt_hour.0 * self.index.hours;
                    file.cost(&column, price)?;
                    file.entry(&column, format_args!("B_{number}_{owed}_{slot}"), 1.0)?;
                }
            }
        }
        let horizon = self.index.hours * self.index.slots as f64;
        for (metric, weight, rows) in self.fairness() {
            let most = rows
                .iter()
                .map(|(_, allowance)| allowance.horizons(horizon));
            let column = format!("F_{metric:?}");
            file.cost(&column, weight.0 / most.fold(1.0, f64::max))?;
            for (community, _) in rows {
                file.entry(&column, format_args!("F_{metric:?}_{community}"), 1.0)?;
            }
        }
        Ok(())
    }

    fn right_sides(&self, file: &mut File<'_>) -> io::Result<()> {
        let index = self.index;
        for slot in self.slots() {
            // Before the first slot `k` holds what is committed, a constant; above a limit only what stays counts.
            let before = |held: f64, over: bool| if slot == 0 && !over { held } else { 0.0 };
            for (number, (_, site)) in index.sites.iter().enumerate() {
                let held = index.site_held[number];
                let limit = hour(site, slot).limit.0.max(0) as f64;
                let right = limit - before(held.watts, held.over);
                file.right(format_args!("W_s{number}_{slot}"), right)?;
                if let Some(charge) = site.demand_charge {
                    let peak = -(charge.peak.0 as f64) / 1000.0;
                    file.right(format_args!("P_{number}_{slot}"), peak)?;
                }
                for (owed, obligation) in site.obligations.iter().enumerate() {
                    let watts = obligation.watts.get(slot).map_or(0, |watts| watts.0);
                    let row = format_args!("B_{number}_{owed}_{slot}");
                    file.right(row, watts as f64 / 1000.0)?;
                }
            }
            for (number, (_, cap)) in index.caps.iter().enumerate() {
                let held = index.cap_held[number];
                let right = cap_limit(cap, slot) - before(held.watts, held.over);
                file.right(format_args!("W_c{number}_{slot}"), right)?;
            }
            for (number, row) in index.pools.iter().enumerate() {
                for width in &row.widths {
                    let right = row.places(*width) - before(row.held_places(*width), row.over);
                    file.right(format_args!("G_{number}_{width}_{slot}"), right)?;
                }
                if let Some(reserve) = &row.pool.reserve {
                    let total = f64::from(row.pool.total());
                    let rest = (total - f64::from(reserve.accelerators)).max(row.held_unreserved);
                    file.right(format_args!("R_{number}_{slot}"), rest)?;
                }
            }
            for (number, row) in index.tenants.iter().enumerate() {
                if let Some(most) = row.cap.accelerators {
                    let most = f64::from(most).max(row.accelerators);
                    file.right(format_args!("T_a{number}_{slot}"), most)?;
                }
                if let Some(most) = row.cap.watts {
                    let most = (most.0 as f64).max(row.watts);
                    file.right(format_args!("T_w{number}_{slot}"), most)?;
                }
            }
        }
        for (pool, elastic) in self.elastic().filter(|_| index.slots > 0) {
            let running = -f64::from(elastic.running);
            file.right(format_args!("E_{pool}_0"), running)?;
        }
        for (number, row) in index.stocks.iter().enumerate() {
            file.right(format_args!("X_{number}"), row.allowance)?;
        }
        for (metric, _, rows) in self.fairness() {
            for (community, allowance) in rows {
                let used = allowance.used / allowance.whole;
                file.right(format_args!("F_{metric:?}_{community}"), used)?;
            }
        }
        Ok(())
    }

    fn bounds(&self, file: &mut File<'_>) -> io::Result<()> {
        for (pool, elastic) in self.elastic() {
            for slot in self.slots() {
                let most = f64::from(elastic.most_in(slot));
                file.most(format_args!("e_{pool}_{slot}"), most)?;
            }
        }
        Ok(())
    }
}
