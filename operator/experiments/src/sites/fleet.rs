//! The fleet that is declared over the data: what each site has and may draw, what is served from where, and within what.
//!
//! Sites are all alike but for where they lie, and every second one has newer accelerators too. What is assumed rather than
//! measured is said here and in the notes of the outcome.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use commonwatt_fleet::Watts;

/// A grid zone with one site in it.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: &'static str,
    /// Degrees, where its weather is measured.
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

const fn zone(name: &'static str, latitude: f64, longitude: f64) -> Zone {
    Zone {
        name,
        latitude,
        longitude,
    }
}

/// All zones that prices, carbon and weather are known of.
pub(super) const ZONES: [Zone; 16] = [
    zone("AU-NSW", -33.8, 151.2),
    zone("AU-VIC", -37.8, 144.9),
    zone("BR-SP", -23.5, -46.6),
    zone("CA-ON", 43.7, -79.4),
    zone("CL-SIC", -33.4, -70.6),
    zone("DE-LU", 50.1, 8.7),
    zone("GB", 51.5, -0.2),
    zone("IN-WE", 19.1, 72.9),
    zone("JP-TK", 35.7, 139.8),
    zone("KR", 37.6, 127.0),
    zone("SG", 1.3, 103.9),
    zone("US-CAL-CISO", 37.4, -122.0),
    zone("US-MIDA-PJM", 40.0, -75.2),
    zone("US-NY-NYIS", 40.7, -74.0),
    zone("US-TEX-ERCO", 32.8, -96.8),
    zone("ZA", -26.2, 28.0),
];

impl Zone {
    /// Round trip in milliseconds: light in fibre over a path 1.3 times as long as the great circle, and 5 ms for what is
    /// not distance.
    pub(super) fn milliseconds_to(&self, other: &Self) -> u32 {
        const KILOMETERS_PER_MILLISECOND: f64 = 200.0;
        let there_and_back = 2.0 * 1.3 * self.kilometers_to(other);
        (5.0 + there_and_back / KILOMETERS_PER_MILLISECOND).round() as u32
    }

    /// The great circle, by the haversine formula.
    fn kilometers_to(&self, other: &Self) -> f64 {
        const EARTH_DIAMETER: f64 = 12_742.0;
        let half_sine = |a: f64, b: f64| ((a - b).to_radians() / 2.0).sin().powi(2);
        let across = self.latitude.to_radians().cos() * other.latitude.to_radians().cos();
        let chord = half_sine(self.latitude, other.latitude)
            + across * half_sine(self.longitude, other.longitude);
        EARTH_DIAMETER * chord.sqrt().asin()
    }

    /// The hour of the day by the sun.
    pub(super) fn hour_of_day(&self, at: DateTime<Utc>) -> usize {
        let solar = at + TimeDelta::hours((self.longitude / 15.0).round() as i64);
        solar.hour() as usize
    }
}

/// Accelerators of a node.
pub(super) const NODE: u32 = 8;

/// An accelerator product, and how many nodes of it a site has.
#[derive(Debug)]
pub(super) struct Hardware {
    pub(super) product: &'static str,
    pub(super) nodes: u32,
    /// What it draws at most.
    pub(super) watts: Watts,
    /// At every which site.
    pub(super) every: usize,
}

pub(super) const HARDWARE: [Hardware; 2] = [
    Hardware {
        product: "H100",
        nodes: 4,
        watts: Watts(700),
        every: 1,
    },
    Hardware {
        product: "B200",
        nodes: 2,
        watts: Watts(1000),
        every: 2,
    },
];

/// What a site has of a product.
pub(super) fn hardware_at(site: usize) -> impl Iterator<Item = &'static Hardware> {
    HARDWARE
        .iter()
        .filter(move |hardware| site.is_multiple_of(hardware.every))
}

/// What all accelerators of a site draw at most.
pub(super) fn rated(site: usize) -> Watts {
    Watts(
        hardware_at(site)
            .map(|of| of.watts.times(of.nodes * NODE).0)
            .sum(),
    )
}

/// What a site may draw: three quarters of its rating, and three fifths in the evening, when its feeder is needed elsewhere.
pub(super) fn limit(site: usize, hour_of_day: usize) -> (Watts, &'static str) {
    let rated = rated(site).0;
    if (17..20).contains(&hour_of_day) {
        (Watts(rated * 3 / 5), "gridevent/evening")
    } else {
        (Watts(rated * 3 / 4), "powerbudget/feeder")
    }
}

/// Litres that a site may use in so many hours: 1.8 for each kilowatt-hour of its rating, what a site that draws half of it uses
/// at a wet-bulb of 13 °C.
pub(super) fn water_budget(site: usize, hours: usize) -> f64 {
    1.8 * rated(site).0 as f64 / 1000.0 * hours as f64
}

/// Facility energy over IT energy: 1.12 with free cooling up to a wet-bulb of 12 °C, and a hundredth more for each degree above.
pub(super) fn pue(wet_bulb: f64) -> f64 {
    1.12 + 0.01 * (wet_bulb - 12.0).max(0.0)
}

