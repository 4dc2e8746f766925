//! Where sites are: a table of places with what power costs and emits there, how warm it is, and how far they are from
//! each other. Levels are of the order of published ones (day-ahead prices, grid averages, summer climate, AWARE factors).

/// Where requests come from.
pub(crate) const ORIGINS: [&str; 6] = [
    "us-east",
    "us-west",
    "europe",
    "asia-south",
    "asia-east",
    "latin",
];

/// The 95th percentile of latency between them, milliseconds.
const DISTANCE: [[u32; 6]; 6] = [
    [25, 75, 95, 220, 180, 130],
    [75, 25, 150, 200, 120, 180],
    [95, 150, 30, 140, 230, 200],
    [220, 200, 140, 40, 90, 320],
    [180, 120, 230, 90, 30, 270],
    [130, 180, 200, 320, 270, 30],
];

/// How a value goes over the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Low at noon, high in the evening.
    Solar,
    /// Two peaks, low at night.
    Thermal,
    /// Nearly flat.
    Hydro,
    /// Flat, but for weather.
    Wind,
}

impl Shape {
    /// The factor on the level in an hour of local time; its mean over the day is near 1.
    pub(crate) fn at(self, hour: usize) -> f64 {
        const SOLAR: [u8; 24] = [
            110, 105, 102, 100, 102, 108, 112, 100, 80, 62, 52, 48, 46, 48, 54, 66, 88, 122, 165,
            180, 165, 142, 125, 115,
        ];
        const THERMAL: [u8; 24] = [
            78, 74, 72, 71, 73, 80, 95, 112, 118, 114, 108, 105, 103, 102, 102, 104, 112, 124, 132,
            128, 116, 104, 92, 84,
        ];
        const HYDRO: [u8; 24] = [
            94, 93, 92, 92, 93, 95, 99, 103, 105, 104, 103, 102, 101, 101, 101, 102, 104, 106, 107,
            106, 103, 100, 97, 95,
        ];
        let table = match self {
            Self::Solar => &SOLAR,
            Self::Thermal => &THERMAL,
            Self::Hydro => &HYDRO,
            Self::Wind => return 1.0,
        };
        f64::from(table[hour % 24]) / 100.0
    }

    /// How much weather moves the value: the standard deviation of its factor.
    pub(crate) fn weather(self) -> f64 {
        match self {
            Self::Solar => 0.10,
            Self::Thermal => 0.06,
            Self::Hydro => 0.03,
            Self::Wind => 0.28,
        }
    }
}

/// The part of its peak that demand has in an hour of local time.
pub(crate) fn demand_at(hour: usize) -> f64 {
    const DEMAND: [u8; 24] = [
        66, 61, 58, 56, 56, 59, 65, 74, 84, 92, 97, 99, 98, 98, 100, 100, 98, 95, 92, 90, 87, 82,
        76, 71,
    ];
    f64::from(DEMAND[hour % 24]) / 100.0
}

/// How far an hour of local time is from the day's mean temperature: −1 before dawn, 1 in the afternoon.
pub(crate) fn warmth_at(hour: usize) -> f64 {
    const WARMTH: [i8; 24] = [
        -60, -70, -80, -90, -98, -100, -85, -55, -20, 15, 45, 70, 88, 97, 100, 98, 90, 72, 48, 20,
        -5, -22, -38, -50,
    ];
    f64::from(WARMTH[hour % 24]) / 100.0
}

/// One place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metro {
    pub name: &'static str,
    pub jurisdiction: &'static str,
    /// Index into [`ORIGINS`].
    pub region: usize,
    /// Milliseconds from the region's middle.
    pub aside: u32,
    /// Hours that local time is ahead of UTC in summer.
    pub ahead: i64,
    pub price: f64,
    pub carbon: f64,
    pub shape: Shape,
    /// Mean of a summer day, degrees Celsius, and its distance to the afternoon's.
    pub celsius: (f64, f64),
    /// AWARE factor of the basin.
    pub scarcity: f64,
}

const fn metro(
    (name, jurisdiction, region, aside): (&'static str, &'static str, usize, u32),
    ahead: i64,
    (price, carbon, shape): (f64, f64, Shape),
    celsius: (f64, f64),
    scarcity: f64,
) -> Metro {
    Metro {
        name,
        jurisdiction,
        region,
        aside,
        ahead,
        price,
        carbon,
        shape,
        celsius,
        scarcity,
    }
}

use Shape::{Hydro, Solar, Thermal, Wind};

