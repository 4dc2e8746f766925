//! Where a workload may run, and what a watt or an accelerator there weighs in the rows that it shares with others.

use std::io;

use commonwatt_fleet::{CostParts, Deployment, Metric, SiteId, Variant, Watts};

use super::file::File;
use super::index::{Index, hour, reserved};

/// What a workload takes while it runs.
#[derive(Clone, Copy)]
pub(super) struct Load<'w> {
    /// Index of the site.
    pub site: usize,
    pub id: &'w SiteId,
    /// Index of the pool.
    pub pool: usize,
    pub tenant: &'w str,
    /// Accelerators of each replica or pod, on one node.
    pub size: u32,
    /// Replicas or pods at once.
    pub count: u32,
    /// Watts of all of them.
    pub watts: Watts,
}

impl<'w> Load<'w> {
    /// What it costs in a slot.
    pub(super) fn cost(&self, index: &Index<'w>, policy: &str, slot: usize) -> f64 {
        let site = index.sites[self.site].1;
        let parts = CostParts::running(
            site,
            hour(site, slot),
            index.pools[self.pool].pool,
            index.policy(policy),
            self.watts,
            self.size * self.count,
            index.hours,
        );
        parts.total().0
    }

    /// Whether nothing may grow here in the first slot: (W0) or (G0).
    pub(super) fn over(&self, index: &Index<'_>) -> bool {
        let pool = &index.pools[self.pool];
        let caps = &pool.caps;
        index.site_held[self.site].over
            || pool.over
            || caps.iter().any(|number| index.cap_held[*number].over)
    }

    /// Its coefficients in the rows of power and nodes of a slot, times a factor: what is charged.
    pub(super) fn charged(
        &self,
        (index, file): (&Index<'_>, &mut File<'_>),
        column: &str,
        slot: usize,
        which: Charge,
    ) -> io::Result<()> {
        let watts = self.watts.0.max(0) as f64;
        if which.counts(slot, index.site_held[self.site].over) {
            file.entry(&column, format_args!("W_s{}_{slot}", self.site), watts)?;
        }
        for number in &index.pools[self.pool].caps {
            if which.counts(slot, index.cap_held[*number].over) {
                file.entry(&column, format_args!("W_c{number}_{slot}"), watts)?;
            }
        }
        let row = &index.pools[self.pool];
        if which.counts(slot, row.over) {
            for width in &row.widths {
                let places = f64::from(self.size / width) * f64::from(self.count);
                let name = format_args!("G_{}_{width}_{slot}", self.pool);
                file.entry(&column, name, places)?;
            }
        }
        Ok(())
    }

    /// Its coefficients in the rows that count what stands at a slot's end: reserves, tenants, stocks, peaks, fairness.
    pub(super) fn standing(
        &self,
        (index, file): (&Index<'_>, &mut File<'_>),
        column: &str,
        slot: usize,
    ) -> io::Result<()> {
        let accelerators = f64::from(self.size) * f64::from(self.count);
        let watts = self.watts.0.max(0) as f64;
        if reserved(index.pools[self.pool].pool, self.tenant) {
            file.entry(
                &column,
                format_args!("R_{}_{slot}", self.pool),
                accelerators,
            )?;
        }
        for (number, row) in index.tenants.iter().enumerate() {
            if row.name == self.tenant && row.cap.accelerators.is_some() {
                file.entry(&column, format_args!("T_a{number}_{slot}"), accelerators)?;
            }
            if row.name == self.tenant && row.cap.watts.is_some() {
                file.entry(&column, format_args!("T_w{number}_{slot}"), watts)?;
            }
        }
        for number in &index.site_stocks[self.site] {
            let metric = index.stocks[*number].metric;
            let drawn = index.drawn(metric, self.id, self.watts, slot);
            file.entry(&column, format_args!("X_{number}"), drawn)?;
        }
        let site = index.sites[self.site].1;
        if site.demand_charge.is_some() {
            let kilowatts = watts * hour(site, slot).pue / 1000.0;
            file.entry(&column, format_args!("P_{}_{slot}", self.site), -kilowatts)?;
        }
        let fairness = index.world.shared.fairness;
        let horizon = index.hours * index.slots as f64;
        for number in &index.site_communities[self.site] {
            let community = index.communities[*number];
            let metrics = [
                (Metric::Carbon, community.carbon, fairness.carbon),
                (Metric::Water, community.water, fairness.water),
            ];
            for (metric, allowance, weight) in metrics {
                if let Some(allowance) = allowance.filter(|_| weight.0 > 0.0) {
                    let drawn = index.drawn(metric, self.id, self.watts, slot);
                    let part = allowance.horizons(horizon) * drawn / allowance.whole;
                    file.entry(&column, format_args!("F_{metric:?}_{number}"), -part)?;
                }
            }
        }
        Ok(())
    }
}

/// Which charge a column stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Charge {
    /// The part of `k = n_before + y`: not where only what stays is counted.
    Transition,
    /// What stays, where nothing but that is counted.
    Staying,
    /// A job, which is charged while it runs; it does not run where anything is over.
    Running,
}

impl Charge {
    /// Whether it counts in a row of a slot, which may be one above whose limit things are before the first.
    fn counts(self, slot: usize, over: bool) -> bool {
        let over = over && slot == 0;
        match self {
            Self::Transition => !over,
            Self::Staying => over,
            Self::Running => true,
        }
    }
}

/// A place of a deployment.
pub(super) struct Place<'w> {
    pub load: Load<'w>,
    /// Index of the variant.
    pub number: usize,
    pub variant: &'w Variant,
    pub committed: u32,
    /// The first slot in which nothing may grow.
    pub past_offer: usize,
}

/// The places that law, distance and hardware allow.
pub(super) fn places<'w>(index: &Index<'w>, deployment: &'w Deployment) -> Vec<Place<'w>> {
    let mut places = Vec::new();
    for (site, (id, what)) in index.sites.iter().enumerate() {
        let law = &deployment.jurisdictions;
        if !(law.is_empty() || law.contains(&what.jurisdiction)) || !near(deployment, what) {
            continue;
        }
        let past_offer = index.past_offer(what);
        for (number, variant) in deployment.variants.iter().enumerate() {
            let only = variant.only_at.as_ref();
            let Some(pool) = index.pool_number(id, &variant.product) else {
                continue;
            };
            let here = only.is_none_or(|sites| sites.contains(*id));
            if !here || variant.tokens_per_second.0 <= 0.0 {
                continue;
            }
            let held = deployment.committed.get(*id);
            let held = held.and_then(|variants| variants.get(&variant.name));
            places.push(Place {
                load: Load {
                    site,
                    id,
                    pool,
                    tenant: &deployment.tenant,
                    size: variant.accelerators,
                    count: 1,
                    watts: variant.watts,
                },
                number,
                variant,
                committed: held.map_or(0, |held| held.replicas),
                past_offer,
            });
        }
    }
    places
}

/// Whether a site suits all origins, or one of them where shares say how much comes from each.
fn near(deployment: &Deployment, site: &commonwatt_fleet::Site) -> bool {
    let mut origins = deployment.origins.iter();
    let close = |(origin, most): (&_, &u32)| {
        let declared = site.latencies.get(origin);
        declared.is_some_and(|declared| declared <= most)
    };
    if deployment.origin_shares.is_empty() {
        origins.all(close)
    } else {
        origins.any(close)
    }
}