/// Litres per kilowatt-hour of IT energy of a cooling tower at a wet-bulb, in cycles of concentration: Islam, Ren, Quan, Shakir
/// and Vasilakos, "Water-Constrained Geographic Load Balancing in Data Centers", IEEE Trans. Cloud Computing 5 (2017), with the
/// floor and the six cycles of the eGLB code.
pub(super) fn wue(wet_bulb: f64) -> f64 {
    const CYCLES: f64 = 6.0;
    let t = wet_bulb * 1.8 + 32.0;
    let evaporated = 6e-5 * t.powi(3) - 0.01 * t * t + 0.61 * t - 10.4;
    (CYCLES / (CYCLES - 1.0) * evaporated).max(0.05)
}

/// A way to serve a model: product, accelerators of a replica, its tokens per second and watts.
pub(super) type Way = (&'static str, u32, f64, i64);

/// A kind of service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    /// Tokens per second of each deployment, in the mean of the day.
    pub(super) mean_tokens: f64,
    /// The most latency its users bear, milliseconds.
    pub(super) latency: u32,
    /// At how many sites it must run.
    pub(super) minimum_sites: u32,
    /// It has users at every which site, from which on.
    pub(super) homes: (usize, usize),
    /// Measured by ML.ENERGY (v3, chat; code: fill in the middle; 128 sequences at once), accelerators alone.
    pub(super) ways: [Way; 2],
}

impl Service {
    /// Whether a site has users of it.
    pub(super) fn is_used_at(&self, site: usize) -> bool {
        site % self.homes.0 == self.homes.1
    }
}

/// In the order of the traces of [`super::trace`].
pub(super) const SERVICES: [Service; 3] = [
    // Qwen 3 Coder 30B A3B.
    Service {
        name: "code",
        mean_tokens: 20_000.0,
        latency: 100,
        minimum_sites: 1,
        homes: (8, 0),
        ways: [("B200", 1, 4117.0, 841), ("H100", 2, 3582.0, 1163)],
    },
    // Llama 3.1 70B.
    Service {
        name: "chat",
        mean_tokens: 20_000.0,
        latency: 180,
        minimum_sites: 2,
        homes: (4, 1),
        ways: [("B200", 2, 3978.0, 1913), ("H100", 4, 3876.0, 2184)],
    },
    // Qwen 3 235B A22B in 8 bits.
    Service {
        name: "long",
        mean_tokens: 15_000.0,
        latency: 400,
        minimum_sites: 1,
        homes: (8, 2),
        ways: [("B200", 2, 2255.0, 1853), ("H100", 8, 2840.0, 3874)],
    },
];

/// Worth of a million tokens, USD: far above what any hour of any site costs.
pub(super) const UNSERVED: f64 = 5.0;
/// What starting a replica, or a job that paused, costs: a quarter of an hour of 2 kW at 0.10 USD.
pub(super) const MOVE_COST: f64 = 0.05;
/// Hours a job may take beyond its work.
pub(super) const SLACK: u32 = 12;
/// Hours until a job's data is at another site than its home.
pub(super) const TRANSFER: i64 = 1;

/// Ways to run a job of so many accelerators, of the older product; half as many of the newer do the same.
pub(super) fn job_ways(accelerators: u32) -> [(&'static str, u32, Watts); 2] {
    [
        ("H100", accelerators, Watts(600).times(accelerators)),
        ("B200", accelerators / 2, Watts(950).times(accelerators / 2)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> &'static Zone {
        ZONES.iter().find(|zone| zone.name == name).expect("a zone")
    }

    #[test]
    fn latency_grows_with_the_great_circle() {
        // London to New York is 5,570 km.
        let kilometers = named("GB").kilometers_to(named("US-NY-NYIS"));
        assert!((kilometers - 5570.0).abs() < 30.0, "{kilometers}");
        assert_eq!(named("GB").milliseconds_to(named("US-NY-NYIS")), 77);
        assert_eq!(named("GB").milliseconds_to(named("GB")), 5);
    }

    #[test]
    fn cooling_takes_more_water_and_energy_where_it_is_warm_and_humid() {
        // 68 °F.
        let at_20 = 1.2 * (6e-5 * 314_432.0 - 0.01 * 4624.0 + 0.61 * 68.0 - 10.4);
        assert!((wue(20.0) - at_20).abs() < 1e-9);
        assert!((wue(-30.0) - 0.05).abs() < 1e-12);
        assert!((pue(20.0) - 1.20).abs() < 1e-12 && (pue(5.0) - 1.12).abs() < 1e-12);
    }

    #[test]
    fn the_evening_comes_with_the_sun() {
        let at: DateTime<Utc> = "2023-07-08T09:30:00Z".parse().expect("a time");
        assert_eq!(named("JP-TK").hour_of_day(at), 18);
        assert!(limit(0, 18).0 < limit(0, 9).0);
    }
}
