//! Accelerators and what models do on them, of the order of published measurements.

/// An accelerator.
pub(crate) struct Accelerator {
    pub product: &'static str,
    /// What one may draw with its share of the host.
    pub rated_watts: i64,
    /// What one costs per hour.
    pub price: f64,
}

/// What pools are made of.
pub(crate) const ACCELERATORS: [Accelerator; 3] = [
    Accelerator {
        product: "NVIDIA-H100-80GB-HBM3",
        rated_watts: 950,
        price: 2.4,
    },
    Accelerator {
        product: "NVIDIA-H200",
        rated_watts: 1000,
        price: 2.9,
    },
    Accelerator {
        product: "NVIDIA-B200",
        rated_watts: 1300,
        price: 4.3,
    },
];

/// How one model runs on one accelerator.
pub(crate) struct Way {
    pub name: &'static str,
    /// Index into [`ACCELERATORS`].
    pub on: usize,
    pub accelerators: u32,
    pub tokens: f64,
    pub watts: f64,
}

const fn way(name: &'static str, on: usize, accelerators: u32, tokens: f64, watts: f64) -> Way {
    Way {
        name,
        on,
        accelerators,
        tokens,
        watts,
    }
}

/// A model: how often it is deployed, and the ways to run it, the preferred one first.
pub(crate) struct Model {
    pub name: &'static str,
    pub weight: f64,
    pub ways: &'static [Way],
}

/// What is deployed.
pub(crate) const MODELS: [Model; 6] = [
    Model {
        name: "dense-8b",
        weight: 3.0,
        ways: &[
            way("h100", 0, 1, 5200.0, 820.0),
            way("h200", 1, 1, 6100.0, 860.0),
            way("b200", 2, 1, 11_000.0, 1180.0),
        ],
    },
    Model {
        name: "dense-32b",
        weight: 2.5,
        ways: &[
            way("h200", 1, 1, 2900.0, 880.0),
            way("h100x2", 0, 2, 4300.0, 1700.0),
            way("b200", 2, 1, 5000.0, 1210.0),
        ],
    },
    Model {
        name: "dense-70b",
        weight: 2.0,
        ways: &[
            way("h100x4", 0, 4, 5400.0, 3300.0),
            way("h200x2", 1, 2, 4100.0, 1760.0),
            way("b200x2", 2, 2, 7600.0, 2440.0),
        ],
    },
    Model {
        name: "mixture-120b",
        weight: 1.5,
        ways: &[
            way("h200", 1, 1, 6300.0, 850.0),
            way("h100x2", 0, 2, 9000.0, 1560.0),
            way("b200", 2, 1, 11_800.0, 1150.0),
        ],
    },
    Model {
        name: "mixture-400b",
        weight: 1.0,
        ways: &[
            way("h100x8", 0, 8, 8800.0, 6600.0),
            way("b200x4", 2, 4, 11_800.0, 4800.0),
            way("h200x8", 1, 8, 12_500.0, 7000.0),
        ],
    },
    Model {
        name: "mixture-671b",
        weight: 0.7,
        ways: &[
            way("h200x8", 1, 8, 14_500.0, 7200.0),
            way("b200x8", 2, 8, 27_000.0, 9800.0),
        ],
    },
];
