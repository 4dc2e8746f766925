//! Deployments: replicas `n`, starts `y`, tokens not served `z`, flows `x`, sites in use `b`, sites missing `m`, floors `f`.

use std::io;

use commonwatt_fleet::{Deployment, Origin, Plan};

use super::Part;
use super::file::File;
use super::index::{Index, committed};
use super::places::{Charge, Place, places};

/// One deployment's part.
pub(super) struct Serving<'i, 'w> {
    index: &'i Index<'w>,
    number: usize,
    deployment: &'w Deployment,
    places: Vec<Place<'w>>,
    /// Sites of its places.
    sites: Vec<usize>,
    /// Origins whose parts flow to sites; empty where every site suits all.
    origins: Vec<(&'w Origin, f64)>,
    /// Sites that it must run at, where binaries are needed to say so.
    minimum_sites: f64,
    /// Places at sites that owe load which can be shed.
    floors: bool,
    /// It ran somewhere before the first slot.
    ran: bool,
}

impl<'i, 'w> Serving<'i, 'w> {
    pub(super) fn new(index: &'i Index<'w>, number: usize) -> Self {
        let (_, deployment) = index.deployments[number];
        let places = places(index, deployment);
        let mut sites: Vec<_> = places.iter().map(|place| place.load.site).collect();
        sites.dedup();
        let wanted = (deployment.minimum_sites as usize).min(sites.len());
        let floors = sites.iter().any(|site| owes(index, *site));
        Self {
            index,
            number,
            deployment,
            origins: deployment
                .origin_shares
                .iter()
                .map(|(origin, share)| (origin, *share))
                .collect(),
            // One site follows from demand.
            minimum_sites: if wanted > 1 { wanted as f64 } else { 0.0 },
            floors,
            ran: committed(deployment).next().is_some(),
            places,
            sites,
        }
    }

    fn slots(&self) -> std::ops::Range<usize> {
        0..self.index.slots
    }

    fn place(&self, letter: &str, place: &Place<'_>, slot: usize) -> String {
        let (d, s, v) = (self.number, place.load.site, place.number);
        format!("{letter}_{d}_{s}_{v}_{slot}")
    }

    fn at(&self, letter: &str, what: usize, slot: usize) -> String {
        format!("{letter}_{}_{what}_{slot}", self.number)
    }

    fn demand(&self, slot: usize) -> f64 {
        self.deployment.demand_in(slot).0.max(0.0)
    }

    /// Worth of a token per second that is not served for a slot.
    fn unserved(&self) -> f64 {
        let policy = self.index.policy(&self.deployment.policy);
        policy.unserved_per_million_tokens.0 * self.index.hours * 3600.0 / 1e6
    }

    /// What a site that is missing for a slot is worth: as much as if nothing were served.
    fn missing(&self, slot: usize) -> f64 {
        let tokens = self
            .places
            .iter()
            .map(|place| place.variant.tokens_per_second.0);
        self.unserved() * tokens.fold(self.demand(slot), f64::max)
    }

    /// What a plan's missing sites cost.
    pub(super) fn reported(&self, plan: &Plan) -> f64 {
        let id = self.index.deployments[self.number].0;
        let in_use = |site: usize, slot: usize| {
            let mut here = self.places.iter().filter(|place| place.load.site == site);
            here.any(|place| plan.replicas(id, place.load.id, &place.variant.name, slot) > 0)
        };
        self.slots()
            .map(|slot| {
                let used = self.sites.iter().filter(|site| in_use(**site, slot));
                (self.minimum_sites - used.count() as f64).max(0.0) * self.missing(slot)
            })
            .sum()
    }

    /// The most replicas that a site takes by its own word.
    fn refused(&self, site: usize) -> Option<u32> {
        let (id, site) = self.index.sites[site];
        let refusal = self.deployment.refusals.get(id)?;
        (refusal.offer_revision == site.offer_revision).then_some(refusal.most_replicas)
    }

    fn suits(&self, origin: &Origin, site: usize) -> bool {
        let latency = self.index.sites[site].1.latencies.get(origin);
        // An origin that bears anything has a share and no limit.
        match self.deployment.origins.get(origin) {
            Some(most) => latency.is_some_and(|latency| latency <= most),
            None => true,
        }
    }

