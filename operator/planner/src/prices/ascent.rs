//! Raising prices where more is asked for than there is.
//!
//! Entropic ascent on the smoothed dual: every deployment spreads over its places at a temperature, each row's price rises by
//! the logarithm of what is asked over what there is, and the temperature falls. A row's step grows while its sign lasts
//! and shrinks when it turns. Prices that share a sum (peaks, fairness) take it from the least loaded and give it
//! to the most, multiplicatively.

use super::Prices;
use super::market::Market;
use super::rows::{Kind, PriceRows};
use super::seats::Bidders;
use crate::rows::Rows;

/// How the temperature falls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cooling {
    pub from: f64,
    pub to: f64,
    pub steps: usize,
    /// Steps at the last temperature, over which prices are averaged.
    pub hold: usize,
}

/// First rate at which shares of a sum go to those that are loaded most.
const EAGERNESS: f64 = 4.0;

/// From nothing.
pub(crate) const COLD: Cooling = Cooling {
    from: 0.3,
    to: 0.001,
    steps: 90,
    hold: 20,
};
/// Where far more is asked for than there is.
pub(crate) const SCARCE: Cooling = Cooling {
    from: 3.0,
    to: 0.001,
    steps: 200,
    hold: 30,
};
/// Factor over which demand beyond capacity makes a fleet scarce.
const FAR_MORE: f64 = 1.15;

/// Prices for a world, from `start` or from nothing.
pub(crate) fn find(rows: &Rows<'_>, priced: &PriceRows, bidders: &Bidders) -> Prices {
    let market = Market::new(rows, priced, bidders);
    let mut ascent = Ascent::new(&market);
    let first = market.usage(&ascent.prices, 1e-3);
    ascent.scales = market.scales(&first.0);
    let asked = market.asked(&first.0);
    let worst = market.worst(&asked);
    if worst <= 1.0 && priced.simplexes.is_empty() {
        return ascent.prices;
    }
    let cooling = if market.total_load(&first.0) > FAR_MORE {
        SCARCE
    } else {
        COLD
    };
    ascent.run(&market, cooling);
    ascent.best()
}

/// Prices on their way.
struct Ascent {
    prices: Prices,
    scales: Vec<f64>,
    /// Step by price, and the sign of the last one.
    eager: Vec<(f64, f64)>,
    best: (f64, Prices),
    steps: usize,
}

/// The mean of prices on their way.
#[derive(Default)]
struct Average {
    sums: Vec<f64>,
    count: usize,
}

impl Average {
    fn add(&mut self, prices: &Prices) {
        self.sums.resize(prices.0.len(), 0.0);
        self.sums
            .iter_mut()
            .zip(&prices.0)
            .for_each(|(sum, price)| *sum += price);
        self.count += 1;
    }

    fn mean(self) -> Prices {
        let count = self.count.max(1) as f64;
        Prices(self.sums.iter().map(|sum| sum / count).collect())
    }
}

impl Ascent {
    fn new(market: &Market<'_, '_>) -> Self {
        let mut prices = Prices::none(market.priced);
        for (members, most) in &market.priced.simplexes {
            let count: usize = members.iter().map(|row| market.priced.rows[*row].len).sum();
            for row in members {
                let row = &market.priced.rows[*row];
                // The rest of the sum stays with nobody: the month's peak so far.
                prices.0[row.base..row.base + row.len].fill(most / (count as f64 + 1.0));
            }
        }
        Self {
            eager: vec![(1.0, 0.0); market.priced.len],
            scales: Vec::new(),
            best: (f64::NEG_INFINITY, prices.clone()),
            steps: 0,
            prices,
        }
    }

