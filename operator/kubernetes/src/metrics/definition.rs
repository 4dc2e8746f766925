//! What a metric is, said once: the scrape, the reference page and the dashboards all come from it.

/// How a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Goes up and down.
    Gauge,
    /// Only goes up, until the process starts anew.
    Counter,
    /// How often something took how long.
    Histogram,
}

impl Type {
    /// As Prometheus calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric without its series.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its name as one asks for it, with the unit and, for counters, `_total`.
    pub name: &'static str,
    /// How it counts.
    pub type_: Type,
    /// The unit in words; empty for plain numbers.
    pub unit: &'static str,
    /// Names of its labels, in order.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

/// A gauge with `N` labels: whoever sets it gives as many values.
#[derive(Debug)]
pub struct Gauge<const N: usize>(pub Definition);

/// A counter with `N` labels.
#[derive(Debug)]
pub struct Counter<const N: usize>(pub Definition);

/// A histogram of seconds with `N` labels.
#[derive(Debug)]
pub struct Histogram<const N: usize>(pub Definition);

/// A table of metrics of one type: constants of their own, and all in a list.
macro_rules! table {
    ($type:ident, $list:ident; $($constant:ident = $name:literal $unit:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: $type<{ <[&str]>::len(&[$($label),*]) }> = $type(Definition {
                name: concat!("commonwatt_", $name),
                type_: Type::$type,
                unit: $unit,
                labels: &[$($label),*],
                help: $help,
            });
        )*
        /// All of them, in order.
        pub const $list: &[Definition] = &[$($constant.0),*];
    };
}

pub(super) use table;
