//! Why a place was chosen or not, with the numbers a person needs to check it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{CostParts, Liters, Metric, Money, Origin, Product, SiteId, Watts};

/// Why a site does not run a deployment or a job: its first violated limit, or what it would have cost more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason")]
#[serde(rename_all_fields = "camelCase")]
pub enum Rejection {
    /// None of the acceptable accelerators are there.
    NoAccelerator {
        /// What was looked for.
        products: Vec<Product>,
    },
    /// A variant refers to what runs elsewhere and has no template.
    NotOfferedHere,
    /// The law it must stay under.
    Jurisdiction {
        /// The site's.
        site: String,
        /// Those allowed.
        allowed: Vec<String>,
    },
    /// Too far from an origin, or the distance is unknown.
    Latency {
        /// From where.
        origin: Origin,
        /// The most it may be, milliseconds.
        limit: u32,
        /// What the site declares; unknown is not zero.
        declared: Option<u32>,
    },
    /// The offer has run out: the site has not been heard from.
    OfferExpired {
        /// Until when it counted.
        valid_until: DateTime<Utc>,
    },
    /// The site said no to this at its present offer.
    RefusedBySite {
        /// The site's reason.
        site_reason: String,
        /// The site's own words.
        detail: String,
        /// The most it would take.
        most_replicas: u32,
        /// The offer it spoke of.
        offer_revision: i64,
    },
    /// Not enough accelerators, or not enough of them on one node.
    Accelerators {
        /// Which.
        product: Product,
        /// Accelerators that one replica needs on one node.
        need: u32,
        /// Available after what others were given.
        free: u32,
        /// The most on one node.
        largest_node: u32,
    },
    /// The power limit leaves too little in some hour.
    Power {
        /// What one replica needs.
        need: Watts,
        /// What is left under the limit.
        headroom: Watts,
        /// The limit.
        limit: Watts,
        /// Who set it.
        set_by: String,
        /// The first hour in which it binds.
        hour: DateTime<Utc>,
    },
    /// The water budget leaves too little.
    Water {
        /// What one replica would use in the horizon.
        need: Liters,
        /// What is left for the horizon.
        left: Liters,
        /// Who set it.
        set_by: String,
    },
    /// What is left of the pool is kept for others.
    Reserved {
        /// Which accelerators.
        product: Product,
        /// Accelerators that it needs.
        need: u32,
        /// Left beside the reserve after what others were given.
        free: u32,
        /// Kept for others.
        reserved: u32,
        /// Who was promised them.
        set_by: String,
    },
    /// Its tenant holds as much as it may.
    Tenant {
        /// Whose cap.
        tenant: String,
        /// What it needs, in words.
        need: String,
        /// What is left under the cap, in words.
        left: String,
    },
    /// A stock that sites share leaves too little.
    Stock {
        /// What is counted.
        metric: Metric,
        /// What it would use in the horizon, in the metric's unit.
        need: f64,
        /// What is left for the horizon.
        left: f64,
        /// Who set it.
        set_by: String,
    },
    /// It would have been dearer.
    Dearer {
        /// By how much per hour for the same tokens, moving there included.
        per_hour: Money,
        /// By part.
        parts: CostParts,
    },
    /// Cheaper, but the deployment moved not long ago.
    Dwell {
        /// It stays where it is until then.
        until: DateTime<Utc>,
        /// What moving would save per hour.
        saves_per_hour: Money,
    },
    /// Cheaper, but the moves of this hour are spent.
    MoveBudget {
        /// Moves per hour allowed.
        allowed: u32,
        /// What moving would save per hour.
        saves_per_hour: Money,
    },
    /// There is no run of hours before the deadline that fits.
    Deadline {
        /// By when it must be done.
        deadline: DateTime<Utc>,
        /// Slots of work left.
        slots_needed: u32,
        /// Slots that would fit here.
        slots_found: u32,
    },
    /// The job has started at another site and stays there.
    StartedElsewhere {
        /// Where it started.
        at: SiteId,
    },
}

impl Rejection {
    /// Whether more of something would lift it: power, water, accelerators, what a site admits, moves.
    pub fn is_a_limit(&self) -> bool {
        matches!(
            self,
            Self::RefusedBySite { .. }
                | Self::Accelerators { .. }
                | Self::Power { .. }
                | Self::Water { .. }
                | Self::Reserved { .. }
                | Self::Tenant { .. }
                | Self::Stock { .. }
                | Self::MoveBudget { .. }
        )
    }