    fn replicas(&self, file: &mut File<'_>, place: &Place<'w>, slot: usize) -> io::Result<()> {
        let index = self.index;
        let column = self.place("n", place, slot);
        let load = &place.load;
        file.cost(&column, load.cost(index, &self.deployment.policy, slot))?;
        let tokens = place.variant.tokens_per_second.0;
        if self.origins.is_empty() {
            file.entry(&column, format_args!("D_{}_{slot}", self.number), tokens)?;
        } else {
            file.entry(&column, self.at("OC", load.site, slot), tokens)?;
        }
        file.entry(&column, self.place("Y", place, slot), -1.0)?;
        load.charged((index, file), &column, slot, Charge::Staying)?;
        if slot + 1 < index.slots {
            file.entry(&column, self.place("Y", place, slot + 1), 1.0)?;
            load.charged((index, file), &column, slot + 1, Charge::Transition)?;
        }
        load.standing((index, file), &column, slot)?;
        if self.minimum_sites > 0.0 {
            file.entry(&column, self.at("SU", load.site, slot), 1.0)?;
        }
        if self.refused(load.site).is_some() {
            file.entry(&column, self.at("Q", load.site, slot), 1.0)?;
        }
        if self.floors {
            let row = format!("BF_{}_{slot}", self.number);
            if owes(index, load.site) {
                file.entry(&column, self.place("BN", place, slot), 1.0)?;
                shed(index, file, &column, load.site, slot, load.watts.0 as f64)?;
            } else {
                file.entry(&column, row, tokens)?;
            }
        }
        Ok(())
    }

    fn starts(&self, file: &mut File<'_>, place: &Place<'w>, slot: usize) -> io::Result<()> {
        let column = self.place("y", place, slot);
        let cost = if slot == 0 && !self.ran {
            0.0
        } else {
            self.index.policy(&self.deployment.policy).move_cost.0
        };
        file.cost(&column, cost)?;
        file.entry(&column, self.place("Y", place, slot), 1.0)?;
        let to = (self.index, file);
        place.load.charged(to, &column, slot, Charge::Transition)
    }

    fn floor(&self, file: &mut File<'_>, place: &Place<'w>, slot: usize) -> io::Result<()> {
        let column = self.place("f", place, slot);
        file.cost(&column, 0.0)?;
        file.entry(&column, self.place("BN", place, slot), -1.0)?;
        let tokens = place.variant.tokens_per_second.0;
        file.entry(&column, format_args!("BF_{}_{slot}", self.number), tokens)?;
        let watts = -(place.load.watts.0 as f64);
        shed(self.index, file, &column, place.load.site, slot, watts)
    }

    fn owing(&self) -> impl Iterator<Item = &Place<'w>> {
        let floors = self.floors;
        self.places
            .iter()
            .filter(move |place| floors && owes(self.index, place.load.site))
    }
}

impl Part for Serving<'_, '_> {
    fn rows(&self, file: &mut File<'_>) -> io::Result<()> {
        for slot in self.slots() {
            if self.origins.is_empty() {
                file.row('G', format_args!("D_{}_{slot}", self.number))?;
            } else {
                for origin in 0..self.origins.len() {
                    file.row('G', self.at("O", origin, slot))?;
                }
                for site in &self.sites {
                    file.row('G', self.at("OC", *site, slot))?;
                }
            }
            for place in &self.places {
                file.row('G', self.place("Y", place, slot))?;
            }
            if self.minimum_sites > 0.0 {
                file.row('G', format_args!("S_{}_{slot}", self.number))?;
            }
            for site in &self.sites {
                if self.minimum_sites > 0.0 {
                    file.row('G', self.at("SU", *site, slot))?;
                }
                if self.refused(*site).is_some() {
                    file.row('L', self.at("Q", *site, slot))?;
                }
            }
            if self.floors {
                file.row('G', format_args!("BF_{}_{slot}", self.number))?;
            }
            for place in self.owing() {
                file.row('G', self.place("BN", place, slot))?;
            }
        }
        Ok(())
    }

