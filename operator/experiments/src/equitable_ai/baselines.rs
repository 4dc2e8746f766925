//! Policies that look at one hour at a time and fill the data centers in the order of a price.

use super::trace::{Site, Trace, Use};
use super::{CARBON_WEIGHT, WATER_WEIGHT};

/// A baseline: its name, what it is, what it used.
pub(super) type Baseline = (&'static str, &'static str, Use);

/// All of them.
pub(super) fn all(trace: &Trace) -> Vec<Baseline> {
    let count = trace.sites.len() as f64;
    let (carbon, water) = (CARBON_WEIGHT / count, WATER_WEIGHT / count);
    let by = |weights: [f64; 3]| {
        fill(trace, |site, hour| {
            weights[0] * site.price[hour]
                + weights[1] * site.carbon[hour]
                + weights[2] * site.water[hour]
        })
    };
    vec![
        (
            "cheapest",
            "fills the cheapest data centers first",
            by([1.0, 0.0, 0.0]),
        ),
        (
            "cost and carbon",
            "the same, with the mean data center's carbon priced",
            by([1.0, carbon, 0.0]),
        ),
        (
            "total cost",
            "the same, with carbon and water of the mean data center priced",
            by([1.0, carbon, water]),
        ),
        (
            "cleanest",
            "fills the data centers with the least carbon first",
            by([0.0, 1.0, 0.0]),
        ),
        (
            "online dual",
            "prices follow what each has borne: Hedge with its step for 457 rounds",
            dual(trace, 1.0),
        ),
        (
            "online dual, best step",
            "the same with the step that was best in hindsight",
            best_dual(trace),
        ),
    ]
}

fn fill(trace: &Trace, price: impl Fn(&Site, usize) -> f64) -> Use {
    let mut used = Use::nothing(trace.sites.len());
    for hour in 0..trace.hours() {
        let prices: Vec<_> = trace.sites.iter().map(|site| price(site, hour)).collect();
        used.add(trace, hour, &filled(&prices, trace.load[hour]));
    }
    used
}

/// Megawatts by data center, the cheapest full first.
fn filled(prices: &[f64], load: f64) -> Vec<f64> {
    let mut order: Vec<_> = (0..prices.len()).collect();
    order.sort_by(|a, b| prices[*a].total_cmp(&prices[*b]).then(a.cmp(b)));
    let mut served = vec![0.0; prices.len()];
    let mut left = load;
    for site in order {
        served[site] = left.clamp(0.0, 1.0);
        left -= served[site];
    }
    served
}

/// The step in hindsight, of a grid of ratios to Hedge's.
fn best_dual(trace: &Trace) -> Use {
    let steps = (-8..=16).map(|power| 2_f64.powf(f64::from(power) / 2.0));
    let of = steps.map(|step| dual(trace, step));
    of.min_by(|a, b| a.objective().total_cmp(&b.objective()))
        .unwrap_or_default()
}

/// The two maxima as prices that each data center's burden sets: a weight is shared out in proportion to `exp(η · use)`, use in
/// multiples of the most an hour has brought so far and `η = step · √(8 ln n / T)` (Hedge: Cesa-Bianchi and Lugosi,
/// "Prediction, Learning, and Games", 2006, theorem 2.2).
fn dual(trace: &Trace, step: f64) -> Use {
    let (count, hours) = (trace.sites.len() as f64, trace.hours() as f64);
    let rate = step * (8.0 * count.ln() / hours).sqrt();
    let mut used = Use::nothing(trace.sites.len());
    let (mut most_carbon, mut most_water) = (f64::MIN_POSITIVE, f64::MIN_POSITIVE);
    for hour in 0..trace.hours() {
        let highest = |of: fn(&Site) -> &Vec<f64>, most: f64| {
            trace
                .sites
                .iter()
                .map(|site| of(site)[hour])
                .fold(most, f64::max)
        };
        most_carbon = highest(|site| &site.carbon, most_carbon);
        most_water = highest(|site| &site.water, most_water);
        let carbon = shared_out(CARBON_WEIGHT, &used.carbon, rate / most_carbon);
        let water = shared_out(WATER_WEIGHT, &used.water, rate / most_water);
        let price = |(index, site): (usize, &Site)| {
            site.price[hour] + carbon[index] * site.carbon[hour] + water[index] * site.water[hour]
        };
        let prices: Vec<_> = trace.sites.iter().enumerate().map(price).collect();
        used.add(trace, hour, &filled(&prices, trace.load[hour]));
    }
    used
}

fn shared_out(weight: f64, used: &[f64], rate: f64) -> Vec<f64> {
    let most = used.iter().copied().fold(0.0, f64::max);
    let parts: Vec<_> = used
        .iter()
        .map(|used| (rate * (used - most)).exp())
        .collect();
    let all: f64 = parts.iter().sum();
    parts.iter().map(|part| weight * part / all).collect()
}