    /// The reason as one word, for conditions and columns.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoAccelerator { .. } => "NoAccelerator",
            Self::NotOfferedHere => "NotOfferedHere",
            Self::Jurisdiction { .. } => "Jurisdiction",
            Self::Latency { .. } => "Latency",
            Self::OfferExpired { .. } => "OfferExpired",
            Self::RefusedBySite { .. } => "RefusedBySite",
            Self::Accelerators { .. } => "Accelerators",
            Self::Power { .. } => "Power",
            Self::Water { .. } => "Water",
            Self::Reserved { .. } => "Reserved",
            Self::Tenant { .. } => "Tenant",
            Self::Stock { .. } => "Stock",
            Self::Dearer { .. } => "Dearer",
            Self::Dwell { .. } => "Dwell",
            Self::MoveBudget { .. } => "MoveBudget",
            Self::Deadline { .. } => "Deadline",
            Self::StartedElsewhere { .. } => "StartedElsewhere",
        }
    }

    /// The reason in words, with its numbers.
    pub fn detail(&self) -> String {
        let names = |products: &[Product]| {
            products
                .iter()
                .map(Product::as_str)
                .collect::<Vec<_>>()
                .join(" or ")
        };
        match self {
            Self::NoAccelerator { products } => format!("no {} here", names(products)),
            Self::NotOfferedHere => {
                "its variants refer to workloads at other sites and have no template".into()
            }
            Self::Jurisdiction { site, allowed } => {
                format!("in {site}; allowed: {}", allowed.join(", "))
            }
            Self::Latency {
                origin,
                limit,
                declared: Some(declared),
            } => {
                format!("{declared} ms from {origin}, limit {limit} ms")
            }
            Self::Latency {
                origin,
                limit,
                declared: None,
            } => {
                format!(
                    "latency from {origin} is not declared (limit {limit} ms); unknown excludes"
                )
            }
            Self::OfferExpired { valid_until } => {
                format!(
                    "its offer ran out at {}",
                    valid_until.format("%Y-%m-%d %H:%M UTC")
                )
            }
            Self::RefusedBySite {
                site_reason,
                detail,
                most_replicas,
                offer_revision,
            } => format!(
                "the site refused ({site_reason}: {detail}); at most {most_replicas} replicas at offer revision {offer_revision}"
            ),
            Self::Accelerators {
                product,
                need,
                free,
                largest_node,
            } => format!(
                "needs {need} {product} on one node; {free} left in all, at most {largest_node} on one node"
            ),
            Self::Power {
                need,
                headroom,
                limit,
                set_by,
                hour,
            } => format!(
                "needs {need}, {headroom} left of {limit} set by {set_by} at {}",
                hour.format("%m-%d %H:%M UTC")
            ),
            Self::Water { need, left, set_by } => {
                format!("needs {need:.0}, {left:.0} left for the horizon under {set_by}")
            }
            Self::Reserved {
                product,
                need,
                free,
                reserved,
                set_by,
            } => format!(
                "needs {need} {product}, {free} left beside {reserved} reserved by {set_by}"
            ),
            Self::Tenant { tenant, need, left } => {
                format!("needs {need}, {left} left under the cap of tenant {tenant}")
            }
            Self::Stock {
                metric,
                need,
                left,
                set_by,
            } => format!(
                "needs {}, {} left for the horizon under {set_by}",
                metric.amount(*need),
                metric.amount(*left)
            ),
            Self::Dearer { per_hour, parts } => {
                format!("dearer by {:.2}/h ({})", per_hour.0, describe(parts))
            }
            Self::Dwell {
                until,
                saves_per_hour,
            } => format!(
                "would save {:.2}/h, but it moved recently and stays until {}",
                saves_per_hour.0,
                until.format("%m-%d %H:%M UTC")
            ),
            Self::MoveBudget {
                allowed,
                saves_per_hour,
            } => format!(
                "would save {:.2}/h, but this hour's {allowed} moves are spent",
                saves_per_hour.0
            ),
            Self::Deadline {
                deadline,
                slots_needed,
                slots_found,
            } => format!(
                "{slots_found} of {slots_needed} hours fit before {}",
                deadline.format("%Y-%m-%d %H:%M UTC")
            ),
            Self::StartedElsewhere { at } => format!("it has started at {at} and stays there"),
        }
    }
}

/// The parts of a cost that are not nothing, with their signs.
pub fn describe(parts: &CostParts) -> String {
    let named = parts.named();
    let text: Vec<_> = named
        .iter()
        .filter(|(_, money)| money.0.abs() >= 0.005)
        .map(|(name, money)| format!("{name} {:+.2}", money.0))
        .collect();
    if text.is_empty() {
        "no difference above 0.005".into()
    } else {
        text.join(", ")
    }
}

/// Why a site runs a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason")]
#[serde(rename_all_fields = "camelCase")]
pub enum Choice {
    /// The cheapest way to serve it here and now, and how much dearer the next place would be.
    Cheapest {
        /// The next best site and what it costs more per hour; none if there is no other.
        runner_up: Option<(String, Money)>,
    },
    /// It stays: another place would be cheaper by less than a move costs.
    Stays {
        /// The best other place and what it would save per hour before the cost of moving.
        instead_of: Option<(String, Money)>,
    },
    /// It is here because it must run at several sites.
    MinimumSites {
        /// How many.
        sites: u32,
    },
    /// The cheaper sites were full: what bound there.
    OthersFull {
        /// Cheaper sites and the reasons that bound there.
        full: Vec<(String, String)>,
    },
}

impl Choice {
    /// The reason as one word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Cheapest { .. } => "Cheapest",
            Self::Stays { .. } => "Stays",
            Self::MinimumSites { .. } => "MinimumSites",
            Self::OthersFull { .. } => "OthersFull",
        }
    }

    /// The reason in words.
    pub fn detail(&self) -> String {
        match self {
            Self::Cheapest {
                runner_up: Some((site, more)),
            } => {
                format!("cheapest; next is {site} at {:.2}/h more", more.0)
            }
            Self::Cheapest { runner_up: None } => "cheapest, and the only place that fits".into(),
            Self::Stays {
                instead_of: Some((site, saves)),
            } => {
                format!(
                    "stays: {site} would save {:.2}/h, less than moving costs",
                    saves.0
                )
            }
            Self::Stays { instead_of: None } => "stays: nothing is cheaper".into(),
            Self::MinimumSites { sites } => {
                format!("one of at least {sites} sites that it must run at")
            }
            Self::OthersFull { full } => {
                let text: Vec<_> = full
                    .iter()
                    .map(|(site, why)| format!("{site} ({why})"))
                    .collect();
                format!(
                    "cheapest place with room; cheaper but full: {}",
                    text.join(", ")
                )
            }
        }
    }
}