    fn run(&mut self, market: &Market<'_, '_>, cooling: Cooling) {
        let factor = (cooling.to / cooling.from).powf(1.0 / cooling.steps.max(1) as f64);
        let mut temperature = cooling.from;
        let mut averages = [Average::default(), Average::default()];
        for step in 0..cooling.steps + cooling.hold {
            let (usage, value) = market.usage(&self.prices, temperature);
            if value > self.best.0 {
                self.best = (value, self.prices.clone());
            }
            let asked = market.asked(&usage);
            self.raise(market, &asked, temperature);
            if step < cooling.steps {
                temperature *= factor;
            }
            for (from, average) in [cooling.steps / 2, cooling.steps]
                .into_iter()
                .zip(&mut averages)
            {
                if step >= from {
                    average.add(&self.prices);
                }
            }
        }
        // What is at rest is best averaged over its last steps, what circles over many.
        for average in averages {
            let mut mean = average.mean();
            market.priced.keep_below_most(&mut mean.0);
            let (_, value) = market.usage(&mean, cooling.to);
            if value > self.best.0 {
                self.best = (value, mean);
            }
        }
    }

    fn best(self) -> Prices {
        self.best.1
    }

    fn raise(&mut self, market: &Market<'_, '_>, asked: &[f64], temperature: f64) {
        for (index, row) in market.priced.rows.iter().enumerate() {
            let scale = self.scales[index];
            if matches!(row.kind, Kind::Fair { .. } | Kind::Peak(_)) {
                continue;
            }
            let owed = match row.kind {
                Kind::Owed { site, which } => {
                    let owed = &market.rows.sites[site].site.obligations[which];
                    Some(owed.shortfall_per_kilowatt_hour.0.max(0.0) * market.rows.hours)
                }
                _ => None,
            };
            for (index, have) in row.capacity.iter().enumerate() {
                let at = row.base + index;
                let asked = asked[at];
                let ratio = if asked <= 0.0 && owed.is_none() {
                    f64::NEG_INFINITY
                } else {
                    (asked.max(1e-9) / have.max(1e-9)).ln()
                };
                let ratio = if owed.is_some() { -ratio } else { ratio };
                let step = self.step(at, ratio, temperature) * scale;
                let most = owed.unwrap_or(f64::INFINITY);
                self.prices.0[at] = (self.prices.0[at] + step).clamp(0.0, most);
            }
        }
        for (members, most) in &market.priced.simplexes {
            self.shift(market, members, *most, asked);
        }
        self.steps += 1;
    }

    /// A row's step in units of its scale.
    fn step(&mut self, at: usize, ratio: f64, temperature: f64) -> f64 {
        let (eager, sign) = &mut self.eager[at];
        let now = ratio.signum();
        if *sign != 0.0 {
            *eager = (*eager * if *sign * now > 0.0 { 1.2 } else { 0.6 }).clamp(0.02, 50.0);
        }
        *sign = now;
        (*eager * ratio * temperature).clamp(-4.0 * temperature, 4.0 * temperature)
    }

    /// Moves a sum of prices to those that are loaded most.
    fn shift(&mut self, market: &Market<'_, '_>, members: &[usize], most: f64, asked: &[f64]) {
        let rows = &market.priced.rows;
        let spots: Vec<usize> = members
            .iter()
            .flat_map(|row| rows[*row].base..rows[*row].base + rows[*row].len)
            .collect();
        let peak = members.iter().find_map(|row| match rows[*row].kind {
            Kind::Peak(_) => rows[*row].capacity.first().copied(),
            _ => None,
        });
        let top = spots
            .iter()
            .map(|at| asked[*at])
            .fold(peak.unwrap_or(0.0), f64::max);
        if top <= 0.0 {
            return;
        }
        let nobody = most - spots.iter().map(|at| self.prices.0[*at]).sum::<f64>();
        let floor = most * 1e-4 / spots.len() as f64;
        // Exponentiated gradient with a rate that falls as 1/√step, as regret bounds ask: Arora, Hazan and Kale (2012).
        let rate = EAGERNESS / ((1 + self.steps) as f64).sqrt();
        let pull = |load: f64| super::response::soft((load - top) / top * rate);
        let mut sum = peak.map_or(0.0, |peak| nobody.max(floor) * pull(peak));
        for at in &spots {
            let price = &mut self.prices.0[*at];
            *price = price.max(floor) * pull(asked[*at]);
            sum += *price;
        }
        for at in spots {
            self.prices.0[at] *= most / sum * (1.0 - 1e-12);
        }
    }
}