    fn columns(&self, file: &mut File<'_>) -> io::Result<()> {
        file.whole(true)?;
        for slot in self.slots() {
            for place in &self.places {
                self.replicas(file, place, slot)?;
            }
            if self.minimum_sites > 0.0 {
                for site in &self.sites {
                    let column = self.at("b", *site, slot);
                    file.cost(&column, 0.0)?;
                    file.entry(&column, format_args!("S_{}_{slot}", self.number), 1.0)?;
                    file.entry(&column, self.at("SU", *site, slot), -1.0)?;
                }
            }
        }
        file.whole(false)?;
        for slot in self.slots() {
            for place in &self.places {
                self.starts(file, place, slot)?;
            }
            for place in self.owing() {
                self.floor(file, place, slot)?;
            }
            if self.minimum_sites > 0.0 {
                let column = format!("m_{}_{slot}", self.number);
                file.cost(&column, self.missing(slot))?;
                file.entry(&column, format_args!("S_{}_{slot}", self.number), 1.0)?;
            }
            self.unserved_and_flows(file, slot)?;
        }
        Ok(())
    }

    fn right_sides(&self, file: &mut File<'_>) -> io::Result<()> {
        for place in &self.places {
            let held = f64::from(place.committed);
            if self.index.slots > 0 {
                file.right(self.place("Y", place, 0), -held)?;
            }
        }
        for slot in self.slots() {
            let demand = self.demand(slot);
            if self.origins.is_empty() {
                file.right(format_args!("D_{}_{slot}", self.number), demand)?;
            }
            for (origin, (_, share)) in self.origins.iter().enumerate() {
                file.right(self.at("O", origin, slot), demand * share)?;
            }
            if self.minimum_sites > 0.0 {
                let row = format_args!("S_{}_{slot}", self.number);
                file.right(row, self.minimum_sites)?;
            }
            for site in &self.sites {
                if let Some(most) = self.refused(*site) {
                    file.right(self.at("Q", *site, slot), f64::from(most))?;
                }
            }
            if self.floors {
                let floor = self.deployment.floor.0.clamp(0.0, demand);
                file.right(format_args!("BF_{}_{slot}", self.number), floor)?;
            }
        }
        Ok(())
    }

    fn bounds(&self, file: &mut File<'_>) -> io::Result<()> {
        for slot in self.slots() {
            for place in &self.places {
                let most = self.index.pools[place.load.pool].most(place.load.size);
                let most = most.max(f64::from(place.committed));
                file.most(self.place("n", place, slot), most)?;
                if slot >= place.past_offer || slot == 0 && place.load.over(self.index) {
                    file.most(self.place("y", place, slot), 0.0)?;
                }
            }
            if self.minimum_sites > 0.0 {
                for site in &self.sites {
                    file.most(self.at("b", *site, slot), 1.0)?;
                }
            }
        }
        Ok(())
    }
}

impl Serving<'_, '_> {
    fn unserved_and_flows(&self, file: &mut File<'_>, slot: usize) -> io::Result<()> {
        let floor = format!("BF_{}_{slot}", self.number);
        if self.origins.is_empty() {
            let column = format!("z_{}_{slot}", self.number);
            file.cost(&column, self.unserved())?;
            file.entry(&column, format_args!("D_{}_{slot}", self.number), 1.0)?;
            if self.floors {
                file.entry(&column, &floor, 1.0)?;
            }
        }
        for (number, (origin, _)) in self.origins.iter().enumerate() {
            let column = self.at("z", number, slot);
            file.cost(&column, self.unserved())?;
            file.entry(&column, self.at("O", number, slot), 1.0)?;
            if self.floors {
                file.entry(&column, &floor, 1.0)?;
            }
            for site in self.sites.iter().filter(|site| self.suits(origin, **site)) {
                let column = format!("x_{}_{number}_{site}_{slot}", self.number);
                file.cost(&column, 0.0)?;
                file.entry(&column, self.at("O", number, slot), 1.0)?;
                file.entry(&column, self.at("OC", *site, slot), -1.0)?;
            }
        }
        Ok(())
    }
}

/// Whether a site owes load that can be shed.
fn owes(index: &Index<'_>, site: usize) -> bool {
    !index.sites[site].1.obligations.is_empty()
}

/// A column's coefficients in the rows (B) of a site.
pub(super) fn shed(
    index: &Index<'_>,
    file: &mut File<'_>,
    column: &String,
    site: usize,
    slot: usize,
    watts: f64,
) -> io::Result<()> {
    for number in 0..index.sites[site].1.obligations.len() {
        file.entry(
            column,
            format_args!("B_{site}_{number}_{slot}"),
            watts / 1000.0,
        )?;
    }
    Ok(())
}