/// The places, in the order in which a fleet grows over them.
pub(crate) const METROS: [Metro; 25] = [
    metro(
        ("virginia", "US", 0, 0),
        -4,
        (0.078, 370.0, Thermal),
        (24.0, 6.0),
        1.3,
    ),
    metro(
        ("frankfurt", "DE", 2, 0),
        2,
        (0.118, 350.0, Solar),
        (20.0, 6.0),
        1.4,
    ),
    metro(
        ("oregon", "US", 1, 5),
        -7,
        (0.060, 140.0, Hydro),
        (20.0, 8.0),
        2.5,
    ),
    metro(
        ("stockholm", "SE", 2, 12),
        2,
        (0.042, 25.0, Hydro),
        (16.0, 5.0),
        0.4,
    ),
    metro(
        ("tokyo", "JP", 4, 0),
        9,
        (0.170, 470.0, Solar),
        (25.0, 4.0),
        0.8,
    ),
    metro(
        ("texas", "US", 0, 18),
        -5,
        (0.055, 390.0, Solar),
        (30.0, 7.0),
        8.0,
    ),
    metro(
        ("paris", "FR", 2, 4),
        2,
        (0.088, 45.0, Hydro),
        (20.0, 6.0),
        1.8,
    ),
    metro(
        ("mumbai", "IN", 3, 0),
        5,
        (0.088, 700.0, Thermal),
        (29.0, 3.0),
        12.0,
    ),
    metro(
        ("quebec", "CA", 0, 8),
        -4,
        (0.035, 25.0, Hydro),
        (19.0, 6.0),
        0.5,
    ),
    metro(
        ("dublin", "IE", 2, 10),
        1,
        (0.140, 300.0, Wind),
        (15.0, 3.0),
        0.4,
    ),
    metro(
        ("california", "US", 1, 0),
        -7,
        (0.130, 240.0, Solar),
        (23.0, 8.0),
        22.0,
    ),
    metro(
        ("saopaulo", "BR", 5, 0),
        -3,
        (0.070, 90.0, Hydro),
        (17.0, 5.0),
        1.1,
    ),
    metro(
        ("iowa", "US", 0, 15),
        -5,
        (0.050, 330.0, Wind),
        (23.0, 7.0),
        1.6,
    ),
    metro(
        ("madrid", "ES", 2, 14),
        2,
        (0.072, 140.0, Solar),
        (27.0, 8.0),
        35.0,
    ),
    metro(
        ("sydney", "AU", 3, 60),
        10,
        (0.092, 600.0, Solar),
        (13.0, 5.0),
        4.0,
    ),
    metro(
        ("london", "GB", 2, 2),
        1,
        (0.128, 170.0, Wind),
        (18.0, 5.0),
        1.2,
    ),
    metro(
        ("arizona", "US", 1, 9),
        -7,
        (0.080, 350.0, Solar),
        (36.0, 7.0),
        45.0,
    ),
    metro(
        ("warsaw", "PL", 2, 12),
        2,
        (0.132, 680.0, Thermal),
        (19.0, 6.0),
        1.5,
    ),
    metro(
        ("singapore", "SG", 3, 15),
        8,
        (0.160, 480.0, Thermal),
        (28.0, 3.0),
        0.9,
    ),
    metro(
        ("ohio", "US", 0, 6),
        -4,
        (0.066, 480.0, Thermal),
        (23.0, 6.0),
        0.9,
    ),
    metro(
        ("helsinki", "FI", 2, 15),
        3,
        (0.045, 60.0, Wind),
        (17.0, 5.0),
        0.4,
    ),
    metro(
        ("osaka", "JP", 4, 4),
        9,
        (0.155, 430.0, Solar),
        (26.0, 4.0),
        0.9,
    ),
    metro(
        ("amsterdam", "NL", 2, 2),
        2,
        (0.112, 280.0, Solar),
        (18.0, 4.0),
        0.9,
    ),
    metro(
        ("ontario", "CA", 0, 8),
        -4,
        (0.062, 60.0, Hydro),
        (21.0, 6.0),
        0.6,
    ),
    metro(
        ("hyderabad", "IN", 3, 8),
        5,
        (0.080, 720.0, Thermal),
        (28.0, 4.0),
        20.0,
    ),
];

/// Jurisdictions that data may move between.
const UNIONS: [&[&str]; 3] = [
    &["DE", "ES", "FI", "FR", "IE", "NL", "PL", "SE"],
    &["CA", "US"],
    &["AU", "JP", "SG"],
];

/// The jurisdictions that a rule at home allows.
pub(crate) fn union_of(jurisdiction: &'static str) -> Vec<&'static str> {
    UNIONS
        .iter()
        .find(|union| union.contains(&jurisdiction))
        .map_or_else(|| vec![jurisdiction], |union| union.to_vec())
}

impl Metro {
    /// Latency from an origin, milliseconds.
    pub(crate) fn latency_from(&self, origin: usize) -> u32 {
        DISTANCE[origin][self.region] + self.aside
    }

    /// The hour of local time in a slot of a horizon that begins at an hour UTC.
    pub(crate) fn local_hour(&self, utc: usize) -> usize {
        (utc as i64 + self.ahead).rem_euclid(24) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_change_when_and_not_how_much() {
        for shape in [Solar, Thermal, Hydro, Wind] {
            let mean = (0..24).map(|hour| shape.at(hour)).sum::<f64>() / 24.0;
            assert!((mean - 1.0).abs() < 0.03, "{shape:?}: {mean}");
        }
    }

    #[test]
    fn distances_are_the_same_in_both_directions() {
        for (from, row) in DISTANCE.iter().enumerate() {
            for (to, distance) in row.iter().enumerate() {
                assert_eq!(*distance, DISTANCE[to][from]);
            }
        }
    }
}
